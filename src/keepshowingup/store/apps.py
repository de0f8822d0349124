"""The store, as Django sees it: no tables, one more lookup."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """Teaches every query ``__among``."""

    name = "keepshowingup.store"
    label = "store"

    def ready(self) -> None:
        """Register the lookup."""
        import_module("keepshowingup.store.among")
