"""Taking addresses and secrets out of a line of text, before it is kept where others read.

It takes too much rather than too little: whatever stands around an @ goes, up to the next space or bracket, so no @
is left in what it returns. Letters are known by their ids.
"""

from __future__ import annotations

import re

ADDRESS = "[address]"
TOKEN = "[token]"  # noqa: S105
SECRET = "[secret]"  # noqa: S105

# Also as addresses stand in links, in HTML, and in full-width letters.
_AT = r"(?:[@\uFF20\uFE6B]|%(?:25)*40|&(?:#0*64|#[xX]0*40|commat);?)"
_HAS_AT = re.compile(_AT)
# RFC 5322 3.2.3: none of these can stand in a local part outside of quotes, so an address can't reach past them.
_WORD = re.compile(r"[^\s()<>\[\],:;\"]+(?:;[^\s()<>\[\],:;\"]*)?")
# RFC 5322 3.2.4, and the same when the quotes were themselves quoted on the way here.
_QUOTED = re.compile(rf'(?:"(?:[^"\\\n]|\\.)*+"|"[^"\n]*+")(?={_AT})')
_URL_SECRET = re.compile(r"(?<=://)[^\s/?#]*@")
_PATH = re.compile(r"/(confirm|preferences|unsubscribe)/[^/\s?#\"'<>.]{8,}")
# What audience.tokens makes has 33 letters and digits or more; hardly a word has.
_LONG = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{33,}(?![0-9A-Za-z])")


def redact(text: str) -> str:
    """The text without addresses, readers' tokens, and the user and password of a URL.

    Doing it again changes nothing.
    """
    if "://" in text:
        text = _URL_SECRET.sub(SECRET, text)
    if _HAS_AT.search(text):
        text = _WORD.sub(_without_address, _QUOTED.sub("", text))
    text = _PATH.sub(rf"/\1/{TOKEN}", text)
    return _LONG.sub(TOKEN, text)


def _without_address(word: re.Match[str]) -> str:
    return ADDRESS if _HAS_AT.search(word[0]) else word[0]
