"""How letters look: a theme is a table of colours and type, ``_themes/paper.toml``, for the one shape all letters have.

Beside it a ``paper.css`` may hold rules of its own. A theme says everything for light and again for dark.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from keepshowingup.letters.environment import template_folders
from keepshowingup.letters.errors import LetterError

#: What letters look like where nobody chose.
DEFAULT_THEME = "paper"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,11}\Z")
# What ends a declaration or the style element would let a value say more than a value.
_VALUE = re.compile(r"[^;{}<>\\]+\Z")


@dataclass(frozen=True)
class Theme:
    """One theme as the layout reads it: ``theme.ink``, and ``theme.dark.ink`` for dark mode."""

    name: str
    light: Mapping[str, Markup]
    dark: Mapping[str, Markup]

    def __getitem__(self, name: str) -> Markup:
        return self.light[name]


def themes() -> tuple[str, ...]:
    """The names of all themes: the tables in ``_themes``."""
    found = {path.stem for folder in template_folders() for path in folder.glob("_themes/*.toml")}
    return tuple(sorted(filter(_NAME.match, found)))


def theme_labels() -> dict[str, str]:
    """What people call each theme, by its name."""
    return {name: str(read_theme(name).light.get("label", name)) for name in themes()}


def choose_theme(wishes: Iterable[str]) -> str:
    """The first wish that is a theme: the reader's, the sequence's, the house's. Empty means no wish."""
    there = themes()
    return next((wish for wish in wishes if wish in there), DEFAULT_THEME)


def read_theme(name: str) -> Theme:
    """One theme. An operator's table may hold only what differs. Raises :class:`LetterError`."""
    if name not in themes():
        raise LetterError(f"There is no theme '{name[:40]}'. There are: {', '.join(themes())}.", part="letter")
    part = f"_themes/{name}.toml"
    light: dict[str, Markup] = {}
    dark: dict[str, Markup] = {}
    for folder in reversed(template_folders()):
        try:
            table = tomllib.loads((folder / part).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise LetterError(f"It can't be read: {error}.", part=part) from error
        dark |= _values(table.pop("dark", {}), part)
        light |= _values(table, part)
    return Theme(name, light, dark)


def _values(table: object, part: str) -> dict[str, Markup]:
    if not isinstance(table, dict):
        raise LetterError("Write what differs in dark mode under [dark].", part=part)
    for name, value in table.items():
        if not isinstance(value, str) or not _VALUE.match(value):
            raise LetterError(f"'{name}' must be one CSS value in quotes.", part=part)
    return {name: Markup(value) for name, value in table.items()}  # noqa: S704 - the operator's own files, one value each
