"""Folders are read with every fault, and what is written reads back equal."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from keepshowingup.core.errors import Refused
from keepshowingup.core.timing import AfterDays, OnDate
from keepshowingup.editorial.folder_writing import write_folder
from keepshowingup.editorial.folders import FolderFaulty, FolderSequence, FolderStep, read_folder, validate
from tests.editorial.folder_strategies import folders

EXAMPLE = Path(__file__).parents[2] / "examples" / "sequences" / "finding-your-people"
LETTER = '+++\nday = 0\nsubject = "One small hello"\n+++\n\nHello you,\n\nsomebody stayed.\n'


def make_folder(path: Path, **letters: str) -> Path:
    """A folder with a sequence.toml and letters; ``_01_hello`` stands for ``01-hello.md``."""
    (path / "sequence.toml").write_text('title = "Small hellos"\nslug = "small-hellos"\n')
    for name, text in letters.items():
        (path / f"{name.lstrip('_').replace('_', '-')}.md").write_text(text)
    return path


def faults(path: Path) -> list[str]:
    return [str(fault) for fault in validate(path)]


def test_the_shipped_example_is_in_order() -> None:
    assert validate(EXAMPLE) == []
    assert [step.timing for step in read_folder(EXAMPLE).steps] == [AfterDays(day) for day in (0, 2, 7, 14, 21)]


def test_a_letter_is_read_with_all_its_fields(tmp_path: Path) -> None:
    text = LETTER.replace("day = 0", 'key = "first"\nday = 3\nat = "9:30"\npreheader = "Just this"')
    (step,) = read_folder(make_folder(tmp_path, _01_hello=text)).steps
    assert step == FolderStep(
        key="first",
        number=1,
        timing=AfterDays(3, dt.time(9, 30)),
        subject="One small hello",
        preheader="Just this",
        body="Hello you,\n\nsomebody stayed.",
    )


def test_plain_lines_between_dashes_are_read_too(tmp_path: Path) -> None:
    text = "---\n# a newsletter\nkey: first\ndate: 2026-12-01\nsubject: 'It is: here'\n---\nHello.\n"
    (step,) = read_folder(make_folder(tmp_path, _01_hello=text)).steps
    assert (step.key, step.timing, step.subject) == ("first", OnDate(dt.date(2026, 12, 1)), "It is: here")


def test_a_file_made_on_windows_reads_like_any_other(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "01-hello.md").write_bytes(b"\xef\xbb\xbf" + LETTER.replace("\n", "\r\n").encode())
    assert read_folder(tmp_path).steps[0].body == "Hello you,\n\nsomebody stayed."


def test_every_fault_is_found_with_its_file_and_line(tmp_path: Path) -> None:
    make_folder(
        tmp_path,
        _01_hello=LETTER,
        _02_again=LETTER.replace("day = 0", 'key = "01-hello"\ndays = 2'),
        _03_more=LETTER.replace("day = 0", 'day = 1\nkey = "hello"').replace("Hello you", "Hello {{ frist_name }}"),
        _04_none="no fields at all\n",
        notes="not a letter\n",
    )
    (tmp_path / "05-latin.md").write_bytes(LETTER.replace("stayed", "stayéd").encode("latin-1"))
    (tmp_path / "sequence.toml").write_text('title = "Small"\nsignatur = "Ruth"\nlanguage = "english!"\n')
    said = faults(tmp_path)
    assert [line.split(": ")[0] for line in said] == [
        "02-again.md:1:1",
        "02-again.md:3:1",
        "03-more.md:1:1",
        "03-more.md:7:7",
        "04-none.md:1:1",
        "05-latin.md:8:14",
        "notes.md:1:1",
        "sequence.toml:2:1",
        "sequence.toml:3:1",
    ]
    assert "Nothing says when it is sent" in said[0]
    assert "Did you mean 'day'?" in said[1]
    assert "The key 'hello' is also that of 01-hello.md" in said[2]
    assert "Did you mean 'first_name'?" in said[3]
    assert "UTF-8" in said[5]
    assert "Did you mean 'signature'?" in said[7]


def test_all_faults_of_one_letter_are_found_at_once(tmp_path: Path) -> None:
    text = '+++\nday = 0\nsubject = "Dear {{ nmae }}"\npreheader = "{% if x %}"\n+++\n{{ oen }}\n\n{{ first_name }}\n'
    said = faults(make_folder(tmp_path, _01_hello=text))
    assert [line.split(": ")[0] for line in said] == [
        "01-hello.md:3:17",
        "01-hello.md:4:14",
        "01-hello.md:6:1",
        "01-hello.md:8:1",
    ]


def test_a_folder_without_its_sequence_file_says_which_is_missing(tmp_path: Path) -> None:
    (tmp_path / "01-hello.md").write_text(LETTER)
    assert faults(tmp_path)[0].startswith("sequence.toml:1:1: The file is missing")


def test_a_file_that_is_not_toml_has_one_fault_on_its_line(tmp_path: Path) -> None:
    make_folder(tmp_path, _01_hello=LETTER.replace("day = 0", "day = 0\nat = 9 o'clock"))
    (tmp_path / "sequence.toml").write_text('title = "Small"\nslug = small\n')
    said = faults(tmp_path)
    assert [line.split(": ")[0] for line in said] == ["01-hello.md:3:8", "sequence.toml:2:8"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("day = 1\nminutes = 5", "Both day and minutes say when it is sent"),
        ("day = -1", "not a whole number"),
        ("day = 99999", "The day 99999 is not between 0 and 3660."),
        ("day = true", "not a whole number"),
        ('minutes = 5\nat = "09:00"', "has no time of day"),
        ('day = 1\nat = "25:00"', "not a time of day"),
        ('date = "2026-02-30"', "not a date"),
        ("date = 2026-12-01T09:00:00", "not a date"),
    ],
)
def test_a_timing_that_is_none_is_said_in_a_sentence(tmp_path: Path, fields: str, said: str) -> None:
    (fault,) = faults(make_folder(tmp_path, _01_hello=LETTER.replace("day = 0", fields)))
    assert said in fault


@pytest.mark.parametrize("hidden", ["\\r", "\\n", "\\u0000", "\\u202E"])
def test_a_subject_can_hide_nothing(tmp_path: Path, hidden: str) -> None:
    said = faults(make_folder(tmp_path, _01_hello=LETTER.replace("small", f"sm{hidden}all")))
    assert any("can't stand in one line" in line for line in said)


def test_two_letters_with_one_number_have_no_order(tmp_path: Path) -> None:
    (fault,) = faults(make_folder(tmp_path, _01_a=LETTER, _01_b=LETTER))
    assert fault == "01-b.md:1:1: The number 1 is also that of 01-a.md: number them in the order they are sent."


def test_two_letters_on_one_day_are_in_order(tmp_path: Path) -> None:
    assert faults(make_folder(tmp_path, _01_a=LETTER, _02_b=LETTER)) == []


def test_hours_that_leave_no_moment_are_a_fault(tmp_path: Path) -> None:
    make_folder(tmp_path, _01_a=LETTER)
    (tmp_path / "sequence.toml").write_text('title = "Small"\nwindow = "22:00-23:00"\nquiet = "21:00-08:00"\n')
    (fault,) = faults(tmp_path)
    assert fault.startswith("sequence.toml:2:1: Quiet hours cover the whole window.")


def test_a_drip_without_letters_is_a_slip_and_a_newsletter_is_waiting(tmp_path: Path) -> None:
    make_folder(tmp_path)
    assert "There is no letter here yet" in faults(tmp_path)[0]
    (tmp_path / "sequence.toml").write_text('title = "News"\nopen_ended = true\n')
    assert faults(tmp_path) == []


def test_reading_a_faulty_folder_is_refused_with_all_of_it(tmp_path: Path) -> None:
    make_folder(tmp_path, _01_a="nothing", _02_b="nothing")
    with pytest.raises(FolderFaulty) as caught:
        read_folder(tmp_path)
    assert len(caught.value.faults) == len(caught.value.message.splitlines()) == 2


def test_a_readme_is_no_letter(tmp_path: Path) -> None:
    assert faults(make_folder(tmp_path, _01_a=LETTER, README="About this folder")) == []


# --- writing --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(folders())
def test_whatever_is_written_reads_back_equal(sequence: FolderSequence) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_folder(sequence, Path(folder))
        assert read_folder(Path(folder)) == sequence
        again = write_folder(sequence, Path(folder))
        assert (again.written, again.removed) == ((), ())


def hello(**others: object) -> FolderSequence:
    step = FolderStep("hello", 1, AfterDays(0), "One small hello", "", "Hello you.")
    return FolderSequence(slug="small-hellos", title="Small hellos", steps=(step,), **others)  # type: ignore[arg-type]


def test_the_least_is_written_that_says_all(tmp_path: Path) -> None:
    write_folder(hello(), tmp_path)
    assert (tmp_path / "sequence.toml").read_text() == 'title = "Small hellos"\nslug = "small-hellos"\n'
    text = '+++\nday = 0\nsubject = "One small hello"\n+++\n\nHello you.\n'
    assert (tmp_path / "01-hello.md").read_text() == text


def test_files_that_say_the_same_keep_their_comments(tmp_path: Path) -> None:
    (tmp_path / "sequence.toml").write_text('# ours\nslug = "small-hellos"\ntitle = "Small hellos"\n')
    (tmp_path / "1-hi.md").write_text("---\nkey: hello\nday: 0\nsubject: One small hello\n---\nHello you.\n")
    done = write_folder(hello(), tmp_path)
    assert (done.written, done.removed, done.kept) == ((), (), ("sequence.toml", "1-hi.md"))


def test_a_letter_under_another_number_changes_its_file_and_leaves_none_behind(tmp_path: Path) -> None:
    write_folder(hello(), tmp_path)
    (tmp_path / "01-hello.md").rename(tmp_path / "07-hello.md")
    done = write_folder(hello(), tmp_path)
    assert (done.written, done.removed) == (("01-hello.md",), ("07-hello.md",))


def test_a_letter_nobody_knows_of_is_never_overwritten_or_removed(tmp_path: Path) -> None:
    write_folder(hello(), tmp_path)
    (tmp_path / "02-mine.md").write_text(LETTER)
    with pytest.raises(Refused, match=r"02-mine\.md has a letter that small-hellos has not"):
        write_folder(hello(signature="Ruth"), tmp_path)
    assert "Ruth" not in (tmp_path / "sequence.toml").read_text()
    assert write_folder(hello(), tmp_path, deleted_keys={"mine"}).removed == ("02-mine.md",)


def test_another_sequences_folder_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path, _01_hello=LETTER)
    (tmp_path / "sequence.toml").write_text('title = "Other"\nslug = "other"\n')
    with pytest.raises(Refused, match="holds the sequence other"):
        write_folder(hello(), tmp_path)
