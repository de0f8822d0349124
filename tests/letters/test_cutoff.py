"""A letter that does not end, or takes all memory, fails in two seconds; others are none the wiser."""

from __future__ import annotations

import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from keepshowingup.letters.compose import render
from keepshowingup.letters.cutoff import cut_off
from keepshowingup.letters.errors import CutOff, LetterError
from keepshowingup.letters.values import SAMPLE, CompiledLetter

WELL = CompiledLetter(subject="A note", preheader="", html="<p>{{ first_name }}</p>", text="{{ first_name }}")


def nested(depth: int, inside: str = "") -> str:
    """Loops over the letters of an address, one inside the other: forty to the power of ``depth`` rounds."""
    names = [f"a{number}" for number in range(depth)]
    heads = "".join(f"{{% for {name} in postal_address %}}" for name in names)
    return heads + inside + "{% endfor %}" * depth


def test_a_loop_that_does_not_end_is_cut_off() -> None:
    began = time.process_time()
    with pytest.raises(LetterError, match=r"takes more than 0\.2 seconds"), cut_off(0.2):
        render(replace(WELL, text=nested(12)), SAMPLE)
    assert time.process_time() - began < 10


def test_a_letter_that_writes_and_writes_is_cut_off_by_its_size() -> None:
    with pytest.raises(LetterError, match="more than 2 MB"), cut_off(60):
        render(replace(WELL, text=nested(12, "more and more")), SAMPLE)


def test_values_that_double_run_out_of_what_a_letter_may_take_and_the_machine_keeps_the_rest() -> None:
    lines = ['{% set a = "0123456789" %}']
    lines += ["{% set a = a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a %}" for _ in range(10)]
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(CutOff, match="more memory than a letter may"), cut_off(60):
        render(replace(WELL, text="".join(lines)), SAMPLE)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_good_letter_is_left_alone_and_nothing_is_left_behind() -> None:
    with cut_off():
        assert render(WELL, SAMPLE).text == "Maya"
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_after_one_was_cut_off_the_next_one_has_its_own_time() -> None:
    for _ in range(3):
        with pytest.raises(LetterError), cut_off(0.1):
            render(replace(WELL, text=nested(12)), SAMPLE)
        with cut_off(5):
            assert render(WELL, SAMPLE).text == "Maya"


def test_other_errors_come_through_as_they_are() -> None:
    with pytest.raises(KeyError), cut_off():
        raise KeyError


def test_a_thread_that_serves_pages_is_cut_off_too_and_goes_on_unharmed() -> None:
    with ThreadPoolExecutor(1) as pages:
        for _ in range(2):
            with pytest.raises(CutOff, match=r"takes more than 0\.2 seconds"):
                pages.submit(_render_within, 0.2, nested(12)).result()
            assert pages.submit(_render_within, 1, "{{ first_name }}").result() == "Maya"


def test_a_thread_that_waits_uses_none_of_its_time() -> None:
    with ThreadPoolExecutor(1) as pages:
        assert pages.submit(_wait_within, 0.05).result() == "Maya"


def test_in_another_thread_other_errors_come_through_and_no_call_is_left_behind() -> None:
    with ThreadPoolExecutor(1) as pages:
        for _ in range(200):
            with pytest.raises(LetterError, match="undefined"):
                pages.submit(_render_within, 0.001, "{{ nobody }}").result()


def test_the_main_thread_and_another_at_once_do_no_harm() -> None:
    with ThreadPoolExecutor(1) as other, cut_off():
        assert other.submit(_render_within, 1, "{{ first_name }}").result() == "Maya"


def _render_within(seconds: float, text: str) -> str:
    with cut_off(seconds):
        return render(replace(WELL, text=text), SAMPLE).text


def _wait_within(seconds: float) -> str:
    with cut_off(seconds):
        time.sleep(4 * seconds)
        return render(WELL, SAMPLE).text
