"""Pictures in letters: what they are by their own first bytes, how large, and how a text refers to one.

A picture is named by its content: the same picture has the same name in every letter, for every reader, on every host.
What it says about who made it, where and when is not kept (``picture_files``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from keepshowingup.core.errors import Refused
from keepshowingup.core.picture_files import Damaged, clean_gif, clean_jpeg, clean_png

#: Octets of one picture, and of all pictures of one letter together.
PICTURE_LIMIT = 2 * 1024 * 1024
TOGETHER_LIMIT = 4 * 1024 * 1024
#: Pixels of one picture, and of its longer side: it is unpacked in the memory of a reader's telephone.
PIXELS = 25_000_000
LONGEST_SIDE = 10_000
#: What a letter's Markdown has before the name of a picture: ``![a bench](images/…)``.
FOLDER = "images/"

_NAME = r"[0-9a-f]{32}\.(?:jpg|png|gif)"
NAME = re.compile(_NAME)
_KINDS = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
_REFERENCE = re.compile(rf"\]\(\s*<?{FOLDER}({_NAME})>?[^()\n]*\)")
_FORMS: tuple[tuple[bytes, str, Callable[[bytes], tuple[bytes, int, int]]], ...] = (
    (b"\xff\xd8\xff", "jpg", clean_jpeg),
    (b"\x89PNG\r\n\x1a\n", "png", clean_png),
    (b"GIF87a", "gif", clean_gif),
    (b"GIF89a", "gif", clean_gif),
)
_OTHERS = (
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "a WebP picture, which some mail programs don't show"),
    (re.compile(rb"....ftyp(?:avi|hei|mif|msf)", re.DOTALL), "an AVIF or HEIC picture, which mail programs don't show"),
    (re.compile(rb"BM|II\*\0|MM\0\*"), "a BMP or TIFF picture, which mail programs don't show"),
    (re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:\?xml|!--|svg\b|!doctype svg)", re.IGNORECASE),
     "an SVG drawing, which can hold scripts"),
)  # fmt: skip


class Measures(NamedTuple):
    """A picture's size: pixels as it is seen, and octets."""

    width: int
    height: int
    octets: int


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept: bytes that say nothing about who took it, under a name made of them."""

    name: str
    width: int
    height: int
    data: bytes

    @property
    def measures(self) -> Measures:
        """Its size."""
        return Measures(self.width, self.height, len(self.data))


def read_picture(data: bytes, called: str) -> Picture:
    """A JPEG, PNG or GIF without what it tells about its maker; read again it is the same.

    ``called`` names it in sentences. Raises :class:`Refused` for anything else, for a damaged one, for more than 2 MB
    and for more pixels than a telephone's memory takes.
    """
    form = next(((ending, clean) for begins, ending, clean in _FORMS if data.startswith(begins)), None)
    if form is None:
        other = next((words for pattern, words in _OTHERS if pattern.match(data)), "no picture that a letter can hold")
        raise Refused(f"{called} is {other}. Save it as JPEG or PNG.")
    if len(data) > 8 * PICTURE_LIMIT:
        raise Refused(_too_heavy(called, len(data)))
    ending, clean = form
    try:
        kept, width, height = clean(data)
    except Damaged as error:
        raise Refused(f"{called} is damaged: {error}. Open it in a picture program and save it again.") from error
    if len(kept) > PICTURE_LIMIT:
        raise Refused(_too_heavy(called, len(kept)))
    if not (width and height) or width * height > PIXELS or max(width, height) > LONGEST_SIDE:
        raise Refused(
            f"{called} has {width} by {height} pixels; {PIXELS // 1_000_000} million is the most. Make it smaller."
        )
    return Picture(f"{hashlib.sha256(kept).hexdigest()[:32]}.{ending}", width, height, kept)


def kind_of(name: str) -> str:
    """The media type of a picture with this name."""
    return _KINDS[name.rpartition(".")[2]]


def names_in(markdown: str) -> tuple[str, ...]:
    """The names of the kept pictures a text shows, each once, in order."""
    return tuple(dict.fromkeys(_REFERENCE.findall(markdown))) if FOLDER in markdown else ()


def references_in(markdown: str) -> list[tuple[str, str]]:
    """The words and the name of each kept picture a text shows, in order."""
    return re.findall(rf"!\[([^\[\]]{{0,500}})\]\(\s*<?{FOLDER}({_NAME})", markdown)


def _too_heavy(called: str, octets: int) -> str:
    return (
        f"{called} has {octets / 1024 / 1024:.1f} MB; {PICTURE_LIMIT // 1024 // 1024} MB is the most for a picture. "
        "Make it smaller: 1,200 pixels are wide enough."
    )
