"""Which of a row of things have moved, and which only make room."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def staying(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The keys that need not move: a longest run that is in the same order before and after (patience sorting)."""
    place = {key: index for index, key in enumerate(old)}
    ends: list[int] = []  # for each length, the smallest place a run of that length can end with
    at: list[str] = []  # and the key that it ends with
    before: dict[str, str | None] = {}
    for key in new:
        length = bisect_left(ends, place[key])
        before[key] = at[length - 1] if length else None
        ends[length : length + 1] = [place[key]]
        at[length : length + 1] = [key]
    found: set[str] = set()
    key_or_end = at[-1] if at else None
    while key_or_end is not None:
        found.add(key_or_end)
        key_or_end = before[key_or_end]
    return found
