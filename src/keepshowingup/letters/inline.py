"""Styles into ``style=""`` attributes, once per revision, with merge fields and conditions left as they are.

The only place that knows premailer. It is given a parsed tree in which every ``{{ … }}`` is an opaque word and every
``{% … %}`` an HTML comment: on raw source it percent-encodes addresses and cuts expressions at their quotes.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import lxml.html
from jinja2 import TemplateSyntaxError
from lxml import etree
from lxml.html import HtmlElement

from keepshowingup.core.pictures import NAME
from keepshowingup.letters.environment import HTML
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.pictures import FIELD
from keepshowingup.letters.tokens import Tokens

DOCTYPE = "<!DOCTYPE html>"

# cssutils' serialiser and premailer's cache are shared by all threads.
_one_at_a_time = threading.Lock()

#: What a mail program would fetch, run, or send somewhere.
_ACTIVE = ("script", "picture", "video", "audio", "iframe", "object", "embed", "link", "base", "form", "input")
_FETCHING_CSS = re.compile(r"@import|@font-face|url\s*\(", re.IGNORECASE)
# They would see the source of a loop or a condition once, and style the wrong row.
_STRUCTURAL_CSS = re.compile(r":(?:first|last|only|nth|not|has|is|where)\b|(?:\*|\+|~(?!=))(?=[^{}]*\{)", re.IGNORECASE)
_SCHEMES = ("https://", "http://", "mailto:", "tel:")
_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


# An editor looks at the same letter again and again: narrow, dark, as this reader and that one.
@lru_cache(maxsize=128)
def inline(source: str, part: str) -> str:
    """The HTML Jinja source with its styles inlined; ``part`` names it in errors.

    ``@media`` rules stay in a ``<style>`` with ``!important``; conditional comments and the doctype stay as written.
    Raises :class:`LetterError` for what can't be inlined safely, or would make a mail program fetch something.
    """
    tokens, hidden = _hide(source, part)
    tree = lxml.html.document_fromstring(hidden.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    _check(tree, tokens, part)
    with _one_at_a_time:
        try:
            inlined = _premailer()(
                tree,
                allow_network=False,
                disable_basic_attributes=["height", "width"],
                disable_validation=True,
                strip_important=False,
            ).transform()
        except Exception as error:  # premailer has no error of its own and fails in many ways
            raise LetterError(f"Its styles can't be inlined ({error}). Simplify the CSS.", part=part) from error
    for style in inlined.iter("style"):
        style.text = " ".join((style.text or "").split())
    written = lxml.html.tostring(inlined.getroot(), encoding="unicode", doctype=DOCTYPE)
    return _show(written, tokens, part)


@lru_cache(maxsize=1)
def _premailer() -> Callable[..., Any]:
    """Only when something is inlined: it brings requests with it, and a worker renders what was inlined long ago."""
    import cssutils
    from premailer import Premailer

    cssutils.log.setLevel(logging.CRITICAL)  # it reports each -webkit- and mso- property otherwise
    made: Callable[..., Any] = Premailer
    return made


def _is_statement(source: str) -> bool:
    return source.startswith("{%")


def _hide(source: str, part: str) -> tuple[Tokens, str]:
    """The source with expressions as words and statements as comments; template comments are dropped."""
    tokens = Tokens(source)
    out: list[str] = []
    inside: list[str] | None = None
    try:
        for line, kind, value in HTML.lex(source):
            if kind.startswith("comment"):
                continue
            if kind.startswith("raw"):
                raise LetterError("{% raw %} can't be inlined. Print the braces: {{ '{' }}.", part=part, line=line)
            if kind in {"variable_begin", "block_begin"}:
                inside = [value]
            elif kind in {"variable_end", "block_end"} and inside is not None:
                word = tokens.put("".join((*inside, value)))
                out.append(word if kind == "variable_end" else f"<!--{word}-->")
                inside = None
            else:
                (out if inside is None else inside).append(value)
    except TemplateSyntaxError as error:
        raise LetterError(f"{error.message}.", part=part, line=error.lineno) from None
    if inside is not None:
        raise LetterError(f"'{''.join(inside).strip()[:40]}' is not closed.", part=part)
    return tokens, "".join(out)


def _check(tree: HtmlElement, tokens: Tokens, part: str) -> None:
    """Refuse what inlining would break, and what would reach out from a reader's inbox."""
    for element in tree.iter(etree.Element):
        if element.tag in _ACTIVE or (element.tag == "img" and not _is_kept(element.get("src", ""), tokens)):
            raise LetterError(f"A letter holds no <{element.tag}>: nothing in it may be fetched or run.", part=part)
        if element.tag == "style":
            _check_css(element.text or "", tokens, part)
        for name, value in element.attrib.items():
            _check_attribute(element.tag, name, value, tokens, part)
    comments = [comment.text or "" for comment in tree.iter(etree.Comment)]
    if any(text.startswith("[if") and "![endif]" not in text and text != "[if !mso]><!" for text in comments):
        raise LetterError("Write <!--[if mso]> … <![endif]--> or <!--[if !mso]><!--> … <!--<![endif]-->.", part=part)
    wanted = [source for source in tokens.sources if _is_statement(source)]
    kept = [source for text in comments if (source := tokens.source(text)) is not None]
    if kept != wanted:
        lost = next((one for one, other in zip(wanted, [*kept, None], strict=False) if one != other), wanted[-1])
        raise LetterError(f"{lost} stands where HTML has no room for it. Put it between elements.", part=part)


def _is_kept(source: str, tokens: Tokens) -> bool:
    """Whether it is a picture of ours, wherever that is when the letter is sent."""
    field, name = tokens.pattern.match(source), tokens.pattern.sub("", source, count=1)
    return field is not None and tokens.source(field.group()) == FIELD and bool(NAME.fullmatch(name))


def _check_attribute(tag: str, name: str, value: str, tokens: Tokens, part: str) -> None:
    sources = [tokens.sources[int(number)] for number in tokens.pattern.findall(name + " " + value)]
    if any(map(_is_statement, sources)) or tokens.pattern.search(name):
        raise LetterError(
            f"A {{% %}} stands inside the tag <{tag}>. Put it around the element, "
            'or use an expression in the attribute: class="{{ … }}".',
            part=part,
        )
    if name == "style" and sources:
        raise LetterError('{{ … }} in style="" would be lost. Use [[ … ]] or a class.', part=part)
    if name.startswith("on") or name in {"srcset", "background"} or (name == "src" and tag != "img"):
        raise LetterError(f'A letter holds no {name}="": nothing in it may be fetched or run.', part=part)
    if name == "href" and not sources and not value.startswith(_SCHEMES):
        raise LetterError(f"The address '{value}' must start with https:, http:, mailto: or tel:.", part=part)
    if name == "style" and (fetching := _FETCHING_CSS.search(value)):
        raise LetterError(f"A style holds {fetching.group()}: nothing in a letter may be fetched.", part=part)


def _check_css(css: str, tokens: Tokens, part: str) -> None:
    if tokens.pattern.search(css):
        raise LetterError("{{ … }} in CSS would be lost. Use [[ … ]], it is answered before inlining.", part=part)
    css = _CSS_COMMENT.sub("", css)
    if fetching := _FETCHING_CSS.search(css):
        raise LetterError(f"The CSS holds {fetching.group()}: nothing in a letter may be fetched.", part=part)
    # Rules in @media are not inlined: what they select is decided in the reader's program, on the finished letter.
    if structural := _STRUCTURAL_CSS.search(_MEDIA.sub("", css)):
        raise LetterError(
            f"The CSS selects by {structural.group()}, which inlining gets wrong. Use a class.", part=part
        )


def _show(written: str, tokens: Tokens, part: str) -> str:
    """Bring expressions and statements back, and make sure that none was lost or moved on the way."""
    written = re.sub(rf"<!--({tokens.pattern.pattern})-->", r"\1", written)
    order = [source for n in tokens.pattern.findall(written) if _is_statement(source := tokens.sources[int(n)])]
    lost = [*tokens.absent(written)]
    if lost or order != [source for source in tokens.sources if _is_statement(source)]:
        raise LetterError(f"Inlining lost {(lost or ['the order of conditions'])[0]}.", part=part)
    return tokens.restore(written)
