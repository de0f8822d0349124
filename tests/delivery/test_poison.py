"""Letters that can't be made: their readers wait for them, and everybody else's letter leaves."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.replanning import replan_sequence
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Revision, Sequence
from keepshowingup.letters.cutoff import SECONDS
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.factories import SequenceFactory, StepFactory
from tests.letters.test_cutoff import nested
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db

Spoil = Callable[[str], list[Enrolment]]


@pytest.fixture
def spoil(masthead: object) -> Spoil:
    """Five readers of a sequence whose only letter is this."""

    def make(text: str) -> list[Enrolment]:
        bad = SequenceFactory.create(slug="bad")
        StepFactory.create(sequence=bad, key="bad", position=1, after_days=0)
        Revision.objects.filter(step__sequence=bad).update(text=text)
        return enrol_many(bad, 5)

    return make


def states(readers: list[Enrolment]) -> set[tuple[str, str]]:
    """Where readers stand, and why."""
    kept = Enrolment.objects.filter(pk__in=[each.pk for each in readers])
    return set(kept.values_list("state", "due_reason"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ 1 // 0 }}", "It can't be rendered for these values (ZeroDivisionError)."),
        ("{{ first_name[:1 // 0] }}", "It can't be rendered for these values (ZeroDivisionError)."),
        (nested(6, "more and more"), "It writes more than 2 MB. Look for a loop that repeats itself."),
        (
            nested(6, "{{ first_name[:9] }} and more"),
            "It writes more than 2 MB. Look for a loop that repeats itself.",
        ),
    ],
    ids=["shared by all", "made for each reader", "shared and too long", "for each and too long"],
)
def test_whose_letter_fails_is_held_and_the_others_get_theirs(
    clock: StoppedClock, courier: Courier, sequence: Sequence, server: SmtpServer, spoil: Spoil, text: str, why: str
) -> None:
    bad, good = spoil(text), enrol_many(sequence, 5)
    assert hand_over(claim(clock).letters, courier) == {"accepted": 5}
    assert {each.recipient for each in server.received} == {each.subscriber.email for each in good}
    assert states(bad) == {("held", why)}
    assert not claim(clock), "nothing of it is tried again by itself"


def test_a_letter_that_was_cut_off_takes_its_two_seconds_once_and_not_from_every_reader(
    clock: StoppedClock, courier: Courier, sequence: Sequence, server: SmtpServer, spoil: Spoil
) -> None:
    bad = spoil(nested(12))
    enrol_many(sequence, 5)
    began = time.process_time()
    assert hand_over(claim(clock).letters, courier) == {"accepted": 5}
    assert time.process_time() - began < 2 * SECONDS
    assert states(bad) == {("held", "It takes more than 2 seconds. Look for a loop that does not end.")}


def test_once_it_is_mended_it_is_made_anew(
    clock: StoppedClock, courier: Courier, server: SmtpServer, spoil: Spoil
) -> None:
    bad = spoil("{{ 1 // 0 }}")
    hand_over(claim(clock).letters, courier)
    step = bad[0].sequence.steps.get()
    mended = Revision.objects.get(step=step)
    mended.pk, mended.number, mended.text = None, 2, "Hello again."
    mended.save()
    step.current = mended
    step.save()
    replan_sequence(bad[0].sequence_id, clock.now())
    hand_over(claim(clock).letters, courier)
    assert len(server.received) == 5


def test_a_letter_that_ends_its_worker_in_any_other_way_stays_taken_up(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment
) -> None:
    offers = claim(clock).letters
    dispatch = Dispatch.objects.get()
    assert dispatch.revision_id is not None
    courier.drawer.letters[dispatch.revision_id] = None  # type: ignore[assignment] # what nobody has thought of
    with pytest.raises(AttributeError):
        hand_over(offers, courier)
    assert courier.journal.path.read_bytes().endswith(b"T %d 1\n" % dispatch.pk)
