"""Letters as readers have them who keep what they began with."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import DateField, TimeField

from keepshowingup.editorial.models import Kept, Step

_READ: dict[str, Any] = {"on_date": DateField().to_python, "at_time": TimeField().to_python}


def kept_versions(steps: Collection[Step]) -> list[tuple[datetime, list[Step]]]:
    """For each moment before which readers keep something, these steps as they have them, in their order.

    Earliest first. A letter they do not get is deleted in theirs, one they keep is not. Without anything that is kept
    it asks nothing.
    """
    if not any(step.kept_until for step in steps):
        return []
    kept = _read(step.pk for step in steps if step.kept_until)
    versions = []
    for until in sorted({row.until for rows in kept.values() for row in rows}):
        mine = [_as_kept(step, [row for row in kept.get(step.pk, ()) if row.until >= until]) for step in steps]
        versions.append((until, sorted(mine, key=lambda step: (step.position, step.pk))))
    return versions


class Version(NamedTuple):
    """What is sent of a letter: nothing when it is ``deleted`` or has no revision."""

    revision_id: int | None
    deleted: bool


def versions_for(readers: Collection[tuple[int, datetime]]) -> dict[tuple[int, datetime], Version]:
    """What is sent of a step (its key) to somebody enrolled at that moment, for steps of which something is kept."""
    steps = {step.pk: step for step in Step.objects.filter(pk__in={pk for pk, _ in readers})}
    kept = _read(steps)
    found = {}
    for pk, enrolled_at in set(readers):
        step = _as_kept(steps[pk], [row for row in kept.get(pk, ()) if row.until > enrolled_at])
        found[pk, enrolled_at] = Version(step.current_id, step.deleted_at is not None)
    return found


def _read(step_ids: Iterable[int]) -> dict[int, list[Kept]]:
    """By step, the earliest first: what it says of an aspect goes before what later ones say."""
    kept: defaultdict[int, list[Kept]] = defaultdict(list)
    for row in Kept.objects.filter(step__in=list(step_ids)).order_by("until", "pk"):
        kept[row.step_id].append(row)
    return dict(kept)


def _as_kept(step: Step, rows: list[Kept]) -> Step:
    if not rows:
        return step
    mine = copy.copy(step)
    for row in reversed(rows):
        if row.is_there is not None:
            mine.deleted_at = None if row.is_there else row.until
        if row.position is not None:
            mine.position = row.position
        if row.timing is not None:
            for name, value in row.timing.items():
                setattr(mine, name, _READ[name](value) if value is not None and name in _READ else value)
        if row.revision_id is not None:
            mine.current_id = row.revision_id
    return mine
