"""Opaque words that stand in for what a parser must not touch, until it is put back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable


class Tokens:
    """Numbered words no text contains. :meth:`put` hides a source behind one, :meth:`restore` brings all back."""

    def __init__(self, text: str) -> None:
        number = 0
        # Letters and digits only: Markdown, URL encoding and HTML serialising leave those alone.
        while (stem := f"zq{number}x") in text:
            number += 1
        self._stem = stem
        self.pattern = re.compile(rf"{stem}(\d+)z")
        self.sources: list[str] = []

    def put(self, source: str) -> str:
        """A new word for this source."""
        self.sources.append(source)
        return f"{self._stem}{len(self.sources) - 1}z"

    def source(self, word: str) -> str | None:
        """The source behind a word that is exactly one token, else None."""
        match = self.pattern.fullmatch(word)
        return self.sources[int(match.group(1))] if match else None

    def restore(self, text: str, between: Callable[[str], str] = str) -> str:
        """The text with every word replaced by its source, and ``between`` applied to what lies between them."""
        out: list[str] = []
        start = 0
        for match in self.pattern.finditer(text):
            out += between(text[start : match.start()]), self.sources[int(match.group(1))]
            start = match.end()
        return "".join((*out, between(text[start:])))

    def absent(self, text: str) -> Iterable[str]:
        """Sources whose word is nowhere in the text."""
        seen = {int(number) for number in self.pattern.findall(text)}
        return (source for number, source in enumerate(self.sources) if number not in seen)
