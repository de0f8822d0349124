"""Notes to colleagues: from one to another through the desk, and about what waits there. They go to no reader.

They go at once, by the first transport, and are kept nowhere.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from keepshowingup.audience.models import StopRequest
from keepshowingup.core.errors import PartMissing, Refused
from keepshowingup.delivery.naming import OCTETS
from keepshowingup.delivery.preparing import Prepared
from keepshowingup.delivery.stationery import signer
from keepshowingup.delivery.testing import send_at_once
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Masthead, Sequence
from keepshowingup.editorial.people import Role, colleagues
from keepshowingup.letters.compile import standard_letter
from keepshowingup.letters.compose import LetterHeaders, LetterValues, compose, render
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.themes import choose_theme
from keepshowingup.letters.words import choose_language, foot_of

log = logging.getLogger(__name__)


def ask_to_approve(sequence: Sequence, *, to: str, name: str, asker: str, url: str, now: datetime) -> None:
    """Ask a colleague to read what waits in a sequence. ``name`` and ``asker`` are what people call them.

    Raises :class:`keepshowingup.core.errors.Refused` when the server won't have it and
    :class:`keepshowingup.core.errors.PartMissing` when there is none.
    """
    head = masthead()
    values = LetterValues(
        first_name=name,
        sequence_title=sequence.title,
        signature=asker,
        masthead_name=head.name,
        postal_address=head.postal_address,
        desk_url=url,
    )
    send_at_once(_prepared(head, values, to, now))


def tell_of_stop_requests(now: datetime) -> int:
    """Write to everybody who may settle it that an address was asked to get no more mail; how many were written to.

    Whoever asks on the public page must not be able to tell by the time it takes whether the address is a reader's, so
    this is for a task of its own. No note says whose address it is. Where nobody could be written to, the next call
    tries again; the desk shows the requests in any case.
    """
    waiting = StopRequest.objects.filter(settled_at__isnull=True, told_at__isnull=True)
    ids = list(waiting.values_list("pk", flat=True))
    if not ids:
        return 0
    head, url = masthead(), f"{settings.BASE_URL}{reverse('staff:readers')}"
    told = 0
    for person in colleagues(Role.SENDER):
        values = LetterValues(
            first_name=person.first_name,
            signature=head.name,
            masthead_name=head.name,
            postal_address=head.postal_address,
            desk_url=url,
        )
        try:
            send_at_once(_prepared(head, values, person.email, now, kind="stop"))
        except (Refused, PartMissing, LetterError) as error:
            log.warning("a colleague could not be told of a stop request: %s", type(error).__name__)
            continue
        told += 1
    if told:
        StopRequest.objects.filter(pk__in=ids).update(told_at=now)
    return told


def _prepared(head: Masthead, values: LetterValues, to: str, now: datetime, kind: str = "staff") -> Prepared:
    language = choose_language([head.language])
    headers = LetterHeaders(
        from_name=head.from_name,
        from_address=head.from_address,
        to_address=to,
        reply_to=head.reply_to,
        message_id=f"<{secrets.token_hex(OCTETS)}@{head.from_address.rpartition('@')[2] or 'localhost'}>",
        date=now,
        return_path=head.from_address,
    )
    letter = standard_letter(kind, language, choose_theme([head.theme]))
    message = compose(render(letter, replace(values, foot=foot_of(language))), headers)
    seal = signer()
    return Prepared(head.from_address, to, seal.sign(message) if seal else message)
