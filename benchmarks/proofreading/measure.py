"""Recall, precision and false flags: what the proofreader finds against what the labelled set says is there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from benchmarks.proofreading.labelled import LabelledText
from keepshowingup.core.findings import Finding
from keepshowingup.core.proofreading import proofread

#: Rules that measure and are right by arithmetic: a sentence of 30 words has 30 words. They are counted apart.
MEASURING = frozenset({"style.grade", "style.long-sentence", "structure.length", "structure.subject-length"})


@dataclass
class Score:
    """What was found in some texts, by kind."""

    labelled: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    good_words: int = 0
    good_false: int = 0
    good_measured: int = 0
    spun: int = 0
    spun_seen: int = 0
    good_called_spun: int = 0
    words: int = 0
    seconds: float = 0.0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def recall(self, kind: str = "") -> float:
        """The share of labels of a kind, or of all, that a finding touches."""
        return _share(self.found, self.labelled, kind)

    def precision(self, kind: str = "") -> float:
        """The share of findings of a kind, or of all, that touch a label."""
        return _share(self.right, self.flagged, kind)

    @property
    def false_per_hundred(self) -> float:
        """False flags in 100 words of good prose."""
        return 100 * self.good_false / max(1, self.good_words)

    @property
    def all_per_hundred(self) -> float:
        """The same, with every long sentence and every high grade counted as if it were false."""
        return 100 * (self.good_false + self.good_measured) / max(1, self.good_words)


def score(texts: Iterable[LabelledText]) -> Score:
    """Proofread texts, and compare."""
    total = Score()
    for text in texts:
        began = time.process_time()
        report = proofread(text.text, text.kind, hosts=text.hosts)
        total.seconds += time.process_time() - began
        total.words += report.words
        total.spun += text.is_spun
        total.spun_seen += text.is_spun and report.verdict == "spun"
        total.good_called_spun += text.is_good and report.verdict == "spun"
        total.good_words += report.words if text.is_good else 0
        _compare(total, text, list(_placed(text.text, report.findings)))
    return total


def _compare(total: Score, text: LabelledText, placed: list[tuple[Finding, int, int]]) -> None:
    for label in text.labels:
        name = min(label.kinds)
        total.labelled[name] += 1
        if any(f.kind in label.kinds and start < label.end and label.start < end for f, start, end in placed):
            total.found[name] += 1
        else:
            total.missed.append(f"{text.name}: {name}: {text.text[label.start : label.end]}")
    for finding, start, end in placed:
        if finding.rule in MEASURING:
            total.good_measured += text.is_good
            continue
        total.flagged[finding.kind] += 1
        # Every word of a spun text is suspect; its labels are only some of the places.
        right = (text.is_spun and finding.kind == "garble") or any(
            finding.kind in label.kinds and start < label.end and label.start < end for label in text.labels
        )
        total.right[finding.kind] += right
        if not right:
            total.good_false += text.is_good
            total.wrong.append(f"{text.name}:{finding.line}: {finding.rule}: {finding.phrase}")


def _placed(text: str, findings: Iterable[Finding]) -> Iterator[tuple[Finding, int, int]]:
    """Findings with their offsets. One about the whole text touches all of it."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    for finding in findings:
        begin = starts[finding.line - 1]
        if finding.phrase:
            # A phrase that runs on over the line's end is longer than its place says.
            yield finding, begin + finding.start, max(begin + finding.end, begin + finding.start + len(finding.phrase))
        else:
            yield finding, 0, len(text)


def _share(part: Counter[str], whole: Counter[str], kind: str) -> float:
    counted, total = (part[kind], whole[kind]) if kind else (part.total(), whole.total())
    return counted / total if total else 1.0
