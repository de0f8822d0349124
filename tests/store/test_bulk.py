from __future__ import annotations

import datetime as dt
from itertools import repeat

import pytest
from django.db import IntegrityError, connection, transaction

from keepshowingup.audience.models import Consent, Subscriber, new_opaques
from keepshowingup.store.bulk import PIECE, insert, reserve_ids, room_for_many
from tests.factories import MONDAY, SubscriberFactory

pytestmark = pytest.mark.django_db

NASTY = ["", "\\N", "\\.", "\\", "a\tb", "a\nb", "a\r\nb", '"', "'", "%s", "{,}", "null", "Zoë 🎈", "\x7f\u2028"]


def consents(reader: Subscriber, sources: list[str]) -> None:
    insert(
        Consent,
        {
            "subscriber": repeat(reader.pk, len(sources)),
            "given_at": [MONDAY + dt.timedelta(microseconds=number) for number in range(len(sources))],
            "source": sources,
            "text_version": repeat("", len(sources)),
        },
    )


def test_what_goes_in_comes_out() -> None:
    reader = SubscriberFactory.create()
    consents(reader, NASTY)
    kept = Consent.objects.order_by("pk").values_list("source", "given_at")
    assert list(kept) == [(text, MONDAY + dt.timedelta(microseconds=number)) for number, text in enumerate(NASTY)]


def test_reserved_ids_are_nobody_elses() -> None:
    before = SubscriberFactory.create().pk
    ids = reserve_ids(Subscriber, 3)
    assert list(ids) == [before + 1, before + 2, before + 3]
    with transaction.atomic():
        insert(
            Subscriber,
            {
                "id": ids,
                "opaque": new_opaques(3),
                **{name: [f"{n}@a.org" for n in range(3)] for name in ("email", "email_key")},
                **{name: repeat("", 3) for name in ("first_name", "zone", "language", "country", "audience", "state")},
                "hour": repeat(dt.time(10), 3),
                "created_at": repeat(MONDAY, 3),
            },
        )
    assert SubscriberFactory.create().pk > max(ids)


def test_more_than_one_piece_goes_in_in_its_order() -> None:
    reader = SubscriberFactory.create()
    sources = [f"a\tb {number}" if number % 700 == 0 else f"form {number}" for number in range(2 * PIECE + 1)]
    consents(reader, sources)
    assert list(Consent.objects.order_by("pk").values_list("source", flat=True)) == sources


def test_there_is_nothing_to_reserve_for_nobody() -> None:
    assert list(reserve_ids(Subscriber, 0)) == []


def test_a_row_that_meets_another_is_an_error_of_django() -> None:
    reader = SubscriberFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(
            Consent,
            {
                "id": [1, 1],
                **{name: ["", ""] for name in ("source", "text_version")},
                "subscriber": [reader.pk] * 2,
                "given_at": [MONDAY] * 2,
            },
        )


@pytest.mark.parametrize("number", [0, 1, 40_000])
def test_any_number_of_values_is_one_question(number: int) -> None:
    reader = SubscriberFactory.create(email_key="it's {me},\"\\@example.org")
    keys = [*(f"{n}@example.org" for n in range(number)), reader.email_key]
    assert Subscriber.objects.filter(email_key__among=keys).get() == reader
    assert Subscriber.objects.filter(pk__among=[*range(-number, 0), reader.pk]).get() == reader
    assert not Subscriber.objects.filter(email_key__among=[]).exists()


def test_sqlite_gets_its_own_measure_back() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("about SQLite")

    def measure() -> list[int]:
        with connection.cursor() as cursor:
            return [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("cache_size", "wal_autocheckpoint")]

    before = measure()
    with room_for_many():
        assert measure() != before
    assert measure() == before
