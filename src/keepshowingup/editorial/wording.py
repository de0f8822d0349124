"""What may stand in a subject, a title, a key or a body, whoever wrote it: a page, a file, the command line.

The ``fault_in_…`` functions answer with a sentence, or with None when all is well, so that a door can gather
several; the ``tidy_…`` functions give the one form that is kept, so that a text read back from a file is equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from keepshowingup.core.care import Exit, Reached, write_exits
from keepshowingup.core.conditions import Condition, Fact, write_conditions
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.tags import neutral_tag
from keepshowingup.letters.themes import themes

SUBJECT_LENGTH = 200
TITLE_LENGTH = 120
SIGNATURE_LENGTH = 80
KEY_LENGTH = 60
DESCRIPTION_LENGTH = 2000
BODY_LENGTH = 100_000
AUDIENCES = ("self", "family")

#: How a key, a slug and a language tag are written: regular expressions without anchors.
KEY_FORM = r"[A-Za-z0-9_-]+"
LANGUAGE_FORM = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"
LANGUAGE_LENGTH = 10
RULES_LENGTH = 500

_KEY = re.compile(rf"{KEY_FORM}\Z")
_LANGUAGE = re.compile(rf"{LANGUAGE_FORM}\Z")
_LEADING_BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
# Unicode's Bidi_Control characters: they can make a line in an inbox read as something it is not.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_IN_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def tidy_line(text: str) -> str:
    """One line without space around it."""
    return text.strip()


def tidy_text(text: str) -> str:
    """Line feeds only, no empty lines before, no space after."""
    return _LEADING_BLANK_LINES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).rstrip()


def fault_in_line(name: str, text: str, longest: int, *, needed: bool = False) -> str | None:
    """What is wrong with a text of one line, which a header or a title is made of."""
    if needed and not text:
        return f"The {name} is empty."
    if len(text) > longest:
        return f"The {name} has {len(text)} characters; {longest} is the most."
    for character in text:
        if character in _BIDI or unicodedata.category(character) in _NOT_IN_A_LINE:
            return f"The {name} contains the character U+{ord(character):04X}, which can't stand in one line of text."
    return None


def fault_in_text(name: str, text: str, longest: int, *, needed: bool = False) -> str | None:
    """What is wrong with a text of several lines."""
    if needed and not text:
        return f"The {name} is empty."
    if len(text) > longest:
        return f"The {name} has {len(text)} characters; {longest} is the most."
    for character in text:
        if character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cs"}:
            return f"The {name} contains the character U+{ord(character):04X}, which is not text."
    return None


def fault_in_key(name: str, key: str) -> str | None:
    """What is wrong with a step's key or a sequence's slug: they stand in addresses and file names."""
    if not _KEY.match(key):
        return f"The {name} '{key}' may only have the letters a to z, digits, hyphens and underscores."
    if len(key) > KEY_LENGTH:
        return f"The {name} '{key}' has {len(key)} characters; {KEY_LENGTH} is the most."
    return None


def fault_in_language(language: str) -> str | None:
    """What is wrong with a language tag (BCP 47, the short forms)."""
    if not _LANGUAGE.match(language) or len(language) > LANGUAGE_LENGTH:
        return f"The language '{language}' is not a tag like en, de or pt-BR."
    return None


def fault_in_conditions(conditions: Iterable[Condition]) -> str | None:
    """What is wrong with for whom a letter is: too much of it, or a tag that names the topic."""
    conditions = tuple(conditions)
    tags = [condition.value for condition in conditions if condition.fact is Fact.TAG]
    return _fault_in_rules("conditions", write_conditions(conditions), tags)


def fault_in_exits(exits: Iterable[Exit]) -> str | None:
    """What is wrong with the rules for an end: too much of it, or a tag that names the topic."""
    exits = tuple(exits)
    tags = [rule.value for rule in exits if rule.what is Reached.TAG]
    return _fault_in_rules("rules for its end", write_exits(exits), tags)


def _fault_in_rules(name: str, written: str, tags: Iterable[str]) -> str | None:
    for tag in tags:
        try:
            neutral_tag(tag)
        except WrongUsage as wrong:
            return wrong.message
    if len(written) > RULES_LENGTH:
        return f"The {name} have {len(written)} characters; {RULES_LENGTH} is the most."
    return None


def fault_in_theme(theme: str) -> str | None:
    """What is wrong with the name of a look; empty is no wish."""
    if theme and theme not in themes():
        return f"The theme '{theme}' is none of these: {', '.join(themes())}."
    return None


def fault_in_audience(audience: str) -> str | None:
    """What is wrong with the word that says whom a sequence is for."""
    if audience not in AUDIENCES:
        return f"The audience '{audience}' is neither self nor family."
    return None
