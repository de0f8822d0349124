"""A line of the logbook."""

from __future__ import annotations

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from keepshowingup.core.errors import Refused


class Entry(models.Model):
    """Something somebody at the desk did. Readers stand in it by their opaque ids, never by address.

    ``digest`` is made of this line and the digest of the one before, so a line that was changed, or is gone from
    the middle, shows. The database itself refuses updates and deletions: see ``guarding``.
    """

    class What(models.TextChoices):
        APPROVED = "approved", "approved"
        OVERRIDDEN = "overridden", "let a finding stand"
        SENT_BACK = "sent-back", "sent back"
        STARTED = "started", "started"
        PAUSED = "paused", "paused"
        RESUMED = "resumed", "resumed"
        DELETED = "deleted", "deleted"
        UNDONE = "undone", "undid a change of"
        EXPORTED = "exported", "exported"
        STOPPED_READER = "stopped-reader", "stopped all letters to"
        ERASED_READER = "erased-reader", "erased"
        SETTLED = "settled", "settled"
        ACCOUNT = "account", "changed the account of"
        MASTHEAD = "masthead", "changed"

    at = models.DateTimeField(help_text="UTC, on the calendar")
    who = models.CharField(max_length=254, help_text="A staff address, or a name such as the program")
    what = models.CharField(max_length=20, choices=What)
    about = models.CharField(max_length=200, help_text="What it was done to, in words")
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="Ids and counts, for machines")
    previous = models.CharField(max_length=64, unique=True, help_text="The digest of the line before")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256, in hex")

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "entries"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new line. Raises :class:`Refused` for one that is written already."""
        if self.pk is not None:
            raise Refused("A line of the logbook can't be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises :class:`Refused`, always."""
        raise Refused("A line of the logbook can't be deleted.")

    def __str__(self) -> str:
        return f"line {self.pk}: {self.what}"
