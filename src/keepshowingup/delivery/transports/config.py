"""``KSU_TRANSPORTS``: a TOML file of transports and limits, read once; each mistake in it gets a sentence."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from keepshowingup.core.address import check_address
from keepshowingup.core.errors import PartMissing, WrongUsage
from keepshowingup.core.rates import Rate
from keepshowingup.core.turns import Limit
from keepshowingup.core.warmup import FIRST_DAY, GROWTH, Ramp
from keepshowingup.delivery.transports.house import DomainLimit, Transport, Transports
from keepshowingup.delivery.transports.relay import LOOKS_LIKE, Relay, parse_relay
from keepshowingup.delivery.transports.table import Table

DEFAULT = "default"
UNITS = {"per_second": 1, "per_minute": 60, "per_hour": 3600, "per_day": 86_400}
MOST_CONNECTIONS = 200
FASTEST = 100_000  # letters a second; more is a slip of the finger
# Breakers and buckets are kept under these names; a colon would make one look like a domain's.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def read_transports(path: Path, environ: Mapping[str, str]) -> Transports:
    """The transports in a file; secrets that it only names come from ``environ``.

    Raises :class:`WrongUsage` with a sentence for every mistake, :class:`PartMissing` when it can't be read.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} (KSU_TRANSPORTS) is not TOML: {error}.") from error
    except OSError as error:
        raise PartMissing(f"KSU_TRANSPORTS names {path}, which can't be read: {error.strerror}.") from error
    faults: list[str] = []
    house = _house(Table("The file", values, faults), environ)
    if faults:
        raise WrongUsage(f"{path} (KSU_TRANSPORTS): " + "\n".join(faults))
    return house


def _house(file: Table, environ: Mapping[str, str]) -> Transports:
    transports = []
    if isinstance(file.take("transport"), dict):
        file.fault("[transport] has one pair of brackets. Write [[transport]]: there may be several.")
        return Transports(())
    for number, value in enumerate(file.take_list("transport"), 1):
        if isinstance(value, dict):
            name = value.get("name")
            where = f'transport "{name}"' if isinstance(name, str) else f"transport {number}"
            transports.append(_transport(file.part(where, value), environ))
        else:
            file.fault("write each transport as [[transport]].")
    if not transports:
        file.fault("it names no transport. Begin one with [[transport]].")
    for name, times in Counter(transport.name for transport in transports).items():
        if times > 1 and name:
            file.fault(f'{times} transports are called "{name}". Give each a name of its own.')
    limits, same = _domains(file.take_table("domains", "domains"))
    file.refuse_others()
    default = limits.pop(DEFAULT, DomainLimit())
    return Transports(tuple(transports), limits, same, default)


def _transport(table: Table, environ: Mapping[str, str]) -> Transport:
    name = table.take_text("name")
    if not _NAME.fullmatch(name):
        table.fault('give it a name of small letters, digits and -._: name = "main".')
    relay = _relay(table, environ)
    weight = table.take_whole("weight", least=0, most=1000)
    connections = table.take_whole("connections", least=1, most=MOST_CONNECTIONS)
    rate = _rate(table)
    warm_up = table.take_table("warm_up", f"{table.where}, warm_up")
    table.refuse_others()
    limit = Limit(rate, _ramp(warm_up) if warm_up else None)
    return Transport(name, relay, 1 if weight is None else weight, connections, limit)


NOWHERE = Relay("", 0)


def _relay(table: Table, environ: Mapping[str, str]) -> Relay:
    url, variable = table.take_text("url"), table.take_text("url_env")
    if bool(url) == bool(variable):
        table.fault('say where it is, either by url = "smtp://…" or by url_env = "NAME_OF_A_VARIABLE".')
        return NOWHERE
    if variable:
        try:
            url = _secret(variable, environ)
        except OSError as error:
            table.fault(f"{variable}_FILE names {environ[f'{variable}_FILE']}, which can't be read: {error.strerror}.")
            return NOWHERE
    if not url:
        table.fault(f"url_env names {variable}, and neither {variable} nor {variable}_FILE is set.")
        return NOWHERE
    try:
        return parse_relay(url)
    except (WrongUsage, ValueError):
        # Never with what was written there: it holds the password.
        table.fault(f"{variable or 'url'} must look like {LOOKS_LIKE}")
        return NOWHERE


def _secret(variable: str, environ: Mapping[str, str]) -> str:
    """A variable, or the content of the file that ``<variable>_FILE`` names; empty when there is neither."""
    if value := environ.get(variable):
        return value
    named = environ.get(f"{variable}_FILE")
    return Path(named).read_text().strip() if named else ""


def _rate(table: Table) -> Rate | None:
    said = {unit: table.take_number(unit, least=0.001, most=FASTEST * UNITS[unit]) for unit in UNITS}
    burst = table.take_whole("burst", least=1, most=FASTEST)
    rates = {unit: letters for unit, letters in said.items() if letters is not None}
    if len(rates) > 1:
        table.fault(f"it has {' and '.join(rates)}. Keep one of them.")
    if burst is not None and not rates:
        table.fault(f"burst says nothing without a rate. Add one of {', '.join(UNITS)}.")
    return next((Rate(letters, UNITS[unit], burst or 1) for unit, letters in rates.items()), None)


def _ramp(table: Table) -> Ramp | None:
    start = table.take("start")
    if type(start) is not date:
        table.fault("say when it begins: start = 2026-12-01, a day in UTC.")
        start = date.max
    first_day = table.take_whole("first_day", least=1, most=10_000_000)
    growth = table.take_number("growth", least=1, most=10)
    ceiling = table.take_whole("ceiling", least=1, most=1_000_000_000)
    days = table.take_list("days")
    if not all(type(day) is int and day > 0 for day in days):
        table.fault("days lists whole numbers, one for each day: days = [50, 100, 200].")
        days = []
    if days and (first_day is not None or growth is not None):
        table.fault("write either days, or first_day and growth.")
    table.refuse_others()
    known = tuple(day for day in days if isinstance(day, int))
    return Ramp(start, first_day or FIRST_DAY, growth or GROWTH, known, ceiling)


def _domains(table: Table | None) -> tuple[dict[str, DomainLimit], dict[str, str]]:
    limits: dict[str, DomainLimit] = {}
    same: dict[str, str] = {}
    if table is None:
        return limits, same
    for name, domain in table.parts("domain"):
        known = name if name == DEFAULT else _domain(domain, name)
        if known in limits:
            domain.fault(f"{known} has a table already. Keep one.")
        limits[known] = DomainLimit(_rate(domain), domain.take_whole("connections", least=1, most=MOST_CONNECTIONS))
        for other in domain.take_list("also") if name != DEFAULT else []:
            as_kept = _domain(domain, str(other))
            if same.setdefault(as_kept, known) != known:
                domain.fault(f"{as_kept} counts as {same[as_kept]} already.")
        domain.refuse_others()
    for other in sorted(same.keys() & limits.keys()):
        table.fault(f"{other} has a table of its own and counts as {same[other]} too. Remove one.")
    return limits, same


def _domain(table: Table, name: str) -> str:
    """A domain as readers' addresses have it: small letters, A-labels."""
    checked = check_address(f"x@{name}")
    if not checked.ok:
        table.fault(f'{name} is no domain. Write it in quotes, like [domains."gmail.com"].')
    return checked.normalised.rpartition("@")[2]
