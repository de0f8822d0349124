"""From the database's rows to the one letter they make: values, headers, bytes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose, link, make
from keepshowingup.core.errors import PartMissing
from keepshowingup.core.timing import load_zone
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.help_now import lines_for
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Masthead, Revision, Sequence
from keepshowingup.letters.compile import CompiledLetter, standard_letter
from keepshowingup.letters.compose import LetterHeaders, LetterValues, RenderedLetter, compose, render
from keepshowingup.letters.signing import Signer


@dataclass(frozen=True)
class Prepared:
    """A letter ready for the wire: envelope sender (RFC 5321 MAIL), recipient, and the message's bytes."""

    sender: str
    recipient: str
    message: bytes


def prepare(dispatch: Dispatch, now: datetime) -> Prepared:
    """Compose the letter of a dispatch as it is to be handed over at ``now`` (calendar, UTC).

    ``dispatch`` comes with subscriber, enrolment.sequence, revision and notice loaded. Raises
    :class:`keepshowingup.core.errors.Refused` when the letter can't be rendered for this reader.
    """
    head = masthead()
    reader = dispatch.subscriber
    if dispatch.notice is not None:
        letter = standard_letter(dispatch.notice.kind, reader.language)
        values = notice_values(dispatch, head, now)
        sequence = None
    else:
        assert dispatch.enrolment is not None
        assert dispatch.revision is not None
        sequence = dispatch.enrolment.sequence
        letter = compiled(dispatch.revision)
        values = reader_values(reader, sequence, head, now, joined_at=dispatch.enrolment.enrolled_at)
    message = compose(render(letter, values), _headers(dispatch, head, sequence, values, now))
    seal = signer()
    return Prepared(
        sender=return_path(dispatch, head),
        recipient=reader.email,
        message=seal.sign(message) if seal else message,
    )


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


def compiled(revision: Revision) -> CompiledLetter:
    """The frozen letter of a revision: what was approved, not compiled again."""
    return CompiledLetter(
        subject=revision.subject, preheader=revision.preheader, html=revision.html, text=revision.text
    )


def reader_values(
    reader: Subscriber, sequence: Sequence, head: Masthead, now: datetime, *, joined_at: datetime
) -> LetterValues:
    """What a sequence's letter knows about its reader, in the reader's own zone."""
    zone = load_zone(reader.zone)
    article = sequence.article
    return LetterValues(
        first_name=reader.first_name,
        sequence_title=sequence.title,
        signature=sequence.signature,
        masthead_name=head.name,
        postal_address=head.postal_address,
        help_now=lines_for(reader.country),
        why=f"You get this because you asked for it on {_day(joined_at, zone)}.",
        joined_on=_day(joined_at, zone),
        unsubscribe_url=link(Purpose.LEAVE, reader.opaque),
        preferences_url=link(Purpose.PREFERENCES, reader.opaque),
        pause_url=link(Purpose.PREFERENCES, reader.opaque) + "#pause",
        article_url=article.source_url if article else "",
        article_title=article.title if article else "",
        part_of_day=_part_of_day(now.astimezone(zone).hour),
    )


def notice_values(dispatch: Dispatch, head: Masthead, now: datetime) -> LetterValues:
    """What a one-off letter knows: little, because the address may not be its owner's wish yet."""
    reader, notice = dispatch.subscriber, dispatch.notice
    assert notice is not None
    confirmed = reader.state == Subscriber.State.ACTIVE
    return LetterValues(
        # Until the address is confirmed the name may be anything somebody else typed: it is not repeated.
        first_name=reader.first_name if confirmed else "",
        masthead_name=head.name,
        postal_address=head.postal_address,
        help_now=lines_for(reader.country),
        preferences_url=link(Purpose.PREFERENCES, reader.opaque) if confirmed else "",
        confirm_url=link(Purpose.CONFIRM, notice.invitation.opaque) if notice.invitation else "",
        part_of_day=_part_of_day(now.astimezone(load_zone(reader.zone)).hour),
    )


def return_path(dispatch: Dispatch, head: Masthead) -> str:
    """The envelope sender: a returned letter names its dispatch by a token nobody can forge (VERP)."""
    domain = head.from_address.rpartition("@")[2] or "localhost"
    return f"bounce+{make(Purpose.RETURN_PATH, opaque_of(dispatch.message_id))}@{domain}"


def opaque_of(message_id: str) -> str:
    """The random part of a Message-ID of ours."""
    return message_id.strip("<>").partition("@")[0]


def _headers(
    dispatch: Dispatch, head: Masthead, sequence: Sequence | None, values: LetterValues, now: datetime
) -> LetterHeaders:
    domain = head.from_address.rpartition("@")[2] or "localhost"
    list_part = f"l{sequence.pk}" if sequence else ""
    return LetterHeaders(
        from_name=head.from_name,
        from_address=head.from_address,
        to_address=dispatch.subscriber.email,
        reply_to=head.reply_to,
        message_id=dispatch.message_id,
        date=now,
        # Numbers, not titles: a List-Id is shown by some clients and must not tell what the letters are about.
        list_id=f"{list_part}.letters.{domain}" if sequence else "",
        list_name=head.name,
        unsubscribe_url=values.unsubscribe_url,
        feedback_id=f"{list_part}:letter:{domain}" if sequence else "",
        return_path=return_path(dispatch, head),
    )


def preview(letter: CompiledLetter, reader: Subscriber, sequence: Sequence, now: datetime) -> RenderedLetter:
    """A letter as this reader would see it at ``now``; the reader may be invented and need not be saved."""
    return render(letter, reader_values(reader, sequence, masthead(), now, joined_at=now))


def _day(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B}"


def _part_of_day(hour: int) -> str:
    return "morning" if 4 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"


def base_host() -> str:
    """The host readers know us by: the name we give in EHLO."""
    return urlsplit(settings.BASE_URL).hostname or "localhost"
