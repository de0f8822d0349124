"""Why a reader did or did not get each letter, in sentences for whoever asks. No address is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.forecast import forecast_reader
from keepshowingup.cadence.marks import A_MARK
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import read_readers
from keepshowingup.cadence.planning import CourseStep, Place, Reader, owed_steps
from keepshowingup.core.errors import NotFound
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import AtMark, OnDate, load_zone, to_local
from keepshowingup.editorial.models import Sequence

Outcomes = Mapping[tuple[int, str], str]
"""What became of a letter, as the end of a sentence, by enrolment and step key: ``was accepted by the server``."""

FORESEEN_DAYS = 400


def explain(
    subscriber_id: int, now: datetime, sequence_id: int | None = None, outcomes: Outcomes | None = None
) -> list[str]:
    """Each letter of a reader's sequences: when it came and why then, when it will come, or why it does not.

    Times are on the reader's clock. Raises :class:`NotFound` for a reader who is gone.
    """
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first()
    if subscriber is None:
        raise NotFound("There is no such reader.")
    enrolments = Enrolment.objects.filter(subscriber=subscriber).select_related("sequence", "subscriber").order_by("pk")
    if sequence_id is not None:
        enrolments = enrolments.filter(sequence=sequence_id)
    sentences = list(_about_reader(subscriber))
    rows = {row.pk: row for row in enrolments}
    if not rows:
        return [*sentences, "The reader is not in this sequence." if sequence_id else "The reader is in no sequence."]
    follows = {
        (letter.sequence_id, letter.step_key): letter.local
        for letter in forecast_reader(subscriber_id, now, FORESEEN_DAYS)
    }
    for reader in read_readers(rows.keys(), now, lock=False):
        for place in reader.places:
            if place.pk in rows:
                sentences += _about_place(rows[place.pk], place, reader, outcomes or {}, follows)
    return sentences


def _about_reader(subscriber: Subscriber) -> Iterator[str]:
    zone = load_zone(subscriber.zone)
    match subscriber.state:
        case Subscriber.State.UNCONFIRMED:
            yield "The reader has not confirmed, so no letters are sent."
        case Subscriber.State.SUPPRESSED:
            yield "The address must not be written to: it bounced or complained, so no letters are sent."
        case Subscriber.State.LEFT:
            left = f" on {_say(to_local(subscriber.left_at, zone))}" if subscriber.left_at else ""
            yield f"The reader left all letters{left}, so none are sent."
    if subscriber.paused_at is not None:
        until = _say(to_local(subscriber.paused_until, zone)) if subscriber.paused_until else "they say otherwise"
        yield f"Letters rest since {_say(to_local(subscriber.paused_at, zone))}, until {until}."


def _about_place(
    row: Enrolment,
    place: Place,
    reader: Reader,
    outcomes: Outcomes,
    follows: Mapping[tuple[int, str], datetime],
) -> Iterator[str]:
    joined = _say(to_local(row.enrolled_at, reader.zone))
    yield f"{place.course.title}: joined on {joined} ({reader.zone.key})."
    yield from _about_past(row, place, reader, outcomes)
    resting = _why_resting(row.sequence, reader)
    is_gone = row.subscriber.state != Subscriber.State.ACTIVE
    if place.state is EnrolmentState.FINISHED:
        yield "All its letters are behind the reader: nothing more comes."
    elif place.state is EnrolmentState.LEFT:
        yield "The reader stopped it: nothing more comes."
    elif place.state is EnrolmentState.HELD:
        yield "It is held: the next letter can't be made, somebody has to look."
    elif place.is_under_way and place.step is not None:
        yield f"{_name(place.step)} {outcomes.get((place.pk, place.step.key), 'is under way')}."
    elif is_gone and place.step is not None:
        yield f"{_name(place.step)} would be next, but nothing is sent to this reader."
    elif row.subscriber.paused_at is not None and place.step is not None:
        yield f"Next is {_next(place.step)}, when the rest is over{resting}."
    elif place.due is not None and place.step is not None:
        when = _say(to_local(place.due, reader.zone))
        yield f"Next is {_next(place.step)}, on {when}{resting}: {place.reason}."
    else:
        yield f"The reader {place.reason or 'has no next letter planned'}{resting}."
    if place.state is EnrolmentState.ACTIVE and not is_gone and not place.course.milestones:
        yield from _about_rest(place, reader, follows)


def _why_resting(sequence: Sequence, reader: Reader) -> str:
    if sequence.state == Sequence.State.PAUSED and sequence.paused_at is not None:
        return f", but the sequence is paused since {_say(to_local(sequence.paused_at, reader.zone))}"
    return "" if sequence.state == Sequence.State.LIVE else ", but the sequence has not been started"


def _about_past(row: Enrolment, place: Place, reader: Reader, outcomes: Outcomes) -> Iterator[str]:
    names = {step.key: _name(step) for step in place.course.steps}
    for past in row.past_steps.order_by("settled_at", "pk"):
        name = A_MARK if place.course.milestones else names.get(past.step_key, f"“{past.step_key}”")
        outcome = outcomes.get((row.pk, past.step_key))
        if past.handed_at is None:
            yield f"{name} {outcome or 'was passed over'}."
            continue
        left = f"{name} left on {_say(to_local(past.handed_at, reader.zone))}"
        left += f" and {outcome}" if outcome else ""
        yield f"{left}; why then: {past.due_reason}." if past.due_reason else f"{left}."


def _about_rest(place: Place, reader: Reader, follows: Mapping[tuple[int, str], datetime]) -> Iterator[str]:
    owed = {step.key for step in owed_steps(place, reader)}
    for step in place.course.steps:
        if step.key in place.past or step == place.step:
            continue
        name = f"“{step.subject}”"
        if step.deleted:
            yield f"{name} does not come: it was taken out of the sequence."
        elif step.key not in owed:
            yield f"{name} does not come: {_why_not_owed(step)}."
        elif step.ready_since is None:
            yield f"{name} waits for somebody to approve it."
        elif (local := follows.get((place.course.sequence_id, step.key))) is not None:
            yield f"“{step.subject}” follows, as things stand on {_say(local)}."
        else:
            yield f"{name} follows later."


def _why_not_owed(step: CourseStep) -> str:
    if isinstance(step.timing, OnDate):
        return "its date was before the reader joined"
    return "the reader was past its place when it was added"


def _name(step: CourseStep) -> str:
    """A letter, as staff may see it. Which mark it is about would tell a reader's date."""
    return A_MARK if isinstance(step.timing, AtMark) else f"“{step.subject}”"


def _next(step: CourseStep) -> str:
    return _name(step).lower() if isinstance(step.timing, AtMark) else _name(step)


def _say(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%B %Y} at {local:%H:%M}"
