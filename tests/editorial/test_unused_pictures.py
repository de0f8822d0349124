"""Pictures that nothing shows any more go; whatever a reader, a writer or an approver may still see stays."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
from django.db import transaction

from keepshowingup.core.pictures import Picture, read_picture
from keepshowingup.core.timing import AfterDays
from keepshowingup.delivery.tidying import forget_old
from keepshowingup.editorial import commenting, composing
from keepshowingup.editorial.importing import import_article
from keepshowingup.editorial.models import Draft, Edition, KeptPicture, Revision, Step
from keepshowingup.editorial.people import make_staff
from keepshowingup.editorial.pictures import hold_pictures, keep_pictures
from keepshowingup.editorial.unused_pictures import MOST, forget_unused_pictures
from keepshowingup.letters.errors import LetterError
from tests.factories import MONDAY
from tests.pictures import png

pytestmark = pytest.mark.django_db
LATER = MONDAY + dt.timedelta(days=31)


@pytest.fixture
def bench() -> Picture:
    picture = read_picture(png(60, 40), "bench.png")
    keep_pictures([picture], now=MONDAY)
    return picture


@pytest.fixture
def step(bench: Picture) -> Step:
    sequence = composing.create_sequence(slug="people", title="People", now=MONDAY)
    return composing.add_step(
        sequence.pk, subject="A bench", preheader="", body="A bench by the water.", timing=AfterDays(0),
        author="mara", now=MONDAY,
    )  # fmt: skip


def shows(picture: Picture) -> str:
    return f"Sit down.\n\n![A bench](images/{picture.name})"


def write(step: Step, body: str, now: dt.datetime = MONDAY) -> Revision:
    return composing.edit_step(step.pk, subject="A bench", preheader="", body=body, author="mara", now=now)


def test_a_picture_that_nothing_shows_goes_after_thirty_days_and_the_log_says_how_many(
    step: Step, bench: Picture, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    forget_old(MONDAY + dt.timedelta(days=30))
    assert KeptPicture.objects.exists()
    forget_old(LATER)
    assert not KeptPicture.objects.exists()
    assert "forgotten: 1 picture that nothing shows" in caplog.text


def test_a_picture_in_a_revision_stays_though_nobody_is_sent_that_one_any_more(step: Step, bench: Picture) -> None:
    write(step, shows(bench))
    write(step, "A bench by the water, without a picture.")
    composing.delete_step(step.pk, now=MONDAY)
    assert forget_unused_pictures(LATER) == 0


def test_a_picture_in_a_compiled_letter_stays_whatever_its_words_say(step: Step, bench: Picture) -> None:
    write(step, shows(bench))
    write(step, "A bench by the water, without a picture.")
    Revision.objects.update(body="Words of an older program.")
    assert forget_unused_pictures(LATER) == 0
    Revision.objects.update(html="")
    assert forget_unused_pictures(LATER) == 0
    Edition.objects.update(html="")
    assert forget_unused_pictures(LATER) == 1


def test_a_picture_in_a_draft_a_comment_or_an_article_stays(step: Step, bench: Picture) -> None:
    draft = Draft.objects.create(
        step=step,
        person=make_staff("mara@harbour.example", "a password of some length", "editor"),
        fields={"subject": "", "body": shows(bench)},
        kept_at=MONDAY,
    )
    assert forget_unused_pictures(LATER) == 0
    draft.delete()
    said = commenting.comment(step.pk, f"Rather images/{bench.name}?", author="ruth", now=MONDAY)
    assert forget_unused_pictures(LATER) == 0
    said.delete()
    article = import_article(shows(bench).encode(), name="bench.md", now=MONDAY)
    assert forget_unused_pictures(LATER) == 0
    article.delete()
    assert forget_unused_pictures(LATER) == 1


def test_a_picture_brought_in_again_has_its_thirty_days_again(step: Step, bench: Picture) -> None:
    keep_pictures([bench], now=LATER)
    assert forget_unused_pictures(LATER) == 0
    assert forget_unused_pictures(LATER + dt.timedelta(days=31)) == 1


def test_a_letter_saved_while_it_is_tidied_keeps_its_picture(step: Step, bench: Picture) -> None:
    with transaction.atomic():
        assert hold_pictures(shows(bench), now=LATER)
        # Nothing that names it is there yet.
        assert forget_unused_pictures(LATER) == 0


def test_a_letter_with_a_picture_that_has_gone_is_not_saved(step: Step, bench: Picture) -> None:
    forget_unused_pictures(LATER)
    with pytest.raises(LetterError, match="picture"):
        write(step, shows(bench), LATER)


def test_very_many_go_by_and_by(step: Step) -> None:
    keep_pictures([read_picture(png(width, 1), "a.png") for width in range(1, MOST + 3)], now=MONDAY)
    assert forget_unused_pictures(LATER) == MOST
    assert forget_unused_pictures(LATER) == 3
