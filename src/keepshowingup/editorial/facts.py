"""What a page or a file says of itself: who wrote it, where it stood, its language, what may be done with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

from keepshowingup.core.licences import licence_name

_HTML_LANGUAGE = re.compile(rb"<html\b[^<>]{0,500}?\blang\s*=\s*[\"']?([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2})")
_RIGHTS_LINK = re.compile(
    r"<(?:a|link)\b(?=[^<>]{0,500}\brel\s*=\s*[\"']?[^\"'<>]{0,100}\blicense\b)[^<>]{0,500}?\bhref\s*=\s*[\"']?([^\"'\s<>]{1,500})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Facts:
    """What is known of a text beside its words; empty where nobody says."""

    author: str = ""
    licence: str = ""
    source_name: str = ""
    language: str = ""


def facts_of(data: bytes, name: str) -> Facts:
    """What the bytes of a file called ``name`` say. A licence is only one that is called so, never a copyright line."""
    if data.startswith(b"PK\x03\x04"):
        from keepshowingup.editorial.word_files import author_of

        return Facts(author=author_of(data))
    if PurePath(name).suffix.lower() not in {".html", ".htm", ".xhtml"}:
        return Facts()
    return _facts_of_page(data)


def _facts_of_page(data: bytes) -> Facts:
    import trafilatura

    page = data.decode("utf-8", "replace")
    found = trafilatura.extract_metadata(page)
    licence = _RIGHTS_LINK.search(page)
    language = _HTML_LANGUAGE.search(data[:20_000])
    return Facts(
        author=" ".join((found.author or "").split()) if found else "",
        licence=licence_name(licence.group(1)) if licence else "",
        source_name=" ".join((found.sitename or "").split()) if found else "",
        language=language.group(1).decode("ascii") if language else "",
    )
