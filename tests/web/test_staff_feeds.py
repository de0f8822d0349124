"""Feeds and licences on the desk."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.editorial.models import Article, Feed, FeedItem, Sequence
from tests.elsewhere import elsewhere
from tests.factories import ArticleFactory, FeedFactory, MastheadFactory, SequenceFactory
from tests.web.staff_desk import desk, person, url

pytestmark = pytest.mark.django_db


def test_a_feed_that_fails_says_so_on_its_page_and_after_three_times_on_the_first() -> None:
    MastheadFactory.create()
    editor = desk(person("editor"))
    feed = FeedFactory.create(failures=2, trouble="x.example answers 500.")
    page = editor.get(url("feeds")).content.decode()
    assert "Could not be read, 2 times in a row: x.example answers 500." in page
    assert "Harbour notes" not in editor.get(url("today")).content.decode()
    Feed.objects.filter(pk=feed.pk).update(failures=3)
    assert "The feed Harbour notes could not be read 3 times in a row" in editor.get(url("today")).content.decode()


def test_an_address_inside_is_a_sentence_and_nothing_typed_is_lost() -> None:
    SequenceFactory.create(slug="harbour", title="Harbour letters", open_ended=True)
    with elsewhere() as site:
        answer = desk(person("editor")).post(url("feed_add"), {"url": f"{site.url}/feed", "sequence": "harbour"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "inside a network" in page
    assert f'value="{site.url}/feed"' in page
    assert 'value="harbour" selected' in page
    assert not site.asked
    assert not Feed.objects.exists()


def test_what_came_in_is_shown_with_what_it_lacks(now: dt.datetime) -> None:
    feed = FeedFactory.create()
    article = ArticleFactory.create(licence="", title="Slow days", slug="slow-days")
    FeedItem.objects.create(feed=feed, key="a", words="a", seen_at=now, title="Slow days", article=article)
    FeedItem.objects.create(feed=feed, key="b", words="b", seen_at=now, title="Odd one", trouble="It has no words.")
    page = desk(person("viewer")).get(url("feeds")).content.decode()
    assert url("article", "slow-days") in page
    assert "no licence yet" in page
    assert "It could not come in: It has no words." in page
    assert "Look now" not in page


def test_a_feed_is_let_go_and_what_was_made_of_it_stays(now: dt.datetime) -> None:
    feed = FeedFactory.create()
    FeedItem.objects.create(feed=feed, key="a", words="a", seen_at=now, article=ArticleFactory.create())
    desk(person("editor")).post(url("feed_remove", feed.pk))
    assert not Feed.objects.exists()
    assert Article.objects.count() == 1


def test_a_licence_is_stated_by_somebody_whose_name_is_kept() -> None:
    article = ArticleFactory.create(licence="", slug="slow-days")
    editor = desk(person("editor", "Mara"))
    assert "nobody may start letters" in editor.get(url("article", "slow-days")).content.decode()
    editor.post(url("article_licence", "slow-days"), {"licence": "https://creativecommons.org/licenses/by/4.0/"})
    article.refresh_from_db()
    assert (article.licence, article.licence_by) == ("CC BY 4.0", "mara@harbour.example")
    page = editor.get(url("article", "slow-days")).content.decode()
    assert "CC BY 4.0 (says mara@harbour.example)" in page
    assert "nobody may start letters" not in page
    assert editor.post(url("article_licence", "slow-days"), {"licence": "© Harbour"}).status_code == 400


def test_a_page_on_the_web_is_brought_in_by_its_address_and_one_inside_is_not() -> None:
    editor = desk(person("editor"))
    with elsewhere() as site:
        answer = editor.post(url("article_import"), {"url": f"{site.url}/slow"})
    assert answer.status_code == 422
    assert "inside a network" in answer.content.decode()
    assert f"{site.url}/slow" in answer.content.decode()
    assert not site.asked
    assert not Sequence.objects.exists()
