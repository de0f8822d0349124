"""The file of transports: what it says, and a sentence for whatever is wrong in it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from keepshowingup.core.errors import PartMissing, WrongUsage
from keepshowingup.core.rates import Rate
from keepshowingup.core.turns import Limit
from keepshowingup.core.warmup import Ramp
from keepshowingup.delivery.transports.config import read_transports
from keepshowingup.delivery.transports.house import DomainLimit, Transports, alone
from keepshowingup.delivery.transports.relay import Relay, parse_relay
from tests.test_house import HOUSE

ONE = '[[transport]]\nname = "main"\nurl = "smtp://127.0.0.1"\n'


def read(tmp_path: Path, text: str, **environ: str) -> Transports:
    file = tmp_path / "transports.toml"
    file.write_text(text)
    return read_transports(file, environ)


def faults(tmp_path: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(WrongUsage) as caught:
        read(tmp_path, text, **environ)
    place = f"{tmp_path / 'transports.toml'} (KSU_TRANSPORTS): "
    assert caught.value.message.startswith(place)
    return caught.value.message.removeprefix(place).split("\n")


def test_one_transport_is_enough(tmp_path: Path) -> None:
    house = read(tmp_path, ONE)
    (main,) = house.all
    assert (main.name, main.relay, main.weight, main.connections) == ("main", Relay("127.0.0.1", 25), 1, None)
    assert not house.limited
    assert house.named("main") is main


def test_the_example_is_read_whole() -> None:
    environ = {"SES_SMTP_URL": "smtp://user:pass@mail.example.org:587?starttls=1"}
    house = read_transports(HOUSE / "examples" / "transports.toml", environ)
    ses, own, spare = house.all
    assert ses.relay.password == "pass"
    assert ses.limit == Limit(Rate(14, burst=14))
    assert own.limit.ramp == Ramp(dt.date(2026, 12, 1), first_day=50, growth=1.4)
    assert spare.weight == 0
    assert spare.limit == Limit(Rate(500, 3600))
    assert house.group("maya@GoogleMail.com") == "gmail.com"
    assert house.rate("gmail.com") == Rate(5, burst=10)
    assert house.connections("gmail.com") == 4
    assert house.default == DomainLimit(Rate(2, burst=5), 2)
    assert house.rate("anybody.example") == Rate(2, burst=5)
    assert house.limited


def test_a_password_may_come_from_a_variable_or_its_file(tmp_path: Path) -> None:
    text = '[[transport]]\nname = "main"\nurl_env = "RELAY"\n'
    secret = tmp_path / "secret"
    secret.write_text("smtps://ruth:from-a-file@mail.example.org\n")
    assert read(tmp_path, text, RELAY="smtp://ruth:word@mail.example.org").all[0].relay.password == "word"
    assert read(tmp_path, text, RELAY_FILE=str(secret)).all[0].relay.password == "from-a-file"
    assert "neither RELAY nor RELAY_FILE is set" in faults(tmp_path, text)[0]
    assert "can't be read" in faults(tmp_path, text, RELAY_FILE=str(tmp_path / "nothing"))[0]
    (said,) = faults(tmp_path, text, RELAY="http://ruth:hidden-word@mail.example.org:abc")
    assert "RELAY must look like smtp://" in said
    assert "hidden-word" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The file: it names no transport. Begin one with [[transport]]."),
        ('[transport]\nurl = "smtp://ruth:word@h"', "The file: [transport] has one pair of brackets."),
        ('[[transport]]\nname = "main"\nurl = ["smtp://ruth:word@h"]', "url is a list. Write a text"),
        ('[[transport]]\nname = "main"\nurl = "smtp://h?startls=1"', "url must look like smtp://"),
        ('transport = "main"', "The file: transport is 'main'. Write a list"),
        ("transport = [1]", "The file: write each transport as [[transport]]."),
        (ONE + ONE, 'The file: 2 transports are called "main". Give each a name of its own.'),
        (ONE + "wieght = 2", 'transport "main": nothing here is called wieght. Did you mean weight?'),
        (ONE + "weight = -1", 'transport "main": weight is -1. Write a whole number from 0 to 1000.'),
        (ONE + "weight = true", "weight is True. Write a whole number"),
        (ONE + "connections = 0", "connections is 0. Write a whole number from 1 to 200."),
        (ONE + 'per_second = "fast"', "per_second is 'fast'. Write a number from"),
        (ONE + "per_second = 0", "per_second is 0. Write a number from"),
        (ONE + "per_second = nan", "per_second is nan. Write a number from"),
        (ONE + "per_second = 1\nper_hour = 1", "it has per_second and per_hour. Keep one of them."),
        (ONE + "burst = 5", "burst says nothing without a rate."),
        (ONE + 'url_env = "X"', "say where it is, either by url"),
        ('[[transport]]\nname = "A B"\nurl = "smtp://h"', "give it a name of small letters, digits"),
        ('[[transport]]\nurl = "smtp://h"', "transport 1: give it a name"),
        ('[[transport]]\nname = "main"\nurl = "http://h"', "url must look like smtp://"),
        ('[[transport]]\nname = "main"\nurl = "smtp://[::1"', "url must look like smtp://"),
        ('[[transport]]\nname = "main"\nurl = 7', "url is 7. Write a text"),
        (ONE + "warm_up = 3", "warm_up is 3, where a table of its own is meant."),
        (ONE + "[transport.warm_up]", 'transport "main", warm_up: say when it begins: start = 2026-12-01'),
        (ONE + "[transport.warm_up]\nstart = 2026-12-01T10:00:00Z", "say when it begins"),
        (ONE + "[transport.warm_up]\nstart = 2026-12-01\ngrowth = 0.5", "growth is 0.5. Write a number from 1 to 10."),
        (ONE + "[transport.warm_up]\nstart = 2026-12-01\ndays = [5, 0]", "days lists whole numbers"),
        (ONE + "[transport.warm_up]\nstart = 2026-12-01\ndays = [5]\ngrowth = 2", "write either days, or"),
        (ONE + "[transport.warm_up]\nstart = 2026-12-01\nfirst = 5", "Did you mean first_day?"),
        (ONE + "[domains.gmail]\nper_second = 1", "gmail is no domain. Write it in quotes"),
        (ONE + "[domains.gmail.com]\nper_second = 1", "gmail is no domain. Write it in quotes"),
        (ONE + '[domains."a.example"]\nalso = ["b.example"]\n[domains."b.example"]', "Remove one."),
        (
            ONE + '[domains."a.example"]\nalso = ["c.example"]\n[domains."b.example"]\nalso = ["c.example"]',
            "c.example counts as a.example already.",
        ),
        (ONE + '[domains."a.example"]\n[domains."A.example"]', "a.example has a table already. Keep one."),
        (ONE + "[domains.default]\nalso = []", "nothing here is called also."),
        ("[[transport]\n", ""),
    ],
)
def test_each_mistake_gets_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    if not said:
        with pytest.raises(WrongUsage, match="is not TOML"):
            read(tmp_path, text)
        return
    assert any(said in sentence for sentence in faults(tmp_path, text)), faults(tmp_path, text)
    assert "ruth:word" not in "".join(faults(tmp_path, text)), "a password"


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    said = faults(tmp_path, ONE + "weight = -1\nburst = 0\n[domains.default]\nper_minute = -1")
    assert [re.split(r" is |:", sentence)[1].strip() for sentence in said] == ["weight", "burst", "per_minute"]


def test_a_file_that_is_not_there_is_a_part_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PartMissing, match="which can't be read"):
        read_transports(tmp_path / "nothing.toml", {})


def test_a_domain_may_be_written_as_people_write_it(tmp_path: Path) -> None:
    house = read(tmp_path, ONE + '[domains."Bücher.Example"]\nper_second = 1')
    assert list(house.domains) == ["xn--bcher-kva.example"]


def test_smtp_url_alone_is_one_transport_by_its_host_and_port() -> None:
    house = alone("smtp://ruth:word@mail.example.org:587")
    assert [transport.name for transport in house.all] == ["mail.example.org:587"]
    assert not house.limited


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + ONE).all[0].name == "main"


@pytest.mark.parametrize("behind", ["?startls=1", "?starttls", "?starttls=maybe", "/inbox", "#fragment"])
def test_a_slip_in_smtp_url_never_means_no_encryption(behind: str) -> None:
    with pytest.raises(WrongUsage, match="starttls=1"):
        parse_relay(f"smtp://ruth:word@mail.example.org:587{behind}")


@pytest.mark.parametrize(
    ("behind", "starttls"), [("", False), ("/", False), ("?starttls=1", True), ("?starttls=0", False)]
)
def test_starttls_is_asked_for_behind_the_host(behind: str, starttls: bool) -> None:
    assert parse_relay(f"smtp://mail.example.org:587{behind}").starttls is starttls
