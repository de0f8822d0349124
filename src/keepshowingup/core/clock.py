"""What time it is: the calendar's time, which a rehearsal may run faster, and the real time.

Readers, schedules, pauses and signatures live on the calendar (:meth:`Clock.now`). Leases, retries and
heartbeats are about machines and live in real time (:meth:`Clock.real`). Outside a rehearsal both are equal.
Neither follows a leap of the machine's clock before it has lasted; see ``core/steady.py``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.steady import SteadyTime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """A calendar that passes ``rate`` seconds in each real second, counted from ``anchor`` (UTC, real time)."""

    rate: float = 1.0
    anchor: datetime | None = None
    shift: timedelta = timedelta()
    real: Callable[[], datetime] = field(default=_utc_now, repr=False, compare=False)

    def now(self) -> datetime:
        """The calendar's time, aware, in UTC."""
        return self.calendar_at(self.real())

    def calendar_at(self, moment: datetime) -> datetime:
        """What the calendar shows at a real moment (aware, UTC)."""
        if self.anchor is None:
            return moment + self.shift
        return self.anchor + self.shift + (moment - self.anchor) * self.rate

    @property
    def leap(self) -> timedelta | None:
        """How far the machine's clock has leapt, while that is not believed; None: it goes as it should."""
        return self.real.leap if isinstance(self.real, SteadyTime) else None

    def real_between(self, earlier: datetime, later: datetime) -> timedelta:
        """How much real time passes between two calendar moments."""
        return (later - earlier) / self.rate


def parse_rate(setting: str) -> float:
    """``rate=3600`` (the form of ``KSU_CLOCK``) as a number; the empty setting is real time, 1.0.

    Raises :class:`WrongUsage` for anything else: a rehearsal that silently ran in real time would be believed.
    """
    if not setting.strip():
        return 1.0
    name, _, value = setting.partition("=")
    try:
        rate = float(value)
    except ValueError:
        rate = 0.0
    if name.strip() != "rate" or not 0 < rate < 10_000_000:
        raise WrongUsage(f"KSU_CLOCK is '{setting}'. Write KSU_CLOCK=rate=3600 for an hour in each second.")
    return rate


def keep_clock(path: Path, rate: float) -> Clock:
    """The clock all processes of one data folder share; its anchor is kept in the file at ``path``.

    With ``rate`` 1.0 it is real time and there is no anchor. A changed rate goes on from where the calendar
    stood, so that a rehearsal never runs backwards.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Elsewhere than on Linux there is no clock to compare the machine's with.
    real = SteadyTime(path.with_name("steady.json")) if hasattr(time, "CLOCK_BOOTTIME") else _utc_now
    if rate == 1.0:
        return Clock(real=real)
    started = real()
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return _write_anchor(path, Clock(rate, started, real=real), replace=False)
    shift = timedelta(seconds=kept["shift"])
    clock = Clock(kept["rate"], datetime.fromisoformat(kept["anchor"]), shift, real)
    if clock.rate == rate:
        return clock
    return _write_anchor(path, Clock(rate, started, clock.calendar_at(started) - started, real), replace=True)


def _write_anchor(path: Path, clock: Clock, *, replace: bool) -> Clock:
    assert clock.anchor is not None
    kept = {"rate": clock.rate, "anchor": clock.anchor.isoformat(), "shift": clock.shift.total_seconds()}
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(kept))
    if replace:
        os.replace(draft, path)
        return clock
    try:
        # link() fails when the file exists: of several processes starting at once exactly one sets the anchor.
        os.link(draft, path)
    except FileExistsError:
        return keep_clock(path, clock.rate)
    finally:
        draft.unlink()
    return clock
