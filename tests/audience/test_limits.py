from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.audience.limits import DAY, HOUR, Limits, TooMany, count_attempt, hash_network
from keepshowingup.audience.models import JoinAttempt

HERE, THERE = hash_network("192.0.2.7"), hash_network("198.51.100.7")
SMALL = Limits(network_hour=3, network_day=5, unseen_network_hour=1, everybody_hour=8)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("unknown", "something else", True),
    ],
)
def test_neighbours_share_a_network(one: str, other: str, same: bool) -> None:
    assert (hash_network(one) == hash_network(other)) is same


def test_a_network_is_kept_as_a_hash() -> None:
    assert len(HERE) == 64
    assert hash_network("") == ""


@pytest.mark.django_db
def test_a_network_may_ask_so_often_an_hour_and_then_waits(now: dt.datetime) -> None:
    for _ in range(3):
        count_attempt(HERE, now, limits=SMALL)
    with pytest.raises(TooMany):
        count_attempt(HERE, now, limits=SMALL)
    count_attempt(THERE, now, limits=SMALL)
    count_attempt(HERE, now + HOUR, limits=SMALL)


@pytest.mark.django_db
def test_a_network_may_ask_so_often_a_day(now: dt.datetime) -> None:
    for hour in range(5):
        count_attempt(HERE, now + hour * HOUR, limits=SMALL)
    with pytest.raises(TooMany):
        count_attempt(HERE, now + 5 * HOUR, limits=SMALL)
    count_attempt(HERE, now + DAY, limits=SMALL)


@pytest.mark.django_db
def test_forms_we_did_not_show_have_a_narrower_limit(now: dt.datetime) -> None:
    count_attempt(HERE, now, unseen=True, limits=SMALL)
    with pytest.raises(TooMany):
        count_attempt(HERE, now, unseen=True, limits=SMALL)
    count_attempt(HERE, now, limits=SMALL)


@pytest.mark.django_db
def test_everybody_together_may_ask_so_often(now: dt.datetime) -> None:
    for n in range(8):
        count_attempt(hash_network(f"10.0.{n}.1"), now, limits=SMALL)
    with pytest.raises(TooMany):
        count_attempt(hash_network("10.1.0.1"), now, limits=SMALL)


@pytest.mark.django_db
def test_a_refusal_does_not_make_the_wait_longer(now: dt.datetime) -> None:
    for _ in range(3):
        count_attempt(HERE, now, limits=SMALL)
    for minute in range(1, 50):
        with pytest.raises(TooMany):
            count_attempt(HERE, now + dt.timedelta(minutes=minute), limits=SMALL)
    count_attempt(HERE, now + HOUR, limits=SMALL)


@pytest.mark.django_db
def test_networks_are_forgotten_after_a_day(now: dt.datetime) -> None:
    count_attempt(HERE, now)
    count_attempt(THERE, now + DAY)
    assert list(JoinAttempt.objects.values_list("network", flat=True)) == [THERE]


@pytest.mark.django_db
def test_our_own_desk_has_no_limit(now: dt.datetime) -> None:
    for _ in range(10):
        count_attempt("", now, limits=SMALL)
    assert not JoinAttempt.objects.exists()
