"""The store, as Django sees it: no tables, one more lookup, and moments read quickly."""

from __future__ import annotations

from datetime import UTC
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class StoreConfig(AppConfig):
    """Teaches every query ``__among``."""

    name = "keepshowingup.store"
    label = "store"

    def ready(self) -> None:
        """Register the lookup, and what new connections are told."""
        import_module("keepshowingup.store.among")
        connection_created.connect(_read_moments_quickly, dispatch_uid="moments")


def _read_moments_quickly(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "postgresql" and connection.timezone is UTC:
        # Imported here: a house on SQLite need not load PostgreSQL's driver.
        moments = import_module("keepshowingup.store.moments")
        connection.connection.adapters.register_loader("timestamptz", moments.MomentLoader)
