"""The sentences a layout says by itself, a table for each language: ``words.en.toml`` beside the templates."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from keepshowingup.letters.environment import reader_template, template_folders
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.lines import Foot

#: The language that is complete, and spoken where a reader's own is not there yet.
FALLBACK = "en"


@dataclass(frozen=True)
class Words:
    """The words of one kind of letter in one language, those of the kind before those all letters share."""

    language: str
    table: dict[str, str]


def read_words(kind: str, language: str) -> Words:
    """The words for ``kind`` in ``language``, in its main language (``pt`` for ``pt-BR``), or in English.

    A language counts when both ``_base`` and the kind have a table in it; a kind without words of its own needs only
    the first. Raises :class:`LetterError` for a table that can't be read.
    """
    has_words = bool(_table(kind, FALLBACK))
    for spoken in (language, main_language(language), FALLBACK):
        base, own = _table("_base", spoken), _table(kind, spoken)
        if base and (own or not has_words):
            return Words(spoken, base | own)
    raise LetterError(
        "The words of all letters are missing. Put words.en.toml back.", part=f"_base/words.{FALLBACK}.toml"
    )


def languages() -> tuple[str, ...]:
    """The languages letters speak by themselves: those with a table of the words that all of them share."""
    found = {
        path.name.removeprefix("words.").removesuffix(".toml")
        for folder in template_folders()
        for path in folder.glob("_base/words.*.toml")
    }
    return tuple(sorted(found))


def language_names() -> dict[str, str]:
    """What each of :func:`languages` calls itself."""
    return {tag: read_words("_base", tag).table.get("language_name", tag) for tag in languages()}


def choose_language(wishes: Iterable[str]) -> str:
    """The first language we speak of the reader's, then the house's: ``es`` for ``es-MX``. English where none is."""
    there = languages()
    tags = (tag for wish in wishes for tag in (wish, main_language(wish)))
    return next((tag for tag in tags if tag in there), FALLBACK)


def main_language(tag: str) -> str:
    """``es`` of ``es-MX`` (RFC 5646 section 2.2.1)."""
    return tag.partition("-")[0]


def foot_of(language: str) -> Foot:
    """The foot in a language that is spoken."""
    return _foot(tuple(template_folders()), language)


@lru_cache(maxsize=64)
def _foot(_folders: tuple[Path, ...], language: str) -> Foot:
    words = read_words("_base", language)
    return Foot(
        language=words.language,
        direction=words.table["direction"],
        help_title=words.table["help_title"],
        help_note=words.table["help_note"],
        why=words.table["why_plain"],
        hour=words.table["hour"],
        pause=words.table["pause"],
        stop=words.table["stop"],
    )


def sentence(name: str, language: str, **values: str) -> str:
    """One sentence that all letters share, with its values, as plain text."""
    source = read_words("_base", language).table[name]
    return reader_template(source, escaped=False).render(values) if "{" in source else source


def _table(folder: str, language: str) -> dict[str, str]:
    """One table; an operator's file may hold only the sentences that differ."""
    table: dict[str, str] = {}
    name = f"{folder}/words.{language}.toml"
    for root in reversed(template_folders()):
        try:
            read = tomllib.loads((root / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise LetterError(f"It can't be read: {error}.", part=name) from error
        if odd := next((key for key, word in read.items() if not isinstance(word, str)), None):
            raise LetterError(f"'{odd}' must be words in quotes.", part=name)
        table |= read
    return table
