"""``keepshowingup sequence``, as a person or a script at the command line meets it."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from keepshowingup.cadence import enrolling
from keepshowingup.cadence.advancing import advance
from keepshowingup.cli.root import run
from keepshowingup.editorial.models import Approval, Masthead, Sequence, Step
from tests.factories import SequenceFactory, StepFactory, SubscriberFactory

EXAMPLE = Path(__file__).parents[2] / "examples" / "sequences" / "finding-your-people"
SLUG = "finding-your-people"


class Terminal:
    """Runs command lines and keeps what they said."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self.capture = capture
        self.out = self.err = ""

    def __call__(self, *arguments: object) -> int:
        self.capture.readouterr()
        code = run(["sequence", *map(str, arguments)])
        self.out, self.err = self.capture.readouterr()
        return code

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What was said on stdout, a JSON object per line."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped example."""
    copy = tmp_path / SLUG
    copy.mkdir()
    for file in EXAMPLE.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_validate_needs_no_database_and_no_data_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "keepshowingup", "sequence", "validate", str(EXAMPLE)]
    environment = os.environ | {"KSU_DATA_DIR": str(tmp_path / "none"), "DATABASE_URL": "postgres://127.0.0.1:1/none"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert not (tmp_path / "none").exists()


def test_validate_lists_every_fault_and_ends_with_1(cli: Terminal, folder: Path) -> None:
    rewrite(folder / "01-one-person.md", "day = 0", "days = 0")
    rewrite(folder / "sequence.toml", "signature", "signatur")
    assert cli("validate", folder, "--json") == 1
    assert [(row["file"], row["line"]) for row in cli.rows] == [
        ("01-one-person.md", 1),
        ("01-one-person.md", 2),
        ("sequence.toml", 4),
    ]
    assert cli("validate", folder) == 1
    assert "01-one-person.md:2:1: There is no field 'days'. Did you mean 'day'?" in cli.out


def test_a_folder_that_is_not_there_is_wrong_usage(cli: Terminal, tmp_path: Path) -> None:
    assert cli("validate", tmp_path / "none") == 2


@pytest.mark.django_db
def test_a_folder_with_faults_is_neither_planned_nor_applied(cli: Terminal, folder: Path) -> None:
    rewrite(folder / "01-one-person.md", "first_name", "frist_name")
    for verb in ("plan", "apply"):
        assert cli(verb, folder) == 1
        assert "01-one-person.md:7:24: There is no merge field 'frist_name'." in cli.err
    assert not Sequence.objects.exists()


@pytest.mark.django_db
def test_from_a_folder_to_a_live_sequence(cli: Terminal, masthead: Masthead) -> None:
    assert cli("plan", EXAMPLE) == 0
    assert "a new sequence" in cli.out
    assert cli("apply", EXAMPLE) == 0
    assert "sequence approve finding-your-people" in cli.err

    assert cli("activate", SLUG) == 1
    assert "5 letters are not approved" in cli.err

    assert cli("approve", SLUG) == 0
    assert "5 letters of finding-your-people approved by command line (" in cli.err
    assert cli("approve", SLUG) == 0
    assert "approved already" in cli.err

    assert cli("activate", SLUG) == 0
    assert Sequence.objects.get().state == Sequence.State.LIVE
    assert not Step.objects.filter(current=None).exists()

    assert cli("list", "--json") == 0
    assert cli.rows == [
        {"slug": SLUG, "title": "Finding your people", "state": "live", "letters": 5, "approved": 5, "readers": 0}
    ]
    assert cli("pause", SLUG) == 0
    assert cli("resume", SLUG) == 0
    assert cli("resume", SLUG) == 1


@pytest.mark.django_db
def test_what_was_exported_changes_nothing_when_applied(cli: Terminal, tmp_path: Path) -> None:
    cli("apply", EXAMPLE)
    assert cli("export", SLUG, tmp_path / "out") == 0
    assert "6 written, 0 removed, 0 as they were." in cli.err
    assert cli("apply", tmp_path / "out", "--json") == 0
    assert cli.rows == []
    assert cli("export", SLUG, tmp_path / "out") == 0
    assert "0 written, 0 removed, 6 as they were." in cli.err


@pytest.mark.django_db
def test_show_tells_each_letters_standing_and_what_is_in_the_way(cli: Terminal) -> None:
    cli("apply", EXAMPLE)
    assert cli("show", SLUG, "--json") == 0
    first, summary = cli.rows[0], cli.rows[-1]
    assert {name: first[name] for name in ("key", "position", "when", "approved", "revision", "sent_revision")} == {
        "key": "one-person",
        "position": 1,
        "when": "day 0",
        "approved": False,
        "revision": 1,
        "sent_revision": None,
    }
    assert first["findings"]["block"] == 0
    assert summary["letters"] == 5
    assert any("not approved" in sentence for sentence in summary["obstacles"])
    assert cli("show", SLUG) == 0
    assert "Before it can start:" in cli.out


@pytest.mark.django_db
def test_blocking_findings_are_let_through_with_a_reason_only(cli: Terminal, folder: Path) -> None:
    rewrite(folder / "01-one-person.md", "One person is enough to start with", "One addict is enough to start with")
    cli("apply", folder)
    assert cli("approve", SLUG, "--by", "Ben") == 1
    assert "subject “addict”" in cli.err
    assert cli("approve", SLUG, "--by", "Ben", "--override-reason", "A reader's own words") == 0
    approval = Approval.objects.get(revision__step__key="one-person")
    assert approval.approver == "Ben"
    assert {row["reason"] for row in approval.overrides} == {"A reader's own words"}


@pytest.mark.django_db
def test_files_can_not_approve_what_files_wrote(cli: Terminal) -> None:
    cli("apply", EXAMPLE)
    assert cli("approve", SLUG, "--by", "files") == 1
    assert "a second person approves" in cli.err


@pytest.mark.django_db
def test_a_plan_for_a_live_sequence_counts_heads(cli: Terminal, folder: Path, masthead: Masthead) -> None:
    cli("apply", folder)
    cli("approve", SLUG)
    cli("activate", SLUG)
    now = settings.CLOCK.now()
    sequence = Sequence.objects.get()
    readers = [enrolling.enrol(SubscriberFactory.create().pk, sequence.pk, now) for _ in range(3)]
    advance(readers[0].pk, after_key="one-person", handed_at=now, now=now)

    rewrite(folder / "01-one-person.md", "Not a perfect person.", "Nobody perfect.")
    (folder / "05-you-as-somebodys-person.md").unlink()
    (folder / "06-one-more.md").write_text('+++\nday = 30\nsubject = "One more hello for you"\n+++\nHello once more.\n')
    assert cli("plan", folder, "--json") == 0
    assert [(row["change"], row["step"], row["readers_ahead"], row["readers_past"]) for row in cli.rows] == [
        ("changed", "one-person", 2, 1),
        ("added", "one-more", 3, 0),
        ("deleted", "you-as-somebodys-person", 3, 0),
    ]
    assert cli("plan", folder) == 0
    assert "~ changed one-person, day 0: One person is enough to start with (2 will get it, 1 is past it)" in cli.out
    assert "3 will not get it, 0 had it" in cli.out


@pytest.mark.django_db
def test_new_words_reach_readers_of_a_live_sequence_once_approved(
    cli: Terminal, folder: Path, masthead: Masthead
) -> None:
    cli("apply", folder)
    cli("approve", SLUG)
    cli("activate", SLUG)
    rewrite(folder / "01-one-person.md", "Not a perfect person.", "Nobody perfect.")
    assert cli("apply", folder) == 0
    step = Step.objects.get(key="one-person")
    assert step.current is not None
    assert "Not a perfect person." in step.current.body
    assert cli("approve", SLUG) == 0
    step.refresh_from_db()
    assert step.current is not None
    assert "Nobody perfect." in step.current.body


@pytest.mark.django_db
def test_another_day_moves_the_readers_of_a_live_sequence(cli: Terminal, folder: Path, masthead: Masthead) -> None:
    cli("apply", folder)
    cli("approve", SLUG)
    cli("activate", SLUG)
    now = settings.CLOCK.now()
    enrolment = enrolling.enrol(SubscriberFactory.create().pk, Sequence.objects.get().pk, now)
    advance(enrolment.pk, after_key="one-person", handed_at=now, now=now)
    enrolment.refresh_from_db()
    before = dt.datetime.fromisoformat(enrolment.due_local)
    rewrite(folder / "02-the-short-message.md", "day = 2", "day = 4")
    assert cli("apply", folder) == 0
    enrolment.refresh_from_db()
    assert dt.datetime.fromisoformat(enrolment.due_local) == before + dt.timedelta(days=2)


@pytest.mark.django_db
def test_a_forecast_says_when_each_letter_comes(cli: Terminal) -> None:
    cli("apply", EXAMPLE)
    arguments = (
        "--start",
        "2026-11-23T07:00",
        "--zone",
        "America/New_York",
        "--hour",
        "09:30",
        "--days",
        "10",
        "--json",
    )
    assert cli("forecast", SLUG, *arguments) == 0
    assert [(row["step"], row["local"], row["utc"]) for row in cli.rows] == [
        ("one-person", "2026-11-23T09:30:00", "2026-11-23T14:30:00+00:00"),
        ("the-short-message", "2026-11-25T09:30:00", "2026-11-25T14:30:00+00:00"),
        ("places-with-chairs", "2026-11-30T09:30:00", "2026-11-30T14:30:00+00:00"),
    ]
    assert all(row["reason"] for row in cli.rows)
    assert cli("forecast", SLUG, "--days", "3") == 0


@pytest.mark.django_db
def test_a_forecast_for_everyone_counts_letters_by_day(cli: Terminal) -> None:
    now = settings.CLOCK.now()
    sequence = SequenceFactory.create(slug="small", weekdays="1234567")
    Step.objects.create(sequence=sequence, key="first", position=1, after_days=2, subject="First", body="")
    assert cli("forecast", "small", "--everyone", "--json") == 0
    assert cli.rows == []
    step = StepFactory.create(sequence=sequence, key="second", position=2, after_days=3, subject="Second")
    Approval.objects.update(approved_at=now)
    for _ in range(3):
        enrolling.enrol(SubscriberFactory.create(zone="UTC").pk, sequence.pk, now)
    assert step.current is not None
    assert cli("forecast", "small", "--everyone", "--json") == 0
    assert cli.rows == [{"date": (now.date() + dt.timedelta(days=3)).isoformat(), "letters": 3}]
    assert "3 readers" in cli.err
    assert cli("forecast", "small", "--everyone") == 0
    assert "  3\n" in cli.out


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments", [("--zone", "Mars/Base"), ("--hour", "25:00"), ("--start", "soon"), ("--days", "-1")]
)
def test_a_forecast_of_nonsense_is_wrong_usage(cli: Terminal, arguments: tuple[str, str]) -> None:
    cli("apply", EXAMPLE)
    assert cli("forecast", SLUG, *arguments) == 2
    assert "Traceback" not in cli.err


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["show", "approve", "activate", "pause", "resume", "forecast"])
def test_a_sequence_that_is_not_there_is_said_so(cli: Terminal, verb: str) -> None:
    assert cli(verb, "nobody") == 1
    assert cli.err == "There is no sequence 'nobody'. `keepshowingup sequence list` shows them.\n"


@pytest.mark.django_db
def test_the_list_reads_for_people_too(cli: Terminal) -> None:
    assert cli("list") == 0
    assert "No sequences yet." in cli.out
    StepFactory.create(sequence=SequenceFactory.create(slug="small-hellos"))
    assert cli("list") == 0
    assert "small-hellos" in cli.out


@pytest.fixture
def running(cli: Terminal, folder: Path, masthead: Masthead) -> Sequence:
    """The example, live, with a reader who joined this moment."""
    for command in (("apply", folder), ("approve", SLUG), ("activate", SLUG)):
        assert cli(*command) == 0
    sequence = Sequence.objects.get()
    enrolling.enrol(SubscriberFactory.create().pk, sequence.pk, settings.CLOCK.now())
    return sequence


@pytest.mark.django_db
def test_a_change_may_be_for_new_readers_only_and_is_undone(cli: Terminal, folder: Path, running: Sequence) -> None:
    rewrite(folder / "02-the-short-message.md", "day = 2", "day = 3")
    assert cli("plan", folder, "--for", "new-readers") == 0
    assert "> moved the-short-message, day 3" in cli.out
    assert "new readers only; 1 who are here keep what they began with" in cli.out
    step = running.steps.get(key="the-short-message")
    assert step.after_days == 2, "a plan changes nothing"

    assert cli("apply", folder, "--for", "new-readers") == 0
    step.refresh_from_db()
    kept = step.kept.get().timing or {}
    assert (step.after_days, kept["after_days"]) == (3, 2)
    assert cli("changes", SLUG, "--json") == 0
    assert [(row["for"], row["by"], row["may_undo"]) for row in cli.rows] == [("new-readers", "files", True)]

    assert cli("undo", SLUG, "--by", "ruth") == 0
    step.refresh_from_db()
    assert (step.after_days, step.kept.count()) == (2, 0)
    assert cli("undo", SLUG) == 1
    assert "There is no change of finding-your-people to undo." in cli.err


@pytest.mark.django_db
def test_more_than_one_letter_within_a_day_wants_a_yes(cli: Terminal, folder: Path, running: Sequence) -> None:
    rewrite(folder / "02-the-short-message.md", "day = 2", "day = 0")
    assert cli("plan", folder, "--json") == 0
    assert [row["readers"] for row in cli.rows if row["change"] == "crowded"] == [1]
    assert cli("apply", folder) == 1
    assert "This would send more than one letter to somebody within a day: 1 reader." in cli.err
    assert "--yes-more-than-one" in cli.err
    assert running.steps.get(key="the-short-message").after_days == 2
    assert cli("apply", folder, "--yes-more-than-one") == 0
    assert running.steps.get(key="the-short-message").after_days == 0


@pytest.mark.django_db
def test_milestones_are_shipped_and_a_forecast_counts_from_its_first_day(cli: Terminal) -> None:
    assert cli("milestones") == 0
    assert "10 letters" in cli.err
    assert cli("milestones") == 1
    assert cli("forecast", "milestones", "--start", "2026-11-23", "--days", "400", "--json") == 0
    days = [row["local"][:10] for row in cli.rows]
    assert days[:3] == ["2026-11-24", "2026-11-30", "2026-12-23"]
    assert [row["step"] for row in cli.rows][-2:] == ["nine-months", "one-year"]
    assert days[-1] == "2027-11-23"
