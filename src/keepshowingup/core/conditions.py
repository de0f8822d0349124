"""For whom a letter is: what must be true of a reader, or the letter is passed over for them.

A condition is written as ``tag:spring-group``, ``language:de``, ``audience:family`` or ``date`` (the reader gave us
one), each with ``not`` in front for the opposite. All conditions of a letter must hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.tags import tidy_tag

AUDIENCES = {"self": "for themselves", "family": "for somebody close to them"}
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")


@dataclass(frozen=True)
class About:
    """What conditions may ask about a reader. ``has_date``: whether they gave us a date, never which."""

    tags: frozenset[str] = frozenset()
    language: str = "en"
    audience: str = "self"
    has_date: bool = False


class Fact(StrEnum):
    """What can be asked. The value is how it is written."""

    TAG = "tag"
    LANGUAGE = "language"
    AUDIENCE = "audience"
    DATE = "date"


@dataclass(frozen=True)
class Condition:
    """One thing that must be true of a reader, or (``negated``) must not."""

    fact: Fact
    value: str = ""
    negated: bool = False

    def __str__(self) -> str:
        written = f"{self.fact}:{self.value}" if self.value else self.fact.value
        return f"not {written}" if self.negated else written

    def holds(self, about: About) -> bool:
        """Whether it is true of this reader. ``language:de`` is also true of ``de-AT``."""
        if self.fact is Fact.TAG:
            found = self.value in about.tags
        elif self.fact is Fact.LANGUAGE:
            found = f"{about.language.lower()}-".startswith(f"{self.value}-")
        elif self.fact is Fact.AUDIENCE:
            found = about.audience == self.value
        else:
            found = about.has_date
        return found is not self.negated

    def say(self) -> str:
        """For whom the letter is, as words after "it is for"."""
        if self.fact is Fact.TAG:
            return f"readers {'without' if self.negated else 'with'} the tag “{self.value}”"
        if self.fact is Fact.LANGUAGE:
            return f"readers whose language is {'not ' if self.negated else ''}{self.value}"
        if self.fact is Fact.AUDIENCE:
            return f"readers who {'do not ' if self.negated else ''}read {AUDIENCES[self.value]}"
        return f"readers who gave us {'no' if self.negated else 'a'} date"


def read_condition(text: str) -> Condition:
    """A condition from how it is written. Raises :class:`WrongUsage` with what can be written."""
    words = text.strip()
    negated = words.lower().startswith("not ")
    name, _, value = (words[4:] if negated else words).strip().partition(":")
    name, value = name.strip().lower(), value.strip()
    if name == Fact.TAG:
        return Condition(Fact.TAG, tidy_tag(value), negated)
    if name == Fact.LANGUAGE and _LANGUAGE.fullmatch(value.lower()):
        return Condition(Fact.LANGUAGE, value.lower(), negated)
    if name == Fact.AUDIENCE and value in AUDIENCES:
        return Condition(Fact.AUDIENCE, value, negated)
    if name == Fact.DATE and not value:
        return Condition(Fact.DATE, "", negated)
    raise WrongUsage(
        f"'{words}' is no condition. Write tag:NAME, language:de, audience:self, audience:family or date, "
        "with 'not ' in front for the opposite."
    )


@lru_cache(maxsize=1024)
def read_conditions(text: str) -> tuple[Condition, ...]:
    """Conditions with commas between them, each once. Raises :class:`WrongUsage`."""
    return tuple(dict.fromkeys(read_condition(words) for words in text.split(",") if words.strip()))


def write_conditions(conditions: Iterable[Condition]) -> str:
    """The same the other way."""
    return ", ".join(map(str, conditions))


def unmet(conditions: Iterable[Condition], about: About) -> str:
    """Why a letter with these conditions is not for this reader, in words; empty when it is."""
    missing = next((condition for condition in conditions if not condition.holds(about)), None)
    return f"it is for {missing.say()}" if missing else ""
