"""From plain values to the one letter they make: what it knows of its reader, its headers, its bytes."""

from __future__ import annotations

import functools
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.audience.tokens import Purpose, link, make
from keepshowingup.core.timing import load_zone, local_date
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.naming import opaque_of
from keepshowingup.delivery.stationery import Drawer, Stationery, hosted_pictures
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.letters.compile import standard_letter
from keepshowingup.letters.compose import LetterHeaders, LetterValues, compose, render
from keepshowingup.letters.dates import say_greeting, say_part_of_day
from keepshowingup.letters.skeleton import Personal
from keepshowingup.letters.words import foot_of

WITH_WAYS_OUT = frozenset({Notice.Kind.WELCOME, Notice.Kind.RESUME})
"""Notices to somebody who reads: like every letter of a list they can be answered by leaving it."""


@dataclass(frozen=True)
class Prepared:
    """A letter ready for the wire: envelope sender (RFC 5321 MAIL), recipient, and the message's bytes."""

    sender: str
    recipient: str
    message: bytes


def prepare(held: Held, paper: Stationery) -> Prepared:
    """Compose one letter. Raises :class:`LetterError` when it can't be rendered for its reader."""
    token = make(Purpose.RETURN_PATH, opaque_of(held.message_id))
    sender = f"bounce+{token}@{paper.domain}"
    if held.sequence_id is None:
        paper.on_rendering(held)
        letter = standard_letter(held.notice_kind or "", paper.language_for(held.language), paper.theme_for(held.theme))
        values = _notice_values(held, paper)
        message = compose(render(letter, values), _headers(held, None, values.unsubscribe_url, paper, sender))
    else:
        message = _letter(held, paper.sequences[held.sequence_id], paper, sender)
    return Prepared(sender, held.email, paper.seal.sign(message) if paper.seal else message)


def _letter(held: Held, sequence: Sequence, paper: Stationery, sender: str) -> bytes:
    assert held.revision_id is not None
    shared, personal = _shared_values(held, sequence, paper), _personal_values(held, paper.drawer.asking)
    headers = _headers(held, sequence, personal.unsubscribe_url, paper, sender)
    look = held.revision_id, paper.theme_for(held.theme, sequence)
    skeleton = paper.skeleton(held, look, shared, tuple(map(bool, personal)))
    if skeleton is not None:
        return skeleton.write(personal, headers)
    paper.on_rendering(held)
    with paper.drawer.in_bounds(held.revision_id):
        rendered = render(paper.drawer.letter(look), replace(shared, **personal._asdict()))
    return compose(rendered, headers, paper.drawer.enclosed(held.revision_id, shared))


def _personal_values(held: Held, asking: Container[int | None]) -> Personal:
    preferences = link(Purpose.PREFERENCES, held.opaque)
    return Personal(
        first_name=held.first_name,
        unsubscribe_url=link(Purpose.LEAVE, held.opaque),
        preferences_url=preferences,
        pause_url=f"{preferences}#pause",
        helped_url=_helped_link(held.opaque, held.revision_id) if held.revision_id in asking else "",
    )


def _helped_link(opaque: str, revision_id: int | None) -> str:
    """It names the reader and the letter, so it works for as long as both are there, and nothing is kept for it."""
    return link(Purpose.HELPED, f"{opaque}{revision_id or 0:08x}")


def letter_of(name: str) -> tuple[str, int]:
    """A reader's opaque name and the revision, from the name in a link of :func:`_helped_link`."""
    return name[:-8], int(name[-8:], 16)


def _shared_values(held: Held, sequence: Sequence, paper: Stationery) -> LetterValues:
    joined_on = _date(held.enrolled_at or paper.now, load_zone(held.zone))
    language = paper.language_for(held.language)
    mark = paper.mark_of(held, sequence)
    return paper.shared_values(sequence, held.country, language, joined_on, paper.part_of_day(held), mark)


def _notice_values(held: Held, paper: Stationery) -> LetterValues:
    """What a one-off letter knows: little, because the address may not be its owner's wish yet."""
    # Nobody has left who had not confirmed before, so a goodbye knows its reader.
    confirmed = held.reader_state == Subscriber.State.ACTIVE or held.notice_kind == Notice.Kind.GOODBYE
    personal = _personal_values(held, ()) if held.notice_kind in WITH_WAYS_OUT else Personal("", "", "", "")
    language, part = paper.language_for(held.language), paper.part_of_day(held)
    return LetterValues(
        # Until the address is confirmed the name may be anything somebody else typed: it is not repeated.
        first_name=held.first_name if confirmed else "",
        masthead_name=paper.head.name,
        postal_address=paper.head.postal_address,
        help_now=paper.help_for(held.country, language),
        preferences_url=link(Purpose.PREFERENCES, held.opaque) if confirmed else "",
        pause_url=personal.pause_url,
        unsubscribe_url=personal.unsubscribe_url,
        confirm_url=link(Purpose.CONFIRM, held.invitation) if held.invitation else "",
        part_of_day=say_part_of_day(part, language),
        greeting=say_greeting(part, language),
        foot=foot_of(language),
    )


def _headers(
    held: Held, sequence: Sequence | None, unsubscribe_url: str, paper: Stationery, sender: str
) -> LetterHeaders:
    # Numbers, not titles: a List-Id is shown by some clients and must not tell what the letters are about.
    list_part = f"l{sequence.pk}" if sequence else "notes" if unsubscribe_url else ""
    return LetterHeaders(
        from_name=paper.head.from_name,
        from_address=paper.head.from_address,
        to_address=held.email,
        reply_to=paper.head.reply_to,
        message_id=held.message_id,
        date=held.moment(paper.now),
        list_id=f"{list_part}.letters.{paper.domain}" if list_part else "",
        list_name=paper.head.name,
        unsubscribe_url=unsubscribe_url,
        feedback_id=f"{list_part}:letter:{paper.domain}" if list_part else "",
        return_path=sender,
    )


def values_for(reader: Subscriber, step: Step, now: datetime, *, joined_at: datetime) -> LetterValues:
    """What a letter would know about this reader at ``now``; the reader may be invented and need not be saved."""
    sequence = step.sequence
    held = invented(reader, sequence, now, enrolled_at=joined_at, step_key=step.key)
    shared = _shared_values(held, sequence, Stationery(masthead(), {}, Drawer(), now))
    # Whoever looks at a letter in a browser has no parts of a message to look into.
    return replace(shared, pictures_at=hosted_pictures(), **_personal_values(held, (None,))._asdict())


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
        "theme": reader.theme,
        "country": reader.country,
        "reader_state": reader.state,
        "paused_at": None,
        "enrolled_at": now,
        "sequence_id": sequence.pk,
    }
    return Held(**(values | known))  # type: ignore[arg-type]


def base_host() -> str:
    """The host readers know us by: the name we give in EHLO."""
    return urlsplit(settings.BASE_URL).hostname or "localhost"


_date = functools.lru_cache(maxsize=4096)(local_date)
