"""What letters can look like, as staff choose it."""

from __future__ import annotations

from keepshowingup.letters.themes import theme_labels


def look_choices() -> list[tuple[str, str]]:
    """Every theme with its name for people; the first is no wish."""
    return [("", "As the masthead says"), *theme_labels().items()]
