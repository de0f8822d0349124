from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.core.errors import Refused
from keepshowingup.core.pictures import read_picture
from keepshowingup.editorial.importing import import_article, left_out, text_of
from keepshowingup.editorial.models import KeptPicture
from tests.editorial.word_documents import LIBREOFFICE, WORD, document, image, link, paragraph, run, table
from tests.pictures import exif, jpeg, png

BODY = (
    paragraph("Slow days", "Title")
    + paragraph("The first part", "Heading1")
    + paragraph(run("Rest is ") + run("not", "<w:b/>") + run(" lazy, ") + run("ever", "<w:i/>") + run("."))
    + paragraph("Deeper", "Heading2")
    + paragraph("One thing", item=(1, 0))
    + paragraph("Inside of it", item=(1, 1))
    + paragraph("First", item=(2, 0))
    + paragraph("Second", item=(2, 0))
    + paragraph(run("See ") + link("web", "the page") + run(" or ") + link("odd", "this") + run("."))
    + paragraph(
        '<w:ins w:id="1" w:author="Boss"><w:r><w:t>Added words. </w:t></w:r></w:ins>'
        '<w:del w:id="2" w:author="Boss"><w:r><w:delText>Deleted words.</w:delText></w:r></w:del>'
        '<w:commentRangeStart w:id="0"/><w:r><w:t>Kept words.</w:t></w:r><w:commentRangeEnd w:id="0"/>'
        '<w:r><w:commentReference w:id="0"/></w:r>'
    )
    + table(("Morning", "Kettle"), ("Evening", "Bench"))
)
LINKS = {"web": "https://example.org/x", "odd": "file:///etc/hostname"}


@pytest.mark.parametrize("styles", [WORD, LIBREOFFICE], ids=["Word", "LibreOffice"])
def test_headings_lists_marks_links_and_tables_are_kept(styles: dict[str, str]) -> None:
    text = text_of(document(BODY, styles=styles, links=LINKS), "a.docx")
    assert text.startswith("# Slow days\n\n# The first part\n\nRest is **not** lazy, *ever*.\n\n## Deeper\n")
    assert "- One thing\n  - Inside of it\n" in text
    assert "1. First\n2. Second\n" in text
    assert "See [the page](https://example.org/x) or this." in text
    assert text.index("Morning") < text.index("Kettle") < text.index("Evening") < text.index("Bench")


def test_what_was_deleted_and_what_was_remarked_is_not_the_text() -> None:
    text = text_of(document(BODY, links=LINKS), "a.docx")
    assert "Added words. Kept words." in text
    for gone in ("Deleted", "Delete this", "Boss", "hostname"):
        assert gone not in text


@pytest.mark.django_db
def test_its_pictures_are_kept_with_their_words_and_without_their_place(now: dt.datetime) -> None:
    body = BODY + paragraph(image("rbench.jpeg", "A [small] bench")) + paragraph(image("rkettle.png", ""))
    data = document(body, links=LINKS, images={"bench.jpeg": jpeg(60, 40, exif(1)), "kettle.png": png(9, 9)})
    article = import_article(data, name="a.docx", now=now)
    bench, kettle = read_picture(jpeg(60, 40, exif(1)), ""), read_picture(png(9, 9), "")
    assert f"![A (small) bench](images/{bench.name})\n\n![](images/{kettle.name})" in article.text
    assert {bytes(row.data) for row in KeptPicture.objects.all()} == {bench.data, kettle.data}
    assert article.author == "Ada Quay"
    assert "structure.no-alt" in {finding["rule"] for finding in article.findings}
    assert left_out(article) == []


@pytest.mark.django_db
def test_a_picture_that_is_only_linked_is_never_opened(now: dt.datetime) -> None:
    body = (
        BODY + paragraph(image("far", "A far one", linked=True)) + paragraph(image("near", "A near one", linked=True))
    )
    links = {**LINKS, "far": "http://127.0.0.1:9/spy.png", "near": "file:///etc/hostname"}
    article = import_article(document(body, links=links), name="a.docx", now=now)
    assert "![" not in article.text
    assert "Kept words." in article.text


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (("word/document.xml", b"<w:p><w:unclosed>"), "can't be read"),
        (("word/document.xml", b"\xff\xfe<"), "can't be read"),
        (("word/document.xml", 17), "16 MB of text"),
        (("word/media/a.bin", 101), "100 MB"),
        (("word/document.xml", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'), "entities"),
        (("word/document.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "a">]><x/>'.encode("utf-16")), "entities"),
        (("word/styles.xml", b'<!DOCTYPE x SYSTEM "file:///etc/hostname"><x/>'), "entities"),
    ],
    ids=["unclosed", "no XML", "long", "zip bomb", "bomb", "bomb in UTF-16", "other file"],
)
def test_broken_and_hostile_files_are_refused_in_a_sentence(part: tuple[str, bytes | int], said: str) -> None:
    name, content = part
    data = content if isinstance(content, bytes) else b" " * (content * 1024 * 1024)
    with pytest.raises(Refused, match=said) as refusal:
        text_of(document(BODY, parts={name: data}), "a.docx")
    assert refusal.value.message.endswith(".")


def test_a_file_that_is_cut_off_is_refused() -> None:
    with pytest.raises(Refused, match="can't be read"):
        text_of(document(BODY)[:900], "a.docx")
