"""The audience room, as Django sees it."""

from __future__ import annotations

from django.apps import AppConfig


class AudienceConfig(AppConfig):
    """Models live under the label ``audience``."""

    name = "keepshowingup.audience"
    label = "audience"
    default_auto_field = "django.db.models.BigAutoField"
