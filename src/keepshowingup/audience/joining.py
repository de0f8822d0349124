"""Joining: somebody asks, a plain note goes to the address, its owner says yes.

Anybody can write anybody's address into a form. So the answer, and the work done for it, is the same whether the
address is new, waiting, reading, paused, gone, or must not be written to; and nothing the form says touches an existing
reader before the owner of the address has said yes.
"""

from __future__ import annotations

import logging
import unicodedata
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import transaction

from keepshowingup.audience.leaving import is_suppressed
from keepshowingup.audience.limits import count_attempt
from keepshowingup.audience.models import Consent, Invitation, Notice, Subscriber
from keepshowingup.audience.standing import locked_reader
from keepshowingup.audience.tokens import Purpose, read
from keepshowingup.core.address import Checked, check_address
from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.core.timing import load_zone

log = logging.getLogger(__name__)

INVITATION_LASTS = timedelta(days=7)
BETWEEN_NOTICES = timedelta(hours=24)
ASKED_FOR = (Notice.Kind.CONFIRM, Notice.Kind.ALREADY)
NAME_LENGTH = 80

CONSENT_VERSION = "1"
CONSENT_TEXTS = {
    "en": "Yes, send me these letters. I know I can stop at any time.",
    "es": "Sí, quiero recibir estas cartas. Sé que puedo dejarlo cuando quiera.",
}
"""What a reader agreed to, by language. A change of the words is a new version: the proof of consent names it."""


@dataclass(frozen=True)
class JoinRequest:
    """What somebody wrote into a form.

    ``network`` is :func:`keepshowingup.audience.limits.hash_network` of the sender, empty for our own desk; ``unseen``
    says that we did not show the form ourselves; ``hour`` is local time; ``text_version`` names what was agreed to.
    """

    address: str
    first_name: str = ""
    zone: str = "UTC"
    hour: time = time(10, 0)
    sequence_id: int | None = None
    audience: str = Subscriber.Audience.SELF
    language: str = "en"
    country: str = ""
    form: str = "/"
    network: str = ""
    unseen: bool = False
    text_version: str = CONSENT_VERSION


@dataclass(frozen=True)
class Confirmed:
    """Who said yes, and to which sequence.

    ``returned`` is true for somebody who had left: what they read before was stopped by that, and only what they
    said yes to now begins. ``arrived`` is true unless they were reading already.
    """

    subscriber_id: int
    sequence_id: int | None
    returned: bool = False
    arrived: bool = False


def consent_text(language: str) -> str:
    """The sentence at the box, in a language of :data:`CONSENT_TEXTS`, else in English."""
    return CONSENT_TEXTS.get(language, CONSENT_TEXTS["en"])


def consent_version(language: str) -> str:
    """The name of that sentence: ``1`` in English, ``1-es`` in Spanish."""
    return f"{CONSENT_VERSION}-{language}" if language in CONSENT_TEXTS and language != "en" else CONSENT_VERSION


def ask_to_join(request: JoinRequest, now: datetime) -> None:
    """Send the owner of an address a plain note, once in 24 hours: confirm, or where to look after your letters.

    Raises :class:`WrongUsage` for an address, a name or a zone that is malformed, and
    :class:`keepshowingup.audience.limits.TooMany`. Says nothing about whether the address is known.
    """
    checked = _well_formed(request.address)
    first_name = tidy_name(request.first_name)
    load_zone(request.zone)
    with transaction.atomic():
        count_attempt(request.network, now, unseen=request.unseen)
        with transaction.atomic():
            # Every case writes the same rows; those that must leave no trace are taken back.
            reader = locked_reader(checked.normalised, checked.key, now, language=request.language)
            unwanted = _must_not_write(reader, now)
            reading = reader.state == Subscriber.State.ACTIVE
            invitation = Invitation.objects.create(
                subscriber=reader,
                sequence_id=request.sequence_id,
                first_name=first_name,
                zone=request.zone,
                hour=request.hour,
                language=request.language,
                country=request.country,
                audience=request.audience,
                form=request.form[:NAME_LENGTH],
                text_version=request.text_version,
                created_at=now,
                expires_at=now + INVITATION_LASTS,
            )
            Notice.objects.create(
                subscriber=reader,
                kind=Notice.Kind.ALREADY if reading else Notice.Kind.CONFIRM,
                invitation=invitation,
                due_at=now,
                created_at=now,
            )
            # A reader who left is waiting again; left_at stays, so that forgetting the request leaves them so.
            Subscriber.objects.filter(pk=reader.pk, state=Subscriber.State.LEFT).update(
                state=Subscriber.State.UNCONFIRMED
            )
            transaction.set_rollback(unwanted)


def ask_for_link(address: str, network: str, now: datetime) -> None:
    """Send a reader the way to their preferences, once in 24 hours; the same work for anybody else.

    Raises :class:`WrongUsage` for a malformed address and :class:`keepshowingup.audience.limits.TooMany`.
    """
    checked = _well_formed(address)
    with transaction.atomic():
        count_attempt(network, now)
        with transaction.atomic():
            reader = locked_reader(checked.normalised, checked.key, now)
            unwanted = _must_not_write(reader, now) or reader.state != Subscriber.State.ACTIVE
            Notice.objects.create(subscriber=reader, kind=Notice.Kind.ALREADY, due_at=now, created_at=now)
            transaction.set_rollback(unwanted)


def find_invitation(token: str, now: datetime) -> Invitation:
    """The invitation a confirmation link stands for. Raises :class:`NotFound` unless it is ours, open and unused."""
    opaque = read(Purpose.CONFIRM, token)
    invitation = (
        Invitation.objects.select_related("subscriber")
        .filter(opaque=opaque, used_at__isnull=True, expires_at__gt=now)
        .first()
        if opaque
        else None
    )
    if invitation is None or is_suppressed(invitation.subscriber.email_key):
        raise NotFound("This link does not work any more.")
    return invitation


def confirm(token: str, now: datetime) -> Confirmed:
    """The owner of an address says yes. Works once, within 7 days; raises :class:`NotFound` for any other token."""
    with transaction.atomic():
        invitation = find_invitation(token, now)
        if not Invitation.objects.filter(pk=invitation.pk, used_at__isnull=True).update(used_at=now):
            raise NotFound("This link does not work any more.")
        reader = Subscriber.objects.select_for_update().get(pk=invitation.subscriber_id)
        returned = reader.left_at is not None
        arrived = reader.state != Subscriber.State.ACTIVE
        if reader.state != Subscriber.State.ACTIVE:
            reader.first_name = invitation.first_name
            reader.zone = invitation.zone
            reader.hour = invitation.hour
            reader.language = invitation.language
            reader.country = invitation.country
            reader.audience = invitation.audience
            reader.state = Subscriber.State.ACTIVE
            reader.confirmed_at = now
            reader.left_at = reader.paused_at = reader.paused_until = None
            reader.save()
        Consent.objects.create(
            subscriber=reader,
            given_at=invitation.created_at,
            confirmed_at=now,
            source=invitation.form,
            text_version=invitation.text_version,
        )
    log.info("reader %s confirmed", reader.pk)
    return Confirmed(reader.pk, invitation.sequence_id, returned, arrived)


def add_confirmed(
    address: str,
    *,
    first_name: str = "",
    zone: str = "UTC",
    hour: time = time(10, 0),
    language: str = "en",
    country: str = "",
    audience: str = Subscriber.Audience.SELF,
    consent_note: str,
    consented_at: datetime | None = None,
    now: datetime,
) -> Subscriber:
    """Add a reader who agreed elsewhere; ``consent_note`` says how that is known, and is kept as the proof.

    A reader who is reading already keeps their own settings. Raises :class:`WrongUsage` for malformed values and
    :class:`Refused` without a note, for somebody who left, and for an address that must not be written to.
    """
    checked = _well_formed(address)
    load_zone(zone)
    note = tidy_name(consent_note, "The consent note", 200)
    if not note:
        raise Refused("Say how you know that this reader agreed: give a consent note.")
    details = {
        "first_name": tidy_name(first_name),
        "zone": zone,
        "hour": hour,
        "language": language,
        "country": country,
        "audience": audience,
    }
    with transaction.atomic():
        if is_suppressed(checked.key):
            raise Refused("This address must not be written to: it bounced, complained or was erased.")
        reader = locked_reader(checked.normalised, checked.key, now, language=language)
        if reader.left_at is not None:
            raise Refused("This reader left. Only they can come back, by joining again themselves.")
        if reader.state != Subscriber.State.ACTIVE:
            for field, value in details.items():
                setattr(reader, field, value)
            reader.state = Subscriber.State.ACTIVE
            reader.confirmed_at = now
            reader.save()
        Consent.objects.create(subscriber=reader, given_at=consented_at or now, confirmed_at=now, source=note)
    return reader


def forget_unconfirmed(now: datetime) -> int:
    """Delete sign-ups that nobody confirmed within 7 days; returns how many.

    Somebody who had left before and was asked again goes back to having left.
    """
    with transaction.atomic():
        waiting = Subscriber.objects.filter(
            state=Subscriber.State.UNCONFIRMED, created_at__lte=now - INVITATION_LASTS
        ).exclude(invitations__used_at__isnull=True, invitations__expires_at__gt=now)
        ids = list(waiting.values_list("pk", flat=True)[:1000])
        Subscriber.objects.filter(pk__in=ids, left_at__isnull=False).update(state=Subscriber.State.LEFT)
        forgotten = Subscriber.objects.filter(pk__in=ids, left_at__isnull=True)
        count = forgotten.count()
        forgotten.delete()
    return count


def tidy_name(text: str, what: str = "The name", longest: int = NAME_LENGTH) -> str:
    """A name as it is kept, in Unicode's composed form, with single spaces.

    Raises :class:`WrongUsage` for line breaks, NUL, direction marks, and web addresses: a name ends up in letters.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name.isprintable() and any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        raise WrongUsage(f"{what} has a character in it that can't be printed. Please type it again.")
    name = " ".join(name.split())
    if len(name) > longest:
        raise WrongUsage(f"{what} is longer than {longest} characters.")
    if longest == NAME_LENGTH and ("://" in name or "www." in name.casefold() or "@" in name):
        raise WrongUsage(f"{what} has a web or mail address in it. Please write only a name.")
    return name


# Control, format (bidi marks, zero-width), surrogate, private use, unassigned, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _well_formed(address: str) -> Checked:
    checked = check_address(address.strip())
    if not checked.ok:
        raise WrongUsage(checked.reason)
    return checked


def _must_not_write(reader: Subscriber, now: datetime) -> bool:
    """Whether a note must not go to this reader now. Every question is asked, whatever the first one answers."""
    reasons = [
        is_suppressed(reader.email_key),
        reader.state == Subscriber.State.SUPPRESSED,
        reader.notices.filter(kind__in=ASKED_FOR, created_at__gt=now - BETWEEN_NOTICES).exists(),
        reader.stop_requests.filter(settled_at__isnull=True).exists(),
    ]
    return any(reasons)
