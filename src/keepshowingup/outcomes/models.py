"""What came back about a letter, once per provider's event."""

from __future__ import annotations

from django.db import models

from keepshowingup.delivery.models import Dispatch


class Event(models.Model):
    """A provider's or a returned mail's word about one letter. Unique by the provider's id: replays change nothing."""

    provider = models.CharField(max_length=40)
    provider_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, help_text="One of outcomes.evidence.Kind")
    dispatch = models.ForeignKey(Dispatch, null=True, on_delete=models.CASCADE, related_name="events")
    status = models.CharField(max_length=20, blank=True, help_text="The enhanced status code (RFC 3463)")
    detail = models.CharField(max_length=300, blank=True)
    happened_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "provider_id"], name="event_once_per_provider")]
