"""Sending one letter to a member of staff, and showing it, exactly as a reader would get it."""

from __future__ import annotations

import secrets
from contextlib import closing
from datetime import datetime

from django.conf import settings

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.rounds import last_round
from keepshowingup.core.address import check_address
from keepshowingup.core.errors import NotFound, PartMissing, Refused
from keepshowingup.delivery.naming import OCTETS
from keepshowingup.delivery.preparing import Prepared, base_host, invented, prepare
from keepshowingup.delivery.routing import transports
from keepshowingup.delivery.stationery import stationery
from keepshowingup.delivery.transports.lane import Load
from keepshowingup.delivery.transports.lanes import Lanes
from keepshowingup.delivery.transports.reply import AnswerLost, ConnectionDown, Reply
from keepshowingup.editorial.models import Step


def find_step(slug: str, step: str) -> Step:
    """A step by its sequence's slug and its own key or position. Raises :class:`NotFound`."""
    steps = Step.objects.filter(sequence__slug=slug, deleted_at=None).select_related("sequence__article")
    found = steps.filter(key=step).first() or (steps.filter(position=int(step)).first() if step.isdigit() else None)
    if found is None:
        raise NotFound(f"There is no step '{step}' in '{slug}'. `keepshowingup sequence show {slug}` lists them.")
    return found


def render_for(step: Step, to: str, now: datetime) -> Prepared:
    """The message ``to`` would get for the newest revision of ``step``, byte for byte but for its Message-ID.

    ``to`` may be a reader's address, then it is rendered for that reader; else for an invented one. Nothing is saved.
    """
    checked = check_address(to)
    if not checked.ok:
        raise Refused(f"{to!r} is no address a letter can go to: {checked.reason}")
    revision = step.revisions.first()
    if revision is None:
        raise Refused(f"The step '{step.key}' has no letter yet. Write one first.")
    sequence = step.sequence
    reader = Subscriber.objects.filter(email_key=checked.key).first()
    enrolment = reader and last_round(reader.pk, sequence.pk)
    reader = reader or Subscriber(email=checked.normalised, email_key=checked.key, state=Subscriber.State.ACTIVE)
    paper = stationery({sequence.pk: sequence}, {revision.pk}, now)
    held = invented(
        reader,
        sequence,
        now,
        step_key=step.key,
        revision_id=revision.pk,
        enrolled_at=enrolment.enrolled_at if enrolment else now,
        message_id=f"<{secrets.token_hex(OCTETS)}@{paper.domain}>",
    )
    return prepare(held, paper)


def send_test(step_id: int, to: str, now: datetime) -> None:
    """Send the newest revision of a step to ``to``, at once, by the first transport.

    Raises :class:`Refused` when the server won't have it and :class:`PartMissing` when there is none.
    """
    step = Step.objects.select_related("sequence__article").get(pk=step_id)
    send_at_once(render_for(step, to, now))


def send_at_once(prepared: Prepared) -> None:
    """Hand one letter to the first transport, for somebody at the desk who waits for it; it is kept nowhere.

    Raises :class:`Refused` when the server won't have it and :class:`PartMissing` when there is none.
    """
    letter = prepared.sender, prepared.recipient, prepared.message
    with closing(Lanes(transports().all[0].relay, hello=base_host())) as lanes:
        what = lanes.hand_over(Load(0, *letter, still_wanted=lambda: True, at_the_dot=lambda: True))
    if isinstance(what, ConnectionDown):
        raise PartMissing(f"The mail server is not there: {what}. {_where_to_look()}, and try again.")
    if isinstance(what, AnswerLost):
        raise Refused(f"The mail server may have it, it did not say: {what.why}. Look in the inbox first.")
    assert isinstance(what, Reply)
    if not what.accepted:
        raise Refused(f"The mail server refused it: {what}")


def _where_to_look() -> str:
    if settings.TRANSPORTS:
        return "Look at the first transport in KSU_TRANSPORTS"
    return "Look at SMTP_URL" if settings.SMTP_URL else "Start the mailbox (`keepshowingup up`), or set SMTP_URL"
