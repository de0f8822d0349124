"""JPEG, PNG and GIF files, block by block: what draws the picture is kept, what speaks of its maker is left out.

A photograph tells where it was taken, when, with whose camera, and often has a small copy of itself from before it was
cut. Blocks are copied, not painted anew, so no quality is lost. Whatever follows a picture's end is left out too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_ICC_LIMIT = 1024 * 1024
# ITU-T T.81 table B.1: markers that stand alone, those of a frame header, and all that say how to draw it.
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DRAWING = _FRAMES | {0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD}
# PNG (third edition) section 4.8: critical chunks, and those that change how a pixel looks.
_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"})


class Damaged(ValueError):
    """The file ends too early, or is not built as its kind is."""


def clean_jpeg(data: bytes) -> tuple[bytes, int, int]:
    """The picture without Exif, XMP, comments and small copies, and its width and height as it is seen.

    Which way up it is held (Exif tag 0x0112) is kept: without it a photograph would lie on its side.
    """
    out: list[bytes] = []
    orientation, size, scans = 1, (0, 0), 0
    for marker, segment in _segments(data):
        body = segment[4:]
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            orientation = _orientation(body[6:])
        elif marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14:
            out.append(b"\xff\xe0\x00\x10" + body[:12] + b"\0\0")
        elif (marker == 0xE2 and body.startswith(b"ICC_PROFILE\0")) or (marker == 0xEE and body.startswith(b"Adobe")):
            out.append(segment)
        elif marker in _DRAWING:
            if marker in _FRAMES:
                if len(body) < 5:
                    raise Damaged("its size is cut off")
                height, width = struct.unpack(">HH", body[1:5])
                size = (width, height)
            scans += marker == 0xDA
            out.append(segment)
    if not scans:
        raise Damaged("it holds no picture")
    held = _held(orientation) if orientation != 1 else b""
    width, height = reversed(size) if orientation >= 5 else size
    return b"\xff\xd8" + held + b"".join(out) + b"\xff\xd9", width, height


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The segments between start and end of the image; that of a scan (0xDA) has its coded pixels with it."""
    at = 2
    while True:
        if at + 2 > len(data) or data[at] != 0xFF:
            raise Damaged("it breaks off")
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker == 0xD9:
            return
        if marker in _STANDALONE:
            at += 2
            continue
        end = at + 2 + _number(data, at + 2, ">H")
        if end > len(data) or end < at + 4:
            raise Damaged("it breaks off")
        if marker == 0xDA:
            end = _end_of_scan(data, end)
        yield marker, data[at:end]
        at = end


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker begins that is no restart and no stuffed byte of coded pixels."""
    while (at := data.find(b"\xff", at)) >= 0:
        if at + 1 < len(data) and data[at + 1] not in {0x00, 0xFF, *range(0xD0, 0xD8)}:
            return at
        at += 1 if data[at + 1 : at + 2] == b"\xff" else 2
    raise Damaged("it breaks off")


def _orientation(tiff: bytes) -> int:
    """Exif's orientation, 1 to 8; 1 where there is none that can be read."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        at = _number(tiff, 4, order + "I")
        for entry in range(_number(tiff, at, order + "H")):
            tag, kind = struct.unpack_from(order + "HH", tiff, at + 2 + 12 * entry)
            if (tag, kind) == (0x0112, 3):
                value = _number(tiff, at + 2 + 12 * entry + 8, order + "H")
                return value if 1 <= value <= 8 else 1
    except (Damaged, struct.error):
        return 1  # nothing that draws the picture is lost with a broken note about it
    return 1


def _held(orientation: int) -> bytes:
    """The smallest Exif segment that says which way up a picture is held, and nothing else."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    body = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def clean_png(data: bytes) -> tuple[bytes, int, int]:
    """The picture without texts, times, Exif and the further frames of an animation, and its width and height."""
    out, at, size = [data[:8]], 8, (0, 0)
    seen: set[bytes] = set()
    while True:
        length = _number(data, at, ">I")
        end = at + 12 + length
        if end > len(data):
            raise Damaged("it breaks off")
        name, body = data[at + 4 : at + 8], data[at + 8 : end - 4]
        if zlib.crc32(name + body) != _number(data, end - 4, ">I"):
            raise Damaged("some of its bytes are wrong")
        if (name == b"IHDR") != (not seen):
            raise Damaged("its size is missing")
        if name == b"IHDR":
            if length != 13:
                raise Damaged("its size is cut off")
            size = struct.unpack(">II", body[:8])
        if name in _CHUNKS and not (name == b"iCCP" and length > _ICC_LIMIT):
            out.append(data[at:end])
        elif name[:1].isupper():
            raise Damaged("it needs a part that nobody knows")
        seen.add(name)
        if name == b"IEND":
            break
        at = end
    if b"IDAT" not in seen:
        raise Damaged("it holds no picture")
    return b"".join(out), *size


def clean_gif(data: bytes) -> tuple[bytes, int, int]:
    """The picture without comments and notes of programs, and its width and height. A loop stays a loop."""
    if len(data) < 13:
        raise Damaged("it breaks off")
    width, height = struct.unpack("<HH", data[6:10])
    at = 13 + _colours(data[10])
    out, frames = [data[:at]], 0
    while True:
        kind = data[at : at + 1]
        if kind == b"\x3b":
            break
        if kind == b"\x2c":
            if at + 10 > len(data):
                raise Damaged("it breaks off")
            end = _end_of_blocks(data, at + 10 + _colours(data[at + 9]) + 1)
            out.append(data[at:end])
            frames += 1
        elif kind == b"\x21":
            end = _end_of_blocks(data, at + 2)
            label, what = data[at + 1 : at + 2], data[at + 3 : at + 14]
            if label == b"\xf9" or (label == b"\xff" and what == b"NETSCAPE2.0"):
                out.append(data[at:end])
        else:
            raise Damaged("it breaks off")
        at = end
    if not frames:
        raise Damaged("it holds no picture")
    return b"".join(out) + b"\x3b", width, height


def _colours(packed: int) -> int:
    """Octets of the colour table that these flags announce."""
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _end_of_blocks(data: bytes, at: int) -> int:
    """Where a row of sub-blocks ends: behind the empty one."""
    while True:
        if at >= len(data):
            raise Damaged("it breaks off")
        length = data[at]
        at += 1 + length
        if not length:
            return at


def _number(data: bytes, at: int, form: str) -> int:
    try:
        return int(struct.unpack_from(form, data, at)[0])
    except struct.error as error:
        raise Damaged("it breaks off") from error
