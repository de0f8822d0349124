"""The addresses nearly everybody has, told in one look. :mod:`keepshowingup.core.address` decides about all others."""

from __future__ import annotations

import re

# Short enough that no limit of RFC 5321 4.5.3.1 or RFC 1035 2.3.4 can be met: 62 before the @, 60 in a label.
_LONGEST = 64

# A part of what check_address takes. Left out: apostrophes (a spreadsheet may have put one in front), two hyphens
# in a row (they may announce an A-label), endings of more than eight letters ('localhost' is none, and has nine).
# What was read can't be read another way, so nothing here goes back far. Not possessive (++): Python 3.11 has errors
# there before 3.11.5.
_ATOM = r"[A-Za-z0-9!#$%&*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,8}}").fullmatch


def read_plain_address(text: str) -> tuple[str, str] | None:
    """The form an address is kept in and its key, exactly as ``check_address`` has them, at a tenth of the cost.

    None says nothing against an address: it is left to ``check_address``.
    """
    if len(text) > _LONGEST or not _PLAIN(text):
        return None
    key = text.lower()
    if key == text:
        return text, text
    local, _, host = text.rpartition("@")
    return f"{local}@{host.lower()}", key
