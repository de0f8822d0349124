"""Where each letter of a sequence stands: its newest words, who approved them, what the proofreader found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from keepshowingup.editorial.models import Sequence
from keepshowingup.editorial.reviewing import findings_of, with_newest
from keepshowingup.editorial.timings import say_timing, timing_of


@dataclass(frozen=True)
class Standing:
    """One letter. ``revision`` is the number of its newest words, ``sent`` of those that are sent (None: none yet).

    ``findings`` counts the proofreader's findings in the newest words by severity: block, warn, note.
    """

    key: str
    position: int
    timing: str
    subject: str
    author: str
    approver: str
    revision: int
    sent: int | None
    sent_back: bool
    findings: dict[str, int]

    @property
    def approval(self) -> str:
        """In words: ``approved by Ruth``, ``not approved``, ``sent back; readers get revision 1``."""
        if self.approver:
            return f"approved by {self.approver}"
        word = "sent back" if self.sent_back else "not approved"
        return word if self.sent is None else f"{word}; readers get revision {self.sent}"

    def row(self) -> dict[str, object]:
        """The letter as ``sequence show --json`` gives it."""
        return {
            "key": self.key,
            "position": self.position,
            "when": self.timing,
            "subject": self.subject,
            "author": self.author,
            "approved": bool(self.approver),
            "approver": self.approver,
            "sent_back": self.sent_back,
            "revision": self.revision,
            "sent_revision": self.sent,
            "findings": self.findings,
        }


def standings(sequence: Sequence) -> list[Standing]:
    """Every letter that was not deleted, in order."""
    return [
        Standing(
            key=step.key,
            position=step.position,
            timing=say_timing(timing_of(step)),
            subject=step.subject,
            author=newest.author,
            approver=newest.approval.approver if newest.is_approved else "",
            revision=newest.number,
            sent=step.current.number if step.current else None,
            sent_back=newest.is_sent_back,
            findings=_count([finding.severity for finding in findings_of(step).findings]),
        )
        for step, newest in with_newest(sequence)
    ]


def _count(severities: list[str]) -> dict[str, int]:
    counts = Counter(severities)
    return {severity: counts[severity] for severity in ("block", "warn", "note")}
