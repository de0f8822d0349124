"""The merge fields the editor offers: each makes a letter as it is put in, and none that could is forgotten."""

from __future__ import annotations

import pytest

from keepshowingup.letters.compile import compile_letter
from keepshowingup.letters.compose import render
from keepshowingup.letters.values import MERGE_FIELDS, OPTIONAL_FIELDS, SAMPLE, URL_FIELDS, LetterValues
from keepshowingup.web.staff.mergefields import OFFERED, MergeField

# They are said by the letter's own frame, or are no reader's.
LEFT_OUT = {"why", "postal_address", "confirm_url", "desk_url"}


def test_every_merge_field_is_offered_or_left_out_on_purpose() -> None:
    assert {field.name for field in OFFERED} == MERGE_FIELDS - LEFT_OUT
    assert {field.name for field in OFFERED if field.link} == set(URL_FIELDS) - LEFT_OUT
    assert {field.name for field in OFFERED if field.fallback} == set(OPTIONAL_FIELDS)


@pytest.mark.parametrize("field", OFFERED, ids=lambda field: field.name)
def test_what_is_put_in_makes_a_letter(field: MergeField) -> None:
    body = f"Before [{field.link}]({field.insert}) after." if field.link else f"Before {field.insert} after."
    letter = compile_letter("step", subject="A subject", preheader="", body=body)
    full = render(letter, SAMPLE).text
    assert (getattr(SAMPLE, field.name) if field.link else f"Before {field.example} after.") in full
    if field.fallback:
        without = LetterValues(unsubscribe_url=SAMPLE.unsubscribe_url, preferences_url=SAMPLE.preferences_url)
        assert f"Before {field.fallback} after." in render(letter, without).text
