"""Sequences as folders may say them, with every field there is, for properties."""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st

from keepshowingup.core.care import Care, Exit, Reached
from keepshowingup.core.conditions import Condition, Fact
from keepshowingup.core.milestones import Mark
from keepshowingup.core.timing import AfterDays, AfterMinutes, AtMark, OnDate
from keepshowingup.editorial.folders import EVERY_DAY, FolderSequence, FolderStep
from keepshowingup.editorial.wording import fault_in_line, fault_in_text, tidy_line, tidy_text

CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"])
# What an author may write that is no letter's text: merge fields, links, images and HTML are for other tests.
MEANING = "{}[]<>!&*_`~"
PIECES = ["+++", "---", "\n", "\n\n", '"""', "'''", "\\", "key: x", "    code", "\t", "# ", "“ñ”", "🌱", "é"]
WINDOWS = [(dt.time(8), dt.time(21)), (dt.time(20), dt.time(2, 30)), (dt.time(0), dt.time(0))]
QUIET = [(dt.time(21), dt.time(8)), (dt.time(3), dt.time(4, 0, 30))]
KEY = st.from_regex(r"[A-Za-z0-9_-]{1,60}", fullmatch=True)
TIME = st.times().map(lambda time: time.replace(microsecond=0))
TIMING = (
    st.builds(AfterDays, st.integers(0, 3660), st.none() | TIME)
    | st.builds(AfterMinutes, st.integers(0, 500_000))
    | st.builds(OnDate, st.dates(), st.none() | TIME)
)
# What milestones may be timed by: days, months from six on, full years once or every year.
MARK = (
    st.builds(AtMark, st.builds(Mark, days=st.integers(1, 183)), st.none() | TIME)
    | st.builds(AtMark, st.builds(Mark, months=st.integers(6, 1440)), st.none() | TIME)
    | st.builds(AtMark, st.integers(1, 120).map(lambda years: Mark(months=12 * years)), st.none() | TIME, st.just(True))
)
TAG = st.sampled_from(["spring-group", "through", "two"])
CONDITION = (
    st.builds(Condition, st.just(Fact.TAG), TAG, st.booleans())
    | st.builds(Condition, st.just(Fact.LANGUAGE), st.sampled_from(["de", "pt-br"]), st.booleans())
    | st.builds(Condition, st.just(Fact.AUDIENCE), st.sampled_from(["self", "family"]), st.booleans())
    | st.builds(Condition, st.just(Fact.DATE), st.just(""), st.booleans())
)
EXIT = (
    st.builds(Exit, st.just(Reached.TAG), TAG)
    | st.builds(Exit, st.just(Reached.DATE), st.dates(min_value=dt.date(1000, 1, 1)).map(dt.date.isoformat))
    | st.builds(Exit, st.just(Reached.SEQUENCE), st.sampled_from(["next-steps", "news"]))
    | st.just(Exit(Reached.HELPED))
)


def lines(exclude: str = "") -> st.SearchStrategy[str]:
    """Texts of one line as they are kept."""
    characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=exclude)
    fitting = st.text(characters, max_size=40).map(tidy_line)
    return fitting.filter(lambda text: fault_in_line("x", text, 80) is None)


def texts(exclude: str = "") -> st.SearchStrategy[str]:
    """Texts of several lines as they are kept."""
    characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=exclude)
    fragment = st.sampled_from(PIECES) | st.text(characters)
    joined = st.lists(fragment, max_size=12).map(lambda parts: tidy_text("".join(parts)))
    return joined.filter(lambda text: fault_in_text("x", text, 2000) is None)


def cares(slug: str, *, milestones: bool) -> st.SearchStrategy[Care]:
    """How a sequence of this slug may treat its readers."""
    if milestones:
        return st.builds(Care, urgent=st.booleans())
    following = st.sampled_from(["", "staying", "next-steps"])
    care = st.builds(
        Care,
        urgent=st.booleans(),
        again_after_days=st.none() | st.integers(0, 3660),
        ends_when=st.lists(EXIT, max_size=3, unique=True).map(tuple),
        then=following,
    )
    return care.filter(lambda care: care.fault(slug) is None)


@st.composite
def folders(draw: st.DrawFn, *, letters: int = 4, compiles: bool = False) -> FolderSequence:
    """A sequence with up to so many letters; ``compiles`` keeps to what makes letters without a fault."""
    exclude = MEANING if compiles else ""
    milestones = draw(st.booleans())
    keys = draw(st.lists(KEY, min_size=1, max_size=letters, unique_by=str.casefold))
    numbers = draw(st.lists(st.integers(0, 120), min_size=len(keys), max_size=len(keys), unique=True))
    body = texts(exclude).map(lambda text: tidy_text(f"Hello.\n{text}")) if compiles else texts().filter(bool)
    steps = [
        FolderStep(
            key=key,
            number=number,
            timing=draw(MARK if milestones else TIMING),
            subject=draw(lines(exclude).filter(bool)),
            preheader=draw(lines(exclude)),
            body=draw(body),
            only_if=tuple(draw(st.lists(CONDITION, max_size=3, unique=True))),
        )
        for key, number in zip(keys, sorted(numbers), strict=True)
    ]
    slug = draw(KEY)
    return FolderSequence(
        slug=slug,
        title=draw(lines().filter(bool)),
        description=draw(texts()),
        signature=draw(lines()),
        language=draw(st.sampled_from(["en", "es", "de", "pt-BR"])),
        theme=draw(st.sampled_from(["", "paper", "plain", "large"])),
        audience="self" if milestones else draw(st.sampled_from(["self", "family"])),
        open_ended=not milestones and draw(st.booleans()),
        milestones=milestones,
        weekdays=EVERY_DAY
        if milestones
        else draw(st.sets(st.sampled_from("1234567"), min_size=1).map(lambda days: "".join(sorted(days)))),
        window=draw(st.sampled_from(WINDOWS)),
        quiet=draw(st.sampled_from(QUIET)),
        too_late_hours=draw(st.none() | st.integers(0, 87_840)),
        care=draw(cares(slug, milestones=milestones)),
        steps=tuple(steps),
    )
