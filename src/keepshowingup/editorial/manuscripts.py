"""The Markdown in the bytes of a file, of whatever kind. No database: drafting and proofreading read files too."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath

from keepshowingup.core.errors import Refused
from keepshowingup.core.letter_markdown import tidy
from keepshowingup.core.restructured import looks_restructured, to_markdown

#: Bytes an article may have.
SIZE_LIMIT = 10 * 1024 * 1024
_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_DECLARED = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x19\x1b-\x1f\x7f]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def text_of(data: bytes, name: str, *, images: bool = False) -> str:
    """The Markdown in the bytes of a file called ``name``: .md, .txt, .rst, .html or .docx.

    With ``images`` those of pages and Word files stand in it with the address they have there, which is nowhere we may
    leave them: see :mod:`.gathering`. Raises :class:`Refused` for more than 10 MB and for what is not text.
    """
    check_size(len(data), name)
    suffix = PurePath(name).suffix.lower()
    if suffix == ".docx" or data.startswith(b"PK\x03\x04"):
        # Reading pages and Word files takes large libraries; plain text, the usual case, must not wait for them.
        from keepshowingup.editorial.word_files import word_file_to_markdown

        return tidy(word_file_to_markdown(data, images=images))
    if data.startswith(b"%PDF"):
        raise Refused(f"{name} is a PDF. Save its text as .txt, .md or .docx, and import that.")
    if suffix == ".doc" or data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused(f"{name} is an old Word file. Save it as .docx, and import that.")
    is_page = suffix in {".html", ".htm", ".xhtml"} or bool(_PAGE.match(data[:2000]))
    text = _decoded(data, name, is_page=is_page)
    if not is_page:
        text = tidy(text)
        return to_markdown(text) if suffix == ".rst" or looks_restructured(text) else text
    from keepshowingup.editorial.pages import page_to_markdown

    return tidy(page_to_markdown(text, images=images))


def check_size(size: int, name: str) -> None:
    """Refuse a file of more than 10 MB, before it is read where its size is known. Raises :class:`Refused`."""
    if size > SIZE_LIMIT:
        raise Refused(f"{name} has {size / 1024 / 1024:.0f} MB; 10 MB is the most. Split it, or save only its text.")


def _decoded(data: bytes, name: str, *, is_page: bool) -> str:
    """The text of some bytes: by its byte order mark, as UTF-8, as the page says, else as Windows-1252."""
    not_text = Refused(f"{name} is not a text. Import a .md, .txt, .html or .docx file.")
    encodings = [encoding for mark, encoding in _BOMS if data.startswith(mark)][:1] or ["utf-8"]
    if encodings == ["utf-8"]:
        if b"\0" in data:
            raise not_text
        declared = _DECLARED.search(data[:4096]) if is_page else None
        encodings += [declared.group(1).decode("ascii")] if declared else []
        encodings.append("cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        # Windows-1252 gives almost any bytes a meaning; control characters say that it was none.
        if "\0" in text or (encoding == "cp1252" and _CONTROL.search(text)):
            raise not_text
        return text.removeprefix("\ufeff")
    raise not_text
