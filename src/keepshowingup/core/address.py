"""Whether an address can be written to, and the one form it is kept in.

Stricter than RFC 5322 on purpose: quoted local parts, comments and domain literals are legal, nobody's inbox has
them, and each of them is a way to smuggle something. Nothing here asks the network.
"""

from __future__ import annotations

import encodings.idna
import re
import unicodedata
from dataclasses import dataclass

# RFC 5321 4.5.3.1: 64 octets before the @, 255 for the domain, and 256 for the path with its angle brackets.
LOCAL_OCTETS = 64
ADDRESS_OCTETS = 254

# RFC 5322 3.2.3 dot-atom before the @; RFC 5890 2.3.1 letter-digit-hyphen labels after it.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_HOST_LABEL = re.compile(_LABEL)
# Every top-level domain that exists is letters only, or an A-label.
_TOP_LABEL = re.compile(r"[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,59}", re.IGNORECASE)

# Characters IDNA2003 (the standard library's codec) turns into a different name than IDNA2008 does, RFC 5894 7.2:
# a letter to faß.example must not go to whoever owns fass.example.
_READ_TWO_WAYS = frozenset("ßẞς")

# RFC 3490 3.1: what Chinese and Japanese keyboards write for the dot.
_WRITTEN_DOTS = re.compile("[\u3002\uff0e\uff61]")

_NOT_PRINTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True)
class Checked:
    """What :func:`check_address` found. ``normalised`` and ``key`` are empty unless ``ok``; ``reason`` is, if it is.

    ``normalised`` keeps the case before the @, which is the receiving side's business, and has the domain in lower
    case as A-labels. ``key`` is case-folded: two addresses with one key are one reader. The reason never repeats
    the address, so it may be logged.
    """

    ok: bool
    normalised: str = ""
    key: str = ""
    reason: str = ""


def check_address(text: str) -> Checked:
    """Check one address, exactly as given: spaces around it are refused too, so trim what people typed first."""
    if reason := _unprintable(text):
        return Checked(False, reason=reason)
    local, at, domain = text.rpartition("@")
    if not at:
        return Checked(False, reason="There is no @ in this address. Write it like name@example.org.")
    if reason := _local_reason(local):
        return Checked(False, reason=reason)
    host, reason = _host_of(domain)
    if reason:
        return Checked(False, reason=reason)
    normalised = f"{local}@{host}"
    if len(normalised) > ADDRESS_OCTETS:
        return Checked(False, reason=f"This address is longer than {ADDRESS_OCTETS} characters.")
    return Checked(True, normalised, normalised.casefold())


def _unprintable(text: str) -> str:
    if not text:
        return "The address is empty."
    if text.isascii() and text.isprintable() and " " not in text:
        return ""
    if "\r" in text or "\n" in text or "\0" in text:
        return "There is a line break or a NUL character in this address. Write one address on one line."
    for character in text:
        category = unicodedata.category(character)
        if category == "Zs" or character == "\t":
            return "There is a space in this address."
        if category in _NOT_PRINTED:
            return "There is an invisible or unknown character in this address. Type it again instead of pasting it."
    return ""


def _local_reason(local: str) -> str:
    if not local:
        return "There is nothing before the @."
    if not local.isascii():
        return (
            "The part before the @ has letters that many mail servers can't deliver yet. "
            "Please give an address that is written in a to z there."
        )
    if "@" in local:
        return "There is more than one @ in this address."
    if len(local) > LOCAL_OCTETS:
        return f"The part before the @ is longer than {LOCAL_OCTETS} characters."
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return "There is a dot too many before the @."
    if not _LOCAL.fullmatch(local):
        return "There is a character before the @ that doesn't belong there."
    return ""


def _host_of(domain: str) -> tuple[str, str]:
    """The domain in lower case as A-labels, or the reason it is none."""
    if not domain:
        return "", "There is nothing after the @."
    if domain.startswith("["):
        return "", "An address at a bare IP number can't be written to. Give one with a domain."
    if not domain.isascii():
        domain, reason = _ascii_form(domain)
        if reason:
            return "", reason
    host = domain.lower()
    if host == "localhost":
        return host, ""
    labels = host.split(".")
    if "" in labels:
        return "", "There is a dot too many after the @."
    if len(labels) < 2:
        return "", "The part after the @ has no dot. Write it like name@example.org."
    if not all(map(_is_label, labels)):
        return "", "The part after the @ is not a domain name."
    if not _TOP_LABEL.fullmatch(labels[-1]) or labels[-1] == "localhost":
        return "", "The domain's ending doesn't exist. Write it like name@example.org."
    return host, ""


def _ascii_form(domain: str) -> tuple[str, str]:
    """A domain with letters beyond ASCII as A-labels.

    The standard library knows IDNA2003 with Unicode 3.2. What it would read differently from IDNA2008 is refused
    with a sentence that says how to write it, rather than sent to another domain.
    """
    domain = _WRITTEN_DOTS.sub(".", domain)
    old_unicode = unicodedata.ucd_3_2_0
    if any(c in _READ_TWO_WAYS or old_unicode.category(c) == "Cn" for c in domain):
        return "", "This domain can be read in two ways. Please write it in its xn-- form."
    try:
        labels = [encodings.idna.ToASCII(label) for label in domain.split(".") if label]
    except UnicodeError:
        return "", "The part after the @ is not a domain name."
    ascii_form = b".".join(labels).decode("ascii")
    return (ascii_form, "") if domain.count(".") == len(labels) - 1 else ("", "There is a dot too many after the @.")


def _is_label(label: str) -> bool:
    if not _HOST_LABEL.fullmatch(label):
        return False
    if label[2:4] != "--":
        return True
    # RFC 5891 4.2.3.1: two hyphens there are reserved; only A-labels use them so far.
    if not label.startswith("xn--"):
        return False
    try:
        read = label[4:].encode("ascii").decode("punycode")
    except ValueError:
        return False
    return not read.isascii() and read.isprintable()
