"""What is known about one letter to one reader, and the letter in its two shapes: compiled and rendered."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.lines import Foot, HelpNow
from keepshowingup.letters.pictures import EMBEDDED
from keepshowingup.letters.words import FALLBACK, foot_of


@dataclass(frozen=True)
class LetterValues:
    """The words that differ from reader to reader. Plain text, never markup: templates escape them.

    Dates and days are already words in the reader's language and zone ("22 November"). Addresses are
    absolute ``http(s)`` or empty; an empty one hides what would point at it. Anything else raises
    :class:`LetterError`. All are in the letter's language but ``why``, ``help_now`` and ``foot``, which stand below it
    and are in the reader's. ``pictures_at`` is what stands before the name of a picture; see :mod:`.letters.pictures`.
    """

    first_name: str = ""
    sequence_title: str = ""
    signature: str = ""
    masthead_name: str = ""
    postal_address: str = ""
    help_now: tuple[HelpNow, ...] = ()
    why: str = ""
    joined_on: str = ""
    unsubscribe_url: str = ""
    preferences_url: str = ""
    pause_url: str = ""
    helped_url: str = ""
    article_url: str = ""
    article_title: str = ""
    confirm_url: str = ""
    desk_url: str = ""
    part_of_day: str = ""
    greeting: str = ""
    milestone: str = ""
    pictures_at: str = ""
    foot: Foot = field(default_factory=lambda: foot_of(FALLBACK))
    #: Always empty: letters frozen while layouts had a place for the day of the next one still ask for it.
    next_letter: str = field(default="", init=False)

    def __post_init__(self) -> None:
        for name in URL_FIELDS:
            url = getattr(self, name)
            # An address that a mail program would run, not open, must never get as far as an href.
            if url and not url.startswith(("https://", "http://")):
                raise LetterError(f"{name} is not a web address: it must start with https://.", part="letter")
        if self.pictures_at and not self.pictures_at.startswith(("https://", "http://", EMBEDDED)):
            raise LetterError("pictures_at is neither a web address nor this message's own parts.", part="letter")


_OURS = {"help_now", "foot", "next_letter", "pictures_at"}
#: Names a letter's Markdown may use between ``{{`` and ``}}``.
MERGE_FIELDS = frozenset(each.name for each in fields(LetterValues)) - _OURS
#: Those that are addresses: alone in a Markdown link's parentheses they make a link.
URL_FIELDS = tuple(sorted(name for name in MERGE_FIELDS if name.endswith("_url")))
#: Those that some readers don't have: in Markdown they need a fallback.
OPTIONAL_FIELDS = frozenset({"first_name", "milestone"})

#: A made-up reader with every value, for previews and for proving that a letter renders.
SAMPLE = LetterValues(
    first_name="Maya",
    sequence_title="Nine letters",
    signature="Ruth",
    masthead_name="Harbour letters",
    postal_address="Harbour, 12 Quay Street, Portland ME 04101",
    help_now=(
        HelpNow("988 Lifeline", "988", "call or text", "any hour"),
        HelpNow("In danger", "911", "call", "any hour"),
    ),
    why="You get this because you asked for it on 22 November.",
    joined_on="22 November",
    unsubscribe_url="https://letters.example.org/unsubscribe/sample",
    preferences_url="https://letters.example.org/preferences/sample",
    pause_url="https://letters.example.org/preferences/sample#pause",
    helped_url="https://letters.example.org/helped/sample",
    article_url="https://letters.example.org/articles/sample",
    article_title="Somebody stayed",
    confirm_url="https://letters.example.org/confirm/sample",
    desk_url="https://letters.example.org/staff/",
    part_of_day="morning",
    greeting="Good morning",
    milestone="90 days",
    pictures_at="https://letters.example.org/pictures/",
    foot=foot_of("en"),
)


@dataclass(frozen=True)
class CompiledLetter:
    """A letter for everybody: Jinja sources, the HTML with its styles inlined. Kept with the revision."""

    subject: str
    preheader: str
    html: str
    text: str

    @property
    def weight(self) -> int:
        """Octets of HTML, before values come in. Gmail cuts what is above 102 KB; warn from 90."""
        return len(self.html.encode())


@dataclass(frozen=True)
class RenderedLetter:
    """A letter for one reader: plain subject, HTML document, plain text."""

    subject: str
    html: str
    text: str
