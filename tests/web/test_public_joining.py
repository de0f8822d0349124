from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.fixtures import Settings

from keepshowingup.audience import leaving, limits
from keepshowingup.audience.limits import Limits
from keepshowingup.audience.models import Invitation, JoinAttempt, Notice, Subscriber, Suppression
from keepshowingup.audience.preferences import pause
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.cadence.models import Enrolment
from keepshowingup.editorial.models import Sequence
from keepshowingup.web.public.shown import QUICKEST, Pace, pace_of, stamp
from tests.factories import InvitationFactory, SequenceFactory, StepFactory, SubscriberFactory
from tests.web.public_site import filled_in, harbour_sequence, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_morning")]


def confirmation_path() -> str:
    return f"/confirm/{make(Purpose.CONFIRM, Invitation.objects.get().opaque)}"


def test_the_first_page_says_what_arrives_when(client: Client, sequence: Sequence) -> None:
    said = words(client, "/")
    for line in ["Harbour letters", "First day What to expect", "Day 2 You don&#x27;t have to", "and on until day 90"]:
        assert line in said
    assert "Six short letters over three months. Free." in said


def test_with_several_sequences_people_choose(client: Client, sequence: Sequence) -> None:
    family = harbour_sequence("family", "For those who care", audience="family")
    assert "for families" in words(client, "/")
    unchosen = client.post("/", filled_in())
    assert unchosen.status_code == 422
    assert "Please choose which letters" in unchosen.content.decode()
    assert client.post("/", filled_in(sequence="family")).status_code == 200
    invitation = Invitation.objects.get()
    assert (invitation.sequence_id, invitation.audience) == (family.pk, "family")


def test_only_what_is_live_can_be_joined(client: Client, masthead: object) -> None:
    SequenceFactory.create(slug="draft", state=Sequence.State.DRAFT)
    assert client.get("/s/draft").status_code == 404
    assert client.get("/s/draft/form").status_code == 404
    assert client.post("/s/draft", filled_in()).status_code == 404
    assert "No letters to join just now" in words(client, "/")
    assert client.post("/", filled_in()).status_code == 200
    assert not Notice.objects.exists()


def test_a_subject_with_a_name_in_it_is_shown_without(client: Client, masthead: object) -> None:
    step = StepFactory.create(subject='Hello{{ first_name | prefix(" ") }}, good to see you')
    assert "First day Hello, good to see you" in words(client, f"/s/{step.sequence.slug}")


def test_a_newsletter_shows_the_dates_to_come(client: Client, masthead: object) -> None:
    today = settings.CLOCK.now().date()
    sequence = SequenceFactory.create(slug="news", open_ended=True)
    for key, days in [("old", -7), ("next", 7)]:
        StepFactory.create(
            sequence=sequence,
            key=key,
            after_days=None,
            on_date=today + dt.timedelta(days=days),
            subject=f"The {key} one",
        )
    said = words(client, "/s/news")
    assert "The next one" in said
    assert "The old one" not in said


def test_joining_ends_with_a_first_letter_planned(client: Client, sequence: Sequence) -> None:
    assert client.post("/s/people", filled_in()).status_code == 200
    assert Notice.objects.get().kind == Notice.Kind.CONFIRM
    assert "m•••@example.org" in words(client, confirmation_path())
    said = client.post(confirmation_path()).content.decode()
    reader = Subscriber.objects.get()
    assert (reader.state, reader.first_name, reader.zone) == ("active", "Maya", "America/Santiago")
    assert (reader.hour, reader.country) == (dt.time(19, 0), "CL")
    assert Enrolment.objects.get(subscriber=reader).sequence == sequence
    assert "Your first letter comes on Monday 23 November, about 19:00, Santiago time." in said
    assert make(Purpose.PREFERENCES, reader.opaque) in said


def test_a_confirmation_link_works_once(client: Client, sequence: Sequence) -> None:
    client.post("/s/people", filled_in())
    path = confirmation_path()
    assert client.post(path).status_code == 200
    assert client.post(path).status_code == 404
    assert client.get(path).content == client.get("/confirm/nothing").content


def test_the_answer_is_the_same_whoever_the_address_belongs_to(client: Client, sequence: Sequence) -> None:
    now = settings.CLOCK.now()
    SubscriberFactory.create(email="reading@example.org")
    pause(SubscriberFactory.create(email="paused@example.org").pk, now, None)
    leaving.leave(SubscriberFactory.create(email="left@example.org").pk, now)
    leaving.erase(SubscriberFactory.create(email="erased@example.org").pk, now)
    SubscriberFactory.create(email="bounced@example.org")
    leaving.suppress("bounced@example.org", Suppression.Reason.HARD_BOUNCE, now)
    leaving.suppress("complained@example.org", Suppression.Reason.COMPLAINT, now)
    InvitationFactory.create(subscriber__email="waiting@example.org")
    names = ["unknown", "reading", "paused", "left", "erased", "bounced", "complained", "waiting", "unknown"]
    for path in ["/", "/s/people", "/manage", "/stop"]:
        answers = [client.post(path, filled_in(email=f"{name}@example.org")) for name in names]
        assert len({(a.status_code, a.content, str(sorted(a.headers.items()))) for a in answers}) == 1, path
        assert answers[0].status_code == 200
        JoinAttempt.objects.all().delete()
    written_to = set(Notice.objects.values_list("subscriber__email", flat=True))
    assert written_to == {f"{name}@example.org" for name in ["unknown", "reading", "paused", "left", "waiting"]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email": "maya"}, "There is no @ in this address"),
        ({"email": ""}, "Please write your email address"),
        ({"consent": ""}, "Please tick this box"),
        ({"first_name": "http://spam.example"}, "Please write only a name"),
        ({"first_name": "M" * 200}, "longer than 80"),
        ({"zone": "Mars/Olympus"}, "choose where you are"),
    ],
)
def test_a_slip_is_said_kindly_and_what_was_written_stays(
    client: Client, sequence: Sequence, changes: dict[str, str], said: str
) -> None:
    answer = client.post("/s/people", filled_in(**changes))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert 'aria-invalid="true"' in page
    assert not Notice.objects.exists()
    if "email" not in changes:
        assert 'value="maya@example.org"' in page


def test_a_robot_that_fills_in_everything_gets_the_usual_answer_and_nothing_happens(
    client: Client, sequence: Sequence
) -> None:
    usual = client.post("/s/people", filled_in())
    Subscriber.objects.all().delete()
    assert client.post("/s/people", filled_in(website="https://spam.example")).content == usual.content
    assert not Subscriber.objects.exists()


def test_somebody_very_quick_is_asked_to_press_once_more(client: Client, sequence: Sequence) -> None:
    real = settings.CLOCK.real()
    quick = filled_in(shown=stamp(real))
    answer = client.post("/s/people", quick)
    assert answer.status_code == 422
    assert "press the button once more" in answer.content.decode()
    assert f'value="{quick["shown"]}"' in answer.content.decode()
    assert not Notice.objects.exists()


def test_how_long_a_form_was_looked_at() -> None:
    real = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
    shown = stamp(real)
    assert pace_of(shown, real + dt.timedelta(seconds=QUICKEST - 1)) is Pace.TOO_FAST
    assert pace_of(shown, real - dt.timedelta(hours=1)) is Pace.TOO_FAST
    assert pace_of(shown, real + dt.timedelta(seconds=QUICKEST)) is Pace.USUAL
    assert pace_of(shown, real + dt.timedelta(days=2)) is Pace.UNSEEN
    for forged in ["", "1", shown[:-1], "9999999999:" + shown.partition(":")[2]]:
        assert pace_of(forged, real) is Pace.UNSEEN


def test_a_form_on_somebody_elses_site_works_with_an_address_and_a_yes(client: Client, sequence: Sequence) -> None:
    shown = client.get("/s/people/form").content.decode()
    assert "http://127.0.0.1:8000/s/people" in shown
    foreign = {"email": "maya@example.org", "consent": "yes", "form": "my site"}
    answer = client.post("/s/people", foreign, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 200
    invitation = Invitation.objects.get()
    assert (invitation.form, invitation.zone, invitation.hour) == ("/s/people my site", "UTC", dt.time(8, 30))


def test_a_foreign_form_without_a_zone_is_guessed_from_the_language(client: Client, sequence: Sequence) -> None:
    client.post(
        "/s/people", {"email": "maya@example.org", "consent": "yes"}, headers={"Accept-Language": "es-CL,es;q=0.9"}
    )
    assert Invitation.objects.get().zone == "America/Santiago"


def test_the_guess_is_shown_to_be_changed(client: Client, sequence: Sequence) -> None:
    page = client.get("/", headers={"Accept-Language": "pt-BR"}).content.decode()
    assert '<option value="America/Sao_Paulo" selected>' in page
    assert "Sao Paulo, now" in page
    unsure = client.get("/", headers={"Accept-Language": "en"}).content.decode()
    assert '<option value="">' in unsure
    assert '<details class="zone" open>' in unsure


def test_one_network_asks_too_often(client: Client, sequence: Sequence, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Limits(network_hour=2, unseen_network_hour=1)
    monkeypatch.setattr(limits.count_attempt, "__kwdefaults__", {"unseen": False, "limits": small})
    for _ in range(2):
        assert client.post("/s/people", filled_in(), REMOTE_ADDR="192.0.2.1").status_code == 200
    busy = client.post("/s/people", filled_in(), REMOTE_ADDR="192.0.2.200")
    assert busy.status_code == 429
    assert busy["Retry-After"] == "3600"
    unknown = client.post("/s/people", filled_in(email="unknown@example.org"), REMOTE_ADDR="192.0.2.200")
    assert unknown.content == busy.content
    assert client.post("/s/people", filled_in(), REMOTE_ADDR="198.51.100.1").status_code == 200


def test_behind_a_proxy_only_what_the_proxy_wrote_counts(
    client: Client, sequence: Sequence, settings: Settings
) -> None:
    for claimed in ["203.0.113.1", "203.0.114.1"]:
        client.post(
            "/s/people", filled_in(), REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": f"{claimed}, 192.0.2.9"}
        )
    assert set(JoinAttempt.objects.values_list("network", flat=True)) == {limits.hash_network("10.0.0.1")}
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    JoinAttempt.objects.all().delete()
    for claimed in ["203.0.113.1", "203.0.114.1"]:
        client.post(
            "/s/people", filled_in(), REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": f"{claimed}, 192.0.2.9"}
        )
    assert set(JoinAttempt.objects.values_list("network", flat=True)) == {limits.hash_network("192.0.2.9")}


def test_a_lost_link_is_sent_to_readers_only(client: Client, masthead: object) -> None:
    reader = SubscriberFactory.create(email="reading@example.org")
    for address in ["reading@example.org", "unknown@example.org"]:
        assert client.post("/manage", filled_in(email=address)).status_code == 200
    notice = Notice.objects.get()
    assert (notice.subscriber, notice.kind) == (reader, Notice.Kind.ALREADY)


def test_anybody_may_ask_that_an_address_gets_no_more_mail(client: Client, masthead: object) -> None:
    reader = SubscriberFactory.create(email="reading@example.org")
    client.post("/stop", filled_in(email="Reading@example.org"))
    reader.refresh_from_db()
    assert reader.paused_at is not None
    assert reader.paused_until is None
    assert reader.stop_requests.count() == 1


@pytest.mark.parametrize("path", ["/manage", "/stop"])
def test_the_small_forms_turn_robots_away_too(client: Client, masthead: object, path: str) -> None:
    SubscriberFactory.create(email="maya@example.org")
    assert client.post(path, filled_in(website="x")).status_code == 200
    assert client.post(path, filled_in(shown="")).status_code == 422
    assert client.post(path, filled_in(email="maya")).status_code == 422
    assert not Notice.objects.exists()
    assert not Subscriber.objects.exclude(paused_at=None).exists()
