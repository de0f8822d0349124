from __future__ import annotations

import datetime as dt
import http.client
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from keepshowingup.audience.leaving import MISTAKE, erase, leave
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import EnrolmentState
from tests.factories import SubscriberFactory
from tests.web.public_site import harbour_sequence, page_of

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'


@pytest.fixture
def reader(masthead: object) -> Subscriber:
    return SubscriberFactory.create()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=b"),
        (b"", "application/x-www-form-urlencoded"),
        (b"\xff\xfe not a form", "multipart/form-data"),
        (b"{", "application/json"),
    ],
)
def test_one_click_leaves_before_it_answers_in_any_form(reader: Subscriber, body: bytes, kind: str) -> None:
    client = Client(enforce_csrf_checks=True)
    path = page_of(Purpose.LEAVE, reader)
    first = client.generic("POST", path, body, content_type=kind)
    assert first.status_code == 200
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT
    left_at = reader.left_at
    again = client.generic("POST", path, body, content_type=kind)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    reader.refresh_from_db()
    assert reader.left_at == left_at


@pytest.mark.django_db(transaction=True)
def test_one_click_over_real_http_without_cookies_referrer_or_redirect(
    live_server: LiveServer, reader: Subscriber
) -> None:
    address = urlsplit(live_server.url)
    assert address.hostname is not None
    for _ in range(2):
        with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=30)) as provider:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            provider.request("POST", page_of(Purpose.LEAVE, reader), ONE_CLICK, kind)
            answer = provider.getresponse()
            answer.read()
        assert answer.status == 200
        assert answer.headers["Set-Cookie"] is None
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT


@pytest.mark.django_db
def test_one_click_for_somebody_erased_says_done(client: Client, reader: Subscriber) -> None:
    path = page_of(Purpose.LEAVE, reader)
    erase(reader.pk, settings.CLOCK.now())
    assert client.post(path).status_code == 200
    assert client.get(path).status_code == 200


@pytest.mark.django_db
def test_with_the_database_away_one_click_never_says_done(client: Client, reader: Subscriber) -> None:
    def away(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    path = page_of(Purpose.LEAVE, reader)
    with connection.execute_wrapper(away):
        answer = client.post(path)
        shown = client.get(path)
        preferences = client.get(page_of(Purpose.PREFERENCES, reader))
    assert {answer.status_code, shown.status_code, preferences.status_code} == {503}
    assert int(answer["Retry-After"]) > 0
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE


@pytest.mark.django_db
def test_a_mistake_can_be_taken_back_on_the_page(client: Client, reader: Subscriber) -> None:
    now = settings.CLOCK.now()
    sequence = harbour_sequence()
    enrol(reader.pk, sequence.pk, now)
    path = page_of(Purpose.LEAVE, reader)
    assert "Pressed by mistake?" in client.post(path).content.decode()
    answer = client.post(f"{path}/again", {"keep": str(sequence.pk)})
    assert "They go on." in answer.content.decode()
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE


@pytest.mark.django_db
def test_on_the_page_after_leaving_people_keep_some_and_stop_the_rest(client: Client, reader: Subscriber) -> None:
    now = settings.CLOCK.now()
    wanted, unwanted = harbour_sequence(), harbour_sequence("family", "For those who care")
    for sequence in (wanted, unwanted):
        enrol(reader.pk, sequence.pk, now)
    path = page_of(Purpose.LEAVE, reader)
    page = client.post(path).content.decode()
    assert "Tick what should go on" in page
    assert "Please tick" in client.post(f"{path}/again").content.decode()
    client.post(f"{path}/again", {"keep": str(wanted.pk)})
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    states = dict(Enrolment.objects.filter(subscriber=reader).values_list("sequence__slug", "state"))
    assert states == {"people": EnrolmentState.ACTIVE, "family": EnrolmentState.LEFT}


@pytest.mark.django_db
def test_after_a_day_the_way_back_is_joining_again(client: Client, reader: Subscriber) -> None:
    now = settings.CLOCK.now()
    sequence = harbour_sequence()
    enrol(reader.pk, sequence.pk, now)
    leave(reader.pk, now - MISTAKE - dt.timedelta(minutes=1))
    path = page_of(Purpose.LEAVE, reader)
    assert "by mistake" not in client.post(path).content.decode()
    answer = client.post(f"{path}/again", {"keep": str(sequence.pk)})
    assert "can no longer be undone" in answer.content.decode()
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT
