"""Whose letter a returned mail is about: the traces our own letter left in it."""

from __future__ import annotations

import re

from keepshowingup.outcomes.mail_parts import Mail, all_words, first_message, header, parse, parts, words_of

ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:@]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")

_ID = re.compile(r"<[^<>\s]{1,250}>")
_QUOTED_ID = re.compile(r"^[ \t>]*Message-ID:\s*(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE)
_OUR_RETURN_PATH = re.compile(r"\bbounce\+([A-Za-z0-9_.-]{8,120})@", re.IGNORECASE)
_VERP = re.compile(r"[+-]([^\s<>@=+]+)=([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)@")


def original_in(part: Mail) -> Mail | None:
    """The letter, or only its headers, that a part of a report carries along."""
    if part.get_content_type() in {"message/rfc822", "message/global", "message/rfc822-headers"}:
        return first_message(part) or parse(words_of(part).encode("utf-8", "replace"))
    if part.get_content_type() == "text/rfc822-headers":
        return parse(words_of(part).encode("utf-8", "replace"))
    return None


def letter_of(mail: Mail) -> str:
    """The Message-ID of the letter a mail is about: from the letter attached, else from the words that quote it."""
    for part in parts(mail):
        original = original_in(part)
        if original is not None and (found := _ID.search(header(original, "message-id"))):
            return found[0]
    quoted = _QUOTED_ID.findall(all_words(mail))
    if quoted:
        return str(quoted[-1])
    replied = _ID.findall(header(mail, "in-reply-to") or header(mail, "references"))
    return str(replied[-1]) if replied else ""


def token_of(mail: Mail) -> str:
    """The token of our return path the mail came back to, not yet believed."""
    for name in ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"):
        if found := _OUR_RETURN_PATH.search(header(mail, name)):
            return found[1]
    for part in parts(mail):
        original = original_in(part)
        if original is not None and (found := _OUR_RETURN_PATH.search(header(original, "return-path"))):
            return found[1]
    return ""


def verp_recipient(mail: Mail) -> str:
    """The recipient as other senders write it into the return path: ``list+name=example.org@``."""
    for name in ("to", "delivered-to", "x-original-to", "envelope-to"):
        if found := _VERP.search(header(mail, name)):
            return f"{found[1]}@{found[2]}"
    return ""


def addressee_of(mail: Mail) -> str:
    """Whom the letter that came back was written to, by its own To; empty when it is not attached or is blacked out."""
    originals = (original_in(part) for part in parts(mail))
    return next((address_in(header(original, "to")) for original in originals if original is not None), "")


def address_in(text: str) -> str:
    """The first address in a text."""
    found = ADDRESS.search(text)
    return found[0] if found else ""
