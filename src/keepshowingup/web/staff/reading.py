"""What the proofreader says, as sentences with a way out, for the composer and the article page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from keepshowingup.core.counting import count_of
from keepshowingup.core.pictures import Measures, names_in, references_in
from keepshowingup.core.proofreading import Finding, Report, TextKind, proofread
from keepshowingup.editorial import reviewing
from keepshowingup.editorial.models import Step
from keepshowingup.web.staff import mending

SEVERITIES = {"block": ("Blocks", "stop"), "warn": ("Look", "wait"), "note": ("Note", "")}
PARTS: dict[str, TextKind] = {"subject": "subject", "preheader": "preheader", "body": "letter"}
#: Pixels of a picture's small copy beside a text.
SMALL = 240
PLACES = {"subject": "The subject", "preheader": "The preview line", "body": "The letter as a whole"}


@dataclass(frozen=True)
class Note:
    """One finding, in the part of the letter it is in."""

    part: str
    finding: Finding

    @property
    def key(self) -> str:
        """Its name in a form."""
        return f"{self.part}:{self.finding.line}:{self.finding.start}:{self.finding.end}:{self.finding.rule}"

    @property
    def word(self) -> str:
        """``Blocks``, ``Look`` or ``Note``."""
        return SEVERITIES[self.finding.severity][0]

    @property
    def tone(self) -> str:
        """The pill's colour."""
        return SEVERITIES[self.finding.severity][1]

    @property
    def what(self) -> str:
        """The phrase in quotes, or the part it is about."""
        return f"“{self.finding.phrase}”" if self.finding.phrase else PLACES[self.part]

    @property
    def where(self) -> str:
        """``Line 7``, or the field; empty when it is about the whole letter."""
        if not self.finding.phrase:
            return ""
        return f"Line {self.finding.line}" if self.part == "body" else PLACES[self.part]

    @property
    def has_place(self) -> bool:
        """Whether it is about some words, not about the whole."""
        return self.finding.end > self.finding.start

    @property
    def mend(self) -> str:
        """What the button that mends it in one press says; empty where only a person can."""
        return mending.label_of(self.finding)


@dataclass(frozen=True)
class Reading:
    """A letter or an article, read."""

    notes: tuple[Note, ...]
    words: int
    grade: float
    verdict: str
    pictures: int = 0
    """Octets of the pictures it shows."""

    @property
    def count(self) -> int:
        """How many findings an editor should look at; bare notes do not count."""
        return sum(note.finding.severity != "note" for note in self.notes)

    @property
    def found(self) -> str:
        """``2 findings``."""
        return count_of(self.count, "finding")

    def of(self, part: str) -> list[Note]:
        """What was found in one part: ``subject``, ``preheader`` or ``body``."""
        return [note for note in self.notes if note.part == part]

    @property
    def told(self) -> str:
        """What a screen reader says when it changes: ``2 findings, 1 of them blocks.``"""
        blocking = f", {self.blocks} of them {'blocks' if self.blocks == 1 else 'block'}" if self.blocks else ""
        return f"{self.found}{blocking}."

    @property
    def blocks(self) -> int:
        """How many stand in the way of a start."""
        return sum(note.finding.severity == "block" for note in self.notes)

    @property
    def weight(self) -> str:
        """``184 words · grade 7``, and how heavy its pictures are where it has some."""
        pictures = f" · {max(1, round(self.pictures / 1024)):,} KB of pictures" if self.pictures else ""
        return f"{count_of(self.words, 'word')} · grade {max(0, round(self.grade))}{pictures}"


def read_letter(subject: str, preheader: str, body: str, pictures: Mapping[str, Measures] | None = None) -> Reading:
    """Subject, preview line and body, read as a letter; what blocks comes first.

    ``pictures`` are the measures of pictures that are kept, by name: those the body shows are weighed with it.
    """
    texts = {"subject": subject.strip(), "preheader": preheader.strip(), "body": even_lines(body)}
    notes = [
        Note(part, finding)
        for part, text in texts.items()
        if text.strip()
        for finding in _read(text, PARTS[part]).findings
    ]
    if _read(texts["body"], "letter").verdict == "spun":
        # What blocks a letter as a whole is said by those who review it, not by a finding of its own.
        known = {note.finding for note in notes}
        blocks = reviewing.blocks_of(Step(subject=texts["subject"], preheader=texts["preheader"], body=texts["body"]))
        notes += [Note(block.part, block.finding) for block in blocks if block.finding not in known]
    order = list(SEVERITIES)
    notes.sort(key=lambda note: order.index(note.finding.severity))
    return _reading_of(notes, _read(texts["body"], "letter"), texts["body"], pictures or {})


@dataclass(frozen=True)
class Shown:
    """A kept picture beside the text that shows it; pixels are those of a small copy on the page."""

    name: str
    words: str
    width: int
    height: int


def shown_pictures(text: str, measures: Mapping[str, Measures]) -> list[Shown]:
    """The pictures of a text whose measures are known, in its order."""
    found: dict[str, Shown] = {}
    for words, name in references_in(text):
        if size := measures.get(name):
            width = min(size.width, SMALL)
            found.setdefault(name, Shown(name, words, width, max(1, round(size.height * width / size.width))))
    return list(found.values())


def read_article(text: str, pictures: Mapping[str, Measures] | None = None) -> Reading:
    """An article as it came in; ``pictures`` as for a letter."""
    report = _read(text, "article")
    return _reading_of([Note("body", finding) for finding in report.findings], report, text, pictures or {})


def replace(subject: str, preheader: str, body: str, key: str) -> dict[str, str]:
    """The field in which the finding named ``key`` is mended; empty when it is not there any more."""
    texts = {"subject": subject, "preheader": preheader, "body": even_lines(body)}
    reading = read_letter(subject, preheader, body)
    note = next((note for note in reading.notes if note.key == key and note.mend), None)
    return {note.part: mending.mend(texts[note.part], note.finding)} if note else {}


def even_lines(text: str) -> str:
    """Line feeds only: a form sends CRLF, a browser's textarea counts LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reading_of(notes: list[Note], report: Report, body: str, pictures: Mapping[str, Measures]) -> Reading:
    octets = sum(pictures[name].octets for name in names_in(body) if name in pictures)
    return Reading(tuple(notes), report.words, report.grade, report.verdict, octets)


@lru_cache(maxsize=512)
def _read(text: str, kind: TextKind) -> Report:
    # Every page of the composer reads every letter of its sequence; most of them are as they were.
    return proofread(text, kind)
