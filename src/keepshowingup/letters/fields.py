"""Merge fields: what an author may write between ``{{`` and ``}}``, and how it is kept safe on its way.

Only a name from :data:`MERGE_FIELDS`, filters from a small list, and ``or`` with quoted words. Everything else an
author writes is text, braces included.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, nodes
from markupsafe import Markup, escape

from keepshowingup.letters.environment import BODY_FILTERS
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.values import MERGE_FIELDS, OPTIONAL_FIELDS

_MARKS = re.compile(r"\{\{|\}\}|\{%|%\}|\n")
_GRAMMAR = Environment(autoescape=True)


@dataclass(frozen=True)
class Field:
    """One merge field. ``source`` is what goes into the template; ``name`` is set when it is a bare name."""

    source: str
    name: str | None = None


Piece = str | Field


def split_fields(text: str, part: str, *, guarded: bool = False) -> list[Piece]:
    """The text and the merge fields of what an author wrote, in order.

    With ``guarded`` no fallback is asked for: the layout shows the sentence only where its values are there. Raises
    :class:`LetterError` with the line for statements, unknown names and filters, a missing fallback, and braces that
    do not meet.
    """
    pieces: list[Piece] = []
    line, start, opened = 1, 0, None
    for mark in _MARKS.finditer(text):
        sign = mark.group()
        if sign == "\n":
            if opened is not None:
                raise _not_closed(text[opened - 2 : mark.start()], part, line)
            line += 1
        elif sign in {"{%", "%}"}:
            raise LetterError(
                "{% … %} can't stand in a letter. Write {{ a name }} with a fallback instead.",
                part=part,
                line=line,
                near=sign,
            )
        elif sign == "{{":
            if opened is not None:
                raise LetterError("{{ stands twice before a }}. Close the first one.", part=part, line=line, near=sign)
            pieces.append(text[start : mark.start()])
            opened = mark.end()
        elif opened is None:
            raise LetterError("}} stands here without a {{ before it on this line.", part=part, line=line, near=sign)
        else:
            pieces.append(_read_field(text[opened : mark.start()], part, line, guarded))
            start, opened = mark.end(), None
    if opened is not None:
        raise _not_closed(text[opened - 2 :], part, line)
    pieces.append(text[start:])
    return [piece for piece in pieces if piece != ""]


def _not_closed(near: str, part: str, line: int) -> LetterError:
    return LetterError("{{ is not closed on this line. Write }} after the name.", part=part, line=line, near=near)


def _read_field(expression: str, part: str, line: int, guarded: bool) -> Field:
    try:
        return read_field(expression, part, line, guarded=guarded)
    except LetterError as error:
        error.near = "{{" + expression + "}}"
        raise


def read_field(expression: str, part: str, line: int, *, guarded: bool = False) -> Field:
    """Read and check what stands between two braces; see :func:`split_fields`. Raises :class:`LetterError`."""
    try:
        (output,) = _GRAMMAR.parse("{{" + expression + "}}").body
        if not isinstance(output, nodes.Output) or len(output.nodes) != 1:
            raise TemplateSyntaxError("more than one", 1)
    except (TemplateSyntaxError, ValueError):
        raise LetterError(
            f"'{{{{{expression}}}}}' can't be read. Write it like {{{{ first_name | default(\"friend\") }}}}.",
            part=part,
            line=line,
        ) from None
    node = output.nodes[0]
    _check(node, part, line)
    source = f"{{{{ {expression.strip()} }}}}"
    if not guarded and (missing := _may_be_empty(node)) is not None:
        raise LetterError(
            f"Not every reader has a {missing}. Say what stands there without it: "
            f'{{{{ {missing} | default("friend") }}}}, or {{{{ {missing} | prefix(", ") }}}} for nothing at all.',
            part=part,
            line=line,
        )
    return Field(source, node.name if isinstance(node, nodes.Name) else None)


def _check(node: nodes.Node, part: str, line: int) -> None:
    """Refuse everything that is not a known name, a listed filter, ``or``, or quoted words."""
    if isinstance(node, nodes.Name):
        if node.name not in MERGE_FIELDS:
            raise LetterError(unknown_name(node.name), part=part, line=line)
    elif isinstance(node, nodes.Filter) and node.node is not None:
        _check_filter(node, part, line)
        _check(node.node, part, line)
    elif isinstance(node, nodes.Or):
        _check(node.left, part, line)
        _check(node.right, part, line)
    elif not (isinstance(node, nodes.Const) and isinstance(node.value, str)):
        raise LetterError(
            "Between {{ and }} only a name and its fallback can stand, "
            'like {{ first_name | default("friend") }} or {{ first_name or "friend" }}.',
            part=part,
            line=line,
        )


def _check_filter(node: nodes.Filter, part: str, line: int) -> None:
    if node.name not in BODY_FILTERS:
        known = ", ".join(sorted(BODY_FILTERS))
        raise LetterError(f"There is no filter '{node.name}'. There are: {known}.", part=part, line=line)
    wanted = BODY_FILTERS[node.name][1]
    given = [word.value if isinstance(word, nodes.Const) else None for word in node.args]
    if node.name == "default" and given[1:] == [True]:
        given.pop()  # Jinja's own way to say "also when empty", which here it always is
    if (
        len(given) != wanted
        or not all(isinstance(words, str) for words in given)
        or node.kwargs
        or node.dyn_args
        or node.dyn_kwargs
    ):
        example = f'{node.name}("words")' if wanted else node.name
        raise LetterError(f"Write the filter {node.name} as: | {example}", part=part, line=line)


def unknown_name(name: str) -> str:
    """The sentence for a name that no letter knows, with the nearest one that is known."""
    near = difflib.get_close_matches(name, MERGE_FIELDS, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(sorted(MERGE_FIELDS))}."
    return f"There is no merge field '{name}'. {hint}"


def names_without_fallback(text: str, lacking: Container[str]) -> list[str]:
    """Those of the ``lacking`` names that would leave a hole in a text that was read and checked before."""
    fields = (piece for piece in split_fields(text, "body", guarded=True) if isinstance(piece, Field))
    outputs = (_GRAMMAR.parse(field.source).body[0] for field in fields)
    empty = (_may_be_empty(output.nodes[0], lacking) for output in outputs if isinstance(output, nodes.Output))
    return sorted({name for name in empty if name is not None})


def _may_be_empty(node: nodes.Node, lacking: Container[str] = OPTIONAL_FIELDS) -> str | None:
    """The name that would leave a hole in the sentence, or None when a fallback covers it."""
    if isinstance(node, nodes.Name):
        return node.name if node.name in lacking else None
    if isinstance(node, nodes.Filter):
        covered = node.name in {"default", "prefix", "suffix"} or node.node is None
        return None if covered else _may_be_empty(node.node, lacking)  # type: ignore[arg-type]
    if isinstance(node, nodes.Or):
        return _may_be_empty(node.right, lacking)
    return None


def literal(text: str) -> str:
    """Text as Jinja source: each brace is printed by an expression, so that none is read as one."""
    return re.sub(r"[{}]", lambda brace: f'{{{{ "{brace.group()}" }}}}', text)


def as_text(pieces: Iterable[Piece]) -> str:
    """Jinja source of the pieces for plain text and subjects."""
    return "".join(piece.source if isinstance(piece, Field) else literal(piece) for piece in pieces)


def as_html(pieces: Iterable[Piece]) -> Markup:
    """Jinja source of the pieces for HTML: what the author wrote is escaped now, values when they come in."""
    return Markup(  # noqa: S704 - fields are checked, text is escaped
        "".join(piece.source if isinstance(piece, Field) else literal(str(escape(piece))) for piece in pieces)
    )
