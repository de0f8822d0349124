"""Many letters on a few connections, against a server that misbehaves in the middle of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from keepshowingup.delivery.transports.lane import Lane, Load
from keepshowingup.delivery.transports.lanes import Lanes
from keepshowingup.delivery.transports.relay import Opened, Relay, parse_relay
from keepshowingup.delivery.transports.reply import AnswerLost, ConnectionDown, NotTried, Outcome, Reply, Withheld
from tests.smtpd import SmtpServer, running_smtp

MESSAGE = b"Subject: a note\r\n\r\nHello.\r\n"
PATIENCE = 60.0


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with running_smtp() as running:
        yield running


def letter(name: str, *, dots: list[str] | None = None, wanted: bool = True) -> Load:
    def at_the_dot() -> bool:
        if dots is not None:
            dots.append(name)
        return True

    return Load(name, "bounce@harbour.example", f"{name}@example.org", MESSAGE, lambda: wanted, at_the_dot)


def send_all(lanes: Lanes, letters: list[Load]) -> dict[str, Outcome]:
    """What became of each letter, each offered once."""
    waiting, done = list(letters), dict[str, Outcome]()
    until = time.monotonic() + PATIENCE
    while waiting or lanes.under_way:
        assert time.monotonic() < until
        if waiting and lanes.has_room:
            done |= {load.of: what for load, what in lanes.offer(waiting.pop(0))}
        elif waiting:
            lanes.make_room()
        done |= {load.of: what for load, what in lanes.watch(0.01)}
    return done


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("most", [1, 5])
def test_every_letter_arrives_once_whatever_the_number_of_connections(
    server: SmtpServer, most: int, pipelining: bool
) -> None:
    server.pipelining = pipelining
    with closing(Lanes(parse_relay(server.url), most=most)) as lanes:
        done = send_all(lanes, [letter(str(number)) for number in range(60)])
    assert all(isinstance(what, Reply) and what.accepted for what in done.values())
    assert sorted(each.recipient for each in server.received) == sorted(f"{n}@example.org" for n in range(60))
    assert server.connections <= most


def test_each_letter_gets_its_own_answer_however_they_are_mixed(server: SmtpServer) -> None:
    for number in range(0, 40, 4):
        server.script[f"{number}@example.org"] = ["550 5.1.1 no such user"]
        server.script[f"{number + 1}@example.org"] = ["dot 452 4.2.2 full"]
    with closing(Lanes(parse_relay(server.url), most=2)) as lanes:
        done = send_all(lanes, [letter(str(number)) for number in range(40)])
    codes = {name: what.code for name, what in done.items() if isinstance(what, Reply)}
    assert codes == {str(number): {0: 550, 1: 452}.get(number % 4, 250) for number in range(40)}
    assert len(server.received) == 20


@pytest.mark.parametrize(("place", "doubtful"), [("drop-dot", 1), ("drop-rcpt", 0), ("drop-data", 0)])
def test_of_all_letters_on_a_connection_that_ends_at_most_one_is_in_doubt(
    server: SmtpServer, place: str, doubtful: int
) -> None:
    server.script["5@example.org"] = [place]
    dots: list[str] = []
    with closing(Lanes(parse_relay(server.url), most=1)) as lanes:
        done = send_all(lanes, [letter(str(number), dots=dots) for number in range(12)])
    arrived = {each.recipient.partition("@")[0] for each in server.received}
    lost = [name for name, what in done.items() if isinstance(what, AnswerLost)]
    assert len(lost) <= 1
    assert len(lost) >= doubtful
    for name, what in done.items():
        if isinstance(what, ConnectionDown | NotTried):
            assert name not in arrived, "what was not handed over did not arrive"
        elif isinstance(what, Reply):
            assert (name in arrived) == what.accepted
    assert len(done) == 12
    assert set(dots) >= arrived, "the journal is told before any dot leaves"


def test_a_letter_nobody_wants_any_more_when_its_turn_comes_is_not_offered(server: SmtpServer) -> None:
    with closing(Lanes(parse_relay(server.url), most=1)) as lanes:
        send_all(lanes, [letter("a"), letter("b", wanted=False), letter("c")])
    assert [each.recipient for each in server.received] == ["a@example.org", "c@example.org"]


def test_a_letter_nobody_wants_any_more_when_data_is_next_is_taken_back_and_the_connection_is_kept(
    server: SmtpServer,
) -> None:
    server.pipelining = False
    answers, dots = iter([True, False]), list[str]()
    leaving = replace(letter("b", dots=dots), still_wanted=lambda: next(answers))
    with closing(Lanes(parse_relay(server.url), most=1)) as lanes:
        done = send_all(lanes, [letter("a"), leaving, letter("c")])
    assert isinstance(done["b"], Withheld)
    assert dots == []
    assert [each.recipient for each in server.received] == ["a@example.org", "c@example.org"]
    assert server.connections == 1


def test_a_server_that_keeps_one_letter_waiting_gives_the_others_back_to_go_by_other_ways(
    server: SmtpServer,
) -> None:
    with closing(Lanes(parse_relay(server.url), most=1)) as lanes:
        send_all(lanes, [letter("first")])
        server.answer_after = 1.0
        lanes.offer(letter("slow"))
        lanes.offer(letter("behind"))
        until = time.monotonic() + PATIENCE
        while not server.to("slow@example.org"):
            assert time.monotonic() < until
            lanes.watch(0.01)
        lanes.offer(letter("last"))
        (stalled,), free = lanes.take_stalled(patience=0.0)
        assert [load.of for load in free] == ["behind", "last"]
        assert lanes.under_way == 0
        server.answer_after = 0.0
        others = send_all(lanes, free)
        assert all(isinstance(what, Reply) and what.accepted for what in others.values()), "on another connection"
        with closing(Lanes(parse_relay(server.url))) as waiting_room:
            waiting_room.adopt(stalled)
            assert [(load.of, what.accepted) for load, what in _until_one(waiting_room)] == [("slow", True)]
    names = [each.recipient.partition("@")[0] for each in server.received]
    assert sorted(names) == ["behind", "first", "last", "slow"], "nobody got a letter twice"


def test_a_connection_too_many_says_nothing_of_the_day_when_the_others_have_ended(server: SmtpServer) -> None:
    here = parse_relay(server.url)
    server.script["last@example.org"] = ["drop-dot"]
    with closing(Lanes(here, most=2)) as lanes:
        send_all(lanes, [letter("first")])
        lanes.relay = Relay("127.0.0.1", 1)
        lanes.make_room()
        until = time.monotonic() + PATIENCE
        while lanes._opening:
            assert time.monotonic() < until
            lanes.watch(0.01)
        lanes.relay = here
        send_all(lanes, [letter("last")])
        assert isinstance(lanes.hand_over(letter("next")), Reply)


def _until_one(lanes: Lanes) -> list[tuple[Load, Reply]]:
    until = time.monotonic() + PATIENCE
    while not (done := lanes.watch(0.05)):
        assert time.monotonic() < until
    return [(load, what) for load, what in done if isinstance(what, Reply)]


ENVELOPE_ACCEPTED = b"250 ok\r\n250 ok\r\n354 go on\r\n"


@contextmanager
def lane_and_server() -> Iterator[tuple[Lane, socket.socket]]:
    """A lane that pipelines, and the server's end of it."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with closing(ours), closing(theirs):
        yield Lane(Opened(ours, pipelining=True), "relay"), theirs


def test_an_answer_is_told_before_the_next_dot_leaves_even_when_both_come_in_one_segment() -> None:
    """Between the two a kill would leave two letters of one connection in doubt."""
    told: list[str] = []
    with lane_and_server() as (lane, server):
        lane.offer(replace(letter("a", dots=told), answered=lambda reply: told.append(f"answered {reply.code}")))
        lane.offer(letter("b", dots=told))
        server.sendall(ENVELOPE_ACCEPTED)
        lane.readable()
        assert told == ["a"]
        server.sendall(b"250 kept\r\n" + ENVELOPE_ACCEPTED)
        lane.readable()
    assert told == ["a", "answered 250", "b"]


def test_a_message_with_dots_at_line_starts_arrives_as_it_was_and_so_does_one_without(server: SmtpServer) -> None:
    dotted, plain = b"Subject: a\r\n\r\n.\r\n..\r\n.a\r\n", b"Subject: b\r\n\r\na.\r\n"
    with closing(Lanes(parse_relay(server.url), most=1)) as lanes:
        send_all(lanes, [replace(letter("a"), message=dotted), replace(letter("b"), message=plain, dotless=True)])
    assert [each.data for each in server.received] == [dotted, plain]


def test_a_refused_envelope_is_told_as_an_answer_is() -> None:
    """A worker that dies now must not leave the address to be asked again."""
    told: list[str] = []
    with lane_and_server() as (lane, server):
        lane.offer(replace(letter("a", dots=told), answered=lambda reply: told.append(f"answered {reply.code}")))
        server.sendall(b"250 ok\r\n550 5.1.1 nobody\r\n503 no\r\n")
        assert [what.code for _, what in lane.readable() if isinstance(what, Reply)] == [550]
    assert told == ["answered 550"]


def test_a_look_that_fails_leaves_no_letter_told_as_sent_that_is_not() -> None:
    """The next envelope leaves behind the dot: whether it is still wanted is asked before that is written down."""

    def away() -> bool:
        raise ConnectionError("the database is away")

    told: list[str] = []
    with lane_and_server() as (lane, server):
        lane.offer(letter("a", dots=told))
        lane.offer(replace(letter("b"), still_wanted=away))
        server.sendall(ENVELOPE_ACCEPTED)
        with pytest.raises(ConnectionError):
            lane.readable()
        assert not lane.awaits_answer
        assert b"Subject" not in server.recv(65536)
    assert told == []


def test_of_many_letters_only_those_whose_dot_has_left_are_waited_for(server: SmtpServer) -> None:
    server.script["first@example.org"] = ["hold-dot"]
    answers: list[int] = []
    with closing(Lanes(parse_relay(server.url), most=1)) as lanes:
        send_all(lanes, [letter("nobody")])
        lanes.offer(replace(letter("first"), answered=lambda reply: answers.append(reply.code)))
        lanes.offer(letter("second"))
        until = time.monotonic() + PATIENCE
        while not server.held:
            assert time.monotonic() < until
            lanes.watch(0.01)
        lanes.offer(letter("third"))
        lanes.keep_only_sent()
        assert lanes.under_way == 1
        server.let_go("first@example.org")
        _until_one(lanes)
        assert (answers, lanes.under_way) == ([250], 0)
    assert [each.recipient.partition("@")[0] for each in server.received] == ["nobody", "first"]
