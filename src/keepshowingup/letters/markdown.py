"""A letter's body: Markdown with merge fields, read once, and its HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from keepshowingup.core.pictures import FOLDER, TOGETHER_LIMIT, Measures
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.fields import Field, as_text, literal, split_fields
from keepshowingup.letters.pictures import FIELD, STYLE, shown_size
from keepshowingup.letters.tokens import Tokens
from keepshowingup.letters.values import URL_FIELDS

#: Characters of Markdown. More can't end up below the 102 KB a letter may weigh.
BODY_LIMIT = 100_000

_TAGS = {"p", "img", "h2", "h3", "strong", "em", "a", "ul", "ol", "li", "blockquote", "br", "hr", "pre", "code"}
_SCHEMES = {"http", "https", "mailto"}
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\Z")
_NAME_OF = {f"{{{{ {name} }}}}": name for name in URL_FIELDS}


class _Reader(MarkdownIt):
    """CommonMark without raw HTML. Doubtful links are read as links, so that they can be refused with their line."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False})

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True


@dataclass(frozen=True)
class Manuscript:
    """A body that was read and checked: Markdown tokens whose merge fields are hidden behind opaque words."""

    blocks: list[Token]
    tokens: Tokens
    pictures: Mapping[str, Measures] = field(default_factory=dict)

    def link_field(self, href: str) -> str | None:
        """The merge field a link's address is, or None for an address that is written out."""
        return _NAME_OF.get(self.tokens.source(href) or "")


def read_markdown(body: str, pictures: Mapping[str, Measures] | None = None) -> Manuscript:
    """Read a body. Raises :class:`LetterError` for what a letter can't hold: odd links, faulty fields, and pictures
    that are not among those given by name."""
    if len(body) > BODY_LIMIT:
        raise LetterError(f"The letter has {len(body):,} characters; {BODY_LIMIT:,} is the most that can be sent.")
    body = body.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    tokens = Tokens(body)
    hidden = "".join(
        tokens.put(as_text([piece])) if isinstance(piece, Field) else piece for piece in split_fields(body, "body")
    )
    manuscript = Manuscript(_Reader().parse(hidden), tokens, pictures or {})
    words = 0
    for block in manuscript.blocks:
        words += len(block.content.split())
        if block.type == "inline":
            _check_inline(block, manuscript)
    if not words:
        raise LetterError("The letter has no words yet. Write at least one sentence.")
    _check_pictures(manuscript)
    return manuscript


def _check_pictures(manuscript: Manuscript) -> None:
    shown = {
        str(child.attrs.get("src", "")).removeprefix(FOLDER)
        for block in manuscript.blocks
        for child in block.children or []
        if child.type == "image"
    }
    if shown and (octets := sum(manuscript.pictures[name].octets for name in shown)) > TOGETHER_LIMIT:
        raise LetterError(
            f"The letter's pictures have {octets / 1024 / 1024:.1f} MB; {TOGETHER_LIMIT // 1024 // 1024} MB is the "
            "most for all of them. Take one out, or make them smaller."
        )


def _check_inline(block: Token, manuscript: Manuscript) -> None:
    line = block.map[0] + 1 if block.map else 1
    for index, child in enumerate(block.children or []):
        if child.type in {"softbreak", "hardbreak"}:
            line += 1
        elif child.type == "image":
            _check_picture(str(child.attrs.get("src", "")), manuscript, line)
        elif child.type == "link_open":
            _check_link(str(child.attrs.get("href", "")), manuscript, line)
            if (block.children or [])[index + 1].type == "link_close":
                raise LetterError("This link has no words. Write [what it opens](its address).", line=line, near="[](")


def _check_picture(source: str, manuscript: Manuscript, line: int) -> None:
    if source.startswith(FOLDER) and source.removeprefix(FOLDER) in manuscript.pictures:
        return
    raise LetterError(
        "This picture is not kept here, and a letter fetches nothing from elsewhere. "
        "Bring it in with an article or a folder, or say it in words.",
        line=line,
    )


def _check_link(href: str, manuscript: Manuscript, line: int) -> None:
    if manuscript.tokens.pattern.search(href):
        if manuscript.link_field(href) is None:
            known = ", ".join(URL_FIELDS)
            raise LetterError(
                f"A link's address is written out, or is one whole merge field of these: {known}. "
                "A reader's words never go into an address.",
                line=line,
            )
        return
    try:
        address = urlsplit(href)
        good = address.scheme in _SCHEMES and bool(_HOST.match(address.hostname or "") or address.scheme == "mailto")
    except ValueError:
        good = False
    if not good:
        raise LetterError(
            "A link's address starts with https:// (or http:// or mailto:). Write the whole address.",
            line=line,
            near=href,
        )


def is_action(level: int, children: Sequence[Token]) -> bool:
    """Whether a paragraph at this depth is one link and nothing else, standing free: it becomes a button."""
    return (
        level == 0
        and len(children) >= 3
        and children[0].type == "link_open"
        and children[-1].type == "link_close"
        and sum(child.type == "link_open" for child in children) == 1
        and not any(child.type == "image" for child in children)
        and children[0].markup != "autolink"
    )


def to_html(manuscript: Manuscript) -> Markup:
    """The body as HTML Jinja source: cleaned, headings one below the subject, lone links as buttons."""
    renderer = _Renderer(manuscript)
    written = renderer.render(manuscript.blocks, _Reader().options, {})
    cleaned = nh3.clean(
        written,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}, "img": {"src", "alt", "width", "height"}},
        set_tag_attribute_values={"img": {"style": STYLE}},
        allowed_classes={"a": {"button"}, "p": {"action"}},
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    return Markup(manuscript.tokens.restore(cleaned, literal))  # noqa: S704 - cleaned in the line above


class _Renderer(RendererHTML):
    """CommonMark's HTML, with the few changes a letter needs."""

    def __init__(self, manuscript: Manuscript) -> None:
        super().__init__()
        self.manuscript = manuscript
        self.closing: list[str] = []

    def heading_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """h1 is the subject's; what an author writes as # or ## is h2, all below is h3."""
        return f"<{_heading(tokens[idx].tag)}>"

    def heading_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """See :meth:`heading_open`."""
        return f"</{_heading(tokens[idx].tag)}>\n"

    def paragraph_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """A lone link is a button; without its address the whole paragraph stays away."""
        children = tokens[idx + 1].children or []
        if not is_action(tokens[idx].level, children):
            self.closing.append("")
            return self.renderToken(tokens, idx, options, env)
        children[0].attrSet("class", "button")
        before, after = self._only_with(str(children[0].attrs["href"]))
        self.closing.append(after)
        return f'{before}<p class="action">'

    def paragraph_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """See :meth:`paragraph_open`."""
        return self.renderToken(tokens, idx, options, env) + self.closing.pop()

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        """A link whose address is a merge field is plain words where this letter has no such address."""
        link = tokens[idx]
        before, after = ("", "") if link.attrGet("class") else self._only_with(str(link.attrs["href"]))
        self.closing.append(before + "</a>" + after)
        return before + self.renderToken(tokens, idx, options, env) + after

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        """See :meth:`link_open`."""
        return self.closing.pop()

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        """A picture in its size, no wider than the column; its words stand where it is not shown."""
        name = str(tokens[idx].attrs["src"]).removeprefix(FOLDER)
        words = escapeHtml(self.renderInlineAsText(tokens[idx].children, options, env))
        width, height = shown_size(self.manuscript.pictures[name])
        source = self.manuscript.tokens.put(FIELD) + name
        return f'<img src="{source}" alt="{words}" width="{width}" height="{height}">'

    def _only_with(self, href: str) -> tuple[str, str]:
        """Opaque words for ``{% if field %}`` and its end, empty for an address that is written out."""
        name = self.manuscript.link_field(href)
        if name is None:
            return "", ""
        put = self.manuscript.tokens.put
        return put(f"{{% if {name} %}}"), put("{% endif %}")


def _heading(tag: str) -> str:
    return "h2" if tag in {"h1", "h2"} else "h3"
