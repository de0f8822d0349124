"""From the database to a folder and back: not a byte and not a value is lost, whatever a sequence says."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import example, given, settings

from keepshowingup.core.care import Care, read_exits
from keepshowingup.core.conditions import read_conditions
from keepshowingup.core.timing import AfterDays, AfterMinutes, OnDate
from keepshowingup.editorial import publishing
from keepshowingup.editorial.folder_writing import write_folder
from keepshowingup.editorial.folders import FolderSequence, FolderStep, read_folder, validate
from keepshowingup.editorial.models import Sequence
from tests.editorial.folder_strategies import folders
from tests.factories import MONDAY, SequenceFactory

pytestmark = pytest.mark.django_db

EVERYTHING = FolderSequence(
    slug="Small_hellos-2",
    title='“Small” \\hellos\\ "ñ" 🌱',
    description="One.\n\n\tTwo \"\"\" and ''' three\\",
    signature="Rúth\u00a0& Ana",
    language="es",
    theme="large",
    audience="family",
    open_ended=True,
    weekdays="135",
    window=(dt.time(20), dt.time(2, 30)),
    quiet=(dt.time(3), dt.time(4, 0, 30)),
    too_late_hours=36,
    care=Care(True, 0, read_exits("tag:through, date:2027-01-31, sequence:news, helped"), "staying"),
    steps=(
        FolderStep("a", 1, AfterDays(0), "¿Qué tal?", "", "Hola.\n\n+++\n\n---\nfin", read_conditions("not date")),
        FolderStep("B", 7, AfterMinutes(90), "+++", "---", "key = 3", read_conditions("tag:two, language:pt-br")),
        FolderStep("c_c", 120, OnDate(dt.date(2027, 1, 2), dt.time(9, 30, 5)), "C", "\\u0041", "    code\n\n\\{"),
    ),
)


@settings(deadline=None, max_examples=8)
@given(folders(letters=2, compiles=True))
@example(EVERYTHING)
def test_a_sequence_goes_out_and_in_and_out_without_a_byte_of_difference(sequence: FolderSequence) -> None:
    with tempfile.TemporaryDirectory() as name, transaction.atomic():
        for slug in {sequence.care.then} - {"", sequence.slug}:
            SequenceFactory.create(slug=slug)
        written, first, second = (Path(name) / each for each in ("written", "first", "second"))
        write_folder(sequence, written)
        assert validate(written) == []
        publishing.apply(read_folder(written), author="files", now=MONDAY)
        kept = publishing.folder_of(Sequence.objects.get(slug=sequence.slug))
        assert kept == sequence
        publishing.export(sequence.slug, first)
        assert publishing.plan(read_folder(first), MONDAY).is_empty
        assert publishing.apply(read_folder(first), author="files", now=MONDAY).is_empty
        publishing.export(sequence.slug, second)
        texts = [{file.name: file.read_bytes() for file in path.iterdir()} for path in (written, first, second)]
        assert texts[0] == texts[1] == texts[2]
        transaction.set_rollback(True)
