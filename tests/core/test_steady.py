"""A leap of the machine's clock is believed when it has lasted, by all processes of a data folder alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.steady import LEAP, SETTLES, SteadyTime

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Machine:
    """A machine whose clock people set while its time goes on."""

    truth: datetime = NOON
    set_by: timedelta = timedelta()
    boot: str = "a boot"

    def clock(self, folder: Path) -> SteadyTime:
        """The steady time of a process that starts now."""
        return SteadyTime(
            folder / "steady.json",
            machine=lambda: (self.truth + self.set_by).timestamp(),
            since_boot=lambda: (self.truth - NOON).total_seconds() + 1000,
            boot_id=lambda: self.boot,
        )

    def goes_on(self, by: timedelta) -> None:
        self.truth += by


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("leap", [HOUR, -HOUR, DAY, -DAY])
def test_a_clock_that_is_set_and_set_back_has_never_been_believed(
    machine: Machine, tmp_path: Path, leap: timedelta
) -> None:
    steady = machine.clock(tmp_path)
    machine.set_by = leap
    for _ in range(5):
        machine.goes_on(SETTLES / 6)
        assert (steady(), steady.leap) == (machine.truth, leap)
    machine.set_by = timedelta()
    assert (steady(), steady.leap) == (machine.truth, None)


@pytest.mark.parametrize("leap", [HOUR, -HOUR, DAY])
def test_what_has_lasted_is_believed(machine: Machine, tmp_path: Path, leap: timedelta) -> None:
    steady = machine.clock(tmp_path)
    machine.set_by = leap
    assert steady() == machine.truth
    machine.goes_on(SETTLES)
    assert (steady(), steady.leap) == (machine.truth + leap, None)


def test_a_second_leap_has_to_last_too(machine: Machine, tmp_path: Path) -> None:
    steady = machine.clock(tmp_path)
    machine.set_by = HOUR
    steady()
    machine.goes_on(SETTLES - LEAP)
    machine.set_by = DAY
    steady()
    machine.goes_on(LEAP)
    assert steady() == machine.truth
    machine.goes_on(SETTLES)
    assert steady() == machine.truth + DAY


def test_a_process_that_starts_in_between_believes_what_the_others_do(machine: Machine, tmp_path: Path) -> None:
    one = machine.clock(tmp_path)
    machine.set_by = DAY
    one()
    machine.goes_on(SETTLES / 2)
    other = machine.clock(tmp_path)
    assert (other(), other.leap) == (machine.truth, DAY)
    machine.goes_on(SETTLES / 2)
    assert other() == one() == machine.truth + DAY


def test_a_process_that_slept_through_it_asks_the_others(machine: Machine, tmp_path: Path) -> None:
    awake, asleep = machine.clock(tmp_path), machine.clock(tmp_path)
    machine.set_by = DAY
    awake()
    machine.goes_on(SETTLES)
    awake()
    assert asleep() == machine.truth + DAY


def test_small_corrections_are_followed_however_many(machine: Machine, tmp_path: Path) -> None:
    steady = machine.clock(tmp_path)
    for _ in range(200):
        machine.goes_on(HOUR)
        machine.set_by += timedelta(seconds=3)
        assert steady() == machine.truth + machine.set_by
    assert machine.clock(tmp_path)() == machine.truth + machine.set_by, "and a new process knows"


def test_after_a_start_of_the_machine_its_clock_is_believed(machine: Machine, tmp_path: Path) -> None:
    machine.clock(tmp_path)
    machine.boot, machine.set_by = "another boot", DAY
    assert machine.clock(tmp_path)() == machine.truth + DAY


def test_a_file_that_somebody_has_spoiled_is_made_anew(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "steady.json").write_text('{"boot": "a boot"')
    assert machine.clock(tmp_path)() == machine.truth
    machine.set_by = DAY
    assert machine.clock(tmp_path)() == machine.truth


def test_where_nothing_can_be_written_time_goes_on(machine: Machine, tmp_path: Path) -> None:
    steady = machine.clock(tmp_path / "not there")
    machine.set_by = DAY
    assert steady() == machine.truth


@given(st.lists(st.tuples(st.integers(-48, 48), st.integers(0, 60)), max_size=9))
def test_nothing_that_is_done_to_the_clock_within_ten_minutes_makes_anything_early_or_late(
    tmp_path_factory: pytest.TempPathFactory, doings: list[tuple[int, int]]
) -> None:
    machine = Machine()
    steady = machine.clock(tmp_path_factory.mktemp("steady"))
    for half_hours, seconds in doings:
        machine.set_by = timedelta(minutes=30 * half_hours)
        assert steady() == machine.truth
        machine.goes_on(timedelta(seconds=seconds))
        assert steady() == machine.truth
