from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.drafting import draft
from keepshowingup.core.restructured import looks_restructured, to_markdown
from keepshowingup.editorial.manuscripts import text_of

README = """\
.. image:: https://example.org/banner.png
   :alt: A banner

|build-status| |wheel|

:Version: 5.7.0
:Web: https://example.org/

Garden gate
===========

A gate for `gardens <https://example.org/gardens>`_ and for orchards_. It opens with ``push``.

.. note::

   Close it behind you.

Use
---

Open it like this::

    gate.open()

Then walk in. See :ref:`the map <map>`.

.. _orchards: https://example.org/orchards
"""


def test_a_readme_in_restructured_text_becomes_markdown() -> None:
    assert looks_restructured(README)
    assert to_markdown(README) == (
        "# Garden gate\n\n"
        "A gate for [gardens](https://example.org/gardens) and for [orchards](https://example.org/orchards). "
        "It opens with `push`.\n\n"
        "Close it behind you.\n\n"
        "## Use\n\n"
        "Open it like this:\n\n```\n    gate.open()\n```\n\n"
        "Then walk in. See `the map`.\n"
    )


def test_its_marks_do_not_reach_a_letter() -> None:
    (step,) = draft(text_of(README.encode(), "README"))
    for mark in ("..", "|build", ":Version:", "`_", "::"):
        assert mark not in step.markdown
    assert "[gardens](https://example.org/gardens)" in step.markdown


def test_markdown_and_plain_text_are_not_taken_for_it() -> None:
    for text in ("# A title\n\nWords.\n\n- one\n- two\n", "A note:\n\n    indented\n", "It is late .. very late.\n"):
        assert not looks_restructured(text)
        assert text_of(text.encode(), "note.md") == text


@given(st.text(alphabet="ab .:_`=-|\n<>", max_size=120))
def test_any_text_can_be_converted(text: str) -> None:
    assert to_markdown(text).endswith("\n")
