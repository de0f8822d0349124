from __future__ import annotations

import json

import pytest

from keepshowingup.cli.root import run


def test_addresses_are_checked_one_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["address", "check", "Maya@Example.org", "maya@münchen.de", "--json"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"address": "Maya@Example.org", "ok": True, "normalised": "Maya@example.org", "reason": ""},
        {"address": "maya@münchen.de", "ok": True, "normalised": "maya@xn--mnchen-3ya.de", "reason": ""},
    ]


def test_one_bad_address_is_exit_code_1_and_the_others_are_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["address", "check", "nobody", "maya@example.org\nBcc: x@example.com", "maya@example.org", "--json"]) == 1
    )
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["ok"] for answer in answers] == [False, False, True]
    assert all(answer["reason"].endswith(".") for answer in answers[:2])


def test_for_people_a_line_break_is_shown_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    run(["address", "check", "maya@example.org\n\x1b[31m"])
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert "\x1b" not in out


def test_no_address_is_wrong_usage() -> None:
    assert run(["address", "check"]) == 2
