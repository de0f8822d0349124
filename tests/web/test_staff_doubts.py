"""Letters in doubt at the desk: what is known, and somebody's word."""

from __future__ import annotations

import pytest

from keepshowingup.delivery.models import Decision, Dispatch
from keepshowingup.outcomes.models import Event
from tests.factories import MONDAY, DispatchFactory, MastheadFactory, SequenceFactory, StepFactory
from tests.web.staff_desk import desk, person, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter() -> Dispatch:
    """A letter to a reader that is in doubt since Monday."""
    MastheadFactory.create()
    sequence = SequenceFactory.create()
    StepFactory.create(sequence=sequence, subject="Somebody stayed")
    return DispatchFactory.create(
        enrolment__sequence=sequence,
        state="unknown",
        reason="the connection ended before the server answered",
        handed_over_at=MONDAY,
    )


def test_the_page_says_what_is_known_and_no_address(letter: Dispatch) -> None:
    Event.objects.create(
        provider="postal", provider_id="1", kind="delayed", dispatch=letter, status="4.2.0", received_at=MONDAY
    )
    page = desk(person("sender")).get(url("doubts")).content.decode()
    for words in (
        "Somebody stayed",
        "The connection ended",
        "postal said delayed 4.2.0",
        "It arrived",
        "Send it again",
    ):
        assert words in page
    assert letter.message_id.strip("<>") in page
    assert letter.subscriber.email not in page


def test_somebodys_word_is_taken_and_written_down(letter: Dispatch) -> None:
    ruth = person("sender", "Ruth")
    answer = desk(ruth).post(url("doubt_settle", letter.pk), {"what": "arrived"}, follow=True)
    assert "It counts as delivered." in answer.content.decode()
    assert "No letter is in doubt" in answer.content.decode()
    letter.refresh_from_db()
    assert letter.state == "accepted"
    assert Decision.objects.get().by == ruth.email


def test_what_was_let_be_is_not_asked_about_again(letter: Dispatch) -> None:
    client = desk(person("sender"))
    assert ">1</a>" in client.get(url("today")).content.decode()
    client.post(url("doubt_settle", letter.pk), {"what": "let_be"})
    assert "No letter is in doubt" in client.get(url("doubts")).content.decode()
    assert ">1</a>" not in client.get(url("today")).content.decode()


def test_a_viewer_sees_the_doubts_and_no_button(letter: Dispatch) -> None:
    page = desk(person("viewer")).get(url("doubts")).content.decode()
    assert "Somebody stayed" in page
    assert "It arrived" not in page


def test_two_people_at_once_decide_once(letter: Dispatch) -> None:
    client = desk(person("sender"))
    client.post(url("doubt_settle", letter.pk), {"what": "arrived"})
    answer = client.post(url("doubt_settle", letter.pk), {"what": "send_again"})
    assert answer.status_code == 422
    assert "not in doubt any more" in answer.content.decode()
    assert Decision.objects.count() == 1


def test_a_press_without_a_choice_changes_nothing(letter: Dispatch) -> None:
    assert desk(person("sender")).post(url("doubt_settle", letter.pk), {"what": "burn"}).status_code == 400
    assert not Decision.objects.exists()
