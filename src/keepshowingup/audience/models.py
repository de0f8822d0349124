"""Readers, what they agreed to, the one-off letters owed to them, and the addresses that must not be written to."""

from __future__ import annotations

import datetime as dt
import secrets

from django.db import models
from django.db.models import Q


def new_opaque() -> str:
    """64 random bits as 16 hex digits: a name that says nothing. It is no secret; tokens add a MAC."""
    return secrets.token_hex(8)


def new_opaques(count: int) -> list[str]:
    """So many of :func:`new_opaque`, ascending: that is how an index takes in many at once most easily."""
    digits = secrets.token_hex(8 * count)
    return sorted(digits[start : start + 16] for start in range(0, len(digits), 16))


class Subscriber(models.Model):
    """A reader. Little is kept, and nothing about their health."""

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "unconfirmed"
        ACTIVE = "active", "active"
        LEFT = "left", "left"
        SUPPRESSED = "suppressed", "stopped: the address bounced, or its owner complained"

    class Audience(models.TextChoices):
        SELF = "self", "for myself"
        FAMILY = "family", "for somebody close to me"

    opaque = models.CharField(max_length=16, default=new_opaque)
    email = models.CharField(max_length=254, help_text="As the reader wrote it, normalised")
    email_key = models.CharField(max_length=254, help_text="Case-folded: one reader per address")
    first_name = models.CharField(max_length=80, blank=True)
    zone = models.CharField(max_length=64, default="UTC")
    hour = models.TimeField(default=dt.time(10, 0), help_text="Preferred local time of day")
    language = models.CharField(max_length=10, default="en")
    theme = models.CharField(
        max_length=12, blank=True, default="", db_default="", help_text="How letters look to them; empty: as they come"
    )
    country = models.CharField(max_length=2, blank=True)
    audience = models.CharField(max_length=10, choices=Audience, default=Audience.SELF)
    counted_from = models.DateField(null=True, blank=True, help_text="The private date a reader may give us")
    letters_a_week = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="At most so many in 7 days, by the reader's choice; empty: as they come"
    )

    state = models.CharField(max_length=12, choices=State, default=State.UNCONFIRMED)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True, help_text="Empty while paused: until they say")
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True, help_text="Kept while a reader who left is asked again")

    class Meta:
        # As constraints: unique=True would give PostgreSQL a second index for LIKE, which nobody asks.
        constraints = [
            models.UniqueConstraint(fields=["opaque"], name="one_reader_per_opaque"),
            models.UniqueConstraint(fields=["email_key"], name="one_reader_per_address"),
        ]

    def is_paused(self, now: dt.datetime) -> bool:
        """Whether letters rest at ``now`` (aware, UTC)."""
        return self.paused_at is not None and (self.paused_until is None or self.paused_until > now)

    def __str__(self) -> str:
        return f"reader {self.opaque}"  # never the address: this ends up in logs and page titles


class ReaderTag(models.Model):
    """A neutral label on a reader. Sequences may ask for it; see ``core/conditions.py`` and ``core/care.py``."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="tags", db_index=False)
    name = models.CharField(max_length=40)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscriber", "name"], name="tag_once_per_reader")]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """One request to join, waiting for the reader's yes. Its confirmation link works once, for 7 days.

    What was written into the form stays here until then: anybody can write down somebody else's address, and must
    not be able to change anything about its owner.
    """

    opaque = models.CharField(max_length=16, unique=True, default=new_opaque)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="invitations")
    sequence_id = models.BigIntegerField(null=True, help_text="Which sequence they asked for")
    first_name = models.CharField(max_length=80, blank=True)
    zone = models.CharField(max_length=64, default="UTC")
    hour = models.TimeField(default=dt.time(10, 0))
    language = models.CharField(max_length=10, default="en")
    country = models.CharField(max_length=2, blank=True)
    audience = models.CharField(max_length=10, choices=Subscriber.Audience, default=Subscriber.Audience.SELF)
    form = models.CharField(max_length=80, help_text="Where they asked: a page or a form's name")
    text_version = models.CharField(max_length=20, help_text="Which consent text they saw")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)


class Consent(models.Model):
    """Proof that a reader asked for letters (GDPR article 7.1): what they saw, where, when, and how confirmed."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="consents")
    given_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=200, help_text="A form, an import file, or a note by staff")
    text_version = models.CharField(max_length=20, blank=True)


class Notice(models.Model):
    """A one-off letter owed to a reader: confirm an address, find your preferences. Delivery pulls it when due."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "confirm an address"
        ALREADY = "already", "you are already reading"
        WELCOME = "welcome", "welcome"
        RESUME = "resume", "the break is over"
        GOODBYE = "goodbye", "you have left"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=12, choices=Kind)
    invitation = models.ForeignKey(Invitation, null=True, blank=True, on_delete=models.CASCADE)
    due_at = models.DateTimeField(null=True, blank=True, help_text="Empty once delivery has claimed it")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="notice_due")]


class Suppression(models.Model):
    """An address that must not be written to, as a keyed hash: it outlives the reader's erasure."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", "the address does not exist"
        COMPLAINT = "complaint", "the reader complained"
        ERASED = "erased", "the reader asked to be erased"
        STAFF = "staff", "staff stopped it"

    key = models.CharField(max_length=64, unique=True, help_text="HMAC-SHA256 of the case-folded address")
    reason = models.CharField(max_length=12, choices=Reason)
    created_at = models.DateTimeField()


class StopRequest(models.Model):
    """Somebody asked, on the public page or by an answer, for no more mail to an address: it rests until staff look.

    Anybody can ask this, also about somebody else's address, so it pauses and never erases.
    """

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="stop_requests")
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=254, blank=True, help_text="A staff address, or the reader")
    told_at = models.DateTimeField(null=True, blank=True, help_text="When colleagues were written to about it")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber"], condition=Q(settled_at__isnull=True), name="one_open_stop_request_per_reader"
            )
        ]


class JoinAttempt(models.Model):
    """One use of a public form, kept a day, so that limits hold across processes and restarts."""

    network = models.CharField(max_length=64, help_text="Keyed hash of the sender's network")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["network", "at"], name="attempt_by_network"),
            models.Index(fields=["at"], name="attempt_by_time"),
        ]
