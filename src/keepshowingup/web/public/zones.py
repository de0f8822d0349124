"""Time zones as people know them: by country and place, with a guess from the browser's language.

The names come from the package ``tzdata`` (zone.tab and iso3166.tab, public domain), never from the machine.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass, replace
from importlib import resources

from babel import Locale
from babel.dates import get_timezone_location
from django.utils.translation import gettext_lazy

from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.timing import load_zone
from keepshowingup.web.public.tongues import FALLBACK, spoken

CONTINENTS = {
    "Africa": gettext_lazy("Africa"),
    "America": gettext_lazy("Americas"),
    "Antarctica": gettext_lazy("Antarctica"),
    "Arctic": gettext_lazy("Arctic"),
    "Asia": gettext_lazy("Asia"),
    "Atlantic": gettext_lazy("Atlantic islands"),
    "Australia": gettext_lazy("Australia"),
    "Europe": gettext_lazy("Europe"),
    "Indian": gettext_lazy("Indian Ocean islands"),
    "Pacific": gettext_lazy("Pacific islands and New Zealand"),
}

# Where most people of a country with several zones live; a guess that is always shown, to be changed.
MAIN_ZONES = {
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "GL": "America/Nuuk",
    "ID": "Asia/Jakarta",
    "KZ": "Asia/Almaty",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
    "VN": "Asia/Ho_Chi_Minh",
}

_REGION = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?-([A-Za-z]{2})(?![A-Za-z0-9])")


@dataclass(frozen=True)
class Zone:
    """One line of the list: ``name`` is IANA's, ``label`` is country and place."""

    name: str
    label: str
    country: str  # ISO 3166, two letters


def zone_groups() -> tuple[tuple[str, tuple[Zone, ...]], ...]:
    """Every zone by part of the world, each sorted by country, in the page's language."""
    return _zone_groups(spoken())


@functools.cache
def _zone_groups(language: str) -> tuple[tuple[str, tuple[Zone, ...]], ...]:
    groups: dict[str, list[Zone]] = {part: [] for part in CONTINENTS}
    for zone in _all_zones().values():
        label = zone.label if language == FALLBACK else _label(zone, language)
        groups[zone.name.partition("/")[0]].append(replace(zone, label=label))
    return tuple(
        (str(CONTINENTS[part]), tuple(sorted(zones, key=lambda zone: _for_sorting(zone.label))))
        for part, zones in groups.items()
    )


def _label(zone: Zone, language: str) -> str:
    country = Locale.parse(language).territories.get(zone.country)
    return f"{country}, {_place(zone.name, language)}" if country else zone.label


def _for_sorting(label: str) -> str:
    """Accents do not count in the order of an alphabet."""
    return unicodedata.normalize("NFD", label).encode("ascii", "ignore").decode()


def guess_zone(accept_language: str) -> str:
    """The zone most people who read this language in this country live in; empty when there is no telling."""
    for preference in accept_language[:200].split(","):
        if match := _REGION.match(preference.strip()):
            return _zone_of_country(match[1].upper())
    return ""


def country_of(zone: str) -> str:
    """The country a zone belongs to (ISO 3166), for the help lines in letters; empty for UTC and the like."""
    known = _all_zones().get(zone)
    return known.country if known else ""


def place_of(zone: str) -> str:
    """The place in a zone's name as people write it: ``America/Argentina/Buenos_Aires`` is Buenos Aires.

    In another language than English it is that language's name, as Unicode's CLDR has it: Londres.
    """
    return _place(zone, spoken())


@functools.lru_cache(maxsize=2048)
def _place(zone: str, language: str) -> str:
    if language == FALLBACK or zone not in _all_zones():
        return _written_place(zone)
    return str(get_timezone_location(zone, locale=language, return_city=True)) or _written_place(zone)


def _written_place(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def is_zone(name: str) -> bool:
    """Whether IANA knows this zone, also by an old name."""
    try:
        load_zone(name)
    except WrongUsage:
        return False
    return True


@functools.cache
def _all_zones() -> dict[str, Zone]:
    names = dict(_rows("iso3166.tab"))
    listed = [(row[2], row[0]) for row in _rows("zone.tab")]
    return {zone: Zone(zone, f"{names[country]}, {_written_place(zone)}", country) for zone, country in listed}


@functools.cache
def _zone_of_country(country: str) -> str:
    here = [zone.name for zone in _all_zones().values() if zone.country == country]
    return MAIN_ZONES.get(country) or (here[0] if len(here) == 1 else "")


def _rows(table: str) -> list[list[str]]:
    text = resources.files("tzdata").joinpath("zoneinfo", table).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
