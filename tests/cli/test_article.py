from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keepshowingup.cli.root import run
from keepshowingup.editorial.models import Article

ARTICLES = Path(__file__).resolve().parents[2] / "src/keepshowingup/editorial/articles"


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.md"
    path.write_text("# Slow days\n\nMy brother is an addict, they say.\n", encoding="utf-8")
    return path


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_draft_is_one_json_object_a_letter(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["article", "draft", str(ARTICLES / "still-here.md"), "--json"]) == 0
    steps = lines(capsys)
    assert len(steps) == 6
    assert all(set(step) == {"position", "day", "subject", "preheader", "words", "markdown"} for step in steps)
    assert [(step["position"], step["day"]) for step in steps] == [(1, 0), (2, 2), (3, 7), (4, 14), (5, 21), (6, 30)]


def test_for_people_a_draft_shows_days_and_subjects(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["article", "draft", str(ARTICLES / "still-here.md")]) == 0
    out = capsys.readouterr().out
    assert "You do not have to earn your chair" in out
    assert "6 letters over 30 days" in out


def test_findings_come_first_and_the_verdict_last(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["proofread", str(note), "--as", "article", "--json"]) == 1
    finding, verdict = lines(capsys)
    assert list(finding) == ["line", "start", "end", "phrase", "rule", "kind", "severity", "suggestion"]
    assert (finding["line"], finding["start"], finding["end"], finding["kind"]) == (3, 17, 23, "stigma")
    assert list(verdict) == ["verdict", "grade", "words", "unseen_pairs"]
    assert verdict["verdict"] == "blocked"


def test_standard_input_can_be_proofread(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Your recovery starts here today\n")))
    assert run(["proofread", "-", "--as", "subject", "--json"]) == 1
    (finding, verdict) = lines(capsys)
    assert (finding["kind"], finding["phrase"], verdict["verdict"]) == ("discreet", "recovery", "blocked")


def test_for_people_the_words_are_underlined_in_their_line(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["proofread", str(note)]) == 1
    out = capsys.readouterr().out
    assert f"{note}:3:18  stigma.addict" in out
    lines = out.split("\n")
    shown = next(line for line in lines if "My brother is an addict" in line)
    carets = lines[lines.index(shown) + 1]
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "addict"
    assert "person with a substance use disorder" in out
    assert "Blocked" in out
    assert "1 finding, 1 of them blocking" in out


def test_a_long_line_is_shown_around_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "long.txt"
    path.write_text("We sat by the river. " * 30 + "He was a junkie then. " + "We sat by the river. " * 30, "utf-8")
    assert run(["proofread", str(path)]) == 1
    lines = capsys.readouterr().out.split("\n")
    shown = next(line for line in lines if "junkie then" in line)
    carets = lines[lines.index(shown) + 1]
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "junkie"
    assert shown.strip().startswith("…")
    assert shown.endswith("…")


def test_what_is_only_worth_a_look_is_no_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "look.md"
    path.write_text("Come in!! The kettle is warm.\n", "utf-8")
    assert run(["proofread", str(path)]) == 0
    assert "Worth a look" in capsys.readouterr().out


def test_a_spun_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spun.md"
    path.write_text(
        "A care gathering can furnish you with passionate help. Keep in intellect that your dear ones will comprehend. "
        "You will construct sound connections with individuals who have strolled a similar way.\n",
        "utf-8",
    )
    assert run(["proofread", str(path), "--as", "article", "--json"]) == 1
    assert lines(capsys)[-1]["verdict"] == "spun"


def test_hosts_nobody_named_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "links.md"
    path.write_text("See [this](https://known.example/a) or [that](https://odd.example/b) of it.\n", "utf-8")
    assert run(["proofread", str(path), "--host", "known.example", "--json"]) == 0
    finding, _ = lines(capsys)
    assert finding["rule"] == "structure.unlisted-host"


def test_a_file_of_fifty_megabytes_is_refused_before_it_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "huge.md"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    for command in (["article", "draft", str(path)], ["proofread", str(path), "--json"]):
        assert run(command) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err == "huge.md has 50 MB; 10 MB is the most. Split it, or save only its text.\n"


@pytest.mark.parametrize("data", [b"a\0b", b"", b"PK\x03\x04 nothing", b"\x89PNG\r\n\x1a\n\x00"])
def test_what_cannot_be_drafted_is_refused_in_a_sentence(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.md"
    path.write_bytes(data)
    assert run(["article", "draft", str(path), "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("name", ["/nowhere/at/all.md", "."])
@pytest.mark.parametrize("command", [["proofread"], ["proofread", "--json"], ["article", "draft"]])
def test_a_name_that_leads_nowhere_is_wrong_usage(
    command: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, name]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert name in captured.err


def test_wrong_usage_is_exit_code_two(note: Path) -> None:
    assert run(["proofread", str(note), "--as", "poem"]) == 2
    assert run(["article", "draft"]) == 2


@pytest.mark.parametrize("command", [["article", "draft"], ["proofread"]])
def test_drafting_and_proofreading_need_no_django(command: list[str], note: Path) -> None:
    script = (
        "import sys\nfrom keepshowingup.cli.root import run\n"
        f"code = run({[*command, str(note), '--json']!r})\n"
        "assert 'django' not in sys.modules and 'celery' not in sys.modules\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=dict(os.environ), check=False)
    assert done.returncode == (1 if command == ["proofread"] else 0), done.stderr


@pytest.mark.django_db
def test_an_article_is_imported_once(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert run(["article", "import", str(note), "--json"]) == 0
    first, again = lines(capsys)
    assert first == again
    assert list(first) == ["id", "slug", "title", "words", "findings"]
    assert (first["slug"], first["title"], first["words"]) == ("slow-days", "Slow days", 9)
    assert Article.objects.count() == 1


@pytest.mark.django_db
def test_an_article_can_be_given_a_title(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["article", "import", str(note), "--title", "Another day"]) == 0
    assert "Another day" in capsys.readouterr().out
    assert Article.objects.get().slug == "another-day"


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost/x", "http://169.254.169.254/latest/"])
def test_a_page_inside_the_network_is_not_imported(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["article", "import", url]) == 1
    assert "inside a network" in capsys.readouterr().err
    assert not Article.objects.exists()
