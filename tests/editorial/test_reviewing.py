"""A second person's yes, and what stands in the way of a start."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.core.timing import AfterDays
from keepshowingup.editorial import composing, reviewing
from keepshowingup.editorial.masthead import edit_masthead
from keepshowingup.editorial.models import Approval, Masthead, Sequence, Step
from keepshowingup.editorial.reviewing import Override
from keepshowingup.editorial.standings import standings
from tests.factories import SequenceFactory, StepFactory

pytestmark = pytest.mark.django_db

GOOD = (
    'Hello {{ first_name | default("friend") }},\n\n'
    "Somebody stayed on the line with you last week. Write to them today. One line will do."
)


@pytest.fixture
def sequence() -> Sequence:
    return SequenceFactory.create(state=Sequence.State.DRAFT, slug="small-hellos")


def write(sequence: Sequence, now: dt.datetime, body: str = GOOD, **others: str) -> Step:
    given = {"subject": "One small hello for you", "preheader": "", "author": "ruth@harbour.example", **others}
    return composing.add_step(sequence.pk, timing=AfterDays(0), body=body, now=now, **given)  # type: ignore[arg-type]


def edit(step: Step, now: dt.datetime, body: str, author: str = "ben@harbour.example") -> None:
    composing.edit_step(step.pk, subject=step.subject, preheader="", body=body, author=author, now=now)


def test_a_second_person_approves_everything_that_waits(sequence: Sequence, now: dt.datetime) -> None:
    write(sequence, now)
    write(sequence, now)
    assert reviewing.approve(sequence.pk, approver="ben@harbour.example", now=now) == 2
    assert reviewing.approve(sequence.pk, approver="ben@harbour.example", now=now) == 0
    assert set(Approval.objects.values_list("approver", "approved_at")) == {("ben@harbour.example", now)}


@pytest.mark.parametrize("me", ["ruth@harbour.example", " Ruth@Harbour.example "])
def test_nobody_approves_what_they_wrote(sequence: Sequence, now: dt.datetime, me: str) -> None:
    write(sequence, now, author="ben@harbour.example")
    write(sequence, now)
    with pytest.raises(Refused, match="wrote letter-2: a second person approves it"):
        reviewing.approve(sequence.pk, approver=me, now=now)
    assert not Approval.objects.exists()


def test_an_approval_needs_a_name_and_letters(sequence: Sequence, now: dt.datetime) -> None:
    with pytest.raises(WrongUsage):
        reviewing.approve(sequence.pk, approver=" ", now=now)
    with pytest.raises(Refused, match="no letters"):
        reviewing.approve(sequence.pk, approver="ben", now=now)
    with pytest.raises(NotFound):
        reviewing.approve(0, approver="ben", now=now)


def test_any_edit_voids_the_approval(sequence: Sequence, now: dt.datetime) -> None:
    step = write(sequence, now)
    reviewing.approve(sequence.pk, approver="ben", now=now)
    edit(step, now, GOOD + " Then rest.")
    (standing,) = standings(sequence)
    assert standing.approval == "not approved"
    edit(step, now, GOOD)
    assert standings(sequence)[0].approval == "not approved"


def test_blocking_findings_need_a_reason_which_is_kept(sequence: Sequence, now: dt.datetime) -> None:
    write(sequence, now, body=GOOD + " No addict is alone.", subject="For the addict in your life")
    with pytest.raises(Refused, match=r"blocks letter-1: subject “addict”") as refused:
        reviewing.approve(sequence.pk, approver="ben", now=now)
    assert "line 3 “addict”" in refused.value.message
    with pytest.raises(WrongUsage, match="Give a reason"):
        reviewing.approve(sequence.pk, approver="ben", now=now, overrides=[Override(" ")])
    assert reviewing.approve(sequence.pk, approver="ben", now=now, overrides=[Override(" A reader's own words. ")]) == 1
    kept = Approval.objects.get().overrides
    assert {(row["part"], row["phrase"], row["reason"]) for row in kept} >= {
        ("subject", "addict", "A reader's own words."),
        ("body", "addict", "A reader's own words."),
    }
    assert not any("blocks" in sentence for sentence in reviewing.obstacles(sequence.pk, now))


def test_a_reason_for_one_phrase_covers_no_other(sequence: Sequence, now: dt.datetime) -> None:
    write(sequence, now, body=GOOD + " No addict is alone. No junkie is alone.")
    with pytest.raises(Refused) as refused:
        reviewing.approve(sequence.pk, approver="ben", now=now, overrides=[Override("hers", phrase="Addict")])
    assert "“junkie”" in refused.value.message
    assert "“addict”" not in refused.value.message


def test_in_a_live_sequence_approved_words_are_sent_from_now_on(now: dt.datetime) -> None:
    step = StepFactory.create(body=GOOD)
    edit(step, now, GOOD + " Then rest.")
    (standing,) = standings(step.sequence)
    assert standing.approval == "not approved; readers get revision 1"
    reviewing.approve(step.sequence_id, approver="ruth", now=now)
    step.refresh_from_db()
    assert step.current is not None
    assert step.current.number == 2


def test_in_a_draft_nothing_is_current_before_the_start(sequence: Sequence, now: dt.datetime) -> None:
    step = write(sequence, now)
    reviewing.approve(sequence.pk, approver="ben", now=now)
    step.refresh_from_db()
    assert step.current is None
    assert reviewing.make_current(sequence) == 1
    step.refresh_from_db()
    assert step.current == step.revisions.get()


def test_a_sequence_in_order_can_start(sequence: Sequence, masthead: Masthead, now: dt.datetime) -> None:
    write(sequence, now)
    reviewing.approve(sequence.pk, approver="ben", now=now)
    assert reviewing.obstacles(sequence.pk, now) == []


def test_everything_that_stands_in_the_way_is_said(sequence: Sequence, now: dt.datetime) -> None:
    Masthead.objects.create(from_address="")
    letters, postal, sender, lines = reviewing.obstacles(sequence.pk, now + dt.timedelta(days=181))
    assert "has no letters" in letters
    assert "postal address" in postal
    assert "From address" in sender
    assert "more than 180 days ago" in lines
    edit_masthead(from_address="ruth@harbour.example", postal_address="12 Quay Street")
    write(sequence, now, body=GOOD + " No addict is alone.")
    blocked, waiting = reviewing.obstacles(sequence.pk, now)
    assert "The proofreader blocks letter-1: line 3 “addict”" in blocked
    assert "1 letter is not approved (letter-1)" in waiting
    assert "keepshowingup sequence approve small-hellos" in waiting


def test_a_value_the_sequence_does_not_have_needs_a_fallback_before_it_starts(
    sequence: Sequence, masthead: Masthead, now: dt.datetime
) -> None:
    Sequence.objects.update(signature="")
    body = GOOD + ' It is from {{ signature | upper }}, about {{ article_title | default("this") }}.'
    write(sequence, now, body=body)
    reviewing.approve(sequence.pk, approver="ben", now=now)
    (hole,) = reviewing.obstacles(sequence.pk, now)
    assert "letter-1 says {{ signature }}, and the sequence has no signature" in hole
    Sequence.objects.update(signature="Ruth")
    assert reviewing.obstacles(sequence.pk, now) == []


def test_deleted_letters_stand_in_nobodys_way(sequence: Sequence, masthead: Masthead, now: dt.datetime) -> None:
    write(sequence, now)
    reviewing.approve(sequence.pk, approver="ben", now=now)
    composing.delete_step(write(sequence, now).pk, now=now)
    assert reviewing.obstacles(sequence.pk, now) == []


def test_the_findings_of_a_letter_are_those_of_all_its_parts(sequence: Sequence, now: dt.datetime) -> None:
    step = write(sequence, now, body=GOOD + " No addict is alone.", subject="For the addict in your life")
    found = reviewing.findings_of(step)
    assert {(f.line, f.phrase) for f in found.blocks} >= {(0, "addict"), (3, "addict")}
