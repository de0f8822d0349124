from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from keepshowingup.audience.tokens import (
    Purpose,
    keyed_hash,
    keyed_hashes,
    link,
    make,
    read,
)

LINK_ALPHABET = string.ascii_letters + string.digits + "-_"
MAIL_ALPHABET = "0123456789abcdef"
purposes = st.sampled_from(Purpose)
opaques = st.binary(min_size=8, max_size=12).map(bytes.hex)


@given(purposes, opaques)
def test_a_token_says_who_it_was_made_for(purpose: Purpose, opaque: str) -> None:
    assert read(purpose, make(purpose, opaque)) == opaque


@given(purposes, opaques, st.data())
def test_any_changed_character_makes_it_worthless(purpose: Purpose, opaque: str, data: st.DataObject) -> None:
    token = make(purpose, opaque)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=1).filter(lambda c: c.lower() != token[place].lower()))
    assert read(purpose, token[:place] + other + token[place + 1 :]) is None


@given(opaques, st.data())
def test_the_case_of_a_link_matters(opaque: str, data: st.DataObject) -> None:
    token = make(Purpose.LEAVE, opaque)
    place = data.draw(st.integers(0, len(token) - 1))
    swapped = token[:place] + token[place].swapcase() + token[place + 1 :]
    assert read(Purpose.LEAVE, swapped) == (opaque if swapped == token else None)


@given(purposes, opaques, st.data())
def test_a_cut_or_longer_token_is_worthless(purpose: Purpose, opaque: str, data: st.DataObject) -> None:
    token = make(purpose, opaque)
    assert read(purpose, token[: data.draw(st.integers(0, len(token) - 1))]) is None
    assert read(purpose, token + data.draw(st.text(min_size=1, max_size=20))) is None


@given(purposes, purposes, opaques)
def test_a_token_for_one_purpose_is_worthless_for_another(made: Purpose, used: Purpose, opaque: str) -> None:
    assert read(used, make(made, opaque)) == (opaque if used is made else None)


@given(opaques, opaques)
def test_the_seal_of_one_reader_does_not_fit_another(one: str, other: str) -> None:
    a, b = make(Purpose.CONFIRM, one), make(Purpose.CONFIRM, other)
    spliced = a[: len(a) // 3] + b[len(b) // 3 :]
    assert read(Purpose.CONFIRM, spliced) in ({one, other} if spliced in (a, b) else {None})


@given(purposes, st.text(max_size=80))
def test_no_text_at_all_breaks_the_reader_of_tokens(purpose: Purpose, text: str) -> None:
    assert read(purpose, text) is None


@given(purposes, st.data())
def test_text_that_looks_like_a_token_is_none(purpose: Purpose, data: st.DataObject) -> None:
    alphabet = MAIL_ALPHABET if purpose is Purpose.RETURN_PATH else LINK_ALPHABET
    width = len(make(purpose, "0" * 16))
    assert read(purpose, data.draw(st.text(alphabet, min_size=width, max_size=width))) is None


@given(opaques)
def test_a_return_path_survives_servers_that_fold_case(opaque: str) -> None:
    token = make(Purpose.RETURN_PATH, opaque)
    assert token == token.lower()
    assert read(Purpose.RETURN_PATH, token.upper()) == opaque
    assert len(f"bounce+{token}") <= 64  # RFC 5321 4.5.3.1.1


def test_a_link_is_short_and_ends_in_a_letter_whatever_program_looks_for_its_end() -> None:
    token = make(Purpose.LEAVE, "0123456789abcdef")
    assert len(token) == 33
    assert token.isascii()
    assert token[-1].isalpha()
    assert link(Purpose.LEAVE, "0123456789abcdef") == f"http://127.0.0.1:8000/unsubscribe/{token}"


@pytest.mark.parametrize("opaque", ["", "0123", "0123456789ABCDEF", "0123456789abcdeg", "0" * 34, "reader@example.org"])
def test_only_an_opaque_name_goes_into_a_token(opaque: str) -> None:
    with pytest.raises(ValueError, match="opaque"):
        make(Purpose.LEAVE, opaque)


def test_old_letters_keep_working_after_a_new_key(settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the old key " * 4, []
    old, old_hash = make(Purpose.LEAVE, "0123456789abcdef"), keyed_hash("address", "a@example.org")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key " * 4, ["the old key " * 4]
    assert read(Purpose.LEAVE, old) == "0123456789abcdef"
    assert make(Purpose.LEAVE, "0123456789abcdef") != old
    assert old_hash in keyed_hashes("address", "a@example.org")
    settings.SECRET_KEY_FALLBACKS = []
    assert read(Purpose.LEAVE, old) is None


def test_a_hash_says_nothing_without_the_key_and_differs_by_kind(settings: Settings) -> None:
    here = keyed_hash("address", "a@example.org")
    assert len(here) == 64
    assert keyed_hash("address", "a@example.org") == here
    assert keyed_hash("network", "a@example.org") != here
    settings.SECRET_KEY = "another key " * 4
    assert keyed_hash("address", "a@example.org") != here
