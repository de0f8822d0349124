"""A reader at a browser and an inbox: opens pages, fills in their forms, reads letters. Over HTTP, like anybody."""

from __future__ import annotations

import email
import email.policy
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin
from urllib.request import Request, urlopen

from keepshowingup.core.errors import PartMissing, Refused


@dataclass
class Form:
    """A form as a browser would send it untouched; ``choices`` are its boxes and buttons, which send nothing so.

    A box is called by its name, a button by ``name=value``, one without a name ``=``.
    """

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    choices: set[str] = field(default_factory=set)

    def send(self, **answers: str) -> str:
        """Press the button: the fields as they are but for ``answers``. The text of the page that answers."""
        return post(self.action, self.fields | answers)


class _FormReader(HTMLParser):
    """Collects a page's POST forms. Unchecked boxes and buttons without a name send nothing, as in a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form" and said.get("method", "").lower() == "post":
            self._open = Form(said.get("action", ""))
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "input" and said.get("name"):
            if said.get("type") not in {"radio", "checkbox", "submit"} or "checked" in said:
                self._open.fields[said["name"]] = said.get("value", "")
            self._open.choices.add(said["name"])
        elif tag == "button":
            self._open.choices.add(f"{said.get('name', '')}={said.get('value', '')}")
        elif tag == "select":
            self._select = said.get("name", "")
        elif tag == "option" and self._select and ("selected" in said or self._select not in self._open.fields):
            self._open.fields[self._select] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""


@dataclass(frozen=True)
class Letter:
    """A letter in the inbox, and when it arrived (real time, UTC)."""

    recipient: str
    message: EmailMessage
    received_at: datetime

    @property
    def subject(self) -> str:
        """The subject line."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain-text part."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part else ""

    @property
    def is_of_a_list(self) -> bool:
        """A letter of a sequence, not a note such as the request to confirm."""
        return self.message["List-Id"] is not None

    @property
    def stop_link(self) -> str:
        """The address of RFC 8058's one-click POST."""
        return str(self.message["List-Unsubscribe"]).strip("<> ")

    def link(self, path: str) -> str:
        """The first address in the text that goes to a page under ``path``."""
        found = re.search(rf"https?://\S+{re.escape(path)}[\w-]+", self.text)
        if not found:
            raise Refused(f"The letter '{self.subject}' has no link to {path}.")
        return found[0]


def get(url: str) -> str:
    """A page's text. Raises :class:`Refused` for an error status and PartMissing when nobody answers."""
    return _ask(url).decode()


def post(url: str, fields: dict[str, str]) -> str:
    """Send a form; the text of the page that answers."""
    return _ask(url, urlencode(fields).encode()).decode()


def open_form(url: str, having: str) -> Form:
    """Open a page and find the form with a field ``having``, or a button ``name=value``; its action made absolute."""
    reader = _FormReader()
    reader.feed(get(url))
    for form in reader.forms:
        if having in form.fields or having in form.choices:
            form.action = urljoin(url, form.action)
            return form
    raise Refused(f"The page {url} has no form with '{having}'.")


class Inbox:
    """The development mailbox, read over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._read: dict[str, Letter] = {}

    def letters(self) -> list[Letter]:
        """Every letter so far, in order of arrival."""
        for entry in json.loads(get(f"{self._url}/api/messages")):
            if entry["id"] not in self._read:
                raw = _ask(f"{self._url}/messages/{entry['id']}.eml")
                message = email.message_from_bytes(raw, policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                self._read[entry["id"]] = Letter(
                    entry["recipient"], message, datetime.fromisoformat(entry["received_at"])
                )
        return [self._read[key] for key in sorted(self._read)]


def _ask(url: str, form: bytes | None = None) -> bytes:
    # Only our own pages on loopback are opened here; their addresses come from this demonstration's own letters.
    request = Request(url, data=form)  # noqa: S310
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return bytes(answer.read())
    except HTTPError as error:
        raise Refused(f"{url} answered {error.code}.") from error
    except URLError as error:
        raise PartMissing(f"{url} does not answer: {error.reason}.") from error
