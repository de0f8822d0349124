"""The second person's yes: what the proofreader finds in a letter, approving, and what stands in the way of a start."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Row
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal

from django.db import transaction

from keepshowingup.core.counting import count_of
from keepshowingup.core.editions import Way
from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.core.proofreading import Finding, Report, TextKind, proofread
from keepshowingup.editorial import help_now
from keepshowingup.editorial.caring import fault_in_round
from keepshowingup.editorial.editing import changing
from keepshowingup.editorial.holes import holes
from keepshowingup.editorial.licensing import licence_obstacles, refuse_unlicensed
from keepshowingup.editorial.masthead import masthead_obstacles
from keepshowingup.editorial.models import Approval, Revision, Sequence, Step
from keepshowingup.editorial.revising import written_in
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note

log = logging.getLogger(__name__)

Part = Literal["subject", "preheader", "body"]
_SPUN = Finding(
    line=1,
    start=0,
    end=0,
    phrase="",
    rule="garble.spun",
    kind="garble",
    severity="block",
    suggestion="It reads as paraphrased by a machine; rewrite it in your own words.",
)


@dataclass(frozen=True)
class Block:
    """A finding that stands in the way of approval, and the part of the letter it is in."""

    part: Part
    finding: Finding

    def __str__(self) -> str:
        place = f"line {self.finding.line}" if self.part == "body" else self.part
        quoted = f" “{self.finding.phrase}”" if self.finding.phrase else ""
        return f"{place}{quoted}: {self.finding.suggestion.rstrip('.')}"


@dataclass(frozen=True)
class Override:
    """A reason to let blocking findings stand: all of them, or those of one letter, one rule, one phrase."""

    reason: str
    step: str = ""
    rule: str = ""
    phrase: str = ""

    def covers(self, key: str, finding: Finding) -> bool:
        """Whether this reason was given for that finding."""
        return all(
            not said or said.casefold() == found.casefold()
            for said, found in ((self.step, key), (self.rule, finding.rule), (self.phrase, finding.phrase))
        )


def findings_of(step: Step) -> Report:
    """What the proofreader says to the newest words of a letter: the report on its text, to which the findings in its
    subject and preheader are added, on line 0."""
    lines = [found for part, report in _reports(step) if part != "body" for found in report.findings]
    body = _read(step.body, "letter")
    return replace(body, findings=(*(replace(found, line=0) for found in lines), *body.findings))


def blocks_of(step: Step) -> list[Block]:
    """The findings that stand in the way of approving the newest words of a letter.

    A text that reads as paraphrased by a machine is one of them: it is to be rewritten, not sent.
    """
    blocks = [Block(part, found) for part, report in _reports(step) for found in report.blocks]
    if _read(step.body, "letter").verdict == "spun":
        blocks.append(Block("body", _SPUN))
    return blocks


def approve(
    sequence_id: int,
    *,
    approver: str,
    now: datetime,
    overrides: Iterable[Override] = (),
    way: Way | None = None,
    heads: Mapping[str, object] | None = None,
) -> int:
    """A second person's yes to the newest words of every letter; answers how many were not approved before.

    Letters that were sent back are left with their writers.

    In a sequence that has been started they become what is sent: ``way`` says to whom (None: as was said when they
    were written, or from now on to everybody who has not had them). Raises :class:`Refused` for letters the approver
    wrote, for blocking findings that no override gives a reason for, and when all that is left was sent back; then
    nothing is approved.
    """
    overrides = tuple(overrides)
    if not approver.strip():
        raise WrongUsage("Say who approves: an approval without a name is none.")
    if any(not override.reason.strip() for override in overrides):
        raise WrongUsage("Give a reason for letting a finding stand: it is kept with the approval.")
    with transaction.atomic():
        sequence = Sequence.objects.select_for_update().filter(pk=sequence_id).first()
        if sequence is None:
            raise NotFound("There is no such sequence. See: keepshowingup sequence list")
        steps = with_newest(sequence)
        if not steps:
            raise Refused(f"The sequence {sequence.slug} has no letters to approve yet.")
        waiting = [(step, revision) for step, revision in steps if revision.is_waiting]
        if not waiting and (sent_back := _sent_back(steps)):
            raise Refused(f"Nothing waits for a second person here. {sent_back}")
        _refuse_own(waiting, approver)
        _refuse_without_reason(waiting, overrides)
        if sequence.state != Sequence.State.DRAFT:
            refuse_unlicensed(sequence, (step for step, _ in waiting))
        ways = {step.key: way or (Way(revision.way) if revision.way else Way.NOW_ON) for step, revision in waiting}
        let_through: dict[Step, list[dict[str, str | int]]] = {}
        with changing(sequence_id, by=approver, now=now, way=way or ways, heads=heads):
            for step, revision in waiting:
                kept = _let_through(step, overrides)
                Approval.objects.create(revision=revision, approver=approver.strip(), approved_at=now, overrides=kept)
                revision.written = written_in(step)
                revision.save(update_fields=["written"])
                let_through[step] = kept
            if sequence.state != Sequence.State.DRAFT:
                make_current(sequence)
        if waiting:
            _note_approval(sequence, [revision for _, revision in waiting], let_through, approver, now)
    if waiting:
        log.info("sequence %s: %s letters approved", sequence_id, len(waiting))
    return len(waiting)


def proposed_way(sequence: Sequence) -> Way:
    """For whom the words that wait were meant by whoever wrote them; from now on for everyone where nobody said."""
    ways = {newest.way for _, newest in with_newest(sequence) if newest.is_waiting}
    return Way(ways.pop()) if len(ways) == 1 and "" not in ways else Way.NOW_ON


def make_current(sequence: Sequence) -> int:
    """Let each letter's newest approved words be what is sent; answers how many letters changed.

    Inside the transaction that starts the sequence or approves its letters.
    """
    changed = 0
    for step, newest in with_newest(sequence):
        if step.current_id != newest.pk and newest.is_approved:
            step.current = newest
            step.save(update_fields=["current"])
            changed += 1
    return changed


def obstacles(sequence_id: int, now: datetime, *, at_terminal: bool = True) -> list[str]:
    """What stands in the way of starting the sequence at ``now``, in sentences that say how to mend it.

    Without ``at_terminal`` they name no commands: who reads a page may have no terminal.
    """
    sequence = Sequence.objects.filter(pk=sequence_id).first()
    if sequence is None:
        raise NotFound("There is no such sequence. See: keepshowingup sequence list")
    found = []
    approve = f"keepshowingup sequence approve {sequence.slug}"
    steps = with_newest(sequence)
    if not steps:
        found.append(
            f"The sequence {sequence.slug} has no letters: write one on its page under /staff/"
            + (", or with keepshowingup sequence apply DIR." if at_terminal else ".")
        )
    found += holes(sequence, (step for step, _ in steps))
    for step, revision in steps:
        if open_blocks := _not_let_through(step, revision):
            found.append(
                f"The proofreader blocks {step.key}: {_listed(open_blocks, '; ')}. Rewrite it, or approve with a "
                + (f'reason: {approve} --override-reason "…"' if at_terminal else "reason.")
            )
    if waiting := [step.key for step, revision in steps if revision.is_waiting]:
        letters = count_of(len(waiting), "letter is", "letters are")
        found.append(
            f"{letters} not approved ({_listed(waiting)}): somebody who did not write them approves them on the "
            f"sequence's page under /staff/{f', or with {approve}' if at_terminal else ''}."
        )
    if sent_back := _sent_back(steps):
        found.append(sent_back)
    found += licence_obstacles(sequence, (step for step, _ in steps), at_terminal=at_terminal)
    if round_and_round := fault_in_round(sequence):
        found.append(round_and_round)
    return found + masthead_obstacles(at_terminal=at_terminal) + help_now.obstacles(now)


def with_newest(sequence: Sequence) -> list[tuple[Step, Revision]]:
    """The letters that were not deleted, in order, each with its newest revision."""
    steps = list(sequence.steps.filter(deleted_at=None).select_related("current").order_by("position", "pk"))
    newest: dict[int, Revision] = {}
    rows = Revision.objects.filter(step__in=steps).select_related("approval").defer("html", "text")
    for revision in rows.prefetch_related("comments").order_by("number"):
        newest[revision.step_id] = revision
    return [(step, newest[step.pk]) for step in steps if step.pk in newest]


def _sent_back(steps: Row[tuple[Step, Revision]]) -> str:
    """Which letters wait for their writers, in a sentence that says for how long; empty when none does."""
    keys = [step.key for step, revision in steps if revision.is_sent_back]
    if not keys:
        return ""
    letters = count_of(len(keys), "letter was", "letters were")
    return (
        f"{letters} sent back ({_listed(keys)}): who wrote {'it' if len(keys) == 1 else 'them'} reworks what was asked "
        "for, or asks again for approval, on the sequence's page under /staff/."
    )


def _reports(step: Step) -> tuple[tuple[Part, Report], ...]:
    return (
        ("subject", _read(step.subject, "subject")),
        ("preheader", _read(step.preheader, "preheader")),
        ("body", _read(step.body, "letter")),
    )


@lru_cache(maxsize=512)
def _read(text: str, kind: TextKind) -> Report:
    """The proofreader's report; the same words are asked about again and again while a sequence is reviewed."""
    return proofread(text, kind)


def _refuse_own(waiting: Row[tuple[Step, Revision]], approver: str) -> None:
    me = approver.strip().casefold()
    own = [step.key for step, revision in waiting if revision.author.strip().casefold() == me]
    if own:
        raise Refused(f"{approver.strip()} wrote {_listed(own)}: a second person approves it.")


def _refuse_without_reason(waiting: Row[tuple[Step, Revision]], overrides: Row[Override]) -> None:
    said = []
    for step, _ in waiting:
        open_blocks = [block for block in blocks_of(step) if _reason_for(step, block, overrides) is None]
        if open_blocks:
            said.append(f"The proofreader blocks {step.key}: {_listed(open_blocks, '; ')}.")
    if said:
        said.append("Rewrite what is blocked, or approve with a reason for it (--override-reason).")
        raise Refused("\n".join(said))


def _let_through(step: Step, overrides: Row[Override]) -> list[dict[str, str | int]]:
    """The letter's blocking findings with the reason given for each, as they are kept with the approval."""
    return [
        {
            "part": block.part,
            "line": block.finding.line,
            "rule": block.finding.rule,
            "phrase": block.finding.phrase,
            "reason": override.reason.strip(),
        }
        for block in blocks_of(step)
        if (override := _reason_for(step, block, overrides)) is not None
    ]


def _note_approval(
    sequence: Sequence,
    approved: Row[Revision],
    let_through: Mapping[Step, Row[Mapping[str, str | int]]],
    approver: str,
    now: datetime,
) -> None:
    note(
        Entry.What.APPROVED,
        who=approver,
        about=f"{count_of(len(approved), 'letter')} of {sequence.slug}",
        now=now,
        details={"sequence": sequence.pk, "revisions": [revision.pk for revision in approved]},
    )
    for step, findings in let_through.items():
        for found in findings:
            quoted = f"“{found['phrase']}” " if found["phrase"] else ""
            note(
                Entry.What.OVERRIDDEN,
                who=approver,
                about=f"{quoted}({found['rule']}) in letter {step.key} of {sequence.slug}",
                now=now,
                reason=str(found["reason"]),
                details={"step": step.pk, "part": found["part"], "line": found["line"], "rule": found["rule"]},
            )


def _reason_for(step: Step, block: Block, overrides: Row[Override]) -> Override | None:
    return next((given for given in overrides if given.covers(step.key, block.finding)), None)


def _not_let_through(step: Step, revision: Revision) -> list[Block]:
    """The blocking findings that the revision's approval, if there is one, gives no reason for."""
    reasons = revision.approval.overrides if revision.is_approved else []
    known = {(row.get("part"), row.get("rule"), row.get("phrase")) for row in reasons}
    return [b for b in blocks_of(step) if (b.part, b.finding.rule, b.finding.phrase) not in known]


def _listed(things: Row[object], between: str = ", ", most: int = 3) -> str:
    """``a, b, c and 2 more``."""
    said = between.join(str(thing) for thing in things[:most])
    return f"{said} and {len(things) - most} more" if len(things) > most else said
