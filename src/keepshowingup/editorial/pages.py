"""Web pages and Word files as Markdown: the article alone, cleaned, with its headings."""

from __future__ import annotations

import io
import re
import zipfile
from html.parser import HTMLParser

import mammoth
import nh3
import trafilatura

from keepshowingup.core.errors import Refused

#: Bytes a Word file may have when it is unpacked; a small file can hold a very large one.
UNPACKED_LIMIT = 100 * 1024 * 1024
_TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code", "strong", "b",
    "em", "i", "a", "div", "section", "article", "main", "dl", "dt", "dd", "table", "tr", "td", "th",
}  # fmt: skip
_DROPPED_WHOLE = {"script", "style", "noscript", "template", "iframe", "nav", "form", "button", "svg", "head"}
_FEWEST_WORDS = 20


def page_to_markdown(html: str) -> str:
    """The article of a web page as Markdown; the whole page's text where no article stands out."""
    article = trafilatura.extract(
        html,
        output_format="html",
        include_comments=False,
        include_links=True,
        include_formatting=True,
        include_tables=True,
    )
    markdown = html_to_markdown(article) if article else ""
    if len(markdown.split()) >= _FEWEST_WORDS:
        title = re.search(r"<h1\b[^>]*>(.*?)</h1>", html, re.IGNORECASE | re.DOTALL)
        has_title = re.search(r"^# ", markdown, re.MULTILINE)
        return markdown if has_title or not title else f"{html_to_markdown(title.group()).strip()}\n\n{markdown}"
    return html_to_markdown(html)


def word_file_to_markdown(data: bytes) -> str:
    """A ``.docx`` file as Markdown. Raises :class:`Refused` when it can't be read or unpacks to more than 100 MB."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > UNPACKED_LIMIT:
                raise Refused("The Word file unpacks to more than 100 MB. Save its text without the pictures.")
            html = mammoth.convert_to_html(
                io.BytesIO(data),
                style_map="p[style-name='Title'] => h1:fresh",
                convert_image=mammoth.images.img_element(lambda image: {"src": ""}),
            ).value
    except Refused:
        raise
    except Exception as error:  # a broken file fails in many ways inside zip, XML and mammoth
        raise Refused("The Word file can't be read. Open it in a word processor and save it as .docx again.") from error
    return html_to_markdown(html)


def html_to_markdown(html: str) -> str:
    """HTML of any origin as Markdown; what could run, be fetched, or leads anywhere but to the web or mail goes."""
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes={"a": {"href"}},
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
        elif tag == "br":
            self.line += "\n"
        else:
            self._begin_block(tag)

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
        elif tag != "br":
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
