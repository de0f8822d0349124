"""The house as a whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command

HOUSE = Path(__file__).resolve().parent.parent


@pytest.mark.django_db
def test_every_model_has_its_migration() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_every_variable_is_explained_to_operators() -> None:
    read = {
        name
        for file in (HOUSE / "src").rglob("*.py")
        for name in re.findall(r'"((?:KSU|DATABASE|REDIS|SMTP)_[A-Z0-9_]+)"', file.read_text())
    }
    explained = (HOUSE / "docs" / "running.md").read_text()
    assert {name for name in read if f"`{name}`" not in explained} == set()
