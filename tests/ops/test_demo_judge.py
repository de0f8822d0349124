"""The demonstration's judge must be able to say no."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from keepshowingup.core.clock import Clock
from keepshowingup.ops.demo.judge import Arrival, Reader, judge, promises

PLAN = [(0, "First"), (2, "Second"), (5, "Third")]
MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # 07:00 in Santiago
CLOCK = Clock()


def maya() -> Reader:
    return Reader("Maya", "maya@example.org", ZoneInfo("America/Santiago"), "morning", time(8, 30), MORNING)


def kept(reader: Reader) -> list[Arrival]:
    return [Arrival(p.reader, p.subject, p.due + timedelta(seconds=1)) for p in promises(reader, PLAN)]


def test_every_promise_kept_is_no_fault() -> None:
    verdict = judge([maya()], PLAN, kept(maya()), CLOCK)
    assert (verdict.due, verdict.delivered, verdict.faults) == (3, 3, [])
    assert verdict.late_quantile(50) == 1.0


def test_the_hour_is_the_readers_own() -> None:
    assert [p.due.isoformat() for p in promises(maya(), PLAN)] == [
        "2026-11-23T11:30:00+00:00",
        "2026-11-25T11:30:00+00:00",
        "2026-11-28T11:30:00+00:00",
    ]


def test_a_letter_that_never_came_is_lost() -> None:
    verdict = judge([maya()], PLAN, kept(maya())[:-1], CLOCK)
    assert verdict.lost == ["'Third' to Maya was due and never came."]


def test_a_second_copy_is_seen() -> None:
    verdict = judge([maya()], PLAN, [*kept(maya()), kept(maya())[0]], CLOCK)
    assert verdict.twice == ["'First' to Maya came 2 times."]


def test_an_early_letter_is_seen() -> None:
    first, *rest = kept(maya())
    early = Arrival(first.recipient, first.subject, first.at - timedelta(minutes=5))
    assert len(judge([maya()], PLAN, [early, *rest], CLOCK).early) == 1


def test_a_letter_after_leaving_is_seen() -> None:
    reader = maya()
    arrivals = kept(reader)
    reader.left_at = arrivals[1].at + timedelta(hours=1)
    assert judge([reader], PLAN, arrivals[:2], CLOCK).faults == []
    assert judge([reader], PLAN, arrivals, CLOCK).after_leaving == ["'Third' came to Maya after leaving."]


def test_a_letter_that_falls_due_while_somebody_leaves_may_come_or_not() -> None:
    reader = maya()
    arrivals = kept(reader)
    second = arrivals[1].at
    reader.leaves_at, reader.left_at = second - timedelta(hours=1), second + timedelta(hours=1)
    assert judge([reader], PLAN, arrivals[:1], CLOCK).faults == []
    assert judge([reader], PLAN, arrivals[:2], CLOCK).faults == []
    assert judge([reader], PLAN, arrivals[1:2], CLOCK).lost == ["'First' to Maya was due and never came."]
    assert judge([reader], PLAN, arrivals, CLOCK).after_leaving == ["'Third' came to Maya after leaving."]


def test_a_letter_nobody_promised_is_seen() -> None:
    stray = Arrival("maya@example.org", "Fourth", MORNING)
    assert len(judge([maya()], PLAN, [*kept(maya()), stray], CLOCK).unpromised) == 1


def test_a_pause_moves_what_was_still_to_come() -> None:
    reader = maya()
    reader.paused_at = MORNING + timedelta(days=3)
    assert [p.subject for p in promises(reader, PLAN)] == ["First", "Second"]
    reader.resumed_at = MORNING + timedelta(days=7)
    assert promises(reader, PLAN)[-1].due == MORNING + timedelta(days=9, hours=1, minutes=30)
