"""The kept connection, against a real server that misbehaves at every place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from keepshowingup.core.errors import WrongUsage
from keepshowingup.delivery.transports.lane import Load
from keepshowingup.delivery.transports.lanes import Lanes
from keepshowingup.delivery.transports.relay import Relay, parse_relay
from keepshowingup.delivery.transports.reply import AnswerLost, ConnectionDown, Outcome, Reply
from tests.smtpd import SmtpServer, running_smtp

MESSAGE = b"Subject: a note\r\n\r\nHello.\r\n"


@pytest.fixture(params=["pipelining", "one command at a time"])
def server(request: pytest.FixtureRequest) -> Iterator[SmtpServer]:
    with running_smtp() as running:
        running.pipelining = request.param == "pipelining"
        yield running


@pytest.fixture
def lanes(server: SmtpServer) -> Iterator[Lanes]:
    kept = Lanes(parse_relay(server.url))
    yield kept
    kept.close()


def send(lanes: Lanes, to: str = "maya@example.org", message: bytes = MESSAGE) -> tuple[Outcome, bool]:
    dots: list[bool] = []

    def at_the_dot() -> bool:
        dots.append(True)
        return True

    load = Load(to, "bounce@harbour.example", to, message, lambda: True, at_the_dot)
    return lanes.hand_over(load), bool(dots)


def taken(lanes: Lanes) -> bool:
    """Whether one more letter is accepted."""
    what, _ = send(lanes)
    return isinstance(what, Reply) and what.accepted


def test_a_letter_arrives_with_its_envelope_and_its_bytes(server: SmtpServer, lanes: Lanes) -> None:
    reply, dotted = send(lanes)
    assert isinstance(reply, Reply)
    assert reply.accepted
    assert dotted
    (received,) = server.received
    assert (received.sender, received.recipient, received.data) == (
        "bounce@harbour.example",
        "maya@example.org",
        MESSAGE,
    )


def test_one_connection_carries_many_letters(server: SmtpServer, lanes: Lanes) -> None:
    for _ in range(5):
        assert taken(lanes)
    assert server.connections == 1
    assert len(server.received) == 5


def test_a_refused_recipient_is_an_answer_and_the_connection_goes_on(server: SmtpServer, lanes: Lanes) -> None:
    server.script["gone@example.org"] = ["550 5.1.1 no such user"]
    reply, dotted = send(lanes, "gone@example.org")
    assert reply == Reply(550, "5.1.1", "no such user")
    assert not dotted, "nothing was in doubt"
    assert taken(lanes)
    assert server.connections == 1


def test_a_refusal_at_the_dot_is_an_answer(server: SmtpServer, lanes: Lanes) -> None:
    server.script["maya@example.org"] = ["dot 554 5.7.1 not from you"]
    assert send(lanes)[0] == Reply(554, "5.7.1", "not from you")


@pytest.mark.parametrize("place", ["drop-rcpt", "drop-data", "421 4.3.2 closing"])
def test_a_connection_that_ends_before_the_dot_has_handed_nothing_over(
    place: str, server: SmtpServer, lanes: Lanes
) -> None:
    server.script["maya@example.org"] = [place]
    long = MESSAGE + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 60_000  # more than the sockets' buffers hold
    assert isinstance(send(lanes, message=long)[0], ConnectionDown)
    assert server.received == []
    assert taken(lanes), "the next letter gets a new connection"


def test_a_connection_that_ends_after_the_dot_leaves_the_letter_in_doubt(server: SmtpServer, lanes: Lanes) -> None:
    server.script["maya@example.org"] = ["drop-dot"]
    assert isinstance(send(lanes)[0], AnswerLost)
    assert len(server.received) == 1, "the server has it, and we cannot know"


def test_a_server_that_is_not_there_has_handed_nothing_over() -> None:
    with running_smtp() as server:
        url = server.url
    with closing(Lanes(parse_relay(url))) as lanes:
        assert isinstance(send(lanes)[0], ConnectionDown)


@given(lines=st.lists(st.text(alphabet=".ab \t", max_size=12), max_size=20))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_dots_at_line_starts_arrive_as_they_were(lines: list[str], server: SmtpServer, lanes: Lanes) -> None:
    message = b"Subject: dots\r\n\r\n" + b"".join(line.encode() + b"\r\n" for line in lines)
    send(lanes, message=message)
    assert server.received[-1].data == message


def test_the_url_says_everything_about_the_relay() -> None:
    assert parse_relay("smtp://me:p%40ss@mail.example.org:587?starttls=1") == Relay(
        "mail.example.org", 587, "me", "p@ss", starttls=True
    )
    assert parse_relay("smtps://mail.example.org").port == 465
    assert parse_relay("smtp://mail.example.org").port == 25


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://mail:port"])
def test_a_url_that_names_no_relay_says_how_to_write_one(url: str) -> None:
    with pytest.raises(WrongUsage, match="SMTP_URL"):
        parse_relay(url)


def test_a_relays_name_never_has_its_password() -> None:
    assert "secret" not in parse_relay("smtp://me:secret@mail.example.org").name
