from __future__ import annotations

from datetime import date

import pytest

from keepshowingup.audience.leaving import leave, suppress, take_back
from keepshowingup.audience.models import Subscriber, Suppression
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.cadence.enrolling import confirm, enrol, enrol_many, leave_sequence, stop_for_those_gone
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence
from tests.cadence.world import DAY, HOUR, drip, join, local, newsletter, reader, run, send_due
from tests.factories import MONDAY, InvitationFactory

pytestmark = pytest.mark.django_db

TEN = MONDAY + HOUR


class TestJoining:
    def test_day_0_is_the_local_date_of_joining(self) -> None:
        enrolment = join(drip(1), who=reader(zone="Pacific/Auckland"), now=MONDAY + 4 * HOUR)
        assert enrolment.started_on == date(2026, 11, 24)
        assert local(enrolment) == "Wed 2026-11-25 10:00"

    def test_a_letter_for_today_whose_hour_has_passed_goes_out_soon(self) -> None:
        enrolment = join(drip(0), now=TEN + 3 * HOUR)
        assert enrolment.due_at == TEN + 3 * HOUR
        assert "10:00 had passed" in enrolment.due_reason

    def test_joining_twice_is_joining_once(self) -> None:
        first = join(drip(0, 2))
        run(MONDAY, MONDAY + DAY)
        again = enrol(first.subscriber_id, first.sequence_id, MONDAY + DAY)
        assert again.pk == first.pk
        assert local(again) == "Wed 2026-11-25 10:00"

    def test_a_reader_of_a_draft_or_paused_sequence_waits(self) -> None:
        for state in (Sequence.State.DRAFT, Sequence.State.PAUSED):
            join(drip(0, state=state))
        assert run(MONDAY, MONDAY + 2 * DAY) == []

    @pytest.mark.parametrize("state", [Subscriber.State.UNCONFIRMED, Subscriber.State.LEFT])
    def test_nobody_is_enrolled_who_has_not_said_yes(self, state: str) -> None:
        with pytest.raises(Refused, match="say yes"):
            join(drip(0), who=reader(state=state))

    def test_unknown_readers_and_sequences_are_not_found(self) -> None:
        with pytest.raises(NotFound):
            enrol(999, drip(0).pk, MONDAY)
        with pytest.raises(NotFound):
            enrol(reader().pk, 999, MONDAY)

    def test_many_join_at_once_and_those_who_know_the_sequence_are_left_as_they_are(self) -> None:
        sequence = drip(0, 2)
        old = join(sequence, now=MONDAY - 10 * DAY)
        leave_sequence(old.subscriber_id, sequence.pk, MONDAY)
        people = [reader(), reader(zone="Asia/Tokyo"), reader(state=Subscriber.State.LEFT)]
        ids = [old.subscriber_id, *(each.pk for each in people)]
        assert enrol_many(ids, sequence.pk, MONDAY) == 2
        assert enrol_many(ids, sequence.pk, MONDAY) == 0
        assert [local(each) for each in Enrolment.objects.order_by("pk")] == [
            None,
            "Mon 2026-11-23 10:00",
            "Mon 2026-11-23 18:00",  # 09:00 in London is 18:00 in Tokyo: today's hour had passed
        ]


class TestConfirming:
    def test_saying_yes_begins_the_letters(self) -> None:
        sequence = drip(0)
        invitation = InvitationFactory.create(sequence_id=sequence.pk, zone="Europe/London")
        confirmed = confirm(make(Purpose.CONFIRM, invitation.opaque), MONDAY)
        assert (confirmed.subscriber_id, confirmed.sequence_id) == (invitation.subscriber_id, sequence.pk)
        assert [each.key for each in run(MONDAY, MONDAY + DAY)] == ["day-0"]

    def test_a_sequence_that_is_gone_is_no_obstacle(self) -> None:
        invitation = InvitationFactory.create(sequence_id=12345)
        confirm(make(Purpose.CONFIRM, invitation.opaque), MONDAY)
        assert not Enrolment.objects.exists()

    def test_coming_back_to_one_sequence_does_not_wake_the_others(self) -> None:
        maya = reader()
        one, other = join(drip(0, 2, 30), who=maya), join(drip(5, 40), who=maya)
        run(MONDAY, MONDAY + DAY)
        leave(maya.pk, MONDAY + DAY)
        late = MONDAY + 20 * DAY
        invitation = InvitationFactory.create(
            subscriber=maya, sequence_id=one.sequence_id, created_at=late, zone="Europe/London", expires_at=late + DAY
        )
        confirm(make(Purpose.CONFIRM, invitation.opaque), late)
        other.refresh_from_db()
        assert other.state == EnrolmentState.LEFT
        sent = run(late, late + 60 * DAY)
        # Where they were, with the same spacing: day 2 today, day 30 four weeks later.
        assert [(each.key, (each.at - late).days) for each in sent] == [("day-2", 0), ("day-30", 28)]


class TestStopping:
    def test_leaving_one_sequence_leaves_the_other(self) -> None:
        maya = reader()
        stopped, other = join(drip(0), who=maya), join(drip(0), who=maya)
        for _ in range(2):
            leave_sequence(maya.pk, stopped.sequence_id, MONDAY)
        assert [each.sequence for each in run(MONDAY, MONDAY + 3 * DAY)] == [other.sequence_id]

    def test_a_reader_who_leaves_gets_nothing_more(self) -> None:
        enrolment = join(drip(0, 2))
        leave(enrolment.subscriber_id, MONDAY)
        assert run(MONDAY, MONDAY + 10 * DAY) == []

    def test_joining_again_goes_on_where_they_were_and_repeats_nothing(self) -> None:
        enrolment = join(drip(0, 2, 4))
        run(MONDAY, MONDAY + DAY)
        leave_sequence(enrolment.subscriber_id, enrolment.sequence_id, MONDAY + DAY)
        back = MONDAY + 12 * DAY
        enrol(enrolment.subscriber_id, enrolment.sequence_id, back)
        sent = run(back, back + 10 * DAY)
        assert [(each.key, (each.at - back).days) for each in sent] == [("day-2", 0), ("day-4", 2)]

    def test_who_has_finished_stays_finished(self) -> None:
        enrolment = join(drip(0))
        run(MONDAY, MONDAY + DAY)
        enrol(enrolment.subscriber_id, enrolment.sequence_id, MONDAY + 5 * DAY)
        assert run(MONDAY + 5 * DAY, MONDAY + 9 * DAY) == []

    def test_a_leave_taken_back_goes_on_as_before(self) -> None:
        enrolment = join(drip(0, 2))
        leave(enrolment.subscriber_id, MONDAY)
        run(MONDAY, TEN + 3 * HOUR)
        take_back(enrolment.subscriber_id, TEN + 3 * HOUR)
        assert [each.key for each in run(TEN + 3 * HOUR, MONDAY + 5 * DAY)] == ["day-0", "day-2"]

    def test_what_is_due_to_those_who_are_gone_does_not_pile_up(self) -> None:
        gone, bounced, here = (join(drip(0)) for _ in range(3))
        leave(gone.subscriber_id, MONDAY)
        suppress(bounced.subscriber.email_key, Suppression.Reason.HARD_BOUNCE, MONDAY)
        assert stop_for_those_gone(TEN) == 1
        assert stop_for_those_gone(TEN + 2 * DAY) == 1
        states = [each.state for each in Enrolment.objects.order_by("pk")]
        assert states == [EnrolmentState.LEFT, EnrolmentState.LEFT, EnrolmentState.ACTIVE]
        assert [each.reader for each in send_due(TEN)] == [here.subscriber_id]


def test_a_newsletter_reader_who_stopped_and_came_back_gets_the_issues_from_then_on_and_the_last_ones_gently() -> None:
    sequence = newsletter("2026-11-24", "2026-12-01", "2026-12-20")
    enrolment = join(sequence)
    run(MONDAY, MONDAY + 2 * DAY)
    leave_sequence(enrolment.subscriber_id, sequence.pk, MONDAY + 3 * DAY)
    back = MONDAY + 15 * DAY
    enrol(enrolment.subscriber_id, sequence.pk, back)
    sent = run(back, back + 20 * DAY)
    assert [each.key for each in sent] == ["2026-12-01", "2026-12-20"]
