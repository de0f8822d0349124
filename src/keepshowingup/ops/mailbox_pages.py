"""The inbox's pages: a list, a letter in four views, and a small JSON answer for scripts and tests.

The pages run no foreign code: a letter's HTML is shown in a sandboxed frame under a policy that loads nothing.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jinja2

from keepshowingup.ops.mailbox import Arrival, Mailbox, header, parse

log = logging.getLogger(__name__)

PAGES = Path(__file__).parent / "pages"
ON_A_PAGE = 100
VIEWS = ("html", "text", "headers", "raw")
OWN_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self';"
    " img-src data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A letter may be styled and its links may open a new tab: following one is what an inbox is for.
LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self';"
    " sandbox allow-popups allow-popups-to-escape-sandbox"
)
#: What mail programs show of what came along. SVG is a document with links of its own.
PICTURES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_ENCLOSED = re.compile(r"""cid:([^\s"'<>()]+)""", re.IGNORECASE)
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PAGES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
)


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


class Pages:
    """Every address the inbox answers at."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def get(self, target: str) -> Answer:
        """``GET``: nothing is ever changed."""
        parts = urlsplit(target)
        question = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        match parts.path.strip("/").split("/"):
            case [""]:
                return self._list(question)
            case ["api", "messages"]:
                arrivals = self._mailbox.arrivals(to=question.get("to", ""), after=question.get("after", ""))
                return Answer(json.dumps([asdict(arrival) for arrival in arrivals]).encode(), "application/json")
            case ["messages", name] if name.endswith(".eml"):
                message = self._mailbox.read(name.removesuffix(".eml"))
                return Answer(message, "message/rfc822") if message is not None else _nothing_here()
            case ["messages", key]:
                return self._letter(key, question)
            case ["messages", key, "body"]:
                message = self._mailbox.read(key)
                return _body(message) if message is not None else _nothing_here()
            case ["mailbox.css" | "mailbox.js" as name]:
                kind = "text/css" if name.endswith("css") else "text/javascript"
                return Answer((PAGES / name).read_bytes(), f"{kind}; charset=utf-8")
        return _nothing_here()

    def post(self, target: str) -> Answer:
        """``POST /empty`` throws everything away."""
        if urlsplit(target).path != "/empty":
            return _nothing_here()
        log.info("emptied: %d letters", self._mailbox.clear())
        return Answer(b"", status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})

    def _list(self, question: dict[str, str]) -> Answer:
        to, before = question.get("to", ""), question.get("before", "")
        found = self._mailbox.arrivals(to=to)
        newest_first = [arrival for arrival in reversed(found) if not before or arrival.id < before]
        shown = newest_first[:ON_A_PAGE]
        return _page(
            "list.html",
            arrivals=shown,
            total=len(found),
            to=to,
            before=before,
            older=shown[-1].id if len(newest_first) > ON_A_PAGE else "",
        )

    def _letter(self, key: str, question: dict[str, str]) -> Answer:
        arrival, message = self._mailbox.find(key), self._mailbox.read(key)
        if arrival is None or message is None:
            return _nothing_here()
        letter = parse(message)
        texts = {"html": _text(letter, "html"), "text": _text(letter, "plain")}
        view = question.get("view", "html" if texts["html"] else "text")
        return _page(
            "message.html",
            arrival=arrival,
            sender=header(letter, "From") or arrival.sender,
            date=header(letter, "Date"),
            view=view if view in VIEWS else "text",
            phone=question.get("width") == "phone",
            has_html=bool(texts["html"]),
            text=texts["text"] or "There is no plain text in this letter.",
            headers=[(name, str(value).replace("\r\n", "\n")) for name, value in letter.raw_items()],
            raw=message.decode("utf-8", "replace"),
            neighbours=self._neighbours(arrival),
        )

    def _neighbours(self, arrival: Arrival) -> dict[str, str]:
        keys = [other.id for other in self._mailbox.arrivals()]
        place = keys.index(arrival.id)
        return {
            "older": keys[place - 1] if place else "",
            "newer": keys[place + 1] if place + 1 < len(keys) else "",
        }


def _page(name: str, **values: Any) -> Answer:
    return Answer(_templates.get_template(name).render(**values).encode())


def _nothing_here() -> Answer:
    return Answer(_templates.get_template("nothing.html").render().encode(), status=HTTPStatus.NOT_FOUND)


def _body(message: bytes) -> Answer:
    letter = parse(message)
    markup = _with_pictures(_text(letter, "html"), letter)
    # Links leave the frame: without this they would open inside it, under its policy, and look broken.
    return Answer(f'<base target="_blank">{markup}'.encode(), headers={"Content-Security-Policy": LETTER_POLICY})


def _with_pictures(markup: str, letter: EmailMessage) -> str:
    """The markup with the pictures that came along in the message in their places (RFC 2392), so it loads nothing."""
    if "cid:" not in markup.casefold():
        return markup
    enclosed = {
        header(part, "Content-ID").strip().strip("<>"): part
        for part in letter.walk()
        if part.get_content_type() in PICTURES and isinstance(part, EmailMessage)
    }

    def shown(address: re.Match[str]) -> str:
        part = enclosed.get(unquote(address[1]))
        data = part.get_payload(decode=True) if part else None
        if part is None or not isinstance(data, bytes):
            return address[0]
        return f"data:{part.get_content_type()};base64,{base64.b64encode(data).decode()}"

    return _ENCLOSED.sub(shown, markup)


def _text(letter: EmailMessage, subtype: str) -> str:
    part = letter.get_body((subtype,))
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, ValueError):  # a charset or an encoding that does not exist
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)


def when(moment: str) -> str:
    """An arrival's time for people: the day and the time, UTC."""
    return datetime.fromisoformat(moment).strftime("%a %d %b, %H:%M:%S")


_templates.filters["when"] = when


class _Visitor(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "keepshowingup"
    sys_version = ""
    timeout = 30

    def __init__(self, pages: Pages, *rest: Any) -> None:
        self._pages = pages
        super().__init__(*rest)

    def do_GET(self) -> None:
        self._answer(self._pages.get)

    def do_HEAD(self) -> None:
        self._answer(self._pages.get)

    def do_POST(self) -> None:
        # What is asked is in the address; the body is read away, and a long one ends the connection instead.
        length = self.headers.get("Content-Length", "0")
        self.rfile.read(min(int(length) if length.isdecimal() else 0, 10_000))
        self.close_connection = True
        # Another site's page can make a browser post here, but not without saying where it comes from.
        origin = self.headers.get("Origin")
        if origin and urlsplit(origin).netloc != self.headers.get("Host"):
            self._send(Answer(b"Not from another site.\n", "text/plain", HTTPStatus.FORBIDDEN))
            return
        self._answer(self._pages.post)

    def _answer(self, ask: Callable[[str], Answer]) -> None:
        if not _is_ours(self.headers.get("Host", "")):
            self._send(Answer(b"Open this page by 127.0.0.1.\n", "text/plain", HTTPStatus.MISDIRECTED_REQUEST))
            return
        self._send(ask(self.path))

    def _send(self, answer: Answer) -> None:
        headers = {
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.body)),
            "Content-Security-Policy": OWN_POLICY,
            "Cache-Control": "no-store",
            # With no-referrer a browser would post from these pages as "Origin: null", like a stranger.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex, nofollow",
            **answer.headers,
        }
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: addresses are in the query."""


def _is_ours(host: str) -> bool:
    """Whether a Host header names this machine plainly: by a number, or by a name without a dot.

    Any other name could be one that somebody points here, so that their page, in a visitor's browser, may read ours.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return "." not in name or bool(ip_address(name))
    except ValueError:
        return False


def web_door(mailbox: Mailbox, host: str, port: int) -> ThreadingHTTPServer:
    """The page's server, not started: ``serve_forever()`` and ``shutdown()``."""
    server = ThreadingHTTPServer((host, port), partial(_Visitor, Pages(mailbox)))
    server.daemon_threads = True
    return server
