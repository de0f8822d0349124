"""Commercial phrases repeated beyond sense, as texts do that were written for search engines."""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cache
from importlib.resources import files
from itertools import pairwise

from keepshowingup.core.findings import Findings, found_at
from keepshowingup.core.prose import words
from keepshowingup.core.reading_copy import ReadingCopy

# So often at least, and so often in 100 words.
_STUFFED_TIMES, _STUFFED_PER_HUNDRED = 4, 2.0


@cache
def _commercial() -> frozenset[str]:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/garble.toml").read_text("utf-8"))
    return frozenset(data["commercial"])


def find_stuffing(copy: ReadingCopy) -> Findings:
    """Commercial phrases of two words, said more often than anybody would."""
    said = [word.lower() for word in words(copy.plain)]
    pairs = Counter(pair for pair in pairwise(said) if _commercial() & set(pair))
    for (first, second), times in pairs.items():
        if times >= _STUFFED_TIMES and times * 100 >= _STUFFED_PER_HUNDRED * len(said) and len(first) > 3 < len(second):
            start = copy.plain.lower().find(f"{first} {second}")
            advice = f"“{first} {second}” stands here {times} times. Say it once or twice."
            span = (start, start + len(first) + len(second) + 1) if start >= 0 else (0, 0)
            yield found_at(copy, *span, "spam.stuffed", "spam", "warn", advice)
