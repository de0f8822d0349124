"""Days, hours and spans in a language's own words: ``_base/dates.es.toml`` says ``22 de noviembre``."""

from __future__ import annotations

import tomllib
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Any

from keepshowingup.letters.environment import template_folders
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.words import FALLBACK, main_language

MORNING, AFTERNOON, EVENING = range(3)
"""Parts of the day: from 04:00, from 12:00, from 18:00 local time."""


def part_of_day(local: time) -> int:
    """Which part of the day an hour belongs to. What is before four is still the evening."""
    return MORNING if 4 <= local.hour < 12 else AFTERNOON if 12 <= local.hour < 18 else EVENING


def say_part_of_day(part: int, language: str) -> str:
    """``morning``, ``tarde``."""
    return str(_dates(language)["parts_of_day"][part])


def say_greeting(part: int, language: str) -> str:
    """``Good morning``, ``Buenas tardes``: what not every language makes of the part of the day."""
    return str(_dates(language)["greetings"][part])


def say_day(day: date, language: str) -> str:
    """A day without its year: ``22 November``, ``22 de noviembre``."""
    words = _dates(language)
    return str(words["day"]).format(day=day.day, month=words["months"][day.month - 1])


def say_span(language: str, *, years: int = 0, months: int = 0, days: int = 0) -> str:
    """A length of time: ``90 days``, ``1 año y 6 meses``."""
    words = _dates(language)
    parts = [
        words[unit][number != 1].format(number=number)
        for unit, number in (("years", years), ("months_long", months), ("days", days))
        if number
    ]
    return str(words["and"]).join(parts or [words["days"][1].format(number=0)])


def _dates(language: str) -> dict[str, Any]:
    """The table of a language, of its main language, or English. Raises :class:`LetterError`."""
    return _read(tuple(template_folders()), language)


@lru_cache(maxsize=64)
def _read(folders: tuple[Path, ...], language: str) -> dict[str, Any]:
    for spoken in dict.fromkeys((language, main_language(language), FALLBACK)):
        name = f"_base/dates.{spoken}.toml"
        for folder in folders:
            try:
                return tomllib.loads((folder / name).read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise LetterError(f"It can't be read: {error}.", part=name) from error
    raise LetterError("The words for days are missing. Put dates.en.toml back.", part=f"_base/dates.{FALLBACK}.toml")
