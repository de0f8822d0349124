"""Articles, sequences, their steps, and the frozen letters people approved."""

from __future__ import annotations

import datetime as dt
import functools
import operator

from django.db import models
from django.db.models import Q

from keepshowingup.editorial.desk import Comment, Draft
from keepshowingup.editorial.kept_pictures import KeptPicture

__all__ = [
    "Approval",
    "Article",
    "Comment",
    "Draft",
    "Edit",
    "Edition",
    "Feed",
    "FeedItem",
    "Kept",
    "KeptPicture",
    "Masthead",
    "Revision",
    "Sequence",
    "Step",
]


class Masthead(models.Model):
    """Who the letters come from. One row; every letter's From, footer and List-Id is made of it."""

    name = models.CharField(max_length=80, default="Letters", help_text="Neutral: it is seen in an inbox.")
    from_name = models.CharField(max_length=80, default="Letters")
    from_address = models.CharField(max_length=254, default="letters@localhost")
    reply_to = models.CharField(max_length=254, blank=True)
    postal_address = models.CharField(max_length=300, blank=True, help_text="Required by law in every letter.")
    language = models.CharField(max_length=10, default="en", help_text="Spoken where a reader's own is not there")
    theme = models.CharField(max_length=12, blank=True, help_text="How letters look; empty: the house's own look")
    encloses_pictures = models.BooleanField(
        default=False, help_text="Pictures come along inside of each letter; else they are on our host"
    )

    class Meta:
        verbose_name = "masthead"

    @property
    def domain(self) -> str:
        """The domain that letters come from, which their Message-IDs are in."""
        return self.from_address.rpartition("@")[2] or "localhost"


class Article(models.Model):
    """A text of any origin, kept as Markdown, with where it came from."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    text = models.TextField(help_text="Markdown")
    language = models.CharField(max_length=10, default="en")
    source_url = models.CharField(max_length=500, blank=True)
    source_name = models.CharField(max_length=200, blank=True)
    author = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=100, blank=True, help_text="Empty: nobody has said, and no letter starts")
    licence_by = models.CharField(max_length=254, blank=True, help_text="Who stated it; empty: the text says so itself")
    words = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list, help_text="The proofreader's findings at import")
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ["-imported_at"]

    def __str__(self) -> str:
        return self.title


class Feed(models.Model):
    """A place on the web that says what is new there (RSS, Atom, JSON). News become drafts, or newsletter issues.

    Moments are the machine's own, UTC: other people's servers know nothing of a calendar that runs fast.
    """

    class Becomes(models.TextChoices):
        DRAFTS = "drafts", "drafts"
        ISSUES = "issues", "issues"

    url = models.CharField(max_length=500, unique=True)
    title = models.CharField(max_length=200, blank=True)
    becomes = models.CharField(max_length=10, choices=Becomes, default=Becomes.DRAFTS)
    sequence = models.ForeignKey(
        "Sequence", null=True, blank=True, on_delete=models.CASCADE, related_name="feeds", help_text="For issues"
    )
    added_by = models.CharField(max_length=254, help_text="The author of what becomes of it: another person approves")
    added_at = models.DateTimeField()
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(help_text="Not before this it is looked at again")
    failures = models.PositiveIntegerField(default=0, help_text="In a row")
    trouble = models.CharField(max_length=500, blank=True, help_text="What went wrong the last time; empty: nothing")

    class Meta:
        ordering = ["title", "url"]

    def __str__(self) -> str:
        return self.title or self.url


class FeedItem(models.Model):
    """One item of a feed that was seen: it is not brought in a second time, whatever its feed calls it then.

    ``key``, ``link`` and ``words`` are digests of what it is known by: its own name, its address, its text.
    """

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="items")
    key = models.CharField(max_length=64)
    link = models.CharField(max_length=64, blank=True)
    words = models.CharField(max_length=64)
    title = models.CharField(max_length=200, blank=True)
    url = models.CharField(max_length=500, blank=True)
    seen_at = models.DateTimeField()
    article = models.ForeignKey(Article, null=True, blank=True, on_delete=models.SET_NULL, related_name="feed_items")
    step = models.ForeignKey("Step", null=True, blank=True, on_delete=models.SET_NULL, related_name="feed_items")
    trouble = models.CharField(max_length=500, blank=True, help_text="Why it was not brought in; empty: nothing")

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["feed", "key"], name="feed_item_once")]

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
    theme = models.CharField(max_length=12, blank=True, help_text="How its letters look; empty: as the masthead says")
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

    urgent = models.BooleanField(default=False, help_text="Help in a crisis: on a clash it waits least")
    again_after_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Who is through may begin anew after so many days; empty: never"
    )
    ends_when = models.CharField(max_length=500, blank=True, help_text="Rules of core/care.py, commas between them")
    then = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="What follows at its end"
    )

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
    only_if = models.CharField(
        max_length=500, blank=True, help_text="Conditions of core/conditions.py, commas between them"
    )
    deleted_at = models.DateTimeField(null=True, blank=True)
    there_since = models.DateTimeField(
        null=True, blank=True, help_text="UTC; when it was brought back: readers past its place then do without it"
    )
    backfilled = models.BooleanField(default=False, help_text="Readers who were past its place get it too")
    kept_until = models.DateTimeField(
        null=True, blank=True, help_text="UTC; some readers enrolled before this have it another way: see Kept"
    )
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
    way = models.CharField(
        max_length=12, blank=True, help_text="For whom it is to be, one of core.editions.Way; empty: nobody has said"
    )
    written = models.JSONField(
        default=dict,
        help_text="{subject, preheader, when, only_if} as people wrote them, at its writing or approval; may be empty",
    )

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["step", "number"], name="revision_number_once_per_step")]

    @property
    def is_approved(self) -> bool:
        """Whether a second person has said yes to it."""
        return hasattr(self, "approval")

    @property
    def is_sent_back(self) -> bool:
        """Whether it waits for its writer: somebody sent it back, and nobody has asked for it again since."""
        return not self.is_approved and any(
            said.sends_back and said.resolved_at is None for said in self.comments.all()
        )

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a second person's yes."""
        return not self.is_approved and not self.is_sent_back

    def __str__(self) -> str:
        return f"{self.subject} (revision {self.number})"


class Edition(models.Model):
    """A revision's letter in another look than the usual one: the same words, the same plain text."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="editions")
    theme = models.CharField(max_length=12)
    html = models.TextField(help_text="Compiled: inlined Jinja source")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "theme"], name="edition_once_per_theme")]


class Approval(models.Model):
    """A second person's yes to one revision. A new revision has none: any edit voids it."""

    revision = models.OneToOneField(Revision, on_delete=models.CASCADE, related_name="approval")
    approver = models.CharField(max_length=254)
    approved_at = models.DateTimeField()
    overrides = models.JSONField(default=list, help_text="Blocking findings let through, each with its reason")


class Edit(models.Model):
    """One change to a sequence that readers are on: what it was, for whom, who made it, and what it takes to undo it.

    ``before`` has the rows it changed as they were, by model and key; ``changes`` says it letter by letter.
    """

    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="edits")
    way = models.CharField(max_length=12, help_text="One of core.editions.Way")
    made_by = models.CharField(max_length=254)
    made_at = models.DateTimeField(help_text="UTC, on the calendar")
    changes = models.JSONField(default=list, help_text="[{kind, key, subject}]; see core.editions.Change")
    heads = models.JSONField(default=dict, help_text="The head-counts that were shown before it was made")
    before = models.JSONField(default=dict)
    letters = models.JSONField(
        default=dict, help_text="Its letters, the first of which ends undoing: {keys, revisions}"
    )
    undone_at = models.DateTimeField(null=True, blank=True, help_text="UTC, on the calendar")
    undone_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"edit {self.pk} of sequence {self.sequence_id}"


class Kept(models.Model):
    """How readers who were enrolled before ``until`` keep a letter that has changed for everybody after them.

    Each aspect that is empty is the letter's own. Where several speak of an aspect, that with the earliest ``until``
    after the reader's enrolment is theirs.
    """

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="kept")
    edit = models.ForeignKey(Edit, on_delete=models.CASCADE, related_name="kept")
    until = models.DateTimeField(help_text="UTC")
    is_there = models.BooleanField(null=True, help_text="Whether they get it at all")
    position = models.PositiveIntegerField(null=True)
    timing = models.JSONField(null=True, help_text="{after_days, after_minutes, on_date, at_time}")
    revision = models.ForeignKey(Revision, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "edit"], name="kept_once_per_edit")]
