"""Writing a sequence as a folder: the least that says all of it, and nothing touched that says it already."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from keepshowingup.core.care import Care
from keepshowingup.core.errors import Refused
from keepshowingup.editorial.fields import Fault, toml_text
from keepshowingup.editorial.folder_fields import DAY_NAMES
from keepshowingup.editorial.folder_pictures import picture_files
from keepshowingup.editorial.folder_timings import timing_rows
from keepshowingup.editorial.folders import (
    EVERY_DAY,
    QUIET,
    SEQUENCE_FILE,
    STEP_FILE,
    WINDOW,
    FolderFaulty,
    FolderSequence,
    FolderStep,
    read_sequence_file,
    read_step_file,
)
from keepshowingup.editorial.timings import say_time


@dataclass(frozen=True)
class Written:
    """Names of the files that were written, removed, and left alone because they said the same already."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def write_folder(sequence: FolderSequence, path: Path, *, deleted_keys: Collection[str] = ()) -> Written:
    """Make the folder say the sequence. Files that mean the same already stay as they are, comments and all.

    Only files of letters named in ``deleted_keys`` are removed. Raises :class:`Refused` before anything is written
    when the folder belongs to another sequence, has a letter nobody knows of, or a file that can't be read.
    """
    path.mkdir(parents=True, exist_ok=True)
    there = _steps_there(path)
    _refuse_another(sequence, path)
    wanted = {step.key: step for step in sequence.steps}
    if strangers := [name for key, (name, _) in there.items() if key not in wanted and key not in deleted_keys]:
        raise Refused(
            f"{path / strangers[0]} has a letter that {sequence.slug} has not. "
            "Apply the folder first, or export to an empty one."
        )
    texts: dict[str, str] = {}
    pictures: dict[str, bytes] = {}
    kept: list[str] = []
    if read_sequence_file(path)[0] == replace(sequence, steps=()):
        kept.append(SEQUENCE_FILE)
    else:
        texts[SEQUENCE_FILE] = sequence_text(sequence)
    width = max([2, *(len(str(step.number)) for step in sequence.steps)])
    for step in sequence.steps:
        name, old = there.get(step.key, ("", None))
        if old == step:
            kept.append(name)
        else:
            texts[f"{step.number:0{width}d}-{step.key}.md"] = step_text(step)
            pictures |= picture_files(step.pictures)
    removed = sorted({name for name, _ in there.values()} - set(texts) - set(kept))
    # First what letters show, then the letters: whoever looks in between finds nothing missing.
    for name, data in pictures.items():
        _write(path / name, data)
    for name, text in texts.items():
        _write(path / name, text.encode())
    for name in removed:
        (path / name).unlink()
    return Written((*texts, *pictures), tuple(removed), tuple(kept))


def sequence_text(sequence: FolderSequence) -> str:
    """The text of ``sequence.toml``; what is as it would be anyway is left out."""
    rows = [f"title = {toml_text(sequence.title)}", f"slug = {toml_text(sequence.slug)}"]
    for name, value, usual in (
        ("description", sequence.description, ""),
        ("signature", sequence.signature, ""),
        ("language", sequence.language, "en"),
        ("theme", sequence.theme, ""),
        ("audience", sequence.audience, "self"),
    ):
        if value != usual:
            rows.append(f"{name} = {toml_text(value)}")
    if sequence.open_ended:
        rows.append("open_ended = true")
    if sequence.milestones:
        rows.append("milestones = true")
    if sequence.weekdays != EVERY_DAY:
        rows.append(f"weekdays = [{', '.join(toml_text(DAY_NAMES[int(digit) - 1]) for digit in sequence.weekdays)}]")
    for name, span, usual_span in (("window", sequence.window, WINDOW), ("quiet", sequence.quiet, QUIET)):
        if span != usual_span:
            rows.append(f'{name} = "{say_time(span[0])}-{say_time(span[1])}"')
    if sequence.too_late_hours is not None:
        rows.append(f"too_late_hours = {sequence.too_late_hours}")
    return "\n".join([*rows, *_care_rows(sequence.care)]) + "\n"


def _care_rows(care: Care) -> Iterator[str]:
    if care.urgent:
        yield "urgent = true"
    if care.again_after_days is not None:
        yield f"again_after_days = {care.again_after_days}"
    if care.ends_when:
        yield f"ends_when = {_list(care.ends_when)}"
    if care.then:
        yield f"then = {toml_text(care.then)}"


def _list(values: Iterable[object]) -> str:
    return f"[{', '.join(toml_text(str(value)) for value in values)}]"


def step_text(step: FolderStep) -> str:
    """The text of one letter's file, for a file named after the step's key."""
    rows = ["+++", *timing_rows(step.timing)]
    if step.only_if:
        rows.append(f"only_if = {_list(step.only_if)}")
    rows.append(f"subject = {toml_text(step.subject)}")
    if step.preheader:
        rows.append(f"preheader = {toml_text(step.preheader)}")
    return "\n".join([*rows, "+++", "", step.body]) + "\n"


def _steps_there(path: Path) -> dict[str, tuple[str, FolderStep]]:
    """The letters the folder has, by key. Raises :class:`FolderFaulty` for a file that can't be read."""
    there: dict[str, tuple[str, FolderStep]] = {}
    faults: list[Fault] = []
    for file in sorted(path.glob("*.md")):
        if STEP_FILE.match(file.name):
            step, found = read_step_file(file)
            faults += found
            if step is not None:
                there[step.key] = (file.name, step)
    if faults:
        raise FolderFaulty(sorted(faults))
    return there


def _refuse_another(sequence: FolderSequence, path: Path) -> None:
    if not (path / SEQUENCE_FILE).exists():
        return
    other, faults = read_sequence_file(path)
    if faults:
        raise FolderFaulty(sorted(faults))
    if other.slug != sequence.slug:
        raise Refused(f"{path} holds the sequence {other.slug}, not {sequence.slug}. Export to another folder.")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    os.replace(draft, path)
