from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepshowingup.audience import importing, sheets, spreadsheet
from keepshowingup.audience.exporting_csv import export_readers
from keepshowingup.audience.importing import Chunk, Imported, import_readers
from keepshowingup.audience.leaving import leave, suppress
from keepshowingup.audience.merging import LEFT, SUPPRESSED
from keepshowingup.audience.models import Consent, Subscriber, Suppression
from keepshowingup.audience.spreadsheet import Row, open_text, plain, read_header, read_rows, safe
from keepshowingup.core.errors import Refused
from keepshowingup.store.bulk import reserve_ids
from tests.factories import MONDAY, SubscriberFactory
from tests.processes import PROGRAM, environment, eventually, keepshowingup, set_up

HEADER = "email,first_name,zone,hour,language,country,consented_at,consent_source"
PROOF = "2026-11-01T10:00:00Z,paper form 7"
MAYA = f"maya@example.org,Maya,Europe/London,08:30,en,GB,{PROOF}"

Import = Callable[..., Imported]


@pytest.fixture
def bring(tmp_path: Path, db: None) -> Import:
    def bring(content: str | bytes, **more: object) -> Imported:
        file = tmp_path / "readers.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_readers(file, now=MONDAY, **more)  # type: ignore[arg-type]

    return bring


def counts(done: Imported) -> tuple[int, int, int, int]:
    return done.rows, done.added, done.updated, done.refused


def reasons(done: Imported) -> list[tuple[str, str]]:
    assert done.refused_file is not None
    with done.refused_file.open(newline="") as file:
        return [(row["line"], row["reason"]) for row in csv.DictReader(file)]


def test_an_imported_reader_is_active_and_confirmed_with_their_proof(bring: Import) -> None:
    assert counts(bring(f"{HEADER}\n{MAYA}\n")) == (1, 1, 0, 0)
    reader = Subscriber.objects.get()
    assert (reader.email, reader.first_name, reader.zone, reader.hour) == (
        "maya@example.org",
        "Maya",
        "Europe/London",
        dt.time(8, 30),
    )
    assert (reader.state, reader.confirmed_at) == (Subscriber.State.ACTIVE, MONDAY)
    consent = Consent.objects.get()
    assert (consent.subscriber, consent.source, consent.confirmed_at) == (reader, "paper form 7", MONDAY)
    assert consent.given_at == dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)


def test_the_same_file_again_adds_nothing(bring: Import) -> None:
    bring(f"{HEADER}\n{MAYA}\n")
    before = list(Subscriber.objects.values())
    assert counts(bring(f"{HEADER}\n{MAYA}\n")) == (1, 0, 1, 0)
    assert list(Subscriber.objects.values()) == before
    assert Consent.objects.count() == 1


def test_a_row_without_proof_is_refused_unless_a_note_covers_the_file(bring: Import) -> None:
    file = "email,consented_at,consent_source\nmaya@example.org,,\nruben@example.org,2026-11-01,\n"
    assert counts(bring(file)) == (2, 0, 0, 2)
    assert not Subscriber.objects.exists()
    assert counts(bring(file, consent_note="asked at the group on 1 November")) == (2, 2, 0, 0)
    assert set(Consent.objects.values_list("source", flat=True)) == {"asked at the group on 1 November"}
    bring(file, consent_note="asked at the group on 1 November")
    assert Consent.objects.count() == 2


def test_who_must_not_be_written_to_and_who_left_stay_away(bring: Import) -> None:
    suppress("maya@example.org", Suppression.Reason.COMPLAINT, MONDAY)
    leave(SubscriberFactory.create(email="ruben@example.org").pk, MONDAY)
    done = bring(f"{HEADER}\nMAYA@example.org,,,,,,{PROOF}\nruben@example.org,,,,,,{PROOF}\n", consent_note="note")
    assert counts(done) == (2, 0, 0, 2)
    assert reasons(done) == [("2", SUPPRESSED), ("3", LEFT)]
    assert Subscriber.objects.get().state == Subscriber.State.LEFT


def test_an_unconfirmed_reader_becomes_active_by_the_proof(bring: Import) -> None:
    SubscriberFactory.create(email="maya@example.org", state=Subscriber.State.UNCONFIRMED, confirmed_at=None)
    assert counts(bring(f"{HEADER}\n{MAYA}\n")) == (1, 0, 1, 0)
    assert Subscriber.objects.get().state == Subscriber.State.ACTIVE


def test_empty_cells_keep_what_is_known_and_a_move_is_told(bring: Import) -> None:
    reader = SubscriberFactory.create(email="maya@example.org", first_name="Maya", zone="Europe/London")
    told: list[Chunk] = []
    bring(f"{HEADER}\nmaya@example.org,,Asia/Tokyo,,,,{PROOF}\n", on_chunk=told.append)
    reader.refresh_from_db()
    assert (reader.first_name, reader.zone) == ("Maya", "Asia/Tokyo")
    assert told == [Chunk((reader.pk,), (reader.pk,))]


def test_somebody_twice_in_a_file_is_one_reader_and_the_later_row_counts(bring: Import) -> None:
    done = bring(f"{HEADER}\n{MAYA}\n{MAYA.replace('Maya', 'Mia').replace('maya@', 'Maya@')}\n")
    assert counts(done) == (2, 1, 1, 0)
    assert Subscriber.objects.get().first_name == "Mia"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_all_programs_are_read(bring: Import, separator: str, line_end: str, encoding: str) -> None:
    rows = [HEADER.split(","), MAYA.replace("Maya", "Zoë").split(",")]
    content = line_end.join(separator.join(row) for row in rows)
    assert counts(bring(content.encode(encoding))) == (1, 1, 0, 0)
    assert Subscriber.objects.get().first_name == "Zoë"


def test_excels_own_note_about_the_separator_is_passed_over(bring: Import) -> None:
    assert counts(bring(f"sep=;\r\n{HEADER.replace(',', ';')}\r\n{MAYA.replace(',', ';')}\r\n")) == (1, 1, 0, 0)


def test_columns_come_in_any_order_and_case_and_others_are_passed_over(bring: Import) -> None:
    file = "Notes, Consent Source ,EMAIL,consented_at\nhello,form,maya@example.org,2026-11-01\n"
    assert counts(bring(file)) == (1, 1, 0, 0)


def test_a_quoted_cell_may_have_line_breaks_and_separators(bring: Import) -> None:
    file = (
        "email,notes,consented_at,consent_source\n"
        f'maya@example.org,"one, two\nthree ""four""",{PROOF}\n'
        f"ruben@example.org,,{PROOF}\n"
    )
    assert counts(bring(file)) == (2, 2, 0, 0)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"too,few", "2 columns"),
        (MAYA.encode() + b",more", "9 columns"),
        (MAYA.encode().replace(b"Maya", b"Ma\0ya"), "NUL"),
        (MAYA.encode().replace(b"Maya", b"Zo\xeb"), "UTF-8"),
        (MAYA.encode().replace(b"Maya", b'"Maya'), "quotation mark"),
        (MAYA.encode().replace(b"maya@", b"maya"), "no @"),
        (MAYA.encode().replace(b"Europe/London", b"Europe/Lndon"), "zone"),
        (MAYA.encode().replace(b"08:30", b"25:00"), "10:00"),
        (MAYA.encode().replace(b",GB", b",GBR"), "country"),
        (MAYA.encode().replace(b"2026-11-01T10", b"2036-11-01T10"), "past"),
        (MAYA.encode().replace(b"2026-11-01T10:00:00Z", b"01.11.2026"), "can't be read"),
        (MAYA.encode().replace(b",Maya,", ",Ma\u202eya,".encode()), "printed"),
        (MAYA.encode().replace(b"Maya", b"x" * 70_000), "too long"),
    ],
)
def test_a_broken_row_is_refused_alone_with_its_line(bring: Import, broken: bytes, reason: str) -> None:
    before = MAYA.replace("maya@", "before@").encode()
    after = MAYA.replace("maya@", "after@").encode()
    done = bring(b"\n".join([HEADER.encode(), before, broken, b"", after]) + b"\n")
    assert counts(done) == (3, 2, 0, 1)
    [(line, said)] = reasons(done) if b"\xeb" not in broken else [("3", "UTF-8")]
    assert line == "3"
    assert reason in said
    assert set(Subscriber.objects.values_list("email", flat=True)) == {"before@example.org", "after@example.org"}


def test_refused_rows_can_be_mended_and_imported_again(bring: Import) -> None:
    done = bring(f"{HEADER}\n{MAYA.replace('London', 'Lundon')}\n")
    assert done.refused_file is not None
    assert done.refused_file.name == "readers.refused.csv"
    assert done.refused_file.stat().st_mode & 0o077 == 0
    mended = done.refused_file.read_bytes().replace(b"Lundon", b"London")
    assert counts(bring(mended)) == (1, 1, 0, 0)


def test_the_bytes_of_a_refused_row_are_kept(bring: Import) -> None:
    done = bring(HEADER.encode() + b"\n" + MAYA.encode().replace(b"Maya", b"Zo\xeb") + b"\n")
    assert done.refused_file is not None
    assert b"Zo\xeb" in done.refused_file.read_bytes()


@pytest.mark.parametrize("content", [b"", b"\n", b"name,city\nMaya,London\n", b"\0\0", b"email,email\n", b"\xff\xfe"])
def test_what_is_no_table_of_readers_is_refused_whole(bring: Import, content: bytes) -> None:
    with pytest.raises(Refused):
        bring(content)


def test_a_big_file_is_written_in_chunks(bring: Import) -> None:
    number = 2 * sheets.ROWS + 7
    rows = "\n".join(f"reader{n}@example.org,{PROOF}" for n in range(number))
    told: list[Chunk] = []
    read: list[int] = []
    content = f"email,consented_at,consent_source\n{rows}".encode()
    done = bring(content, on_chunk=told.append, progress=read.append)
    assert counts(done) == (number, number, 0, 0)
    assert [len(chunk.readers) for chunk in told] == [sheets.ROWS, sheets.ROWS, 7]
    assert read == sorted(read)
    assert read[-1] == len(content)
    assert Consent.objects.count() == number
    in_order = Subscriber.objects.order_by("pk").values_list("email", flat=True)
    assert list(in_order) == [f"reader{n}@example.org" for n in range(number)]


class Interrupted(Exception):
    pass


def test_what_is_interrupted_is_mended_by_the_same_file(bring: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "ROWS", 2)
    reader = SubscriberFactory.create(email="r2@example.org", zone="Europe/London")
    file = "email,zone\n" + "".join(f"r{n}@example.org,Asia/Tokyo\n" for n in range(5))

    def interrupt(chunk: Chunk) -> None:
        if reader.pk in chunk.readers:
            raise Interrupted

    with pytest.raises(Interrupted):
        bring(file, consent_note="note", on_chunk=interrupt)
    reader.refresh_from_db()
    assert reader.zone == "Europe/London", "a move nobody was told of"
    assert Subscriber.objects.count() == 1 + 2
    told: list[Chunk] = []
    assert counts(bring(file, consent_note="note", on_chunk=told.append)) == (5, 2, 3, 0)
    assert [chunk.moved for chunk in told] == [(), (reader.pk,), ()]
    assert set(Subscriber.objects.values_list("zone", flat=True)) == {"Asia/Tokyo"}
    assert Consent.objects.count() == 5


def test_somebody_twice_in_one_chunk_keeps_both_proofs_and_the_first_spelling(bring: Import) -> None:
    rows = [
        "Ines@bücher.example,Ines,,2026-11-01,form",
        "ines@XN--BCHER-KVA.example,,Asia/Tokyo,2026-11-02,form",
        "ines@bücher.example,,,2026-11-01,form",
    ]
    done = bring("email,first_name,zone,consented_at,consent_source\n" + "\n".join(rows))
    assert counts(done) == (3, 1, 2, 0)
    reader = Subscriber.objects.get()
    assert (reader.email, reader.first_name, reader.zone) == ("Ines@xn--bcher-kva.example", "Ines", "Asia/Tokyo")
    assert [proof.given_at.day for proof in reader.consents.order_by("given_at")] == [1, 2]


def test_what_means_something_to_the_database_is_only_text(bring: Import) -> None:
    names = ["\\N", "\\.", "a\\tb", "a\\", "{}", '"', "%s", "'); DROP TABLE x; --", "Zoë 🎈"]
    file = io.StringIO()
    csv.writer(file).writerows([("email", "first_name"), *((f"r{n}@a.org", name) for n, name in enumerate(names))])
    for done in (bring(file.getvalue(), consent_note="\\N"), bring(file.getvalue(), consent_note="\\N")):
        assert done.refused == 0
        assert list(Subscriber.objects.order_by("pk").values_list("first_name", flat=True)) == names
    assert list(Consent.objects.values_list("source", flat=True)) == ["\\N"] * len(names)


@pytest.mark.django_db(transaction=True)
def test_who_joins_while_the_file_is_read_is_not_there_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("on SQLite nobody else writes in the middle of a chunk")
    joined: list[int] = []

    def join() -> None:
        joined.append(SubscriberFactory.create(email="maya@example.org", state="unconfirmed", confirmed_at=None).pk)
        connection.close()

    def reserve(*asked: Any) -> Any:
        if not joined:  # between the look at who is here and the writing
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(join).result()
        return reserve_ids(*asked)

    monkeypatch.setattr(importing, "reserve_ids", reserve)
    file = tmp_path / "readers.csv"
    file.write_text(f"{HEADER}\nruben@example.org,,,,,,{PROOF}\n{MAYA}\n")
    done = import_readers(file, now=MONDAY)
    assert counts(done) == (2, 1, 1, 0)
    maya = Subscriber.objects.get(email_key="maya@example.org")
    assert (maya.pk, maya.state, maya.zone) == (joined[0], Subscriber.State.ACTIVE, "Europe/London")
    assert Consent.objects.count() == 2


def test_an_import_killed_in_its_middle_is_finished_by_the_next(tmp_path: Path) -> None:
    number = 60_000
    file = tmp_path / "readers.csv"
    file.write_text("email\n" + "".join(f"reader{n}@example.org\n" for n in range(number)))
    set_up(tmp_path)
    command = ("subscriber", "import", str(file), "--consent-note", "asked", "--json")
    database = sqlite3.connect(f"file:{tmp_path}/keepshowingup.sqlite3?mode=ro", uri=True, timeout=20)

    def here(table: str = "subscriber") -> int:
        return int(database.execute(f"SELECT count(*) FROM audience_{table}").fetchone()[0])

    with subprocess.Popen([*PROGRAM, *command], env=environment(tmp_path), stdout=subprocess.DEVNULL) as running:
        eventually(here, "the first chunk", within=120)
        running.kill()
    begun = here()
    assert begun % sheets.ROWS == 0 or begun == number
    assert here("consent") == begun
    answer = json.loads(keepshowingup(tmp_path, *command).stdout)
    assert (answer["rows"], answer["added"], answer["updated"]) == (number, number - begun, begun)
    assert (here(), here("consent")) == (number, number)
    database.close()


def test_an_export_is_read_back_equal_and_never_a_formula(bring: Import, tmp_path: Path) -> None:
    names = ["=1+1", "+44", "-x", "'=x", "'quoted'", 'a "b", c', "Zoë"]
    for name in names:
        reader = SubscriberFactory.create(first_name=name, country="GB")
        Consent.objects.create(subscriber=reader, given_at=MONDAY, confirmed_at=MONDAY, source="=cmd|' /C calc'!A0")
    SubscriberFactory.create(state=Subscriber.State.LEFT, left_at=MONDAY, email="gone@example.org")
    SubscriberFactory.create(email="+tag@example.org", email_key="+tag@example.org", first_name="")
    fields = ("email", "first_name", "zone", "hour", "language", "country")
    before = list(Subscriber.objects.filter(consents__isnull=False).order_by("email").values_list(*fields))
    file = tmp_path / "out.csv"
    assert export_readers(file) == len(names) + 2
    assert file.stat().st_mode & 0o077 == 0
    with file.open(newline="") as opened:
        for row in csv.reader(opened):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    exported = file.read_bytes()
    Subscriber.objects.all().delete()
    done = bring(exported)
    assert counts(done) == (len(names) + 2, len(names), 0, 2)
    assert list(Subscriber.objects.order_by("email").values_list(*fields)) == before
    assert set(Consent.objects.values_list("source", flat=True)) == {"=cmd|' /C calc'!A0"}


@given(st.text())
def test_a_cell_is_read_back_as_it_was(cell: str) -> None:
    assert plain(safe(cell)) == cell
    assert not safe(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufffd"), min_size=1, max_size=20)


@given(st.lists(st.tuples(cells, cells), max_size=20), st.sampled_from(",;\t"))
def test_what_csv_writes_is_read_back(table: list[tuple[str, str]], separator: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("email", "notes"), *table])
    lines = open_text(io.BytesIO(out.getvalue().encode()))
    names, found, taken = read_header(lines)
    assert (names, found) == (("email", "notes"), separator)
    rows = list(read_rows(lines, 2, separator, taken))
    assert [row.cells for row in rows] == table
    assert not any(row.trouble for row in rows)


@given(st.lists(st.sampled_from([b'"', b",", b"\n", b"a", b"\r", b"\xff", b"\0", b'a"b', b"a,b\n"]), max_size=60))
def test_every_line_is_accounted_for(pieces: list[bytes]) -> None:
    lines = open_text(io.BytesIO(b"email,x\n" + b"".join(pieces)))
    names, separator, taken = read_header(lines)
    numbers = [row.line for row in read_rows(lines, len(names), separator, taken)]
    assert numbers == sorted(set(numbers))


@given(
    st.lists(st.sampled_from([*'",\n\t\0aé', "\r\n", '"a"', 'a"b', '"a\nb"', "a,b\n", "x" * 9, "\ufffd"]), max_size=40),
    st.integers(1, 30),
)
def test_how_much_is_read_at_once_changes_nothing(pieces: list[str], block: int) -> None:
    def read() -> list[Row]:
        lines = open_text(io.BytesIO("".join(pieces).encode()))
        return list(read_rows(lines, 2, ",", 0))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spreadsheet, "MOST_LINES", 3)
        whole = read()
        patch.setattr(spreadsheet, "BLOCK", block)
        assert read() == whole


def test_a_line_without_an_end_is_never_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "LONGEST_LINE", 100)
    monkeypatch.setattr(spreadsheet, "BLOCK", 30)
    content = b"a,b\n" + b"x" * 1000 + b"\nc,d\n" + b"y" * 98 + b"\n" + b"z" * 99 + b"\ne,f"
    rows = list(read_rows(open_text(io.BytesIO(content)), 2, ",", 0))
    assert [(row.line, row.cells, row.trouble[:8]) for row in rows] == [
        (1, ("a", "b"), ""),
        (2, (), "The line"),
        (3, ("c", "d"), ""),
        (4, ("y" * 98,), "The row "),
        (5, (), "The line"),
        (6, ("e", "f"), ""),
    ]


@pytest.mark.django_db(transaction=False)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_crash_the_import(tmp_path_factory: pytest.TempPathFactory, content: bytes, headed: bool) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes((b"email,first_name,hour\n" if headed else b"") + content)
    try:
        done = import_readers(file, now=MONDAY, consent_note="a note")
    except Refused:
        return
    assert done.rows == done.added + done.updated + done.refused
