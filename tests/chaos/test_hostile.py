"""The hostile server does what it is in the mood for, and its record is right about what it has."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.chaos.certificate import make_certificate
from tests.chaos.hostile import HostileServer, server_context
from tests.chaos.moods import BY_NAME, LETTERS, Mood, Temper
from tests.chaos.plan import Plan, Size
from tests.chaos.record import ServerRecord

MAYA = "maya@quay.example"
ENVELOPE = b"MAIL FROM:<bounce@x>\r\nRCPT TO:<%b>\r\nDATA\r\n" % MAYA.encode()
LETTER = b"Subject: Note 0\r\nMessage-ID: <0@x>\r\n\r\n" + b"Hello.\r\n" * 20 + b"..two dots\r\n.\r\n"


class Client:
    """Says lines, and hears replies until the server falls silent."""

    def __init__(self, port: int) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.kept = b""

    def says(self, octets: bytes) -> Client:
        with suppress(ConnectionError):
            self.socket.sendall(octets)
        return self

    def hears(self) -> bytes:
        """The next reply, all its lines; what there is when the server has hung up."""
        heard = b""
        while True:
            while b"\n" not in self.kept:
                try:
                    more = self.socket.recv(4096)
                except ConnectionError:
                    more = b""
                if not more:
                    return heard + self.kept
                self.kept += more
            line, _, self.kept = self.kept.partition(b"\n")
            heard += line + b"\n"
            if line[3:4] != b"-":
                return heard

    def ready(self) -> Client:
        self.hears()
        self.says(b"EHLO here\r\n").hears()
        return self


class EvenServer(HostileServer):
    """Treats all its connections alike, and is not slow for long."""

    temper = Temper()

    def temper_for(self, number: int) -> Temper:
        return self.temper

    def patience(self, how: str) -> float:
        return 0.2 if how == "slow" else 0.4


@dataclass
class Setting:
    """A server in a thread, and what it has written down."""

    server: HostileServer
    record: Path
    clients: list[Client] = field(default_factory=list)

    def client(self) -> Client:
        self.clients.append(Client(self.server.server_address[1]))
        return self.clients[-1]

    def what_it_has(self) -> ServerRecord:
        return ServerRecord.read(self.record.read_text().splitlines())


@contextmanager
def serving(folder: Path, *moods: str, security: str = "", temper: Temper | None = None) -> Iterator[Setting]:
    """``moods`` are for the first attempts at Maya's letters."""
    plan = Plan(1, "sqlite", Size(), security, 2, (), (), (), {MAYA: dict(enumerate(moods, 1))})
    context = None
    if security:
        make_certificate(folder / "certificate")
        context = server_context(str(folder / "certificate"))
    record = folder / "record"
    with EvenServer(plan, record, ("127.0.0.1", 0), context) as server:
        server.temper = temper or Temper()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        setting = Setting(server, record)
        try:
            yield setting
        finally:
            for client in setting.clients:
                client.socket.close()
            server.shutdown()
            thread.join()


def name_of(does: str, at: str) -> str:
    return next(mood.name for mood in LETTERS if (mood.does, mood.at) == (does, at))


def test_a_letter_is_on_record_before_it_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as setting:
        client = setting.client().ready()
        client.says(ENVELOPE)
        assert [client.hears()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        assert client.says(LETTER).hears().startswith(b"250")
        (took,) = setting.what_it_has().took
        assert (took.recipient, took.subject, took.message_id) == (MAYA, "Note 0", "<0@x>")
        assert client.says(b"QUIT\r\n").hears().startswith(b"221")


@pytest.mark.parametrize("does", ["drop", "reset", "half"])
def test_a_letter_whose_dot_has_arrived_is_on_record_though_the_answer_never_comes(tmp_path: Path, does: str) -> None:
    with serving(tmp_path, name_of(does, "dot")) as setting:
        client = setting.client().ready().says(ENVELOPE)
        for _ in range(3):
            client.hears()
        assert not client.says(LETTER).hears().endswith(b"\r\n")
        assert len(setting.what_it_has().took) == 1


@pytest.mark.parametrize("mood", [mood for mood in LETTERS if mood.does == "refuse"], ids=lambda mood: mood.name)
def test_what_is_refused_is_not_taken_and_the_words_are_on_record(tmp_path: Path, mood: Mood) -> None:
    with serving(tmp_path, mood.name) as setting:
        client = setting.client().ready().says(ENVELOPE)
        heard = [client.hears() for _ in range(3)]
        if mood.at == "dot":
            heard.append(client.says(LETTER).hears())
        assert mood.words.encode() + b"\r\n" in heard
        record = setting.what_it_has()
        assert [(no.recipient, no.words) for no in record.refused] == [(MAYA, mood.words)]
        assert record.took == []


def test_a_pipelined_batch_is_answered_in_order_and_in_full_when_its_recipient_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, "450 4.2.0 at RCPT") as setting:
        client = setting.client().ready()
        client.says(ENVELOPE + b"RSET\r\n" + ENVELOPE)
        codes = [client.hears()[:3] for _ in range(7)]
        assert codes == [b"250", b"450", b"554", b"250", b"250", b"250", b"354"]


def test_a_batch_whose_sender_is_refused_names_the_sender_it_was(tmp_path: Path) -> None:
    mood = BY_NAME["451 4.3.0 at MAIL"]
    with serving(tmp_path, temper=Temper(mood=mood, nth=1)) as setting:
        client = setting.client().ready().says(ENVELOPE)
        assert [client.hears()[:3] for _ in range(3)] == [b"451", b"503", b"503"]
        (no,) = setting.what_it_has().refused
        assert (no.sender, no.recipient) == ("bounce@x", "")


def test_a_server_that_takes_a_message_for_nobody_notices_whether_one_is_sent(tmp_path: Path) -> None:
    refusal = "450 4.2.0 at RCPT"
    with serving(tmp_path, refusal, refusal, temper=Temper(takes_nobody=True)) as setting:
        client = setting.client().ready()
        for message, noticed in (b".\r\n", 0), (LETTER, 1):
            client.says(ENVELOPE)
            assert [client.hears()[:3] for _ in range(3)] == [b"250", b"450", b"354"]
            assert client.says(message).hears().startswith(b"554")
            assert setting.what_it_has().told_nobody == noticed
        assert setting.what_it_has().took == []


@pytest.mark.parametrize("does", ["drip", "lines", "slow", "stall"])
def test_a_good_answer_may_be_slow_or_long_and_is_a_good_answer(tmp_path: Path, does: str) -> None:
    with serving(tmp_path, name_of(does, "dot")) as setting:
        client = setting.client().ready().says(ENVELOPE)
        for _ in range(3):
            client.hears()
        last = client.says(LETTER).hears().splitlines()[-1]
        assert last == b"250 2.0.0 kept"


def test_a_goodbye_follows_a_good_answer(tmp_path: Path) -> None:
    with serving(tmp_path, name_of("goodbye", "dot")) as setting:
        client = setting.client().ready().says(ENVELOPE)
        for _ in range(3):
            client.hears()
        assert client.says(LETTER).hears().startswith(b"250")
        assert client.hears().startswith(b"421")
        assert client.hears() == b""


@pytest.mark.parametrize(
    ("opening", "heard"), [("shut", b""), ("421", b"421"), ("554", b"554"), ("half", b"220"), ("slow", b"220")]
)
def test_a_connection_may_begin_badly(tmp_path: Path, opening: str, heard: bytes) -> None:
    with serving(tmp_path, temper=Temper(opening=opening)) as setting:
        assert setting.client().hears()[:3] == heard


def test_not_every_connection_pipelines(tmp_path: Path) -> None:
    for pipelines in (True, False):
        with serving(tmp_path, temper=Temper(pipelines=pipelines)) as setting:
            client = setting.client()
            client.hears()
            assert (b"PIPELINING" in client.says(b"EHLO here\r\n").hears()) is pipelines


def test_who_names_a_recipient_before_tls_is_on_record(tmp_path: Path) -> None:
    with serving(tmp_path, security="starttls") as setting:
        client = setting.client().ready()
        client.says(b"MAIL FROM:<a@x>\r\nRCPT TO:<%b>\r\n" % MAYA.encode())
        assert [client.hears()[:3] for _ in range(2)] == [b"250", b"250"]
        assert setting.what_it_has().in_the_clear == [MAYA]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_tls_is_spoken_with_a_certificate_that_can_be_checked(tmp_path: Path, security: str) -> None:
    with serving(tmp_path, security=security) as setting:
        client = setting.client()
        if security == "starttls":
            client.ready().says(b"STARTTLS\r\n").hears()
        context = ssl.create_default_context(cafile=str(tmp_path / "certificate"))
        client.socket = context.wrap_socket(client.socket, server_hostname="127.0.0.1")
        if security == "tls":
            client.hears()
        assert b"STARTTLS" not in client.says(b"EHLO here\r\n").hears()
        client.says(ENVELOPE)
        assert [client.hears()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        assert client.says(LETTER).hears().startswith(b"250")
        record = setting.what_it_has()
        assert (len(record.took), record.in_the_clear) == (1, [])


def test_once_it_is_kind_only_mailboxes_that_have_ended_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, "450 4.2.0 at RCPT", "550 5.1.1 at RCPT") as setting:
        setting.server.kind = True
        client = setting.client().ready().says(ENVELOPE)
        assert [client.hears()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        client.says(LETTER).hears()
        client.says(ENVELOPE)
        assert [client.hears()[:3] for _ in range(3)] == [b"250", b"550", b"554"]
