"""The labelled set: real prose and bad prose, with a mark around each thing a proofreader should find.

``⟦stigma|a junkie⟧`` is to be found, by a finding of that kind that touches those words; ``⟦ok|junkies⟧`` is to be
left alone. What is not marked is to be left alone too. The marks are taken out before the text is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from keepshowingup.core.front_matter import read_front_matter
from keepshowingup.core.proofreading import TextKind

HERE = Path(__file__).parent
OURS = HERE.parents[1] / "src/keepshowingup/editorial/articles"
PARTS = ("tuned", "held")
_MARK = re.compile(r"⟦(?P<kinds>[a-z,]+)\|(?P<words>.*?)⟧", re.DOTALL)


@dataclass(frozen=True)
class Label:
    """Words that should be found, as offsets in the text, by a finding of one of the kinds."""

    kinds: frozenset[str]
    start: int
    end: int


@dataclass(frozen=True)
class LabelledText:
    """A text without its marks, and what they said. ``line`` is where it begins in its file, less one."""

    name: str
    text: str
    kind: TextKind
    is_good: bool
    is_spun: bool
    labels: tuple[Label, ...]
    hosts: frozenset[str] | None = None


def labelled_texts(part: str) -> Iterator[LabelledText]:
    """The texts of a part of the set: ``tuned``, which the rules were mended on, or ``held``, which they were not."""
    if part == "tuned":
        for path in sorted(OURS.glob("*.md")):
            yield _read(path.name, path.read_text("utf-8"), is_good=True)
    for path in sorted((HERE / part).glob("*/*")):
        raw = path.read_text("utf-8")
        fields, start = read_front_matter(raw)
        if path.suffix == ".txt":
            lines = [line for line in raw[start:].split("\n") if line.strip()]
            kind = cast("TextKind", fields["read_as"])
            for number, line in enumerate(lines, 1):
                yield _read(f"{path.name}:{number}", line, kind=kind, is_good="⟦" not in line)
            continue
        hosts = frozenset(fields["hosts"].split()) if "hosts" in fields else None
        yield _read(
            f"{path.parent.name}/{path.name}",
            raw,
            kind=cast("TextKind", fields["read_as"]),
            is_good=path.parent.name == "good",
            is_spun=fields.get("verdict") == "spun",
            hosts=hosts,
        )


def _read(
    name: str,
    raw: str,
    *,
    kind: TextKind = "article",
    is_good: bool,
    is_spun: bool = False,
    hosts: frozenset[str] | None = None,
) -> LabelledText:
    labels: list[Label] = []
    pieces: list[str] = []
    at = length = 0
    for mark in _MARK.finditer(raw):
        before, words = raw[at : mark.start()], mark["words"]
        pieces += before, words
        start = length + len(before)
        length = start + len(words)
        at = mark.end()
        if mark["kinds"] != "ok":
            labels.append(Label(frozenset(mark["kinds"].split(",")), start, length))
    text = "".join((*pieces, raw[at:]))
    return LabelledText(name, text, kind, is_good, is_spun, tuple(labels), hosts)
