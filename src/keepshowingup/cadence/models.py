"""A reader's place in a sequence, the moment of their next letter, and the steps they have behind them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from keepshowingup.audience.models import Subscriber
from keepshowingup.core.states import EnrolmentState, WhyMoved
from keepshowingup.editorial.models import Sequence, Step


class Enrolment(models.Model):
    """One reader in one sequence, once through it. ``due_at`` is set while a letter waits, empty otherwise.

    Who begins anew after its end gets a row with the next ``round``: "never twice" is said of a row, so it holds
    within each round, and the rounds before keep their history. Only the last round is ever active.

    Without ``due_at`` an active enrolment either has a dispatch under way, and ``next_step`` says for which step, or
    waits for a step that does not exist yet (the next issue, an approval), and ``next_step`` is empty.
    """

    # Each index is one more write for each letter: none of its own where a unique one begins with the column.
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="enrolments", db_index=False)
    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="enrolments", db_index=False)
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in EnrolmentState], default=EnrolmentState.ACTIVE.value
    )
    round = models.PositiveSmallIntegerField(default=1, db_default=1, help_text="How often they have begun it")
    enrolled_at = models.DateTimeField(help_text="UTC")
    started_on = models.DateField(help_text="The reader's local date that day 0 is")
    next_step = models.ForeignKey(
        Step, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    next_key = models.CharField(
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text="The next letter's key where it is not its step's: a mark",
    )
    due_at = models.DateTimeField(null=True, blank=True, help_text="UTC; empty while a dispatch is under way")
    promised_at = models.DateTimeField(
        null=True, blank=True, help_text="UTC; what due_at was planned as, kept while a dispatch is under way"
    )
    due_local = models.CharField(max_length=32, blank=True, help_text="The wall time due_at was made from")
    due_reason = models.CharField(max_length=200, blank=True, help_text="Why then, or why not yet, in words")
    last_handed_at = models.DateTimeField(null=True, blank=True)
    moved_days = models.IntegerField(default=0, help_text="Days this reader's plan has moved: pauses, outages")
    rested_until = models.DateTimeField(
        null=True, blank=True, help_text="UTC; breaks up to here are counted in moved_days, so none counts twice"
    )

    ended_at = models.DateTimeField(null=True, blank=True, help_text="UTC; when this round came to its end")
    # Those rows are never deleted, and to have a million readers vouched for costs as much as to plan them.
    moved_with = models.ForeignKey(
        "CrowdMove", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        db_constraint=False, help_text="What has moved this plan together with others, last",
    )  # fmt: skip

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "sequence", "round"], name="enrolled_once_in_a_round")
        ]
        indexes = [
            # With the key: a sequence is read in its order, and two who write at different ends are not in one page.
            models.Index(fields=["sequence", "id"], name="enrolment_by_sequence"),
            models.Index(fields=["due_at"], condition=Q(state="active", due_at__isnull=False), name="enrolment_due"),
        ]


class Replan(models.Model):
    """A replanning of a whole sequence, done chunk by chunk; who stops in the middle is followed by somebody else.

    ``last`` is the enrolment up to which it is done. With ``rested`` it is the end of a rest: when it is done the
    sequence goes live.
    """

    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="replans")
    asked_at = models.DateTimeField(help_text="UTC, on the calendar")
    rested = models.DateTimeField(null=True, help_text="UTC, on the calendar: when the rest began that is over now")
    total = models.PositiveIntegerField(default=0, help_text="Readers there were to plan when it was asked for")
    done = models.PositiveIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, help_text="Real time")
    finished_at = models.DateTimeField(null=True, help_text="Real time")

    class Meta:
        indexes = [models.Index(fields=["sequence"], condition=Q(finished_at__isnull=True), name="replan_under_way")]


class PastStep(models.Model):
    """A step a reader has behind them: its letter was handed over, or it was passed over (``handed_at`` is empty).

    It is what keeps a step from being planned twice, and what the pace across all sequences is counted from.
    """

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="past_steps", db_index=False)
    # The enrolment's own key vouches for the reader: asking again would cost each letter one more look-up.
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="past_steps", db_index=False, db_constraint=False
    )
    step_key = models.CharField(max_length=60)
    settled_at = models.DateTimeField(help_text="UTC")
    handed_at = models.DateTimeField(null=True, blank=True, help_text="UTC; empty when nothing was handed over")
    due_local = models.CharField(max_length=32, blank=True)
    due_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        # On PostgreSQL with settled_at beside it (0008): what is behind somebody is read off the index alone.
        constraints = [models.UniqueConstraint(fields=["enrolment", "step_key"], name="step_behind_once")]
        indexes = [models.Index(fields=["subscriber", "handed_at"], name="past_by_reader")]


class PlanMove(models.Model):
    """A reader's plan has moved by some days, and why: what ``moved_days`` is the sum of. Rows are only added."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="moves")
    why = models.CharField(max_length=10, choices=[(why.value, why.value) for why in WhyMoved])
    days = models.PositiveIntegerField(help_text="Local days")
    since = models.DateTimeField(help_text="UTC, on the calendar")
    until = models.DateTimeField(help_text="UTC, on the calendar")


class CrowdMove(models.Model):
    """The same for all the readers of a sequence who moved alike; ``before`` is what had moved them together before.

    Says nothing of anybody. Rows are only added.
    """

    before = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    why = models.CharField(max_length=10, choices=[(why.value, why.value) for why in WhyMoved])
    days = models.PositiveIntegerField(help_text="Local days")
    since = models.DateTimeField(help_text="UTC, on the calendar")
    until = models.DateTimeField(help_text="UTC, on the calendar")


class Helped(models.Model):
    """A reader pressed "this helped" behind a letter's own link.

    Besides delivered, returned and left it is all that is counted. It goes with the enrolment when a reader is erased.
    """

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="helped", db_index=False)
    step_key = models.CharField(max_length=60)
    said_at = models.DateTimeField(help_text="UTC")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "step_key"], name="helped_once_per_letter")]
