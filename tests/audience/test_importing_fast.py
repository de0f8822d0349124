"""The fast import and a slow one, row by row, on files of every kind: the same readers, proofs and refusals."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepshowingup.audience import sheets, spreadsheet
from keepshowingup.audience.importing import Chunk, import_readers
from keepshowingup.audience.leaving import suppress
from keepshowingup.audience.models import Consent, Subscriber, Suppression
from tests.audience.slow_import import Outcome, import_slowly
from tests.factories import MONDAY, ConsentFactory, SubscriberFactory

LONG_AGO = dt.datetime(2020, 2, 29, 12, tzinfo=dt.UTC)

# Few enough that people meet themselves, in other spellings, and those who are here already.
CELLS = {
    "email": st.sampled_from(
        [
            *("maya@example.org", "Maya@example.org", "MAYA@EXAMPLE.ORG", " maya@example.org\t", "ruben@example.org"),
            *("asked@example.org", "Left@example.org", "stopped@example.org", "hashed@Example.org", "o'b@example.org"),
            *(
                "ines@münchen.de",
                "ines@xn--mnchen-3ya.de",
                "'+tag@example.org",
                "+tag@example.org",
                "nobody",
                "",
                "a@b",
            ),
            *("a b@example.org", "x\\y@example.org", "maya@example.org\x0b"),
        ]
    ),
    "first_name": st.sampled_from(
        [
            "",
            "Maya",
            " Mia  Ann ",
            "Zoë",
            "O'Brien",
            "'=1+1",
            "'quoted'",
            'a "b", c',
            "b\\nt\\.",
            "\\N",
            "two\nlines",
            "x@y",
        ]
    ),
    "zone": st.sampled_from(["", "Europe/London", "Asia/Tokyo", " UTC ", "Europe/Lundon"]),
    "hour": st.sampled_from(["", "8:30", "23:59", "08:30:00", "25:00"]),
    "language": st.sampled_from(["", "en", "PT_br", "zh-hant-TW", "english"]),
    "country": st.sampled_from(["", "gb", "US", "GBR"]),
    "consented_at": st.sampled_from(["", "2026-11-01T10:00:00Z", "2020-02-29T12:00:00+00:00", "2026-11-01", "soon"]),
    "consent_source": st.sampled_from(["", "form 7", "list; of names", "paper\\1", "zwölf", "a\tb"]),
    "state": st.sampled_from(["", "active", "left"]),
    "notes": st.sampled_from(["", "hello", "one\ntwo", "'", '"', ",;\t", "\u2028", "\u00a0"]),
}


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, str]:
    others = draw(st.lists(st.sampled_from([name for name in CELLS if name != "email"]), unique=True))
    names = draw(st.permutations(["email", *others]))
    separator = draw(st.sampled_from(",;\t"))
    quoted = draw(st.booleans())
    out = io.StringIO()
    write = csv.writer(
        out, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    ).writerow
    write(names)
    for _ in range(draw(st.integers(0, 12))):
        match draw(st.integers(0, 9)):
            case 0:
                out.write(draw(st.sampled_from(["\n", " \t \n", "\u00a0\n"])))
            case 1:
                write([draw(CELLS["email"]), *(draw(st.lists(st.just("more"), max_size=3)))])
            case _:
                write([draw(CELLS[name]) for name in names])
    text = out.getvalue()
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))), separator


def people() -> None:
    """Those who are here before the file comes."""
    maya = SubscriberFactory.create(email="maya@example.org", zone="Asia/Tokyo", confirmed_at=LONG_AGO)
    ConsentFactory.create(subscriber=maya, given_at=LONG_AGO, source="form 7")
    SubscriberFactory.create(email="asked@example.org", state=Subscriber.State.UNCONFIRMED, confirmed_at=None)
    SubscriberFactory.create(email="left@example.org", state=Subscriber.State.LEFT, left_at=LONG_AGO)
    SubscriberFactory.create(email="stopped@example.org", state=Subscriber.State.SUPPRESSED)
    suppress("hashed@example.org", Suppression.Reason.ERASED, LONG_AGO)


def everything() -> list[list[Any]]:
    """What is kept, but for what chance gives out."""
    fields = [field.name for field in Subscriber._meta.fields if field.name not in {"id", "opaque"}]
    proofs = ("subscriber__email_key", "given_at", "confirmed_at", "source", "text_version")
    return [
        list(Subscriber.objects.order_by("email_key").values_list(*fields)),
        sorted(Consent.objects.values_list(*proofs)),
        list(Suppression.objects.values_list("key")),
    ]


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    file=files(), note=st.sampled_from(["", "asked on paper"]), at_once=st.integers(1, 6), block=st.integers(1, 200),
    here=st.booleans(),
)  # fmt: skip
def test_the_fast_import_does_what_a_slow_one_does(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[bytes, str], note: str, at_once: int, block: int, here: bool
) -> None:
    content, separator = file
    path = tmp_path_factory.getbasetemp() / "readers.csv"
    path.write_bytes(content)
    refused = path.with_name("readers.refused.csv")
    told: list[Chunk] = []
    with transaction.atomic():
        if here:
            people()
        with transaction.atomic():
            wanted = import_slowly(content, separator, note, MONDAY)
            kept = everything()
            transaction.set_rollback(True)
        with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(sheets, "ROWS", at_once)
            patch.setattr(spreadsheet, "BLOCK", block)
            done = import_readers(path, now=MONDAY, consent_note=note, on_chunk=told.append)
            assert everything() == kept
            ids = Subscriber.objects.filter(email_key__in=wanted.readers).values_list("pk", flat=True)
            assert {reader for chunk in told for reader in chunk.readers} == set(ids)
            transaction.set_rollback(True)
        transaction.set_rollback(True)
    lines = []
    if done.refused_file:
        with refused.open(newline="", errors="surrogateescape") as opened:
            lines = [int(row["line"]) for row in csv.DictReader(opened)]
    assert Outcome(done.added, done.updated, lines, wanted.readers) == wanted
    assert done.rows == done.added + done.updated + done.refused
    assert done.refused == len(lines)
