"""The project's own Django app, and the start-up checks that say how to mend what they find."""

from __future__ import annotations

from django.apps import AppConfig


class KeepShowingUpConfig(AppConfig):
    """The house itself; the rooms are apps of their own."""

    name = "keepshowingup"
    label = "keepshowingup"
