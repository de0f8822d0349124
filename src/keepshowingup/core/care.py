"""What a sequence says about a reader's time in it: when it ends early, what comes after, whether it may come again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.tags import tidy_tag


class Reached(StrEnum):
    """What can end a reader's time in a sequence. The value is how it is written."""

    TAG = "tag"
    DATE = "date"
    SEQUENCE = "sequence"
    HELPED = "helped"


@dataclass(frozen=True)
class Exit:
    """One rule by which a sequence ends before its last letter.

    Written ``tag:NAME``, ``date:2027-01-31`` (by the reader's calendar), ``sequence:SLUG`` (the reader comes into that
    one) or ``helped`` (the reader presses the button behind a letter's own link).
    """

    what: Reached
    value: str = ""

    def __str__(self) -> str:
        return f"{self.what}:{self.value}" if self.value else self.what.value

    def say(self) -> str:
        """Why it ended, in words."""
        if self.what is Reached.TAG:
            return f"the reader has the tag “{self.value}”"
        if self.what is Reached.DATE:
            return f"the date {self.value} was reached"
        if self.what is Reached.SEQUENCE:
            return f"the reader came into the sequence {self.value}"
        return "the reader said that it helped"


def read_exit(text: str) -> Exit:
    """A rule from how it is written. Raises :class:`WrongUsage` with what can be written."""
    name, _, value = text.strip().partition(":")
    name, value = name.strip().lower(), value.strip()
    if name == Reached.TAG:
        return Exit(Reached.TAG, tidy_tag(value))
    if name == Reached.DATE and _is_date(value):
        return Exit(Reached.DATE, value)
    if name == Reached.SEQUENCE and value and not any(mark in value for mark in ", :"):
        return Exit(Reached.SEQUENCE, value)
    if name == Reached.HELPED and not value:
        return Exit(Reached.HELPED)
    raise WrongUsage(
        f"'{text.strip()}' is no rule for an end. Write tag:NAME, date:2027-01-31, sequence:SLUG or helped."
    )


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@lru_cache(maxsize=256)
def read_exits(text: str) -> tuple[Exit, ...]:
    """Rules with commas between them, each once. Raises :class:`WrongUsage`."""
    return tuple(dict.fromkeys(read_exit(words) for words in text.split(",") if words.strip()))


def write_exits(exits: Iterable[Exit]) -> str:
    """The same the other way."""
    return ", ".join(map(str, exits))


def exit_reached(exits: Iterable[Exit], tags: frozenset[str], today: date) -> Exit | None:
    """The first rule that holds on the reader's local date ``today``.

    Coming into a sequence and saying that it helped are no states of a reader but moments: who notices them says so.
    """
    for rule in exits:
        if rule.what is Reached.TAG and rule.value in tags:
            return rule
        if rule.what is Reached.DATE and today >= date.fromisoformat(rule.value):
            return rule
    return None


LONGEST_GAP = 3660


@dataclass(frozen=True)
class Care:
    """How a sequence treats its readers beside its days and hours.

    ``urgent``: help in a crisis, which waits least when two letters want the same day. ``again_after_days``: who has
    come to its end may begin anew so many local days later, 0 at once, None never. ``then`` is the slug of the
    sequence that follows at its end, empty for none.
    """

    urgent: bool = False
    again_after_days: int | None = None
    ends_when: tuple[Exit, ...] = ()
    then: str = ""

    def fault(self, slug: str, *, milestones: bool = False) -> str | None:
        """What is wrong with it for the sequence of this slug, as far as that can be seen without the others."""
        if milestones and (self.ends_when or self.then or self.again_after_days is not None):
            return "Milestones go on for as long as a reader wants: nothing ends them, follows them or begins anew."
        if self.again_after_days is not None and not 0 <= self.again_after_days <= LONGEST_GAP:
            return f"The gap before it may come again is not between 0 and {LONGEST_GAP} days."
        if self.then == slug:
            return "It can't be followed by itself. To let readers begin it again, say after how many days."
        if Exit(Reached.SEQUENCE, slug) in self.ends_when:
            return "It can't end because the reader comes into it."
        return None


def loop_from(slug: str, then: Mapping[str, str]) -> tuple[str, ...]:
    """The sequences a reader would go round and round in from ``slug``; empty when it ends. ``then`` is by slug."""
    way = [slug]
    while following := then.get(way[-1], ""):
        if following in way:
            return (*way[way.index(following) :], following)
        way.append(following)
    return ()
