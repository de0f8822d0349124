"""A reader who answers a letter with stop: their letters rest, and somebody looks."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.audience.models import StopRequest, Subscriber
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.models import Dispatch
from keepshowingup.outcomes.asking_to_stop import asks_to_stop
from keepshowingup.outcomes.recording import record_returned
from tests.factories import MONDAY, DispatchFactory, EnrolmentFactory, StepFactory

LETTER = "<5f2d3a1c9b7e4d60a1b2c3d4e5f60718@harbour.example>"


def answer(text: str, subject: str = "Re: A short note", replied: str = LETTER, **more: str) -> bytes:
    fields = {"From": "Maya <maya@inbox.example>", "To": "ruth@harbour.example", "Subject": subject}
    fields |= {"In-Reply-To": replied, "Content-Type": "text/plain; charset=utf-8"} | more
    return ("".join(f"{name}: {value}\n" for name, value in fields.items()) + f"\n{text}\n").encode()


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "Please stop.",
        "Hello,\n\nunsubscribe me, please!\n\nOn Monday, Harbour letters wrote:\n> You can stop at any time",
        "No más cartas, gracias.\n\n> Hola",
        "baja",
        "<p>Stop</p>",
    ],
)
def test_stop_and_nothing_else_is_stop(text: str) -> None:
    kind = "text/html" if text.startswith("<") else "text/plain; charset=utf-8"
    assert asks_to_stop(answer(text, **{"Content-Type": kind}))


@pytest.mark.parametrize(
    "text",
    [
        "I can't stop thinking of your letter. Thank you.",
        "Don't stop",
        "Thank you.\n\n> stop",
        "> stop",
        "When do they stop?",
        "",
    ],
)
def test_other_words_are_not(text: str) -> None:
    assert not asks_to_stop(answer(text))


def test_an_empty_mail_may_say_it_in_its_subject_but_not_in_ours() -> None:
    assert asks_to_stop(answer("", subject="Stop"))
    assert not asks_to_stop(answer("", subject="Re: Stop"))


@pytest.fixture
def letter(db: None) -> Dispatch:
    enrolment = EnrolmentFactory.create(sequence=StepFactory.create().sequence)
    return DispatchFactory.create(
        enrolment=enrolment, state=DispatchState.ACCEPTED, handed_over_at=MONDAY, message_id=LETTER
    )


def test_the_letters_of_whoever_got_that_one_rest_until_somebody_has_looked(letter: Dispatch) -> None:
    now = MONDAY + dt.timedelta(hours=1)
    (taken,) = record_returned(answer("Stop!"), now)
    assert (taken.kind, taken.dispatch_id, taken.changed) == ("stop", letter.pk, True)
    reader = Subscriber.objects.get(pk=letter.subscriber_id)
    assert (reader.state, reader.paused_at, reader.paused_until) == (Subscriber.State.ACTIVE, now, None)
    assert StopRequest.objects.get().told_at is None
    record_returned(answer("Stop!"), now)
    assert StopRequest.objects.count() == 1


@pytest.mark.parametrize(
    "raw",
    [
        answer("Stop!", replied="<somebody@elsewhere.example>"),
        answer("Stop!", **{"Auto-Submitted": "auto-replied"}),
        answer("Thank you for not giving up on me."),
    ],
    ids=["about no letter of ours", "a program's", "thanks"],
)
def test_nothing_else_rests_anybody(letter: Dispatch, raw: bytes) -> None:
    record_returned(raw, MONDAY)
    assert not StopRequest.objects.exists()
    assert Subscriber.objects.get(pk=letter.subscriber_id).paused_at is None
