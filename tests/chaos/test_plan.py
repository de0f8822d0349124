"""A seed is a plan: always the same one, with everything in it that is promised to go wrong."""

from __future__ import annotations

from itertools import chain

from tests.chaos.moods import (
    AT_MAIL,
    BY_NAME,
    ENDS,
    LETTERS,
    OPENINGS,
    OPENINGS_OF,
    is_about_the_moment,
    is_about_us,
    temper_of,
)
from tests.chaos.plan import LEASE, STEPS_APART, Plan, Size
from tests.chaos.planning import HARM, HARM_TO, make_plan

SEEDS = range(1, 31)


def plans() -> list[Plan]:
    return [make_plan(seed, "postgres" if seed <= 20 else "sqlite", Size()) for seed in SEEDS]


def test_a_seed_is_always_the_same_plan_and_another_seed_another() -> None:
    size = Size()
    assert make_plan(7, "postgres", size) == make_plan(7, "postgres", size)
    assert make_plan(7, "postgres", size) != make_plan(8, "postgres", size)
    assert temper_of(7, 3, "tls", brief=False) == temper_of(7, 3, "tls", brief=False)


def test_the_steps_never_crowd() -> None:
    assert STEPS_APART * 2 < 7 <= STEPS_APART * 3


def test_every_mood_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len((*LETTERS, *ENDS, *AT_MAIL))


def test_thirty_seeds_hold_every_harm_every_mood_and_every_way_to_a_relay() -> None:
    played = plans()
    done = {(fault.what, fault.target.partition("-")[0]) for plan in played for fault in plan.faults}
    assert done == {*HARM, *HARM_TO["postgres"], *HARM_TO["sqlite"]}
    moods = {name for plan in played for of in plan.moods.values() for name in of.values()}
    assert moods == {mood.name for mood in (*LETTERS, *ENDS)}
    assert {plan.security for plan in played} == {"", "starttls", "tls"}
    assert {plan.beats for plan in played} == {2, 3}


def test_thirty_seeds_hold_every_way_to_treat_a_connection() -> None:
    tempers = [temper_of(plan.seed, number, plan.security, brief=False) for plan in plans() for number in range(1, 60)]
    assert {temper.mood for temper in tempers} == {*AT_MAIL, None}
    assert {temper.opening for temper in tempers} == {"", *OPENINGS, *chain.from_iterable(OPENINGS_OF.values())}
    assert {(temper.pipelines, temper.takes_nobody) for temper in tempers} == {
        (a, b) for a in (True, False) for b in (True, False)
    }


def test_workers_are_frozen_for_longer_than_a_lease() -> None:
    long = [fault for plan in plans() for fault in plan.faults if fault.what == "freeze" and fault.lasts > LEASE]
    assert sum(fault.target.startswith("worker") for fault in long) > len(SEEDS) / 2


def test_a_brief_run_has_no_letter_that_waits_a_minute() -> None:
    for seed in SEEDS:
        plan = make_plan(seed, "sqlite", Size.fitting(readers=50, steps=3, seconds=10))
        names = {name for of in plan.moods.values() for name in of.values()}
        assert not any(BY_NAME[name].puts_off for name in names)


def test_an_answer_is_about_the_address_about_us_or_about_the_moment() -> None:
    assert is_about_us("550 5.7.1 refused by policy")
    assert is_about_us("554 5.6.0 we do not like its form")
    assert is_about_the_moment("450 4.2.0 greylisted")
    assert is_about_the_moment("550 5.1.0 something about the address")
    assert not is_about_the_moment("556 5.1.10 takes no mail")
