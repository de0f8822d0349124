"""Notes from one colleague to another, through the desk. They go at once, by the first transport, to no reader."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from keepshowingup.delivery.naming import OCTETS
from keepshowingup.delivery.preparing import Prepared
from keepshowingup.delivery.stationery import signer
from keepshowingup.delivery.testing import send_at_once
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Masthead, Sequence
from keepshowingup.letters.compile import standard_letter
from keepshowingup.letters.compose import LetterHeaders, LetterValues, compose, render
from keepshowingup.letters.themes import choose_theme
from keepshowingup.letters.words import choose_language, foot_of


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


def _prepared(head: Masthead, values: LetterValues, to: str, now: datetime) -> Prepared:
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
    letter = standard_letter("staff", language, choose_theme([head.theme]))
    message = compose(render(letter, replace(values, foot=foot_of(language))), headers)
    seal = signer()
    return Prepared(head.from_address, to, seal.sign(message) if seal else message)
