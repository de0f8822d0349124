"""Moments come out of the database as they went in."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from keepshowingup.delivery.models import Dispatch
from tests.factories import DispatchFactory

pytestmark = pytest.mark.django_db


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9998, 1, 1), timezones=st.just(dt.UTC)))
@example(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
@example(dt.datetime(2026, 1, 1, 0, 0, 0, 120_000, tzinfo=dt.UTC))
@example(dt.datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_every_moment_comes_back_as_it_was_in_utc(moment: dt.datetime) -> None:
    row = DispatchFactory.create(retry_at=moment)
    try:
        kept = Dispatch.objects.values_list("retry_at", flat=True).get(pk=row.pk)
        assert kept == moment
        assert kept is not None
        assert kept.tzinfo is dt.UTC
    finally:
        Dispatch.objects.all().delete()


def test_a_moment_no_datetime_can_hold_is_an_error_and_not_another_moment() -> None:
    if connection.vendor != "postgresql":
        assert connection.vendor == "sqlite"  # it keeps moments as words, and has none before the year 1
        return
    with connection.cursor() as cursor:
        for words in ("'infinity'", "'0044-03-15 12:00 BC'"):
            cursor.execute(f"SELECT {words}::timestamptz")
            with pytest.raises(Exception, match="timestamp"):
                cursor.fetchone()
