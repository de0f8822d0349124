"""Pages, pictures and feeds from the web, fetched with care: a link must not reach into the house.

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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from keepshowingup.core.errors import Refused
from keepshowingup.core.pictures import PICTURE_LIMIT

#: Bytes a page may have, seconds it may take from the first look-up to the last byte, redirects it may make.
PAGE_LIMIT = 5 * 1024 * 1024
SECONDS = 10.0
REDIRECTS = 5
_AGENT = "keepshowingup (article import)"
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
class Wanted:
    """What is asked for: its name in sentences, the kinds asked for and the only ones taken (None: any), its limit."""

    what: str
    accept: str
    kinds: frozenset[str] | None
    limit: int
    otherwise: str
    """What a person can do instead."""


PAGE = Wanted(
    "page",
    "text/html, text/plain, text/markdown",
    frozenset(_ENDINGS),
    PAGE_LIMIT,
    "Save it as a file and import that.",
)
# A picture is known by its own bytes, whatever its server calls it. Twice what is kept: some of it is taken out.
PICTURE = Wanted(
    "picture", "image/jpeg, image/png, image/gif", None, 2 * PICTURE_LIMIT, "Save it smaller and add it by hand."
)


@dataclass(frozen=True)
class Answer:
    """What a server sent: its kind, bytes and headers (names in small letters), and the address in the end.

    ``data`` is empty and ``unchanged`` set when the server says that it is what we had (304).
    """

    kind: str
    charset: str | None
    data: bytes
    headers: Mapping[str, str]
    url: str
    unchanged: bool = False


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
    answer = fetch(url, PAGE, may_reach=may_reach, seconds=seconds)
    return Page(_as_utf8(answer.data, answer.charset), "page" + _ENDINGS[answer.kind], answer.url)


def fetch_picture(url: str, *, may_reach: Callable[[Address], bool] = is_public, seconds: float = SECONDS) -> bytes:
    """The bytes of a picture, whatever they are. Raises :class:`Refused`, with a sentence, where there are none."""
    return fetch(url, PICTURE, may_reach=may_reach, seconds=seconds).data


def fetch(
    url: str,
    wanted: Wanted,
    *,
    headers: Mapping[str, str] | None = None,
    may_reach: Callable[[Address], bool] = is_public,
    seconds: float = SECONDS,
) -> Answer:
    """Ask for what is at an address and at those it sends on to. ``headers`` are asked with, such as ``If-None-Match``.

    Raises :class:`Refused`, with a sentence, for every other answer. ``may_reach`` decides about addresses.
    """
    deadline = time.monotonic() + seconds
    for _ in range(REDIRECTS + 1):
        target = _checked(url)
        try:
            answer = _ask(target, _resolve(target, may_reach, deadline, wanted), deadline, wanted, headers or {})
        except TimeoutError:
            raise Refused(f"The {wanted.what} took longer than {SECONDS:.0f} seconds. {wanted.otherwise}") from None
        if not isinstance(answer, str):
            return replace(answer, url=url)
        url = _joined(url, answer)
    raise Refused(f"The {wanted.what} sends from one address to the next without end. {wanted.otherwise}")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise Refused("The page sends on to what is no web address. Check it in a browser.") from None


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


def _resolve(target: SplitResult, may_reach: Callable[[Address], bool], deadline: float, wanted: Wanted) -> str:
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
        raise TimeoutError from None
    if not found:
        raise Refused(f"There is no {host} on the internet. Check the address.")
    if not all(may_reach(ipaddress.ip_address(address.partition("%")[0])) for address in found):
        raise Refused(f"{host} is an address inside a network, not on the internet. {wanted.otherwise}")
    return found[0]


def _ask(
    target: SplitResult, address: str, deadline: float, wanted: Wanted, headers: Mapping[str, str]
) -> str | Answer:
    """One request to one checked address: where it redirects to, or what it answers. Too slow, a TimeoutError."""
    host = target.hostname or ""
    try:
        connection = _connect(target, address, deadline)
    except TimeoutError:
        raise
    except OSError as error:
        raise Refused(f"{host} can't be reached: {error.strerror or 'no answer'}. Try again later.") from error
    # A server that sends a byte now and then beats every time limit on a single read.
    watch = threading.Timer(max(0.01, deadline - time.monotonic()), _hang_up, [connection])
    watch.start()
    try:
        answer = _exchange(target, connection, wanted, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() >= deadline:
            raise TimeoutError from None
        raise Refused(f"{host} broke off in mid-answer. Try again. {wanted.otherwise}") from error
    else:
        # Hung up on, a page without a stated length looks finished.
        if time.monotonic() >= deadline:
            raise TimeoutError
        return answer
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


def _exchange(
    target: SplitResult, connection: socket.socket, wanted: Wanted, headers: Mapping[str, str]
) -> str | Answer:
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
    client.putheader("Accept", wanted.accept)
    client.putheader("Accept-Encoding", "identity")
    client.putheader("Connection", "close")
    for name, value in headers.items():
        client.putheader(name, value)
    client.endheaders()
    answer = client.getresponse()
    if answer.status in {301, 302, 303, 307, 308} and (location := answer.getheader("Location")):
        return location
    said = {name.lower(): value for name, value in answer.getheaders()}
    if answer.status == 304 and headers:
        return Answer("", None, b"", said, "", unchanged=True)
    if answer.status != 200:
        raise Refused(f"{host} answers {answer.status} {answer.reason}. Check the address in a browser.")
    kind = answer.headers.get_content_type()
    taken = wanted.kinds is None or kind in wanted.kinds
    if not taken or said.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        raise Refused(f"What {host} sends is no {wanted.what} that can be read ({kind}). {wanted.otherwise}")
    data = answer.read(wanted.limit + 1)
    if len(data) > wanted.limit:
        raise Refused(f"The {wanted.what} has more than {wanted.limit // 1024 // 1024} MB. {wanted.otherwise}")
    if answer.length:
        raise http.client.IncompleteRead(data, answer.length)
    return Answer(kind, answer.headers.get_content_charset(), data, said, "")


def _as_utf8(data: bytes, charset: str | None) -> bytes:
    """The bytes in UTF-8 when the server says that they are in something else."""
    if charset is None or charset.lower() in {"utf-8", "utf8"}:
        return data
    try:
        return data.decode(charset).encode("utf-8")
    except (UnicodeDecodeError, LookupError):
        return data
