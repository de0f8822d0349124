"""How a recipients' domain is called in breakers and in buckets, where transports stand beside it by their names."""

from __future__ import annotations

_MARK = "domain:"


def name_of(domain: str) -> str:
    """The name for a domain."""
    return f"{_MARK}{domain}"


def domain_in(name: str) -> str:
    """The domain a name is about, on whichever transport; empty for a transport's own."""
    return unmarked(name).partition(" ")[0] if name.startswith(_MARK) else ""


def unmarked(name: str) -> str:
    """A name as people read it: ``moss.example``, ``moss.example by main``, or the transport's."""
    return name.removeprefix(_MARK)
