"""Why a reader did or did not get each letter, in sentences for whoever asks. No address is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.course import Course, CourseStep
from keepshowingup.cadence.forecast import ForecastLetter, forecast_reader
from keepshowingup.cadence.marks import A_MARK
from keepshowingup.cadence.meant import PASSED_OVER
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.moves import moves_of
from keepshowingup.cadence.places import patience, read_readers
from keepshowingup.cadence.planning import owed_steps
from keepshowingup.cadence.reader import Move, Place, Reader
from keepshowingup.core.conditions import unmet
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import NotFound
from keepshowingup.core.states import EnrolmentState, WhyMoved
from keepshowingup.core.timing import OnDate, load_zone, to_local, to_utc
from keepshowingup.editorial.models import Sequence

Outcomes = Mapping[tuple[int, str], str]
"""What became of a letter, as the end of a sentence, by enrolment and step key: ``was accepted by the server``."""

FORESEEN_DAYS = 400


class About(StrEnum):
    """What a sentence is about."""

    READER = "reader"
    SEQUENCE = "sequence"
    PAST = "past"  # a letter that is behind the reader
    MOVE = "move"  # a break or an outage that moved the plan
    NEXT = "next"  # the next letter, or one that is under way
    LATER = "later"  # a letter after that
    NEVER = "never"  # a letter that does not come


@dataclass(frozen=True)
class Told:
    """Something told about a reader. ``moment`` (UTC) is when the letter left or will, where that is known."""

    about: About
    sentence: str
    sequence: str = ""
    step_key: str = ""
    subject: str = ""
    moment: datetime | None = None


def explain(
    subscriber_id: int, now: datetime, sequence_id: int | None = None, outcomes: Outcomes | None = None
) -> list[Told]:
    """Each letter of a reader's sequences: when it came and why then, when it will come, or why it does not.

    Times are on the reader's clock. Raises :class:`NotFound` for a reader who is gone.
    """
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first()
    if subscriber is None:
        raise NotFound("There is no such reader.")
    enrolments = Enrolment.objects.filter(subscriber=subscriber).select_related("sequence", "subscriber").order_by("pk")
    if sequence_id is not None:
        enrolments = enrolments.filter(sequence=sequence_id)
    told = [Told(About.READER, sentence) for sentence in _about_reader(subscriber)]
    rows = {row.pk: row for row in enrolments}
    if not rows:
        nothing = "The reader is not in this sequence." if sequence_id else "The reader is in no sequence."
        return [*told, Told(About.READER, nothing)]
    follows: dict[tuple[int, str], ForecastLetter] = {}
    for letter in forecast_reader(subscriber_id, now, FORESEEN_DAYS):
        follows.setdefault((letter.sequence_id, letter.step_key), letter)
    courses: dict[int, Course] = {}
    for reader in read_readers(rows.keys(), now, courses, lock=False):
        for place in reader.places:
            if place.pk in rows:
                row = rows[place.pk]
                page = _Page(row, place, reader, outcomes or {}, follows, courses[row.sequence_id])
                told += [replace(each, sequence=page.row.sequence.slug) for each in page.tell()]
    return told


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


@dataclass
class _Page:
    """What there is to tell about one reader in one sequence.

    Of milestones it is told when they come and never which: that would tell the reader's date. ``newest`` is the
    course as readers have it who join now.
    """

    row: Enrolment
    place: Place
    reader: Reader
    outcomes: Outcomes
    follows: Mapping[tuple[int, str], ForecastLetter]
    newest: Course

    def tell(self) -> Iterator[Told]:
        joined = self._say(self.row.enrolled_at)
        again = f" for the {ordinal(self.row.round)} time" if self.row.round > 1 else ""
        yield Told(About.SEQUENCE, f"{self.place.course.title}: joined{again} on {joined} ({self.reader.zone.key}).")
        yield from self._past()
        yield self._next()
        is_here = self.row.subscriber.state == Subscriber.State.ACTIVE
        if self.place.state is EnrolmentState.ACTIVE and is_here and not self.place.course.milestones:
            yield from self._rest()

    def _say(self, moment: datetime) -> str:
        return _say(to_local(moment, self.reader.zone))

    def _about(self, about: About, sentence: str, key: str, subject: str, moment: datetime | None = None) -> Told:
        if self.place.course.milestones:
            return Told(about, sentence, subject=A_MARK, moment=moment)
        return Told(about, sentence, step_key=key, subject=subject, moment=moment)

    def _name(self, subject: str) -> str:
        """A letter's name at the beginning of a sentence."""
        return A_MARK if self.place.course.milestones else f"“{subject}”"

    def _next_name(self, subject: str) -> str:
        """The same later in a sentence."""
        return A_MARK[0].lower() + A_MARK[1:] if self.place.course.milestones else f"“{subject}”"

    def _foreseen(self, key: str) -> ForecastLetter | None:
        return self.follows.get((self.place.course.sequence_id, "" if self.place.course.milestones else key))

    # --- what has been ---

    def _past(self) -> Iterator[Told]:
        """Letters and moves of the plan, in the order they happened."""
        subjects = {step.key: step.subject for step in self.place.course.steps}
        happened = [
            (past.settled_at, past.pk, self._about_past(past, subjects.get(past.step_key, past.step_key)))
            for past in self.row.past_steps.order_by("pk")
        ]
        happened += [(move.until, place, self._about_move(move)) for place, move in enumerate(moves_of(self.row))]
        yield from (told for _, _, told in sorted(happened, key=lambda each: each[:2]))

    def _about_past(self, past: PastStep, subject: str) -> Told:
        outcome, name = self.outcomes.get((self.row.pk, past.step_key)), self._name(subject)
        if past.handed_at is None and past.due_reason.startswith(PASSED_OVER):
            return self._about(About.PAST, f"{name} was {past.due_reason}.", past.step_key, subject)
        if past.handed_at is None:
            sentence = f"{name} {outcome or f'was {PASSED_OVER}'}{self._for_whom(past, outcome)}."
        else:
            sentence = f"{name} left on {self._say(past.handed_at)}"
            sentence += f" and {outcome}." if outcome else "."
        if past.due_reason:
            sentence += f" Why then: {past.due_reason}."
        if past.handed_at is not None:
            sentence += self._how_late(past, past.handed_at)
        return self._about(About.PAST, sentence, past.step_key, subject, past.handed_at)

    def _for_whom(self, past: PastStep, outcome: str | None) -> str:
        """For whom a letter was that its last look has stopped."""
        conditions = next((step.only_if for step in self.place.course.steps if step.key == past.step_key), ())
        return f" ({'; '.join(each.say() for each in conditions)})" if conditions and outcome else ""

    def _how_late(self, past: PastStep, handed_at: datetime) -> str:
        if not past.due_local or self.place.course.milestones:
            return ""  # of a mark the day itself is kept, which the pace may have moved on purpose
        planned = to_utc(datetime.fromisoformat(past.due_local), self.reader.zone)
        late = handed_at - planned
        if late <= patience():
            return ""
        return f" It was planned for {self._say(planned)} and could leave only {_span(late)} later."

    def _about_move(self, move: Move) -> Told:
        days = count_of(move.days, "day")
        since, until = self._say(move.since), self._say(move.until)
        match move.why:
            case WhyMoved.BREAK:
                what = f"The reader took a break from {since} to {until}"
            case WhyMoved.REST:
                what = f"The sequence rested from {since} to {until}"
            case WhyMoved.OUTAGE:
                what = f"What was due on {since} could not leave until {until}"
            case WhyMoved.PLANNED:
                what = f"The next letter's day was over when it could be planned, on {until}"
        # Dates stay where they are.
        counted = any(not isinstance(step.timing, OnDate) for step in self.place.course.steps)
        then = f", so the letters after that come {days} later" if counted else ""
        return Told(About.MOVE, f"{what}{then}.", moment=move.until)

    # --- what comes ---

    def _next(self) -> Told:
        place, step = self.place, self.place.step
        sentence = self._what_is_next()
        if step is None or place.state is not EnrolmentState.ACTIVE:
            return Told(About.NEXT, sentence)
        letter = self._foreseen(step.key)
        return self._about(About.NEXT, sentence, step.key, step.subject, letter.utc if letter else None)

    def _what_is_next(self) -> str:
        place, step, row = self.place, self.place.step, self.row
        resting = _why_resting(row.sequence, self.reader)
        if place.state is EnrolmentState.FINISHED:
            return "All its letters are behind the reader: nothing more comes."
        if place.state is EnrolmentState.ENDED:
            when = f" on {self._say(row.ended_at)}" if row.ended_at else ""
            return f"It ended before its last letter{when}, because {place.reason}: nothing more comes of it."
        if place.state is EnrolmentState.LEFT:
            return "The reader stopped it: nothing more comes."
        if place.state is EnrolmentState.HELD:
            return "It is held: the next letter can't be made, somebody has to look."
        if step is None:
            return f"The reader {place.reason or 'has no next letter planned'}{resting}."
        name = self._next_name(step.subject)
        if place.is_under_way:
            return f"{self._name(step.subject)} {self.outcomes.get((place.pk, step.key), 'is under way')}."
        if row.subscriber.state != Subscriber.State.ACTIVE:
            return f"{self._name(step.subject)} would be next, but nothing is sent to this reader."
        if row.subscriber.paused_at is not None:
            letter = self._foreseen(step.key)
            then = f": as things stand on {_say(letter.local)}" if letter else ""
            return f"Next is {name}, when the rest is over{resting}{then}."
        if place.due is not None:
            return f"Next is {name}, on {self._say(place.due)}{resting}: {place.reason}."
        return f"The reader {place.reason or 'has no next letter planned'}{resting}."

    def _rest(self) -> Iterator[Told]:
        owed = {step.key for step in owed_steps(self.place, self.reader)}
        for step in self.place.course.steps:
            if step.key in self.place.past or step == self.place.step:
                continue
            name, about, moment = f"“{step.subject}”", About.NEVER, None
            if step.deleted and self._is_there_for_others(step):
                sentence = f"{name} does not come: it was added only for readers who join later than this one."
            elif step.deleted:
                sentence = f"{name} does not come: it was taken out of the sequence."
            elif step.key not in owed:
                sentence = f"{name} does not come: {_why_not_owed(step)}."
            elif why := unmet(step.only_if, self.reader.about):
                sentence = f"{name} does not come as things stand: {why}."
            elif step.ready_since is None:
                about, sentence = About.LATER, f"{name} waits for somebody to approve it."
            elif (letter := self._foreseen(step.key)) is not None:
                about, moment = About.LATER, letter.utc
                sentence = f"{name} follows, as things stand on {_say(letter.local)}: {letter.reason}."
            else:
                about, sentence = About.LATER, f"{name} follows later."
            yield Told(about, sentence, step_key=step.key, subject=step.subject, moment=moment)

    def _is_there_for_others(self, step: CourseStep) -> bool:
        return step.pk in self.newest.by_pk and not self.newest.by_pk[step.pk].deleted


def _why_resting(sequence: Sequence, reader: Reader) -> str:
    if sequence.state == Sequence.State.PAUSED and sequence.paused_at is not None:
        return f", but the sequence is paused since {_say(to_local(sequence.paused_at, reader.zone))}"
    return "" if sequence.state == Sequence.State.LIVE else ", but the sequence has not been started"


def ordinal(number: int) -> str:
    """``2nd``, ``3rd``, ``11th``."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _why_not_owed(step: CourseStep) -> str:
    if isinstance(step.timing, OnDate):
        return "its date was before the reader joined"
    return "the reader was past its place when it was added"


def _say(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%B %Y} at {local:%H:%M}"


def _span(length: timedelta) -> str:
    """``3 days``, ``5 hours``, ``40 minutes``: the largest unit there are two of, rounded down."""
    for unit, words in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if length >= 2 * unit:
            return f"{length // unit} {words}"
    return count_of(length // timedelta(minutes=1), "minute")
