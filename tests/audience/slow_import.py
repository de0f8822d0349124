"""An import as one would write it first: the whole file in memory, the csv module, a reader at a time by the models.

What the real one does must be what this does. It understands only files whose quotation marks are closed.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from dataclasses import dataclass, field

from keepshowingup.audience.details import read_country, read_hour, read_language, read_moment
from keepshowingup.audience.joining import tidy_name
from keepshowingup.audience.leaving import is_suppressed
from keepshowingup.audience.models import Consent, Subscriber
from keepshowingup.core.address import check_address
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.timing import load_zone


@dataclass
class Outcome:
    added: int = 0
    updated: int = 0
    refused: list[int] = field(default_factory=list)
    readers: set[str] = field(default_factory=set)


def import_slowly(content: bytes, separator: str, note: str, now: dt.datetime) -> Outcome:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    lines = re.split("\r\n|\r|\n", content.decode(encoding))
    names = [name.strip().lower() for name in next(csv.reader([lines[0]], delimiter=separator))]
    records = csv.reader(io.StringIO("\n".join(lines[1:])), delimiter=separator)
    outcome = Outcome()
    before = 0
    for cells in records:
        number, before = before + 2, records.line_num
        if not lines[number - 1].strip():
            continue
        try:
            if len(cells) != len(names):
                raise WrongUsage("columns")
            _take(dict(zip(names, map(_unmarked, cells), strict=True)), note, now, outcome)
        except WrongUsage:
            outcome.refused.append(number)
    return outcome


def _unmarked(cell: str) -> str:
    return cell[1:] if re.match(r"''*[=+\-@\t\r\n]", cell) else cell


def _take(row: dict[str, str], note: str, now: dt.datetime, outcome: Outcome) -> None:
    checked = check_address(row["email"].strip(" \t"))
    if not checked.ok:
        raise WrongUsage(checked.reason)
    if row.get("state", "").strip() not in ("", "active"):
        raise WrongUsage("state")
    text = {name: row.get(name, "").strip() for name in row}
    given = read_moment(text["consented_at"], now) if text.get("consented_at") else None
    source = tidy_name(text.get("consent_source", ""), "The consent source", 200)
    if not (given and source):
        if not note:
            raise WrongUsage("proof")
        given, source = None, note
    details: dict[str, object] = {}
    if text.get("first_name"):
        details["first_name"] = tidy_name(text["first_name"])
    if text.get("zone"):
        details["zone"] = load_zone(text["zone"]).key
    if text.get("hour"):
        details["hour"] = read_hour(text["hour"])
    if text.get("language"):
        details["language"] = read_language(text["language"])
    if text.get("country"):
        details["country"] = read_country(text["country"])
    reader = Subscriber.objects.filter(email_key=checked.key).first()
    if is_suppressed(checked.key) or (reader and (reader.state == "suppressed" or reader.left_at)):
        raise WrongUsage("not wanted")
    if reader is None:
        reader = Subscriber(email=checked.normalised, email_key=checked.key, created_at=now, state="unconfirmed")
        outcome.added += 1
    else:
        outcome.updated += 1
    for name, value in details.items():
        setattr(reader, name, value)
    if reader.state != "active":
        reader.state, reader.confirmed_at = "active", now
    reader.save()
    outcome.readers.add(checked.key)
    proofs = Consent.objects.filter(subscriber=reader, source=source)
    if not (proofs.filter(given_at=given) if given else proofs).exists():
        Consent.objects.create(subscriber=reader, given_at=given or now, confirmed_at=now, source=source)
