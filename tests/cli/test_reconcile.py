"""``keepshowingup reconcile``, ``delivery settle`` and ``resume-sending``: letters in doubt, at the command line."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from keepshowingup.audience.leaving import is_suppressed
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cli.root import run
from keepshowingup.delivery.models import Decision, Dispatch, Gap
from keepshowingup.delivery.naming import letter_name, opaque_of
from keepshowingup.delivery.safemode import stop_sending
from tests.factories import DispatchFactory, EnrolmentFactory, MastheadFactory, SequenceFactory, StepFactory

pytestmark = pytest.mark.django_db
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def letter() -> Dispatch:
    return DispatchFactory.create(state="unknown", reason="the connection ended before the server answered")


def postfix(letter: Dispatch, status: str = "dsn=2.0.0, status=sent (250 ok)", queue: str = "4BCD1F00A1") -> list[str]:
    head = f"2026-11-23T09:00:01Z mail postfix/x[7]: {queue}:"
    return [
        f"{head} message-id={letter.message_id}",
        f"{head} to=<{letter.subscriber.email}>, relay=mx, {status}",
    ]


def write(path: Path, lines: list[str], how: Callable[[bytes], bytes] = bytes) -> str:
    path.write_bytes(how("".join(f"{line}\n" for line in lines).encode()))
    return str(path)


def rows(capsys: Capture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_without_evidence_it_lists_what_is_in_doubt(letter: Dispatch, capsys: Capture) -> None:
    assert run(["reconcile", "--json"]) == 1
    (row,) = rows(capsys)
    assert (row["id"], row["message_id"], row["state"]) == (letter.pk, letter.message_id, "unknown")


def test_nothing_in_doubt_is_said_and_exits_zero(capsys: Capture) -> None:
    assert run(["reconcile"]) == 0
    assert "Nothing is in doubt" in capsys.readouterr().err


@pytest.mark.parametrize("how", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_the_log_settles_it_compressed_or_not(
    letter: Dispatch, tmp_path: Path, capsys: Capture, how: Callable[[bytes], bytes]
) -> None:
    log = write(tmp_path / "mail.log", postfix(letter), how)
    assert run(["reconcile", "--log", log, "--dry-run", "--json"]) == 0
    (tried,) = rows(capsys)
    letter.refresh_from_db()
    assert letter.state == "unknown"
    assert run(["reconcile", "--log", log, "--json"]) == 0
    assert rows(capsys) == [tried]
    assert (tried["id"], tried["state"]) == (letter.pk, "accepted")
    letter.refresh_from_db()
    assert letter.state == "accepted"
    assert run(["reconcile", "--log", log, "--json"]) == 0
    assert rows(capsys) == []


def test_rotated_logs_are_read_in_the_order_they_were_written(letter: Dispatch, tmp_path: Path) -> None:
    named, fate = postfix(letter)
    newer = write(tmp_path / "mail.log", [fate.replace("09:00:01", "23:00:01")])
    older = write(tmp_path / "mail.log.1.gz", [named], gzip.compress)
    assert run(["reconcile", "--log", newer, "--log", older]) == 0


def test_a_log_may_come_in_on_standard_input(letter: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "\n".join(postfix(letter)).encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(lines), isatty=lambda: False))
    assert run(["reconcile", "--log", "-"]) == 0
    letter.refresh_from_db()
    assert letter.state == "accepted"


def test_a_refusal_in_the_log_makes_it_refused_and_suppresses_an_address_that_is_gone(
    letter: Dispatch, tmp_path: Path
) -> None:
    status = f"dsn=5.1.1, status=bounced (host mx said: 550 5.1.1 <{letter.subscriber.email}>: unknown user)"
    assert run(["reconcile", "--log", write(tmp_path / "mail.log", postfix(letter, status))]) == 0
    letter.refresh_from_db()
    assert letter.state == "refused"
    assert letter.subscriber.email not in letter.reason
    assert is_suppressed(letter.subscriber.email_key)


def test_a_refusal_about_us_suppresses_nobody(letter: Dispatch, tmp_path: Path) -> None:
    status = "dsn=5.7.1, status=bounced (host mx said: 550 5.7.1 blocked by policy)"
    assert run(["reconcile", "--log", write(tmp_path / "mail.log", postfix(letter, status))]) == 0
    letter.refresh_from_db()
    assert letter.state == "refused"
    assert not is_suppressed(letter.subscriber.email_key)


def test_a_log_that_only_names_it_settles_nothing_and_says_so(
    letter: Dispatch, tmp_path: Path, capsys: Capture
) -> None:
    log = write(tmp_path / "mail.log", postfix(letter)[:1])
    assert run(["reconcile", "--log", log]) == 1
    assert "1 letter named in the log, which does not say what became of it" in capsys.readouterr().err
    letter.refresh_from_db()
    assert letter.state == "unknown"


def test_evidence_that_can_not_be_read_is_named_and_the_rest_is_believed(
    letter: Dispatch, tmp_path: Path, capsys: Capture
) -> None:
    good = write(tmp_path / "mail.log", postfix(letter))
    cut = tmp_path / "mail.log.1.gz"
    cut.write_bytes(gzip.compress(b"something\n" * 5000)[:40])
    poem = write(tmp_path / "poem.txt", ["Somebody stayed."])
    arguments = ["--log", good, "--log", str(cut), "--log", poem, "--log", str(tmp_path / "none.log")]
    assert run(["reconcile", *arguments]) == 1
    said = capsys.readouterr().err
    for name in ("mail.log.1.gz", "poem.txt", "none.log"):
        assert f"{name} can't be used" in said
    letter.refresh_from_db()
    assert letter.state == "accepted"


def test_events_of_a_provider_are_believed_from_a_file(letter: Dispatch, tmp_path: Path) -> None:
    event = {"id": "e1", "kind": "delivered", "message_id": letter.message_id}
    file = tmp_path / "events.json"
    for text in (json.dumps(event), f"{json.dumps(event | {'id': 'e2'})}\n{json.dumps(event | {'id': 'e3'})}\n"):
        file.write_text(text)
        assert run(["reconcile", "--events", str(file)]) == 0
    letter.refresh_from_db()
    assert letter.state == "accepted"
    assert letter.events.count() == 3


def test_a_folder_of_returned_mail_is_believed(letter: Dispatch, tmp_path: Path) -> None:
    token = make(Purpose.RETURN_PATH, opaque_of(letter.message_id))
    mail = (
        f"From: MAILER-DAEMON@mx.example\r\nTo: bounce+{token}@harbour.example\r\nSubject: Undelivered\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; somebody@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    folder = tmp_path / "Maildir" / "new"
    folder.mkdir(parents=True)
    (folder / "1.eml").write_text(mail)
    for _ in range(2):
        assert run(["reconcile", "--mail", str(folder.parent)]) == 0
    letter.refresh_from_db()
    assert letter.state == "refused"
    assert is_suppressed(letter.subscriber.email_key)


def test_a_dry_run_without_evidence_is_wrong_usage() -> None:
    assert run(["reconcile", "--dry-run"]) == 2


@pytest.mark.parametrize(("word", "state"), [("--arrived", "accepted"), ("--let-be", "unknown")])
def test_a_letter_is_settled_by_the_operators_word(letter: Dispatch, word: str, state: str, capsys: Capture) -> None:
    assert run(["delivery", "settle", str(letter.pk), word]) == 0
    letter.refresh_from_db()
    assert letter.state == state
    assert Decision.objects.get().by
    assert run(["reconcile"]) == 0


def test_settling_needs_a_word_and_a_letter_in_doubt(letter: Dispatch) -> None:
    assert run(["delivery", "settle", str(letter.pk)]) == 2
    assert run(["delivery", "settle", "999999", "--arrived"]) == 1
    Dispatch.objects.update(state="accepted")
    assert run(["delivery", "settle", str(letter.pk), "--send-again"]) == 1


@pytest.fixture
def restored() -> Enrolment:
    """A reader whose letter fell due, in a database that was put back and has missed the last two hours."""
    MastheadFactory.create()
    sequence = SequenceFactory.create()
    StepFactory.create(sequence=sequence, key="first")
    now = settings.CLOCK.real()
    enrolment = EnrolmentFactory.create(sequence=sequence, due_at=now - dt.timedelta(hours=1))
    stop_sending("a backup was restored", now, since=now - dt.timedelta(hours=2))
    return enrolment


def test_resuming_counts_first_and_asks_what_to_do(restored: Enrolment, capsys: Capture) -> None:
    assert run(["resume-sending", "--dry-run", "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["fell_due"], counts["under_way"], counts["due_since"]) == (1, 0, 0)
    assert run(["resume-sending"]) == 1
    said = capsys.readouterr().err
    for way in ("reconcile --log", "--record", "--skip-until", "--send-all"):
        assert way in said
    assert Gap.objects.get().closed_at is None


def test_a_log_that_covers_the_missing_time_is_enough_to_resume(
    restored: Enrolment, tmp_path: Path, capsys: Capture
) -> None:
    name = letter_name(restored.pk, restored.enrolled_at, "first")
    now = settings.CLOCK.real()
    lines = [
        f"{(now - dt.timedelta(hours=hours)).isoformat()} mail postfix/x[7]: 4BCD1F00A1: {said}"
        for hours, said in (
            (2, "client=localhost"),
            (1, f"message-id=<{name}@harbour.example>"),
            (0.9, "to=<x@y.example>, dsn=2.0.0, status=sent (ok)"),
            (0, "removed"),
        )
    ]
    assert run(["reconcile", "--log", write(tmp_path / "mail.log", lines)]) == 0
    assert "1 letter that left while nobody looked written down" in capsys.readouterr().err
    assert run(["resume-sending"]) == 0
    letter = Dispatch.objects.get()
    assert (letter.state, letter.enrolment) == ("accepted", restored)
    assert Gap.objects.get().closed_by


def test_a_log_that_ends_too_early_is_not(restored: Enrolment, tmp_path: Path, capsys: Capture) -> None:
    old = settings.CLOCK.real() - dt.timedelta(days=3)
    line = f"{old.isoformat()} mail postfix/qmgr[7]: 4BCD1F00A1: removed"
    run(["reconcile", "--log", write(tmp_path / "mail.log", [line])])
    assert run(["resume-sending"]) == 1
    assert "The evidence says nothing from" in capsys.readouterr().err


@pytest.mark.parametrize(("way", "state"), [("skip", "skipped"), ("all", None)])
def test_the_operator_may_choose(restored: Enrolment, way: str, state: str | None) -> None:
    now = settings.CLOCK.now().strftime("%Y-%m-%dT%H:%MZ")
    assert run(["resume-sending", *(["--skip-until", now] if way == "skip" else ["--send-all"])]) == 0
    assert [letter.state for letter in Dispatch.objects.all()] == ([state] if state else [])
    restored.refresh_from_db()
    assert (restored.due_at is None) == (way == "skip")
    assert run(["resume-sending"]) == 1, "there is nothing to end any more"


@pytest.mark.parametrize("options", [["--skip-until", "yesterday"], ["--skip-until", "2026-01-01", "--send-all"]])
def test_choices_that_make_no_sense_are_wrong_usage(restored: Enrolment, options: list[str]) -> None:
    assert run(["resume-sending", *options]) == 2
    assert Gap.objects.get().closed_at is None
