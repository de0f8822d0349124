"""Letters to a relay some milliseconds away: there round trips rule, not processors."""

from __future__ import annotations

import re
import socket
import statistics
import sys
import time
from pathlib import Path

from benchmarks.drain import drain
from benchmarks.figures import Figure, NotMeasured
from benchmarks.house import Bench, product_parts
from benchmarks.sink import HERE, listens
from keepshowingup.ops.supervisor import Part
from tests.postgres import free_port

ROUND_TRIP = 10
MOST_CONNECTIONS = 64


def ten_milliseconds(bench: Bench) -> list[Figure]:
    """The drain through a proxy that delays; over no more than 64 connections in all."""
    port = free_port()
    trips: list[float] = []

    def ready() -> bool:
        if not listens(port):
            return False
        trips.append(round_trip(port))
        return True

    with bench.house(KSU_CONNECTIONS=str(MOST_CONNECTIONS // 2)) as house:
        house.environment["SMTP_URL"] = f"smtp://{HERE}:{port}"
        command = (sys.executable, "-m", "benchmarks.delay", str(port), str(house.sink.port), str(ROUND_TRIP))
        proxy = Part("proxy", command, ready=ready, foundation=True)
        done = drain(house, bench.size(20_000, 2_000), limit=120, parts=[proxy, *product_parts()])
        connections = most_connections(house.folder / "logs" / "proxy.log")
    if connections > MOST_CONNECTIONS:
        raise NotMeasured(f"There were {connections} connections at once; {MOST_CONNECTIONS} are allowed.")
    note = f"{done.note}, round trip {trips[-1] * 1000:.1f} ms, at most {connections} connections"
    return [Figure(f"drain, relay {ROUND_TRIP} ms away", done.rate, "letters/s", at_least=1500, note=note)]


def round_trip(port: int) -> float:
    """What a round trip through the proxy really takes, in seconds: the median of some NOOPs."""
    with socket.create_connection((HERE, port), timeout=10) as connection:
        connection.recv(1000)
        taken = []
        for _ in range(9):
            began = time.perf_counter()
            connection.sendall(b"NOOP\r\n")
            connection.recv(1000)
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def most_connections(log: Path) -> int:
    """The most the proxy had at once, by its log."""
    return max((int(count) for count in re.findall(r"most=(\d+)", log.read_text())), default=0)
