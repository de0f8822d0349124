"""One letter, one reader, one moment: what the tests of this room start from."""

from __future__ import annotations

import datetime as dt
from functools import cache
from html.parser import HTMLParser

from keepshowingup.letters.compile import CompiledLetter, compile_letter, standard_letter
from keepshowingup.letters.compose import LetterHeaders
from keepshowingup.letters.themes import DEFAULT_THEME

BODY = """\
Good {{ part_of_day }}{{ first_name | prefix(" ") }},

## Somebody stayed

A sister who called on Sundays. A neighbour who never asked why. You can [begin with one line](https://example.org/one),
and *that* is **enough** for today.

- One person
- One message, as short as you like, in your own words and at your own hour, whenever that may be

> You don't have to be ready.

[Read the whole article]({{ article_url }})
"""
BODY_ES = """\
{{ greeting }}{{ first_name | prefix(", ") }}:

## Alguien se quedó

Una hermana que llamaba los domingos. Alguien del barrio que nunca preguntó por qué. Puedes
[empezar con una línea](https://example.org/una), y *eso* es **suficiente** por hoy.

- Una persona
- Un mensaje, tan corto como quieras, con tus palabras y a tu hora

> No hace falta que te sientas a punto.

[Leer el artículo entero]({{ article_url }})
"""
WORDS = {
    "en": ("Somebody stayed", "A short one.", BODY),
    "es": ("Alguien se quedó", "Una carta breve.", BODY_ES),
}
AUTHORED = ("step", "issue")

HEADERS = LetterHeaders(
    from_name="Harbour letters",
    from_address="letters@harbour.example",
    to_address="maya@example.org",
    reply_to="ruth@harbour.example",
    message_id="<5f0c2d7e9a1b4c3d@harbour.example>",
    date=dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    list_id="letters.harbour.example",
    list_name="Harbour letters",
    unsubscribe_url="https://harbour.example/unsubscribe/q7Yw0m3TnB2cKx9Z",
    feedback_id="nine:step:letters:harbour",
)


def step(body: str = BODY, *, subject: str = "Somebody stayed", preheader: str = "A short one.") -> CompiledLetter:
    """A letter of a sequence."""
    return compile_letter("step", subject=subject, preheader=preheader, body=body)


@cache
def letter_of(kind: str, *, theme: str = DEFAULT_THEME, language: str = "en") -> CompiledLetter:
    """A letter of any kind, with an author's words where the kind has none of its own."""
    if kind in AUTHORED:
        subject, preheader, body = WORDS[language]
        return compile_letter(kind, subject=subject, preheader=preheader, body=body, language=language, theme=theme)
    return standard_letter(kind, language, theme)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen += tag in {"style", "title"}
        self.found += ["\n"] * (tag == "br")
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.found.append(data)


def words_of(html: str) -> str:
    """The text a reader of the HTML sees."""
    parser = _Words()
    parser.feed(html)
    parser.close()
    return "".join(parser.found)


def links_of(html: str) -> list[str]:
    """Addresses of the links, in order."""
    parser = _Words()
    parser.feed(html)
    return parser.links
