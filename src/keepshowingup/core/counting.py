"""Numbers of things in words."""

from __future__ import annotations


def count_of(number: int, one: str, many: str = "") -> str:
    """``1 reader``, ``1,412 readers``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
