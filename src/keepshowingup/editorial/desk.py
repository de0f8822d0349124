"""What people at the desk leave for themselves and for each other: words not saved yet, and comments."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Draft(models.Model):
    """What somebody typed into a letter and has not saved: theirs alone, on every machine they sign in from."""

    step = models.ForeignKey("editorial.Step", on_delete=models.CASCADE, related_name="drafts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    fields = models.JSONField(help_text="The fields of the letter's form, as typed")
    kept_at = models.DateTimeField(help_text="UTC, on the calendar")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "person"], name="draft_once_per_person")]


class Comment(models.Model):
    """A word about a letter, or about a place in it. Resolved, never deleted: it is how an approval came about."""

    step = models.ForeignKey("editorial.Step", on_delete=models.CASCADE, related_name="comments")
    revision = models.ForeignKey(
        "editorial.Revision", on_delete=models.CASCADE, related_name="comments", help_text="The words it was said of"
    )
    author = models.CharField(max_length=254)
    said_at = models.DateTimeField(help_text="UTC, on the calendar")
    text = models.TextField()
    quote = models.CharField(max_length=500, blank=True, help_text="The place in the letter, word for word")
    sends_back = models.BooleanField(default=False, help_text="Instead of an approval: the revision is to be reworked")
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="UTC, on the calendar")
    resolved_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"comment {self.pk} on letter {self.step_id}"
