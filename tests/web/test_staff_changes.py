"""Changing letters that run: the page that asks, the yes it wants, the list of changes, and Undo."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.cadence.enrolling import enrol
from keepshowingup.cadence.models import PastStep
from keepshowingup.core.timing import AfterDays
from keepshowingup.editorial import composing, reviewing
from keepshowingup.editorial.models import Edit, Sequence, Step
from tests.cadence.world import drip
from tests.factories import SubscriberFactory
from tests.web.staff_desk import BODY, desk, fields, person, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def sequence() -> Sequence:
    """A running one with two readers, one of whom has had its first letter a fortnight ago."""
    running = drip(0, 4, 20)
    now = settings.CLOCK.now()
    for days in (0, 14):
        reader = SubscriberFactory.create()
        enrolment = enrol(reader.pk, running.pk, now - timedelta(days=days))
        if days:
            for key in ("day-0", "day-4"):
                PastStep.objects.create(enrolment=enrolment, subscriber=reader, step_key=key, settled_at=now)
    return running


@pytest.fixture
def mara() -> Client:
    return desk(person("editor", "Mara"))


def last(sequence: Sequence) -> Step:
    return sequence.steps.get(key="day-4")


def test_another_day_is_asked_about_with_head_counts_first(sequence: Sequence, mara: Client) -> None:
    step = last(sequence)
    answer = mara.post(url("letter_save", step.pk), fields(step, days=6), follow=True)
    text = answer.content.decode()
    step.refresh_from_db()
    assert step.after_days == 4
    assert "comes day 6 instead of day 4" in text
    assert "1 will get “Day 4” at its new place, 1 is past it and get nothing." in text
    assert "2 readers who are here keep what they began with." in text
    asked = answer.request["PATH_INFO"] + "?" + answer.request["QUERY_STRING"]
    text = mara.post(asked, {"way": "new-readers"}, follow=True).content.decode()
    step.refresh_from_db()
    kept = step.kept.get().timing or {}
    assert (step.after_days, kept["after_days"]) == (6, 4)
    assert "It can be undone until its first letter goes." in text
    edit = Edit.objects.get()
    assert (edit.made_by, edit.way, edit.heads["readers"]) == ("mara@harbour.example", "new-readers", 2)
    text = mara.post(url("change_undo", edit.pk), follow=True).content.decode()
    assert "Undone. The letters are as they were before." in text
    step.refresh_from_db()
    assert step.after_days == 4


def test_more_than_one_letter_within_a_day_wants_a_tick(sequence: Sequence, mara: Client) -> None:
    asked = url("change", last(sequence).pk) + "?what=day&when=days&days=0"
    text = mara.get(asked).content.decode()
    assert "This would send more than one letter to somebody within a day: 1 reader." in text
    refused = mara.post(asked, {"way": "now-on"})
    assert refused.status_code == 422
    assert "Tick the box below if that is meant." in refused.content.decode()
    assert mara.post(asked, {"way": "now-on", "more_than_one": "yes"}).status_code == 302
    assert last(sequence).after_days == 0


def test_a_letter_is_taken_out_and_put_back(sequence: Sequence, mara: Client) -> None:
    step = last(sequence)
    asked = mara.get(url("letter_delete", step.pk), follow=True)
    assert "1 will not get “Day 4”, 1 had it or were past it." in asked.content.decode()
    mara.post(url("change", step.pk) + "?what=delete", {"way": "now-on"})
    step.refresh_from_db()
    assert step.deleted_at is not None
    mara.post(url("change_undo", Edit.objects.get().pk))
    step.refresh_from_db()
    assert step.deleted_at is None


def test_a_yes_to_a_new_letter_says_for_whom(sequence: Sequence, mara: Client) -> None:
    step = composing.add_step(
        sequence.pk,
        key="new",
        timing=AfterDays(2),
        subject="A new one",
        preheader="A short note about people",
        body=BODY,
        author="ruth@harbour.example",
        now=settings.CLOCK.now(),
        position=1,
    )
    text = mara.get(url("approve", sequence.slug)).content.decode()
    assert "Also for those who are past it" in text
    seen = {"seen": str(step.revisions.get().pk), "way": "backfill"}
    answer = mara.post(url("approve", sequence.slug), seen | {"more_than_one": "yes"}, follow=True)
    assert "1 letter approved." in answer.content.decode()
    step.refresh_from_db()
    assert step.backfilled
    assert step.current is not None
    assert reviewing.proposed_way(sequence) == "now-on"


def test_what_says_nothing_to_change_is_a_sentence(sequence: Sequence, mara: Client) -> None:
    answer = mara.get(url("change", last(sequence).pk))
    assert answer.status_code == 400
    assert "Go back to the letter" in answer.content.decode()


def test_how_far_the_plans_are_is_said_to_scripts(sequence: Sequence, mara: Client) -> None:
    assert mara.get(url("changes_progress", sequence.slug)).json() == {"done": 1, "total": 1}
    assert "Nothing has been changed" in mara.get(url("changes", sequence.slug)).content.decode()
