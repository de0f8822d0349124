from __future__ import annotations

import datetime as dt
import json

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.audience import leaving
from keepshowingup.audience.models import StopRequest, Subscriber, Suppression
from keepshowingup.audience.tokens import Purpose
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.tagging import retag
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence
from tests.factories import ConsentFactory, SubscriberFactory
from tests.web.public_site import harbour_sequence, page_of, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_morning")]


def press(client: Client, reader: Subscriber, do: str, **values: str | list[str]) -> str:
    answer = client.post(page_of(Purpose.PREFERENCES, reader), {"do": do, **values})
    reader.refresh_from_db()
    return answer.content.decode()


def test_the_page_says_how_things_stand_without_the_whole_address(client: Client, reader: Subscriber) -> None:
    said = words(client, page_of(Purpose.PREFERENCES, reader))
    assert "For m•••@example.org . They come at 8:30, London time." in said
    assert "maya@example.org" not in said
    assert "Finding your people next:" in said


def test_a_moved_reader_is_planned_anew(client: Client, reader: Subscriber) -> None:
    said = press(client, reader, "save", first_name="Ana", zone="America/Santiago", when="evening")
    assert "Saved." in said
    assert (reader.first_name, reader.zone, reader.hour) == ("Ana", "America/Santiago", dt.time(19, 0))
    assert reader.country == "CL"
    assert Enrolment.objects.get().due_at == dt.datetime(2026, 11, 23, 22, 0, tzinfo=dt.UTC)


def test_people_may_choose_a_time_of_their_own(client: Client, reader: Subscriber) -> None:
    press(client, reader, "save", zone="Europe/London", when="own", hour="07:45")
    assert reader.hour == dt.time(7, 45)
    assert 'value="own" checked' in client.get(page_of(Purpose.PREFERENCES, reader)).content.decode()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"zone": "Europe/London", "when": "own", "hour": "25:00"}, "Write the time like"),
        ({"zone": "Europe/London", "when": "own"}, "Please write a time"),
        ({"zone": "Mars/Olympus", "when": "morning"}, "choose where you are"),
        ({"zone": "Europe/London", "when": "morning", "first_name": "a@b.org"}, "only a name"),
    ],
)
def test_a_slip_saves_nothing_and_says_so(
    client: Client, reader: Subscriber, values: dict[str, str], said: str
) -> None:
    page = press(client, reader, "save", **values)
    assert said in page
    assert "Nothing is saved yet" in page
    assert (reader.hour, reader.first_name) == (dt.time(8, 30), "Maya")


def test_a_break_and_its_end(client: Client, reader: Subscriber) -> None:
    assert "Letters rest until" in press(client, reader, "pause", days="14")
    assert reader.paused_until is not None
    assert "They rest until" in words(client, page_of(Purpose.PREFERENCES, reader))
    assert "Letters are coming again" in press(client, reader, "resume")
    assert reader.paused_at is None


def test_a_break_until_i_say(client: Client, reader: Subscriber) -> None:
    assert "Letters rest until you say." in press(client, reader, "pause", days="")
    assert reader.paused_at is not None
    assert reader.paused_until is None


@pytest.mark.parametrize("days", ["1000", "-1", "seven"])
def test_a_break_is_one_of_those_offered(client: Client, reader: Subscriber, days: str) -> None:
    assert "Please choose how long" in press(client, reader, "pause", days=days)
    assert reader.paused_at is None


def test_a_reader_whom_somebody_else_stopped_comes_back_by_themselves(client: Client, reader: Subscriber) -> None:
    leaving.ask_to_stop(reader.email_key, settings.CLOCK.now())
    press(client, reader, "resume")
    assert reader.paused_at is None
    assert StopRequest.objects.get().settled_by == "the reader"


def test_readers_stop_one_of_their_letters_and_start_another(
    client: Client, reader: Subscriber, sequence: Sequence
) -> None:
    other = harbour_sequence("family", "For those who care")
    shown = [str(sequence.pk), str(other.pk)]
    press(client, reader, "letters", shown=shown, keep=[str(other.pk)])
    states = dict(Enrolment.objects.filter(subscriber=reader).values_list("sequence", "state"))
    assert states == {sequence.pk: EnrolmentState.LEFT, other.pk: EnrolmentState.ACTIVE}
    assert reader.state == Subscriber.State.ACTIVE
    press(client, reader, "letters", shown=shown, keep=shown)
    assert set(Enrolment.objects.values_list("state", flat=True)) == {EnrolmentState.ACTIVE}


def test_a_box_that_was_never_shown_stops_nothing(client: Client, reader: Subscriber, sequence: Sequence) -> None:
    press(client, reader, "letters")
    assert Enrolment.objects.get().state == EnrolmentState.ACTIVE


def test_nobody_starts_what_is_not_offered(client: Client, reader: Subscriber) -> None:
    draft = harbour_sequence("draft", "Not yet", state=Sequence.State.DRAFT)
    press(client, reader, "letters", shown=[str(draft.pk), "x"], keep=[str(draft.pk), "x"])
    assert not Enrolment.objects.filter(sequence=draft).exists()


def test_leaving_from_the_page(client: Client, reader: Subscriber) -> None:
    assert "You will get no more letters" in press(client, reader, "leave")
    assert reader.state == Subscriber.State.LEFT
    said = words(client, page_of(Purpose.PREFERENCES, reader))
    assert "No letters come to it" in said
    assert "Join again" in said
    assert "gets no letters" in press(client, reader, "pause", days="7") or reader.paused_at is None


def test_who_cannot_be_written_to_is_told_why_and_can_still_see_their_data(client: Client, reader: Subscriber) -> None:
    leaving.suppress(reader.email_key, Suppression.Reason.HARD_BOUNCE, settings.CLOCK.now())
    said = words(client, page_of(Purpose.PREFERENCES, reader))
    assert "We can't write to this address" in said or "We can&#x27;t write to this address" in said
    assert "Download it" in said


def test_readers_take_their_data_with_them(client: Client, reader: Subscriber) -> None:
    ConsentFactory.create(subscriber=reader, source="/s/people")
    answer = client.post(page_of(Purpose.PREFERENCES, reader), {"do": "download"})
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    copy = json.loads(answer.content)
    assert copy["you"]["address"] == "maya@example.org"
    assert copy["what_you_agreed_to"][0]["where"] == "/s/people"
    assert copy["letters_you_get"][0]["letters"] == "Finding your people"


def test_erasing_asks_once_more_and_then_forgets(client: Client, reader: Subscriber) -> None:
    path = page_of(Purpose.PREFERENCES, reader)
    assert "Yes, erase everything" in client.post(path, {"do": "erase"}).content.decode()
    assert Subscriber.objects.filter(pk=reader.pk).exists()
    assert "You are forgotten" in client.post(path, {"do": "erase-now"}).content.decode()
    assert not Subscriber.objects.exists()
    assert not Enrolment.objects.exists()
    assert client.get(path).status_code == 404
    assert leaving.is_suppressed("maya@example.org")


def test_an_unknown_button_does_nothing(client: Client, reader: Subscriber) -> None:
    assert "Please press one of the buttons" in press(client, reader, "explode")


def test_a_family_reader_sees_nothing_of_anybody_else(client: Client, reader: Subscriber) -> None:
    other = SubscriberFactory.create(email="sam@example.org", first_name="Sam", audience="family")
    page = client.get(page_of(Purpose.PREFERENCES, other)).content.decode()
    assert "Maya" not in page.replace('value="Sam"', "")
    assert reader.opaque not in page


@pytest.mark.parametrize(("a_week", "kept"), [("1", 1), ("2", 2), ("", None)])
def test_readers_choose_fewer_letters_and_the_plan_follows_at_once(
    client: Client, sequence: Sequence, reader: Subscriber, a_week: str, kept: int | None
) -> None:
    other = harbour_sequence("more", "More for you")
    enrol(reader.pk, other.pk, settings.CLOCK.now())
    said = press(client, reader, "often", a_week=a_week)
    assert "Saved. Letters that were planned have moved to fit." in said
    assert reader.letters_a_week == kept
    assert f'value="{a_week}" required checked' in said
    first, second = (row.due_at.date() for row in Enrolment.objects.order_by("due_at") if row.due_at)
    assert (second - first).days == (7 if a_week == "1" else 1)


def test_another_number_of_letters_is_no_choice(client: Client, reader: Subscriber) -> None:
    assert "Please choose how often" in press(client, reader, "often", a_week="7")
    assert reader.letters_a_week is None


def test_who_is_through_is_offered_the_letters_again_where_they_may_come_again(
    client: Client, sequence: Sequence, reader: Subscriber
) -> None:
    Enrolment.objects.update(state=EnrolmentState.FINISHED, due_at=None, ended_at=settings.CLOCK.now())
    page = page_of(Purpose.PREFERENCES, reader)
    assert "Finding your people" not in words(client, page)
    Sequence.objects.update(again_after_days=0)
    assert "Finding your people" in words(client, page)
    press(client, reader, "letters", shown=str(sequence.pk), keep=str(sequence.pk))
    assert list(Enrolment.objects.order_by("round").values_list("round", "state")) == [(1, "finished"), (2, "active")]


def test_the_download_has_tags_and_how_often(client: Client, reader: Subscriber) -> None:
    retag(reader.pk, settings.CLOCK.now(), give=["spring-group"])
    press(client, reader, "often", a_week="1")
    kept = json.loads(press(client, reader, "download"))
    assert (kept["you"]["tags"], kept["you"]["letters_a_week"]) == (["spring-group"], 1)
