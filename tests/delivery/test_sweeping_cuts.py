"""A worker with several connections dies at any byte of its journal: nothing whose dot was sent is offered again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepshowingup.delivery.journal import UNTOUCHED, Journal, boot_id, read_entries
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.sweeping import Fate, fate_of, sweep
from keepshowingup.editorial.models import Sequence
from tests.delivery.conftest import StoppedClock, enrol_many
from tests.factories import MONDAY

FENCE = 3
ENDS = ("accepted", "later", "did not leave", "answer lost", "refused before")


@dataclass
class Run:
    """What a worker did, as its own journal and an honest witness tell it."""

    journal: bytes = b""
    # For each letter: the journal's length right after its dot was announced, after it was taken back, and answered.
    dots: dict[int, int] = field(default_factory=dict)
    taken_back: dict[int, int] = field(default_factory=dict)
    answered: dict[int, int] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)

    def may_be_handed_over(self, letter: int, cut: int) -> bool:
        """Whether its dot may have left a worker that died when the journal was ``cut`` bytes long."""
        return letter in self.dots and self.dots[letter] <= cut and not self.taken_back.get(letter, cut + 1) <= cut


def play(connections: list[list[str]], order: list[int], folder: Path) -> Run:
    """Several connections hand letters over one after the other, each in its own time; letters are 1, 2, 3 …"""
    run, number = Run(), 0
    with Journal(folder) as journal:

        def noted() -> int:
            return journal.path.stat().st_size

        def letters(ends: list[str]) -> Iterator[None]:
            nonlocal number
            for how in ends:
                number += 1
                pk = number
                journal.taken_up(pk, FENCE)
                yield
                journal.put_down(pk, FENCE)
                yield
                if how == "refused before":
                    continue
                journal.dot(pk, FENCE, f"<{pk:024x}@harbour.example>", MONDAY)
                run.dots[pk] = noted()
                yield
                if how == "did not leave":
                    journal.put_down(pk, FENCE)
                    run.taken_back[pk] = noted()
                elif how == "answer lost":
                    run.lost.add(pk)
                else:
                    journal.answered(pk, FENCE, 250 if how == "accepted" else 451, "2.0.0 as it is")
                    journal.say()
                    run.answered[pk] = noted()
                yield

        working = [letters(ends) for ends in connections]
        while working:
            turn = order.pop() if order else 0
            each = working[turn % len(working)]
            if next(each, "done") == "done":
                working.remove(each)
        run.journal = journal.path.read_bytes()
    return run


connections = st.lists(st.lists(st.sampled_from(ENDS), min_size=1, max_size=5), min_size=1, max_size=5)


@given(connections=connections, order=st.lists(st.integers(0, 4), max_size=60), crashes=st.integers(1, 3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_the_journal_ends_no_letter_whose_dot_may_have_left_is_offered_again(
    connections: list[list[str]], order: list[int], crashes: int, tmp_path: Path
) -> None:
    run = play(connections, order, tmp_path)
    letters = range(1, sum(map(len, connections)) + 1)
    for cut in range(len(run.journal) + 1):
        entries = read_entries(run.journal[:cut])
        fates = {pk: fate_of(entries.get((pk, FENCE), UNTOUCHED), crashes) for pk in letters}
        for pk, fate in fates.items():
            if run.may_be_handed_over(pk, cut):
                assert fate in {Fate.DOUBT, Fate.AS_ANSWERED}
            else:
                assert fate in {Fate.AGAIN, Fate.GIVEN_UP}
            assert (fate is Fate.AS_ANSWERED) == (run.answered.get(pk, cut + 1) <= cut)
        # A connection whose answer was lost was in doubt before the worker died; it is another one's kill.
        doubts = Counter(fate for pk, fate in fates.items() if pk not in run.lost)[Fate.DOUBT]
        assert doubts <= len(connections)


@pytest.mark.django_db
def test_whatever_the_database_says_nothing_that_may_have_left_is_offered_again(
    clock: StoppedClock, sequence: Sequence, tmp_path: Path
) -> None:
    """Every end of the journal, against letters that are still in hand, were settled, or were offered anew since."""
    ends = [["accepted", "later", "accepted"], ["did not leave", "accepted"], ["answer lost", "refused before"]]
    run = play(ends, [0, 1, 2, 0, 0, 2, 1, 0, 2, 1, 2, 0, 1, 0, 2], tmp_path / "played")
    letters = enrol_many(sequence, 7)
    folder = tmp_path / "journal"
    folder.mkdir()
    owner = f"here.{boot_id()}.1.abcd"
    for pk, enrolment in enumerate(letters, start=1):
        Dispatch.objects.create(
            pk=pk, subscriber=enrolment.subscriber, enrolment=enrolment, step_key="first",
            revision=sequence.steps.get(key="first").current, due_at=MONDAY, claimed_at=MONDAY,
            state="handing_over", owner=owner, fence=FENCE, message_id=f"<{pk:024x}@harbour.example>",
        )  # fmt: skip
    whole = [at + 1 for at, byte in enumerate(run.journal) if byte == ord("\n")]
    cuts = sorted({0, *whole, *((one + two) // 2 for one, two in pairwise([0, *whole]))})
    for cut in cuts:
        for standing in (
            {},
            {"state": "accepted"},
            {"state": "unknown"},
            {"state": "claimed", "fence": FENCE + 1},
            {"state": "handing_over", "fence": FENCE + 1, "owner": "elsewhere.0.1.ef"},
        ):
            with transaction.atomic():
                # The same for every other letter; the rest are still in the dead worker's hand.
                Dispatch.objects.filter(pk__in=[1, 3, 5, 7]).update(
                    lease_until=clock.real() + dt.timedelta(hours=1), **standing
                )
                (folder / owner).write_bytes(run.journal[:cut])
                in_hand = set(Dispatch.objects.filter(owner=owner, state="handing_over").values_list("pk", flat=True))
                again = sweep(folder, clock, clock.real() + dt.timedelta(minutes=1), limit=100)
                offered = {pk for pk, _ in again.letters}
                assert not {pk for pk in offered if run.may_be_handed_over(pk, cut)}
                assert offered <= in_hand, "somebody else's"
                doubts = Dispatch.objects.filter(state="unknown", pk__in=in_hand - run.lost).count()
                assert doubts <= len(ends)
                assert not Dispatch.objects.filter(owner=owner, state="handing_over", pk__in=in_hand).exists()
                transaction.set_rollback(True)
