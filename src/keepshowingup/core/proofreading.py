"""Reading a text as a careful colleague would: its words, its claims, its residue, its tone, its length.

Pure: text in, a report out. It changes nothing and decides nothing; people do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from keepshowingup.core.discretion import topic_spans
from keepshowingup.core.findings import Finding, FindingKind, Findings, Severity, found_at, found_in_whole
from keepshowingup.core.garble import find_garble
from keepshowingup.core.headings import named_title
from keepshowingup.core.language import foreign_spans, is_english
from keepshowingup.core.planted import find_planted
from keepshowingup.core.prose import count_words
from keepshowingup.core.reading_copy import ReadingCopy, read_copy
from keepshowingup.core.residue import ResidueKind, find_residue
from keepshowingup.core.sources import find_unsourced
from keepshowingup.core.spun import SIGN_RULES, find_swaps, is_spun, judge_pairs
from keepshowingup.core.stuffing import find_stuffing
from keepshowingup.core.style import find_shouting, find_structure, find_style, grade_of_copy
from keepshowingup.core.word_rules import Hit, House, find_hits

__all__ = ["Finding", "Report", "TextKind", "Verdict", "proofread"]

TextKind = Literal["article", "letter", "subject", "preheader"]
Verdict = Literal["good", "look", "blocked", "spun"]

SUBJECT_LENGTH = (20, 50)
PREHEADER_LENGTH = (40, 90)


@dataclass(frozen=True)
class Report:
    """What was found, in the order of the text, and what it comes to.

    ``grade`` is the Flesch-Kincaid grade. ``unseen_pairs`` is the share (0 to 1) of word pairs never seen in ordinary
    English; it is 0.0 for texts too short to tell, and for those in other languages.
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
    counted = count_words(copy.plain)
    if kind in {"subject", "preheader"}:
        found = [*_word_rules(copy, "subject", house), *_line(copy, kind), *_topics(copy), *find_shouting(copy)]
        return _report(found, 0.0 if not is_english(copy.plain) else grade_of_copy(copy), counted, 0.0)
    found = [*_residue(copy), *find_stuffing(copy), *find_shouting(copy), *find_structure(copy, kind, hosts)]
    if not is_english(copy.plain):
        return _report([*found, _other_language(copy)], 0.0, counted, 0.0)
    grade = grade_of_copy(copy)
    found += [*_word_rules(copy, kind, house), *find_garble(copy), *find_unsourced(copy), *find_style(copy, grade)]
    found += find_planted(copy, [one for one in found if one.kind == "spam"])
    pairs = judge_pairs(copy)
    found += find_swaps(copy, pairs, _places(copy, (one for one in found if one.rule.startswith(SIGN_RULES))))
    elsewhere = foreign_spans(copy)
    if elsewhere:
        found = [one for one, (at, _) in zip(found, _places(copy, found), strict=True) if not _inside(at, elsewhere)]
    return _report(found, grade, counted, pairs.unseen_share)


def _word_rules(copy: ReadingCopy, kind: str, house: House) -> Findings:
    return (_of_rule(copy, hit) for hit in find_hits(copy, kind, house))


def _report(found: Iterable[Finding], grade: float, counted: int, unseen: float) -> Report:
    ordered = tuple(sorted(set(found), key=lambda finding: (finding.line, finding.start, finding.end, finding.rule)))
    return Report(ordered, _verdict(ordered, counted, unseen), grade, counted, unseen)


def _places(copy: ReadingCopy, found: Iterable[Finding]) -> list[tuple[int, int]]:
    """Where findings lie, as offsets."""
    return [(copy.lines[one.line - 1] + one.start, copy.lines[one.line - 1] + one.end) for one in found]


def _inside(offset: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= offset < end for start, end in spans)


def _other_language(copy: ReadingCopy) -> Finding:
    advice = "This does not read as English: its words were not judged. Let somebody read it who speaks the language."
    return found_in_whole(copy, "style.language", "style", "note", advice)


def _of_rule(copy: ReadingCopy, hit: Hit) -> Finding:
    rule = hit.rule
    kind, severity = cast("FindingKind", rule.kind), cast("Severity", rule.severity)
    return found_at(copy, hit.start, hit.end, rule.id, kind, severity, rule.advice)


def _verdict(findings: tuple[Finding, ...], counted: int, unseen: float) -> Verdict:
    if is_spun(findings, counted, unseen):
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
