"""The development inbox: what it accepted it has, in the order it came, and it shows it without running it."""

from __future__ import annotations

import base64
import http.client
import json
import smtplib
import socket
import subprocess
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from keepshowingup.ops.mailbox import LARGEST, Mailbox, smtp_door
from keepshowingup.ops.mailbox_pages import Pages, web_door
from tests.axe import FAULTS
from tests.pictures import gif, png
from tests.postgres import free_port
from tests.processes import PROGRAM, environment, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Page


def letter(subject: str = "You don't have to do it alone", body: str = "Dear Ana,\r\n.dot\r\n") -> bytes:
    message = EmailMessage()
    message["From"] = "Letters <letters@example.org>"
    message["To"] = "ana@example.com"
    message["Subject"] = subject
    message.set_content(body)
    message.add_alternative(
        '<p>Dear Ana, <a href="https://example.org/">read on</a></p><script>document.title="ran"</script>'
        '<img src="https://example.org/pixel.png">',
        subtype="html",
    )
    message.set_boundary("the-same-each-time")
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


@pytest.fixture
def box(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mailbox")


@pytest.fixture
def smtp_port(box: Mailbox) -> Iterator[int]:
    port = free_port()
    door = smtp_door(box, "127.0.0.1", port)
    door.start()
    yield port
    door.stop()


@pytest.fixture
def web_port(box: Mailbox) -> Iterator[int]:
    server = web_door(box, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def test_a_letter_is_kept_byte_for_byte_with_its_envelope(box: Mailbox, smtp_port: int) -> None:
    sent = letter()
    with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
        smtp.sendmail("bounces+x@example.org", ["ana@example.com"], sent)
    (arrival,) = box.arrivals()
    assert box.read(arrival.id) == sent
    assert (arrival.sender, arrival.recipient) == ("bounces+x@example.org", "ana@example.com")
    assert arrival.subject == "You don't have to do it alone"
    assert arrival.received_at.endswith("+00:00")


def test_every_recipient_gets_a_copy(box: Mailbox, smtp_port: int) -> None:
    with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
        smtp.sendmail("a@example.org", ["one@example.com", "two@example.com"], letter())
    assert [arrival.recipient for arrival in box.arrivals()] == ["one@example.com", "two@example.com"]


def test_it_announces_its_size_limit_and_refuses_what_is_larger(box: Mailbox, smtp_port: int) -> None:
    with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == str(LARGEST)
        code, _ = smtp.mail("a@example.org", [f"SIZE={LARGEST + 1}"])
        assert code == 552
    assert box.arrivals() == []


def test_a_full_disk_is_answered_with_try_later(box: Mailbox, smtp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("keepshowingup.ops.mailbox.os.fsync", full)
        with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
            with pytest.raises(smtplib.SMTPDataError) as refused:
                smtp.sendmail("a@example.org", ["ana@example.com"], letter())
            assert refused.value.smtp_code == 452
    assert box.arrivals() == []
    with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
        smtp.sendmail("a@example.org", ["ana@example.com"], letter())
    assert len(box.arrivals()) == 1


def test_the_order_of_arrival_survives_a_restart_and_numbers_never_come_twice(tmp_path: Path) -> None:
    first = Mailbox(tmp_path)
    for number in range(12):
        first.keep("a@example.org", "b@example.com", letter(f"Number {number}"))
    again = Mailbox(tmp_path)
    assert [arrival.subject for arrival in again.arrivals()] == [f"Number {number}" for number in range(12)]
    assert again.clear() == 12
    assert list(tmp_path.glob("*.eml")) == []
    assert int(Mailbox(tmp_path).keep("a@example.org", "b@example.com", letter()).id) == 13


def test_a_letter_half_written_when_the_power_went_is_no_letter(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    box.keep("a@example.org", "b@example.com", letter())
    (tmp_path / "000000002.eml.draft").write_bytes(b"half")
    (tmp_path / "000000002.json").write_text("{}")
    assert len(Mailbox(tmp_path).arrivals()) == 1


def test_what_was_accepted_is_there_after_a_kill(tmp_path: Path) -> None:
    smtp_port, web_port = free_port(), free_port()
    running = subprocess.Popen(
        [*PROGRAM, "mailbox", "--smtp-port", str(smtp_port), "--port", str(web_port)],
        env=environment(tmp_path),
        stderr=subprocess.DEVNULL,
    )

    try:
        eventually(lambda: _takes_letters(smtp_port), "it takes letters")
        with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
            for number in range(30):
                smtp.sendmail("a@example.org", ["ana@example.com"], letter(f"Number {number}"))
            running.kill()
    finally:
        running.kill()
        running.wait()
    kept = Mailbox(tmp_path / "mailbox").arrivals()
    assert [arrival.subject for arrival in kept] == [f"Number {number}" for number in range(30)]


def _takes_letters(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def test_scripts_ask_for_one_readers_letters(box: Mailbox, web_port: int) -> None:
    box.keep("a@example.org", "Ana@example.com", letter("One"))
    box.keep("a@example.org", "ben@example.com", letter("Two"))
    box.keep("a@example.org", "ana@example.com", letter("Three"))
    status, headers, body = ask(web_port, "/api/messages?to=ANA@example.com")
    assert (status, headers["content-type"]) == (200, "application/json")
    found = json.loads(body)
    assert [entry["subject"] for entry in found] == ["One", "Three"]
    assert set(found[0]) >= {"id", "received_at", "sender", "recipient", "subject"}
    assert ask(web_port, f"/messages/{found[0]['id']}.eml")[2].encode() == letter("One")
    assert (
        json.loads(ask(web_port, f"/api/messages?after={found[0]['id']}&to=ana@example.com")[2])[0]["subject"]
        == "Three"
    )


def test_a_letter_is_shown_as_html_text_headers_and_source(box: Mailbox, web_port: int) -> None:
    key = box.keep("a@example.org", "ana@example.com", letter("A <b>subject</b>")).id
    assert "A &lt;b&gt;subject&lt;/b&gt;" in ask(web_port, "/")[2]
    assert 'sandbox="allow-popups' in ask(web_port, f"/messages/{key}")[2]
    assert "Dear Ana,\n.dot" in ask(web_port, f"/messages/{key}?view=text")[2]
    assert "letters@example.org" in ask(web_port, f"/messages/{key}?view=headers")[2]
    assert "multipart/alternative" in ask(web_port, f"/messages/{key}?view=raw")[2]
    assert ask(web_port, "/messages/999999999")[0] == 404
    assert ask(web_port, "/messages/..%2f..%2fetc%2fpasswd")[0] == 404


def test_a_picture_that_came_along_is_shown_and_nothing_is_asked_for_it(box: Mailbox, web_port: int) -> None:
    key = box.keep("a@example.org", "ana@example.com", letter_with_pictures()).id
    _, headers, body = ask(web_port, f"/messages/{key}/body")
    assert f'src="data:image/png;base64,{base64.b64encode(png()).decode()}"' in body
    assert f"url(data:image/gif;base64,{base64.b64encode(gif()).decode()})" in body
    # What is no picture, and what is not in the letter, stays as it is written.
    assert 'src="cid:drawing@example.org"' in body
    assert 'src="cid:elsewhere@example.org"' in body
    assert "img-src data:;" in headers["content-security-policy"]
    assert "sandbox" in headers["content-security-policy"]


def letter_with_pictures() -> bytes:
    message = EmailMessage()
    message["Subject"] = "A bench"
    message.set_content("[A bench]")
    message.add_alternative(
        '<img src="cid:bench@example.org" alt="A bench"><p style="background: url(CID:dot%40example.org)">A dot</p>'
        '<img src="cid:drawing@example.org"><img src="cid:elsewhere@example.org">',
        subtype="html",
    )
    page = message.get_body(("html",))
    assert isinstance(page, EmailMessage)
    for data, kind, name in ((png(), "png", "bench"), (gif(), "gif", "dot"), (b"<svg/>", "svg+xml", "drawing")):
        page.add_related(data, "image", kind, cid=f"<{name}@example.org>")
    return message.as_bytes()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"no header at all",
        b"Subject: =?utf-8?b?!!!?=\r\nContent-Type: text/html; charset=nonsense\r\n\r\n<p>\xff</p>",
        b"Content-Type: multipart/alternative; boundary=x\r\n\r\nnever closed",
        b'From: =?x?\r\nTo: <<<\r\nDate: yesterday\r\nContent-Type: text/plain; charset="\r\n\r\nx',
        b"Subject: a\x00b\r\n\r\n" + bytes(range(256)),
        b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<img src=cid:a>\r\n"
        b"--x\r\nContent-Type: image/png\r\nContent-ID: <a>\r\nContent-Transfer-Encoding: base64\r\n\r\n!\xff\r\n--x--",
        b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<img src=cid:a>\r\n"
        b"--x\r\nContent-Type: image/png\r\nContent-ID: =?x?\r\n\r\nx\r\n--x--",
    ],
)
def test_the_strangest_letter_can_be_looked_at(box: Mailbox, web_port: int, message: bytes) -> None:
    key = box.keep("", "ana@example.com", message).id
    for path in (
        "/",
        f"/messages/{key}",
        *(f"/messages/{key}?view={view}" for view in ("html", "text", "headers", "raw")),
    ):
        assert ask(web_port, path)[0] == 200, path
    assert ask(web_port, f"/messages/{key}/body")[0] == 200
    assert box.read(key) == message


def test_only_a_button_on_this_page_empties_it(box: Mailbox, web_port: int) -> None:
    box.keep("a@example.org", "ana@example.com", letter())
    assert ask(web_port, "/empty")[0] == 404
    assert ask(web_port, "/empty", "POST", Origin="https://evil.example")[0] == 403
    assert ask(web_port, "/empty", "POST", Origin="null")[0] == 403
    assert len(box.arrivals()) == 1
    assert ask(web_port, "/empty", "POST", Origin=f"http://127.0.0.1:{web_port}")[0] == 303
    assert box.arrivals() == []


def test_a_foreign_name_that_points_here_is_shown_nothing(box: Mailbox, web_port: int) -> None:
    box.keep("a@example.org", "ana@example.com", letter("Private"))
    status, _, body = ask(web_port, "/", Host="rebound.example")
    assert status == 421
    assert "Private" not in body
    for host in ("127.0.0.1:8025", "localhost", "mailbox:8025", "[::1]:8025"):
        assert ask(web_port, "/", Host=host)[0] == 200, host
    for host in ("127.0.0.1.evil.example", "[::1", "evil.example:8025"):
        assert ask(web_port, "/", Host=host)[0] == 421, host


def test_every_page_has_a_strict_policy(box: Mailbox, web_port: int) -> None:
    key = box.keep("a@example.org", "ana@example.com", letter()).id
    own = ask(web_port, "/")[1]
    assert "default-src 'none'" in own["content-security-policy"]
    assert "unsafe" not in own["content-security-policy"]
    assert own["referrer-policy"] == "same-origin"
    body = ask(web_port, f"/messages/{key}/body")[1]["content-security-policy"]
    assert "sandbox allow-popups" in body
    assert "allow-scripts" not in body
    assert "http" not in body


def test_a_long_list_is_read_page_by_page(box: Mailbox) -> None:
    for number in range(130):
        box.keep("a@example.org", "ana@example.com", b"Subject: Letter number %d\r\n\r\n" % number)
    pages = Pages(box)
    first = pages.get("/").body.decode()
    assert "Letter number 129<" in first
    assert "Letter number 29<" not in first
    older = pages.get("/?before=000000031").body.decode()
    assert "Letter number 29<" in older
    assert "Letter number 30<" not in older


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_reads_well_on_a_phone_and_in_the_dark(
    box: Mailbox, web_port: int, page: Page, axe_source: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    addresses = ["/"]
    key = box.keep("b+x@example.org", f"{'ana' * 12}@{'example' * 4}.com", letter("A long subject " * 8)).id
    addresses += ["/?to=nobody@example.com", *(f"/messages/{key}?view={view}" for view in ("text", "headers", "raw"))]
    for address in addresses:
        page.goto(f"http://127.0.0.1:{web_port}{address}")
        page.evaluate(axe_source)
        assert page.evaluate(FAULTS) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    assert complaints == []


@pytest.mark.browser
def test_a_picture_that_came_along_is_seen(box: Mailbox, web_port: int, page: Page) -> None:
    key = box.keep("b@example.org", "ana@example.com", letter_with_pictures()).id
    page.goto(f"http://127.0.0.1:{web_port}/messages/{key}")
    bench = page.frame_locator("iframe").get_by_alt_text("A bench")
    bench.wait_for(state="attached")
    eventually(lambda: bench.evaluate("picture => picture.naturalWidth") == 3, "the picture is there")


@pytest.mark.browser
def test_letters_appear_by_themselves_run_nothing_and_can_be_thrown_away(
    box: Mailbox, web_port: int, page: Page
) -> None:
    page.goto(f"http://127.0.0.1:{web_port}/")
    box.keep("b@example.org", "ana@example.com", letter("Just now"))
    page.get_by_text("Just now").click()
    page.frame_locator("iframe").get_by_text("Dear Ana").wait_for()
    assert page.title() == "Just now"  # the letter's script wanted another
    page.get_by_text("All letters").click()
    page.get_by_text("Empty this inbox").click()
    page.get_by_text("Delete every letter for good").click()
    page.get_by_text("No letters yet").wait_for()
    assert box.arrivals() == []
