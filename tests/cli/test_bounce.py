from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keepshowingup.cli.root import run
from keepshowingup.core.states import DispatchState
from tests.factories import MONDAY, DispatchFactory, EnrolmentFactory, StepFactory

SAMPLES = Path(__file__).parents[1] / "outcomes" / "samples"
LETTER = "<5f2d3a1c9b7e4d60a1b2c3d4e5f60718@harbour.example>"


def test_each_file_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(SAMPLES / name) for name in ("qmail.eml", "complaint.eml", "binary.bin")]
    assert run(["bounce", "classify", *files, "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(answer) for answer in answers] == [{"file", "recipient", "kind", "status", "reason"}] * 3
    assert [answer["kind"] for answer in answers] == ["hard", "complaint", "none"]
    assert [answer["file"] for answer in answers] == files


def test_a_file_that_is_not_there_stops_nobody(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["bounce", "classify", str(tmp_path / "none.eml"), str(tmp_path), str(SAMPLES / "qmail.eml")]) == 1
    said = capsys.readouterr()
    assert "hard" in said.out
    assert "can't be read" in said.err


def test_classifying_needs_neither_database_nor_django(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "keepshowingup", "bounce", "classify", str(SAMPLES / "exim.eml")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/nowhere"},
        check=True,
    )
    assert "hard" in done.stdout
    assert "django" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_a_returned_mail_is_taken_in_from_the_mail_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    enrolment = EnrolmentFactory.create(sequence=StepFactory.create().sequence)
    letter = DispatchFactory.create(
        enrolment=enrolment, state=DispatchState.ACCEPTED, handed_over_at=MONDAY, message_id=LETTER
    )
    raw = (SAMPLES / "postfix-user-unknown.eml").read_bytes()
    for changed in (True, False):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        assert run(["bounce", "take", "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said == {"kind": "hard", "status": "5.1.1", "letter": letter.pk, "changed": changed}
    letter.refresh_from_db()
    assert letter.state == DispatchState.REFUSED


def piped(raw: bytes, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """As a mail server runs it."""
    return subprocess.run(
        [sys.executable, "-m", "keepshowingup", "bounce", "take"],
        input=raw,
        capture_output=True,
        cwd=tmp_path,
        env={"PATH": "/nowhere", "KSU_DATA_DIR": str(tmp_path / "data"), **environment},
    )


@pytest.mark.parametrize(
    "trouble",
    [
        {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none?connect_timeout=1"},
        {"DATABASE_URL": "nonsense"},
        {"KSU_DATA_DIR": "/proc/none"},
        {},
    ],
    ids=["database down", "wrong setting", "no data folder", "no tables"],
)
def test_a_mail_that_can_not_be_taken_now_is_brought_again_and_never_returned(
    tmp_path: Path, trouble: dict[str, str]
) -> None:
    done = piped((SAMPLES / "postfix-user-unknown.eml").read_bytes(), tmp_path, **trouble)
    assert done.returncode == os.EX_TEMPFAIL, done.stderr
    assert b"bring it again" in done.stderr
    assert b"@" not in done.stderr.replace(b"nobody@127.0.0.1", b"")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["empty.eml", "binary.bin", "endless-boundary.eml", "person-replies.eml"])
def test_whatever_else_comes_is_taken_and_changes_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((SAMPLES / name).read_bytes())))
    assert run(["bounce", "take"]) == 0
