"""Invented readers, to see a letter as: with a name and without, near and far, mornings and evenings."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from keepshowingup.audience.models import Subscriber


@dataclass(frozen=True)
class Persona:
    """Somebody a letter is shown as."""

    key: str
    label: str
    first_name: str
    zone: str
    hour: dt.time
    country: str
    language: str = "en"
    theme: str = ""

    @property
    def called(self) -> str:
        """What an editor calls them."""
        return self.first_name or "a reader without a name"

    def reader(self) -> Subscriber:
        """A reader that is never saved."""
        return Subscriber(
            first_name=self.first_name,
            email="maya@example.org",
            zone=self.zone,
            hour=self.hour,
            country=self.country,
            language=self.language,
            theme=self.theme,
            state=Subscriber.State.ACTIVE,
        )


PERSONAS: dict[str, Persona] = {
    persona.key: persona
    for persona in (
        Persona("maya", "Maya, Santiago, mornings", "Maya", "America/Santiago", dt.time(8, 30), ""),
        Persona("noor", "Noor, London, evenings", "Noor", "Europe/London", dt.time(19, 0), "GB"),
        Persona("sam", "Sam, Los Angeles, at lunch", "Sam", "America/Los_Angeles", dt.time(12, 0), "US"),
        Persona(
            "lucia",
            "Lucía, New York, reads Spanish, in large print",
            "Lucía",
            "America/New_York",
            dt.time(9, 0),
            "US",
            language="es",
            theme="large",
        ),
        Persona("none", "No name given, Sydney, mornings", "", "Australia/Sydney", dt.time(10, 0), "AU"),
    )
}


def persona_of(key: str) -> Persona:
    """The invented reader of that key, the first one for anything else."""
    return PERSONAS.get(key) or next(iter(PERSONAS.values()))
