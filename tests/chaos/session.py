"""One connection to the hostile mail server: the conversation, and everything that may go wrong in it."""

from __future__ import annotations

import email
import socketserver
import time
from email.message import Message
from typing import TYPE_CHECKING, Any

from tests.chaos.moods import Mood
from tests.chaos.wire import Gone, Silent, Wire

if TYPE_CHECKING:
    from tests.chaos.hostile import HostileServer

LINES_BEFORE_CUT = 12
DRIP = 0.01  # seconds between two bytes


class Cut(Exception):
    """We close the connection, rudely (a reset) or not."""

    def __init__(self, *, rudely: bool = False) -> None:
        super().__init__()
        self.rudely = rudely


class Session(socketserver.BaseRequestHandler):
    """One client. What is under way when the connection breaks is written down too."""

    server: HostileServer

    def handle(self) -> None:
        """From the greeting to the end, and a line in the record for both."""
        self.number = self.server.next_number()
        self.temper = self.server.temper_for(self.number)
        self.opening = "" if self.server.kind else self.temper.opening
        self.wire = Wire(self.request)
        self.stage, self.mails = "opening", 0
        self.note("open", at=time.time(), host=self.client_address[0], port=self.client_address[1])
        self.forget()
        how = "gone"
        try:
            self.greet()
            self.converse()
            how = "quit"
        except Cut as cut:
            how = "cut"
            if cut.rudely:
                self.wire.close(rudely=True)
        except Silent:
            how = "silent"
        except (Gone, OSError):
            pass  # the record says so
        self.note("end", at=time.time(), how=how, stage=self.stage, recipient=self.recipient, **self.head)
        self.wire.close()

    def forget(self) -> None:
        """No letter is under way."""
        self.sender = self.recipient = self.manner = ""
        self.mood: Mood | None = None
        self.head: dict[str, str] = {}

    def note(self, event: str, **values: Any) -> None:
        self.server.note({"event": event, "connection": self.number, **values})

    def say(self, line: str) -> None:
        """A good answer, in the manner of the moment."""
        manner, self.manner = self.manner, ""
        octets = line.encode() + b"\r\n"
        match manner:
            case "half":
                self.wire.send(octets[: len(octets) // 2])
                raise Cut
            case "drip":
                self.wire.drip(octets, DRIP)
            case "lines":
                self.wire.send(b"%b-%b\r\n" % (octets[:3], b"well") * 3 + octets)
            case _:
                self.wire.send(octets)

    def greet(self) -> None:
        match self.opening:
            case "shut":
                raise Cut
            case "421" | "554" as code:
                self.wire.send(f"{code} {code[0]}.3.2 hostile.example takes nobody now\r\n".encode())
                raise Cut
            case "half":
                self.manner = "half"
            case "slow":
                self.wire.wait(self.server.patience("slow"))
        if self.server.plan.security == "tls":
            self.secure()
        self.say("220 hostile.example ESMTP")

    def secure(self) -> None:
        """The TLS handshake, or what this connection makes of it."""
        if self.opening == "noise at STARTTLS":
            self.wire.send(b"\x16\x03\x01 this is no handshake\r\n")
            raise Cut
        if self.opening == "cut at STARTTLS" or self.server.context is None:
            raise Cut
        self.wire.secure(self.server.context)

    def converse(self) -> None:
        while True:
            line, at = self.wire.line()
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self.offer()
                case "HELO":
                    self.stage = ""
                    self.say("250 hostile.example")
                case "STARTTLS":
                    self.start_tls()
                case "MAIL":
                    self.take_sender(rest)
                case "RCPT":
                    self.take_recipient(rest, at)
                case "DATA":
                    self.take_letter(at)
                case "RSET" | "NOOP":
                    self.stage = ""
                    self.forget()
                    self.say("250 2.0.0 ok")
                case "QUIT":
                    self.stage = ""
                    self.forget()
                    self.say("221 2.0.0 bye")
                    return
                case _:
                    self.say("502 5.5.1 what?")

    def offer(self) -> None:
        """The answer to EHLO."""
        if self.opening == "cut at EHLO":
            raise Cut
        if self.opening == "no EHLO":
            self.say("502 5.5.1 what?")
            return
        offers = ["8BITMIME", "ENHANCEDSTATUSCODES"]
        if self.temper.pipelines:
            offers.append("PIPELINING")
        if self.server.plan.security == "starttls" and not self.wire.is_secure and self.opening != "no STARTTLS":
            offers.append("STARTTLS")
        self.stage = ""
        self.wire.send("".join(f"250-{each}\r\n" for each in ("hostile.example", *offers)).encode())
        self.wire.send(b"250 HELP\r\n")

    def start_tls(self) -> None:
        self.stage = "opening"
        if self.opening == "454 at STARTTLS":
            self.say("454 4.7.0 TLS is not to be had now")
            return
        self.wire.send(b"220 2.0.0 go on\r\n")
        self.secure()

    def take_sender(self, rest: str) -> None:
        self.forget()
        self.sender, self.stage = _path(rest), "MAIL"
        self.mails += 1
        if self.mails == self.temper.nth and not self.server.kind:
            self.mood = self.temper.mood
        if self.goes_on():
            self.say("250 2.1.0 ok")
        else:
            self.sender = ""

    def take_recipient(self, rest: str, at: float) -> None:
        if not self.sender:
            self.say("503 5.5.1 MAIL first")
            return
        self.recipient, self.stage = _path(rest), "RCPT"
        self.mood = self.server.mood_for(self.recipient)
        self.note(
            "rcpt",
            at=at,
            recipient=self.recipient,
            sender=self.sender,
            mood=self.mood.name if self.mood else "",
            clear=self.server.plan.security != "" and not self.wire.is_secure,
        )
        if self.goes_on():
            self.say("250 2.1.5 ok")
        else:
            self.recipient = ""

    def take_letter(self, at: float) -> None:
        if not self.recipient:
            if self.sender and self.temper.takes_nobody:
                self.take_for_nobody()
            else:
                self.say("554 5.5.1 no valid recipients" if self.sender else "503 5.5.1 MAIL first")
            return
        self.stage = "DATA"
        self.note("data", at=at, recipient=self.recipient)
        if self.goes_on():
            self.say("354 go on")
            self.read_body()
            self.answer_the_dot(at)
        self.stage = ""
        self.forget()

    def take_for_nobody(self) -> None:
        """All recipients were refused, and still it asks for a message. It must be a dot alone (RFC 2920 3.1)."""
        self.stage = "nobody"
        self.wire.send(b"354 go on\r\n")
        lines = 0
        while self.wire.line()[0] != b".\r\n":
            lines += 1
        if lines:
            self.note("told nobody", at=time.time(), lines=lines)
        self.stage = ""
        self.forget()
        self.wire.send(b"554 5.5.1 no valid recipients\r\n")

    def read_body(self) -> None:
        self.stage = "body"
        lines: list[bytes] = []
        while (line := self.wire.line())[0] != b".\r\n":
            octets = line[0]
            lines.append(octets[1:] if octets.startswith(b".") else octets)
            if octets == b"\r\n" and not self.head:
                self.head = head_of(b"".join(lines))
            if len(lines) > LINES_BEFORE_CUT and self.mood and self.mood.at == "body":
                raise Cut(rudely=self.mood.does == "reset")
        self.stage, self.dot_at = "dot", line[1]

    def answer_the_dot(self, began: float) -> None:
        """The message is ours now, unless we say no: that is written down before anything is answered."""
        refuses = self.mood is not None and self.mood.at == "dot" and self.mood.does == "refuse"
        if not refuses:
            mood = self.mood.name if self.mood else ""
            self.note("took", at=self.dot_at, began=began, recipient=self.recipient, mood=mood, **self.head)
        if not self.goes_on():
            return
        says_goodbye = self.manner == "goodbye"
        self.say("250 2.0.0 kept")
        if says_goodbye:
            self.stage = "goodbye"
            self.wire.send(b"421 4.3.2 closing for a while\r\n")
            raise Cut

    def goes_on(self) -> bool:
        """Do what the mood has in mind at this stage; whether a good answer may follow."""
        if self.mood is None or self.mood.at != self.stage:
            return True
        match self.mood.does:
            case "drop":
                raise Cut
            case "reset":
                raise Cut(rudely=True)
            case "slow" | "stall" as how:
                self.wire.wait(self.server.patience(how))
            case "refuse":
                self.refuse(self.mood.words)
                return False
            case manner:
                self.manner = manner
        return True

    def refuse(self, words: str) -> None:
        self.note(
            "refused", at=time.time(), recipient=self.recipient, sender=self.sender, words=words, stage=self.stage
        )
        self.wire.send(words.encode() + b"\r\n")
        if words.startswith("421"):
            raise Cut


def _path(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


def head_of(lines: bytes) -> dict[str, str]:
    """What the record keeps of a message: its Message-ID, its subject and its date."""
    head: Message = email.message_from_bytes(lines)
    kept = {"message_id": "Message-ID", "subject": "Subject", "dated": "Date"}
    return {name: str(head[field] or "").strip() for name, field in kept.items()}
