"""The table of clock changes in docs/zones.md: ``make zones`` writes it for this year and next.

What it says comes out of the code that plans letters. A test makes it again for the years it is about and compares.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from keepshowingup.core.shifts import Shift, shifts
from keepshowingup.core.timing import OnDate, Rules, load_zone, moment_of, zone_names

PAGE = Path(__file__).parent.parent / "docs" / "zones.md"
AROUND_THE_CLOCK = Rules(window=(dt.time(), dt.time()), quiet=(dt.time(), dt.time()))
# The name a family goes by, where it has one of these: what most people would look for.
KNOWN = (
    *("America/New_York", "Europe/Berlin", "Europe/London", "Australia/Sydney", "America/Santiago", "Africa/Cairo"),
    *("Pacific/Auckland", "Africa/Casablanca", "America/Havana", "Asia/Jerusalem", "Europe/Helsinki"),
    *("America/Chicago", "America/Denver", "America/Los_Angeles", "America/Halifax", "America/Anchorage"),
)

HEAD = """# Clock changes of {first} and {last}

What a daily letter does when clocks change, in every zone of `tzdata` {version}: one letter for each local day, in
order. A time of day that does not exist comes as much later as the clocks jump; of one that happens twice the first
counts. Zones come from that package and never from the machine. The hours are for letters around the clock: with the
usual window from 08:00 to 21:00 no letter is at any of these times. `make zones` writes this page; a test makes it
again from the planner, and tries every one of these changes, of this year and next, whenever it is run.

| Zones | Local date | Clocks | A letter for | comes at | UTC |
|---|---|---|---|---|---|
"""


def page(first: int) -> str:
    """The whole page for the year ``first`` and the next."""
    since, until = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (first, first + 2))
    families: defaultdict[tuple[Shift, ...], list[str]] = defaultdict(list)
    for name in zone_names():
        families[tuple(shifts(load_zone(name), since, until))].append(name)
    never = families.pop((), [])
    in_order = sorted(families.items(), key=lambda each: (each[0][0].before, each[0][0].at))
    rows = "".join(row(names, shift) for changes, names in in_order for shift in changes)
    lists = "".join(f"- **{known(names)}**: {', '.join(names)}\n" for _, names in in_order)
    return (
        HEAD.format(first=first, last=first + 1, version=version("tzdata"))
        + rows
        + f"\n## Which zones change together\n\n{lists}\n"
        + f"The other {len(never)} zones keep their clocks in these years.\n"
    )


def known(names: list[str]) -> str:
    """What to call zones that change together."""
    return next((name for name in KNOWN if name in names), names[0])


def row(names: list[str], shift: Shift) -> str:
    """What one change does to a letter in the middle of it."""
    zone = load_zone(known(names))
    wish = shift.first + abs(shift.by) / 2
    moment = moment_of(
        OnDate(wish.date(), wish.time()),
        started_on=wish.date(),
        enrolled_at=shift.at - dt.timedelta(days=30),
        zone=zone,
        hour=wish.time(),
        rules=AROUND_THE_CLOCK,
    )
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    jump = f"{abs(shift.by).seconds // 60} min {'forward' if shift.forward else 'back'}"
    what = "is left out" if shift.forward else "comes twice"
    later = f"{moment.local:%H:%M}" + ("" if moment.local.date() == wish.date() else f" on {moment.local:%d %B}")
    return (
        f"| {known(names)}{others} | {wish:%a %Y-%m-%d} | {jump}: {shift.first:%H:%M} to {shift.last:%H:%M} {what} "
        f"| {wish:%H:%M} | {later}{'' if shift.forward else ', the first'} | {moment.utc:%Y-%m-%d %H:%M} |\n"
    )


def main() -> None:
    """Write the page for the years from this one, or from the one that is given."""
    PAGE.write_text(page(int(sys.argv[1]) if len(sys.argv) > 1 else dt.datetime.now(dt.UTC).year), encoding="utf-8")


if __name__ == "__main__":
    main()
