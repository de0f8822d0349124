"""What monitors see."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from keepshowingup import __version__
from keepshowingup.core.rates import Rate
from keepshowingup.core.states import DispatchState
from keepshowingup.core.turns import Limit
from keepshowingup.core.warmup import Ramp
from keepshowingup.delivery import breaker
from keepshowingup.delivery.ledger import Entry, enter
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.routing import Router, Wish
from keepshowingup.delivery.transports.house import Transport, Transports
from keepshowingup.delivery.transports.relay import Relay
from keepshowingup.delivery.watching import Database, Status, beat_heart
from keepshowingup.ops.lookout import View
from keepshowingup.web import watch
from keepshowingup.web.exposition import exposition
from tests.factories import DispatchFactory, EnrolmentFactory, StepFactory

# Looking is done in a thread of its own, which sees what was committed.
pytestmark = pytest.mark.django_db(transaction=True)
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture(autouse=True)
def _without_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    from keepshowingup.ops import lookout

    def patiently(**how: Any) -> View:
        return lookout.look(**how, within=60)

    monkeypatch.setattr(watch, "look", patiently)


def families(client: Client) -> dict[str, Metric]:
    page = client.get("/metrics")
    assert page["Content-Type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in read_text(page.content.decode())}


def value(found: dict[str, Metric], name: str, **labels: str) -> float:
    family = next(family for family in found.values() if any(sample.name == name for sample in family.samples))
    (sample,) = [each for each in family.samples if each.name == name and each.labels == labels]
    return float(sample.value)


def test_nobody_has_ticked_yet_is_not_well(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/health")
    assert answer.status_code == 503
    assert caplog.text == "", "a monitor that asks every second fills no log"
    assert answer.json() == {"ok": False, "database": "well", "broker": "away", "overdue": 0, "parts": {}}
    assert answer["Retry-After"] == "30"


def test_a_house_that_ticks_is_well_and_says_how_long_ago_each_part_was_heard(client: Client) -> None:
    real = settings.CLOCK.real()
    beat_heart("tick", real)
    for host, ago in (("one", 5), ("two", 500)):
        beat_heart(f"worker-letters@{host}", real - dt.timedelta(seconds=ago))
    answer = client.get("/health")
    assert answer.status_code == 200
    parts = answer.json()["parts"]
    assert parts.keys() == {"tick", "worker-letters"}, "no name of a machine"
    assert parts["worker-letters"] >= 500


def test_late_letters_are_not_well(client: Client) -> None:
    beat_heart("tick", settings.CLOCK.real())
    moment = settings.CLOCK.now() - dt.timedelta(hours=1)
    EnrolmentFactory.create(sequence=StepFactory.create().sequence, due_at=moment)
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["overdue"]) == (503, 1)


def test_pages_are_well_while_no_letter_flows(client: Client) -> None:
    answer = client.get("/health/pages")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "database": "well"})


@pytest.mark.parametrize("path", ["/health", "/health/pages"])
def test_a_database_that_is_away_is_a_503_on_both(client: Client, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(watch, "look", lambda: View(Status(database=Database.AWAY)))
    answer = client.head(path)
    assert answer.status_code == 503
    assert client.get(path).json()["database"] == "away"


def test_counts_and_lateness_are_on_the_page(client: Client) -> None:
    now = settings.CLOCK.now()
    for late in (0.05, 0.5, 3, 10**6):
        enter([Entry(DispatchState.ACCEPTED, "", now - dt.timedelta(seconds=late), now)], now)
    enter([Entry(DispatchState.SKIPPED, "too_late", now, None), Entry(DispatchState.UNKNOWN, "", now, now)], now)
    found = families(client)
    assert value(found, "keepshowingup_accepted_total") == 4
    assert value(found, "keepshowingup_refused_total") == 0
    assert value(found, "keepshowingup_doubted_total") == 1
    assert value(found, "keepshowingup_skipped_total", reason="too_late") == 1
    assert [
        value(found, "keepshowingup_lateness_seconds_bucket", le=le) for le in ("0.1", "0.5", "5.0", "86400.0", "+Inf")
    ] == [1, 2, 3, 3, 4]
    assert value(found, "keepshowingup_lateness_seconds_count") == 4
    assert value(found, "keepshowingup_lateness_seconds_sum") == pytest.approx(10**6 + 3.55)


def test_how_it_stands_is_on_the_page(client: Client) -> None:
    real = settings.CLOCK.real()
    beat_heart("tick", real)
    breaker.trip("mail.example.org:587", "refused", real)
    breaker.trip("domain:example.org", "550 5.7.1 no", real)
    moment = settings.CLOCK.now() - dt.timedelta(minutes=10)
    EnrolmentFactory.create(sequence=StepFactory.create().sequence, due_at=moment)
    found = families(client)
    assert value(found, "keepshowingup_build_info", version=__version__) == 1
    assert value(found, "keepshowingup_database_up") == 1
    assert (value(found, "keepshowingup_due"), value(found, "keepshowingup_overdue")) == (1, 1)
    assert 600 <= value(found, "keepshowingup_oldest_due_seconds") < 1200
    assert value(found, "keepshowingup_heartbeat_age_seconds", part="tick") >= 0
    assert value(found, "keepshowingup_domains", state="open") == 1
    assert value(found, "keepshowingup_domains", state="half_open") == 0
    assert value(found, "keepshowingup_sending_stopped") == 0


def test_each_transport_is_on_the_page_with_its_breaker_and_its_limits(client: Client, settings: Any) -> None:
    here, real = Relay("127.0.0.1", 25), settings.CLOCK.real()
    limit = Limit(Rate(120, 60), Ramp(real.date(), first_day=50))
    settings.TRANSPORTS = Transports((Transport("main", here, limit=limit), Transport("spare", here)))
    Router(settings.TRANSPORTS).route([Wish(1, "maya@example.org")], real)
    breaker.trip("spare", "connection refused", real)
    entry = Entry(DispatchState.ACCEPTED, "", real, real, transport="main")
    enter([entry, entry, entry._replace(state=DispatchState.RETRY_AT)], settings.CLOCK.now())
    found = families(client)

    def states(name: str) -> list[float]:
        states = ("closed", "half_open", "open")
        return [value(found, "keepshowingup_transport_breaker", transport=name, state=state) for state in states]

    assert (states("main"), states("spare")) == ([1, 0, 0], [0, 0, 1])
    assert 0 < value(found, "keepshowingup_transport_rest_seconds", transport="spare") <= 5
    assert value(found, "keepshowingup_transport_limit_per_second", transport="main") == 2
    assert value(found, "keepshowingup_transport_day_allowance", transport="main") == 50
    # One of the two passes; the transports take turns.
    assert value(found, "keepshowingup_transport_today", transport="main") <= 1
    assert value(found, "keepshowingup_transport_under_way", transport="spare") == 0
    assert [
        value(found, "keepshowingup_answers_total", transport="main", answer=answer) for answer in ("accepted", "later")
    ] == [2, 1]
    unlimited = {sample.labels["transport"] for sample in found["keepshowingup_transport_today"].samples}
    assert unlimited == {"main"}, "what has no limit is not counted"


def test_nobody_is_named_on_the_page(client: Client) -> None:
    DispatchFactory.create(enrolment__sequence=StepFactory.create().sequence, state="unknown")
    for name in ("domain:tiny-clinic.example", "domain:tiny-clinic.example by 127.0.0.1:1025", "domain:gmail.com"):
        breaker.trip(name, "550 5.7.1 tiny-clinic.example wants none", settings.CLOCK.real())
    reader = Dispatch.objects.get().subscriber
    for path in ("/metrics", "/health", "/health/pages"):
        page = client.get(path).content.decode()
        for secret in (reader.email, reader.opaque, "tiny-clinic", "gmail.com", settings.SECRET_KEY):
            assert secret not in page
    assert value(families(client), "keepshowingup_unknown") == 1


def test_a_broker_that_does_not_answer_has_no_lengths_on_the_page(client: Client) -> None:
    found = families(client)
    assert value(found, "keepshowingup_broker_up") == 0
    assert "keepshowingup_broker_queue_length" not in found


def seen(**more: Any) -> View:
    return View(Status(heartbeats={"tick": 1.0}), **more)


def test_what_waits_in_the_broker_is_on_the_page() -> None:
    page, _ = exposition(seen(queues={"bulk": 7, "transactional": 0}), "")
    assert 'keepshowingup_broker_queue_length{queue="bulk"} 7.0\n' in page.decode()


def test_without_a_database_the_page_says_so_and_nothing_that_would_be_believed() -> None:
    page, _ = exposition(View(Status(database=Database.AWAY)), "")
    found = {family.name for family in read_text(page.decode())}
    assert found == {"keepshowingup_build_info", "keepshowingup_database_up", "keepshowingup_broker_up"}


def lines_of(page: str) -> Iterator[str]:
    assert page.endswith("\n")
    return iter(page[:-1].split("\n"))


def test_the_page_is_the_text_format_to_the_letter(client: Client) -> None:
    """Each family once: HELP, TYPE, then its samples; names and labels as the format wants them; no sample twice."""
    beat_heart('a "quoted"\\part\nof two lines', settings.CLOCK.real())
    page = client.get("/metrics").content.decode()
    label = r'[a-z_]+="(?:[^"\\\n]|\\[\\n"])*"'
    sample = re.compile(rf"([a-z_]+)(\{{{label}(?:,{label})*\}})? ([-+0-9.eInf]+)")
    known: set[str] = set()
    samples: set[str] = set()
    family = kind = ""
    for line in lines_of(page):
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in known, "a family comes once"
            assert len(line.split(" ", 3)[3]) > 10
            known.add(family)
        elif line.startswith("# TYPE "):
            _, _, named, kind = line.split(" ")
            assert named == family
            assert kind in {"counter", "gauge", "histogram"}
            assert named.endswith("_total") is (kind == "counter")
        else:
            match = sample.fullmatch(line)
            assert match, line
            endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert match[1] in {family + ending for ending in endings}
            assert f"{match[1]}{match[2]}" not in samples
            samples.add(f"{match[1]}{match[2]}")
            assert not math.isnan(float(match[3]))
    assert all(name.startswith("keepshowingup_") for name in known)
    assert 'part="a \\"quoted\\"\\\\part\\nof two lines"' in page


def test_who_asks_for_openmetrics_gets_it(client: Client) -> None:
    answer = client.get("/metrics", headers={"Accept": OPENMETRICS})
    assert answer["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    page = answer.content.decode()
    assert page.endswith("# EOF\n")
    strict = {family.name: family for family in read_openmetrics(page)}  # type: ignore[no-untyped-call]
    assert strict["keepshowingup_accepted"].type == "counter"
    assert strict["keepshowingup_lateness_seconds"].type == "histogram"


def test_the_metrics_are_closed_to_who_has_no_token(client: Client, settings: Any) -> None:
    settings.PRODUCTION = True
    assert client.get("/metrics").status_code == 401
    settings.API_TOKEN = "a token"
    for wrong in ("Bearer another", "Bearer a tokén", "a token", ""):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer a token"}).status_code == 200
