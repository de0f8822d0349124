"""Articles, sequences, their steps, and the frozen letters people approved."""

from __future__ import annotations

import datetime as dt
import functools
import operator

from django.db import models
from django.db.models import Q


class Masthead(models.Model):
    """Who the letters come from. One row; every letter's From, footer and List-Id is made of it."""

    name = models.CharField(max_length=80, default="Letters", help_text="Neutral: it is seen in an inbox.")
    from_name = models.CharField(max_length=80, default="Letters")
    from_address = models.CharField(max_length=254, default="letters@localhost")
    reply_to = models.CharField(max_length=254, blank=True)
    postal_address = models.CharField(max_length=300, blank=True, help_text="Required by law in every letter.")

    class Meta:
        verbose_name = "masthead"


class Article(models.Model):
    """A text of any origin, kept as Markdown, with where it came from."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    text = models.TextField(help_text="Markdown")
    language = models.CharField(max_length=10, default="en")
    source_url = models.CharField(max_length=500, blank=True)
    source_name = models.CharField(max_length=200, blank=True)
    author = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    words = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list, help_text="The proofreader's findings at import")
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ["-imported_at"]

    def __str__(self) -> str:
        return self.title


class Sequence(models.Model):
    """A timed row of letters, or a newsletter (a sequence whose steps carry dates)."""

    class State(models.TextChoices):
        DRAFT = "draft", "draft"
        LIVE = "live", "live"
        PAUSED = "paused", "paused"

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120, help_text="Seen by readers. Keep it neutral.")
    description = models.TextField(blank=True, help_text="One or two sentences for the page where people join.")
    signature = models.CharField(max_length=80, blank=True, help_text="Who signs the letters, for example Ruth.")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    language = models.CharField(max_length=10, default="en")
    audience = models.CharField(max_length=10, default="self", help_text="self or family")
    open_ended = models.BooleanField(default=False, help_text="A newsletter: it has dates and never ends.")
    milestones = models.BooleanField(
        default=False, help_text="Its letters come at marks of the private date each reader gave us."
    )
    article = models.ForeignKey(Article, null=True, blank=True, on_delete=models.SET_NULL, related_name="sequences")

    weekdays = models.CharField(max_length=7, default="1234567", help_text="ISO weekdays, 1 is Monday")
    window_start = models.TimeField(default=dt.time(8, 0))
    window_end = models.TimeField(default=dt.time(21, 0), help_text="May be before the start: over midnight")
    quiet_start = models.TimeField(default=dt.time(21, 0))
    quiet_end = models.TimeField(default=dt.time(8, 0))
    too_late_hours = models.PositiveIntegerField(null=True, blank=True, help_text="Older letters are skipped")

    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


# A step says in exactly one of these ways when it comes.
_WAYS = ("after_days", "after_minutes", "on_date", "mark_days", "mark_months")


class Step(models.Model):
    """One letter's place in a sequence. ``key`` never changes, so moving or editing a step never re-sends it."""

    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="steps")
    key = models.SlugField(max_length=60)
    position = models.PositiveIntegerField()

    after_days = models.PositiveIntegerField(null=True, blank=True, help_text="Local days after joining")
    after_minutes = models.PositiveIntegerField(null=True, blank=True, help_text="Minutes after joining")
    on_date = models.DateField(null=True, blank=True, help_text="Newsletter: the local date")
    mark_days = models.PositiveIntegerField(null=True, blank=True, help_text="Milestones: days from the reader's date")
    mark_months = models.PositiveIntegerField(null=True, blank=True, help_text="Milestones: months from it")
    every_year = models.BooleanField(default=False, help_text="Milestones: and each full year after that mark")
    at_time = models.TimeField(null=True, blank=True, help_text="Local; empty: the reader's own hour")

    subject = models.CharField(max_length=200)
    preheader = models.CharField(max_length=200, blank=True)
    body = models.TextField(help_text="Markdown with merge fields")
    deleted_at = models.DateTimeField(null=True, blank=True)
    current = models.ForeignKey(
        "Revision", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="What is sent"
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["sequence", "key"], name="step_key_once_per_sequence"),
            models.CheckConstraint(
                name="step_has_one_timing",
                condition=functools.reduce(
                    operator.or_,
                    (Q(**{f"{other}__isnull": other != each for other in _WAYS}) for each in _WAYS),
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class Revision(models.Model):
    """A step's letter, frozen and compiled: what was approved is byte for byte what is rendered."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    # A brace in plain words is escaped as an expression, so a compiled line may be longer than what was written.
    subject = models.CharField(max_length=2000, help_text="Compiled: Jinja source of the subject")
    preheader = models.CharField(max_length=2000, blank=True, help_text="Compiled: Jinja source of the preheader")
    body = models.TextField(help_text="Markdown, as it was written")
    html = models.TextField(help_text="Compiled: inlined Jinja source")
    text = models.TextField(help_text="Compiled: Jinja source of the plain text")
    author = models.CharField(max_length=254, help_text="Who wrote it: a staff address, or the command line")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["step", "number"], name="revision_number_once_per_step")]

    @property
    def is_approved(self) -> bool:
        """Whether a second person has said yes to it."""
        return hasattr(self, "approval")

    def __str__(self) -> str:
        return f"{self.subject} (revision {self.number})"


class Approval(models.Model):
    """A second person's yes to one revision. A new revision has none: any edit voids it."""

    revision = models.OneToOneField(Revision, on_delete=models.CASCADE, related_name="approval")
    approver = models.CharField(max_length=254)
    approved_at = models.DateTimeField()
    overrides = models.JSONField(default=list, help_text="Blocking findings let through, each with its reason")
