"""The bytes of each kind of letter, kept in ``golden/``. After a change that is meant: ``KSU_WRITE_GOLDEN=1 pytest``.

A difference here is a difference in a reader's inbox: look at it before writing the files anew.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from keepshowingup.letters.compile import kinds
from keepshowingup.letters.compose import compose, render
from keepshowingup.letters.values import SAMPLE
from tests.letters.samples import HEADERS, letter_of

GOLDEN = Path(__file__).parent / "golden"
NOTICES = ("already", "confirm", "goodbye", "staff", "stop")


@pytest.mark.parametrize("kind", kinds())
def test_each_kind_of_letter_is_byte_for_byte_what_was_looked_at(kind: str) -> None:
    notice = replace(HEADERS, unsubscribe_url="", list_id="", list_name="", feedback_id="")
    values = replace(SAMPLE, unsubscribe_url="") if kind in NOTICES else SAMPLE
    message = compose(render(letter_of(kind), values), notice if kind in NOTICES else HEADERS)
    file = GOLDEN / f"{kind}.eml"
    if os.environ.get("KSU_WRITE_GOLDEN"):
        file.write_bytes(message)
    assert message == file.read_bytes()
