"""Web pages as Markdown: the article alone, cleaned, with its headings."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import lxml.html
import nh3
from lxml import etree

from keepshowingup.core.errors import Refused

_TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code", "strong", "b",
    "em", "i", "a", "img", "div", "section", "article", "main", "dl", "dt", "dd", "table", "tr", "td", "th",
}  # fmt: skip
_DROPPED_WHOLE = {"script", "style", "noscript", "template", "iframe", "nav", "form", "button", "svg", "head"}
_FEWEST_WORDS = 20
# Cleaning takes the longer for each the more there are: a page of nothing else would take minutes.
_MOST_REFERENCES = 200_000
_STAND_IN = "https://picture.invalid/{}.jpg"
_STOOD_IN = re.compile(r"\]\(https://picture\.invalid/(\d{1,6})\.jpg\)")


def page_to_markdown(html: str, *, images: bool = False) -> str:
    """The article of a web page as Markdown; the whole page's text where no article stands out."""
    # It loads slowly, and workers only rarely read pages.
    import trafilatura

    sources: list[str] = []
    if images:
        html, sources = _with_stand_ins(html)
    article = trafilatura.extract(
        html,
        output_format="html",
        include_comments=False,
        include_links=True,
        include_formatting=True,
        include_tables=True,
        include_images=images,
    )
    markdown = _markdown(article) if article else ""
    if len(markdown.split()) >= _FEWEST_WORDS:
        title = re.search(r"<h1\b[^>]*>(.*?)</h1>", html, re.IGNORECASE | re.DOTALL)
        has_title = re.search(r"^# ", markdown, re.MULTILINE)
        if title and not has_title:
            markdown = f"{_markdown(title.group()).strip()}\n\n{markdown}"
    else:
        markdown = _markdown(html)
    return _with_sources(markdown, sources)


def html_to_markdown(html: str, *, images: bool = False) -> str:
    """HTML of any origin as Markdown; what could run, be fetched, or leads anywhere but to the web or mail goes.

    With ``images`` each stands in it with the address it has in the page.
    """
    if not images:
        return _markdown(html)
    html, sources = _with_stand_ins(html)
    return _with_sources(_markdown(html), sources)


def _with_stand_ins(html: str) -> tuple[str, list[str]]:
    """The page with its images at short addresses that every cleaner lets through, and their own ones in order."""
    try:
        tree = lxml.html.document_fromstring(html.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, ValueError):
        return html, []  # nothing but comments, or nothing at all
    sources: list[str] = []
    for image in tree.iter("img"):
        source, words = image.get("data-src") or image.get("src") or "", " ".join((image.get("alt") or "").split())
        figure = next(image.iterancestors("figure"), None)
        caption = figure.find(".//figcaption") if figure is not None else None
        if not words and caption is not None:
            words = " ".join(caption.text_content().split())
        image.attrib.clear()
        if source.strip():
            image.set("src", _STAND_IN.format(len(sources)))
            image.set("alt", words)
            sources.append(source.strip())
    return lxml.html.tostring(tree, encoding="unicode"), sources


def _with_sources(markdown: str, sources: list[str]) -> str:
    def source(match: re.Match[str]) -> str:
        number = int(match.group(1))
        return f"]({_address(sources[number])})" if number < len(sources) else "]()"

    return _STOOD_IN.sub(source, markdown)


def _address(source: str) -> str:
    """An address that can stand in Markdown's parentheses."""
    return re.sub(r"[\s()<>\\]", lambda match: f"%{ord(match.group()):02X}", source)


def _markdown(html: str) -> str:
    if html.count("&") > _MOST_REFERENCES:
        raise Refused(
            "The text holds more signs written as codes than any article does. Save its words as a text file."
        )
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes={"a": {"href"}, "img": {"src", "alt"}},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    writer = _MarkdownWriter()
    writer.feed(cleaned)
    writer.close()
    return writer.markdown()


class _MarkdownWriter(HTMLParser):
    """Reads cleaned HTML and writes blocks of Markdown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.line = ""
        self.prefix = ""
        self.quotes = 0
        self.lists: list[int | None] = []
        self.addresses: list[str] = []
        self.verbatim = False

    def markdown(self) -> str:
        """The finished text."""
        self._end_block()
        text = "\n\n".join(self.blocks)
        # Items of one list stand together.
        return re.sub(r"(?m)(?<=^)([ ]*(?:-|\d+\.) .*)\n\n(?=[ ]*(?:-|\d+\.) )", r"\1\n", text) + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block or a mark."""
        if tag in {"strong", "b"}:
            self.line += "**"
        elif tag in {"em", "i"}:
            self.line += "*"
        elif tag == "code" and not self.verbatim:
            self.line += "`"
        elif tag == "a":
            self.addresses.append(dict(attrs).get("href") or "")
            self.line += "[" if self.addresses[-1] else ""
        elif tag == "img":
            self._show(dict(attrs))
        elif tag == "br":
            self.line += "\n"
        else:
            self._begin_block(tag)

    def _show(self, said: dict[str, str | None]) -> None:
        source, words = said.get("src") or "", said.get("alt") or ""
        # Only stand-ins: whoever did not ask for images gets none.
        if _STOOD_IN.fullmatch(f"]({source})"):
            self.line += f"![{words.replace('[', '(').replace(']', ')')}]({source})"

    def _begin_block(self, tag: str) -> None:
        self._end_block()
        if tag[0] == "h" and tag[1:].isdigit():
            self.prefix = "#" * int(tag[1]) + " "
        elif tag in {"ul", "ol"}:
            self.lists.append(None if tag == "ul" else 0)
        elif tag == "li":
            self.prefix = self._bullet()
        elif tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.verbatim = True

    def _bullet(self) -> str:
        indent = "  " * max(0, len(self.lists) - 1)
        number = self.lists[-1] if self.lists else None
        if number is None:
            return f"{indent}- "
        self.lists[-1] = number + 1
        return f"{indent}{number + 1}. "

    def handle_endtag(self, tag: str) -> None:
        """End a block or a mark."""
        if tag in {"strong", "b"}:
            self._close_mark("**")
        elif tag in {"em", "i"}:
            self._close_mark("*")
        elif tag == "code" and not self.verbatim:
            self.line += "`"
        elif tag == "a":
            address = self.addresses.pop() if self.addresses else ""
            self.line += f"]({address})" if address else ""
        elif tag not in {"br", "img"}:
            self._end_block()
            if tag in {"ul", "ol"} and self.lists:
                self.lists.pop()
            elif tag == "blockquote":
                self.quotes = max(0, self.quotes - 1)
            elif tag == "pre":
                self.verbatim = False

    def _close_mark(self, mark: str) -> None:
        # Markdown wants marks at the words: "**bold **" is no bold.
        kept = self.line.rstrip()
        space = self.line[len(kept) :]
        self.line = kept[: -len(mark)] + space if kept.endswith(mark) else kept + mark + space

    def handle_data(self, data: str) -> None:
        """Take words in; space runs are one space outside of ``pre``."""
        if self.verbatim:
            self.line += data
            return
        data = re.sub(r"[ \t\r\n\f]+", " ", data)
        if not self.line or self.line.endswith((" ", "\n")):
            data = data.lstrip(" ")
        self.line += data

    def _end_block(self) -> None:
        text, prefix = self.line, self.prefix
        self.line = ""
        if not text.strip():
            return
        self.prefix = ""
        if self.verbatim:
            text = "```\n" + text.strip("\n") + "\n```"
        else:
            text = re.sub(r" *\n *", " " if prefix.startswith("#") else "\n", text.strip())
        quote = "> " * self.quotes
        self.blocks.append("\n".join(quote + line for line in (prefix + text).split("\n")))
