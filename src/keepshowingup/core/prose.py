"""Words and sentences: how long a text is, and where one thought ends and the next begins."""

from __future__ import annotations

import re

# Scripts written without spaces count a character a word, so that a page of Japanese is not "3 words".
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['\u2019\-\u2011.,][^\W_{_UNSPACED}]+)*")

_CLOSERS = "\"'”\u2019»)\\]*_"
_END = re.compile(rf"(?:[.!?…]+[{_CLOSERS}]*(?=\s|\Z))|[。！？]+[」』”]*")  # noqa: RUF001 - they are full stops too
_SHORT_FORM = re.compile(
    r"(?:^|[\s(\"'“\u2018])(?:(?:mr|mrs|ms|mx|dr|st|jr|sr|prof|rev|hon|gen|col|sgt|vs|etc|approx|fig|no|vol|pp?|ed|eds|inc"
    r"|ltd|co|cf|al|e\.g|i\.e|eg|ie|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|a\.m|p\.m|u\.s|u\.k)|[a-z])\.$",
    re.IGNORECASE,
)
# After these a sentence may well end; what follows decides.
_MAY_END = re.compile(r"(?:etc|inc|ltd|co|jr|sr|a\.m|p\.m|u\.s|u\.k|\bi)\.$", re.IGNORECASE)


def words(text: str) -> list[str]:
    """The words of a text, without punctuation; ``don't`` and ``well-known`` are one word each."""
    return WORD.findall(text)


def count_words(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in WORD.finditer(text))


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Where the sentences of ``text[start:end]`` lie, as offsets in ``text``, without the space around them.

    Every character that is not space is in exactly one of them. Short forms (Dr., e.g., initials) end none.
    """
    end = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    opened = start
    for mark in _END.finditer(text, start, end):
        if _goes_on(text, opened, mark.end(), end):
            continue
        _append(spans, text, opened, mark.end())
        opened = mark.end()
    _append(spans, text, opened, end)
    return spans


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))


def _goes_on(text: str, opened: int, stop: int, end: int) -> bool:
    """Whether the stop just before ``stop`` belongs to a short form, or is followed by a small letter."""
    following = text[stop : min(stop + 40, end)].lstrip()
    if following[:1].islower():
        return True
    before = text[max(opened, stop - 12) : stop].rstrip("\"'”\u2019»)]*_")
    if not before.endswith(".") or before.endswith(".."):
        return False
    if not _SHORT_FORM.search(before):
        return False
    return not (_MAY_END.search(before) and following[:1].isupper())
