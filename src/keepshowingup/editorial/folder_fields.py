"""The fields of a sequence's files, each said once: what the reader of folders knows, and what the JSON Schema says.

A field that is not in a table here is refused by both. What a schema can't say (hours that leave no moment, a tag that
names the topic, a letter that does not compile) only ``sequence validate`` finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keepshowingup.core.care import LONGEST_GAP, Reached
from keepshowingup.core.conditions import AUDIENCES as READ_BY
from keepshowingup.core.conditions import Fact
from keepshowingup.editorial.fields import CLOCK_FORM
from keepshowingup.editorial.timings import EVERY_YEAR, LONGEST_DAYS, LONGEST_HOURS, LONGEST_MINUTES
from keepshowingup.editorial.wording import (
    AUDIENCES,
    DESCRIPTION_LENGTH,
    KEY_FORM,
    KEY_LENGTH,
    LANGUAGE_FORM,
    LANGUAGE_LENGTH,
    SIGNATURE_LENGTH,
    SUBJECT_LENGTH,
    TITLE_LENGTH,
)
from keepshowingup.letters.themes import themes

DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest one that editors for TOML know
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Shape = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """One field. ``shape`` is JSON Schema of its value.

    Of all fields that are ``a_moment`` a file has exactly one. ``not_with`` names fields that it can't stand beside.
    """

    name: str
    means: str
    shape: Shape
    needed: bool = False
    a_moment: bool = False
    not_with: tuple[str, ...] = ()


def _text(longest: int, form: str = "", **others: object) -> Shape:
    pattern = {"pattern": f"^(?:{form})$"} if form else {}
    return {"type": "string", "maxLength": longest, **pattern, **others}


def _whole(most: int) -> Shape:
    # Between --- lines every value is a text.
    return {"anyOf": [{"type": "integer", "minimum": 0, "maximum": most}, _text(9, "[0-9]+")]}


def _each(item: Shape) -> Shape:
    return {"anyOf": [{"type": "array", "items": item}, {"type": "string"}]}


def _one_of(words: Iterable[str]) -> str:
    return "|".join(words)


_SPAN = _text(20, rf"\s*{CLOCK_FORM}\s*-\s*{CLOCK_FORM}\s*")
_KEY = _text(KEY_LENGTH, KEY_FORM)
_CONDITION = {
    "type": "string",
    "pattern": rf"^\s*(?:not +)?(?:{Fact.TAG}:.+|{Fact.LANGUAGE}:[A-Za-z-]+|{Fact.AUDIENCE}:(?:{_one_of(READ_BY)})"
    rf"|{Fact.DATE})\s*$",
}
_EXIT = {
    "type": "string",
    "pattern": rf"^\s*(?:{Reached.TAG}:.+|{Reached.DATE}:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{Reached.SEQUENCE}:[^, :]+"
    rf"|{Reached.HELPED})\s*$",
}
_SWITCH = {"type": "boolean"}

SEQUENCE_FIELDS = (
    Known("title", "Seen by readers; keep it neutral.", _text(TITLE_LENGTH, minLength=1), needed=True),
    Known("slug", "The name in addresses and commands; the folder's name when it is left out.", _KEY),
    Known("description", "For the page where people join.", _text(DESCRIPTION_LENGTH)),
    Known("signature", "Who signs the letters.", _text(SIGNATURE_LENGTH)),
    Known("language", "The layout's own words: en, de, pt-BR.", _text(LANGUAGE_LENGTH, LANGUAGE_FORM)),
    Known("theme", "How its letters look; a reader's own wish goes first.", {"enum": ["", *themes()]}),
    Known("audience", "Whom it is for.", {"enum": list(AUDIENCES)}),
    Known("open_ended", "True for a newsletter: it has dates and never ends.", _SWITCH),
    Known("milestones", "True where letters are timed from the reader's own date.", _SWITCH),
    Known(
        "weekdays",
        "Days letters may leave on.",
        {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": f"^(?:{_one_of(DAY_NAMES)})"}},
    ),
    Known("window", "Hours of the day, local to each reader; may cross midnight.", _SPAN),
    Known("quiet", "Hours in which nothing leaves.", _SPAN),
    Known("too_late_hours", "A letter later than this is skipped.", _whole(LONGEST_HOURS)),
    Known("urgent", "True for help in a crisis: when two letters want the same day, it waits least.", _SWITCH),
    Known(
        "again_after_days",
        "Who is through may begin anew so many local days later; 0: at any time.",
        _whole(LONGEST_GAP),
    ),
    Known("ends_when", "Rules that end it before its last letter.", _each(_EXIT)),
    Known("then", "The slug of the sequence that follows at its end.", _text(KEY_LENGTH, f"{KEY_FORM}|")),
)
STEP_FIELDS = (
    Known("key", "The letter's name for life; the slug of the file's name when it is left out.", _KEY),
    Known("day", "Local calendar days after joining; 0 is the day itself.", _whole(LONGEST_DAYS), a_moment=True),
    Known("minutes", "Minutes after joining.", _whole(LONGEST_MINUTES), a_moment=True),
    Known(
        "date",
        "A calendar date, for newsletters.",
        {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        a_moment=True,
    ),
    Known(
        "mark",
        "How far from the reader's own date, in milestones: 30 days, 9 months, 2 years, then every year.",
        _text(40, rf"\s*[0-9]{{1,4}} (?:day|month|year)s?\s*(?:{EVERY_YEAR})?"),
        a_moment=True,
    ),
    Known(
        "at",
        "A local time, with day, date or mark; the reader's own hour when it is left out.",
        _text(9, f"{CLOCK_FORM}Z?"),  # what checkers make of TOML's own times ends in Z
        not_with=("minutes",),
    ),
    Known("only_if", "For whom it is: all of it must hold. Everybody when it is left out.", _each(_CONDITION)),
    Known("subject", "The letter's subject; neutral.", _text(SUBJECT_LENGTH, minLength=1), needed=True),
    Known("preheader", "The line inboxes show after the subject.", _text(SUBJECT_LENGTH)),
)
FILES = {
    "sequence": ("A sequence of letters: sequence.toml", SEQUENCE_FIELDS),
    "letter": ("A letter's front matter: NN-slug.md", STEP_FIELDS),
}


def names(fields: Iterable[Known]) -> tuple[str, ...]:
    """What they are called."""
    return tuple(field.name for field in fields)


def schema(kind: str) -> dict[str, Any]:
    """JSON Schema of a file of :data:`FILES`. Its values are those of TOML, dates and times as they are written."""
    title, fields = FILES[kind]
    written: dict[str, Any] = {
        "$schema": DRAFT,
        "title": title,
        "type": "object",
        "properties": {field.name: {"description": field.means, **field.shape} for field in fields},
        "required": [field.name for field in fields if field.needed],
        "additionalProperties": False,
    }
    if moments := [field.name for field in fields if field.a_moment]:
        written["oneOf"] = [{"required": [name]} for name in moments]
    if apart := [(field.name, other) for field in fields for other in field.not_with]:
        written["allOf"] = [{"not": {"required": list(pair)}} for pair in apart]
    return written
