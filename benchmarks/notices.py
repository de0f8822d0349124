"""A confirmation letter, asked for while a great many others are on their way."""

from __future__ import annotations

import datetime as dt
import threading
from typing import cast

import psycopg

from benchmarks.database import moment
from benchmarks.drain import drain
from benchmarks.figures import Figure, percentile
from benchmarks.house import Bench, House
from keepshowingup.ops.parts import beat_part, worker_part

MOST = 400
EVERY = 0.1


def under_load(bench: Bench) -> list[Figure]:
    """Due to accepted of a confirmation, while bulk letters drain. The workers are as `keepshowingup up` has them,
    with one more for the bulk."""
    parts = [
        worker_part("worker-letters-1", ("bulk", "maintenance")),
        worker_part("worker-letters-2", ("bulk", "maintenance")),
        worker_part("worker-notices", ("transactional", "maintenance")),
        beat_part(),
    ]
    number = bench.size(100_000, 20_000)
    with bench.house() as house:
        asking = _Asking(house)
        asking.start()
        try:
            done = drain(house, number, limit=bench.size(300, 60), parts=parts, each_turn=0.2)
        finally:
            asking.end()
        late, waiting = asking.lateness()
    note = f"{len(late)} confirmations beside {done.letters:,} letters"
    if waiting:
        note += f", {waiting} not sent when the letters were"
    return [Figure("confirmation while letters drain, p95", percentile(late, 0.95), "s", at_most=5.0, note=note)]


class _Asking(threading.Thread):
    """Readers who ask to join, ten each second, from the first letter's claim on."""

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self._url = house.postgres.url
        self._house = house
        self._asked = cast("list[tuple[int, int]]", house.scene("unconfirmed", MOST))
        self._over = threading.Event()
        self._ended_at = dt.datetime.now(dt.UTC)

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._over.wait(EVERY):
                begun = connection.execute("SELECT EXISTS (SELECT FROM delivery_dispatch)").fetchone()
                if begun and begun[0]:
                    break
            for invitation, subscriber in self._asked:
                if self._over.wait(EVERY):
                    return
                connection.execute(
                    "INSERT INTO audience_notice (subscriber_id, invitation_id, kind, due_at, created_at)"
                    " VALUES (%s, %s, 'confirm', now(), now())",
                    (subscriber, invitation),
                )

    def end(self) -> None:
        """Nobody asks any more."""
        self._over.set()
        if self.is_alive():
            self.join()
        self._ended_at = dt.datetime.now(dt.UTC)

    def lateness(self) -> tuple[list[float], int]:
        """Seconds from due to accepted, and how many were not accepted by the end; those count as that late."""
        rows = self._house.database.rows(
            "SELECT coalesce(d.due_at, n.due_at, n.created_at), d.handed_over_at FROM audience_notice n"
            " LEFT JOIN delivery_dispatch d ON d.notice_id = n.id"
        )
        end = self._ended_at.timestamp()
        late = [(moment(accepted) if accepted else end) - moment(due) for due, accepted in rows]
        return late, sum(accepted is None for _, accepted in rows)
