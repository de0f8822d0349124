from __future__ import annotations

import json
from pathlib import Path

import pytest

from keepshowingup.audience.leaving import is_suppressed
from keepshowingup.audience.models import Consent, Notice, Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cli.root import run
from tests.factories import SequenceFactory, StepFactory, SubscriberFactory

pytestmark = pytest.mark.django_db

CONFIRMED = ("--confirmed", "--consent-note", "asked on the phone")


def test_a_reader_is_asked_for_their_yes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["subscriber", "add", "Maya@Example.org", "--first-name", "Maya"]) == 0
    assert Subscriber.objects.get().state == Subscriber.State.UNCONFIRMED
    assert Notice.objects.get().kind == Notice.Kind.CONFIRM
    assert "asks them" in capsys.readouterr().err


def test_with_proof_a_reader_begins_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    step = StepFactory.create()
    command = ["subscriber", "add", "maya@example.org", "--zone", "Asia/Tokyo", "--hour", "9:15"]
    assert run([*command, "--sequence", step.sequence.slug, *CONFIRMED, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"email": "maya@example.org", "state": "active"}
    reader = Subscriber.objects.get()
    assert (reader.state, reader.zone, f"{reader.hour:%H:%M}") == ("active", "Asia/Tokyo", "09:15")
    assert Consent.objects.get().source == "asked on the phone"
    assert Enrolment.objects.get().next_step == step


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["maya@example.org\nBcc: x@example.com"], 1),
        (["maya"], 1),
        (["maya@example.org", "--zone", "Europe/Lundon"], 2),
        (["maya@example.org", "--hour", "25:00"], 2),
        (["maya@example.org", "--first-name", "Ma\nya"], 2),
        (["maya@example.org", "--country", "GBR"], 2),
        (["maya@example.org", "--confirmed"], 2),
        (["maya@example.org", "--consent-note", "note"], 2),
        (["maya@example.org", "--sequence", "none", *CONFIRMED], 1),
    ],
)
def test_what_can_not_be_added_is_refused_in_a_sentence(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["subscriber", "add", *arguments]) == code
    assert capsys.readouterr().err.strip().endswith(".")
    assert not Subscriber.objects.exists()


def test_a_file_is_imported_and_its_readers_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step = StepFactory.create()
    file = tmp_path / "readers.csv"
    file.write_text(
        "email,consented_at,consent_source\n"
        "maya@example.org,2025-11-01,form\n"
        "ruben@example.org,2025-11-01,form\n"
        "nobody,2025-11-01,form\n"
        "ines@example.org,,\n"
    )
    assert run(["subscriber", "import", str(file), "--sequence", step.sequence.slug, "--json"]) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert set(answer) == {"rows", "added", "updated", "refused", "seconds"}
    assert (answer["rows"], answer["added"], answer["updated"], answer["refused"]) == (4, 2, 0, 2)
    assert "readers.refused.csv" in said.err
    assert Enrolment.objects.filter(next_step=step).count() == 2


def test_a_file_with_nobody_in_it_is_exit_code_1(tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text("email\nmaya@example.org\n")
    assert run(["subscriber", "import", str(file)]) == 1
    file.write_text("name\nMaya\n")
    assert run(["subscriber", "import", str(file)]) == 1
    assert run(["subscriber", "import", str(tmp_path / "none.csv")]) == 2


def test_a_reader_who_moves_by_a_file_is_planned_anew(tmp_path: Path) -> None:
    step = StepFactory.create(after_days=3)
    run(["subscriber", "add", "maya@example.org", "--zone", "UTC", "--sequence", step.sequence.slug, *CONFIRMED])
    before = Enrolment.objects.get().due_at
    assert before is not None
    file = tmp_path / "readers.csv"
    file.write_text("email,hour,consented_at,consent_source\nmaya@example.org,15:00,2025-11-01,form\n")
    assert run(["subscriber", "import", str(file)]) == 0
    after = Enrolment.objects.get().due_at
    assert after is not None
    assert (after - before).total_seconds() == 5 * 3600


def test_everything_that_is_kept_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    step = StepFactory.create()
    run(["subscriber", "add", "maya@example.org", "--sequence", step.sequence.slug, *CONFIRMED])
    capsys.readouterr()
    assert run(["subscriber", "show", "MAYA@example.org", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["email"], row["state"], row["consents"][0]["source"]) == ("maya@example.org", "active", CONFIRMED[2])
    assert row["sequences"][0]["next_step"] == step.key
    assert run(["subscriber", "show", "maya@example.org"]) == 0
    assert "asked on the phone" in capsys.readouterr().out


def test_a_break_begins_and_ends() -> None:
    reader = SubscriberFactory.create()
    assert run(["subscriber", "pause", reader.email, "14"]) == 0
    reader.refresh_from_db()
    assert reader.paused_until is not None
    assert run(["subscriber", "resume", reader.email]) == 0
    reader.refresh_from_db()
    assert reader.paused_at is None
    assert run(["subscriber", "pause", reader.email, "0"]) == 2


def test_leaving_stops_all_letters() -> None:
    reader = SubscriberFactory.create()
    assert run(["subscriber", "leave", reader.email]) == 0
    assert run(["subscriber", "leave", reader.email]) == 0
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT


def test_erasing_asks_first_and_leaves_only_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = SubscriberFactory.create()
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert run(["subscriber", "erase", reader.email]) == 1
    assert Subscriber.objects.exists()
    assert run(["subscriber", "erase", reader.email, "--yes"]) == 0
    assert not Subscriber.objects.exists()
    assert is_suppressed(reader.email_key)


@pytest.mark.parametrize("verb", [["show"], ["pause", "3"], ["resume"], ["leave"], ["erase", "--yes"]])
@pytest.mark.parametrize("email", ["nobody@example.org", "no address", "a@example.org\nb@example.org"])
def test_an_unknown_address_is_exit_code_1_and_a_sentence(
    verb: list[str], email: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *more = verb
    assert run(["subscriber", name, email, *more]) == 1
    assert "Nobody here" in capsys.readouterr().err


def test_all_readers_are_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SubscriberFactory.create_batch(3)
    SequenceFactory.create()
    file = tmp_path / "out.csv"
    assert run(["subscriber", "export", str(file)]) == 0
    assert len(file.read_text().splitlines()) == 4
    assert run(["subscriber", "export", str(tmp_path / "none" / "out.csv")]) == 1


def test_a_reader_who_left_has_no_break_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    SubscriberFactory.create(email="maya@example.org", email_key="maya@example.org", state=Subscriber.State.LEFT)
    assert run(["subscriber", "resume", "maya@example.org"]) == 1
    assert "No letters are coming" in capsys.readouterr().err


def test_tags_and_how_often_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    SubscriberFactory.create(email="maya@example.org")
    assert run(["subscriber", "tag", "maya@example.org", "Spring group", "north"]) == 0
    assert "Tags: north, spring-group." in capsys.readouterr().err
    assert run(["subscriber", "tag", "maya@example.org", "north", "--remove"]) == 0
    assert run(["subscriber", "often", "maya@example.org", "2"]) == 0
    capsys.readouterr()
    assert run(["subscriber", "show", "maya@example.org", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["tags"], row["letters_a_week"]) == (["spring-group"], 2)
    assert run(["subscriber", "show", "maya@example.org"]) == 0
    assert "tags: spring-group" in capsys.readouterr().out
    assert run(["subscriber", "often", "maya@example.org", "any"]) == 0
    assert Subscriber.objects.get().letters_a_week is None
    assert run(["subscriber", "often", "maya@example.org", "5"]) == 2
    assert run(["subscriber", "tag", "maya@example.org", "sober"]) == 2
