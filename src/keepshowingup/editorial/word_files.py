"""Word files (.docx, ECMA-376) as Markdown: their words, headings, lists, links, tables and pictures.

What was deleted with changes tracked, comments, headers and footers are not the text and stay away. Nothing in such a
file is run, and nothing it points at is opened.
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import mammoth
from mammoth.docx.files import InvalidFileReferenceError

from keepshowingup.core.errors import Refused
from keepshowingup.editorial.pages import html_to_markdown

#: Bytes a Word file may have when it is unpacked, and its text alone: a small file can hold a very large one.
UNPACKED_LIMIT = 100 * 1024 * 1024
TEXT_LIMIT = 16 * 1024 * 1024
MOST_PARTS = 5_000

# Styles by the names that Word and LibreOffice give them; what mammoth knows by itself is not said again.
_STYLES = "\n".join(
    (
        "p[style-name='Title'] => h1:fresh",
        "p[style-name='Quote'] => blockquote > p:fresh",
        "p[style-name='Intense Quote'] => blockquote > p:fresh",
        "p[style-name='Quotations'] => blockquote > p:fresh",
        "r[style-name='Strong Emphasis'] => strong",
        "r[style-name='Emphasis'] => em",
    )
)
_ENTITIES = re.compile(rb"<!(?:DOCTYPE|ENTITY)|<\0!\0|\0<\0!\0[DE]", re.IGNORECASE)
_CREATOR = re.compile(r"<dc:creator[^<>]*>([^<]{1,200})</dc:creator>")


def word_file_to_markdown(data: bytes, *, images: bool = False) -> str:
    """A ``.docx`` file as Markdown.

    Raises :class:`Refused` when it can't be read, or unpacks to more than 100 MB, 16 MB of them text.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive)
        html = mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(_image),
            ignore_empty_paragraphs=True,
        ).value
    except Refused:
        raise
    except Exception as error:  # a broken file fails in many ways inside zip, XML and mammoth
        raise Refused("The Word file can't be read. Open it in a word processor and save it as .docx again.") from error
    return html_to_markdown(html, images=images)


def author_of(data: bytes) -> str:
    """Who wrote the file, as its properties have it; empty where they don't say."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("docProps/core.xml") as part:
            found = _CREATOR.search(part.read(100_000).decode("utf-8", "replace"))
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError, RuntimeError):
        return ""
    return " ".join(found.group(1).split()) if found else ""


def _check(archive: zipfile.ZipFile) -> None:
    """Refuse what would unpack to more than memory likes, by what the parts say they have: no more of them is read."""
    parts = archive.infolist()
    if sum(part.file_size for part in parts) > UNPACKED_LIMIT or len(parts) > MOST_PARTS:
        raise Refused("The Word file unpacks to more than 100 MB. Save its text without the pictures.")
    texts = [part for part in parts if part.filename.lower().endswith((".xml", ".rels"))]
    if sum(part.file_size for part in texts) > TEXT_LIMIT:
        raise Refused("The Word file holds more than 16 MB of text. Split it, or save only the part you need.")
    for part in texts:
        # Word writes no document types; they only serve to make much of little, and to reach for other files.
        if _ENTITIES.search(archive.read(part)):
            raise Refused("The Word file declares entities, which no word processor writes. Save it as .docx again.")


def _image(image: Any) -> Mapping[str, str]:
    """An image inside the file as an address that holds it; one that is only linked has none."""
    try:
        with image.open() as opened:
            data = opened.read()
    except (InvalidFileReferenceError, KeyError):
        return {"src": ""}
    kind = re.sub(r"[^\w/+.-]", "", image.content_type or "")
    return {"src": f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"}
