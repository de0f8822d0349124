"""Rows by the hundred: the same on both databases, and the same as the ORM would have written them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepshowingup.cadence.models import PastStep
from keepshowingup.delivery.models import Dispatch
from keepshowingup.store.rows import insert_rows, update_rows
from tests.factories import DispatchFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=dt.UTC)
IN_KOLKATA = NOW.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@given(st.lists(words, min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_words_are_kept_as_they_are(kept: list[str]) -> None:
    rows = [DispatchFactory.create() for _ in kept]
    try:
        update_rows(Dispatch, ["reason"], [(row.pk, word) for row, word in zip(rows, kept, strict=True)])
        assert [Dispatch.objects.get(pk=row.pk).reason for row in rows] == kept
    finally:
        Dispatch.objects.all().delete()


@pytest.mark.parametrize("word", ['"', "\\", "{}", "NULL", "null", ",", "", "%s", "a\nb", "\\N", "'; --", "🙂"])
def test_words_that_mean_something_to_a_database_mean_nothing(word: str) -> None:
    row = DispatchFactory.create()
    update_rows(Dispatch, ["reason"], [(row.pk, word)])
    row.refresh_from_db()
    assert row.reason == word


def test_a_moment_is_kept_to_the_microsecond_whatever_zone_it_is_written_in() -> None:
    first, second = DispatchFactory.create(), DispatchFactory.create()
    update_rows(Dispatch, ["retry_at"], [(first.pk, IN_KOLKATA), (second.pk, None)], same={"lease_until": NOW})
    assert list(Dispatch.objects.order_by("pk").values_list("retry_at", "lease_until")) == [(NOW, NOW), (None, NOW)]
    assert Dispatch.objects.filter(retry_at=NOW).count() == 1, "and it compares as one that the ORM wrote"


def test_only_rows_that_are_as_expected_are_changed_and_only_their_keys_come_back() -> None:
    right, fenced, settled = (DispatchFactory.create(state="claimed", fence=fence) for fence in (1, 2, 1))
    Dispatch.objects.filter(pk=settled.pk).update(state="accepted")
    changed = update_rows(
        Dispatch,
        ["reason"],
        [(row.pk, 1, "new") for row in (right, fenced, settled)],
        same={"state": "handing_over"},
        expecting=["fence"],
        where="mine.state IN ('claimed')",
    )
    assert changed == {right.pk}
    assert list(Dispatch.objects.filter(reason="new").values_list("pk", "state")) == [(right.pk, "handing_over")]


def test_rows_that_are_there_already_are_left_out() -> None:
    enrolment = EnrolmentFactory.create()
    columns = ["enrolment_id", "subscriber_id", "step_key"]
    same = {"settled_at": NOW, "handed_at": None, "due_local": "", "due_reason": ""}
    rows = [(enrolment.pk, enrolment.subscriber_id, key) for key in ("one", "two")]
    first = insert_rows(PastStep, columns, rows[:1], same=same, known_by="step_key")
    second = insert_rows(PastStep, columns, rows, same=same, known_by="step_key")
    assert (set(first), set(second)) == ({"one"}, {"two"})
    assert dict(PastStep.objects.values_list("step_key", "pk")) == first | second
    assert set(PastStep.objects.values_list("settled_at", flat=True)) == {NOW}


def test_nothing_given_asks_nothing(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert update_rows(Dispatch, ["reason"], []) == set()
        assert insert_rows(PastStep, ["step_key"], []) == {}


def test_a_broken_rule_is_djangos_own_error() -> None:
    row = DispatchFactory.create()
    with pytest.raises(IntegrityError):
        update_rows(Dispatch, ["reason"], [(row.pk, None)])


@pytest.mark.parametrize("number", [0, 1, 2_000])
def test_among_is_in_for_any_number_of_values(number: int) -> None:
    rows = [DispatchFactory.create(message_id=f"<{place}@x.example>") for place in range(3)]
    asked = [row.pk for row in rows[:2]] + list(range(10**6, 10**6 + number))
    assert set(Dispatch.objects.filter(pk__among=asked).values_list("pk", flat=True)) == {rows[0].pk, rows[1].pk}
    named = ["<0@x.example>", *(f'"{place}\\' for place in range(number))]
    assert Dispatch.objects.filter(message_id__among=named).get() == rows[0]
    assert not Dispatch.objects.filter(pk__among=[]).exists()
    assert not Dispatch.objects.filter(message_id__among=[]).exists()
    assert Dispatch.objects.filter(subscriber_id__among=[rows[2].subscriber_id]).get() == rows[2]
