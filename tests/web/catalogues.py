"""The catalogues of readers' pages: ``python -m tests.web.catalogues`` compiles them. Needs Babel, and no gettext."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parents[2] / "src" / "keepshowingup" / "web" / "locale"


def catalogue(language: str) -> Catalog:
    """The sentences of a language as people write them."""
    with (LOCALES / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def entries(language: str) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Each sentence in English and in the other language: of one, and of several, empty where there is no such form."""
    for message in catalogue(language):
        if message.id and not message.fuzzy:
            yield _forms(message.id), _forms(message.string)


def _forms(words: object) -> tuple[str, str]:
    one, many = words if isinstance(words, list | tuple) else (words, "")
    return str(one or ""), str(many or "")


def compiled(language: str) -> bytes:
    """The same as Django reads it."""
    written = BytesIO()
    write_mo(written, catalogue(language))
    return written.getvalue()


def main() -> None:
    """Compile every catalogue."""
    for folder in sorted(LOCALES.iterdir()):
        (folder / "LC_MESSAGES" / "django.mo").write_bytes(compiled(folder.name))


if __name__ == "__main__":
    main()
