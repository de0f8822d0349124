from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.conditions import (
    About,
    Condition,
    Fact,
    read_condition,
    read_conditions,
    unmet,
    write_conditions,
)
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.tags import neutral_tag, tidy_tag

tags = st.sampled_from(["spring-group", "evening", "north"])
conditions = st.one_of(
    st.builds(Condition, st.just(Fact.TAG), tags, st.booleans()),
    st.builds(Condition, st.just(Fact.LANGUAGE), st.sampled_from(["en", "de", "pt-br"]), st.booleans()),
    st.builds(Condition, st.just(Fact.AUDIENCE), st.sampled_from(["self", "family"]), st.booleans()),
    st.builds(Condition, st.just(Fact.DATE), st.just(""), st.booleans()),
)
readers = st.builds(
    About,
    st.frozensets(tags),
    st.sampled_from(["en", "en-GB", "de", "pt-BR"]),
    st.sampled_from(["self", "family"]),
    st.booleans(),
)


@given(st.lists(conditions, unique=True))
def test_what_is_written_is_read_back(several: list[Condition]) -> None:
    assert read_conditions(write_conditions(several)) == tuple(several)


@given(conditions, readers)
def test_a_reader_is_meant_by_a_condition_or_by_its_opposite(condition: Condition, about: About) -> None:
    opposite = Condition(condition.fact, condition.value, not condition.negated)
    assert condition.holds(about) is not opposite.holds(about)
    assert bool(unmet([condition], about)) is not condition.holds(about)


@given(st.lists(conditions), readers)
def test_all_conditions_must_hold(several: list[Condition], about: About) -> None:
    assert bool(unmet(several, about)) is not all(condition.holds(about) for condition in several)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("tag:Spring group", "it is for readers with the tag “spring-group”"),
        ("not tag:spring-group", ""),
        ("language:DE", "it is for readers whose language is de"),
        ("not language:en", "it is for readers whose language is not en"),
        ("language:en", ""),
        ("audience:family", "it is for readers who read for somebody close to them"),
        ("not date", ""),
        ("DATE", "it is for readers who gave us a date"),
    ],
)
def test_why_a_letter_is_not_for_a_reader_is_said_in_words(written: str, said: str) -> None:
    assert unmet([read_condition(written)], About(language="en-GB")) == said


@pytest.mark.parametrize("written", ["", "tag:", "tags:x", "language:", "audience:staff", "date:2027-01-01", "not"])
def test_what_is_no_condition_says_what_can_be_written(written: str) -> None:
    with pytest.raises(WrongUsage):
        read_condition(written)


def test_a_tag_has_one_form_and_keeps_the_secret() -> None:
    assert tidy_tag(" Spring  Group_2 ") == "spring-group-2"
    assert neutral_tag("spring group") == "spring-group"
    for wrong in ("", "a" * 41, "grüße", "a,b"):
        with pytest.raises(WrongUsage):
            tidy_tag(wrong)
    for telling in ("in-recovery", "sober"):
        assert tidy_tag(telling) == telling
        with pytest.raises(WrongUsage):
            neutral_tag(telling)
