"""reStructuredText, as READMEs and manuals have it, as Markdown: headings, links, code; directives are taken out."""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(r"(\s*)\.\. (?:\|[^|\n]+\| )?([\w-]+)::[ \t]*(.*)")
_EXPLICIT = re.compile(r"\s*\.\.(?:\s|\Z)")
_TARGET = re.compile(r"^[ \t]*\.\. _`?([^`:\n]+)`?:[ \t]+(\S+)[ \t]*$", re.MULTILINE)
_UNDERLINE = re.compile(r"([=\-`:'\"~^_*+#<>.])\1{2,}[ \t]*\Z")
_LINK = re.compile(r"`([^`<>\n]+(?:\n[^`<>\n]+)?)\s<([^<>\s]+)>`__?")
_NAMED = re.compile(r"`([^`<>\n]{1,80})`_(?!_)|(?<![\w`_])([A-Za-z][\w.+-]{0,60}?)_(?![\w_`])")
_ROLE = re.compile(r":[a-z:]{1,20}:`~?([^`<>\n]+?)(?:\s<[^<>`\n]+>)?`")
_SUBSTITUTION = re.compile(r"(?<!\|)\|[A-Za-z][\w .-]{0,40}\|(?!\|)")
_FIELD = re.compile(r"\s{0,4}:[A-Za-z][\w .-]{0,30}:(?:\s|\Z)")
# Directives whose content is text; all others are dropped with what belongs to them.
_SPOKEN = frozenset(
    {"note", "tip", "hint", "important", "warning", "caution", "attention", "seealso", "epigraph", "topic"}
)
_CODE = frozenset({"code", "code-block", "sourcecode", "parsed-literal", "literalinclude", "doctest"})
_SIGNS = (
    re.compile(r"^\s*\.\. (?:\|[^|\n]+\| )?[\w-]+::", re.MULTILINE),
    re.compile(r"^\s*\.\. _[^:\n]+:", re.MULTILINE),
    re.compile(r"`[^`<>\n]+<[^<>\s]+>`_"),
    re.compile(r"::[ \t]*\n[ \t]*\n[ \t]+\S"),
    re.compile(r":[a-z]{2,12}:`[^`\n]+`"),
)


def looks_restructured(text: str) -> bool:
    """Whether a text is reStructuredText: it has at least two of its marks, or one of them three times."""
    counts = [len(sign.findall(text)) for sign in _SIGNS]
    return sum(count > 0 for count in counts) >= 2 or max(counts) >= 3


def to_markdown(text: str) -> str:
    """A reStructuredText, with even line ends, as Markdown."""
    targets = {name.strip().lower(): address for name, address in _TARGET.findall(text)}
    out: list[str] = []
    levels: list[str] = []
    lines = text.expandtabs(4).split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        if _EXPLICIT.match(line):
            at = _explicit(lines, at, out)
        elif heading := _heading(lines, at):
            mark, words, used = heading
            if mark not in levels:
                levels.append(mark)
            out += ["", f"{'#' * min(6, levels.index(mark) + 1)} {_inline(words, targets)}", ""]
            at += used
        elif line.rstrip().endswith("::") and (block := _indented(lines, at + 1)) > at + 1:
            if line.strip() != "::":
                out.append(_inline(line.rstrip()[:-1], targets))
            out += _fenced(lines[at + 1 : block])
            at = block
        else:
            if not _FIELD.match(line) and not (_SUBSTITUTION.sub("", line).strip() == "" and line.strip()):
                out.append(_inline(line, targets))
            at += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip("\n") + "\n"


def _explicit(lines: list[str], at: int, out: list[str]) -> int:
    """Take out a directive, comment or target; text and code that belong to it stay. Answers the line behind it."""
    end = _indented(lines, at + 1)
    directive = _DIRECTIVE.match(lines[at])
    if directive and directive.group(2) in _CODE:
        out += _fenced([line for line in lines[at + 1 : end] if not _FIELD.match(line)])
    elif directive and directive.group(2) in _SPOKEN:
        body = [line.strip() for line in lines[at + 1 : end] if not _FIELD.match(line)]
        out += ["", directive.group(3), *body, ""]
    else:
        out.append("")
    return end


def _indented(lines: list[str], at: int) -> int:
    """The line behind the indented block that begins at a line, empty lines before it counted in."""
    end = at
    for number in range(at, len(lines)):
        if not lines[number].strip():
            continue
        if not lines[number].startswith((" ", "\t")):
            break
        end = number + 1
    return end


def _heading(lines: list[str], at: int) -> tuple[str, str, int] | None:
    """A heading at a line: its mark, its words, and how many lines it takes."""
    line = lines[at]
    over = _UNDERLINE.match(line)
    if over and at + 2 < len(lines) and lines[at + 1].strip() and lines[at + 2].strip() == line.strip():
        return f"{over.group(1)}{over.group(1)}", lines[at + 1].strip(), 3
    if not line.strip() or line.startswith(" ") or at + 1 == len(lines) or over:
        return None
    under = _UNDERLINE.match(lines[at + 1])
    if under and len(lines[at + 1].strip()) >= min(4, len(line.strip())) and (at == 0 or not lines[at - 1].strip()):
        return under.group(1), line.strip(), 2
    return None


def _fenced(lines: list[str]) -> list[str]:
    body = "\n".join(lines).strip("\n")
    return ["", "```", body, "```", ""] if body.strip() else [""]


def _inline(line: str, targets: dict[str, str]) -> str:
    def named(match: re.Match[str]) -> str:
        words = match.group(1) or match.group(2)
        address = targets.get(words.strip().lower())
        return f"[{words}]({address})" if address else words if match.group(1) else match.group()

    line = _LINK.sub(lambda match: f"[{' '.join(match.group(1).split())}]({match.group(2)})", line)
    line = _ROLE.sub(r"`\1`", line.replace("``", "`"))
    return _SUBSTITUTION.sub("", _NAMED.sub(named, line))
