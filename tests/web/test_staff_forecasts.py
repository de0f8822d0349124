"""The days to come, drawn: one reader's, an invented one's, everybody's; and why past letters came when they came."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from keepshowingup.audience.preferences import pause
from keepshowingup.cadence.enrolling import enrol, enrol_many
from keepshowingup.core.timing import load_zone
from keepshowingup.web.staff.calendars import Break, Cell, months
from tests.cadence.world import DAY, drip, newsletter, run
from tests.factories import MONDAY, MastheadFactory, SubscriberFactory
from tests.web.staff_desk import desk, person, url

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_monday_in_november(settings: Any) -> Any:
    """The desk's clock stands still; the machine's goes on."""

    class Standing(type(settings.CLOCK)):  # type: ignore[misc]
        def now(self) -> dt.datetime:
            return MONDAY + DAY

    settings.CLOCK = Standing()


def cells(page: str) -> dict[str, str]:
    """What each day's cell says, by date."""
    found = re.findall(r'<td class="([^"]*)"><time datetime="(\d{4}-\d\d-\d\d)">\d+</time>(.*?)</td>', page)
    return {date: f"{classes}|{' '.join(re.sub('<[^>]+>', ' ', inside).split())}" for classes, date, inside in found}


def test_a_readers_letters_stand_on_their_days_with_their_own_hours() -> None:
    MastheadFactory.create()
    reader = SubscriberFactory.create(zone="America/Santiago", hour=dt.time(9, 30))
    enrol(reader.pk, drip(0, 3, 40, title="Finding your people").pk, MONDAY)
    enrol(reader.pk, newsletter("2026-12-02").pk, MONDAY)
    run(MONDAY, MONDAY + DAY)
    page = desk(person("sender")).get(url("reader_calendar", reader.opaque)).content.decode()
    days = cells(page)
    assert "09:30 Day 3" in days["2026-11-26"]
    assert "09:30 2026-12-02" in days["2026-12-02"]
    assert "09:30 Day 40" in days["2027-01-02"]
    assert "today" in days["2026-11-24"]
    assert sum(" has" in each for each in days.values()) == 3
    assert page.count("<caption>") == 4
    assert "day 40 at the reader&#x27;s hour 09:30" in page
    assert reader.email not in page


def test_a_break_is_shaded_and_what_comes_after_it_is_foreseen() -> None:
    reader = SubscriberFactory.create()
    enrol(reader.pk, drip(0, 3).pk, MONDAY)
    run(MONDAY, MONDAY + DAY)
    pause(reader.pk, MONDAY + DAY, 5)
    page = desk(person("sender")).get(url("reader_calendar", reader.opaque)).content.decode()
    days = cells(page)
    assert [date for date, says in days.items() if " rests" in says] == [f"2026-11-{day}" for day in range(24, 29)]
    assert "Day 3" in days["2026-12-01"]
    assert "Their letters rest until Sun 29 November, 09:00." in page
    pause(reader.pk, MONDAY + DAY, None)
    page = desk(person("sender")).get(url("reader_calendar", reader.opaque)).content.decode()
    assert "Nothing comes in these days." in page
    assert sum(" rests" in says for says in cells(page).values()) == 91


def test_the_days_clocks_change_on_say_so() -> None:
    zone, spring = load_zone("Australia/Lord_Howe"), dt.datetime(2026, 9, 20, tzinfo=dt.UTC)
    drawn = months([], zone, spring, 30, rest=Break(spring, None))
    days = {cell.date: cell for month in drawn for week in month.weeks for cell in week if isinstance(cell, Cell)}
    assert {date: cell.clocks for date, cell in days.items() if cell.clocks} == {
        dt.date(2026, 10, 4): "clocks go forward 30 minutes at 02:00"
    }
    assert days[dt.date(2026, 9, 20)].today
    assert not days[dt.date(2026, 9, 19)].asked
    assert days[dt.date(2026, 10, 20)].asked


def test_all_letters_are_counted_by_day_and_by_sequence() -> None:
    people, news = drip(0, 3, 40, title="Finding your people"), newsletter("2026-12-02", title="News")
    readers = [SubscriberFactory.create().pk for _ in range(3)]
    enrol_many(readers, people.pk, MONDAY)
    enrol_many(readers[:2], news.pk, MONDAY)
    run(MONDAY, MONDAY + DAY)
    viewer = desk(person("viewer"))
    page = viewer.get(url("ahead")).content.decode()
    assert "<b>8 letters</b> in these days, at most 3 on one day" in page
    assert "for 3 readers" in page
    assert "<title>Thu 26 November: 3 letters</title>" in page
    assert page.count("<rect") == 3
    assert re.search(r'<th scope="row">30 Nov</th><td>0</td><td>0</td><td>2</td>.*?<td class="sum">2</td>', page)
    only = viewer.get(url("ahead") + f"?sequence={news.slug}").content.decode()
    assert "<b>2 letters</b>" in only
    assert viewer.get(url("ahead") + "?sequence=none").status_code == 404
    assert "No letter is planned" in viewer.get(url("ahead") + f"?sequence={drip(1).slug}").content.decode()


def test_an_invented_reader_has_a_calendar_too() -> None:
    sequence = drip(0, 3)
    asked = "?start=2026-12-01&zone=Africa/Cairo&hour=08:30&days=30"
    page = desk(person("viewer")).get(url("forecast", sequence.slug) + asked).content.decode()
    days = cells(page)
    assert "08:30 Day 3" in days["2026-12-04"]
    assert "outside" in days["2026-12-31"].split("|")[0] or "2026-12-31" in days
    assert "For all its readers" in page


def test_a_reader_s_page_says_why_each_letter_came_when_it_came() -> None:
    reader = SubscriberFactory.create()
    enrol(reader.pk, drip(0, 1, 5, weekdays="1345", title="Finding your people").pk, MONDAY)
    run(MONDAY, MONDAY + DAY)
    page = desk(person("sender")).get(url("reader", reader.opaque)).content.decode()
    told = re.findall(r'<li class="(past|next|later)">.*?<p>(.*?)</p>', page, re.DOTALL)
    assert [about for about, _ in told] == ["past", "next", "later"]
    assert "“Day 0” left on Mon 23 November 2026 at 10:00" in told[0][1]
    assert "moved to Wednesday, the next day for letters" in told[1][1]
    assert "moved to Monday" in told[2][1]
    assert url("reader_calendar", reader.opaque) in page


def test_a_viewer_sees_counts_and_no_readers_calendar() -> None:
    reader = SubscriberFactory.create()
    viewer = desk(person("viewer"))
    assert viewer.get(url("reader_calendar", reader.opaque)).status_code == 403
    assert viewer.get(url("ahead")).status_code == 200
