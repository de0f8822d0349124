"""A sequence's readers planned anew: after an edit, after a rest, for a new issue; readers a second.

And how late letters are that fall due in that sequence meanwhile. ``benchmarks/crowd.py`` is what is measured.
"""

from __future__ import annotations

import threading
import time
from typing import cast

from benchmarks.database import moment
from benchmarks.figures import Figure, NotMeasured, percentile
from benchmarks.house import Bench, House, product_parts

KINDS = {"edit": "an edit", "rest": "a pause", "issue": "an issue"}
SAMPLE = 20_000
EACH_SECOND = 50
BEFORE_IT = 3.0
PATIENCE = 15.0


def crowds(bench: Bench) -> list[Figure]:
    """A million of them on PostgreSQL, and fewer on SQLite, where each is planned alone."""
    number = bench.size(1_000_000, 50_000)
    figures = []
    with bench.house("postgres", KSU_TICK="1") as house:
        bench.say(f"{number:,} readers are put in …")
        house.child("benchmarks.crowd", "scene", number)
        bench.say("a sample goes through the planner alone …")
        sample = _child(house, "alone", min(number, SAMPLE))
        naive = sample["readers"] / sample["seconds"]
        for kind, name in KINDS.items():
            bench.say(f"replanning {number:,} after {name} …")
            done = _planned(house, kind)
            rate = number / done["seconds"]
            figures.append(
                Figure(
                    f"replanning after {name}, PostgreSQL", rate, "readers/s", at_least=50_000, naive=naive,
                    ratio=rate / naive, note=f"{number:,} in {done['seconds']:.1f} s",
                )
            )  # fmt: skip
        bench.say(f"the same with {EACH_SECOND} letters a second beside it …")
        figures.append(_beside(house, bench.size(60, 20)))
    number = bench.size(100_000, 5_000)
    with bench.house("sqlite") as house:
        bench.say(f"replanning {number:,} on SQLite …")
        house.child("benchmarks.crowd", "scene", number)
        done = _planned(house, "edit")
        note = f"{number:,} in {done['seconds']:.1f} s, reader by reader"
        figures.append(Figure("replanning after an edit, SQLite", number / done["seconds"], "readers/s", note=note))
    return figures


def _child(house: House, *arguments: object) -> dict[str, float]:
    return cast("dict[str, float]", house.child("benchmarks.crowd", *arguments))


def _planned(house: House, kind: str) -> dict[str, float]:
    done = _child(house, kind)
    # A rest moves nobody who joined on its last day, and some readers finish.
    if done["changed"] < 0.9 * done["readers"]:
        raise NotMeasured(f"Of {done['readers']:.0f} readers {done['changed']:.0f} had another plan after the {kind}.")
    return done


def _beside(house: House, seconds: int) -> Figure:
    """Due to accepted of the letters that fall due in a sequence while its readers are planned anew."""
    with house.running(product_parts()):
        due = time.time() + 5
        number = EACH_SECOND * seconds
        first = int(_child(house, "steady", number, due, 1 / EACH_SECOND)["first"])
        time.sleep(max(0.0, due + BEFORE_IT - time.time()))
        edit = _Edit(house)
        edit.start()
        until = max(time.time(), due + seconds) + PATIENCE
        accepted = f"SELECT count(*) FROM delivery_dispatch WHERE state = 'accepted' AND subscriber_id >= {first}"
        while edit.is_alive() or (house.database.number(accepted) < number and time.time() < until):
            house.look_after()
            time.sleep(0.2)
        rows = house.database.rows(
            "SELECT coalesce(d.due_at, e.promised_at), d.handed_over_at FROM cadence_enrolment e LEFT JOIN"
            f" delivery_dispatch d ON d.enrolment_id = e.id WHERE e.subscriber_id >= {first}"
        )
    if edit.done is None:
        raise NotMeasured("The replanning beside the letters was not done.")
    began, end, now = edit.done["since"], edit.done["since"] + edit.done["seconds"], time.time()
    # What never came counts as late as it is by now.
    late: dict[bool, list[float]] = {True: [], False: []}
    for planned, sent in rows:
        meanwhile = began <= moment(planned) <= end
        late[meanwhile].append((moment(sent) if sent else now) - moment(planned))
    rate = edit.done["readers"] / edit.done["seconds"]
    note = f"{len(late[True]):,} letters due in {end - began:.1f} s, p50 {percentile(late[True], 0.5):.2f} s; "
    note += f"those before and after p99 {percentile(late[False], 0.99):.2f} s; {rate:,.0f} readers/s"
    return Figure("late while readers are replanned, p99", percentile(late[True], 0.99), "s", at_most=2.5, note=note)


class _Edit(threading.Thread):
    """An edit that goes on beside whatever else does."""

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self._house = house
        self.done: dict[str, float] | None = None

    def run(self) -> None:
        self.done = _planned(self._house, "edit")
