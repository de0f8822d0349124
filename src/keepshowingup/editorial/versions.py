"""A letter at one time or another, and what changed in between."""

from __future__ import annotations

from dataclasses import dataclass

from keepshowingup.core.differences import Row, rows_between
from keepshowingup.editorial.models import Revision, Step
from keepshowingup.editorial.revising import written_in

LABELS = {
    "subject": "Subject",
    "preheader": "Preview line",
    "when": "Arrives",
    "only_if": "Only for",
    "body": "The letter",
}


@dataclass(frozen=True)
class Words:
    """Everything of a letter that people decide, as they wrote it; ``when`` is in words."""

    subject: str
    preheader: str
    when: str
    only_if: str
    body: str


@dataclass(frozen=True)
class Difference:
    """One part of a letter that is not what it was."""

    name: str
    rows: tuple[Row, ...]

    @property
    def label(self) -> str:
        """What people call the part."""
        return LABELS[self.name]


def words_of(revision: Revision) -> Words:
    """The words of a revision, with the day it had when it was written or approved.

    Of those older than that column only the compiled lines are known: a brace in them may look another way, and when
    they came nobody knows.
    """
    written = revision.written
    return Words(
        subject=written.get("subject", revision.subject),
        preheader=written.get("preheader", revision.preheader),
        when=written.get("when", ""),
        only_if=written.get("only_if", ""),
        body=revision.body,
    )


def words_now(step: Step) -> Words:
    """The words as they stand, on the day the letter has now."""
    return Words(**written_in(step), body=step.body)


def last_approved(step: Step) -> Revision | None:
    """The newest revision that a second person said yes to."""
    return step.revisions.filter(approval__isnull=False).select_related("approval").order_by("-number").first()


def differences(before: Words, after: Words) -> tuple[Difference, ...]:
    """What changed, part by part; a part about which ``before`` knows nothing has not changed."""
    found = []
    for name in LABELS:
        was, is_now = getattr(before, name), getattr(after, name)
        if was != is_now and (was or name not in {"when", "only_if"} or before.when):
            found.append(Difference(name, rows_between(was, is_now)))
    return tuple(found)
