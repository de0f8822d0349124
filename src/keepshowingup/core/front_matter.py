"""The few lines above a text that say what it is: ``title: Finding your people`` between two rules."""

from __future__ import annotations

import re
from typing import NamedTuple

_FENCED = re.compile(
    r"\A\ufeff?[ \t]*\n*(---|\+\+\+)[ \t]*\n(.*?)(?:\n)?^(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_FIELD = re.compile(r"([A-Za-z][\w .-]{0,40}?)\s*[:=]\s?(.*)\Z")


class FrontMatter(NamedTuple):
    """What the lines say, by lower-case name, and the offset at which the text itself begins."""

    fields: dict[str, str]
    body_start: int


def read_front_matter(text: str) -> FrontMatter:
    """Read the front matter of a text whose lines end in ``\\n``. A rule that only separates is none."""
    match = _FENCED.match(text)
    if not match:
        return FrontMatter({}, 0)
    fields: dict[str, str] = {}
    name = ""
    for line in match.group(2).splitlines():
        field = _FIELD.match(line)
        if field:
            name = field.group(1).strip().lower()
            fields[name] = _unquoted(field.group(2))
        elif name and line.startswith((" ", "\t", "-")):
            fields[name] = f"{fields[name]} {line.strip()}".strip()
        elif line.strip() and not line.startswith("#"):
            return FrontMatter({}, 0)
    return FrontMatter(fields, match.end()) if fields else FrontMatter({}, 0)


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
