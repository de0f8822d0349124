"""A sequence as a folder of Markdown: read, checked and written, without a database.

``sequence.toml`` says what holds for the whole sequence, each ``NN-slug.md`` is one letter: front matter, then
Markdown. ``docs/sequences-as-code.md`` tells it to people.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from keepshowingup.core.care import Care, loop_from, read_exit
from keepshowingup.core.conditions import Condition, read_condition
from keepshowingup.core.errors import Refused, WrongUsage
from keepshowingup.core.pictures import Picture
from keepshowingup.core.timing import AfterDays, Timing
from keepshowingup.editorial.fields import Fault, Fields, read_plain, read_toml
from keepshowingup.editorial.folder_fields import DAY_NAMES, SEQUENCE_FIELDS, STEP_FIELDS, names
from keepshowingup.editorial.folder_pictures import kept_names
from keepshowingup.editorial.folder_timings import WHEN, read_timing
from keepshowingup.editorial.kinds import kind_of
from keepshowingup.editorial.timings import check_hours, fault_in_kind, fault_in_lateness, fault_in_milestones
from keepshowingup.editorial.wording import (
    BODY_LENGTH,
    DESCRIPTION_LENGTH,
    SIGNATURE_LENGTH,
    SUBJECT_LENGTH,
    TITLE_LENGTH,
    fault_in_audience,
    fault_in_conditions,
    fault_in_exits,
    fault_in_key,
    fault_in_language,
    fault_in_text,
    fault_in_theme,
    tidy_text,
)
from keepshowingup.letters.compile import LetterError, compile_letter

SEQUENCE_FILE = "sequence.toml"
FILE_OCTETS = 1_000_000
MOST_FAULTS = 20
STAND_IN = "words"
WINDOW = (dt.time(8, 0), dt.time(21, 0))
QUIET = (dt.time(21, 0), dt.time(8, 0))
EVERY_DAY = "1234567"
USUAL_CARE = Care()

STEP_FILE = re.compile(r"(\d{1,5})-(.+)\.md\Z")


@dataclass(frozen=True)
class FolderStep:
    """One letter of a folder. ``number`` is the one its file name begins with; ``places`` are lines of its ``rows``."""

    key: str
    number: int
    timing: Timing
    subject: str
    preheader: str
    body: str
    only_if: tuple[Condition, ...] = ()
    file: str = field(default="", compare=False)
    places: Mapping[str, int] = field(default_factory=dict, compare=False)
    rows: Sequence[str] = field(default=(), compare=False, repr=False)
    pictures: Mapping[str, Picture] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class FolderSequence:
    """A sequence as its folder says it. Times are local to each reader; ``weekdays`` are ISO digits, 1 is Monday."""

    slug: str
    title: str
    description: str = ""
    signature: str = ""
    language: str = "en"
    theme: str = ""
    audience: str = "self"
    open_ended: bool = False
    milestones: bool = False
    weekdays: str = EVERY_DAY
    window: tuple[dt.time, dt.time] = WINDOW
    quiet: tuple[dt.time, dt.time] = QUIET
    too_late_hours: int | None = None
    care: Care = USUAL_CARE
    steps: tuple[FolderStep, ...] = ()


class FolderFaulty(Refused):
    """A folder that can't be used; ``faults`` has every reason, the message one a line."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def read_folder(path: Path) -> FolderSequence:
    """Read a folder. Raises :class:`FolderFaulty` with everything that is wrong in it, except how letters compile."""
    sequence, faults = _read(path)
    if faults:
        raise FolderFaulty(sorted(faults))
    return sequence


def validate(path: Path) -> list[Fault]:
    """Everything that is wrong in a folder, by file and line; empty when it can be applied. Compiles every letter.

    The folders beside it are asked whether readers would go round without end.
    """
    sequence, faults = _read(path)
    if sequence.care.then and (way := _round_from(sequence, path)):
        faults.append(Fault(SEQUENCE_FILE, 1, f"Readers would go round without end: {', then '.join(way)}."))
    language = sequence.language if fault_in_language(sequence.language) is None else "en"
    for step in sequence.steps:
        faults += check_letter(step, language, kind_of(sequence))
    return sorted(set(faults))


def _round_from(sequence: FolderSequence, path: Path) -> tuple[str, ...]:
    beside = [read_sequence_file(file.parent)[0] for file in sorted(path.resolve().parent.glob(f"*/{SEQUENCE_FILE}"))]
    then = {other.slug: other.care.then for other in beside} | {sequence.slug: sequence.care.then}
    return () if sequence.care.then == sequence.slug else loop_from(sequence.slug, then)


def check_letter(step: FolderStep, language: str, kind: str = "step") -> list[Fault]:
    """Why the step's letter of this kind can't be made; empty when it can."""
    faults = []
    subject, preheader, body = step.subject or STAND_IN, step.preheader, step.body or STAND_IN
    pictures = {name: picture.measures for name, picture in step.pictures.items()}
    # The compiler stops at the first fault; mended with a stand-in it goes on to the next.
    for _ in range(MOST_FAULTS):
        try:
            compile_letter(kind, subject=subject, preheader=preheader, body=body, language=language, pictures=pictures)
        except LetterError as error:
            faults.append(letter_fault(step, error))
            if error.part == "subject":
                subject = STAND_IN
            elif error.part == "preheader":
                preheader = ""
            elif error.part == "body" and error.line:
                rows = body.split("\n")
                rows[error.line - 1] = STAND_IN
                body = "\n".join(rows)
            else:
                break
        else:
            break
    return list(dict.fromkeys(faults))


def letter_fault(step: FolderStep, error: LetterError) -> Fault:
    """A letter's error, at its line in the step's file."""
    if error.part not in {"subject", "preheader", "body"}:
        return Fault(step.file, 1, error.message)
    line = step.places.get(error.part, 1)
    if error.part == "body" and error.line:
        line += error.line - 1
    row = step.rows[line - 1] if 0 < line <= len(step.rows) else ""
    found = row.find(error.near) if error.near else -1
    return Fault(step.file, line, error.sentence, max(found, len(row) - len(row.lstrip()), 0) + 1)


def _read(path: Path) -> tuple[FolderSequence, list[Fault]]:
    """What could be read, and what was wrong. The sequence is only to be used when nothing was."""
    if not path.is_dir():
        return FolderSequence(slug="", title=""), [Fault(str(path), 1, "There is no folder by this name.")]
    sequence, faults = read_sequence_file(path)
    steps = _steps(path, faults)
    if not steps and not faults and not sequence.open_ended:
        faults.append(Fault(SEQUENCE_FILE, 1, "There is no letter here yet: add a file named like 01-welcome.md."))
    for step in steps:
        if fault := fault_in_kind(step.timing, milestones=sequence.milestones):
            faults.append(Fault(step.file, step.places.get("timing", 1), fault))
    return replace(sequence, steps=tuple(sorted(steps, key=lambda step: (step.number, step.file)))), faults


def read_sequence_file(path: Path) -> tuple[FolderSequence, list[Fault]]:
    """What the folder's ``sequence.toml`` says, without letters, and what is wrong in it."""
    faults: list[Fault] = []
    text = _text(path / SEQUENCE_FILE, faults)
    fields = read_toml(text, SEQUENCE_FILE) if text is not None else Fields(SEQUENCE_FILE, {}, faults=faults)
    if fields.faults:
        return FolderSequence(slug="", title=""), fields.faults
    return _sequence(fields, path.resolve().name), fields.faults


def _sequence(fields: Fields, folder_name: str) -> FolderSequence:
    fields.refuse_unknown(names(SEQUENCE_FIELDS))
    default_slug = re.sub(r"[^a-z0-9]+", "-", folder_name.lower()).strip("-")
    sequence = FolderSequence(
        title=fields.take_line("title", TITLE_LENGTH, needed=True),
        slug=fields.take_checked("slug", default_slug, lambda slug: fault_in_key("slug", slug)),
        description=fields.take_text("description", DESCRIPTION_LENGTH),
        signature=fields.take_line("signature", SIGNATURE_LENGTH),
        language=fields.take_checked("language", "en", fault_in_language),
        theme=fields.take_checked("theme", "", fault_in_theme),
        audience=fields.take_checked("audience", "self", fault_in_audience),
        open_ended=fields.take_switch("open_ended"),
        milestones=fields.take_switch("milestones"),
        weekdays=_weekdays(fields),
        window=fields.take_span("window", WINDOW),
        quiet=fields.take_span("quiet", QUIET),
        too_late_hours=fields.take_whole("too_late_hours"),
        care=Care(
            urgent=fields.take_switch("urgent"),
            again_after_days=fields.take_whole("again_after_days"),
            ends_when=fields.take_each("ends_when", read_exit),
            then=fields.take_checked("then", "", lambda then: fault_in_key("then", then) if then else None),
        ),
    )
    fields.fault("then", sequence.care.fault(sequence.slug, milestones=sequence.milestones))
    if sequence.milestones:
        fault = fault_in_milestones(
            open_ended=sequence.open_ended, audience=sequence.audience, weekdays=sequence.weekdays
        )
        fields.fault("milestones", fault)
    fields.fault("ends_when", fault_in_exits(sequence.care.ends_when))
    fields.fault("too_late_hours", fault_in_lateness(sequence.too_late_hours))
    try:
        check_hours(sequence.weekdays, sequence.window, sequence.quiet)
    except WrongUsage as wrong:
        fields.fault("window", wrong.message)
    return sequence


def _weekdays(fields: Fields) -> str:
    value = fields.values.get("weekdays", list(DAY_NAMES))
    names = [str(day).lower()[:3] for day in value] if isinstance(value, list) else []
    if not names or any(name not in DAY_NAMES for name in names):
        fields.fault("weekdays", 'The weekdays are not a list of days: write them like weekdays = ["mon", "wed"].')
        return EVERY_DAY
    return "".join(str(number) for number, name in enumerate(DAY_NAMES, 1) if name in names)


def _steps(path: Path, faults: list[Fault]) -> list[FolderStep]:
    steps: list[FolderStep] = []
    keys: dict[str, str] = {}
    numbers: dict[int, str] = {}
    for file in sorted(path.glob("*.md")):
        name = STEP_FILE.match(file.name)
        if file.name.startswith(".") or file.name.lower() == "readme.md":
            continue
        if name is None:
            sentence = "A letter's file begins with its number and a hyphen, such as 01-welcome.md: rename this one."
            faults.append(Fault(file.name, 1, sentence))
            continue
        step, found = read_step_file(file)
        faults += found
        if step is None:
            continue
        if (other := keys.setdefault(step.key, file.name)) != file.name:
            faults.append(Fault(file.name, 1, f"The key '{step.key}' is also that of {other}: give each its own."))
        if (other := numbers.setdefault(step.number, file.name)) != file.name:
            sentence = f"The number {step.number} is also that of {other}: number them in the order they are sent."
            faults.append(Fault(file.name, 1, sentence))
        steps.append(step)
    return steps


def read_step_file(path: Path) -> tuple[FolderStep | None, list[Fault]]:
    """One letter from its file, and what is wrong in it."""
    faults: list[Fault] = []
    text = _text(path, faults)
    if text is None:
        return None, faults
    step, faults = read_step(text, path.name)
    if step is None:
        return None, faults
    body, pictures, found = kept_names(step.body, path.parent, path.name, step.places["body"])
    return replace(step, body=body, pictures=pictures), faults + found


def read_step(text: str, file: str) -> tuple[FolderStep | None, list[Fault]]:
    """One letter's file, named like ``NN-slug.md``, and what is wrong in it; None when it has no front matter."""
    name = STEP_FILE.match(file)
    rows = text.split("\n")
    fence = rows[0].rstrip()
    if name is None or fence not in {"+++", "---"}:
        return None, [Fault(file, 1, "The file does not begin with a line +++, its fields, and another line +++.")]
    end = next((number for number, row in enumerate(rows[1:], 1) if row.rstrip() == fence), None)
    if end is None:
        return None, [Fault(file, 1, f"The fields that begin here have no end: write a line {fence} before the text.")]
    read = read_toml if fence == "+++" else read_plain
    fields = read("\n".join(rows[1:end]), file, first_line=2)
    if fields.faults:
        return None, fields.faults
    body = tidy_text("\n".join(rows[end + 1 :]))
    blank = next((n for n, row in enumerate(rows[end + 1 :]) if row.strip(" \t")), 0)
    fields.refuse_unknown(names(STEP_FIELDS))
    timing = read_timing(fields)
    body_line = end + 2 + blank
    if fault := fault_in_text("letter's text", body, BODY_LENGTH, needed=True):
        fields.faults.append(Fault(file, body_line, fault))
    step = FolderStep(
        key=fields.take_checked("key", name[2], lambda key: fault_in_key("key", key)),
        number=int(name[1]),
        timing=timing or AfterDays(0),
        subject=fields.take_line("subject", SUBJECT_LENGTH, needed=True),
        preheader=fields.take_line("preheader", SUBJECT_LENGTH),
        body=body,
        only_if=fields.take_each("only_if", read_condition),
        file=file,
        places={
            "subject": fields.line_of("subject"),
            "preheader": fields.line_of("preheader"),
            "body": body_line,
            "timing": next((fields.line_of(name) for name in WHEN if name in fields.values), 1),
        },
        rows=rows,
    )
    fields.fault("only_if", fault_in_conditions(step.only_if))
    return step, fields.faults


def _text(file: Path, faults: list[Fault]) -> str | None:
    """A file's text with line feeds only, or None and a fault."""
    try:
        if file.stat().st_size > FILE_OCTETS:
            faults.append(Fault(file.name, 1, f"The file is larger than {FILE_OCTETS // 1_000_000} MB; no letter is."))
            return None
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        faults.append(Fault(file.name, 1, f'The file is missing: write one with at least title = "…" in {file.name}.'))
    except OSError as error:
        faults.append(Fault(file.name, 1, f"The file can't be read: {error.strerror}."))
    except UnicodeDecodeError as error:
        before = file.read_bytes()[: error.start].decode(errors="replace")
        place = before.count("\n") + 1, len(before) - before.rfind("\n")
        sentence = "This is not UTF-8 text: save the file as UTF-8."
        faults.append(Fault(file.name, place[0], sentence, place[1]))
    return None
