"""What a word processor puts on the clipboard, as clean Markdown: its words, and the few forms a letter has.

Word writes a page of styles and ``mso-`` lists that are no lists, Google Docs a bold that is not bold, LibreOffice
fonts, Pages classes. All of it is looks. What is meant is kept: headings, paragraphs, lists, emphasis, quotations and
links.
"""

from __future__ import annotations

import re
from itertools import pairwise

import lxml.html
from lxml import etree
from lxml.html import HtmlElement

from keepshowingup.core.errors import Refused
from keepshowingup.core.letter_markdown import tidy

#: Characters of HTML. A long letter from Word has a twentieth of it.
PASTE_LIMIT = 2_000_000

_BOLD = re.compile(r"(?:^|;)\s*font-weight\s*:\s*(bold|[6-9]00)", re.IGNORECASE)
_LIGHT = re.compile(r"(?:^|;)\s*font-weight\s*:\s*(normal|[1-5]00)", re.IGNORECASE)
_ITALIC = re.compile(r"(?:^|;)\s*font-style\s*:\s*(italic|oblique)", re.IGNORECASE)
_UNSEEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_WORD_LIST = re.compile(r"mso-list\s*:\s*l\d+ level(\d)", re.IGNORECASE)
_WORD_MARK = re.compile(r"mso-list\s*:\s*Ignore", re.IGNORECASE)
_NUMBER = re.compile(r"\s*\(?([0-9]{1,3}|[a-zA-Z]|[ivxIVX]{1,6})[.)]")
_WORD_HEADING = re.compile(r"Heading\s?([1-6])|Title|MsoTitle", re.IGNORECASE)
_STYLE_BLOCK = re.compile(r"<style\b.*?</style>|<!--.*?-->|<!\[.*?\]>|<\?xml.*?>", re.IGNORECASE | re.DOTALL)
_FRAGMENT = re.compile(r"<!--StartFragment-->(.*)<!--EndFragment-->", re.DOTALL)
_OFFICE_TAG = re.compile(r"</?(?:o|w|m|v|st1):[^>]*>", re.IGNORECASE)


def pasted_to_markdown(html: str) -> str:
    """The Markdown of pasted HTML; empty where it has no words.

    Raises :class:`Refused` for more than two million characters.
    """
    if len(html) > PASTE_LIMIT:
        raise Refused("That is more than a letter can hold. Paste it in parts, or import the file as an article.")
    # Reading pages takes large libraries; whoever does not paste must not wait for them.
    from keepshowingup.editorial.pages import html_to_markdown

    fragment = _FRAGMENT.search(html)
    source = _OFFICE_TAG.sub("", _STYLE_BLOCK.sub("", fragment.group(1) if fragment else html)).replace("\0", "")
    if not source.strip():
        return ""
    # Within a div: a fragment may be one word, or begin in the middle of nothing.
    tree = lxml.html.fragment_fromstring(source, create_parent="div")
    _drop_unseen(tree)
    _make_lists(tree)
    _name_headings(tree)
    _mean_what_it_looks_like(tree)
    _join_runs(tree)
    _unpack(tree)
    markdown = tidy(html_to_markdown(lxml.html.tostring(tree, encoding="unicode")))
    return _without_stray_breaks(markdown)


def _drop_unseen(tree: HtmlElement) -> None:
    for element in list(tree.iter(etree.Element)):
        if _UNSEEN.search(element.get("style", "")) and element.getparent() is not None:
            element.drop_tree()


def _make_lists(tree: HtmlElement) -> None:
    """Word's lists are paragraphs that say so in their style: make them lists, each level inside the one before."""
    run: list[tuple[HtmlElement, int, bool]] = []
    for paragraph in [*tree.iter("p"), None]:
        level = _WORD_LIST.search(paragraph.get("style", "")) if paragraph is not None else None
        follows = run and paragraph is not None and run[-1][0].getnext() is paragraph
        if run and not (level and follows):
            _nest(run)
            run = []
        if paragraph is not None and level:
            run.append((paragraph, int(level.group(1)), _take_mark(paragraph)))


def _take_mark(paragraph: HtmlElement) -> bool:
    """Remove the bullet or the number that Word typed; whether it was a number."""
    said = ""
    for span in list(paragraph.iter("span")):
        if _WORD_MARK.search(span.get("style", "")) and span.getparent() is not None:
            said += span.text_content()
            span.drop_tree()
    return bool(_NUMBER.match(said)) and not said.strip().startswith("o ") and said.strip() != "o"


def _nest(run: list[tuple[HtmlElement, int, bool]]) -> None:
    first = run[0][0]
    parent = first.getparent()
    assert parent is not None
    place = parent.index(first)
    lists: list[tuple[int, HtmlElement]] = []
    for paragraph, level, numbered in run:
        while lists and lists[-1][0] > level:
            lists.pop()
        if not lists or lists[-1][0] < level:
            made = lxml.html.Element("ol" if numbered else "ul")
            if lists and len(lists[-1][1]):
                lists[-1][1][-1].append(made)
            else:
                parent.insert(place, made)
            lists.append((level, made))
        paragraph.tail = None
        paragraph.tag = "li"
        lists[-1][1].append(paragraph)


def _name_headings(tree: HtmlElement) -> None:
    """Headings that are one only by the name of their style."""
    for paragraph in tree.iter("p"):
        if found := _WORD_HEADING.search(paragraph.get("class", "")):
            paragraph.tag = f"h{found.group(1) or 1}"


def _mean_what_it_looks_like(tree: HtmlElement) -> None:
    """Emphasis that is only a style becomes emphasis; what is called bold and is set light becomes plain."""
    for element in list(tree.iter(etree.Element)):
        style = element.get("style", "")
        if element.tag in {"b", "strong"} and _LIGHT.search(style):
            element.tag = "span"
        in_heading = any(above.tag in _HEADINGS for above in element.iterancestors())
        if element.tag in {"b", "strong"} and in_heading:
            element.tag = "span"
        if element.tag not in {"span", "font"} or in_heading or element.find(".//p") is not None:
            continue
        if _ITALIC.search(style):
            _wrap_inside(element, "em")
        if _BOLD.search(style):
            _wrap_inside(element, "strong")


_HEADINGS = {f"h{level}" for level in range(1, 7)}


def _wrap_inside(element: HtmlElement, tag: str) -> None:
    inner = lxml.html.Element(tag)
    inner.text, element.text = element.text, None
    inner.extend(list(element))
    element.append(inner)


def _join_runs(tree: HtmlElement) -> None:
    """A word processor cuts a bold sentence into runs: what stands side by side in one emphasis is one."""
    for element in list(tree.iter("span", "font")):
        element.drop_tag()
    for tag in ("strong", "b", "em", "i"):
        for element in list(tree.iter(tag)):
            if not (element.text_content() or "").strip():
                element.drop_tag()
        for parent in {element.getparent() for element in tree.iter(tag)}:
            _join(parent, tag)


def _join(parent: HtmlElement | None, tag: str) -> None:
    if parent is None:
        return
    for before, after in reversed(list(pairwise(parent))):
        if before.tag == after.tag == tag and not (before.tail or "").strip():
            gap = before.tail or ""
            after.text = gap + (after.text or "")
            before.tail = after.tail
            _append_text(before, after.text)
            before.extend(list(after))
            parent.remove(after)


def _append_text(element: HtmlElement, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _unpack(tree: HtmlElement) -> None:
    """Paragraphs in list items, and lists that stand beside the item they belong to, as Google Docs writes them."""
    for item in tree.iter("li"):
        for paragraph in item.findall("p"):
            paragraph.drop_tag()
    for each in list(tree.iter("ul", "ol")):
        above, before = each.getparent(), each.getprevious()
        if above is not None and above.tag in {"ul", "ol"} and before is not None and before.tag == "li":
            before.append(each)
    for link in list(tree.iter("a")):
        # Bookmarks and notes of the file itself lead nowhere in a letter.
        if not link.get("href", "").startswith(("http://", "https://", "mailto:")):
            link.drop_tag()


def _without_stray_breaks(markdown: str) -> str:
    markdown = markdown.replace("\u00a0", " ").replace("\u200b", "")
    return (
        re.sub(r"(?m)[ \t]+$", "", re.sub(r"\n{3,}", "\n\n", markdown)).strip("\n") + "\n" if markdown.strip() else ""
    )
