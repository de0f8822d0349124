"""The delivery room, as Django sees it."""

from __future__ import annotations

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Models live under the label ``delivery``."""

    name = "keepshowingup.delivery"
    label = "delivery"
    default_auto_field = "django.db.models.BigAutoField"
