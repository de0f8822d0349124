"""What the page of promises names as shown is there to be run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "promises.md").read_text()


def named() -> Iterator[tuple[Path, str]]:
    """The tests the page names: a file, and a test's name or its beginning. A bare file lies in tests/faults."""
    for path, name in re.findall(r"`([\w/]+\.py)::(\w+…?)`", PAGE):
        yield (TESTS.parent / path if "/" in path else TESTS / "faults" / path), name


def names_in(file: Path) -> list[str]:
    return [
        each.name
        for each in ast.parse(file.read_text()).body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    ]


def meant(file: Path, name: str) -> list[str]:
    """The tests a name may stand for."""
    begins = name.removesuffix("…")
    return [each for each in names_in(file) if each == begins or (name != begins and each.startswith(begins))]


def test_every_test_the_promises_name_exists() -> None:
    assert {(file.name, name) for file, name in named() if len(meant(file, name)) != 1} == set()


def test_every_fault_test_is_named_in_the_promises() -> None:
    there = {(file, name) for file in (TESTS / "faults").glob("test_*.py") for name in names_in(file)}
    assert there - {(file, each) for file, name in named() for each in meant(file, name)} == set()


def test_every_file_and_folder_the_promises_name_exists() -> None:
    paths = re.findall(r"`(tests/[\w/.]+?)(?:::\w+…?)?`", PAGE)
    assert [path for path in paths if not (TESTS.parent / path).exists()] == []
