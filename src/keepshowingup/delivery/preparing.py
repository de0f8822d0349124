"""From plain values to the one letter they make: what it knows of its reader, its headers, its bytes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from keepshowingup.editorial.help_now import lines_for
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Masthead, Revision, Sequence
from keepshowingup.letters.compile import CompiledLetter, standard_letter
from keepshowingup.letters.compose import HelpNow, LetterHeaders, LetterValues, compose, render
from keepshowingup.letters.signing import Signer

MOST_LETTERS_KEPT = 256


@dataclass(frozen=True)
class Prepared:
    """A letter ready for the wire: envelope sender (RFC 5321 MAIL), recipient, and the message's bytes."""

    sender: str
    recipient: str
    message: bytes


@dataclass
class Stationery:
    """What the letters of one chunk have in common, read once: the masthead, the sequences, the frozen letters."""

    head: Masthead
    sequences: Mapping[int, Sequence]
    letters: dict[int, CompiledLetter]
    now: datetime
    seal: Signer | None = None
    helplines: dict[str, tuple[HelpNow, ...]] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """The From address' domain: Message-IDs, List-Ids and return paths end in it."""
        return self.head.from_address.rpartition("@")[2] or "localhost"

    def help_for(self, country: str) -> tuple[HelpNow, ...]:
        """Help for right now in the reader's country."""
        if country not in self.helplines:
            self.helplines[country] = lines_for(country)
        return self.helplines[country]


def stationery(
    sequences: Mapping[int, Sequence],
    revision_ids: set[int],
    now: datetime,
    known: dict[int, CompiledLetter] | None = None,
) -> Stationery:
    """Read what a chunk's letters have in common. ``now`` (calendar, UTC) becomes their Date.

    ``known`` are letters read before; it is filled. A revision never changes, so they stay right.
    """
    letters = {} if known is None else known
    if len(letters) > MOST_LETTERS_KEPT:
        letters.clear()
    for revision in Revision.objects.filter(pk__in=revision_ids - letters.keys()):
        letters[revision.pk] = compiled(revision)
    return Stationery(masthead(), sequences, letters, now, signer())


def compiled(revision: Revision) -> CompiledLetter:
    """The frozen letter of a revision: what was approved, not compiled again."""
    return CompiledLetter(
        subject=revision.subject, preheader=revision.preheader, html=revision.html, text=revision.text
    )


def prepare(held: Held, paper: Stationery) -> Prepared:
    """Compose one letter. Raises :class:`LetterError` when it can't be rendered for its reader."""
    sequence = None if held.sequence_id is None else paper.sequences[held.sequence_id]
    if sequence is None:
        letter = standard_letter(held.notice_kind or "", held.language)
        values = _notice_values(held, paper)
    else:
        assert held.revision_id is not None
        letter = paper.letters[held.revision_id]
        values = _letter_values(held, sequence, paper)
    token = make(Purpose.RETURN_PATH, opaque_of(held.message_id))
    sender = f"bounce+{token}@{paper.domain}"
    message = compose(render(letter, values), _headers(held, sequence, values, paper, sender))
    return Prepared(sender, held.email, paper.seal.sign(message) if paper.seal else message)


def _letter_values(held: Held, sequence: Sequence, paper: Stationery) -> LetterValues:
    """What a sequence's letter knows about its reader, in the reader's own zone."""
    zone = load_zone(held.zone)
    article = sequence.article
    joined_on = _day(held.enrolled_at or paper.now, zone)
    preferences = link(Purpose.PREFERENCES, held.opaque)
    return LetterValues(
        first_name=held.first_name,
        sequence_title=sequence.title,
        signature=sequence.signature,
        masthead_name=paper.head.name,
        postal_address=paper.head.postal_address,
        help_now=paper.help_for(held.country),
        why=f"You get this because you asked for it on {joined_on}.",
        joined_on=joined_on,
        unsubscribe_url=link(Purpose.LEAVE, held.opaque),
        preferences_url=preferences,
        pause_url=f"{preferences}#pause",
        article_url=article.source_url if article else "",
        article_title=article.title if article else "",
        part_of_day=_part_of_day(paper.now.astimezone(zone).hour),
    )


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
        part_of_day=_part_of_day(paper.now.astimezone(load_zone(held.zone)).hour),
    )


def _headers(
    held: Held, sequence: Sequence | None, values: LetterValues, paper: Stationery, sender: str
) -> LetterHeaders:
    # Numbers, not titles: a List-Id is shown by some clients and must not tell what the letters are about.
    list_part = f"l{sequence.pk}" if sequence else ""
    return LetterHeaders(
        from_name=paper.head.from_name,
        from_address=paper.head.from_address,
        to_address=held.email,
        reply_to=paper.head.reply_to,
        message_id=held.message_id,
        date=paper.now,
        list_id=f"{list_part}.letters.{paper.domain}" if sequence else "",
        list_name=paper.head.name,
        unsubscribe_url=values.unsubscribe_url,
        feedback_id=f"{list_part}:letter:{paper.domain}" if sequence else "",
        return_path=sender,
    )


def values_for(reader: Subscriber, sequence: Sequence, now: datetime, *, joined_at: datetime) -> LetterValues:
    """What a letter would know about this reader at ``now``; the reader may be invented and need not be saved."""
    paper = Stationery(masthead(), {}, {}, now)
    return _letter_values(invented(reader, sequence, now, enrolled_at=joined_at), sequence, paper)


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


def opaque_of(message_id: str) -> str:
    """The random part of a Message-ID of ours."""
    return message_id.strip("<>").partition("@")[0]


def base_host() -> str:
    """The host readers know us by: the name we give in EHLO."""
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def _day(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B}"


def _part_of_day(hour: int) -> str:
    return "morning" if 4 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"
