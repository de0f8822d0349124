"""Whether a text is English. Rules about English words say nothing about any other language."""

from __future__ import annotations

from keepshowingup.core.prose import words
from keepshowingup.core.reading_copy import ReadingCopy, Span
from keepshowingup.core.word_pairs import pair_table

# So many words at least, before anything is said about their language.
_FEWEST_WORDS = 12
# English prose has nine common words of ten; names, terms and typing errors lower that, another language far more.
_LEAST_KNOWN = 0.55


def is_english(text: str) -> bool:
    """Whether a text reads as English; a few words are taken for English."""
    said = [word.lower() for word in words(text) if word.isalpha() or "'" in word]
    if len(said) < _FEWEST_WORDS:
        return True
    common = pair_table().words
    return sum(word in common or word.partition("'")[0] in common for word in said) >= _LEAST_KNOWN * len(said)


def foreign_spans(copy: ReadingCopy) -> list[Span]:
    """The paragraphs, items and quotations that are not English, as offsets."""
    return [(block.start, block.end) for block in copy.prose if not is_english(copy.plain[block.start : block.end])]
