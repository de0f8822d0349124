"""Licences as they are spoken of: the address of a Creative Commons deed has a short name."""

from __future__ import annotations

import re

LONGEST = 100

_DEED = re.compile(
    r"creativecommons\.org/(licenses|publicdomain)/([a-z-]+)(?:/(\d\.\d))?(?:/([a-z]{2}))?", re.IGNORECASE
)
# Words that say whose it is, and give nobody a right to it.
_ONLY_WHOSE = re.compile(r"(?:copyright|\(c\)|©)|.*all rights reserved", re.IGNORECASE)


def licence_name(said: str) -> str:
    """``CC BY 4.0`` for the address of its deed, else the words that were given, on one line of at most 100 characters.

    Empty for words that only claim a copyright: they are no licence.
    """
    said = " ".join(said.split())
    if deed := _DEED.search(said):
        family, kind, version, country = deed.groups()
        name = {"zero": "CC0", "mark": "Public Domain Mark"}.get(kind.lower(), f"CC {kind.upper()}")
        return " ".join(filter(None, (name, version, (country or "").upper() if family == "licenses" else "")))
    return "" if _ONLY_WHOSE.match(said) else said[:LONGEST]
