"""Letters that are shipped, ready to be read, changed and approved: the ten notes of milestones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from keepshowingup.core.errors import Refused
from keepshowingup.editorial.folders import read_folder
from keepshowingup.editorial.models import Sequence
from keepshowingup.editorial.publishing import apply
from keepshowingup.letters.words import main_language

MILESTONES = Path(__file__).with_name("milestones")
#: What is shipped in other languages than English, by language.
MILESTONES_IN = {"es": Path(__file__).with_name("milestones-es")}
AUTHOR = "keepshowingup"


def install_milestones(now: datetime, *, language: str = "en", slug: str = "", title: str = "") -> Sequence:
    """The shipped milestones as a draft nobody has approved yet, in English where ``language`` has none.

    Raises :class:`Refused` for a slug that is taken.
    """
    folder = read_folder(MILESTONES_IN.get(main_language(language), MILESTONES))
    folder = replace(folder, slug=slug or folder.slug, title=title or folder.title)
    if Sequence.objects.filter(slug=folder.slug).exists():
        raise Refused(f"There is a sequence {folder.slug} already: change its letters, or give it other ones.")
    apply(folder, author=AUTHOR, now=now)
    return Sequence.objects.get(slug=folder.slug)
