"""A page from the web, fetched with care: a link that an editor pastes must not reach into the house.

http and https only. Each name is looked up once, and the address that was checked is the one that is called, so that
a name that changes its answer gains nothing. Every redirect goes through the same gate.
"""

from __future__ import annotations

import http.client
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from keepshowingup.core.errors import Refused

#: Bytes a page may have, seconds it may take from the first look-up to the last byte, redirects it may make.
PAGE_LIMIT = 5 * 1024 * 1024
SECONDS = 10.0
REDIRECTS = 5
_AGENT = "keepshowingup (article import, started by a person)"
_ENDINGS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_EMBEDDING = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("::/96"),
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Page:
    """What came back: the bytes, a file name that says their kind, and the address it came from in the end."""

    data: bytes
    name: str
    url: str


def is_public(address: Address) -> bool:
    """Whether an address is out on the internet, and no private, local or multicast one in disguise."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if embedded is None and any(address in network for network in _EMBEDDING):
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded is not None and not is_public(embedded):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def fetch_page(url: str, *, may_reach: Callable[[Address], bool] = is_public, seconds: float = SECONDS) -> Page:
    """Fetch a page of at most 5 MB in at most ``seconds``.

    Raises :class:`Refused`, with a sentence, for every other answer. ``may_reach`` decides about addresses.
    """
    deadline = time.monotonic() + seconds
    for _ in range(REDIRECTS + 1):
        target = _checked(url)
        answer = _ask(target, _resolve(target, may_reach, deadline), deadline)
        if isinstance(answer, str):
            url = urljoin(url, answer)
            continue
        kind, data = answer
        return Page(data, "page" + _ENDINGS[kind], url)
    raise Refused("The page sends from one address to the next without end. Save it as a file and import that.")


def _checked(url: str) -> SplitResult:
    try:
        target = urlsplit(url.strip())
        port = target.port
    except ValueError:
        raise Refused("This is no web address. Write it like https://example.org/article") from None
    if target.scheme not in {"http", "https"} or not target.hostname:
        raise Refused("Only http:// and https:// addresses can be imported. Save the page and import the file.")
    if target.username or target.password:
        raise Refused("The address has a name or password in it. Leave them out, or save the page and import the file.")
    if port == 0 or any(character.isspace() or ord(character) < 32 for character in url.strip()):
        raise Refused("This is no web address. Write it like https://example.org/article")
    return target


def _port(target: SplitResult) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


def _resolve(target: SplitResult, may_reach: Callable[[Address], bool], deadline: float) -> str:
    """The one address to call. All that a name stands for must be allowed, or none is called."""
    host = target.hostname or ""
    answers: queue.Queue[list[str]] = queue.Queue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, _port(target), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        answers.put([str(entry[4][0]) for entry in found])

    # The system's look-up knows no time limit; the thread is left behind when it takes too long.
    threading.Thread(target=look_up, daemon=True).start()
    try:
        found = answers.get(timeout=max(0.01, deadline - time.monotonic()))
    except queue.Empty:
        raise _too_slow() from None
    if not found:
        raise Refused(f"There is no {host} on the internet. Check the address.")
    if not all(may_reach(ipaddress.ip_address(address.partition("%")[0])) for address in found):
        raise Refused(f"{host} is an address inside a network, not on the internet. Save the page and import the file.")
    return found[0]


def _ask(target: SplitResult, address: str, deadline: float) -> str | tuple[str, bytes]:
    """One request to one checked address: where it redirects to, or the kind and bytes of a page."""
    host = target.hostname or ""
    try:
        connection = _connect(target, address, deadline)
    except TimeoutError:
        raise _too_slow() from None
    except OSError as error:
        raise Refused(f"{host} can't be reached: {error.strerror or 'no answer'}. Try again later.") from error
    # A server that sends a byte now and then beats every time limit on a single read.
    watch = threading.Timer(max(0.01, deadline - time.monotonic()), _hang_up, [connection])
    watch.start()
    try:
        answer = _exchange(target, connection)
        # Hung up on, a page without a stated length looks finished.
        if time.monotonic() >= deadline:
            raise _too_slow()
        return answer
    except (OSError, http.client.HTTPException) as error:
        if time.monotonic() >= deadline:
            raise _too_slow() from None
        raise Refused(f"{host} broke off in mid-answer. Try again, or save the page and import the file.") from error
    finally:
        watch.cancel()
        connection.close()


def _connect(target: SplitResult, address: str, deadline: float) -> socket.socket:
    left = max(0.01, deadline - time.monotonic())
    connection = socket.create_connection((address, _port(target)), timeout=left)
    if target.scheme == "http":
        return connection
    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=target.hostname)
    except OSError:
        connection.close()
        raise


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It was over already.
        return


def _exchange(target: SplitResult, connection: socket.socket) -> str | tuple[str, bytes]:
    host = target.hostname or ""
    client = http.client.HTTPConnection(host)
    client.sock = connection
    path = quote(target.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if target.query:
        path += "?" + quote(target.query, safe="/%:@!$&'()*+,;=~-._?")
    shown = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    standard = {"http": 80, "https": 443}[target.scheme]
    client.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    client.putheader("Host", shown if _port(target) == standard else f"{shown}:{_port(target)}")
    client.putheader("User-Agent", _AGENT)
    client.putheader("Accept", "text/html, text/plain, text/markdown")
    client.putheader("Accept-Encoding", "identity")
    client.putheader("Connection", "close")
    client.endheaders()
    answer = client.getresponse()
    if answer.status in {301, 302, 303, 307, 308} and (location := answer.getheader("Location")):
        return location
    if answer.status != 200:
        raise Refused(f"{host} answers {answer.status} {answer.reason}. Check the address in a browser.")
    kind = answer.headers.get_content_type()
    if kind not in _ENDINGS or answer.getheader("Content-Encoding", "identity") != "identity":
        raise Refused(f"What {host} sends is not an article ({kind}). Save its text as a file and import that.")
    data = answer.read(PAGE_LIMIT + 1)
    if len(data) > PAGE_LIMIT:
        raise Refused("The page has more than 5 MB. Save only its text as a file and import that.")
    if answer.length:
        raise http.client.IncompleteRead(data, answer.length)
    return kind, _as_utf8(data, answer.headers.get_content_charset())


def _as_utf8(data: bytes, charset: str | None) -> bytes:
    """The bytes in UTF-8 when the server says that they are in something else."""
    if charset is None or charset.lower() in {"utf-8", "utf8"}:
        return data
    try:
        return data.decode(charset).encode("utf-8")
    except (UnicodeDecodeError, LookupError):
        return data


def _too_slow() -> Refused:
    return Refused(f"The page took longer than {SECONDS:.0f} seconds. Save it as a file and import that.")
