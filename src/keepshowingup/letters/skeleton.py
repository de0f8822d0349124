"""A letter with holes: what its readers share is rendered and encoded once, and for each of them the holes are filled.

Rendering takes many times as long as filling in. A template may be used this way when all it does with
what is personal is to write it down, or to ask whether there is any: :func:`has_holes_only` reads that from its syntax
tree. Any other letter is rendered for each reader, which gives the same words.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from jinja2 import nodes
from markupsafe import escape

from keepshowingup.letters.compose import BODY_START, around_html, render
from keepshowingup.letters.environment import TEXT
from keepshowingup.letters.headers import LetterHeaders, write_headers
from keepshowingup.letters.quoted import quoted_piece
from keepshowingup.letters.values import CompiledLetter, LetterValues


class Personal(NamedTuple):
    """What differs from reader to reader: plain text and absolute addresses. Few letters ask for ``helped_url``."""

    first_name: str
    unsubscribe_url: str
    preferences_url: str
    pause_url: str
    helped_url: str = ""


# Filters that write a value down as it is, or a fallback where there is none.
_HARMLESS = frozenset({"default", "prefix", "suffix"})
# Private use characters pass through escaping untouched, and nobody can write these digits on purpose.
_MARK = secrets.token_hex(8)
_HOLES = Personal(*(f"\ue000{_MARK}{place}\ue001" for place in range(len(Personal._fields))))
_HOLE = re.compile(f"\ue000{_MARK}([0-9])\ue001")


class Skeleton:
    """One letter for readers who share everything but what is :class:`Personal`."""

    def __init__(
        self, letter: CompiledLetter, shared: LetterValues, has: tuple[bool, ...], enclosed: bytes = b""
    ) -> None:
        """``has`` says for each personal value whether these readers have one at all.

        ``enclosed`` are pictures that come along, of :func:`keepshowingup.letters.pictures.enclose`.

        Raises :class:`LetterError` when the letter can't be rendered.
        """
        holes = {name: hole if there else "" for name, hole, there in zip(Personal._fields, _HOLES, has, strict=True)}
        rendered = render(letter, _with_holes(shared, holes))
        self._subject = _HOLE.split(rendered.subject)
        self._text = _pieces(rendered.text)
        self._html = _pieces(rendered.html)
        self._before_html, self._behind_html = around_html(enclosed)

    def write(self, personal: Personal, headers: LetterHeaders) -> bytes:
        """The complete message (RFC 5322) for one reader; see :func:`keepshowingup.letters.compose.compose`."""
        subject = self._subject[0]
        for place in range(1, len(self._subject), 2):
            subject += personal[int(self._subject[place])] + self._subject[place + 1]
        return b"".join(
            (
                write_headers(headers, subject).encode("ascii"),
                BODY_START,
                _filled(self._text, [quoted_piece(value) for value in personal]),
                self._before_html,
                _filled(self._html, [quoted_piece(str(escape(value))) for value in personal]),
                self._behind_html,
            )
        )


def skeleton_of(
    letter: CompiledLetter, shared: LetterValues, has: tuple[bool, ...], enclosed: bytes = b""
) -> Skeleton | None:
    """The letter with holes; None where it does more with what is personal than to write it down."""
    sources = (letter.subject, letter.html, letter.text)
    return Skeleton(letter, shared, has, enclosed) if all(map(has_holes_only, sources)) else None


@lru_cache(maxsize=512)
def has_holes_only(source: str) -> bool:
    """Whether this template only writes personal values down, or asks whether there is one."""
    tree = TEXT.parse(source)
    written = sum(_writes(node) for output in tree.find_all(nodes.Output) for node in output.nodes)
    asked = sum(_asks(condition.test) for condition in tree.find_all(nodes.If))
    return written + asked == sum(name.name in Personal._fields for name in tree.find_all(nodes.Name))


def _writes(node: nodes.Node | None) -> int:
    """How many personal values an expression writes down as they are, with constant words around or instead."""
    if isinstance(node, nodes.Name):
        return node.name in Personal._fields
    if isinstance(node, nodes.Filter) and node.name in _HARMLESS:
        constant = all(isinstance(each, nodes.Const) for each in node.args)
        return _writes(node.node) if constant and not (node.kwargs or node.dyn_args or node.dyn_kwargs) else 0
    if isinstance(node, nodes.Concat):
        return sum(map(_writes, node.nodes))
    if isinstance(node, nodes.CondExpr):
        return _asks(node.test) + _writes(node.expr1) + _writes(node.expr2)
    return 0


def _asks(test: nodes.Node) -> int:
    """How many personal values a condition asks for, as it may: whether there are any, and nothing else."""
    if isinstance(test, nodes.Not):
        return _asks(test.node)
    if isinstance(test, nodes.And | nodes.Or):
        return _asks(test.left) + _asks(test.right)
    return isinstance(test, nodes.Name) and test.name in Personal._fields


def _with_holes(shared: LetterValues, holes: dict[str, str]) -> LetterValues:
    """The shared values with a mark for each hole, past the check for addresses that is made when one is filled."""
    values = replace(shared)
    for name, hole in holes.items():
        object.__setattr__(values, name, hole)
    return values


def _pieces(rendered: str) -> list[bytes | int]:
    """Encoded words, and between them the numbers of the holes."""
    return [
        int(piece) if place % 2 else quoted_piece(piece) for place, piece in enumerate(_HOLE.split(rendered + "\n"))
    ]


def _filled(pieces: list[bytes | int], values: list[bytes]) -> bytes:
    return b"".join([values[piece] if type(piece) is int else piece for piece in pieces])  # type: ignore[misc]
