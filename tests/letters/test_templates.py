"""The letters themselves: what each of them must say, keep silent about, and look like; and that they ship."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import lxml.html
import pytest

from keepshowingup.core.errors import WrongUsage
from keepshowingup.letters.compile import compile_letter, kinds
from keepshowingup.letters.compose import LetterValues, render
from keepshowingup.letters.environment import template_folders
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.values import SAMPLE
from keepshowingup.letters.words import choose_language, foot_of
from tests.letters.samples import letter_of, words_of

ROOT = Path(__file__).parents[2]
EMAILS = ROOT / "templates" / "emails"
LISTED = ("step", "issue", "welcome", "resume", "milestone")
# What the letters are about must not be seen over a shoulder or in a notification.
TOPIC = re.compile(
    r"addict|alcohol|drug|drink|sober|recover|substance|rehab|relapse|clean|treatment|12.step|clinic|support group",
    re.I,
)


def html_of(kind: str) -> str:
    return render(letter_of(kind), SAMPLE).html


def test_the_kinds_are_those_the_rooms_above_ask_for() -> None:
    assert set(kinds()) >= {"step", "issue", "confirm", "already", "welcome", "goodbye", "resume", "milestone"}
    for kind in kinds():
        assert {"subject.txt", "body.txt", "body.html"} <= {path.name for path in (EMAILS / kind).iterdir()}


@pytest.mark.parametrize("kind", kinds())
def test_no_letter_names_the_topic_by_itself(kind: str) -> None:
    values = LetterValues(confirm_url=SAMPLE.confirm_url, preferences_url=SAMPLE.preferences_url)
    rendered = render(letter_of(kind), values)
    for part in (rendered.subject, letter_of(kind).preheader, rendered.text, rendered.html):
        assert not TOPIC.search(part)


@pytest.mark.parametrize("kind", kinds())
def test_subjects_and_preheaders_fit_an_inbox(kind: str) -> None:
    words = EMAILS / kind / "words.en.toml"
    if not words.exists():
        return
    table = tomllib.loads(words.read_text())
    assert 10 <= len(table["subject"]) <= 50
    assert 30 <= len(table["preheader"]) <= 90


@pytest.mark.parametrize("kind", LISTED)
def test_the_footer_has_help_first_then_why_and_the_ways_out(kind: str) -> None:
    rendered = render(letter_of(kind), SAMPLE)
    for said in (words_of(rendered.html), rendered.text):
        order = [
            said.rindex(sentence)
            for sentence in (
                "Need someone now?",
                "988 Lifeline: call or text 988, any hour",
                SAMPLE.why,
                "A different hour",
                "Take a break",
                "Stop these letters",
                SAMPLE.masthead_name,
                SAMPLE.postal_address,
            )
        ]
        assert order == sorted(order)


@pytest.mark.parametrize("kind", ["confirm", "already"])
def test_notices_have_no_name_no_signature_no_help_and_nothing_to_stop(kind: str) -> None:
    rendered = render(letter_of(kind), SAMPLE)
    for said in (words_of(rendered.html), rendered.text):
        for word in ("Maya", "Ruth", "Need someone", "Stop these letters", SAMPLE.unsubscribe_url, "Nine letters"):
            assert word not in said
        assert SAMPLE.postal_address in said


def test_the_confirmation_says_what_happens_to_somebody_who_did_not_ask_and_has_one_button() -> None:
    rendered = render(letter_of("confirm"), SAMPLE)
    assert "If it was not you, there is nothing to do." in words_of(rendered.html)
    assert [link.get("href") for link in lxml.html.fromstring(rendered.html).iter("a")] == [SAMPLE.confirm_url]


def test_goodbye_keeps_nobody() -> None:
    rendered = render(letter_of("goodbye"), SAMPLE)
    assert "Need someone now?" in rendered.text
    for word in ("Stop these letters", "Take a break", "Next letter", "sorry", "why"):
        assert word not in rendered.text


def test_a_milestone_offers_to_change_the_date_in_the_letter_itself() -> None:
    rendered = render(letter_of("milestone"), SAMPLE)
    assert "90 days from the date you gave us" in " ".join(rendered.text.split())
    assert rendered.text.index("Change my date") < rendered.text.index("Ruth")


@pytest.mark.parametrize("kind", kinds())
def test_a_letter_is_readable_by_screen_readers_and_without_styles(kind: str) -> None:
    page = lxml.html.fromstring(html_of(kind))
    assert page.get("lang") == "en"
    assert page.get("dir") == "ltr"
    assert page.find(".//title").text
    tables = list(page.iter("table"))
    assert tables
    assert all(table.get("role") == "presentation" for table in tables)
    levels = [int(heading.tag[1]) for heading in page.iter("h1", "h2", "h3")]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all("".join(link.itertext()).strip() for link in page.iter("a"))


@pytest.mark.parametrize("kind", kinds())
def test_nothing_in_a_letter_is_fetched(kind: str) -> None:
    html = html_of(kind)
    assert not re.search(r"<(?:img|script|link|iframe|object|video|audio)\b|\burl\(|@import|\bsrc=", html)


@pytest.mark.parametrize("kind", kinds())
def test_dark_mode_wins_over_inlined_colours(kind: str) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", re.sub(r"<!--.*?-->", "", html_of(kind), flags=re.S), re.S)
    dark = style.partition("@media (prefers-color-scheme: dark) {")[2]
    declarations = re.findall(r"[a-z-]+: [^;{}]+", dark)
    assert len(declarations) > 10
    assert all(declaration.endswith("!important") for declaration in map(str.strip, declarations))
    assert len(style) < 8192, "Gmail drops style elements above 8,192 characters"


def test_letters_are_light() -> None:
    assert all(letter_of(kind).weight < 12_000 for kind in kinds())


def test_an_operators_folder_comes_first_and_may_hold_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / "subject.txt").write_text("Harbour: [[ subject ]]\n")
    (tmp_path / "_base").mkdir()
    (tmp_path / "_base" / "words.en.toml").write_text('stop = "Leave"\n')
    monkeypatch.setenv("KSU_TEMPLATES", str(tmp_path))
    letter = compile_letter("step", subject="Hello", preheader="", body="Hello.")
    assert letter.subject == "Harbour: Hello"
    html = render(letter, replace(SAMPLE, foot=foot_of("en"))).html
    assert ">Leave</a>" in html
    assert ">Take a break</a>" in html


def test_an_operators_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSU_TEMPLATES", "/nowhere/at/all")
    with pytest.raises(WrongUsage, match="KSU_TEMPLATES"):
        template_folders()


@pytest.mark.parametrize(
    ("file", "content", "word"),
    [
        ("step/body.html", "[[ nothing ]]", "nothing"),
        ("step/body.html", "[% extends 'nowhere.html' %]", "nowhere.html"),
        ("step/body.html", "\n[% if %]", "line 2"),
        ("step/body.html", "<p>{{ frist_name }}</p>", "Did you mean 'first_name'"),
        ("step/body.html", "<p>{% for a in b %}</p>", "endfor"),
        ("step/body.txt", "{{ nobody }}", "no merge field"),
        ("step/body.txt", "{{ why | safe }}", "safe"),
        ("step/body.txt", "{{ range(9) }}", "range"),
        ("step/subject.txt", "two\nlines", "one line"),
        ("_base/words.en.toml", "stop = ", "can't be read"),
        ("_base/words.en.toml", "stop = 5", "in quotes"),
        ("_base/words.en.toml", 'stop = "{{ nobody }}"', "no merge field"),
    ],
)
def test_a_faulty_template_is_named(
    file: str, content: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(content)
    monkeypatch.setenv("KSU_TEMPLATES", str(tmp_path))
    with pytest.raises(LetterError) as raised:
        compile_letter("step", subject="Hello", preheader="", body="Hello.")
    assert word in raised.value.message


def test_a_second_language_needs_only_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (EMAILS / "_base" / "words.en.toml").read_text()
    (tmp_path / "_base").mkdir()
    (tmp_path / "_base" / "words.de.toml").write_text(words.replace("Take a break", "Pause machen"))
    monkeypatch.setenv("KSU_TEMPLATES", str(tmp_path))
    letter = compile_letter("step", subject="Guten Tag", preheader="", body="Hallo.", language="de-AT")
    assert '<html lang="de-AT"' in letter.html
    rendered = render(letter, replace(SAMPLE, foot=foot_of(choose_language(["de-AT", "en"]))))
    assert '<td class="foot" lang="de"' in rendered.html
    assert "Pause machen" in rendered.html
    assert "Pause machen" in rendered.text
    # Nobody wrote German words for this one yet, so all of it is English and says so.
    notice = compile_letter("confirm", subject="", preheader="", body="", language="de")
    assert '<html lang="en"' in notice.html


def test_a_language_without_words_signs_in_english_and_says_so() -> None:
    letter = compile_letter("step", subject="Hei", preheader="", body="Hei.", language="nb")
    assert '<html lang="nb"' in letter.html
    assert re.search(r'<p class="sign" lang="en"', letter.html)


def test_every_letter_renders_from_an_installed_wheel(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"KSU_TEMPLATES", "PYTHONPATH"}}
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import keepshowingup.letters.environment as e\n"
        "from keepshowingup.letters.compile import compile_letter, kinds\n"
        "from keepshowingup.letters.compose import render\n"
        "from keepshowingup.letters.values import SAMPLE\n"
        "assert e.template_folders() == [e.HERE / 'emails'], e.template_folders()\n"
        "for kind in kinds():\n"
        "    letter = compile_letter(kind, subject='Hello', preheader='', body='Hello.')\n"
        "    print(kind, len(render(letter, SAMPLE).html), e.HERE)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(site)],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    lines = run.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(kinds())
    assert all(line.endswith(str(site / "keepshowingup" / "letters")) for line in lines)
