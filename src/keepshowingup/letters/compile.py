"""A letter for everybody, made once per revision: Markdown and layout in, proven Jinja sources out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment, TemplateError, TemplateSyntaxError, meta

from keepshowingup.core.pictures import Measures
from keepshowingup.letters.compose import render
from keepshowingup.letters.environment import HTML, TEXT, layout_environment, template_folders
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.fields import Piece, as_html, as_text, split_fields, unknown_name
from keepshowingup.letters.headers import check_line
from keepshowingup.letters.inline import inline
from keepshowingup.letters.markdown import read_markdown, to_html
from keepshowingup.letters.plaintext import WIDTH, to_text
from keepshowingup.letters.themes import DEFAULT_THEME, read_theme, themes
from keepshowingup.letters.values import MERGE_FIELDS, SAMPLE, CompiledLetter, LetterValues
from keepshowingup.letters.words import read_words

__all__ = [
    "WEIGHT_LIMIT",
    "CompiledLetter",
    "LetterError",
    "compile_letter",
    "compile_looks",
    "kinds",
    "standard_letter",
]

#: Octets of HTML. Gmail hides what comes after behind a link, and the footer comes last.
WEIGHT_LIMIT = 102 * 1024

Pictures = Mapping[str, Measures]
"""Pictures that are kept, by name."""

_KIND = re.compile(r"[a-z][a-z0-9-]*\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_KNOWN = MERGE_FIELDS | {"help_now", "foot", "pictures_at"}


def kinds() -> tuple[str, ...]:
    """The kinds of letter there are: the folders of ``templates/emails`` that hold a ``body.html``."""
    found = (path.parent.name for folder in template_folders() for path in folder.glob("[a-z]*/body.html"))
    return tuple(sorted({kind for kind in found if _KIND.match(kind)}))


def compile_letter(
    kind: str,
    *,
    subject: str,
    preheader: str,
    body: str,
    language: str = "en",
    theme: str = DEFAULT_THEME,
    pictures: Pictures | None = None,
) -> CompiledLetter:
    """Make a letter of ``kind`` from an author's subject, preheader and Markdown body with merge fields.

    What is left empty comes from the words in the kind's folder, where it has any (``confirm``, ``welcome``). The
    layout speaks ``language``, or English where nobody translated it yet, and looks as ``theme`` says. ``pictures`` are
    those that are kept, by name; :func:`keepshowingup.core.pictures.names_in` says which a body shows. Raises
    :class:`LetterError` with the line and a sentence for everything that would not become a good letter for every
    reader.
    """
    return _read(kind, subject, preheader, body, language, pictures).in_look(theme)


def compile_looks(
    kind: str, *, subject: str, preheader: str, body: str, language: str = "en", pictures: Pictures | None = None
) -> tuple[CompiledLetter, dict[str, str]]:
    """The letter in the house's own look, and its HTML in every other theme there is; see :func:`compile_letter`."""
    draft = _read(kind, subject, preheader, body, language, pictures)
    letter = draft.in_look(DEFAULT_THEME)
    return letter, {theme: draft.html(theme) for theme in themes() if theme != DEFAULT_THEME}


@lru_cache(maxsize=64)
def standard_letter(kind: str, language: str = "en", theme: str = DEFAULT_THEME) -> CompiledLetter:
    """The letter whose words are all in its folder, compiled once per process."""
    return compile_letter(kind, subject="", preheader="", body="", language=language, theme=theme)


@dataclass(frozen=True)
class _Draft:
    """A letter whose words were read and checked, and have no look yet."""

    kind: str
    preheader: str
    for_html: Mapping[str, Any]
    for_text: Mapping[str, Any]

    def in_look(self, theme: str) -> CompiledLetter:
        """The letter in one theme, proven: it is rendered for a reader with all values and for one with none."""
        layout, kind = layout_environment(), self.kind
        letter = CompiledLetter(
            subject=_flatten(layout, f"{kind}/subject.txt", self.for_text).strip(),
            preheader=self.preheader,
            html=self.html(theme),
            text=_flatten(layout, f"{kind}/body.txt", self.for_text).strip("\n") + "\n",
        )
        _check_names(TEXT, letter.text, f"{kind}/body.txt")
        _check_names(TEXT, letter.subject, f"{kind}/subject.txt")
        for values in (SAMPLE, LetterValues()):
            rendered = render(letter, values)
            check_line(rendered.subject, "subject")
            _check_weight(rendered.html)
        return letter

    def html(self, theme: str) -> str:
        """The HTML in one theme, its styles inlined and its names known."""
        part = f"{self.kind}/body.html"
        known = {**self.for_html, "theme": read_theme(theme)}
        html = inline(_flatten(layout_environment(), part, known), part)
        _check_names(HTML, html, part)
        _check_weight(html)
        return html


def _read(kind: str, subject: str, preheader: str, body: str, language: str, pictures: Pictures | None) -> _Draft:
    if kind not in kinds():
        raise LetterError(
            f"There is no letter of the kind '{kind[:40]}'. There are: {', '.join(kinds())}.", part="letter"
        )
    if not _LANGUAGE.match(language):
        raise LetterError(f"'{language[:40]}' is no language. Write a code like en or pt-BR.", part="letter")
    words = read_words(kind, language)
    subject_pieces = _one_line(subject or words.table.get("subject", ""), "subject")
    preheader_pieces = _one_line(preheader or words.table.get("preheader", ""), "preheader")
    if not subject_pieces:
        raise LetterError("The letter has no subject. Write one of 30 to 50 characters.", part="subject")
    manuscript = read_markdown(body or words.table.get("body", ""), pictures)
    said = {
        name: split_fields(word, f"{kind}/words.{words.language}.toml", guarded=True)
        for name, word in words.table.items()
        if name not in {"subject", "preheader", "body"}
    }
    text, notes = to_text(manuscript)
    known: dict[str, Any] = {
        "language": language if body else words.language,
        "words_language": words.language,
        "rule": "-" * WIDTH,
        "notes": notes,
    }

    def known_to(write: Callable[[Iterable[Piece]], str], body: str) -> dict[str, Any]:
        return known | {
            "subject": write(subject_pieces),
            "preheader": write(preheader_pieces),
            "body": body,
            "words": {name: write(pieces) for name, pieces in said.items()},
        }

    return _Draft(
        kind=kind,
        preheader=as_text(preheader_pieces),
        for_html=known_to(as_html, to_html(manuscript)),
        for_text=known_to(as_text, text),
    )


def _one_line(text: str, part: str) -> list[Piece]:
    return split_fields(check_line(text.strip(), part), part)


def _flatten(layout: Environment, name: str, context: Mapping[str, Any]) -> str:
    """Answer the square brackets of one template: what is left is Jinja for each reader."""
    try:
        return layout.get_template(name).render(context)
    except TemplateSyntaxError as error:
        raise LetterError(f"{error.message}.", part=error.name or name, line=error.lineno) from None
    except TemplateError as error:
        raise LetterError(f"{error.message}.", part=name) from None


def _check_names(environment: Environment, source: str, part: str) -> None:
    try:
        undeclared = _names(environment, source) - _KNOWN
    except TemplateError as error:
        raise LetterError(f"{error.message}.", part=part) from None
    if undeclared:
        raise LetterError(unknown_name(min(undeclared)), part=part)


@lru_cache(maxsize=256)
def _names(environment: Environment, source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(environment.parse(source)))


def _check_weight(html: str) -> None:
    if (weight := len(html.encode())) > WEIGHT_LIMIT:
        raise LetterError(
            f"The letter weighs {weight / 1024:.0f} KB; above {WEIGHT_LIMIT // 1024} KB its end is cut off. "
            "Shorten it, or link to the rest."
        )
