from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import lxml.html
import pytest

from keepshowingup.core.pictures import TOGETHER_LIMIT, Measures, Picture, read_picture
from keepshowingup.letters.compile import LetterError, compile_letter, compile_looks
from keepshowingup.letters.compose import compose, render
from keepshowingup.letters.pictures import EMBEDDED, WIDEST, enclose, pictures_in
from keepshowingup.letters.skeleton import Personal, skeleton_of
from keepshowingup.letters.values import SAMPLE, CompiledLetter
from tests.letters.samples import HEADERS
from tests.pictures import jpeg, png

BENCH, KETTLE = read_picture(jpeg(1200, 800), "bench.jpg"), read_picture(png(40, 30), "kettle.png")
BODY = f"Good morning.\n\n![A bench & a “view”](images/{BENCH.name})\n\nThe kettle ![](images/{KETTLE.name}) is warm.\n"
HOST = "https://letters.example.org/pictures/"


def letter(body: str = BODY, *pictures: Picture) -> CompiledLetter:
    known = {picture.name: picture.measures for picture in pictures or (BENCH, KETTLE)}
    return compile_letter("step", subject="A note", preheader="", body=body, pictures=known)


def read(message: bytes) -> EmailMessage:
    parsed = message_from_bytes(message, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_a_picture_stands_in_its_column_with_its_words_and_its_size() -> None:
    html = render(letter(), SAMPLE).html
    first, second = re.findall(r"<img [^>]*>", html)
    assert f'src="{HOST}{BENCH.name}"' in first
    assert f'width="{WIDEST}"' in first
    assert f'height="{round(800 * WIDEST / 1200)}"' in first
    assert 'alt="A bench &amp; a “view”"' in first
    assert "max-width: 100%" in first.replace(":100%", ": 100%")
    assert 'alt=""' in second
    assert 'width="40"' in second


def test_with_pictures_off_the_letter_says_what_they_show() -> None:
    text = render(letter(), SAMPLE).text
    assert "[A bench & a “view”]" in text
    assert "The kettle is warm." in " ".join(text.split())
    assert "[]" not in text
    assert BENCH.name not in text


def test_every_look_has_the_same_pictures() -> None:
    known = {each.name: each.measures for each in (BENCH, KETTLE)}
    usual, looks = compile_looks("issue", subject="A note", preheader="", body=BODY, pictures=known)
    assert {pictures_in(html) for html in (usual.html, *looks.values())} == {(BENCH.name, KETTLE.name)}


@pytest.mark.parametrize(
    "source",
    ["https://example.org/p.gif", "images/bench.jpg", f"images/{'0' * 32}.png", "data:image/png;base64,AAAA",
     f"/images/{BENCH.name}", f"images/../images/{BENCH.name}", f"images/{BENCH.name}?reader=1", "cid:picture@x"],
)  # fmt: skip
def test_a_picture_that_is_not_kept_is_refused_with_its_line(source: str) -> None:
    with pytest.raises(LetterError, match="fetches nothing") as refusal:
        letter(f"Hello.\n\nA bench ![a bench]({source})")
    assert refusal.value.line == 3


def test_pictures_together_have_a_bound() -> None:
    known = {BENCH.name: Measures(10, 10, TOGETHER_LIMIT), KETTLE.name: Measures(10, 10, 1)}
    with pytest.raises(LetterError, match="4 MB is the most"):
        compile_letter("step", subject="A note", preheader="", body=BODY, pictures=known)


def test_a_picture_may_be_a_link_and_is_no_button() -> None:
    html = render(letter(f"Look.\n\n[![A bench](images/{BENCH.name})](https://example.org/a)", BENCH), SAMPLE).html
    assert re.search(r'<a href="https://example.org/a"[^>]*><img ', html)
    assert 'class="button"' not in html


def test_words_of_a_picture_cannot_become_code() -> None:
    body = f'Look. ![" onerror="x() {{{{ first_name | default("you") }}}} }} <b>](images/{BENCH.name})'
    html = render(letter(body, BENCH), replace(SAMPLE, first_name="\"'><script>")).html
    (image,) = lxml.html.document_fromstring(html).iter("img")
    assert image.get("alt") == '" onerror="x() "\'><script> } <b>'
    assert set(image.attrib) == {"src", "alt", "width", "height", "style"}
    assert "<script" not in html


def test_linked_pictures_leave_the_message_as_it_always_was() -> None:
    parsed = read(compose(render(letter(), SAMPLE), HEADERS))
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_enclosed_pictures_come_along_and_nothing_is_fetched() -> None:
    values = replace(SAMPLE, pictures_at=EMBEDDED)
    enclosed = enclose({each.name: each.data for each in (BENCH, KETTLE)})
    message = compose(render(letter(), values), HEADERS, enclosed)
    parsed = read(message)
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/jpeg", "image/png",
    ]  # fmt: skip
    html = next(part for part in parsed.walk() if part.get_content_type() == "text/html")
    sources = re.findall(r'src="cid:([^"]+)"', html.get_content())
    found = {str(part["Content-ID"]).strip("<>"): part.get_content() for part in parsed.walk() if part["Content-ID"]}
    assert set(sources) == set(found)
    assert list(found.values()) == [BENCH.data, KETTLE.data]
    assert not re.search(r'src="http', html.get_content())
    assert max(map(len, message.split(b"\r\n"))) <= 998
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert compose(render(letter(), values), HEADERS, enclosed) == message


def test_a_letter_with_holes_encloses_the_same() -> None:
    shared = replace(SAMPLE, pictures_at=EMBEDDED)
    personal = Personal("Ada", "https://x.example/u/1", "https://x.example/p/1", "https://x.example/p/1#pause")
    enclosed = enclose({BENCH.name: BENCH.data, KETTLE.name: KETTLE.data})
    skeleton = skeleton_of(letter(), shared, tuple(map(bool, personal)), enclosed)
    assert skeleton is not None
    filled = read(skeleton.write(personal, HEADERS))
    rendered = read(compose(render(letter(), replace(shared, **personal._asdict())), HEADERS, enclosed))
    assert [part.get_content_type() for part in filled.walk()] == [part.get_content_type() for part in rendered.walk()]
    for one, other in zip(filled.walk(), rendered.walk(), strict=True):
        if not one.is_multipart():
            assert str(one.get_content()).split() == str(other.get_content()).split()


def test_a_letter_whose_pictures_are_nowhere_asks_nobody_for_them() -> None:
    assert not re.search(r'src="[a-z]+:', render(letter(), replace(SAMPLE, pictures_at="")).html)
    with pytest.raises(LetterError):
        replace(SAMPLE, pictures_at="javascript:x()/")
