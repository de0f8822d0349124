"""Somebody else's web server, on the loopback: it answers what a test says, well or badly, and remembers who asked."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from keepshowingup.editorial.fetching import Address

Said = tuple[int, Mapping[str, str], bytes]


@dataclass
class Elsewhere:
    """``says`` maps paths to status, headers and bytes; ``asked`` has every path and the headers it was asked with."""

    url: str = ""
    says: dict[str, Said] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.asked]

    def has(self, path: str, body: bytes | str, kind: str = "application/rss+xml", **headers: str) -> None:
        """From now on this is there; an ``ETag`` that comes back is answered with 304."""
        data = body.encode() if isinstance(body, str) else body
        self.says[path] = (200, {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}, data)

    def sends_on(self, path: str, to: str) -> None:
        """From now on this is at another address."""
        self.says[path] = (302, {"Location": to}, b"")


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """A running server."""
    there = Elsewhere()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append((self.path, dict(self.headers)))
            status, headers, body = there.says.get(self.path, (404, {"Content-Type": "text/plain"}, b"no"))
            if "ETag" in headers and self.headers.get("If-None-Match") == headers["ETag"]:
                status, body = 304, b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    there.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def only_this_machine(address: Address) -> bool:
    """Reach for tests: the server above and nothing beside it."""
    return address == ipaddress.ip_address("127.0.0.1")
