"""One letter to one reader, from the claim to the outcome, and what is counted and watched on the way."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import DispatchState
from keepshowingup.editorial.models import Revision


class Dispatch(models.Model):
    """One letter to one reader. Its unique keys are what makes a second one impossible."""

    # Each index is one more write for each letter: none of its own where another begins with the column. Each foreign
    # key is one more look-up: the keys of enrolment and notice vouch for the reader, the claim has just read the step.
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="dispatches", db_index=False, db_constraint=False
    )
    enrolment = models.ForeignKey(
        Enrolment, null=True, on_delete=models.CASCADE, related_name="dispatches", db_index=False
    )
    step_key = models.CharField(max_length=60, blank=True)
    revision = models.ForeignKey(
        Revision, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, db_constraint=False
    )
    notice = models.ForeignKey(Notice, null=True, on_delete=models.CASCADE, related_name="dispatches", db_index=False)

    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in DispatchState])
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was skipped, refused or is to be retried")
    due_at = models.DateTimeField(help_text="UTC, on the calendar")
    due_local = models.CharField(max_length=32, blank=True)
    due_reason = models.CharField(max_length=200, blank=True)
    message_id = models.CharField(max_length=120, help_text="Fixed for life: retries keep it")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Times the server was asked")
    crashes = models.PositiveSmallIntegerField(default=0, help_text="Times a worker died with it in hand")

    fence = models.PositiveIntegerField(default=1, help_text="Grows with each offer; a slow worker's old one is void")
    lease_until = models.DateTimeField(null=True, help_text="Real time")
    owner = models.CharField(max_length=80, blank=True, help_text="Which worker's journal speaks of it")
    retry_at = models.DateTimeField(null=True, help_text="Real time")
    promised = models.BooleanField(default=False, help_text="It was told its moment; it goes before newcomers")
    claimed_at = models.DateTimeField(help_text="UTC, on the calendar")
    handed_over_at = models.DateTimeField(null=True, help_text="UTC, on the calendar: when the server said 250")
    resent_at = models.DateTimeField(
        null=True, help_text="UTC, on the calendar: when it was offered again though the server may have had it"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "step_key"], name="one_dispatch_per_enrolment_and_step"),
            models.UniqueConstraint(
                fields=["notice"], condition=Q(notice__isnull=False), name="one_dispatch_per_notice"
            ),
            # One index that serves both = and LIKE '<…@%'; unique=True would make PostgreSQL keep two.
            models.UniqueConstraint(
                fields=["message_id"], opclasses=["varchar_pattern_ops"], name="dispatch_message_id"
            ),
            models.CheckConstraint(
                name="dispatch_is_for_a_step_or_a_notice",
                condition=Q(enrolment__isnull=False, notice__isnull=True)
                | Q(enrolment__isnull=True, notice__isnull=False),
            ),
        ]
        indexes = [
            # One state each: SQLite does not see that a question about one state is answered by an index over two.
            models.Index(fields=["lease_until"], condition=Q(state="claimed"), name="dispatch_claimed"),
            models.Index(fields=["owner"], condition=Q(state="handing_over"), name="dispatch_in_hand"),
            models.Index(fields=["retry_at"], condition=Q(state="retry_at"), name="dispatch_to_retry"),
            models.Index(fields=["handed_over_at"], condition=Q(state="unknown"), name="dispatch_in_doubt"),
            models.Index(fields=["subscriber", "handed_over_at"], name="dispatch_by_reader"),
        ]


class LedgerLine(models.Model):
    """So many letters that came to the same end in one breath. Lines are added and summed up, never taken back.

    It is about nobody, so it outlives the delivery log and a reader's erasure: counts made of it only grow.
    """

    at = models.DateTimeField(db_index=True, help_text="UTC, on the calendar; the beginning of its span")
    span = models.PositiveIntegerField(default=0, help_text="Seconds this line is the sum of; 0: as it was written")
    end = models.CharField(max_length=12, help_text="One of delivery.ledger.End")
    reason = models.CharField(max_length=20, blank=True, help_text="Why it was skipped")
    transport = models.CharField(max_length=300, blank=True, help_text="Which one answered, where one did")
    late = models.FloatField(null=True, help_text="Upper bound in seconds of core.lateness; empty: above the last")
    number = models.PositiveBigIntegerField()
    seconds = models.FloatField(default=0, help_text="Their lateness, added up")


class Heartbeat(models.Model):
    """The last sign of life of a part, written by the part itself."""

    part = models.CharField(max_length=120, primary_key=True)
    seen_at = models.DateTimeField(help_text="Real time")


class UnderWay(models.Model):
    """What a worker has under way, written by the worker itself. See ``carrying.py``."""

    worker = models.CharField(max_length=80, primary_key=True, help_text="Its journal's name")
    transports = models.JSONField(default=dict, help_text="Letters by transport")
    domains = models.JSONField(default=dict, help_text="Letters by recipients' domain, of providers only")
    seen_at = models.DateTimeField(help_text="Real time")


class Breaker(models.Model):
    """A transport or a domain that rests, or that has rested and has not taken a letter since. See ``breaker.py``."""

    transport = models.CharField(max_length=400, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True, help_text="Real time")
    trial_until = models.DateTimeField(
        null=True, help_text="Real time: until then one letter is tried, the others wait"
    )
    reason = models.CharField(max_length=200, blank=True)


class Bucket(models.Model):
    """What has passed of a limited transport or domain, for all workers on all machines. See ``core/turns.py``."""

    name = models.CharField(max_length=300, primary_key=True)
    free_at = models.DateTimeField(null=True, help_text="Real time: when it would be as good as new")
    queue_until = models.DateTimeField(null=True, help_text="Real time: the last moment that was promised")
    day = models.DateField(null=True, help_text="UTC, real time")
    used = models.PositiveIntegerField(default=0, help_text="Letters of that day")
    asked_at = models.DateTimeField(null=True, help_text="Real time, by the clock of whoever asked last")


class Decision(models.Model):
    """What was decided about a letter in doubt, by whom and when. Rows are added and never changed.

    It is about one doubt: a letter that is sent again has a new fence, and may come into doubt again.
    """

    class What(models.TextChoices):
        ARRIVED = "arrived", "it arrived"
        SEND_AGAIN = "send_again", "send it again"
        LET_BE = "let_be", "let it be"

    dispatch = models.ForeignKey(Dispatch, on_delete=models.CASCADE, related_name="decisions")
    fence = models.PositiveIntegerField(help_text="The dispatch's fence at that moment: which doubt it was")
    what = models.CharField(max_length=12, choices=What)
    by = models.CharField(max_length=254, help_text="A staff address, a system user, or KSU_UNKNOWN")
    decided_at = models.DateTimeField(help_text="UTC, on the calendar")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "fence", "what"], name="decided_once_about_each_doubt")
        ]


class HighWater(models.Model):
    """How far this database has come: one row, raised by each tick, and noted in the data folder after it.

    A database with less than the folder remembers has been put back to an earlier time.
    """

    epoch = models.CharField(max_length=32, help_text="Random; another one after each restore that was accepted")
    level = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField(help_text="Real time")


class Gap(models.Model):
    """A time of which a restored database knows nothing: letters may have left in it. Real time, UTC.

    While one is open nothing is sent. ``begins`` is empty when the database had never run.
    """

    begins = models.DateTimeField(null=True)
    ends = models.DateTimeField()
    found_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    evidence = models.JSONField(default=list, help_text="Spans [from, until] that logs have spoken of, ISO 8601")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=254, blank=True)
    how = models.CharField(max_length=200, blank=True, help_text="What was done about the letters of that time")
