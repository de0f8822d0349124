"""Make the table of word pairs again: ``python -m benchmarks.proofreading.make_pairs FOLDER``.

FOLDER holds one folder for each source of ``pair_sources.toml``: what is there is read, what is missing is named.
The same texts make the same table, byte for byte.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from keepshowingup.core.reading_copy import read_copy
from keepshowingup.core.word_pairs import pairs_of, read_table, write_table

SOURCES = Path(__file__).with_name("pair_sources.toml")
TABLE = Path(__file__).parents[2] / "src/keepshowingup/core/data/word_pairs.bin"
#: A word is common when it is one of the first so many of the list, or stands so often in the texts.
MOST_COMMON, OFTEN_ENOUGH = 20_000, 25
BITS_PER_PAIR, HASHES = 10, 6
_MARKUP = re.compile(r"<(?:m:)?math\b.*?</(?:m:)?math>|<metadata\b.*?</metadata>|<head\b.*?</head>|<[^>]+>", re.DOTALL)
_ENDS_A_BLOCK = re.compile(r"</(?:para|title|p|h\d|item|li|entry|caption|section)>")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Read the sources under FOLDER, and write the table the proofreader uses."""
    words: Counter[str] = Counter()
    pairs: set[tuple[str, str]] = set()
    common: set[str] = set()
    for source in tomllib.loads(SOURCES.read_text("utf-8"))["source"]:
        place = folder / source["folder"]
        if not place.is_dir():
            raise click.ClickException(f"{place} is missing: {source['what']} ({source['where']}).")
        before = sum(words.values())
        for text in _texts(place, source.get("left_out", ())):
            words.update(word.lower() for word in _WORD.findall(text))
            pairs.update((pair.first, pair.second) for pair in pairs_of(text))
        common.update(_listed_words(place))
        pairs.update(_listed_pairs(place))
        click.echo(f"{source['folder']}: {sum(words.values()) - before:,} words, {len(pairs):,} pairs so far", err=True)
    common.update(word for word, times in words.items() if times >= OFTEN_ENOUGH)
    kept = sorted(pair for pair in pairs if common.issuperset(pair))
    data = write_table(sorted(common), kept, bits_per_pair=BITS_PER_PAIR, hashes=HASHES)
    assert all(read_table(data).knows(*pair) for pair in kept[::1000])
    TABLE.write_bytes(data)
    click.echo(f"{len(common):,} words and {len(kept):,} pairs in {len(data):,} bytes.")


def _texts(place: Path, left_out: list[str] | tuple[str, ...]) -> Iterator[str]:
    unread = {place / name for name in left_out}
    for path in sorted(place.rglob("*")):
        if path in unread or path.suffix not in {".md", ".cnxml", ".xhtml"}:
            continue
        text = path.read_text("utf-8", "replace")
        if path.suffix != ".md":
            text = html.unescape(_MARKUP.sub("", _ENDS_A_BLOCK.sub("\n\n", text)))
        yield read_copy(text).plain


def _listed_words(place: Path) -> list[str]:
    """The commonest words of a list of words and counts, if the source has one."""
    return [line.split()[0] for path in place.glob("frequency_dictionary_en_*.txt") for line in _lines(path)][
        :MOST_COMMON
    ]


def _listed_pairs(place: Path) -> Iterator[tuple[str, str]]:
    for path in place.glob("frequency_bigramdictionary_en_*.txt"):
        for line in _lines(path):
            first, second, _ = line.split()
            yield first, second


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8-sig").splitlines()


if __name__ == "__main__":
    main()
