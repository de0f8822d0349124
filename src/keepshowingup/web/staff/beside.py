"""The forecast beside the letter: what the reader it is shown as would get, and when, with this letter among it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keepshowingup.cadence.forecast import ForecastLetter, forecast, forecast_reader
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Step
from keepshowingup.web.staff.persona import Persona

DAYS = 400


@dataclass(frozen=True)
class Coming:
    """One letter to come. ``step_id`` is empty for a letter of another sequence, which then has its name."""

    letter: ForecastLetter
    step_id: int | None
    is_this: bool

    @property
    def elsewhere(self) -> str:
        """The other sequence's name; empty for a letter of this one."""
        return "" if self.step_id else self.letter.sequence_title


@dataclass(frozen=True)
class Beside:
    """``title`` says whose days these are; ``this`` is the letter's own moment, where it comes at all."""

    title: str
    coming: tuple[Coming, ...]

    @property
    def this(self) -> Coming | None:
        """The letter that is being written, among those to come."""
        return next((each for each in self.coming if each.is_this), None)


def beside(step: Step, persona: Persona, now: datetime) -> Beside:
    """The plan of a real reader who is on the way through these letters; for anybody else, as if they joined now."""
    sequence = step.sequence
    if persona.reader_id and _is_on_it(step, persona.reader_id):
        title = f"What {persona.called} gets next"
        letters = forecast_reader(persona.reader_id, now, DAYS)
    else:
        title = f"If {persona.called} joined now"
        letters = forecast(sequence.pk, zone=persona.zone, hour=persona.hour, start=now, days=DAYS)
    ids = dict(sequence.steps.filter(deleted_at=None).values_list("key", "pk"))
    return Beside(
        title,
        tuple(
            Coming(letter, ids.get(letter.step_key), letter.step_key == step.key)
            if letter.sequence_id == sequence.pk
            else Coming(letter, None, is_this=False)
            for letter in sorted(letters, key=lambda letter: letter.utc)
        ),
    )


def _is_on_it(step: Step, reader_id: int) -> bool:
    return step.sequence.enrolments.filter(subscriber=reader_id, state=EnrolmentState.ACTIVE).exists()
