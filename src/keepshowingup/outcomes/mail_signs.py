"""How to tell who wrote a mail that says nothing about itself: by its sender and its subject."""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# Who writes returned mail, and what they call it. Only then is prose read for recipients.
A_SERVER = _any(
    r"mailer-?daemon",
    r"postmaster",
    r"mail ?delivery",
    r"mail (?:administrator|system)",
    r"system administrator",
    r"delivery subsystem",
    r"\bmmdf\b",
)
A_RETURN = _any(
    r"undeliver",
    r"non-?deliver",
    r"not delivered",
    r"returned mail",
    r"mail delivery",
    r"delivery (?:status|failure|problem|report)",
    r"failure notice",
    r"delivery has failed",
    r"could not (?:be delivered|send)",
    r"warning: (?:message|could)",
    r"delayed mail",
    r"unzustellbar",
    r"non remis",
    r"no entregado",
)

# RFC 3834 section 3.1.5 wants "Auto: " before the subject; these are what people's programs write besides.
AN_ABSENCE = _any(
    r"^\s*auto(?:matic)?[ -]?(?:reply|response|responder|antwort)\b",
    r"^\s*auto:",
    r"^\s*out of (?:the )?office",
    r"^\s*on (?:holiday|vacation)\b",
    r"^\s*(?:i am|i'm) (?:away|out of)",
    r"^\s*away from (?:the|my) (?:office|desk)",
    r"^\s*abwesenheit",
    r"^\s*automatische (?:antwort|beantwortung)",
    r"^\s*r[ée]ponse automatique",
    r"^\s*absence du bureau",
    r"^\s*respuesta autom[áa]tica",
    r"^\s*fuera de la oficina",
    r"^\s*risposta automatica",
    r"^\s*fuori sede",
    r"^\s*automatisch antwoord",
    r"^\s*afwezig",
    r"^\s*resposta autom[áa]tica",
    r"^\s*autosvar",
    r"^\s*automatisk svar",
    r"^\s*(?:自动回复|自動応答|不在)",
)
