"""Links that were planted: "it can be hard to *click this site* tell a doctor". The sentence is whole without them.

A phrase as links have it counts as planted when the word before it and the word after it stand together in ordinary
English, and the phrase does not go with one of them.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from keepshowingup.core.findings import Finding, Findings, found_at
from keepshowingup.core.reading_copy import ReadingCopy, Span
from keepshowingup.core.word_pairs import pair_table

_BEFORE = re.compile(r"([A-Za-z']+)\s+\Z")
_AFTER = re.compile(r"\s+([a-z']+)")
# After these a phrase like "more info" may well be what the sentence is about.
_WELCOMING = frozenset(
    {"for", "any", "some", "get", "find", "need", "give", "want", "with", "the", "a", "an", "no", "of"}
)
# Without one of these a phrase must go with neither of its neighbours.
_LINKS = frozenset(
    {"here", "site", "sites", "website", "page", "webpage", "web", "link", "weblink", "guys", "click", "post", "blog"}
    | {"source", "url", "homepage", "out", "visit", "navigate", "peek", "hop", "pop", "knockout", "read", "over"}
)
_ADVICE = "Cut it: a phrase planted to carry a link, in the middle of somebody's sentence."


@cache
def _anchors() -> re.Pattern[str]:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/anchors.toml").read_text("utf-8"))
    terms = {name: f"(?:{pattern})" for name, pattern in data["terms"].items()}
    spelled = [re.sub(r"<(\w+)>", lambda name: terms[name.group(1)], pattern) for pattern in data["anchors"]["any"]]
    joined = "|".join(spelled).replace(" ?", r"[\s-]?").replace(" ", r"[\s-]+")
    return re.compile(rf"(?<![\w'-])(?:{joined})(?![\w'-])", re.IGNORECASE)


def find_planted(copy: ReadingCopy, elsewhere: list[Finding]) -> Findings:
    """Planted phrases that no finding of ``elsewhere`` has on its line and place already."""
    taken = {(one.line, column) for one in elsewhere for column in range(one.start, one.end)}
    for match in _anchors().finditer(copy.plain):
        place = copy.place(match.start())
        if (place.line, place.column) in taken:
            continue
        if span := _planted(copy, match.span()):
            yield found_at(copy, *span, "spam.planted", "spam", "warn", _ADVICE)


def _planted(copy: ReadingCopy, span: Span) -> Span | None:
    first, last = copy.sentence_at(span[0])
    phrase = copy.plain[slice(*span)]
    said = re.findall(r"[A-Za-z']+", phrase)
    after = _AFTER.match(copy.plain, span[1], last)
    if after and len(said) > 1 and all(word[0].isupper() for word in said):
        return span
    before = _BEFORE.search(copy.plain[max(first, span[0] - 40) : span[0]])
    if not before or not after:
        return None
    left, right = before.group(1).lower(), after.group(1)
    table = pair_table()
    if not table.knows(left, right):
        return None
    fits = (left in _WELCOMING or table.knows(left, said[0].lower())) + table.knows(said[-1].lower(), right)
    return span if fits == 0 or (fits == 1 and _LINKS.intersection(map(str.lower, said))) else None
