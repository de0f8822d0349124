"""What applying a folder would change, as values a person can read. Nothing is changed here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal

from keepshowingup.core.conditions import write_conditions
from keepshowingup.core.counting import count_of
from keepshowingup.core.editions import Change
from keepshowingup.core.editions import Kind as ChangeKind
from keepshowingup.core.ordering import staying as keys_that_stay
from keepshowingup.core.timing import OnDate
from keepshowingup.editorial.folders import FolderSequence, FolderStep
from keepshowingup.editorial.timings import say_time, say_timing

Kind = Literal["added", "restored", "changed", "moved", "deleted"]


@dataclass(frozen=True)
class FieldChange:
    """A field of ``sequence.toml`` with another value, both as they are written there."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class StepChange:
    """What happens to one letter. ``diff`` has the lines that go (``-``) and come (``+``).

    ``changed`` has other words, and waits for approval; ``moved`` has another day, place or readers and the same words;
    ``restored`` was deleted once: who had it then does not get it again.
    """

    kind: Kind
    key: str
    subject: str
    timing: str
    diff: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """What applying a folder changes. ``order`` are the keys of all its letters as they will be.

    ``renumbered`` letters keep their order under other numbers.
    """

    slug: str
    is_new: bool
    fields: tuple[FieldChange, ...]
    steps: tuple[StepChange, ...]
    order: tuple[str, ...] = ()
    renumbered: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether applying would change nothing at all."""
        return not (self.is_new or self.fields or self.steps or self.renumbered)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The same as readers meet it, letter by letter."""
        found = []
        for step in self.steps:
            kind: ChangeKind = "added" if step.kind == "restored" else step.kind
            found.append(Change(kind, step.key, step.subject))
            if step.kind == "changed" and (step.note or any(line.startswith("- when: ") for line in step.diff)):
                found.append(Change("moved", step.key, step.subject))
        return tuple(found)

    @property
    def needs_approval(self) -> bool:
        """Whether a letter has words that nobody has approved yet."""
        return any(step.kind in {"added", "restored", "changed"} for step in self.steps) or any(
            field.name in {"language", "open_ended"} for field in self.fields
        )


def make_plan(
    old: FolderSequence | None,
    new: FolderSequence,
    *,
    now: datetime,
    deleted: dict[str, FolderStep] | None = None,
) -> Plan:
    """Compare the sequence as it is (None: there is none) with the folder. ``deleted`` are letters it once had."""
    deleted = deleted or {}
    before = {step.key: step for step in old.steps} if old else {}
    after = {step.key: step for step in new.steps}
    order = [step.key for step in new.steps if step.key in before]
    staying = keys_that_stay([step.key for step in old.steps if step.key in after] if old else [], order)
    changes: list[StepChange] = []
    for step in new.steps:
        known = before.get(step.key)
        if known is not None:
            changes += _change(known, step, out_of_order=step.key not in staying)
        elif step.key in deleted:
            note = "it was deleted once; who had it then does not get it again"
            changes.append(_step("restored", step, diff=_diff(deleted[step.key], step), note=note))
        else:
            changes.append(_step("added", step, note=_renamed(step, before, after)))
    changes += [_step("deleted", step) for step in before.values() if step.key not in after]
    return Plan(
        slug=new.slug,
        is_new=old is None,
        fields=tuple(_fields(old, new)) if old else (),
        steps=tuple(changes),
        order=tuple(after),
        renumbered=sum(
            before[key].number != after[key].number and not any(change.key == key for change in changes)
            for key in order
        ),
        notes=tuple(_past_dates(new, before, now)),
    )


def tell(plan: Plan, readers: Callable[[StepChange], str] = lambda step: "") -> Iterator[str]:
    """The plan, line by line; ``readers`` says whom a letter's change reaches, where that is known."""
    if plan.is_new:
        yield f"{plan.slug}: a new sequence, a draft until it is approved and activated"
    elif plan.is_empty:
        yield f"{plan.slug}: nothing changes"
        return
    else:
        yield f"{plan.slug}:"
    for field in plan.fields:
        yield f"  {field.name}: {field.old or '(empty)'} -> {field.new or '(empty)'}"
    for step in plan.steps:
        yield from _tell_step(step, readers(step))
    if plan.renumbered:
        letters = count_of(plan.renumbered, "letter keeps its", "letters keep their")
        yield f"  {letters} order under other numbers"
    for note in plan.notes:
        yield f"  note: {note}"


def _tell_step(step: StepChange, people: str) -> Iterator[str]:
    sign = {"added": "+", "restored": "+", "changed": "~", "moved": ">", "deleted": "-"}[step.kind]
    said = "; ".join(filter(None, (step.note, people)))
    yield f"  {sign} {step.kind} {step.key}, {step.timing}: {step.subject}{f' ({said})' if said else ''}"
    for line in step.diff:
        yield f"      {line}"


def _step(kind: Kind, step: FolderStep, *, diff: tuple[str, ...] = (), note: str = "") -> StepChange:
    return StepChange(kind, step.key, step.subject, say_timing(step.timing), diff, note)


def _change(old: FolderStep, new: FolderStep, *, out_of_order: bool) -> list[StepChange]:
    words = (old.subject, old.preheader, old.body) != (new.subject, new.preheader, new.body)
    place = "another place in the order" if out_of_order else ""
    if words:
        return [_step("changed", new, diff=_diff(old, new), note=place)]
    if (old.timing, old.only_if) != (new.timing, new.only_if) or out_of_order:
        return [_step("moved", new, diff=_diff(old, new), note=place)]
    return []


def _diff(old: FolderStep, new: FolderStep) -> tuple[str, ...]:
    lines: list[str] = []
    for name, was, becomes in (
        ("when", say_timing(old.timing), say_timing(new.timing)),
        ("only if", write_conditions(old.only_if), write_conditions(new.only_if)),
        ("subject", old.subject, new.subject),
        ("preheader", old.preheader, new.preheader),
    ):
        if was != becomes:
            lines += [f"- {name}: {was}", f"+ {name}: {becomes}"]
    if old.body != new.body:
        compared = difflib.unified_diff(old.body.split("\n"), new.body.split("\n"), n=1, lineterm="")
        lines += [f"{line[0]} {line[1:]}".rstrip() for line in list(compared)[2:] if not line.startswith("@@")]
    return tuple(lines)


def _fields(old: FolderSequence, new: FolderSequence) -> Iterator[FieldChange]:
    for name in (
        "title",
        "description",
        "signature",
        "language",
        "theme",
        "audience",
        "open_ended",
        "milestones",
        "weekdays",
        "window",
        "quiet",
        "too_late_hours",
    ):
        was, becomes = getattr(old, name), getattr(new, name)
        if was != becomes:
            yield FieldChange(name, _written(was), _written(becomes))
    for name in ("urgent", "again_after_days", "ends_when", "then"):
        was, becomes = getattr(old.care, name), getattr(new.care, name)
        if was != becomes:
            yield FieldChange(name, _written(was), _written(becomes))


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple) and not all(isinstance(each, time) for each in value):
        return ", ".join(map(str, value))
    if isinstance(value, tuple):
        return "-".join(say_time(end) for end in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _renamed(step: FolderStep, before: dict[str, FolderStep], after: dict[str, FolderStep]) -> str:
    """A hint where a new letter has the words of one that goes: a file was renamed, the letter is the same."""
    twin = next((old.key for old in before.values() if old.key not in after and old.body == step.body), None)
    return f'it has the words of {twin}: if it is the same letter, write key = "{twin}" into it' if twin else ""


def _past_dates(new: FolderSequence, before: dict[str, FolderStep], now: datetime) -> Iterator[str]:
    for step in new.steps:
        is_news = step.key not in before or before[step.key].timing != step.timing
        if is_news and isinstance(step.timing, OnDate) and step.timing.date < now.date():
            yield f"{step.key} is dated {step.timing.date.isoformat()}, which is past: nobody will get it"
