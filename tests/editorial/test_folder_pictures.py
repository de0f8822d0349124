from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from keepshowingup.core.pictures import FOLDER, names_in, read_picture
from keepshowingup.editorial.folders import read_folder, validate
from keepshowingup.editorial.models import KeptPicture, Revision, Sequence
from keepshowingup.editorial.publishing import apply, export, plan
from tests.pictures import jpeg, png

LETTER = """\
+++
day = 0
subject = "A note"
+++

Good morning.

![A bench](images/bench.jpg)

![A kettle](<images/a kettle.png>)
"""
BENCH, KETTLE = read_picture(jpeg(60, 40), ""), read_picture(png(9, 9), "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sequence of one letter that shows two pictures."""
    made = tmp_path / "slow-days"
    (made / "images").mkdir(parents=True)
    (made / "sequence.toml").write_text('title = "Slow days"\n')
    (made / "01-a-note.md").write_text(LETTER)
    (made / "images" / "bench.jpg").write_bytes(jpeg(60, 40, (0xFE, b"taken by Ada")))
    (made / "images" / "a kettle.png").write_bytes(png(9, 9))
    return made


def test_a_folder_with_pictures_is_in_order_and_speaks_of_them_by_content(folder: Path) -> None:
    assert validate(folder) == []
    (step,) = read_folder(folder).steps
    assert names_in(step.body) == (BENCH.name, KETTLE.name)
    assert set(step.pictures) == {BENCH.name, KETTLE.name}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda images: (images / "bench.jpg").unlink(), "There is no images/bench.jpg beside this letter."),
        (lambda images: (images / "bench.jpg").write_bytes(b"<svg/>"), "scripts"),
        (lambda images: (images / "bench.jpg").write_bytes(jpeg()[:40]), "damaged"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_picture_is_said_at_its_line(folder: Path, change: object, said: str) -> None:
    assert callable(change)
    change(folder / "images")
    faults = validate(folder)
    assert any(said in fault.sentence and (fault.file, fault.line) == ("01-a-note.md", 8) for fault in faults)


@pytest.mark.parametrize("address", ["images/../sequence.toml", "images//etc/hostname", "/etc/hostname", "bench.jpg"])
def test_only_files_in_images_are_pictures(folder: Path, address: str) -> None:
    (folder / "01-a-note.md").write_text(LETTER.replace("images/bench.jpg", address))
    assert len(validate(folder)) >= 1


@pytest.mark.django_db
def test_applied_and_exported_it_is_the_same_again(folder: Path, tmp_path: Path, now: dt.datetime) -> None:
    apply(read_folder(folder), author="files", now=now)
    assert set(KeptPicture.objects.values_list("name", flat=True)) == {BENCH.name, KETTLE.name}
    assert Revision.objects.get().html.count("<img ") == 2
    assert plan(read_folder(folder), now).is_empty
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert export("slow-days", folder).written == ()
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    written = export("slow-days", tmp_path / "again").written
    assert {FOLDER + BENCH.name, FOLDER + KETTLE.name} < set(written)
    again = read_folder(tmp_path / "again")
    assert validate(tmp_path / "again") == []
    assert plan(again, now).is_empty
    assert (tmp_path / "again" / "images" / BENCH.name).read_bytes() == BENCH.data


@pytest.mark.django_db
def test_a_picture_painted_over_is_another_letter_and_one_renamed_is_not(folder: Path, now: dt.datetime) -> None:
    apply(read_folder(folder), author="files", now=now)
    (folder / "images" / "bench.jpg").rename(folder / "images" / "seat.jpg")
    (folder / "01-a-note.md").write_text(LETTER.replace("bench.jpg", "seat.jpg"))
    assert plan(read_folder(folder), now).is_empty
    (folder / "images" / "seat.jpg").write_bytes(jpeg(80, 40))
    assert [change.kind for change in plan(read_folder(folder), now).steps] == ["changed"]
    apply(read_folder(folder), author="files", now=now)
    assert Sequence.objects.get().steps.get().revisions.count() == 2
