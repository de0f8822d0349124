"""The sentences a layout says by itself, a table for each language: ``words.en.toml`` beside the templates."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from keepshowingup.letters.environment import template_folders
from keepshowingup.letters.errors import LetterError

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
    for spoken in (language, language.partition("-")[0], FALLBACK):
        base, own = _table("_base", spoken), _table(kind, spoken)
        if base and (own or not has_words):
            return Words(spoken, base | own)
    raise LetterError(
        "The words of all letters are missing. Put words.en.toml back.", part=f"_base/words.{FALLBACK}.toml"
    )


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
