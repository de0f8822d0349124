"""Findings at their place in the letter's body, as the editor underlines them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from keepshowingup.web.staff import mending
from keepshowingup.web.staff.preview import Shown
from keepshowingup.web.staff.reading import Note, Reading, even_lines


@dataclass(frozen=True)
class Underline:
    """``start`` and ``end`` count UTF-16 units from the body's beginning, as browsers do.

    ``mend`` is what the button of its way out says, empty where there is none; ``key`` is its name in a form.
    """

    start: int
    end: int
    severity: str
    word: str
    tone: str
    what: str
    says: str
    mend: str = ""
    key: str = ""


def underlines_of(body: str, reading: Reading, shown: Shown) -> list[dict[str, Any]]:
    """Everything that has a place in the body: what was found, and the line that keeps it from being a letter."""
    body = even_lines(body)
    found = [_of_note(body, note) for note in reading.notes if note.part == "body" and note.has_place]
    if shown.line and shown.part == "body":
        found.append(_of_fault(body, shown.fault, shown.line))
    return [asdict(underline) for underline in found if underline.start < underline.end]


def _of_note(body: str, note: Note) -> Underline:
    start, end = mending.span_of(body, note.finding)
    return Underline(
        start=_utf16(body, start),
        end=_utf16(body, end),
        severity=note.finding.severity,
        word=note.word,
        tone=note.tone,
        what=note.what,
        says=note.finding.suggestion,
        mend=note.mend,
        key=note.key,
    )


def _of_fault(body: str, sentence: str, line: int) -> Underline:
    lines = body.split("\n")
    text = lines[line - 1] if line <= len(lines) else ""
    start = sum(len(each) + 1 for each in lines[: line - 1]) + len(text) - len(text.lstrip())
    return Underline(
        start=_utf16(body, start),
        end=_utf16(body, start + len(text.strip())),
        severity="block",
        word="Blocks",
        tone="stop",
        what="",
        says=sentence,
    )


def _utf16(text: str, index: int) -> int:
    return len(text[:index].encode("utf-16-le", "surrogatepass")) // 2
