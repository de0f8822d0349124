"""A long replanning: begun at a page, gone on with by a worker, and by another one when that was killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from keepshowingup.cadence import crowd, replans
from keepshowingup.cadence.models import Enrolment, Replan
from keepshowingup.cadence.starting import pause, resume
from keepshowingup.core.timing import AfterDays
from keepshowingup.editorial import composing
from keepshowingup.editorial.models import Sequence
from tests.cadence.world import DAY, HOUR, drip, join, local
from tests.factories import MONDAY
from tests.processes import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHUNK", "MANY"):
        monkeypatch.setattr(crowd, name, 2)


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
class TestAReplanningThatTakesLong:
    def test_is_left_to_the_worker_and_says_how_far_it_is(self) -> None:
        sequence = drip(4)
        readers = [join(sequence) for _ in range(5)]
        composing.set_timing(sequence.steps.get().pk, AfterDays(6), now=MONDAY)
        assert not replans.after_change(sequence.pk, MONDAY, within=0)
        assert replans.progress_of(sequence.pk) == replans.Progress(2, 5)
        assert [local(each) for each in readers][2] == "Fri 2026-11-27 10:00"
        assert replans.are_waiting(MONDAY)
        assert replans.go_on(MONDAY)
        assert {local(each) for each in readers} == {"Sun 2026-11-29 10:00"}
        assert replans.progress_of(sequence.pk) is None
        assert not replans.are_waiting(MONDAY)

    def test_gives_way_to_a_later_change(self) -> None:
        sequence = drip(4)
        readers = [join(sequence) for _ in range(5)]
        replans.after_change(sequence.pk, MONDAY, within=0)
        composing.set_timing(sequence.steps.get().pk, AfterDays(8), now=MONDAY)
        assert replans.after_change(sequence.pk, MONDAY)
        assert not Replan.objects.filter(finished_at=None).exists()
        assert {local(each) for each in readers} == {"Tue 2026-12-01 10:00"}

    def test_after_a_rest_the_letters_go_live_when_it_is_done_and_no_sooner(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sequence = drip(4)
        readers = [join(sequence) for _ in range(5)]
        pause(sequence.pk, MONDAY + HOUR)
        monkeypatch.setattr(replans.after_rest, "__kwdefaults__", {"within": 0, "say": None})
        resume(sequence.pk, MONDAY + 3 * DAY)
        assert Sequence.objects.get().state == Sequence.State.PAUSED
        while Sequence.objects.get().state == Sequence.State.PAUSED:
            resume(sequence.pk, MONDAY + 3 * DAY)  # asked for once more, by somebody who saw it paused
        assert Sequence.objects.get().state == Sequence.State.LIVE
        assert {local(each) for each in readers} == {"Mon 2026-11-30 10:00"}
        assert set(Enrolment.objects.values_list("moved_days", flat=True)) == {3}


def test_who_is_killed_in_the_middle_is_followed_by_somebody_else(tmp_path: Path) -> None:
    def child(what: str) -> subprocess.Popen[str]:
        settings = {"DJANGO_SETTINGS_MODULE": "keepshowingup.settings", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
        return subprocess.Popen(
            [sys.executable, "-m", "tests.cadence.replanner", what],
            cwd=ROOT, env=environment(tmp_path, **settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def said(process: subprocess.Popen[str]) -> Any:
        assert process.stdout is not None
        return json.loads(process.stdout.readline())

    with child("begin") as first:
        assert said(first) == {"planned": 20, "finished": 0}
        first.kill()
    with child("go-on") as second:
        assert said(second) == {"planned": 100, "finished": 1}
    assert second.returncode == 0
