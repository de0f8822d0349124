"""A plan tells as little as possible: the fewest letters are said to have moved."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from keepshowingup.core.care import Care
from keepshowingup.core.conditions import read_conditions
from keepshowingup.core.timing import AfterDays
from keepshowingup.editorial.folders import FolderSequence, FolderStep
from keepshowingup.editorial.planning import make_plan
from tests.editorial.test_round_trip import EVERYTHING
from tests.factories import MONDAY


def folder(keys: list[str]) -> FolderSequence:
    steps = tuple(FolderStep(key, number, AfterDays(0), key, "", key) for number, key in enumerate(keys, 1))
    return FolderSequence(slug="s", title="S", steps=steps)


def longest_run(new: list[str], old: list[str]) -> int:
    """The most keys of ``new`` that stand in ``old`` in the same order, by trying every choice."""
    place = old.index
    return next(
        size
        for size in range(len(new), -1, -1)
        if any(list(run) == sorted(run, key=place) for run in combinations(new, size))
    )


@settings(deadline=None)
@given(st.permutations("abcdef"))
def test_no_more_letters_are_said_to_have_moved_than_must(new: list[str]) -> None:
    old = list("abcdef")
    plan = make_plan(folder(old), folder(new), now=MONDAY)
    moved = [change.key for change in plan.steps]
    assert {change.kind for change in plan.steps} <= {"moved"}
    stayed = [key for key in new if key not in moved]
    assert stayed == sorted(stayed)
    assert len(stayed) == longest_run(new, old)
    assert plan.is_empty == (new == old)


def test_every_field_that_changes_is_told() -> None:
    old = folder(["a"])
    for name in {field.name for field in fields(FolderSequence)} - {"slug", "steps", "care"}:
        new = replace(old, **{name: getattr(EVERYTHING, name)})
        assert [change.name for change in make_plan(old, new, now=MONDAY).fields] == [name]
    for name in (field.name for field in fields(Care)):
        new = replace(old, care=replace(old.care, **{name: getattr(EVERYTHING.care, name)}))
        assert [change.name for change in make_plan(old, new, now=MONDAY).fields] == [name]


def test_whatever_changes_in_a_letter_is_told() -> None:
    old = folder(["a"])
    (step,), other = old.steps, EVERYTHING.steps[2]
    for name in {field.name for field in fields(FolderStep) if field.compare} - {"key", "number"}:
        value: Any = read_conditions("date") if name == "only_if" else getattr(other, name) or "Something"
        new = replace(old, steps=(replace(step, **{name: value}),))
        assert [change.key for change in make_plan(old, new, now=MONDAY).steps] == ["a"], name
