from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepshowingup.core.errors import Refused
from keepshowingup.editorial.importing import import_article, text_of
from keepshowingup.editorial.manuscripts import SIZE_LIMIT
from keepshowingup.editorial.models import Article

ARTICLE = "# Slow days\n\nThe kettle is warm. Sit here for a while.\n"
PAGE = """<!DOCTYPE html><html><head><title>Slow days | A site</title><style>p{}</style></head><body>
<nav><a href="/">Home</a> <a href="/blog">Blog</a></nav>
<article><h1>Slow days</h1>
<p>Rest is <b>not</b> lazy. It is a plain and needed thing that people put off for <a href="https://example.org/x">many
reasons</a>, and then they wonder why the evening feels so long.</p>
<h2>The first part</h2><p>Some text stands here, and it goes on for a while so that it is clearly the article of this
page and not a part of the menu. <a href="javascript:alert(1)">Odd link</a>.</p>
<ul><li>One thing</li><li>Two <i>things</i></li></ul><h3>Deeper down</h3>
<blockquote><p>Somebody's words.</p></blockquote>
<script>alert(1)</script><img src="https://example.org/y.png" alt="a picture">
<p>The last paragraph ends here, and this one is of a good length as well, as paragraphs should be.</p></article>
<footer>Copyright 2020 A site</footer></body></html>"""


def word_file(*paragraphs: tuple[str, str]) -> bytes:
    """A real, small .docx: style and text of each paragraph."""
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in paragraphs
    )
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{shown}"/></w:style>'
        for name, shown in (("Title", "Title"), ("Heading1", "heading 1"), ("Normal", "Normal"))
    )
    kinds = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{kinds}.document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{kinds}.styles+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{links}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{links}/styles" Target="styles.xml"/></Relationships>',
        "word/document.xml": f"<w:document {space}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {space}>{styles}</w:styles>",
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (ARTICLE.encode(), ARTICLE),
        (ARTICLE.encode("utf-8-sig"), ARTICLE),
        (ARTICLE.encode("utf-16"), ARTICLE),
        (b"\xfe\xff" + ARTICLE.encode("utf-16-be"), ARTICLE),
        (ARTICLE.replace("\n", "\r\n").encode(), ARTICLE),
        ("It’s warm – “really”.".encode("cp1252"), "It’s warm – “really”."),  # noqa: RUF001 - what cp1252 has
        ("Früh am Tag.".encode(), "Früh am Tag."),
    ],
)
def test_text_is_read_in_the_encoding_it_has(data: bytes, text: str) -> None:
    assert text_of(data, "a.md") == text
    assert text_of(data, "a.txt") == text


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"ab\0cd", "a.md"),
        (b"\x89PNG\r\n\x1a\n\x01\x02\x03\xff", "a.txt"),
        (b"\xff\xfea", "a.md"),
        (b"bell\x07 \xff", "a.txt"),
        (b"\x81\x8d", "a.txt"),
        (b"%PDF-1.7 words", "a.pdf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a.doc"),
        (b"PK\x03\x04 broken", "a.docx"),
        (b"not a zip at all", "a.docx"),
    ],
)
def test_what_is_not_text_is_refused_in_one_sentence(data: bytes, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        text_of(data, name)
    assert refusal.value.message.endswith(".")


def test_more_than_ten_megabytes_are_refused() -> None:
    with pytest.raises(Refused, match="10 MB is the most"):
        text_of(b"a" * (SIZE_LIMIT + 1), "a.md")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.md", "a.txt", "a.html", "a.docx", "a"]))
def test_any_bytes_are_either_text_or_refused(data: bytes, name: str) -> None:
    try:
        text = text_of(data, name)
    except Refused:
        return
    assert "\0" not in text
    assert "\r" not in text


def test_a_web_page_becomes_its_article_with_headings_and_without_the_rest() -> None:
    text = text_of(PAGE.encode(), "page.html")
    assert text.startswith("# Slow days\n")
    assert "## The first part\n" in text
    assert "### Deeper down\n" in text
    assert "- One thing\n- Two *things*" in text
    assert "> Somebody's words." in text
    assert "Rest is **not** lazy." in text
    assert "reasons](https://example.org/x)" in text
    for leftover in ("Blog", "alert", "javascript", "y.png", "Copyright", "<", "p{}"):
        assert leftover not in text


def test_a_short_page_is_read_whole_and_a_page_needs_no_suffix() -> None:
    page = b"<html><body><h2>Rest</h2><p>Sit &amp; breathe.</p><script>x()</script></body></html>"
    assert text_of(page, "page.html") == "## Rest\n\nSit & breathe.\n"
    assert text_of(page, "page") == text_of(page, "page.html")


def test_a_page_says_its_own_encoding() -> None:
    page = '<html><head><meta charset="windows-1251"></head><body><p>Тихий день.</p></body></html>'
    assert "Тихий день." in text_of(page.encode("windows-1251"), "page.html")


def test_a_word_file_keeps_its_headings() -> None:
    data = word_file(("Title", "Slow days"), ("Heading1", "The first part"), ("Normal", "The kettle is warm."))
    assert text_of(data, "a.docx") == "# Slow days\n\n# The first part\n\nThe kettle is warm.\n"
    assert text_of(data, "no-suffix") == text_of(data, "a.docx")


def test_a_word_file_that_would_unpack_to_more_than_memory_likes_is_refused() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * (101 * 1024 * 1024))
    with pytest.raises(Refused, match="100 MB"):
        text_of(data.getvalue(), "a.docx")


@pytest.mark.django_db
def test_an_article_is_kept_with_what_its_front_matter_says(now: dt.datetime) -> None:
    front = "title: Slow days\nauthor: Ada\nlicence: CC BY 4.0\nsource: A small press\nlanguage: en-GB"
    text = f"---\n{front}\n---\n\nAn addict rests.\n"
    article = import_article(text.encode(), name="a.md", title=None, now=now)
    article.refresh_from_db()
    assert (article.slug, article.title, article.author) == ("slow-days", "Slow days", "Ada")
    assert (article.licence, article.source_name, article.source_url) == ("CC BY 4.0", "A small press", "")
    assert (article.language, article.words, article.imported_at, article.text) == ("en-GB", 3, now, text)
    assert [finding["rule"] for finding in article.findings] == ["stigma.addict"]
    assert set(article.findings[0]) == {"line", "start", "end", "phrase", "rule", "kind", "severity", "suggestion"}


@pytest.mark.django_db
def test_the_same_text_is_kept_once(now: dt.datetime) -> None:
    first = import_article(ARTICLE.encode(), name="a.md", title=None, now=now)
    again = import_article(ARTICLE.replace("\n", "\r\n").encode("utf-16"), name="b.txt", title="Another", now=now)
    assert again.pk == first.pk
    assert Article.objects.count() == 1


@pytest.mark.django_db
def test_slugs_are_unique_and_never_too_long(now: dt.datetime) -> None:
    slugs = [
        import_article(f"{ARTICLE} {n} times".encode(), name="a.md", title=None, now=now).slug
        for n in ("one", "two", "three")
    ]
    assert slugs == ["slow-days", "slow-days-2", "slow-days-3"]
    long = [import_article(f"Words {n}.".encode(), name="a.md", title="word " * 30, now=now).slug for n in "ab"]
    assert all(len(slug) <= 80 for slug in long)
    assert long[1].endswith("-2")
    assert import_article("静かな日。".encode(), name="a.md", title=None, now=now).slug == "article"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "title"), [(b"", None), (b"  \n\n", None), (b"Words.", "t" * 201), (b"Words.", "a\x07b")]
)
def test_an_article_needs_words_and_a_title_of_one_line(data: bytes, title: str | None, now: dt.datetime) -> None:
    with pytest.raises(Refused):
        import_article(data, name="a.md", title=title, now=now)
    assert not Article.objects.exists()


@pytest.mark.django_db
def test_our_own_articles_can_be_imported(now: dt.datetime) -> None:
    folder = Path(__file__).resolve().parents[2] / "src/keepshowingup/editorial/articles"
    for path in folder.glob("*.md"):
        article = import_article(path.read_bytes(), name=path.name, now=now)
        assert article.slug == path.stem
        assert article.licence == "CC BY 4.0"
        assert article.findings == []
