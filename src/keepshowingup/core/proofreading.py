"""Reading a text as a careful colleague would: its words, its claims, its residue, its tone, its length.

Pure: text in, a report out. It changes nothing and decides nothing; people do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from keepshowingup.core.discretion import topic_spans
from keepshowingup.core.findings import Finding, FindingKind, Findings, Severity, found_at, found_in_whole
from keepshowingup.core.garble import find_garble
from keepshowingup.core.headings import named_title
from keepshowingup.core.prose import count_words
from keepshowingup.core.reading_copy import ReadingCopy, read_copy
from keepshowingup.core.residue import ResidueKind, find_residue
from keepshowingup.core.sources import find_unsourced
from keepshowingup.core.stuffing import find_stuffing
from keepshowingup.core.style import find_shouting, find_structure, find_style, grade_of_copy
from keepshowingup.core.word_rules import Hit, House, find_hits

__all__ = ["Finding", "Report", "TextKind", "Verdict", "proofread"]

TextKind = Literal["article", "letter", "subject", "preheader"]
Verdict = Literal["good", "look", "blocked", "spun"]

SUBJECT_LENGTH = (20, 50)
PREHEADER_LENGTH = (40, 90)
# Signs of spinning: at least so many, and so many in 100 words.
_SPUN_SIGNS, _SPUN_PER_HUNDRED = 3, 1.5


@dataclass(frozen=True)
class Report:
    """What was found, in the order of the text, and what it comes to.

    ``grade`` is the Flesch-Kincaid grade. ``unseen_pairs`` is the share (0 to 1) of word pairs never seen in ordinary
    English; it is 0.0 as long as no table of pairs is there to compare with.
    """

    findings: tuple[Finding, ...]
    verdict: Verdict
    grade: float
    words: int
    unseen_pairs: float

    @property
    def blocks(self) -> tuple[Finding, ...]:
        """The findings that stand in the way of activation."""
        return tuple(finding for finding in self.findings if finding.severity == "block")


def proofread(
    text: str, kind: TextKind = "letter", *, house: House = "va", hosts: frozenset[str] | None = None
) -> Report:
    """Proofread a text of any origin.

    ``house`` is whose style decides where AP and the VA differ. ``hosts`` are those a letter may link to; None
    leaves links alone.
    """
    copy = read_copy(text)
    rules = "subject" if kind == "preheader" else kind
    found = [_of_rule(copy, hit) for hit in find_hits(copy, rules, house)]
    grade = grade_of_copy(copy)
    if kind in {"subject", "preheader"}:
        found += [*_line(copy, kind), *_topics(copy), *find_shouting(copy)]
    else:
        found += find_garble(copy)
        found += [*_residue(copy), *find_stuffing(copy), *find_unsourced(copy)]
        found += [*find_style(copy, grade), *find_structure(copy, kind, hosts)]
    counted = count_words(copy.plain)
    ordered = tuple(sorted(set(found), key=lambda finding: (finding.line, finding.start, finding.end, finding.rule)))
    return Report(ordered, _verdict(ordered, counted), grade, counted, 0.0)


def _of_rule(copy: ReadingCopy, hit: Hit) -> Finding:
    rule = hit.rule
    kind, severity = cast("FindingKind", rule.kind), cast("Severity", rule.severity)
    return found_at(copy, hit.start, hit.end, rule.id, kind, severity, rule.advice)


def _verdict(findings: tuple[Finding, ...], counted: int) -> Verdict:
    signs = sum(finding.kind == "garble" for finding in findings)
    if signs >= _SPUN_SIGNS and signs * 100 >= _SPUN_PER_HUNDRED * counted:
        return "spun"
    severities = {finding.severity for finding in findings}
    if "block" in severities:
        return "blocked"
    return "look" if "warn" in severities else "good"


def _residue(copy: ReadingCopy) -> Findings:
    advice = {
        ResidueKind.FURNITURE: "Cut this line: it belongs to the page it was copied from.",
        ResidueKind.TITLE: "Cut this line: it says the title once more.",
    }
    for residue in find_residue(copy.blocks, named_title(copy.source)):
        if residue.kind in advice:
            rule = f"residue.{residue.kind}"
            yield found_at(copy, residue.start, residue.end, rule, "residue", "warn", advice[residue.kind])


def _line(copy: ReadingCopy, kind: str) -> Findings:
    """A subject's or preheader's length, in characters."""
    length = len(copy.source.strip())
    least, most = SUBJECT_LENGTH if kind == "subject" else PREHEADER_LENGTH
    if length > most:
        advice = f"It has {length} characters; phones show about {most}. Cut it."
        yield found_in_whole(copy, f"structure.{kind}-length", "structure", "warn", advice)
    elif length < least:
        advice = f"It has {length} characters; {least} to {most} say enough."
        yield found_in_whole(copy, f"structure.{kind}-length", "structure", "note", advice)


def _topics(copy: ReadingCopy) -> Findings:
    for start, end in topic_spans(copy.plain):
        advice = "Leave this word out: other people can see the inbox, and it gives the topic away."
        yield found_at(copy, start, end, "discreet.topic", "discreet", "block", advice)
