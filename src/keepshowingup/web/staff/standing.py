"""Where a sequence stands, in a word and a colour, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.counting import count_of
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence
from keepshowingup.editorial.people import Role, colleagues, name_of
from keepshowingup.web.staff.counting import plain_list
from keepshowingup.web.staff.roles import Desk
from keepshowingup.web.staff.timeline import Timeline


@dataclass(frozen=True)
class Action:
    """A link that says what will happen."""

    label: str
    url: str


@dataclass(frozen=True)
class Standing:
    """``tone`` is the pill's colour: wait, live, stop or nothing. ``main`` is the screen's one main action."""

    word: str
    tone: str
    readers: int
    main: Action | None = None
    other: Action | None = None

    @property
    def reader_words(self) -> str:
        """``412 readers``."""
        return count_of(self.readers, "reader")


def readers_of(sequence: Sequence) -> int:
    """How many people are on their way through the sequence now."""
    return Enrolment.objects.filter(
        sequence=sequence, state=EnrolmentState.ACTIVE, subscriber__state=Subscriber.State.ACTIVE
    ).count()


def standing_of(sequence: Sequence, timeline: Timeline, desk: Desk) -> Standing:
    """How it stands, and what somebody at this desk would do next."""
    readers = readers_of(sequence)
    word, tone = _say(sequence, timeline)
    main, other = _actions(sequence, timeline, desk, readers)
    return Standing(word, tone, readers, main, other)


def _say(sequence: Sequence, timeline: Timeline) -> tuple[str, str]:
    if sequence.state == Sequence.State.PAUSED:
        return "Paused", "stop"
    if sequence.state == Sequence.State.LIVE:
        if timeline.waiting:
            return "Live, changes wait for a second reader", "wait"
        return ("Live, changes are with their writer", "wait") if timeline.sent_back else ("Live", "live")
    if not timeline.marks:
        return "Empty", ""
    if timeline.blocks:
        return "Being written", ""
    if timeline.waiting:
        return "Waiting for a second reader", "wait"
    return ("With its writer again", "wait") if timeline.sent_back else ("Ready to start", "live")


def _actions(sequence: Sequence, timeline: Timeline, desk: Desk, readers: int) -> tuple[Action | None, Action | None]:
    may, people = desk.may, count_of(readers, "reader")

    def at(label: str, page: str) -> Action | None:
        return Action(label, reverse(f"staff:{page}", args=[sequence.slug])) if may[page] else None

    rest = at("Pause", "pause") if sequence.state == Sequence.State.LIVE else None
    if not timeline.marks:
        return None, rest
    if timeline.waiting:
        if desk.wrote(timeline.authors):
            return at(_ask_label(timeline), "ask"), rest
        return at(f"Approve {count_of(len(timeline.waiting), 'letter')}", "approve"), rest
    if timeline.sent_back:
        return _rework(timeline, desk), rest
    if sequence.state == Sequence.State.DRAFT:
        return at(f"Start for {people}", "start"), None
    if sequence.state == Sequence.State.PAUSED:
        return at(f"Resume for {people}", "resume"), None
    return None, rest


def _rework(timeline: Timeline, desk: Desk) -> Action | None:
    mine = [mark for mark in timeline.sent_back if desk.wrote(frozenset({mark.newest.author}))]
    if not mine or not desk.may["letter_save"]:
        return None
    first = reverse("staff:letter", args=[mine[0].step.pk])
    return Action(f"Rework {count_of(len(mine), 'letter')}", f"{first}#comments")


def _ask_label(timeline: Timeline) -> str:
    others = colleagues(Role.EDITOR, besides=timeline.authors)
    if 1 <= len(others) <= 2:
        return f"Ask {plain_list([name_of(person) for person in others])} to approve"
    return "Ask for approval"
