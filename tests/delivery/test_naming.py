"""What letters are called: the same whenever they are claimed, and nothing that can be read from it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery.claiming import claim_letters
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.naming import letter_name, letter_names, notice_name, opaque_of
from tests.delivery.conftest import StoppedClock

JOINED = dt.datetime(2026, 11, 2, 9, 30, 0, 123456, tzinfo=dt.UTC)


@pytest.mark.django_db
def test_a_letter_that_is_claimed_again_by_a_database_that_was_put_back_has_the_same_name(
    clock: StoppedClock, enrolment: Enrolment
) -> None:
    kept = Enrolment.objects.values().get()
    names = []
    for _ in range(2):
        claim_letters(clock.now(), clock.real() + dt.timedelta(minutes=5), limit=10, owner="a-worker")
        names.append(Dispatch.objects.get().message_id)
        Dispatch.objects.all().delete()
        Enrolment.objects.filter(pk=enrolment.pk).update(**kept)
    assert names[0] == names[1]
    assert opaque_of(names[0]) == letter_name(enrolment.pk, enrolment.enrolled_at, "first")


def test_every_letter_has_a_name_of_its_own() -> None:
    names = {letter_name(pk, JOINED, key) for pk in range(50) for key in ("first", "second")}
    names |= {letter_name(1, JOINED + dt.timedelta(microseconds=1), "first"), notice_name(1, JOINED)}
    assert len(names) == 102
    assert all(len(name) == 24 and int(name, 16) >= 0 for name in names)


def test_a_letter_is_known_under_an_earlier_key_too(settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS = []
    before = letter_name(7, JOINED, "first")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a key of some other time", [settings.SECRET_KEY]
    assert letter_name(7, JOINED, "first") != before
    assert before in letter_names(7, JOINED, "first")
