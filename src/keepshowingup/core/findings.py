"""What a proofreader finds: where, what, how serious, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from keepshowingup.core.reading_copy import ReadingCopy

FindingKind = Literal["stigma", "garble", "residue", "spam", "claim", "style", "discreet", "structure"]
Severity = Literal["block", "warn", "note"]
_LONGEST_PHRASE = 90


@dataclass(frozen=True)
class Finding:
    """One thing to look at. Lines count from 1, columns from 0; ``end`` is behind the last character of its line."""

    line: int
    start: int
    end: int
    phrase: str
    rule: str
    kind: FindingKind
    severity: Severity
    suggestion: str

    def as_dict(self) -> dict[str, Any]:
        """The finding as the contract writes it."""
        return asdict(self)


Findings = Iterator[Finding]


def found_at(
    copy: ReadingCopy, start: int, end: int, rule: str, kind: FindingKind, severity: Severity, suggestion: str
) -> Finding:
    """A finding about ``copy.source[start:end]``. One that runs over several lines is placed on its first."""
    place = copy.place(start)
    line_end = copy.source.find("\n", start, end)
    last = end if line_end < 0 else line_end
    phrase = " ".join(copy.source[start:end].split())
    if len(phrase) > _LONGEST_PHRASE:
        phrase = phrase[: _LONGEST_PHRASE - 1].rsplit(" ", 1)[0] + "…"
    return Finding(place.line, place.column, place.column + last - start, phrase, rule, kind, severity, suggestion)


def found_in_whole(copy: ReadingCopy, rule: str, kind: FindingKind, severity: Severity, suggestion: str) -> Finding:
    """A finding about the text as a whole; it is placed where the text begins and has no phrase."""
    first = copy.blocks[0].start if copy.blocks else 0
    return Finding(copy.place(first).line, 0, 0, "", rule, kind, severity, suggestion)
