"""An oracle that says zero is worth something only if it sees what is not zero: each kind of fault, made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.chaos.oracle import HEARD_WITHIN, Evidence, Verdict, judge
from tests.chaos.plan import Plan, Reader, Size
from tests.chaos.record import Asked, Calendar, Done, Ended, Fate, Kill, Opened, Refused, ServerRecord, Took

DAY = 2.0
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CALENDAR = Calendar(86_400 / DAY, NOON.timestamp())
MAYA = Reader("maya@quay.example", "UTC", "13:00")
GONE = Reader("gone@quay.example", "UTC", "13:00", doomed=True)
SIZE = Size(readers=1, steps=3, seconds=20, day=DAY)


def on(day: float) -> float:
    """The real moment of 13:00 so many days after joining."""
    return CALENDAR.real(NOON + timedelta(days=day, hours=1))


def did(verb: str, day: float, days: int = 0, reader: Reader = MAYA) -> Done:
    moment = NOON + timedelta(days=day)
    return Done(reader.address, verb, days, CALENDAR.real(moment), CALENDAR.real(moment), moment, moment)


@dataclass
class World:
    """Maya joined at noon on day 0 and got her letters at 13:00 on days 0, 3 and 6; tests change what they will."""

    reader: Reader = MAYA
    days: list[float] = field(default_factory=lambda: [0.0, 3.0, 6.0])
    doings: list[Done] = field(default_factory=list)
    took: list[Took] = field(default_factory=list)
    fates: dict[tuple[str, int], Fate] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    kills: tuple[Kill, ...] = ()
    in_the_clear: list[str] = field(default_factory=list)
    told_nobody: int = 0
    now: float = on(6) + 40

    def __post_init__(self) -> None:
        self.doings.insert(0, did("join", 0, reader=self.reader))
        for step, day in enumerate(self.days):
            self.arrives(step, on(day) + 0.1)

    def arrives(self, step: int, began: float) -> None:
        address, message_id = self.reader.address, f"<{step}@x>"
        handed = CALENDAR.shown_at(began + 0.02)
        dated = format_datetime(handed)
        self.took.append(Took(1, address, f"Note {step}", message_id, began, began + 0.01, dated))
        self.fates[address, step] = Fate("accepted", "250 kept", handed, message_id)

    def has_state(self, step: int, state: str) -> None:
        key = self.reader.address, step
        self.fates[key] = replace(self.fates[key], state=state)

    def never_arrives(self, step: int) -> None:
        self.took = [took for took in self.took if took.subject != f"Note {step}"]

    def verdict(self, *, is_final: bool = True) -> Verdict:
        plan = Plan(0, "sqlite", SIZE, "", 2, (self.reader,), (), (), {})
        began = [(took.recipient, took.began) for took in self.took]
        record = ServerRecord(
            self.took, self.refused, self.ended, began, self.opened, self.asked, self.in_the_clear, self.told_nobody
        )
        return judge(
            Evidence(
                plan, CALENDAR, tuple(self.doings), record, self.fates, self.now, 0.1, self.kills, is_final=is_final
            )
        )


def test_a_letter_in_doubt_counts_from_its_date() -> None:
    world = World()
    world.has_state(1, "unknown")
    world.took[1] = replace(world.took[1], dated="Sun, 01 Nov 2026 09:00:00 +0000")
    said = [odd for odd in world.verdict().odd if "is of Sun, 01 Nov 2026 09:00:00 +0000, and in doubt since" in odd]
    assert [odd.partition(" to ")[0] for odd in said] == ["note 1"]


def test_all_is_well_when_all_came_at_its_moment() -> None:
    verdict = World().verdict()
    assert (verdict.faults, verdict.owed, verdict.came, verdict.waiting) == ([], 3, 3, [])
    assert 0 < verdict.late_by(100) < 0.2


def test_a_letter_that_never_came_is_lost_whatever_the_product_says() -> None:
    world = World()
    world.never_arrives(1)
    assert len(world.verdict().lost) == 1
    del world.fates[MAYA.address, 1], world.fates[MAYA.address, 2]
    world.never_arrives(2)
    assert len(world.verdict().lost) == 1, "the one after it is not owed yet"


def test_a_letter_that_has_not_come_is_waited_for_as_long_as_there_is_hope() -> None:
    world = World(days=[0, 3])
    hopeful = world.verdict(is_final=False)
    assert (hopeful.lost, len(hopeful.waiting)) == ([], 1)
    assert len(world.verdict().lost) == 1


def test_a_letter_the_product_has_closed_without_handing_it_over_is_lost_at_once() -> None:
    world = World()
    world.never_arrives(2)
    assert len(world.verdict(is_final=False).lost) == 1


def test_a_second_copy_is_seen() -> None:
    world = World()
    world.took.append(replace(world.took[1], connection=2, began=on(3) + 5, at=on(3) + 5))
    assert len(world.verdict().twice) == 1


def test_a_letter_before_its_moment_is_early() -> None:
    assert len(World(days=[0, 2.9, 6]).verdict().early) == 1


def test_a_letter_after_leaving_is_seen_and_those_not_sent_are_not_owed() -> None:
    left = [did("leave", 1)]
    assert World(days=[0], doings=[*left]).verdict().faults == []
    assert len(World(days=[0, 3], doings=[*left]).verdict().after_leaving) == 1


def test_a_break_moves_what_is_to_come_by_its_days() -> None:
    assert World(days=[0, 5, 8], doings=[did("pause", 1, days=2)]).verdict().faults == []
    assert World(days=[0, 5, 8], doings=[did("pause", 1), did("resume", 3)]).verdict().faults == []
    assert len(World(days=[0, 5, 7], doings=[did("pause", 1, days=2)]).verdict().early) == 1


def test_a_letter_in_a_break_is_seen() -> None:
    assert len(World(days=[0, 3], doings=[did("pause", 1)]).verdict().in_a_break) == 1


def test_a_late_letter_moves_the_ones_after_it_and_late_is_counted_once() -> None:
    late = World(days=[0, 5, 8], now=on(8) + 40).verdict()
    assert late.faults == []
    assert sorted(round(seconds) for seconds in late.late) == [0, 0, 2 * DAY]


def test_letters_that_catch_up_by_coming_close_together_are_seen() -> None:
    assert len(World(days=[0, 5, 6]).verdict().bunched) == 1


def in_doubt(how: str = "cut", stage: str = "dot", kills: tuple[Kill, ...] = ()) -> World:
    """Note 1 may or may not have arrived: its connection, number 2, ended like this on day 3."""
    world = World(kills=kills)
    world.never_arrives(1)
    world.has_state(1, "unknown")
    world.opened = [Opened(2, 40_001, on(2)), Opened(3, 40_002, on(2))]
    world.ended = [Ended(2, how, stage, MAYA.address, "", on(3) + 1), Ended(3, "quit", "", "", "", on(6) + 1)]
    return world


def test_a_letter_in_doubt_whose_connection_the_server_cut_is_counted_and_is_neither_lost_nor_the_end() -> None:
    verdict = in_doubt().verdict()
    assert (verdict.faults, verdict.came) == ([], 2)
    assert (verdict.doubts.number, verdict.doubts.by_cut, verdict.doubts.cuts) == (1, 1, 1)


def test_a_kill_may_leave_one_letter_in_doubt_for_each_connection_of_the_worker_that_died() -> None:
    kill = Kill(on(3) + 0.5, "worker-0", frozenset({40_001}))
    verdict = in_doubt("gone", "body", (kill,)).verdict()
    assert (verdict.faults, verdict.doubts.by_kill) == ([], [(1, 1)])


def test_a_killed_supervisor_may_take_any_worker_with_it() -> None:
    kill = Kill(on(3) - 5, "supervisor", frozenset(), lingers=10)
    world = in_doubt("gone", "body", (kill,))
    world.opened = [Opened(2, 40_001, kill.at - 1)]
    assert (world.verdict().faults, world.verdict().doubts.by_kill) == ([], [(1, 1)])


def test_a_letter_in_doubt_although_another_worker_was_killed_is_odd() -> None:
    kill = Kill(on(3) + 0.5, "worker-1", frozenset({40_002}))
    assert len(in_doubt("gone", "body", (kill,)).verdict().odd) == 1


def test_a_letter_in_doubt_although_nobody_was_killed_is_odd() -> None:
    assert len(in_doubt("gone", "body").verdict().odd) == 1


def test_a_letter_in_doubt_that_the_server_never_asked_for_is_odd() -> None:
    for stage in ("MAIL", "RCPT", "DATA"):
        assert len(in_doubt("cut", stage).verdict().odd) == 1, "its dot can't have been sent"


def test_two_letters_in_doubt_for_one_connection_are_one_too_many() -> None:
    world = World(ended=[Ended(1, "cut", "dot", MAYA.address)])
    world.has_state(1, "unknown")
    assert world.verdict().odd == []
    world.has_state(2, "unknown")
    assert len(world.verdict().odd) == 1


def test_doubt_about_a_letter_whose_connection_ended_in_good_order_is_odd() -> None:
    world = World(ended=[Ended(1, "quit", "", "")])
    world.has_state(1, "unknown")
    assert len(world.verdict().odd) == 1


def test_a_recipient_named_before_tls_is_odd_and_so_is_a_message_to_nobody() -> None:
    assert len(World(in_the_clear=[MAYA.address]).verdict().odd) == 1
    assert len(World(told_nobody=1).verdict().odd) == 1


def test_a_mailbox_that_is_written_to_long_after_its_end_is_odd() -> None:
    ended = Refused(GONE.address, on(3), "550 5.1.1 no such user here")
    world = World(GONE, days=[0], refused=[ended])
    world.fates[GONE.address, 1] = Fate("refused", "550 5.1.1 no such user here", None, "<1@x>")
    world.asked = [Asked(1, GONE.address, "bounce", on(3) + 1)]
    assert world.verdict().faults == []
    world.asked = [Asked(1, GONE.address, "bounce", on(3) + HEARD_WITHIN + 1)]
    assert len(world.verdict().odd) == 1


def test_a_calendar_that_jumped_is_odd() -> None:
    early = did("pause", 1, days=2)
    jumped = replace(early, earliest=early.earliest - timedelta(hours=1))
    assert len(World(days=[0, 5, 8], doings=[jumped]).verdict().odd) == 1


def test_a_letter_the_server_has_and_the_product_has_closed_otherwise_is_odd() -> None:
    for state in ("refused", "skipped"):
        world = World()
        world.has_state(2, state)
        assert len(world.verdict().odd) == 1


def test_another_message_id_at_the_server_is_odd() -> None:
    world = World()
    world.took[0] = replace(world.took[0], message_id="<other@x>")
    assert len(world.verdict().odd) == 1


def test_a_mailbox_that_has_ended_is_owed_nothing_more() -> None:
    world = World(GONE, days=[0], refused=[Refused(GONE.address, on(3), "550 5.1.1 no such user here")])
    world.fates[GONE.address, 1] = Fate("refused", "550 5.1.1 no such user here", None, "<1@x>")
    assert (world.verdict().faults, world.verdict().owed) == ([], 1)


def test_the_lateness_of_a_letter_the_server_put_off_is_counted_apart() -> None:
    refused = [Refused(MAYA.address, on(3) + 1, "450 4.2.0 greylisted")]
    world = World(days=[0], refused=refused)
    world.arrives(1, on(3) + 50)
    world.now = on(3) + 55
    verdict = world.verdict(is_final=False)
    assert (len(verdict.late), len(verdict.put_off)) == (1, 1)


def test_a_letter_put_off_at_mail_is_known_by_its_sender() -> None:
    refused = [Refused("", on(3) + 1, "451 4.3.0 not just now", sender="bounce+x@y")]
    world = World(days=[0], refused=refused, asked=[Asked(1, MAYA.address, "bounce+x@y", on(3) + 50)])
    world.arrives(1, on(3) + 50)
    assert len(world.verdict(is_final=False).put_off) == 1
