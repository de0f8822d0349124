"""Pictures that are kept: each once, whatever shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from keepshowingup.core.pictures import FOLDER, Measures, Picture, names_in
from keepshowingup.editorial.models import KeptPicture

#: Well before a picture is old enough to be tidied away, and seldom enough that two writers hardly meet.
RENEWED_AFTER = timedelta(days=1)


def keep_pictures(pictures: Iterable[Picture], *, now: datetime, source_url: str = "") -> None:
    """Keep these; one that is kept already stays as it is, and counts as kept just now."""
    rows = [
        KeptPicture(
            name=picture.name,
            width=picture.width,
            height=picture.height,
            octets=len(picture.data),
            data=picture.data,
            source_url=source_url[:500],
            kept_at=now,
        )
        for picture in pictures
    ]
    if rows:
        KeptPicture.objects.bulk_create(rows, update_conflicts=True, unique_fields=["name"], update_fields=["kept_at"])


def is_kept(name: str) -> bool:
    """Whether there is a picture of this name."""
    return KeptPicture.objects.filter(name=name).exists()


def measures_of(*texts: str, known: Mapping[str, Measures] | None = None) -> dict[str, Measures]:
    """The kept pictures that these texts show, by name. It asks nothing where none is shown that is not ``known``."""
    names = {name for text in texts for name in names_in(text)}
    found = {name: measures for name, measures in (known or {}).items() if name in names}
    if unknown := names - found.keys():
        rows = KeptPicture.objects.filter(name__in=unknown).values_list("name", "width", "height", "octets")
        found |= {name: Measures(width, height, octets) for name, width, height, octets in rows}
    return found


def hold_pictures(text: str, *, now: datetime) -> dict[str, Measures]:
    """The kept pictures of a text that is about to be kept with them, by name; they count as kept just now.

    Inside the transaction that keeps the text: nobody tidies them away meanwhile.
    """
    shown = KeptPicture.objects.filter(name__in=names_in(text))
    if FOLDER in text:
        shown.filter(kept_at__lt=now - RENEWED_AFTER).update(kept_at=now)
    return measures_of(text)


def read_pictures(names: Iterable[str]) -> dict[str, Picture]:
    """Pictures with their bytes, by name, in this order; what is not kept is not among them."""
    wanted = list(names)
    if not wanted:
        return {}
    rows = {row.name: row for row in KeptPicture.objects.filter(name__in=wanted)}
    return {
        name: Picture(name, rows[name].width, rows[name].height, bytes(rows[name].data))
        for name in wanted
        if name in rows
    }
