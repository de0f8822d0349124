"""The logbook, as Django sees it."""

from __future__ import annotations

from django.apps import AppConfig


class LogbookConfig(AppConfig):
    """Models live under the label ``logbook``."""

    name = "keepshowingup.logbook"
    label = "logbook"
    default_auto_field = "django.db.models.BigAutoField"
