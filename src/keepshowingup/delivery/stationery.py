"""What letters are written on: the frozen letters at hand, the masthead, the words many readers share, the seal."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from django.conf import settings

from keepshowingup.cadence.course import Course
from keepshowingup.cadence.places import read_courses
from keepshowingup.core.errors import PartMissing
from keepshowingup.core.timing import load_zone
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.marks import words_of_mark
from keepshowingup.editorial.help_now import lines_for
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Edition, Masthead, Revision, Sequence
from keepshowingup.editorial.pictures import read_pictures
from keepshowingup.letters.compile import CompiledLetter
from keepshowingup.letters.compose import HelpNow, LetterValues
from keepshowingup.letters.cutoff import cut_off
from keepshowingup.letters.dates import part_of_day, say_day, say_greeting, say_part_of_day
from keepshowingup.letters.errors import CutOff
from keepshowingup.letters.pictures import EMBEDDED, enclose, pictures_in
from keepshowingup.letters.signing import Signer
from keepshowingup.letters.skeleton import Skeleton, skeleton_of
from keepshowingup.letters.themes import choose_theme
from keepshowingup.letters.words import choose_language, foot_of, sentence

MOST_KEPT = 512

Look = tuple[int, str]
"""A revision, and the theme it is in."""
Shape = tuple[Look, LetterValues, tuple[bool, ...]]
"""A letter's look, the values its readers share, and which personal ones they have."""


@dataclass
class Drawer:
    """What a worker keeps of letters it has read. A revision never changes, so they stay right."""

    letters: dict[int, CompiledLetter] = field(default_factory=dict)
    looks: dict[Look, CompiledLetter] = field(default_factory=dict)
    skeletons: dict[Shape, Skeleton | None] = field(default_factory=dict)
    cut_off: dict[int, str] = field(default_factory=dict)
    asking: set[int] = field(default_factory=set)
    """The revisions that ask whether they helped: only for these a link is made."""
    enclosures: dict[int, bytes] = field(default_factory=dict)
    """The pictures of letters that take them along, as they stand in the message."""

    def read(self, revision_ids: set[int]) -> None:
        """Have these revisions' letters at hand."""
        if len(self.letters) > MOST_KEPT:
            self.letters.clear()
            self.looks.clear()
            self.enclosures.clear()
        unread = revision_ids - self.letters.keys()
        for revision in Revision.objects.filter(pk__in=unread):
            self.letters[revision.pk] = compiled(revision)
            if "helped_url" in revision.html or "helped_url" in revision.text:
                self.asking.add(revision.pk)
        for edition in Edition.objects.filter(revision__in=unread & self.letters.keys()):
            letter = self.letters[edition.revision_id]
            self.looks[edition.revision_id, edition.theme] = replace(letter, html=edition.html)

    def letter(self, look: Look) -> CompiledLetter:
        """A letter in this theme, in the usual one where it was frozen before there was this."""
        return self.looks.get(look) or self.letters[look[0]]

    def skeleton(self, shape: Shape) -> Skeleton | None:
        """The letter with holes for readers of this shape; None where it has to be rendered for each."""
        if shape not in self.skeletons:
            if len(self.skeletons) > MOST_KEPT:
                self.skeletons.clear()
            look, shared, has = shape
            with self.in_bounds(look[0]):
                self.skeletons[shape] = skeleton_of(self.letter(look), shared, has, self.enclosed(look[0], shared))
        return self.skeletons[shape]

    def enclosed(self, revision_id: int, shared: LetterValues) -> bytes:
        """The pictures that come along inside of this letter; nothing where they are on our host, or there are none."""
        if shared.pictures_at != EMBEDDED:
            return b""
        if revision_id not in self.enclosures:
            found = read_pictures(pictures_in(self.letters[revision_id].html))
            self.enclosures[revision_id] = enclose({name: picture.data for name, picture in found.items()})
        return self.enclosures[revision_id]

    @contextmanager
    def in_bounds(self, revision_id: int) -> Iterator[None]:
        """Render it inside; raises :class:`CutOff` where that takes too much.

        A revision that was cut off once is not begun again by this worker: others' letters wait behind it each time.
        """
        if revision_id in self.cut_off:
            raise CutOff(self.cut_off[revision_id])
        try:
            with cut_off():
                yield
        except CutOff as error:
            self.cut_off[revision_id] = error.sentence
            raise


def _nobody_asks(_: Held) -> None:
    """A preview dies of nothing that anybody would have to count."""


@dataclass
class Stationery:
    """What the letters of one chunk have in common, read once: the masthead, the sequences, the frozen letters."""

    head: Masthead
    sequences: Mapping[int, Sequence]
    drawer: Drawer
    now: datetime
    seal: Signer | None = None
    on_rendering: Callable[[Held], None] = _nobody_asks
    """Told before a template is rendered for a letter; filling in a skeleton is nothing a worker could die of."""
    _help: dict[tuple[str, str], tuple[HelpNow, ...]] = field(default_factory=dict)
    _shared: dict[tuple[int, str, str, date, int, str], LetterValues] = field(default_factory=dict)
    _skeletons: dict[tuple[Look, int, tuple[bool, ...]], Skeleton | None] = field(default_factory=dict)
    _parts_of_day: dict[str, int] = field(default_factory=dict)
    _languages: dict[str, str] = field(default_factory=dict)
    _themes: dict[tuple[str, str], str] = field(default_factory=dict)
    _courses: dict[int, Course] = field(default_factory=dict)

    @functools.cached_property
    def domain(self) -> str:
        """The From address' domain: Message-IDs, List-Ids and return paths end in it."""
        return self.head.domain

    def help_for(self, country: str, language: str) -> tuple[HelpNow, ...]:
        """Help for right now in the reader's country, said in a language we speak."""
        key = country, language
        if key not in self._help:
            self._help[key] = lines_for(country, language=language)
        return self._help[key]

    def language_for(self, tag: str) -> str:
        """The language we speak with this reader: theirs, its main language, the house's, English."""
        if tag not in self._languages:
            self._languages[tag] = choose_language((tag, self.head.language))
        return self._languages[tag]

    def theme_for(self, wish: str, sequence: Sequence | None = None) -> str:
        """How letters look to this reader: as they wish, as the sequence says, as the house does."""
        key = wish, sequence.theme if sequence else ""
        if key not in self._themes:
            self._themes[key] = choose_theme((*key, self.head.theme))
        return self._themes[key]

    def part_of_day(self, held: Held) -> int:
        """The time of day in this reader's zone at which the letter is written; see :mod:`.letters.dates`."""
        if held.resent_at:
            return _part_of_day(held.moment(self.now), held.zone)
        if held.zone not in self._parts_of_day:
            self._parts_of_day[held.zone] = _part_of_day(self.now, held.zone)
        return self._parts_of_day[held.zone]

    def mark_of(self, held: Held, sequence: Sequence) -> str:
        """Which mark of its reader's date the letter is about, in its own language; empty in any other sequence."""
        if not sequence.milestones:
            return ""
        if sequence.pk not in self._courses:
            self._courses |= read_courses([sequence.pk])
        return words_of_mark(held, self._courses[sequence.pk], sequence.language)

    def shared_values(
        self, sequence: Sequence, country: str, language: str, joined_on: date, part: int, mark: str
    ) -> LetterValues:
        """What a sequence's letter knows that is the same for many readers; always the same object for them.

        The letter speaks its sequence's language; what stands below it speaks ``language``, the reader's.
        """
        key = (sequence.pk, country, language, joined_on, part, mark)
        if key not in self._shared:
            article = sequence.article
            self._shared[key] = LetterValues(
                sequence_title=sequence.title,
                signature=sequence.signature,
                masthead_name=self.head.name,
                postal_address=self.head.postal_address,
                help_now=self.help_for(country, language),
                why=sentence("why", language, joined_on=say_day(joined_on, language)),
                joined_on=say_day(joined_on, sequence.language),
                article_url=article.source_url if article else "",
                article_title=article.title if article else "",
                part_of_day=say_part_of_day(part, sequence.language),
                greeting=say_greeting(part, sequence.language),
                pictures_at=pictures_at(self.head),
                foot=foot_of(language),
                milestone=mark,
            )
        return self._shared[key]

    def skeleton(self, held: Held, look: Look, shared: LetterValues, has: tuple[bool, ...]) -> Skeleton | None:
        """The letter with holes, found without comparing all values again."""
        key = (look, id(shared), has)
        if key not in self._skeletons:
            self.on_rendering(held)
            self._skeletons[key] = self.drawer.skeleton((look, shared, has))
        return self._skeletons[key]


def stationery(
    sequences: Mapping[int, Sequence], revision_ids: set[int], now: datetime, drawer: Drawer | None = None
) -> Stationery:
    """Read what a chunk's letters have in common. ``now`` (calendar, UTC) becomes their Date."""
    drawer = drawer or Drawer()
    drawer.read(revision_ids)
    return Stationery(masthead(), sequences, drawer, now, signer())


def compiled(revision: Revision) -> CompiledLetter:
    """The frozen letter of a revision: what was approved, not compiled again."""
    return CompiledLetter(
        subject=revision.subject, preheader=revision.preheader, html=revision.html, text=revision.text
    )


def in_look(revision: Revision, theme: str) -> CompiledLetter:
    """The frozen letter of a revision in a theme, or as it was frozen before there was this one."""
    edition = revision.editions.filter(theme=theme).first()
    letter = compiled(revision)
    return replace(letter, html=edition.html) if edition else letter


def pictures_at(head: Masthead) -> str:
    """Where a letter's pictures are: inside of it where the masthead says so, else on our own host."""
    return EMBEDDED if head.encloses_pictures else hosted_pictures()


def hosted_pictures() -> str:
    """Where pictures are on our own host, the same for every reader."""
    return f"{settings.BASE_URL}/pictures/"


@functools.cache
def signer() -> Signer | None:
    """The DKIM signer of the settings, with its keys loaded once; None where the relay signs.

    Raises :class:`PartMissing` for a key file that can't be read and WrongUsage for a key that can't be used.
    """
    if not settings.DKIM_KEY_FILE:
        return None
    second = settings.DKIM_ED25519_KEY_FILE
    return Signer(
        settings.DKIM_DOMAIN or masthead().domain,
        settings.DKIM_SELECTOR,
        _read_key(settings.DKIM_KEY_FILE),
        ed25519_selector=f"{settings.DKIM_SELECTOR}-ed" if second else "",
        ed25519_private_key_pem=_read_key(second) if second else "",
    )


def _read_key(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise PartMissing(f"The DKIM key {path} can't be read: {error.strerror}. Look at KSU_DKIM_KEY_FILE.") from error


def _part_of_day(moment: datetime, zone: str) -> int:
    return part_of_day(moment.astimezone(load_zone(zone)).time())
