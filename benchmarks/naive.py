"""The same letters the usual way, in the same run: same database, same sink, same template, same machine."""

from __future__ import annotations

import sys
import time

from celery import Celery

from benchmarks.drain import on_postgres
from benchmarks.figures import Figure
from benchmarks.house import ACCEPTED, Bench
from keepshowingup.ops.broker import broker_url
from keepshowingup.ops.supervisor import Part

# Before it counts, each process has parsed its templates and filled premailer's cache.
WARM_UP = 30


def ratio(bench: Bench) -> list[Figure]:
    """Our rate on PostgreSQL over that of a Celery task per letter, in two prefork processes."""
    ours = on_postgres(bench)
    naive = rate(bench, bench.size(600, 200))
    return [
        Figure(
            "drain over a task per letter",
            ours.rate,
            "letters/s",
            at_least=60,
            naive=naive,
            ratio=ours.rate / naive,
            judged="ratio",
            note=f"naive: {bench.size(600, 200)} letters, 2 prefork processes",
        )
    ]


def rate(bench: Bench, number: int) -> float:
    """Letters a second, from the first task published to the last letter saved; the processes are warm."""
    with bench.house() as house:
        url = broker_url("", house.folder)
        house.environment["REDIS_URL"] = url
        command = (sys.executable, "-m", "celery", "--app", "benchmarks.naive_app", "worker")
        worker = Part("worker", (*command, "--pool", "prefork", "--concurrency", "2", "--loglevel", "INFO"))
        house.add_readers(number + WARM_UP)
        ids = [int(row[0]) for row in house.database.rows("SELECT id FROM cadence_enrolment ORDER BY id")]
        with house.running([worker]), Celery(broker=url) as tutorial:

            def send(some: list[int]) -> float:
                began = time.time()
                wanted = house.database.number(ACCEPTED) + len(some)
                for enrolment in some:
                    tutorial.send_task("naive.send_letter", args=[enrolment])
                house.wait_until(lambda: house.database.number(ACCEPTED) >= wanted, "the naive letters", 300)
                return time.time() - began

            house.say("the naive way: warming up …")
            send(ids[:WARM_UP])
            house.say(f"the naive way: {number} letters …")
            return number / send(ids[WARM_UP:])
