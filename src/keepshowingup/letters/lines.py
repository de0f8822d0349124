"""What stands below every letter, as values: lines of help, and the sentences of the foot in the reader's language."""

from __future__ import annotations

from typing import NamedTuple


class HelpNow(NamedTuple):
    """One line of help for right now: who answers, how to reach them, and when.

    ``how`` reads well before the number ("call or text"); ``hours`` after it ("any hour"). ``number`` may be a web
    address where there is none to call.
    """

    label: str
    number: str
    how: str = ""
    hours: str = ""


class Foot(NamedTuple):
    """The sentences below a letter in one language, which may be another than the letter's own.

    ``why`` is whole and knows no date. ``direction`` is ltr or rtl. ``next`` is always empty: letters frozen while
    layouts had a place for the day of the next one still ask for it.
    """

    language: str
    direction: str
    help_title: str
    help_note: str
    why: str
    hour: str
    pause: str
    stop: str
    next: str = ""
