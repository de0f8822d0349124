"""The fields of one letter, as the composer shows and reads them."""

from __future__ import annotations

from typing import Any

from django import forms

from keepshowingup.core.conditions import read_conditions, write_conditions
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.timing import AfterDays, AfterMinutes, OnDate, Timing
from keepshowingup.editorial.models import Revision, Step
from keepshowingup.editorial.timings import LONGEST_DAYS, LONGEST_MINUTES, timing_of
from keepshowingup.editorial.wording import BODY_LENGTH, RULES_LENGTH, SUBJECT_LENGTH


class TimingForm(forms.Form):
    """When a letter comes: one of three kinds."""

    when = forms.ChoiceField(choices=[("days", "days after"), ("minutes", "minutes after"), ("date", "on a date")])
    days = forms.IntegerField(min_value=0, max_value=LONGEST_DAYS, required=False)
    minutes = forms.IntegerField(min_value=0, max_value=LONGEST_MINUTES, required=False)
    date = forms.DateField(required=False)
    at = forms.TimeField(required=False, error_messages={"invalid": "Write the time like 08:30."})

    def clean(self) -> dict[str, Any]:
        """Put the one timing that was chosen together."""
        values = super().clean() or self.cleaned_data
        when = values.get("when")
        if when in {"days", "minutes", "date"} and when not in self.errors and values.get(when) is None:
            self.add_error(when, "Say which date." if when == "date" else f"Say how many {when} after joining.")
        return values

    def timing(self) -> Timing:
        """When the letter is to come; only after the form was found valid."""
        values = self.cleaned_data
        if values["when"] == "days":
            return AfterDays(values["days"], values["at"])
        if values["when"] == "minutes":
            return AfterMinutes(values["minutes"])
        return OnDate(values["date"], values["at"])

    def sentence(self) -> str:
        """The first thing that is wrong, as a sentence for the top of the page."""
        return next((str(errors[0]) for errors in self.errors.values()), "")

    @staticmethod
    def fields_for(timing: Timing) -> dict[str, str]:
        """What the fields show."""
        at = None if isinstance(timing, AfterMinutes) else timing.at
        return {
            "when": {AfterDays: "days", AfterMinutes: "minutes", OnDate: "date"}[type(timing)],
            "days": str(timing.days) if isinstance(timing, AfterDays) else "",
            "minutes": str(timing.minutes) if isinstance(timing, AfterMinutes) else "",
            "date": timing.date.isoformat() if isinstance(timing, OnDate) else "",
            "at": f"{at:%H:%M}" if at else "",
        }


class LetterForm(TimingForm):
    """Subject, preview line, timing and body. ``based_on`` is the revision the writer saw when they began."""

    subject = forms.CharField(max_length=SUBJECT_LENGTH, error_messages={"required": "Give the letter a subject."})
    preheader = forms.CharField(max_length=SUBJECT_LENGTH, required=False)
    only_if = forms.CharField(max_length=RULES_LENGTH, required=False)
    body = forms.CharField(
        max_length=BODY_LENGTH, strip=False, error_messages={"required": "The letter has no words yet."}
    )
    based_on = forms.IntegerField(required=False)

    field_order = ("subject", "preheader", "when", "days", "minutes", "date", "at", "only_if", "body", "based_on")

    def clean_only_if(self) -> str:
        """Conditions in their one form; a sentence about the first that is none."""
        try:
            return write_conditions(read_conditions(self.cleaned_data["only_if"]))
        except WrongUsage as wrong:
            raise forms.ValidationError(wrong.message) from wrong


def fields_of(step: Step, newest: Revision) -> dict[str, str]:
    """What the fields show when nothing was typed yet."""
    return {
        "subject": step.subject,
        "preheader": step.preheader,
        **TimingForm.fields_for(timing_of(step)),
        "only_if": step.only_if,
        "body": step.body,
        "based_on": str(newest.number),
    }
