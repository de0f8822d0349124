"""Being on this list is itself the secret: what other people can see must not give the topic away."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

# Capitals matter here: "AA" is a fellowship, "aa" is a typing error.
_FELLOWSHIPS = re.compile(r"\b(?:AA|NA|CA|GA|SUD|AUD|OUD|MAT)\b")


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/discretion.toml").read_text("utf-8"))
    topics, hints = data["topics"], data["hints"]
    return _any(topics), _any([*topics, *hints])


def _any(alternatives: list[str]) -> re.Pattern[str]:
    joined = "|".join(alternatives).replace(" ?", r"[\s-]?").replace(" ", r"[\s-]+")
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)


def topic_spans(line: str) -> list[tuple[int, int]]:
    """Where a subject, preheader or title names the topic."""
    found = [*_patterns()[0].finditer(line), *_FELLOWSHIPS.finditer(line)]
    return sorted(match.span() for match in found)


def is_discreet(line: str) -> bool:
    """Whether a line may be *proposed* as a subject: it neither names the topic nor hints at it."""
    return not _patterns()[1].search(line) and not _FELLOWSHIPS.search(line)
