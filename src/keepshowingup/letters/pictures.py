"""Pictures in a letter: where their bytes are is said when it is sent, on our own host or inside of the message.

A compiled letter has ``{{ pictures_at }}`` before each picture's name. With the address of our host there it is fetched
when a reader lets their program do so; with :data:`EMBEDDED` it comes along, as a part of its own (RFC 2387, RFC 2392).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from keepshowingup.core.pictures import NAME, Measures, kind_of

#: ``pictures_at`` for pictures that come along: what stands before a picture's name in a Content-ID's address.
EMBEDDED = "cid:picture@"
FIELD = "{{ pictures_at }}"
#: Pixels: the width of the column that words stand in, where a screen is wide enough for all of it.
WIDEST = 520
#: A picture never is wider than its column, whatever its attributes say.
STYLE = "display: block; max-width: 100%; height: auto; border: 0;"

_SHOWN = re.compile(re.escape(FIELD) + f"({NAME.pattern})")
_RELATED = b"=_pictures"
_START = (
    b'Content-Type: multipart/related; type="text/html"; boundary="%b"\r\n\r\n--%b\r\n'
    b'Content-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
) % (_RELATED, _RELATED)


def shown_size(measures: Measures) -> tuple[int, int]:
    """Width and height, in pixels, at which a picture stands in a letter."""
    width = min(measures.width, WIDEST)
    return width, max(1, round(measures.height * width / measures.width))


def pictures_in(html: str) -> tuple[str, ...]:
    """The names of the pictures that compiled HTML shows, each once, in order."""
    return tuple(dict.fromkeys(_SHOWN.findall(html))) if FIELD in html else ()


def enclose(pictures: Mapping[str, bytes]) -> bytes:
    """Pictures by name as MIME parts that follow the HTML they belong to; nothing for none."""
    return b"".join(_part(number, name, data) for number, (name, data) in enumerate(pictures.items(), 1))


def _part(number: int, name: str, data: bytes) -> bytes:
    head = (
        f"Content-Type: {kind_of(name)}\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <picture@{name}>\r\n"
        f'Content-Disposition: inline; filename="picture-{number}.{name.rpartition(".")[2]}"\r\n\r\n'
    )
    return b"--%b\r\n%b%b" % (_RELATED, head.encode(), base64.encodebytes(data).replace(b"\n", b"\r\n"))


def with_pictures(boundary: bytes, enclosed: bytes) -> tuple[bytes, bytes]:
    """What stands before the HTML and behind it where pictures come along, within a body of this boundary."""
    return b"--%b\r\n%b" % (boundary, _START), b"%b--%b--\r\n--%b--\r\n" % (enclosed, _RELATED, boundary)
