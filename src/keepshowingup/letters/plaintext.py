"""The plain-text part, made of the same Markdown as the HTML, for reading and not as a leftover."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from markdown_it.tree import SyntaxTreeNode

from keepshowingup.letters.environment import reader_template
from keepshowingup.letters.fields import literal
from keepshowingup.letters.markdown import Manuscript, is_action
from keepshowingup.letters.values import SAMPLE

#: Columns. Addresses are never broken, so a line that holds one may be longer.
WIDTH = 72


def to_text(manuscript: Manuscript) -> tuple[str, str]:
    """The body as Jinja source of plain text, and its notes: the addresses of links that stand inside sentences."""
    page = _Page(manuscript)
    root = SyntaxTreeNode(manuscript.blocks)
    body = "\n".join(page.blocks(root.children, WIDTH))
    restore = manuscript.tokens.restore
    return restore(body, literal), restore("\n".join(page.notes), literal)


def _sample(source: str) -> str:
    return reader_template(source, escaped=False).render(vars(SAMPLE))


class _Page:
    """Writes blocks as lines and collects the notes on the way."""

    def __init__(self, manuscript: Manuscript) -> None:
        self.manuscript = manuscript
        self.notes: list[str] = []

    def blocks(self, nodes: Iterable[SyntaxTreeNode], width: int, *, tight: bool = False) -> list[str]:
        """Lines of several blocks, an empty line between them, none inside a tight list."""
        lines: list[str] = []
        for node in nodes:
            gap = [""] if lines and not (tight and node.type in {"paragraph", "bullet_list", "ordered_list"}) else []
            written = self.block(node, width)
            if written == [""]:
                continue  # a picture without words
            # What may stay away takes the empty line before it along.
            at = 1 if self.is_condition(written[0]) else 0
            lines += [*written[:at], *gap, *written[at:]]
        return lines

    def is_condition(self, line: str) -> bool:
        """Whether a line is a hidden ``{% if … %}``."""
        return (self.manuscript.tokens.source(line) or "").startswith("{%")

    def block(self, node: SyntaxTreeNode, width: int) -> list[str]:
        """Lines of one block."""
        match node.type:
            case "heading":
                lines = self.wrap(self.inline(node.children[0]), width)
                longest = max(map(self.columns, lines), default=0)
                return [*lines, ("=" if node.tag == "h1" else "-") * min(longest, width)]
            case "bullet_list":
                return self.items(node, ["- "] * len(node.children), width)
            case "ordered_list":
                start = int(node.attrs.get("start", 1))
                return self.items(node, [f"{start + n}. " for n in range(len(node.children))], width)
            case "blockquote":
                return [f"> {line}".rstrip() for line in self.blocks(node.children, width - 2)]
            case "hr":
                return ["* * *".center(width).rstrip()]
            case "fence" | "code_block":
                return [f"    {line}".rstrip() for line in node.content.rstrip("\n").split("\n")]
        return self.paragraph(node, width)

    def items(self, node: SyntaxTreeNode, marks: list[str], width: int) -> list[str]:
        """Lines of a list, the words of each item under each other."""
        tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
        lines: list[str] = []
        for mark, item in zip(marks, node.children, strict=True):
            if lines and not tight:
                lines.append("")
            inside = self.blocks(item.children, width - len(mark), tight=tight) or [""]
            lines += [((mark if n == 0 else " " * len(mark)) + line).rstrip() for n, line in enumerate(inside)]
        return lines

    def paragraph(self, node: SyntaxTreeNode, width: int) -> list[str]:
        """A paragraph; a lone link is its words, a colon, and the address on a line of its own."""
        inline = node.children[0]
        tokens = inline.token.children or [] if inline.token else []
        if not is_action(node.level, tokens):
            return self.wrap(self.inline(inline), width)
        link = inline.children[0]
        href = str(link.attrs["href"])
        words = "".join(map(self.inline, link.children)).rstrip(" :")
        if (name := self.manuscript.link_field(href)) is None:
            return [*self.wrap(f"{words}:", width), href]
        put = self.manuscript.tokens.put
        return [put(f"{{% if {name} %}}"), *self.wrap(f"{words}:", width), href, put("{% endif %}")]

    def inline(self, node: SyntaxTreeNode) -> str:
        """The words of an inline node; a forced line break is a newline."""
        match node.type:
            case "text" | "code_inline":
                return node.content
            case "softbreak":
                return " "
            case "hardbreak":
                return "\n"
            case "image":
                words = "".join(map(self.inline, node.children)).strip()
                return f"[{words}]" if words else ""
        words = "".join(map(self.inline, node.children))
        match node.type:
            case "strong":
                return f"*{words}*"
            case "em":
                return f"_{words}_"
            case "link":
                return words + self.note(words, str(node.attrs["href"]))
        return words

    def note(self, words: str, href: str) -> str:
        """What follows a link's words: the number of its note, or nothing when the words are the address."""
        if words in {href, href.removeprefix("mailto:")}:
            return ""
        number = f" [{len(self.notes) + 1}]"
        name = self.manuscript.link_field(href)
        if name is None:
            self.notes.append(f"{number.strip()} {href}")
            return number
        put = self.manuscript.tokens.put
        # A condition as an expression: a statement would take the line's end with it.
        self.notes.append(put(f'{{{{ ("{number.strip()} " ~ {name}) if {name} else "" }}}}'))
        return put(f'{{{{ "{number}" if {name} else "" }}}}')

    def wrap(self, text: str, width: int) -> list[str]:
        """Lines of at most ``width`` columns, broken only at spaces. A word that is longer has a line of its own."""
        lines: list[str] = []
        for forced in text.split("\n"):
            line, used = "", 0
            for word in forced.split(" "):
                if not word:
                    continue
                columns = self.columns(word)
                if line and used + 1 + columns > width:
                    lines.append(line)
                    line, used = word, columns
                else:
                    line, used = (f"{line} {word}", used + 1 + columns) if line else (word, columns)
            lines.append(line)
        return lines

    def columns(self, text: str) -> int:
        """How wide a text is in a fixed-width font: marks take none, East Asian wide characters two.

        Merge fields count as wide as the sample reader's values: real ones come in after wrapping.
        """
        tokens = self.manuscript.tokens
        plain = tokens.pattern.sub(lambda word: _sample(tokens.sources[int(word.group(1))]), text)
        if plain.isascii():
            return len(plain)
        return sum(
            0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in {"W", "F"}) for c in plain
        )
