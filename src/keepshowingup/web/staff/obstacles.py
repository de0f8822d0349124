"""What stands in the way of a start, with the page where it is mended."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from keepshowingup.editorial.models import Sequence
from keepshowingup.web.staff.roles import May


@dataclass(frozen=True)
class Obstacle:
    """A sentence, and a link to mend it where there is such a page."""

    sentence: str
    label: str = ""
    url: str = ""


def mend(sentence: str, sequence: Sequence, may: May) -> Obstacle:
    """Say where an obstacle is mended, if it is open to them. The sentences come from ``reviewing.obstacles``."""
    said = sentence.casefold()
    if "masthead" in said and may["masthead"]:
        return Obstacle(sentence, "Open the masthead", reverse("staff:masthead"))
    if "approv" in said and may["ask"]:
        return Obstacle(sentence, "See what waits", reverse("staff:ask", args=[sequence.slug]))
    return Obstacle(sentence)
