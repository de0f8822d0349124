"""The demonstration, as its user would run it: with an article of somebody else's make, its output piped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = [pytest.mark.acceptance, pytest.mark.once, pytest.mark.xdist_group("acceptance"), pytest.mark.timeout(400)]

# Plain text, headings that are unmarked lines, Windows line ends, a stray brace, a letter that says {{ first_name }}.
ARTICLE = """A Garden In The Yard

Some Things Grow Slowly

{one}

Water And Patience

{two}

Neighbours At The Fence

{three}
"""
SENTENCES = (
    "My grandfather kept beans along the back wall, and every spring he said the same thing about the frost. ",
    "You put them in when the lilac is out, he told us, and not one day before, whatever the sun says. ",
    "There is a kind of waiting that looks like doing nothing, and he was very good at it indeed. ",
    "We carried the can together, because it was too heavy for one child and just right for two of us. ",
    "On the packet somebody had written {{ first_name }} and {% nonsense %}, and nobody ever knew why. ",
    "When the first leaves came up he called the whole street over to look at them, and the street came. ",
)


def article(folder: Path) -> Path:
    sections = {name: "".join(SENTENCES[n:] + SENTENCES[:n]) for n, name in enumerate(("one", "two", "three"))}
    text = ARTICLE
    for name, words in sections.items():
        text = text.replace(f"{{{name}}}", words.strip())
    path = folder / "somebody else's.txt"
    path.write_bytes(("\ufeff" + text).replace("\n", "\r\n").encode())
    return path


def processes_naming(folder: Path) -> list[str]:
    """The command lines of running processes that mention a folder; none where the system has no /proc."""
    lines = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(command.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if str(folder) in line]


def test_the_demonstration_keeps_every_promise_with_somebody_elses_article(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "keepshowingup", "demo", "--article", str(article(tmp_path))],
        env=os.environ | {"TMPDIR": str(tmp_path), "KSU_SECRET_KEY": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    numbers = dict(re.findall(r"│ ([a-z ,0-9]+?) +│ +([\d.]+)", done.stdout))
    assert numbers["letters due"] == numbers["delivered"] != "0"
    for fault in ("early", "lost", "twice", "after leaving", "not owed"):
        assert numbers[fault] == "0", done.stdout
    assert not list(tmp_path.glob("keepshowingup-demo-*")), "its folder is gone"
    assert processes_naming(tmp_path) == [], "nothing is left running"


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"", b"\n \n"])
def test_the_demonstration_says_what_is_wrong_with_a_file_that_is_no_article(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "keepshowingup", "demo", "--article", str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "picture.png" in done.stderr
