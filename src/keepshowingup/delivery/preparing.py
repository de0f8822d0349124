"""From plain values to the one letter they make: what it knows of its reader, its headers, its bytes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose, link, make
from keepshowingup.core.errors import PartMissing
from keepshowingup.core.timing import load_zone
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.marks import Timed, timed_steps, words_of_mark
from keepshowingup.delivery.naming import opaque_of
from keepshowingup.editorial.help_now import lines_for
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Masthead, Revision, Sequence, Step
from keepshowingup.letters.compile import CompiledLetter, standard_letter
from keepshowingup.letters.compose import HelpNow, LetterHeaders, LetterValues, compose, render
from keepshowingup.letters.cutoff import cut_off
from keepshowingup.letters.errors import CutOff
from keepshowingup.letters.signing import Signer
from keepshowingup.letters.skeleton import Personal, Skeleton, skeleton_of

MOST_KEPT = 512


@dataclass(frozen=True)
class Prepared:
    """A letter ready for the wire: envelope sender (RFC 5321 MAIL), recipient, and the message's bytes."""

    sender: str
    recipient: str
    message: bytes


Shape = tuple[int, LetterValues, tuple[bool, ...]]
"""A revision, the values its readers share, and which personal ones they have."""


@dataclass
class Drawer:
    """What a worker keeps of letters it has read. A revision never changes, so they stay right."""

    letters: dict[int, CompiledLetter] = field(default_factory=dict)
    skeletons: dict[Shape, Skeleton | None] = field(default_factory=dict)
    cut_off: dict[int, str] = field(default_factory=dict)

    def read(self, revision_ids: set[int]) -> None:
        """Have these revisions' letters at hand."""
        if len(self.letters) > MOST_KEPT:
            self.letters.clear()
        for revision in Revision.objects.filter(pk__in=revision_ids - self.letters.keys()):
            self.letters[revision.pk] = compiled(revision)

    def skeleton(self, shape: Shape) -> Skeleton | None:
        """The letter with holes for readers of this shape; None where it has to be rendered for each."""
        if shape not in self.skeletons:
            if len(self.skeletons) > MOST_KEPT:
                self.skeletons.clear()
            revision_id, shared, has = shape
            with self.in_bounds(revision_id):
                self.skeletons[shape] = skeleton_of(self.letters[revision_id], shared, has)
        return self.skeletons[shape]

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
    _help: dict[str, tuple[HelpNow, ...]] = field(default_factory=dict)
    _shared: dict[tuple[int, str, str, str, str], LetterValues] = field(default_factory=dict)
    _skeletons: dict[tuple[int, int, tuple[bool, ...]], Skeleton | None] = field(default_factory=dict)
    _parts_of_day: dict[str, str] = field(default_factory=dict)
    _timed: dict[int, tuple[Timed, ...]] = field(default_factory=dict)

    @functools.cached_property
    def domain(self) -> str:
        """The From address' domain: Message-IDs, List-Ids and return paths end in it."""
        return self.head.from_address.rpartition("@")[2] or "localhost"

    def help_for(self, country: str) -> tuple[HelpNow, ...]:
        """Help for right now in the reader's country."""
        if country not in self._help:
            self._help[country] = lines_for(country)
        return self._help[country]

    def part_of_day(self, held: Held) -> str:
        """What this reader calls the time of day at which the letter is written."""
        if held.resent_at:
            return _part_of_day(held.moment(self.now), held.zone)
        if held.zone not in self._parts_of_day:
            self._parts_of_day[held.zone] = _part_of_day(self.now, held.zone)
        return self._parts_of_day[held.zone]

    def mark_of(self, held: Held, sequence: Sequence) -> str:
        """Which mark of its reader's date the letter is about, in words; empty in any other sequence."""
        if not sequence.milestones:
            return ""
        if sequence.pk not in self._timed:
            self._timed[sequence.pk] = timed_steps(sequence.pk)
        return words_of_mark(held, self._timed[sequence.pk])

    def shared_values(
        self, sequence: Sequence, country: str, joined_on: str, part_of_day: str, mark: str = ""
    ) -> LetterValues:
        """What a sequence's letter knows that is the same for many readers; always the same object for them."""
        key = (sequence.pk, country, joined_on, part_of_day, mark)
        if key not in self._shared:
            article = sequence.article
            self._shared[key] = LetterValues(
                sequence_title=sequence.title,
                signature=sequence.signature,
                masthead_name=self.head.name,
                postal_address=self.head.postal_address,
                help_now=self.help_for(country),
                why=f"You get this because you asked for it on {joined_on}.",
                joined_on=joined_on,
                article_url=article.source_url if article else "",
                article_title=article.title if article else "",
                part_of_day=part_of_day,
                milestone=mark,
            )
        return self._shared[key]

    def skeleton(self, held: Held, revision_id: int, shared: LetterValues, has: tuple[bool, ...]) -> Skeleton | None:
        """The letter with holes, found without comparing all values again."""
        key = (revision_id, id(shared), has)
        if key not in self._skeletons:
            self.on_rendering(held)
            self._skeletons[key] = self.drawer.skeleton((revision_id, shared, has))
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


def prepare(held: Held, paper: Stationery) -> Prepared:
    """Compose one letter. Raises :class:`LetterError` when it can't be rendered for its reader."""
    token = make(Purpose.RETURN_PATH, opaque_of(held.message_id))
    sender = f"bounce+{token}@{paper.domain}"
    if held.sequence_id is None:
        paper.on_rendering(held)
        notice = render(standard_letter(held.notice_kind or "", held.language), _notice_values(held, paper))
        message = compose(notice, _headers(held, None, "", paper, sender))
    else:
        message = _letter(held, paper.sequences[held.sequence_id], paper, sender)
    return Prepared(sender, held.email, paper.seal.sign(message) if paper.seal else message)


def _letter(held: Held, sequence: Sequence, paper: Stationery, sender: str) -> bytes:
    assert held.revision_id is not None
    shared, personal = _shared_values(held, sequence, paper), _personal_values(held)
    headers = _headers(held, sequence, personal.unsubscribe_url, paper, sender)
    skeleton = paper.skeleton(held, held.revision_id, shared, tuple(map(bool, personal)))
    if skeleton is not None:
        return skeleton.write(personal, headers)
    paper.on_rendering(held)
    with paper.drawer.in_bounds(held.revision_id):
        rendered = render(paper.drawer.letters[held.revision_id], replace(shared, **personal._asdict()))
    return compose(rendered, headers)


def _personal_values(held: Held) -> Personal:
    preferences = link(Purpose.PREFERENCES, held.opaque)
    return Personal(
        first_name=held.first_name,
        unsubscribe_url=link(Purpose.LEAVE, held.opaque),
        preferences_url=preferences,
        pause_url=f"{preferences}#pause",
    )


def _shared_values(held: Held, sequence: Sequence, paper: Stationery) -> LetterValues:
    joined_on = _day(held.enrolled_at or paper.now, load_zone(held.zone))
    mark = paper.mark_of(held, sequence)
    return paper.shared_values(sequence, held.country, joined_on, paper.part_of_day(held), mark)


def _notice_values(held: Held, paper: Stationery) -> LetterValues:
    """What a one-off letter knows: little, because the address may not be its owner's wish yet."""
    confirmed = held.reader_state == Subscriber.State.ACTIVE
    return LetterValues(
        # Until the address is confirmed the name may be anything somebody else typed: it is not repeated.
        first_name=held.first_name if confirmed else "",
        masthead_name=paper.head.name,
        postal_address=paper.head.postal_address,
        help_now=paper.help_for(held.country),
        preferences_url=link(Purpose.PREFERENCES, held.opaque) if confirmed else "",
        confirm_url=link(Purpose.CONFIRM, held.invitation) if held.invitation else "",
        part_of_day=paper.part_of_day(held),
    )


def _headers(
    held: Held, sequence: Sequence | None, unsubscribe_url: str, paper: Stationery, sender: str
) -> LetterHeaders:
    # Numbers, not titles: a List-Id is shown by some clients and must not tell what the letters are about.
    list_part = f"l{sequence.pk}" if sequence else ""
    return LetterHeaders(
        from_name=paper.head.from_name,
        from_address=paper.head.from_address,
        to_address=held.email,
        reply_to=paper.head.reply_to,
        message_id=held.message_id,
        date=held.moment(paper.now),
        list_id=f"{list_part}.letters.{paper.domain}" if sequence else "",
        list_name=paper.head.name,
        unsubscribe_url=unsubscribe_url,
        feedback_id=f"{list_part}:letter:{paper.domain}" if sequence else "",
        return_path=sender,
    )


def values_for(reader: Subscriber, step: Step, now: datetime, *, joined_at: datetime) -> LetterValues:
    """What a letter would know about this reader at ``now``; the reader may be invented and need not be saved."""
    sequence = step.sequence
    held = invented(reader, sequence, now, enrolled_at=joined_at, step_key=step.key)
    shared = _shared_values(held, sequence, Stationery(masthead(), {}, Drawer(), now))
    return replace(shared, **_personal_values(held)._asdict())


def invented(reader: Subscriber, sequence: Sequence, now: datetime, **known: object) -> Held:
    """A letter in hand that is in no database: for previews and tests. ``known`` are fields of :class:`Held`."""
    values: dict[str, object] = {
        "pk": 0,
        "fence": 0,
        "attempts": 0,
        "crashes": 0,
        "message_id": "",
        "step_key": "",
        "due_at": now,
        "reader_id": reader.pk or 0,
        "opaque": reader.opaque,
        "email": reader.email,
        "email_key": reader.email_key,
        "first_name": reader.first_name,
        "zone": reader.zone,
        "language": reader.language,
        "country": reader.country,
        "reader_state": reader.state,
        "paused_at": None,
        "enrolled_at": now,
        "sequence_id": sequence.pk,
    }
    return Held(**(values | known))  # type: ignore[arg-type]


@functools.cache
def signer() -> Signer | None:
    """The DKIM signer of the settings, with its keys loaded once; None where the relay signs.

    Raises :class:`PartMissing` for a key file that can't be read and WrongUsage for a key that can't be used.
    """
    if not settings.DKIM_KEY_FILE:
        return None
    second = settings.DKIM_ED25519_KEY_FILE
    return Signer(
        settings.DKIM_DOMAIN or masthead().from_address.rpartition("@")[2],
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


def base_host() -> str:
    """The host readers know us by: the name we give in EHLO."""
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def _part_of_day(moment: datetime, zone: str) -> str:
    hour = moment.astimezone(load_zone(zone)).hour
    return "morning" if 4 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"


@functools.lru_cache(maxsize=4096)
def _day(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B}"
