"""The pictures of a text that comes in: each becomes one that is kept here, or is left out with a reason.

No database: what was gathered is kept by whoever keeps the text.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from keepshowingup.core.errors import Refused
from keepshowingup.core.pictures import FOLDER, NAME, PICTURE_LIMIT, Picture, read_picture

#: Pictures of one text, and seconds that fetching all of them may take.
MOST = 40
SECONDS = 30.0
#: Pixels of a side. What is smaller shows nothing: it counts who opens it.
SMALLEST = 8

_DATA = re.compile(r"data:[^,;]{0,100}((?:;[^,;]{0,100}){0,3}),", re.IGNORECASE)

Fetch = Callable[[str], bytes]
"""The bytes at an address; raises :class:`Refused`."""


def nobody_fetches(url: str) -> bytes:
    """For texts whose remote pictures are not asked for."""
    raise Refused(f"It is at {urlsplit(url).hostname or 'another place'}, and nothing is fetched for this text.")


class Gallery:
    """Takes the pictures of one text in; ``pictures`` has them by name, ``left_out`` a sentence for each that is not.

    ``base`` is the address the text came from; ``is_kept`` says whether we have a picture of this name already.
    """

    def __init__(
        self, *, base: str = "", fetch: Fetch = nobody_fetches, is_kept: Callable[[str], bool] = lambda name: False
    ) -> None:
        self.pictures: dict[str, Picture] = {}
        self.left_out: list[str] = []
        self._base, self._fetch, self._is_kept = base, fetch, is_kept
        self._taken: dict[str, str | None] = {}
        self._deadline = time.monotonic() + SECONDS

    def take(self, source: str, words: str) -> str | None:
        """The address of the kept picture in place of this one; None where it is left out."""
        name = source.removeprefix(FOLDER)
        if source.startswith(FOLDER) and NAME.fullmatch(name) and self._is_kept(name):
            return source
        if source not in self._taken:
            self._taken[source] = self._bring_in(source, words)
        return self._taken[source]

    def _bring_in(self, source: str, words: str) -> str | None:
        try:
            if len(self._taken) >= MOST:
                raise Refused(f"{MOST} pictures are the most that are brought in with one text.")
            picture = read_picture(self._bytes(source), _called(source))
        except Refused as error:
            self.left_out.append(f"The picture {f'“{words}” ' if words else ''}was left out. {error.message}")
            return None
        if min(picture.width, picture.height) < SMALLEST:
            return None
        self.pictures[picture.name] = picture
        return FOLDER + picture.name

    def _bytes(self, source: str) -> bytes:
        if inside := _DATA.match(source):
            return _decoded(source[inside.end() :], is_base64="base64" in inside.group(1).lower())
        url = urljoin(self._base, source)
        if not url.startswith(("http://", "https://")):
            raise Refused("Its file did not come along. Put the text and its pictures into a folder, or a Word file.")
        if time.monotonic() > self._deadline:
            raise Refused(f"All pictures together took longer than {SECONDS:.0f} seconds.")
        return self._fetch(url)


def _decoded(text: str, *, is_base64: bool) -> bytes:
    if len(text) > 12 * PICTURE_LIMIT:
        raise Refused("It has more than 2 MB. Make it smaller.")
    try:
        return base64.b64decode(unquote_to_bytes(text), validate=False) if is_base64 else unquote_to_bytes(text)
    except (binascii.Error, ValueError) as error:
        raise Refused("It is damaged.") from error


def _called(source: str) -> str:
    """A name for a picture in sentences: the last part of its address."""
    if source.startswith("data:"):
        return "It"
    try:
        return urlsplit(source).path.rpartition("/")[2][:80] or "It"
    except ValueError:
        return "It"
