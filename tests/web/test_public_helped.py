from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.cadence.models import Enrolment, Helped
from keepshowingup.core.states import EnrolmentState
from keepshowingup.delivery.testing import render_for
from keepshowingup.editorial.models import Sequence, Step
from tests.factories import SequenceFactory, StepFactory, SubscriberFactory

pytestmark = pytest.mark.django_db

BODY = 'Hello {{ first_name | default("friend") }},\n\nSomebody stayed.\n\n[This helped]({{ helped_url }})'


@pytest.fixture
def step(masthead: object) -> Step:
    sequence = SequenceFactory.create()
    StepFactory.create(sequence=sequence, key="later", position=2, after_days=7)
    return StepFactory.create(sequence=sequence, key="asks", position=1, body=BODY)


@pytest.fixture
def reader(step: Step) -> Subscriber:
    reader = SubscriberFactory.create(email="maya@example.org")
    enrol(reader.pk, step.sequence_id, settings.CLOCK.now())
    return reader


def link_in(step: Step, reader: Subscriber) -> str:
    """The path of the link in the very message this reader gets."""
    message = render_for(step, reader.email, settings.CLOCK.now()).message
    unfolded = message.replace(b"=\r\n", b"").decode()
    (found,) = set(re.findall(r"/helped/[\w-]+", unfolded))
    return str(found)


def test_looking_counts_nothing_and_pressing_counts_once(client: Client, step: Step, reader: Subscriber) -> None:
    path = link_in(step, reader)
    assert "Did this letter help?" in client.get(path).content.decode()
    client.head(path)
    assert not Helped.objects.exists()
    first, again = client.post(path), client.post(path)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert "Nothing else changes" in first.content.decode()
    assert Helped.objects.get().step_key == "asks"
    assert Enrolment.objects.get().state == EnrolmentState.ACTIVE


def test_where_pressing_ends_the_letters_the_page_says_so_first(client: Client, step: Step, reader: Subscriber) -> None:
    Sequence.objects.update(ends_when="helped")
    path = link_in(step, reader)
    assert "the rest of them does not come" in client.get(path).content.decode()
    assert "These letters end here" in client.post(path).content.decode()
    assert Enrolment.objects.get().state == EnrolmentState.ENDED
    assert "the rest of them does not come" not in client.get(path).content.decode()


def test_a_letter_that_does_not_ask_has_no_such_link(step: Step, reader: Subscriber) -> None:
    later = step.sequence.steps.get(key="later")
    assert b"/helped/" not in render_for(later, reader.email, settings.CLOCK.now()).message


def test_wrong_tokens_all_get_one_identical_page(client: Client, step: Step, reader: Subscriber) -> None:
    path = link_in(step, reader)
    stranger = SubscriberFactory.create()
    wrong = [
        path[:-3],
        path[:-1] + "y",
        f"/helped/{make(Purpose.LEAVE, reader.opaque)}",
        f"/helped/{make(Purpose.HELPED, reader.opaque)}",
        f"/helped/{make(Purpose.HELPED, reader.opaque + 'ffffffff')}",
        f"/helped/{make(Purpose.HELPED, '0' * 24)}",
    ]
    answers = [client.get(each) for each in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    # Somebody whose letter it never was has nothing to say about it.
    assert client.post(link_in(step, stranger)).status_code == 404
    assert not Helped.objects.exists()


def test_what_helped_goes_when_the_reader_is_erased(client: Client, step: Step, reader: Subscriber) -> None:
    client.post(link_in(step, reader))
    reader.delete()
    assert not Helped.objects.exists()
