from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.care import Care, Exit, Reached, exit_reached, loop_from, read_exit, read_exits, write_exits
from keepshowingup.core.errors import WrongUsage

NOBODY: frozenset[str] = frozenset()
rules = st.one_of(
    st.builds(Exit, st.just(Reached.TAG), st.sampled_from(["through", "north"])),
    st.builds(Exit, st.just(Reached.DATE), st.dates().map(date.isoformat)),
    st.builds(Exit, st.just(Reached.SEQUENCE), st.sampled_from(["people", "next-steps"])),
    st.just(Exit(Reached.HELPED)),
)


@given(st.lists(rules, unique=True))
def test_rules_for_an_end_are_read_back_as_they_were_written(several: list[Exit]) -> None:
    assert read_exits(write_exits(several)) == tuple(several)


@pytest.mark.parametrize("written", ["", "tag:", "date:tomorrow", "date:20270131", "sequence:", "helped:yes", "left"])
def test_what_is_no_rule_says_what_can_be_written(written: str) -> None:
    with pytest.raises(WrongUsage):
        read_exit(written)


def test_a_tag_and_a_date_end_a_sequence_when_they_are_there() -> None:
    until = read_exits("helped, sequence:people, date:2027-01-31, tag:through")
    assert exit_reached(until, NOBODY, date(2027, 1, 30)) is None
    assert exit_reached(until, NOBODY, date(2027, 1, 31)) == Exit(Reached.DATE, "2027-01-31")
    assert exit_reached(until, frozenset({"through"}), date(2027, 1, 30)) == Exit(Reached.TAG, "through")


def test_a_sequence_is_not_followed_by_itself() -> None:
    assert Care(then="people").fault("people")
    assert Care(ends_when=read_exits("sequence:people")).fault("people")
    assert Care(again_after_days=-1).fault("people")
    assert Care(urgent=True, again_after_days=0, ends_when=read_exits("helped"), then="more").fault("people") is None


def test_going_round_and_round_is_found() -> None:
    assert loop_from("a", {"a": "b", "b": "c"}) == ()
    assert loop_from("a", {"a": "b", "b": "a"}) == ("a", "b", "a")
    assert loop_from("a", {"a": "b", "b": "c", "c": "b"}) == ("b", "c", "b")


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", *"abcd"])))
def test_following_always_ends_or_is_called_a_loop(then: dict[str, str]) -> None:
    seen, here = set(), "a"
    while here and here not in seen:
        seen.add(here)
        here = then.get(here, "")
    assert bool(loop_from("a", then)) is bool(here)
