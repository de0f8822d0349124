"""How long a claim takes, with a crowd and with five times that crowd in the table.

Run as ``python -m benchmarks.claims TIMES`` it claims in this process and prints each claim's seconds.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from datetime import timedelta
from typing import cast

from benchmarks.figures import Figure, NotMeasured
from benchmarks.house import Bench, House

LIMIT = 500
TIMES = 20


def growth(bench: Bench) -> list[Figure]:
    """A claim of 500, and how much longer it takes in a table five times as large; a tenth of each is due."""
    small, large = bench.size(1_000_000, 200_000), bench.size(5_000_000, 1_000_000)
    with bench.house() as house:
        first = _median(house, small)
        second = _median(house, large)
    return [
        Figure(
            f"claim of {LIMIT}, {small:,} enrolments",
            first,
            "ms",
            note=f"median of {TIMES} that stay open; a tenth is due",
        ),
        Figure(
            f"claim of {LIMIT}, {large:,} enrolments",
            second,
            "ms",
            at_most=1.3,
            ratio=second / first,
            judged="ratio",
            note=f"against {small:,}",
        ),
    ]


def _median(house: House, crowd: int) -> float:
    """Milliseconds."""
    house.say(f"{crowd:,} readers are put in …")
    house.scene("crowd", crowd)
    house.say(f"claiming among {crowd:,} …")
    return statistics.median(cast("list[float]", house.child("benchmarks.claims", TIMES))) * 1000


def claim(times: int) -> list[float]:
    """Seconds of each of so many claims, after two that nobody counts."""
    import django

    django.setup()
    from django.conf import settings

    from keepshowingup.delivery.claiming import claim_letters

    taken = []
    for _ in range(times + 2):
        now, lease_until = settings.CLOCK.now(), settings.CLOCK.real() + timedelta(minutes=10)
        began = time.perf_counter()
        claimed = claim_letters(now, lease_until, limit=LIMIT)
        taken.append(time.perf_counter() - began)
        if not claimed:
            raise NotMeasured("There was nothing to claim.")
    return taken[2:]


if __name__ == "__main__":
    print(json.dumps(claim(int(sys.argv[1]))))
