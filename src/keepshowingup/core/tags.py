"""Labels that staff or another program give to readers. They stay in the house, and still they say little."""

from __future__ import annotations

import re

from keepshowingup.core.discretion import topic_spans
from keepshowingup.core.errors import WrongUsage

LONGEST_TAG = 40
_TAG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def tidy_tag(text: str) -> str:
    """A tag in its one form: lower case, words joined by hyphens. Raises :class:`WrongUsage` for what is none."""
    tag = re.sub(r"[\s_-]+", "-", text.strip().lower())
    if len(tag) > LONGEST_TAG or not _TAG.fullmatch(tag):
        raise WrongUsage(
            f"'{text.strip()[:LONGEST_TAG]}' is no tag. Write letters a to z, digits and hyphens, "
            f"{LONGEST_TAG} at most, like spring-group."
        )
    return tag


def neutral_tag(text: str) -> str:
    """The same for a tag that is about to be kept: one that names the topic is refused.

    A label must not say more about a person than that they read letters. What is kept already is not asked again:
    the list of telling words grows, and must not stop anybody's letters.
    """
    tag = tidy_tag(text)
    if topic_spans(tag.replace("-", " ")):
        raise WrongUsage(f"The tag '{tag}' says what the letters are about. Choose a neutral one, like spring-group.")
    return tag
