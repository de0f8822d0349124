"""Pictures of articles: kept here with their words, from wherever they are, and nothing remote stays."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterator

import pytest
from django.test import Client

from keepshowingup.core.errors import Refused, WrongUsage
from keepshowingup.core.pictures import PICTURE_LIMIT, names_in, read_picture
from keepshowingup.delivery.preparing import values_for
from keepshowingup.delivery.stationery import compiled
from keepshowingup.editorial.composing import draft_sequence
from keepshowingup.editorial.fetching import fetch_page, fetch_picture
from keepshowingup.editorial.importing import import_article, left_out
from keepshowingup.editorial.licensing import state_licence
from keepshowingup.editorial.models import Article, Feed, FeedItem, KeptPicture, Revision, Sequence
from keepshowingup.editorial.reviewing import Override, approve, obstacles
from keepshowingup.letters.compose import render
from tests.elsewhere import Elsewhere, elsewhere, only_this_machine
from tests.factories import ArticleFactory, SequenceFactory, StepFactory, SubscriberFactory
from tests.pictures import GPS, exif, jpeg, png

pytestmark = pytest.mark.django_db
SENTENCE = "Somebody stayed, and a neighbour never asked why he came so late. "


@pytest.fixture
def site() -> Iterator[Elsewhere]:
    with elsewhere() as there:
        there.has("/bench.jpg", jpeg(60, 40, exif(1)), "image/jpeg")
        there.has("/spoken", png(20, 30), "text/html")
        there.sends_on("/moved.png", "/spoken")
        there.sends_on("/inside.png", f"http://127.0.0.2:{there.url.rpartition(':')[2]}/bench.jpg")
        there.sends_on("/cloud.png", "http://169.254.169.254/latest/meta-data/")
        there.has("/draw.svg", "<svg onload='x()'/>", "image/svg+xml")
        there.has("/heavy.png", b"\x89PNG\r\n\x1a\n" + bytes(2 * PICTURE_LIMIT), "image/png")
        there.has("/dot.gif", png(1, 1), "image/png")
        yield there


def fetch(url: str) -> bytes:
    return fetch_picture(url, may_reach=only_this_machine)


def bring_in(text: str, now: dt.datetime, *, name: str = "a.md", base: str = "") -> Article:
    return import_article(text.encode(), name=name, now=now, source_url=base, fetch=fetch)


def test_a_page_comes_in_with_its_pictures_their_words_its_author_and_its_licence(
    site: Elsewhere, now: dt.datetime
) -> None:
    site.has(
        "/slow",
        f"""<!DOCTYPE html><html lang="en-GB"><head><title>Slow days</title><meta name="author" content="Ada Quay">
        <link rel="license" href="https://creativecommons.org/licenses/by/4.0/"></head><body>
        <nav><img src="/logo.png"></nav>
        <article><h1>Slow days</h1><p>{SENTENCE * 8}</p><figure><img src="bench.jpg" srcset="/other.jpg 2x" width="4">
        <figcaption>A bench by the water</figcaption></figure><p>{SENTENCE * 8}</p><p>
        <img src="/moved.png" alt="A kettle">
        </p><img src="/dot.gif"></article></body></html>""",
        "text/html",
    )
    page = fetch_page(f"{site.url}/slow", may_reach=only_this_machine)
    article = import_article(page.data, name=page.name, now=now, source_url=page.url, fetch=fetch)
    assert re.findall(r"!\[([^]]*)\]", article.text) == ["A bench by the water", "A kettle"]
    assert set(names_in(article.text)) == set(KeptPicture.objects.values_list("name", flat=True))
    assert (article.author, article.licence, article.language) == ("Ada Quay", "CC BY 4.0", "en-GB")
    assert "/logo.png" not in site.paths
    assert left_out(article) == []
    assert GPS not in bytes(KeptPicture.objects.get(width=60).data)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/inside.png", "inside a network"),
        ("/cloud.png", "inside a network"),
        ("/draw.svg", "scripts"),
        ("/heavy.png", "4 MB"),
        ("/gone.png", "404"),
        ("http://user:word@127.0.0.1/a.png", "password"),
        ("file:///etc/hostname", "did not come along"),
        ("ftp://127.0.0.1/a.png", "did not come along"),
        ("javascript:x()", "did not come along"),
        ("data:image/svg+xml;base64," + base64.b64encode(b"<svg/>").decode(), "scripts"),
        ("data:image/png;base64,AAAA", "no picture"),
        ("data:text/html,%3Cscript%3E", "no picture"),
    ],
)  # fmt: skip
def test_a_picture_that_can_not_be_kept_is_left_out_with_a_reason(
    site: Elsewhere, now: dt.datetime, source: str, said: str
) -> None:
    article = bring_in(f"{SENTENCE}\n\n![A bench](<{source}>)\n", now, base=f"{site.url}/slow")
    assert "![" not in article.text
    (sentence,) = left_out(article)
    assert "“A bench” was left out" in sentence
    assert said in sentence
    assert not KeptPicture.objects.exists()


def test_addresses_inside_are_never_called_for_pictures(site: Elsewhere, now: dt.datetime) -> None:
    article = import_article(
        f"{SENTENCE}\n\n![A bench]({site.url}/bench.jpg)\n".encode(), name="a.md", now=now, fetch=fetch_picture
    )
    assert not site.asked
    assert "inside a network" in left_out(article)[0]


def test_whoever_fetches_nothing_keeps_what_is_inside_and_leaves_out_the_rest(now: dt.datetime) -> None:
    inside = f"data:image/png;base64,{base64.b64encode(png(9, 9)).decode()}"
    text = f"{SENTENCE}\n\n![Inside]({inside})\n\n![Out](https://example.org/a.png)\n\n![Beside](bench.jpg)\n"
    article = import_article(text.encode(), name="a.md", now=now)
    assert article.text == f"{SENTENCE}\n\n![Inside](images/{read_picture(png(9, 9), '').name})\n\n"
    assert [("nothing is fetched" in said, "did not come along" in said) for said in left_out(article)] == [
        (True, False),
        (False, True),
    ]
    again = bring_in(f"Once more.\n\n{article.text}", now)
    assert names_in(again.text) == names_in(article.text)
    assert KeptPicture.objects.count() == 1


def test_the_same_picture_is_asked_for_once_and_a_page_of_pictures_has_an_end(
    site: Elsewhere, now: dt.datetime
) -> None:
    many = "\n\n".join(f"![{n}]({site.url}/moved.png?{n})" for n in range(45))
    article = bring_in(f"{SENTENCE}\n\n![a]({site.url}/bench.jpg) ![b]({site.url}/bench.jpg)\n\n{many}\n", now)
    assert site.paths.count("/bench.jpg") == 1
    assert any("40 pictures are the most" in sentence for sentence in left_out(article))


def test_nothing_remote_is_in_any_letter_from_page_to_inbox(
    site: Elsewhere, masthead: object, now: dt.datetime, client: Client
) -> None:
    shown = f"![A bench]({site.url}/bench.jpg)\n\n<img src='{site.url}/moved.png' alt='A kettle'>"
    article = bring_in(f"# Slow days\n\n{SENTENCE * 6}\n\n{shown}\n", now)
    sequence = draft_sequence(article.pk, slug="slow", title="Slow days", author="ruth", now=now)
    usual = list(Revision.objects.values_list("html", flat=True))
    assert sum(html.count("<img ") for html in usual) == 2
    for html in [*usual, *Revision.objects.values_list("editions__html", flat=True)]:
        for source in re.findall(r'src="([^"]*)"', html):
            assert re.fullmatch(r"\{\{ pictures_at \}\}[0-9a-f]{32}\.(jpg|png)", source)
    values = values_for(SubscriberFactory.create(), sequence.steps.get(position=1), now, joined_at=now)
    letters = [render(compiled(revision), values) for revision in Revision.objects.all()]
    sources = [source for letter in letters for source in re.findall(r'src="([^"]*)"', letter.html)]
    assert len(sources) == 2
    for source in sources:
        assert source.startswith("http://127.0.0.1:8000/pictures/")
        answer = client.get(source.removeprefix("http://127.0.0.1:8000"))
        assert answer.status_code == 200
        assert read_picture(answer.content, "").name == source.rpartition("/")[2]


def test_a_picture_is_served_alike_to_everybody_and_for_ever(now: dt.datetime, client: Client) -> None:
    bring_in(f"{SENTENCE}\n\n![a](data:image/png;base64,{base64.b64encode(png(9, 9)).decode()})", now)
    name = KeptPicture.objects.get().name
    answer = client.get(f"/pictures/{name}", headers={"Cookie": "sessionid=somebody"})
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert not answer.cookies
    assert "Vary" not in answer.headers
    assert client.get(f"/pictures/{name}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.post(f"/pictures/{name}").status_code == 405
    for other in ("0" * 32 + ".png", "..%2fsecret-key", f"{name}.html", name.upper()):
        assert client.get(f"/pictures/{other}").status_code == 404


def test_no_licence_no_start_until_a_person_states_one(masthead: object, now: dt.datetime) -> None:
    article = bring_in(f"# Slow days\n\n{SENTENCE * 12}\n", now)
    sequence = draft_sequence(article.pk, slug="slow", title="Slow days", author="ruth", now=now)
    approve(sequence.pk, approver="ada", now=now, overrides=[Override(reason="The same sentence again and again.")])
    (said,) = [sentence for sentence in obstacles(sequence.pk, now) if "licence" in sentence]
    assert "'Slow days' says no licence" in said
    with pytest.raises(WrongUsage, match="whose it is"):
        state_licence(article.pk, "© 2026 Harbour", by="ruth@harbour.example", now=now)
    deed = "https://creativecommons.org/licenses/by/4.0/"
    stated = state_licence(article.pk, deed, by="ruth@harbour.example", now=now)
    assert (stated.licence, stated.licence_by) == ("CC BY 4.0", "ruth@harbour.example")
    assert not [sentence for sentence in obstacles(sequence.pk, now) if "licence" in sentence]


def test_an_issue_of_a_running_newsletter_without_a_licence_is_not_approved(now: dt.datetime) -> None:
    newsletter = SequenceFactory.create(open_ended=True, state=Sequence.State.LIVE)
    step = StepFactory.create(sequence=newsletter, approved=False)
    article = ArticleFactory.create(licence="")
    feed = Feed.objects.create(url="https://x.example/f", added_by="ruth", added_at=now, next_at=now)
    FeedItem.objects.create(feed=feed, key="a", words="b", seen_at=now, article=article, step=step)
    with pytest.raises(Refused, match="says no licence"):
        approve(newsletter.pk, approver="ada", now=now)
    state_licence(article.pk, "our own", by="ruth@harbour.example", now=now)
    assert approve(newsletter.pk, approver="ada", now=now) == 1
