"""Pictures in a sequence's folder: files in ``images/``, which its letters show by the names people gave them.

A letter that was read speaks of them by the names they are kept under, which are made of their bytes. So a picture that
was painted over is another letter, and one that was only renamed is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from keepshowingup.core.errors import Refused
from keepshowingup.core.pictures import FOLDER, PICTURE_LIMIT, Picture, read_picture
from keepshowingup.editorial.fields import Fault

_SHOWN = re.compile(rf"(!\[[^\[\]]{{0,500}}\]\(\s*)(?:<{FOLDER}([^<>\n]+)>|{FOLDER}([^\s<>()]+))")


def kept_names(body: str, folder: Path, file: str, first_line: int) -> tuple[str, dict[str, Picture], list[Fault]]:
    """The body with its folder's pictures under the names they are kept by, those pictures, and what is wrong.

    ``file`` and ``first_line`` say where the body stands, for faults.
    """
    if FOLDER not in body:
        return body, {}, []
    pictures: dict[str, Picture] = {}
    faults: list[Fault] = []

    def kept(match: re.Match[str]) -> str:
        name = match.group(2) or match.group(3)
        try:
            picture = read_picture(_bytes(folder / "images", name), f"{FOLDER}{name}")
        except Refused as error:
            faults.append(Fault(file, first_line + body[: match.start()].count("\n"), error.message))
            return match.group()
        pictures[picture.name] = picture
        return f"{match.group(1)}{FOLDER}{picture.name}"

    return _SHOWN.sub(kept, body), pictures, faults


def _bytes(folder: Path, name: str) -> bytes:
    if Path(name).name != name:
        raise Refused(f"{FOLDER}{name} is not a file in images/. Put the picture there, without folders of its own.")
    try:
        with (folder / name).open("rb") as file:
            return file.read(8 * PICTURE_LIMIT + 1)
    except FileNotFoundError:
        raise Refused(f"There is no {FOLDER}{name} beside this letter. Put the picture there.") from None
    except OSError as error:
        raise Refused(f"{FOLDER}{name} can't be read: {error.strerror}.") from error


def picture_files(pictures: Mapping[str, Picture]) -> dict[str, bytes]:
    """The files that letters with these pictures need, by their names in the folder."""
    return {FOLDER + name: picture.data for name, picture in pictures.items()}
