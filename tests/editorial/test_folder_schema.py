"""The JSON Schema of a sequence's files and the one who reads them know the same fields."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from keepshowingup.cli.root import run
from keepshowingup.editorial.folder_fields import FILES, Known, names, schema
from keepshowingup.editorial.folder_writing import write_folder
from keepshowingup.editorial.folders import FolderSequence, read_sequence_file, read_step
from tests.editorial.folder_strategies import folders

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "sequences").iterdir())
LEAST = {"sequence": 'title = "Small hellos"', "letter": 'day = 0\nsubject = "One small hello"'}
ODD = "[1]"  # no field is a list of numbers
ALL = {
    "sequence": """title = "Small hellos"
slug = "small-hellos"
description = "Five of them."
signature = "Ruth"
language = "pt-BR"
theme = "large"
audience = "family"
open_ended = true
weekdays = ["mon", "friday"]
window = "20:00-2:30"
quiet = "03:00-04:00:30"
too_late_hours = 36
urgent = true
again_after_days = 180
ends_when = ["tag:through", "date:2027-01-31", "sequence:next-steps", "helped"]
then = "staying"
""",
    "letter": """key = "first"
day = 2
at = 09:30:00
only_if = "tag:spring-group, not language:de"
subject = "One small hello"
preheader = "Just this"
""",
}
KINDS = [(kind, field) for kind, (_, fields) in FILES.items() for field in fields]


def reader_says(kind: str, text: str, tmp_path: Path) -> list[str]:
    if kind == "letter":
        return [fault.sentence for fault in read_step(f"+++\n{text}\n+++\n\nHello.\n", "01-hello.md")[1]]
    (tmp_path / "sequence.toml").write_text(text)
    return [fault.sentence for fault in read_sequence_file(tmp_path)[1]]


def schema_says(kind: str, text: str) -> list[str]:
    return [error.message for error in Draft7Validator(schema(kind)).iter_errors(as_json(tomllib.loads(text)))]


def as_json(values: dict[str, Any]) -> dict[str, Any]:
    """TOML as checkers read it: dates and times are texts."""
    return {
        name: value.isoformat() if isinstance(value, dt.date | dt.time) else value for name, value in values.items()
    }


def front_matter(file: Path) -> str:
    return file.read_text().split("+++\n")[1]


@pytest.mark.parametrize("kind", FILES)
def test_a_schema_is_one(kind: str) -> None:
    Draft7Validator.check_schema(schema(kind))


@pytest.mark.parametrize("kind", FILES)
def test_a_file_with_every_field_is_right_for_both(kind: str, tmp_path: Path) -> None:
    fields = FILES[kind][1]
    # Other moments than day, and what stands beside no newsletter.
    apart = {"minutes", "date", "mark", "milestones"}
    assert set(tomllib.loads(ALL[kind])) == set(names(fields)) - apart
    assert reader_says(kind, ALL[kind], tmp_path) == []
    assert schema_says(kind, ALL[kind]) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("sequence", 'title = "Small notes"\nmilestones = true'),
        ("letter", 'mark = "30 days"\nat = 09:30:00\nsubject = "A short note"'),
        ("letter", 'mark = "2 years, then every year"\nsubject = "A short note"'),
    ],
)
def test_milestones_are_right_for_both(kind: str, text: str, tmp_path: Path) -> None:
    assert reader_says(kind, text, tmp_path) == []
    assert schema_says(kind, text) == []


@pytest.mark.parametrize(("kind", "field"), KINDS, ids=[f"{kind}-{field.name}" for kind, field in KINDS])
def test_every_field_is_read_and_a_wrong_value_is_refused_by_both(kind: str, field: Known, tmp_path: Path) -> None:
    others = [row for row in LEAST[kind].split("\n") if not row.startswith(field.name + " ")]
    rest = [row for row in others if not (field.a_moment and row.startswith("day"))]
    text = "\n".join([*rest, f"{field.name} = {ODD}"])
    assert any(field.name in said for said in reader_says(kind, text, tmp_path))
    assert schema_says(kind, text)


@pytest.mark.parametrize("kind", FILES)
def test_a_field_nobody_knows_is_refused_by_both(kind: str, tmp_path: Path) -> None:
    text = f'{LEAST[kind]}\nmood = "good"'
    assert any("no field 'mood'" in said for said in reader_says(kind, text, tmp_path))
    assert any("'mood' was unexpected" in said for said in schema_says(kind, text))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("sequence", 'slug = "no-title"'),
        ("sequence", 'title = ""'),
        ("sequence", 'title = "A"\nthen = "a b"'),
        ("sequence", 'title = "A"\nwindow = "25:00-26:00"'),
        ("sequence", 'title = "A"\nends_when = ["mood:good"]'),
        ("sequence", 'title = "A"\ntheme = "glitter"'),
        ("sequence", 'title = "A"\nweekdays = []'),
        ("sequence", 'title = "A"\ntoo_late_hours = 999999999'),
        ("letter", 'subject = "No moment"'),
        ("letter", 'subject = "Two moments"\nday = 1\nminutes = 5'),
        ("letter", 'subject = "An hour of minutes"\nminutes = 5\nat = "09:00"'),
        ("letter", 'subject = "Far"\nday = 99999'),
        ("letter", f'subject = "{"x" * 201}"\nday = 1'),
        ("letter", 'subject = "A"\nday = 1\nonly_if = ["mood:good"]'),
        ("letter", 'subject = "A"\nday = 1\nkey = "a b"'),
    ],
)
def test_what_is_wrong_is_wrong_for_both(kind: str, text: str, tmp_path: Path) -> None:
    assert reader_says(kind, text, tmp_path)
    assert schema_says(kind, text)


@settings(deadline=None, max_examples=40)
@given(folders(letters=2))
def test_whatever_we_write_is_right_by_the_schema(sequence: FolderSequence) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_folder(sequence, Path(name))
        assert schema_says("sequence", (Path(name) / "sequence.toml").read_text()) == []
        for file in Path(name).glob("*.md"):
            assert schema_says("letter", file.read_text().split("\n+++\n")[0].removeprefix("+++\n")) == []


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_every_example_is_right_by_the_schema(folder: Path) -> None:
    assert schema_says("sequence", (folder / "sequence.toml").read_text()) == []
    for file in folder.glob("[0-9]*.md"):
        assert schema_says("letter", front_matter(file)) == [], file.name


def test_the_guide_names_every_field() -> None:
    guide = (ROOT / "docs" / "sequences-as-code.md").read_text()
    for _, fields in FILES.values():
        for field in fields:
            assert re.search(rf"^\| `{field.name}` \|", guide, re.MULTILINE), field.name


@pytest.mark.parametrize(("kind", "wrong"), [("sequence", "titel"), ("letter", "subjekt")])
def test_another_checker_understands_what_the_command_prints(
    kind: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sequence", "schema", kind]) == 0
    (tmp_path / "schema.json").write_text(capsys.readouterr().out)
    (tmp_path / "right.toml").write_text(ALL[kind])
    (tmp_path / "wrong.toml").write_text(f'{LEAST[kind]}\n{wrong} = "x"\n')
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", "schema.json"]
    done = [
        subprocess.run([*command, f"{name}.toml"], cwd=tmp_path, capture_output=True, text=True)
        for name in ("right", "wrong")
    ]
    assert [each.returncode for each in done] == [0, 1], done[0].stdout
    assert wrong in done[1].stdout
