"""What became of letters stays counted, whatever happens to the letters."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from django.db import transaction
from django.db.models import CharField
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from keepshowingup.audience.leaving import erase
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery import ledger
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import deliver
from keepshowingup.delivery.held import read_held
from keepshowingup.delivery.ledger import End, Entry, Totals, accepted_since, enter, sum_up, totals
from keepshowingup.delivery.models import Dispatch, LedgerLine
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.delivery.tidying import forget_old
from keepshowingup.editorial.models import Sequence
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.factories import MONDAY, DispatchFactory
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


def accepted(late: float, due_at: dt.datetime = MONDAY) -> Entry:
    return Entry(DispatchState.ACCEPTED, "250 ok", due_at, due_at + dt.timedelta(seconds=late))


def ended() -> dict[str, int]:
    return {end.value: number for end, number in totals().ends.items() if number}


def hand_over_all(courier: Courier, clock: StoppedClock) -> None:
    offers = claim(clock).letters
    Dispatch.objects.update(state=DispatchState.HANDING_OVER, owner=courier.journal.name)
    deliver(read_held(pk for pk, _ in offers), courier, time.monotonic())


def test_each_letter_is_counted_by_what_its_server_said(
    courier: Courier, clock: StoppedClock, sequence: Sequence, server: SmtpServer
) -> None:
    took, later, never, lost, away = (place.subscriber.email for place in enrol_many(sequence, 5))
    server.script[later] = ["450 4.2.0 later"]
    server.script[never] = ["550 5.1.1 nobody here"]
    server.script[lost] = ["drop-dot"]
    server.script[away] = ["550 5.7.1 not from you"]
    hand_over_all(courier, clock)
    assert ended() == {"accepted": 1, "retried": 2, "refused": 1, "unknown": 1}
    (name,) = courier.ways
    assert totals().answers == {(name, End(end)): number for end, number in ended().items()}
    assert sum(totals().lateness.values()) == 1
    assert took in {received.recipient for received in server.received}


def test_a_letter_that_comes_back_is_counted_and_stays_accepted(clock: StoppedClock, enrolment: Enrolment) -> None:
    letter = DispatchFactory.create(enrolment=enrolment, state="handing_over")
    now = clock.now()
    (held,) = read_held([letter.pk])
    settle([Settlement(held, DispatchState.ACCEPTED, handed_at=now, asked=True)], now)
    settle([Settlement(held, DispatchState.REFUSED, "5.1.1", handed_at=now)], now)
    assert ended() == {"accepted": 1, "returned": 1}


def test_a_late_word_that_changes_nothing_is_not_counted(clock: StoppedClock, enrolment: Enrolment) -> None:
    letter = DispatchFactory.create(enrolment=enrolment, state="handing_over", fence=2)
    (held,) = read_held([letter.pk])
    late = Settlement(held._replace(fence=1), DispatchState.ACCEPTED, handed_at=clock.now(), asked=True)
    settle([late], clock.now())
    assert ended() == {}


def test_what_is_undone_is_not_counted() -> None:
    with transaction.atomic():
        enter([accepted(1)], MONDAY)
        transaction.set_rollback(True)
    assert ended() == {}


def test_skipped_letters_are_counted_by_reason_and_without_words() -> None:
    reasons = ("too_late", "too_late", "not_rendered: 'maya' is undefined", "something else")
    enter([Entry(DispatchState.SKIPPED, reason, MONDAY, None, asked=False) for reason in reasons], MONDAY)
    found = totals()
    assert {reason: number for reason, number in found.skipped.items() if number} == {
        "too_late": 2,
        "not_rendered": 1,
        "": 1,
    }
    assert found.ends[End.SKIPPED] == 4


def test_counts_stay_when_readers_are_erased_and_old_letters_forgotten(
    courier: Courier, clock: StoppedClock, sequence: Sequence
) -> None:
    places = enrol_many(sequence, 3)
    hand_over_all(courier, clock)
    before = totals()
    assert ended() == {"accepted": 3}
    erase(places[0].subscriber_id, clock.now())
    assert totals() == before
    clock.go_on(dt.timedelta(days=100))
    forget_old(clock.now())
    assert not Dispatch.objects.exists()
    assert totals() == before


def test_lines_are_summed_up_by_the_minute_and_then_by_the_day() -> None:
    for second in range(100):
        moment = MONDAY + dt.timedelta(seconds=second)
        enter([accepted(0.2, moment), accepted(4000, moment), accepted(10**6, moment)], moment)
    before = totals()
    sum_up(MONDAY + dt.timedelta(minutes=5))
    assert LedgerLine.objects.count() == 300
    sum_up(MONDAY + dt.timedelta(hours=1))
    assert LedgerLine.objects.count() == 6
    assert totals().lateness == before.lateness
    sum_up(MONDAY + dt.timedelta(days=3))
    assert LedgerLine.objects.count() == 3
    assert totals().seconds == pytest.approx(before.seconds)
    assert totals().ends == before.ends


def test_summing_up_goes_on_until_all_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "AT_A_TIME", 7)
    for second in range(50):
        enter([accepted(1)], MONDAY + dt.timedelta(seconds=second))
    sum_up(MONDAY + dt.timedelta(days=9))
    sum_up(MONDAY + dt.timedelta(days=9))
    assert totals().ends[End.ACCEPTED] == 50
    assert LedgerLine.objects.filter(span=0).count() == 0


def test_what_each_transport_answered_stays_told_apart_when_lines_are_summed_up() -> None:
    entry = accepted(1)
    enter([entry._replace(transport="main"), entry._replace(transport="spare"), entry], MONDAY)
    enter([entry._replace(transport="main")], MONDAY)
    sum_up(MONDAY + dt.timedelta(days=9))
    assert totals().answers == {("main", End.ACCEPTED): 2, ("spare", End.ACCEPTED): 1}
    assert totals().lateness == {1.0: 4}


def test_what_was_accepted_lately_is_told_in_order() -> None:
    for second in (2, 1, 3):
        enter([accepted(0.3)], MONDAY + dt.timedelta(seconds=second))
    since = accepted_since(MONDAY + dt.timedelta(seconds=1))
    assert [(each.at.second, each.late, each.number) for each in since] == [(2, 0.5, 1), (3, 0.5, 1)]


Move = tuple[DispatchState, float, bool, int]
moves = st.lists(
    st.tuples(
        st.sampled_from([state for state in DispatchState if state is not DispatchState.CLAIMED]),
        st.floats(min_value=-1, max_value=10**6),
        st.booleans(),
        st.integers(min_value=0, max_value=10**7),
    ),
    max_size=20,
)


class Counting(TestCase):
    """Whatever happens, in whatever order, no count ever falls."""

    @hypothesis_settings(max_examples=25)
    @given(st.lists(moves, max_size=5), st.lists(st.integers(min_value=0, max_value=10**7), max_size=5))
    def test_counts_only_grow(self, batches: list[list[Move]], sums: list[int]) -> None:
        entered, before = 0, totals()
        for place, batch in enumerate(batches):
            for state, late, asked, second in batch:
                moment = MONDAY + dt.timedelta(seconds=second)
                handed = moment + dt.timedelta(seconds=late) if state is DispatchState.ACCEPTED else None
                enter([Entry(state, "left", moment, handed, asked)], moment)
                entered += state is not DispatchState.HANDING_OVER
            if place < len(sums):
                sum_up(MONDAY + dt.timedelta(seconds=sums[place]))
            after = totals()
            assert_grown(before, after)
            before = after
        assert sum(before.ends.values()) == entered


def assert_grown(before: Totals, after: Totals) -> None:
    for name in ("ends", "skipped", "lateness"):
        earlier, later = getattr(before, name), getattr(after, name)
        assert all(later[key] >= number for key, number in earlier.items()), name
    assert after.seconds >= before.seconds - 1e-6 * abs(before.seconds)


def test_every_word_a_ledger_keeps_has_room() -> None:
    for field, words in (("end", End), ("reason", ledger._SKIP_REASONS)):
        column = LedgerLine._meta.get_field(field)
        assert isinstance(column, CharField)
        assert max(map(len, words)) <= (column.max_length or 0)
