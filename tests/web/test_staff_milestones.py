"""The desk and milestones: ten letters to begin with, a mark instead of a day, and nobody's date."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.cadence.counting import count_from
from keepshowingup.core.milestones import Mark
from keepshowingup.core.timing import AtMark
from keepshowingup.editorial.models import Sequence
from keepshowingup.editorial.timings import timing_of
from tests.cadence.world import milestones
from tests.factories import MastheadFactory, SubscriberFactory
from tests.web.staff_desk import desk, fields, person, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> Client:
    MastheadFactory.create()
    return desk(person("editor", "Mara"))


@pytest.fixture
def notes(mara: Client) -> Sequence:
    mara.post(url("sequence_create"), {"title": "Small notes", "open_ended": "milestones"})
    return Sequence.objects.get(slug="small-notes")


def test_milestones_begin_with_ten_letters_in_the_order_of_their_marks(mara: Client, notes: Sequence) -> None:
    assert notes.milestones
    assert notes.steps.count() == 10
    first = notes.steps.get(position=1)
    page = mara.get(url("letter", first.pk)).content.decode()
    assert 'name="mark" value="1 day"' in page
    assert "from their date" in page
    assert "year <b>1</b>" in page
    assert "year <b>2+</b>" in page
    preview = mara.get(url("preview", first.pk)).content.decode()
    assert "1 day from the date you gave us" in " ".join(preview.split())


def test_a_letter_is_put_at_another_mark_or_made_to_come_every_year(mara: Client, notes: Sequence) -> None:
    step = notes.steps.get(mark_days=7)
    mara.post(url("letter_save", step.pk), fields(step, when="mark", days="", mark="10 days"))
    step.refresh_from_db()
    assert timing_of(step) == AtMark(Mark(days=10))
    mara.post(url("letter_save", step.pk), fields(step, when="mark", days="", mark="5 years", yearly="on"))
    step.refresh_from_db()
    assert timing_of(step) == AtMark(Mark(months=60), yearly=True)
    form = fields(step, when="mark", days="")
    answer = mara.post(url("letter_save", step.pk), form | {"mark": "soon"})
    assert answer.status_code == 422
    assert "like 30 days" in answer.content.decode()
    answer = mara.post(url("letter_save", step.pk), form | {"mark": "200 days"})
    assert "from six months on" in answer.content.decode()


def test_one_more_letter_comes_at_the_next_mark_or_the_one_that_is_said(mara: Client, notes: Sequence) -> None:
    mara.post(url("letter_add", notes.slug))
    mara.post(url("letter_add", notes.slug), {"mark": "10 years"})
    assert {str(timing_of(step).mark) for step in notes.steps.filter(position__gt=10)} == {"3 years", "10 years"}  # type: ignore[union-attr]


def test_staff_who_look_at_a_reader_see_no_date_and_not_which_mark() -> None:
    milestones()
    MastheadFactory.create()
    reader = SubscriberFactory.create()
    now = settings.CLOCK.now()
    count_from(reader.pk, now.date().replace(year=now.year - 3), now)
    page = desk(person("admin")).get(url("reader", reader.opaque)).content.decode()
    assert "a letter about a date of their own" in page
    assert not any(word in page for word in (str(now.year - 3), "Mark year", "every-year"))
