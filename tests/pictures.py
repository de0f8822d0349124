"""Real pictures, made byte by byte: small, valid, and with whatever a camera or a program writes into them."""

from __future__ import annotations

import struct
import zlib

#: Where a photograph was taken, as Exif has it: none of it may be left in what is kept.
GPS = b"GPSLatitude 43.6591N GPSLongitude 70.2568W"


def png(width: int = 3, height: int = 2, *chunks: tuple[bytes, bytes]) -> bytes:
    """A grey picture; ``chunks`` stand before its pixels."""
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def jpeg(width: int = 3, height: int = 2, *segments: tuple[int, bytes]) -> bytes:
    """A grey picture (baseline, one component); ``segments`` are a marker's second byte and its content."""
    tables = [
        (0xDB, b"\0" + b"\1" * 64),
        (0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"),
        (0xC4, b"\x00" + b"\1" + b"\0" * 15 + b"\0"),  # each block's brightness: as the one before it
        (0xC4, b"\x10" + b"\1" + b"\0" * 15 + b"\0"),  # each block's detail: none
        (0xDA, b"\1\1\0\0\x3f\0"),
    ]
    bits = 2 * ((width + 7) // 8) * ((height + 7) // 8)
    pixels = bytes(bits // 8) + (bytes([0xFF >> bits % 8]) if bits % 8 else b"")
    written = b"".join(
        b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body for marker, body in [*segments, *tables]
    )
    return b"\xff\xd8" + written + pixels + b"\xff\xd9"


def exif(orientation: int = 1, *, order: str = ">") -> tuple[int, bytes]:
    """A camera's Exif segment: which way up it was held, and where."""
    mark = b"MM" if order == ">" else b"II"
    entries = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(order + "HHII", 0x8825, 4, 1, 38)
    head = mark + struct.pack(order + "HI", 42, 8) + struct.pack(order + "H", 2)
    return 0xE1, b"Exif\0\0" + head + entries + b"\0\0\0\0" + GPS


def gif(width: int = 1, height: int = 1, *blocks: bytes) -> bytes:
    """A picture of one pixel's colour; ``blocks`` are extensions before it."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\x80\x80\x80\xff\xff\xff"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + b"".join(blocks) + image + b"\x3b"
