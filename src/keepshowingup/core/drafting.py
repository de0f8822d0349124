"""From an article to a sequence of letters: the draft an editor starts from.

It never rewrites prose, invents facts, approves or sends. Pure: text in, letters out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from keepshowingup.core.blocks import BlockKind
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.headings import article_title
from keepshowingup.core.prose import count_words
from keepshowingup.core.reading_copy import read_copy
from keepshowingup.core.sections import Section, split_article
from keepshowingup.core.subjects import propose_preheader, propose_subject

__all__ = ["DEFAULT_CADENCE", "DraftStep", "article_title", "draft"]

#: Local days after confirmed sign-up. The early weeks are close, the later months far apart, as in the trials of
#: caring letters (Motto; Comtois 2019; Reger 2024).
DEFAULT_CADENCE = (0, 2, 7, 14, 21, 30, 45, 60, 90, 120, 180, 240, 300, 365)
#: Days between letters once a cadence has run out.
DAYS_BEYOND = 60
GREETING = 'Hello {{ first_name | default("friend", true) }},'

_OWN_CALL = re.compile(
    r"(?:(?:this week|today|tonight|tomorrow|if you (?:can|like|want)|when you (?:can|like)|perhaps|maybe|for now),? )?"
    r"(?:please |just )?(?:try|think of|write|call|send|choose|pick|take|ask|tell|find|name|notice|look|put|say|read"
    r"|save|sit|walk|keep|let|open|set|give|make|go|start|begin)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class DraftStep:
    """One letter of a draft. ``day`` counts local days from the day a reader joined; ``words`` is the whole letter's.

    ``action`` is the one thing it asks for: reflect, read, reach out, find support; ``own`` when the article's text
    asks for something itself.
    """

    position: int
    day: int
    subject: str
    preheader: str
    markdown: str
    words: int
    action: str = "own"


@dataclass(frozen=True)
class _Call:
    kind: str
    when: re.Pattern[str]
    lines: tuple[str, ...]


@cache
def _calls() -> tuple[_Call, ...]:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/calls.toml").read_text("utf-8"))
    return tuple(
        _Call(row["kind"], re.compile(row["when"], re.IGNORECASE), tuple(row["lines"])) for row in data["call"]
    )


def draft(text: str, cadence: Sequence[int] = DEFAULT_CADENCE) -> list[DraftStep]:
    """Draft a sequence from an article of any origin (Markdown or plain text); empty for a text without words.

    ``cadence`` lists the letters' days, rising; letters beyond it follow 60 days apart. Raises :class:`WrongUsage`
    for days that do not rise or are below zero.
    """
    if not cadence or cadence[0] < 0 or any(later <= earlier for earlier, later in pairwise(cadence)):
        raise WrongUsage("A cadence is a list of days that rises from 0 or more, for example 0, 2, 7, 14.")
    steps: list[DraftStep] = []
    taken: set[str] = set()
    asked: dict[str, int] = {}
    for position, section in enumerate(split_article(text), start=1):
        subject = propose_subject(section, position, taken)
        taken.add(subject.casefold())
        preheader = propose_preheader(section, subject, position)
        action, call = _call_for(section, asked)
        markdown = "\n\n".join(part for part in (GREETING, section.markdown, call) if part)
        length = count_words(read_copy(markdown).plain)
        steps.append(DraftStep(position, _day(position, cadence), subject, preheader, markdown, length, action))
    return steps


def _day(position: int, cadence: Sequence[int]) -> int:
    if position <= len(cadence):
        return cadence[position - 1]
    return cadence[-1] + DAYS_BEYOND * (position - len(cadence))


def _call_for(section: Section, asked: dict[str, int]) -> tuple[str, str]:
    """What a letter asks for, and the line that asks; no line where the article's last words ask already."""
    copy = read_copy(section.markdown)
    paragraphs = [block for block in copy.blocks if block.kind is BlockKind.PARAGRAPH]
    if paragraphs:
        last = copy.sentences_of(paragraphs[-1:])[-2:]
        if any(_OWN_CALL.match(copy.text_of(span)) or copy.text_of(span).endswith("?") for span in last):
            return "own", ""
    # The last kind is for every text; of two that fit alike the one less often asked is taken.
    fitting = max(_calls(), key=lambda call: (len(call.when.findall(copy.plain)), -asked.get(call.kind, 0)))
    if not fitting.when.search(copy.plain):
        fitting = _calls()[-1]
    turn = asked.get(fitting.kind, 0)
    asked[fitting.kind] = turn + 1
    return fitting.kind, f"**One small thing.** {fitting.lines[turn % len(fitting.lines)]}"
