from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from keepshowingup.core.errors import Refused
from keepshowingup.editorial.fetching import PAGE_LIMIT, Address, fetch_page, is_public


class Site(BaseHTTPRequestHandler):
    """A small site that behaves well and badly, by path."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        port = self.connection.getsockname()[1]
        answers = {
            "/page": (200, {"Content-Type": "text/html; charset=iso-8859-1"}, "<p>Früh am Tag.</p>".encode("latin-1")),
            "/moved": (302, {"Location": "/page"}, b""),
            "/round": (302, {"Location": "/round"}, b""),
            "/inside": (302, {"Location": f"http://127.0.0.2:{port}/page"}, b""),
            "/file": (302, {"Location": "file:///etc/hostname"}, b""),
            "/image": (200, {"Content-Type": "image/png"}, b"x"),
            "/zipped": (200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, b"x"),
            "/large": (200, {"Content-Type": "text/plain"}, b"a" * (PAGE_LIMIT + 1)),
        }
        status, headers, body = answers.get(self.path, (404, {"Content-Type": "text/plain"}, b"no"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Site.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def only_this_machine(address: Address) -> bool:
    return address == ipaddress.ip_address("127.0.0.1")


def test_a_page_is_fetched_and_its_encoding_understood(site: str) -> None:
    page = fetch_page(f"{site}/page", may_reach=only_this_machine)
    assert (page.data.decode(), page.name, page.url) == ("<p>Früh am Tag.</p>", "page.html", f"{site}/page")


def test_a_redirect_is_followed_and_the_last_address_kept(site: str) -> None:
    assert fetch_page(f"{site}/moved", may_reach=only_this_machine).url == f"{site}/page"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/round", "without end"),
        ("/inside", "inside a network"),
        ("/file", "Only http"),
        ("/image", "no page"),
        ("/zipped", "no page"),
        ("/large", "5 MB"),
        ("/nothing", "404"),
    ],
)
def test_what_is_not_a_page_is_refused_in_a_sentence(site: str, path: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        fetch_page(site + path, may_reach=only_this_machine)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0.0.0.0", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_addresses_inside_are_never_called(site: str, host: str) -> None:
    with pytest.raises(Refused):
        fetch_page(f"http://{host}:{site.rsplit(':', 1)[1]}/page")
    assert Site.asked == []


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a", "file:///etc/hostname", "http://", "http://user:word@example.org/", "http://a b/",
     "javascript:1", "http://example.org:0/", "http://[::1", "http://example.org/\r\nX: y"],
)  # fmt: skip
def test_only_plain_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(Refused):
        fetch_page(url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::127.0.0.1", False),
    ],
)
def test_which_addresses_are_on_the_internet(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_a_server_that_drips_is_hung_up_on() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    with pytest.raises(Refused, match="longer than"):
        fetch_page(f"http://127.0.0.1:{listener.getsockname()[1]}/", may_reach=only_this_machine, seconds=0.5)
    stop.set()
    thread.join()
    listener.close()
