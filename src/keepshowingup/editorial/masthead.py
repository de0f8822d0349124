"""Who the letters come from: one row for the whole house."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from keepshowingup.core.address import check_address
from keepshowingup.core.errors import WrongUsage
from keepshowingup.editorial.models import Masthead
from keepshowingup.editorial.wording import (
    fault_in_language,
    fault_in_line,
    fault_in_text,
    fault_in_theme,
    tidy_line,
    tidy_text,
)


def masthead() -> Masthead:
    """The one masthead; made with its defaults when there is none yet."""
    return Masthead.objects.order_by("pk").first() or Masthead.objects.get_or_create(pk=1)[0]


def edit_masthead(
    *,
    name: str | None = None,
    from_name: str | None = None,
    from_address: str | None = None,
    reply_to: str | None = None,
    postal_address: str | None = None,
    language: str | None = None,
    theme: str | None = None,
    encloses_pictures: bool | None = None,
) -> Masthead:
    """Change what is given, keep the rest. Raises :class:`WrongUsage` with what can't stand in a letter's header."""
    given = {
        "name": name,
        "from_name": from_name,
        "from_address": from_address,
        "reply_to": reply_to,
        "postal_address": postal_address,
        "language": language,
        "theme": theme,
    }
    with transaction.atomic():
        row = masthead()
        for field, text in given.items():
            if text is not None:
                setattr(row, field, check_masthead(field, text))
        if encloses_pictures is not None:
            row.encloses_pictures = encloses_pictures
        row.save()
    return row


def check_masthead(field: str, text: str) -> str:
    """One field of the masthead as it is kept. Raises :class:`WrongUsage`.

    The postal address may have several lines; from_address and reply_to are addresses; reply_to may be empty, and so
    may the theme.
    """
    said = field.replace("_", " ")
    column: Any = Masthead._meta.get_field(field)
    limit = column.max_length
    if field == "postal_address":
        text = tidy_text(text)
        fault = fault_in_text(said, text, limit)
    else:
        text = tidy_line(text)
        fault = fault_in_line(said, text, limit, needed=field not in {"reply_to", "theme"})
        fault = fault or (_FAULT_IN[field](text) if field in _FAULT_IN else None)
    if fault:
        raise WrongUsage(fault)
    if field in {"from_address", "reply_to"} and text:
        checked = check_address(text)
        if not checked.ok:
            raise WrongUsage(f"The {said} '{text}' is not an address: {checked.reason}")
        return checked.normalised
    return text


_FAULT_IN = {"language": fault_in_language, "theme": fault_in_theme}


def masthead_obstacles(*, at_terminal: bool = True) -> list[str]:
    """What the masthead lacks before letters may go out, in sentences; pages leave out what takes a terminal."""
    otherwise = ", or with keepshowingup init." if at_terminal else "."
    row = masthead()
    found = []
    if not row.postal_address.strip():
        found.append(
            "The masthead has no postal address, which the law asks for in every letter: "
            f"set it on the Masthead page under /staff/{otherwise}"
        )
    if not check_address(row.from_address).ok:
        found.append(
            "The masthead has no From address that mail can be answered to: "
            f"set it on the Masthead page under /staff/{otherwise}"
        )
    elif settings.PRODUCTION and row.from_address.endswith("@localhost"):
        found.append(
            f"Letters would come from {row.from_address}, which no mailbox accepts: "
            "set an address of your own domain on the Masthead page under /staff/."
        )
    return found
