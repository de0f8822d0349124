"""Readers to see a letter as: invented ones, near and far, mornings and evenings; and real ones, for those who may."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass

from keepshowingup.audience.models import Subscriber
from keepshowingup.core.address import check_address
from keepshowingup.core.errors import NotFound
from keepshowingup.web.staff.roles import StaffRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Persona:
    """Somebody a letter is shown as. ``reader_id`` is a real reader's, whose plans are looked at; else empty."""

    key: str
    label: str
    first_name: str
    zone: str
    hour: dt.time
    country: str
    language: str = "en"
    theme: str = ""
    reader_id: int | None = None

    @property
    def called(self) -> str:
        """What an editor calls them."""
        return self.first_name or "a reader without a name"

    def reader(self) -> Subscriber:
        """A reader that is never saved, and whose links lead nowhere, also where somebody real stands behind it."""
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


def persona_of(key: str, request: StaffRequest) -> Persona:
    """The reader of that key: an invented one, or a real one's opaque name for those who may see who reads.

    The first invented one for anything else.
    """
    if known := PERSONAS.get(key):
        return known
    if key and request.desk.may["reader"]:
        reader = Subscriber.objects.filter(opaque=key, state=Subscriber.State.ACTIVE).first()
        if reader is not None:
            return _known(reader)
    return next(iter(PERSONAS.values()))


def find_persona(typed: str, request: StaffRequest) -> Persona:
    """A real reader by exact address or opaque name. Raises :class:`NotFound`, also for those who may not look."""
    typed = typed.strip()
    if request.desk.may["reader"]:
        checked = check_address(typed)
        by = {"email_key": checked.key} if checked.ok else {"opaque": typed}
        reader = Subscriber.objects.filter(**by, state=Subscriber.State.ACTIVE).first()
        if reader is not None:
            log.info("user %s looked at a letter as reader %s", request.user.pk, reader.opaque)
            return _known(reader)
    raise NotFound("Nobody reads at that address.")


def _known(reader: Subscriber) -> Persona:
    place = reader.zone.rpartition("/")[2].replace("_", " ")
    return Persona(
        key=reader.opaque,
        label=f"{reader.first_name or 'No name given'}, {place}, {reader.hour:%H:%M} (reader {reader.opaque[:6]})",
        first_name=reader.first_name,
        zone=reader.zone,
        hour=reader.hour,
        country=reader.country,
        language=reader.language,
        theme=reader.theme,
        reader_id=reader.pk,
    )
