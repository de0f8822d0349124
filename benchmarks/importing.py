"""Readers from a CSV file, rows a second.

Run as ``python -m benchmarks.importing FILE`` it imports in this process and prints what came of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import cast

from benchmarks.figures import Figure, NotMeasured
from benchmarks.house import Bench

ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC")
NAMES = ("Maya", "José", "Anna", "Wei", "Fatima", "O'Brien", "Ngozi", "Łukasz")


def rows(bench: Bench) -> list[Figure]:
    """A file of a million on both databases."""
    number = bench.size(1_000_000, 100_000)
    figures = []
    for kind, name, wanted in (("postgres", "PostgreSQL", 60_000), ("sqlite", "SQLite", 40_000)):
        with bench.house(kind) as house:
            table = house.folder / "readers.csv"
            write_table(table, number)
            bench.say(f"{number:,} rows into {name} …")
            done = cast("dict[str, float]", house.child("benchmarks.importing", table))
            here = house.database.number("SELECT count(*) FROM audience_subscriber")
        if not done["added"] == here == number:
            raise NotMeasured(f"Of {number} rows {done['added']} were added.")
        note = f"{number:,} rows in {done['seconds']:.1f} s"
        figures.append(Figure(f"import, {name}", number / done["seconds"], "rows/s", at_least=wanted, note=note))
    return figures


def write_table(path: Path, number: int) -> None:
    """Readers as another program would export them."""
    with path.open("w", encoding="utf-8") as file:
        file.write("email,first_name,zone,hour,country,language\n")
        for row in range(number):
            zone = ZONES[row % len(ZONES)]
            file.write(
                f"reader{row}@d{row % 997}.example.org,{NAMES[row % len(NAMES)]},{zone},{7 + row % 13}:30,GB,en\n"
            )


def bring_in(path: Path) -> dict[str, float]:
    """Import the file with the product's own verb; what it says of it."""
    import django

    django.setup()
    from django.conf import settings

    from keepshowingup.audience.importing import import_readers

    return import_readers(path, now=settings.CLOCK.now(), consent_note="asked for on paper").row()


if __name__ == "__main__":
    print(json.dumps(bring_in(Path(sys.argv[1]))))
