from __future__ import annotations

import json

import pytest

from keepshowingup.cli.root import run
from keepshowingup.editorial.models import Article
from tests.elsewhere import elsewhere
from tests.factories import ArticleFactory, FeedFactory

pytestmark = pytest.mark.django_db


def test_a_feed_inside_of_a_network_is_refused_and_never_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with elsewhere() as site:
        assert run(["feed", "add", f"{site.url}/feed", "--json"]) == 1
    assert "inside a network" in capsys.readouterr().err
    assert not site.asked


def test_feeds_are_listed_looked_at_and_let_go(capsys: pytest.CaptureFixture[str]) -> None:
    feed = FeedFactory.create()
    assert run(["feed", "list", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["id"], row["url"], row["as"], row["sequence"], row["failures"]) == (
        feed.pk,
        feed.url,
        "drafts",
        None,
        0,
    )
    assert run(["feed", "fetch", str(feed.pk), "--json"]) == 1
    row = json.loads(capsys.readouterr().out)
    assert (row["new"], row["failures"]) == (0, 1)
    assert "inside a network" in row["trouble"]
    assert run(["feed", "list"]) == 0
    assert "1 failure in a row" in capsys.readouterr().out
    assert run(["feed", "remove", feed.url]) == 0
    assert run(["feed", "remove", "99"]) == 1
    assert "feed list" in capsys.readouterr().err


def test_issues_need_a_newsletter(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["feed", "add", "https://example.org/feed", "--as", "issues"]) == 2
    assert "--sequence SLUG" in capsys.readouterr().err


def test_a_licence_is_stated_at_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    ArticleFactory.create(licence="", slug="slow-days")
    assert run(["article", "licence", "slow-days", "our own", "--by", "Ruth"]) == 0
    assert Article.objects.values_list("licence", "licence_by").get() == ("our own", "Ruth")
    assert run(["article", "licence", "nothing", "our own"]) == 1
