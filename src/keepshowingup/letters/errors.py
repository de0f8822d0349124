"""Why a letter can't be made, in one sentence, with the line to look at."""

from __future__ import annotations

from keepshowingup.core.errors import Refused


class LetterError(Refused):
    """A letter can't be made of this; the message says where and what to do.

    ``part`` is ``body``, ``subject``, ``preheader``, another header's name, a template's path (``step/body.html``), or
    ``letter`` for the whole of it.
    ``line`` counts from 1 in that part, None where no single line is at fault; ``near`` is what to look for on it.
    """

    def __init__(self, sentence: str, *, part: str = "body", line: int | None = None, near: str = "") -> None:
        self.sentence = sentence
        self.part = part
        self.line = line
        self.near = near
        super().__init__(f"{_place(part, line)}{sentence}")


class CutOff(LetterError):
    """It took more time, room or memory than a letter may. Trying once more would take them once more."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, part="letter")


def _place(part: str, line: int | None) -> str:
    if "/" in part:
        return f"Template {part}, line {line}: " if line else f"Template {part}: "
    if part == "body":
        return f"Line {line}: " if line else ""
    return "" if part == "letter" else f"{part.capitalize()}: "
