from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.drafting import draft
from keepshowingup.core.errors import Refused
from keepshowingup.core.pictures import NAME, PICTURE_LIMIT, kind_of, names_in, read_picture
from keepshowingup.core.proofreading import proofread
from tests.pictures import GPS, exif, gif, jpeg, png

XMP = (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + GPS)
COMMENT = (0xFE, b"taken by " + GPS)
SMALL_COPY = (0xE0, b"JFXX\0\x10" + jpeg())
JFIF = (0xE0, b"JFIF\0\1\2\0\0\1\0\1\1\1" + GPS[:3])
ICC = (0xE2, b"ICC_PROFILE\0\1\1profile")
NAMED = "0123456789abcdef0123456789abcdef.jpg"


@pytest.mark.parametrize(
    ("data", "ending", "size"),
    [(png(5, 4), "png", (5, 4)), (jpeg(17, 9), "jpg", (17, 9)), (gif(6, 7), "gif", (6, 7))],
    ids=["png", "jpeg", "gif"],
)
def test_a_picture_is_known_by_its_own_bytes_and_named_by_them(data: bytes, ending: str, size: tuple[int, int]) -> None:
    picture = read_picture(data, "bench.webp")
    assert (picture.width, picture.height) == size
    assert NAME.fullmatch(picture.name)
    assert picture.name.endswith(ending)
    assert kind_of(picture.name) == {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif"}[ending]
    assert read_picture(data, "another name").name == picture.name


@pytest.mark.parametrize(
    "data",
    [
        jpeg(3, 2, JFIF, exif(1), XMP, SMALL_COPY, COMMENT, ICC, (0xED, b"Photoshop 3.0\0" + GPS)),
        jpeg() + b"MotionPhoto_Data" + GPS,
        png(3, 2, (b"eXIf", exif()[1][6:]), (b"tEXt", b"Comment\0" + GPS), (b"iTXt", GPS), (b"tIME", b"\x07\xea1234"),
            (b"acTL", struct.pack(">II", 2, 0)), (b"prVt", GPS)),
        png() + GPS,
        gif(1, 1, b"\x21\xfe\x2a" + GPS + b"\0", b"\x21\xff\x0bXMP DataXMP\x2a" + GPS + b"\0") + GPS,
    ],
    ids=["jpeg", "behind a jpeg", "png", "behind a png", "gif"],
)  # fmt: skip
def test_nothing_of_where_when_and_by_whom_it_was_taken_is_kept(data: bytes) -> None:
    assert b"GPS" in data
    kept = read_picture(data, "bench.jpg").data
    for told in (b"GPS", b"Exif", b"Comment", b"XMP", b"Photoshop", b"JFXX", b"Motion", b"acTL"):
        assert told not in kept
    assert read_picture(kept, "bench.jpg").data == kept


def test_what_draws_a_picture_is_kept_as_it_was() -> None:
    plain, told = read_picture(jpeg(), "a"), read_picture(jpeg(3, 2, exif(1), COMMENT), "a")
    assert told == plain == read_picture(plain.data, "a")
    assert b"ICC_PROFILE" in read_picture(jpeg(3, 2, ICC), "a").data
    transparent = png(3, 2, (b"tRNS", b"\0\x80"))
    assert read_picture(transparent, "a").data == transparent
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    assert loop in read_picture(gif(1, 1, loop), "a").data


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photograph_stays_the_right_way_up(order: str) -> None:
    upright = read_picture(jpeg(30, 20, exif(6, order=order)), "a")
    assert (upright.width, upright.height) == (20, 30)
    assert b"GPS" not in upright.data
    assert upright.data[:20].count(b"Exif\0\0") == 1
    again = read_picture(upright.data, "a")
    assert again == upright


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "HEIC"),
        (b"BM\x10\0\0\0", "BMP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "scripts"),
        (b'<?xml version="1.0"?><svg/>', "scripts"),
        (b"\n\n <!DOCTYPE svg><svg/>", "scripts"),
        (b"<html><script>x()</script>", "no picture"),
        (b"", "no picture"),
        (jpeg()[:60], "damaged"),
        (b"\xff\xd8\xff\xd9", "damaged"),
        (png()[:-6], "damaged"),
        (png().replace(b"IDAT", b"IDAX"), "damaged"),
        (gif()[:-4], "damaged"),
        (png(60_000, 1), "pixels"),
        (jpeg(9_000, 9_000), "pixels"),
        (gif(0, 5), "pixels"),
        (png(3, 2, (b"sBIT", bytes(PICTURE_LIMIT))), "2 MB is the most"),
        (png(3, 2, (b"tEXt", bytes(9 * PICTURE_LIMIT))), "2 MB is the most"),
    ],
    ids=range(18),
)
def test_what_no_letter_can_show_is_refused_in_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as refusal:
        read_picture(data, "bench.jpg")
    assert refusal.value.message.startswith("bench.jpg ")
    assert refusal.value.message.endswith(".")


@given(st.sampled_from([jpeg(9, 9, exif(6), ICC), png(), gif()]), st.data())
def test_any_damage_is_refused_or_leaves_a_picture(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(3, len(data) - 1))
    broken = draw.draw(st.sampled_from([data[:at], data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]]))
    try:
        kept = read_picture(broken, "a")
    except Refused:
        return
    assert read_picture(kept.data, "a") == kept


def test_a_text_names_the_pictures_it_shows() -> None:
    text = f"![a](images/{NAMED}) ![b](https://example.org/{NAMED}) ![c](images/{NAMED}) ![d](images/bench.jpg)"
    assert names_in(text) == (NAMED,)


def test_a_draft_takes_kept_pictures_along_and_no_others() -> None:
    words = "Somebody stayed, and a neighbour never asked why he came so late. " * 12
    text = f"# Slow days\n\n![A bench](images/{NAMED})\n\n{words}\n\n![spy](https://example.org/a.gif)\n\n{words}\n"
    letters = "\n".join(step.markdown for step in draft(text))
    assert letters.count(f"![A bench](images/{NAMED})") == 1
    assert "example.org" not in letters


def test_a_picture_without_words_is_found() -> None:
    report = proofread(f"Hello.\n\n![](images/{NAMED})\n\nSomebody stayed.", "letter")
    assert "structure.no-alt" in {finding.rule for finding in report.findings}
