"""A person's answer to a letter that says nothing but stop.

Only the whole of what they wrote counts, above what they quote: "stop", not "I can't stop smiling". Anybody may write
anybody's address into From, so it is believed only as far as the public page is: letters rest, and staff look.
"""

from __future__ import annotations

import re

from keepshowingup.outcomes.mail_parts import Mail, header, parse, parts, words_of

#: What people write who want no more letters, without marks and in lower case; courtesies are taken off before.
STOP = frozenset({
    "stop", "stop it", "stop this", "stop these letters", "stop the letters", "stop all letters", "stop writing to me",
    "unsubscribe", "unsubscribe me", "remove me", "take me off", "no more", "no more letters", "no more emails",
    "baja", "dar de baja", "darme de baja", "de baja", "basta", "alto", "parar", "no más", "no mas", "no más cartas",
    "no mas cartas", "no quiero más cartas", "no quiero mas cartas", "no quiero recibir más cartas",
})  # fmt: skip

_COURTESY = re.compile(r"\b(?:please|pls|hello|hi|thanks|thank you|hola|gracias|por favor)\b")
_MARKS = re.compile(r"[^\w\s]+")
_QUOTES = re.compile(r"^(?:>|-{2,}|_{5,}|on .{1,200} wrote:|el .{1,200} escribió:|from:|de:)", re.IGNORECASE)
_ANSWERS = re.compile(r"^\s*(?:(?:re|rv|aw|fwd?|tr)\s*:\s*)+", re.IGNORECASE)
_FEW = 20  # lines that somebody writes themselves


def asks_to_stop(raw: bytes) -> bool:
    """Whether a person's mail says stop and nothing else: in its text, or where that is empty in its subject."""
    mail = parse(raw)
    if mail is None:
        return False
    said = _own_words(mail)
    if not said:
        subject = header(mail, "subject")
        said = "" if _ANSWERS.match(subject) else subject
    return _plain(said) in STOP


def _own_words(mail: Mail) -> str:
    part = next((part for part in parts(mail) if part.get_content_maintype() == "text"), None)
    lines: list[str] = []
    for line in words_of(part).splitlines() if part is not None else ():
        if _QUOTES.match(line.strip()):
            break
        if line.strip():
            lines.append(line.strip())
        if len(lines) > _FEW:
            break
    return " ".join(lines)


def _plain(text: str) -> str:
    return " ".join(_COURTESY.sub(" ", _MARKS.sub(" ", text.lower())).split())
