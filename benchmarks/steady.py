"""How late a letter is when letters fall due all the time, as on an ordinary day."""

from __future__ import annotations

import time

from benchmarks.database import moment
from benchmarks.figures import Figure, percentile
from benchmarks.house import ACCEPTED, Bench, product_parts

EACH_SECOND = 100
PATIENCE = 10


def lateness(bench: Bench) -> list[Figure]:
    """Due to accepted at 100 letters a second with a tick of one second."""
    seconds = bench.size(60, 20)
    number = EACH_SECOND * seconds
    with bench.house(KSU_TICK="1") as house, house.running(product_parts()):
        due = house.add_readers(number, spacing=1 / EACH_SECOND)
        house.say(f"{EACH_SECOND} letters a second for {seconds} s …")
        left = max(0.0, due + seconds - time.time())
        until = time.time() + left + PATIENCE
        while house.database.number(ACCEPTED) < number and time.time() < until:
            house.look_after()
            time.sleep(0.2)
        rows = house.database.rows("SELECT due_at, handed_over_at FROM delivery_dispatch")
        rows += house.database.rows(
            "SELECT promised_at, NULL FROM cadence_enrolment e WHERE NOT EXISTS"
            " (SELECT FROM delivery_dispatch d WHERE d.enrolment_id = e.id)"
        )
    end = time.time()
    # What never came counts as late as it is by now.
    late = [(moment(accepted) if accepted else end) - moment(planned) for planned, accepted in rows]
    missing = sum(accepted is None for _, accepted in rows)
    note = f"{number:,} letters, {seconds} s, tick 1 s" + (f", {missing:,} still not accepted" if missing else "")
    return [
        Figure(f"late at {EACH_SECOND} letters/s, p50", percentile(late, 0.5), "s", at_most=1.0, note=note),
        Figure(f"late at {EACH_SECOND} letters/s, p99", percentile(late, 0.99), "s", at_most=2.5, note=note),
    ]
