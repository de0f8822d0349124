"""Which words stand next to each other in ordinary English: the pairs a text has, and those nobody has seen.

The table (``data/word_pairs.bin``) holds no text: only common words, and a bit pattern that knows the pairs
(a Bloom filter: it never calls a known pair unseen, and takes a few unseen ones for known). How it was made, from
which texts, under which licences: ``data/word_pairs.md``. It is read when it is first needed, in milliseconds.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

#: The first bytes of a table: what it is, and the version of its form.
MAGIC = b"KSUPAIRS1\n"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_TOUCHES = frozenset("-_0123456789/@#")


class WordPair(NamedTuple):
    """Two words with nothing but space between them, in small letters, and where the two stand."""

    first: str
    second: str
    start: int
    end: int


@dataclass(frozen=True)
class PairTable:
    """Common words, and the pairs of them that were seen."""

    words: frozenset[str]
    bits: bytes
    hashes: int

    def knows(self, first: str, second: str) -> bool:
        """Whether the pair was seen in ordinary English."""
        bits = self.bits
        return all(bits[at >> 3] >> (at & 7) & 1 for at in places_of(first, second, len(bits) * 8, self.hashes))


def places_of(first: str, second: str, size: int, hashes: int) -> list[int]:
    """The bits, of ``size``, that stand for a pair."""
    digest = hashlib.blake2b(f"{first} {second}".encode(), digest_size=16).digest()
    start, step = int.from_bytes(digest[:8]), int.from_bytes(digest[8:]) | 1
    return [(start + turn * step) % size for turn in range(hashes)]


def pairs_of(text: str, start: int = 0, end: int | None = None) -> Iterator[WordPair]:
    """The word pairs of ``text[start:end]``, a text whose apostrophes are plain.

    Names are left out: words with a capital in mid-sentence say nothing about ordinary English. So are parts of
    compounds, and what a full stop, a comma, a figure or an empty line parts.
    """
    word, stop = "", -1
    end = len(text) if end is None else end
    for match in _WORD.finditer(text, start, end):
        before, (at, began) = word, (stop, match.start())
        stop = match.end()
        said = match.group()
        between = text[at:began] if at >= 0 else "."
        follows = between.isspace() and between.count("\n") < 2
        # A capital is a name's, unless a sentence begins here.
        word = said.lower() if said.islower() or (not follows and said[1:].islower()) or len(said) == 1 else ""
        if text[began - 1 : began] in _TOUCHES or text[stop : stop + 1] in _TOUCHES:
            word = ""
        if follows and word and before and said.islower():
            yield WordPair(before, word, at - len(before), stop)


@cache
def pair_table() -> PairTable:
    """The table that ships with the package."""
    return read_table(files("keepshowingup.core").joinpath("data/word_pairs.bin").read_bytes())


def read_table(data: bytes) -> PairTable:
    """Read a table: the mark, then three numbers (4 bytes each), the words (deflated), and the bits."""
    if not data.startswith(MAGIC):
        raise ValueError("This is no table of word pairs. Make it again: see core/data/word_pairs.md.")
    at = len(MAGIC)
    hashes, words_length, bits_length = (int.from_bytes(data[at + n : at + n + 4]) for n in (0, 4, 8))
    at += 12
    words = frozenset(zlib.decompress(data[at : at + words_length]).decode().split("\n"))
    bits = data[at + words_length :]
    if len(bits) != bits_length:
        raise ValueError("The table of word pairs is cut off. Make it again: see core/data/word_pairs.md.")
    return PairTable(words, bits, hashes)


def write_table(words: list[str], pairs: list[tuple[str, str]], *, bits_per_pair: int, hashes: int) -> bytes:
    """A table of those words and pairs, as :func:`read_table` reads it."""
    bits = bytearray(-(-len(pairs) * bits_per_pair // 8))
    for first, second in pairs:
        for at in places_of(first, second, len(bits) * 8, hashes):
            bits[at >> 3] |= 1 << (at & 7)
    packed = zlib.compress("\n".join(sorted(words)).encode(), 9)
    numbers = b"".join(number.to_bytes(4) for number in (hashes, len(packed), len(bits)))
    return MAGIC + numbers + packed + bytes(bits)
