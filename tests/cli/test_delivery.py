"""``keepshowingup delivery`` and ``keepshowingup letter``: what operators ask about letters."""

from __future__ import annotations

import json

import pytest

from keepshowingup.cli.root import run
from keepshowingup.core.states import DispatchState
from tests.factories import DispatchFactory, SequenceFactory, SubscriberFactory

pytestmark = pytest.mark.django_db


def test_letters_are_listed_by_sequence_and_by_reader(capsys: pytest.CaptureFixture[str]) -> None:
    letter, other = DispatchFactory.create(), DispatchFactory.create()
    assert letter.enrolment is not None
    for choice in (
        ("--sequence", letter.enrolment.sequence.slug),
        ("--subscriber", letter.subscriber.email.upper()),
    ):
        assert run(["delivery", "list", "--json", *choice]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert json.loads(line)["id"] == letter.pk != other.pk


def test_the_list_for_people_says_why_a_letter_was_not_taken(capsys: pytest.CaptureFixture[str]) -> None:
    DispatchFactory.create(state=DispatchState.REFUSED, reason="no such user")
    DispatchFactory.create(state=DispatchState.ACCEPTED, reason="250 queued as 17")
    assert run(["delivery", "list"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "refused:" in shown
    assert "queued" not in shown


@pytest.mark.parametrize(
    "command",
    [
        ["delivery", "list", "--sequence", "nobodys"],
        ["delivery", "explain", "maya@example.org", "--sequence", "nobodys"],
        ["letter", "render", "nobodys", "1", "--to", "maya@example.org"],
        ["letter", "send-test", "nobodys", "1", "--to", "maya@example.org"],
    ],
)
def test_a_sequence_that_is_not_there_is_said_to_be_missing(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    SubscriberFactory.create(email="maya@example.org", email_key="maya@example.org")
    assert run(command) == 1
    shown = capsys.readouterr()
    assert "There is no sequence 'nobodys'" in shown.err
    assert not shown.out


def test_an_explanation_is_the_same_for_people_and_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    letter = DispatchFactory.create(state=DispatchState.SKIPPED, reason="too_late")
    assert letter.enrolment is not None
    letter.enrolment.past_steps.create(
        subscriber=letter.subscriber,
        step_key=letter.step_key,
        settled_at=letter.due_at,
    )
    assert run(["delivery", "explain", letter.subscriber.email]) == 0
    sentences = capsys.readouterr().out.splitlines()
    assert run(["delivery", "explain", letter.subscriber.email, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["sentence"] for row in rows] == sentences
    (past,) = (row for row in rows if row["about"] == "past")
    assert past["sentence"] == f"“{past['subject']}” was not sent: it was later than the sequence allows."
    assert (past["step"], past["moment"]) == (letter.step_key, None)


def test_a_step_that_is_not_there_is_another_matter(capsys: pytest.CaptureFixture[str]) -> None:
    sequence = SequenceFactory.create()
    assert run(["letter", "render", sequence.slug, "7", "--to", "maya@example.org"]) == 1
    assert "There is no step '7'" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["delivery", "list", "--subscriber"], ["delivery", "explain"]])
def test_a_reader_nobody_knows_is_not_the_same_as_no_letters(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "nobody@example.org"]) == 1
    assert "Nobody here has that address" in capsys.readouterr().err
