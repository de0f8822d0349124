"""What the readers of the demonstration do, each at their own pace. A life waits by yielding; one loop runs all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from keepshowingup.core.counting import count_of
from keepshowingup.ops.demo.judge import Arrival, Reader, promises
from keepshowingup.ops.demo.screen import Screen
from keepshowingup.ops.demo.stage import SLUG, Stage
from keepshowingup.ops.demo.visitor import Inbox, Letter, open_form, post

Life = Iterator[None]
Plan = Sequence[tuple[int, str]]

# A person does not fill in a form within a second or two; the page does not believe who does.
FORM_SECONDS = 2.5
BREAK_DAYS = 3
UNTIL_I_SAY = ""


@dataclass
class World:
    """What a life can see: the site, the inbox, the calendar, and the screen to tell about it."""

    stage: Stage
    inbox: Inbox
    screen: Screen
    letters: list[Letter] = field(default_factory=list)

    def look(self) -> None:
        """Read the inbox again."""
        self.letters = self.inbox.letters()

    def arrivals(self) -> list[Arrival]:
        """The letters of the sequence so far, in order."""
        return [Arrival(x.recipient, x.subject, x.received_at) for x in self.letters if x.is_of_a_list]

    def letters_to(self, reader: Reader) -> list[Letter]:
        """This reader's letters of the sequence, in order."""
        return [x for x in self.letters if x.recipient == reader.address and x.is_of_a_list]

    def note_to(self, reader: Reader) -> Letter | None:
        """The note that asks this reader to confirm."""
        return next((x for x in self.letters if x.recipient == reader.address and "/confirm/" in x.text), None)

    def has_all(self, reader: Reader, plan: Plan) -> bool:
        """Whether every letter has come that is due to this reader by this hour tomorrow."""
        soon = self.stage.clock.now() + timedelta(days=1)
        came = {letter.subject for letter in self.letters_to(reader)}
        return all(promise.subject in came for promise in promises(reader, plan) if promise.due < soon)

    def daylight(self, reader: Reader, earliest: int, latest: int) -> bool:
        """Whether the reader's clock shows an hour from ``earliest`` to before ``latest``."""
        return earliest <= reader.local(self.stage.clock.now()).hour < latest


def until(true: Callable[[], object]) -> Life:
    """Wait for something."""
    while not true():
        yield


def join(world: World, reader: Reader) -> Life:
    """Fill in the form, find the note, and confirm in the morning, so that day 0 is that very day."""
    form = open_form(f"{world.stage.web}/s/{SLUG}", having="email")
    opened = time.monotonic()
    yield from until(lambda: time.monotonic() > opened + FORM_SECONDS)
    form.send(email=reader.address, first_name=reader.name, zone=reader.zone.key, when=reader.part, consent="yes")
    world.screen.say(f"{reader.name:<6} filled in the form: {reader.zone.key}, in the {reader.part}")
    yield from until(lambda: world.note_to(reader))
    note = world.note_to(reader)
    assert note is not None
    confirm = open_form(note.link("/confirm/"), having="=")
    yield from until(lambda: world.daylight(reader, 2, reader.hour.hour - 3))
    pressed_at = world.stage.clock.now()
    confirm.send()
    reader.confirmed_at = pressed_at
    world.screen.say(f"{reader.name:<6} confirmed; {reader.local(reader.confirmed_at):%a %H:%M} there")


def stay(world: World, reader: Reader, plan: Plan) -> Life:
    """Join and read to the end."""
    yield from join(world, reader)


def take_a_break(world: World, reader: Reader, plan: Plan) -> Life:
    """Join, pause in the middle, and go on some days later, both on the page behind the letter's own link."""
    yield from join(world, reader)
    yield from until(lambda: len(world.letters_to(reader)) >= max(1, len(plan) // 3))
    page = world.letters_to(reader)[-1].link("/preferences/")
    yield from until(lambda: world.daylight(reader, reader.hour.hour, 22))
    open_form(page, having="do=pause").send(do="pause", days=UNTIL_I_SAY)
    reader.paused_at = world.stage.clock.now()
    world.screen.say(f"{reader.name:<6} takes a break")
    back = reader.paused_at + timedelta(days=BREAK_DAYS)
    yield from until(lambda: world.stage.clock.now() > back and world.daylight(reader, 2, reader.hour.hour - 3))
    form = open_form(page, having="do=resume")
    pressed_at = world.stage.clock.now()
    form.send(do="resume")
    reader.resumed_at = pressed_at
    world.screen.say(f"{reader.name:<6} goes on after {count_of(reader.days_paused, 'day')}")


def leave(world: World, reader: Reader, plan: Plan) -> Life:
    """Join, and in the middle press the mail program's own button: one POST to the address in the letter's header."""
    yield from join(world, reader)
    yield from until(lambda: len(world.letters_to(reader)) >= max(1, len(plan) // 2) and world.has_all(reader, plan))
    reader.leaves_at = world.stage.clock.now()
    post(world.letters_to(reader)[-1].stop_link, {"List-Unsubscribe": "One-Click"})
    reader.left_at = world.stage.clock.now()
    world.screen.say(f"{reader.name:<6} left by one click; nothing may come from now on")
