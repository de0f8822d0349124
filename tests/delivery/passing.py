"""A worker of its own that lets letters pass a shared limit in real time, for as long as it is told.

``python -m tests.delivery.passing SECONDS CHUNK LETTERS BURST`` prints when each letter may leave, a line each.
"""

from __future__ import annotations

import datetime as dt
import sys
import time

import django

django.setup()

from keepshowingup.core.rates import Rate  # noqa: E402
from keepshowingup.core.shares import Shares  # noqa: E402
from keepshowingup.core.turns import Asking, Leave, Limit  # noqa: E402
from keepshowingup.delivery.limits import pass_through  # noqa: E402

IN_HAND = dt.timedelta(seconds=0.5)


def main(seconds: float, chunk: int, letters: float, burst: int) -> None:
    limits, shares = {"main": Limit(Rate(letters, burst=burst))}, Shares({"main": 1})
    promised: list[dt.datetime] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        now = dt.datetime.now(dt.UTC)
        back = sum(at <= now for at in promised)
        promised = [at for at in promised if at > now]
        asking = [Asking(("main",), promised=True)] * back + [Asking(("main",))] * (0 if promised else chunk)
        for turn in pass_through(asking, limits, shares, now, IN_HAND):
            assert turn.at >= now
            if isinstance(turn, Leave):
                # In hand until its moment, as a worker keeps it.
                time.sleep(max(0.0, (turn.at - dt.datetime.now(dt.UTC)).total_seconds()))
                print(turn.at.timestamp())
            else:
                promised.append(turn.at)
        time.sleep(0.02)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
