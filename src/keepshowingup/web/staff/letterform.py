"""The fields of one letter, as the composer shows and reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from keepshowingup.core.conditions import read_conditions, write_conditions
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.milestones import Mark, read_mark
from keepshowingup.core.timing import AfterDays, AfterMinutes, AtMark, OnDate, Timing
from keepshowingup.editorial.models import Revision, Step
from keepshowingup.editorial.timings import LONGEST_DAYS, LONGEST_MINUTES, say_timing, timing_of
from keepshowingup.editorial.wording import BODY_LENGTH, RULES_LENGTH, SUBJECT_LENGTH


class TimingForm(forms.Form):
    """When a letter comes: one of four kinds."""

    when = forms.ChoiceField(
        choices=[
            ("days", "days after"),
            ("minutes", "minutes after"),
            ("date", "on a date"),
            ("mark", "from their date"),
        ]
    )
    days = forms.IntegerField(min_value=0, max_value=LONGEST_DAYS, required=False)
    minutes = forms.IntegerField(min_value=0, max_value=LONGEST_MINUTES, required=False)
    date = forms.DateField(required=False)
    mark = forms.CharField(max_length=20, required=False)
    yearly = forms.BooleanField(required=False)
    at = forms.TimeField(required=False, error_messages={"invalid": "Write the time like 08:30."})

    def clean(self) -> dict[str, Any]:
        """Put the one timing that was chosen together."""
        values = super().clean() or self.cleaned_data
        when = values.get("when")
        if when in {"days", "minutes", "date"} and when not in self.errors and values.get(when) is None:
            self.add_error(when, "Say which date." if when == "date" else f"Say how many {when} after joining.")
        if when == "mark" and "mark" not in self.errors and read_mark(values.get("mark", "")) is None:
            self.add_error("mark", "Write how far from their date, like 30 days, 9 months or 2 years.")
        return values

    def timing(self) -> Timing:
        """When the letter is to come; only after the form was found valid."""
        values = self.cleaned_data
        if values["when"] == "days":
            return AfterDays(values["days"], values["at"])
        if values["when"] == "minutes":
            return AfterMinutes(values["minutes"])
        if values["when"] == "mark":
            return AtMark(read_mark(values["mark"]) or Mark(), values["at"], values["yearly"])
        return OnDate(values["date"], values["at"])

    def sentence(self) -> str:
        """The first thing that is wrong, as a sentence for the top of the page."""
        return next((str(errors[0]) for errors in self.errors.values()), "")

    @staticmethod
    def fields_for(timing: Timing) -> dict[str, str]:
        """What the fields show."""
        at = None if isinstance(timing, AfterMinutes) else timing.at
        return {
            "when": {AfterDays: "days", AfterMinutes: "minutes", OnDate: "date", AtMark: "mark"}[type(timing)],
            "days": str(timing.days) if isinstance(timing, AfterDays) else "",
            "minutes": str(timing.minutes) if isinstance(timing, AfterMinutes) else "",
            "date": timing.date.isoformat() if isinstance(timing, OnDate) else "",
            "mark": str(timing.mark) if isinstance(timing, AtMark) else "",
            "yearly": "on" if isinstance(timing, AtMark) and timing.yearly else "",
            "at": f"{at:%H:%M}" if at else "",
        }


def of_other_timings(when: str) -> set[str]:
    """The fields of the timings that were not chosen: they are not shown, and what is in them counts for nothing."""
    chosen = {"mark", "yearly"} if when == "mark" else {when}
    return {"days", "minutes", "date", "mark", "yearly"} - chosen


class LetterForm(TimingForm):
    """Subject, preview line, timing and body.

    ``based_on`` is the revision the writer saw when they began, ``based_when`` the day it had then: see ``meanwhile``.
    """

    subject = forms.CharField(max_length=SUBJECT_LENGTH, error_messages={"required": "Give the letter a subject."})
    preheader = forms.CharField(max_length=SUBJECT_LENGTH, required=False)
    only_if = forms.CharField(max_length=RULES_LENGTH, required=False)
    body = forms.CharField(
        max_length=BODY_LENGTH, strip=False, error_messages={"required": "The letter has no words yet."}
    )
    based_on = forms.IntegerField(required=False)
    based_when = forms.CharField(max_length=1000, required=False)

    field_order = (
        *("subject", "preheader", "when", "days", "minutes", "date", "mark", "yearly", "at"),
        *("only_if", "body", "based_on"),
    )

    def clean_only_if(self) -> str:
        """Conditions in their one form; a sentence about the first that is none."""
        try:
            return write_conditions(read_conditions(self.cleaned_data["only_if"]))
        except WrongUsage as wrong:
            raise forms.ValidationError(wrong.message) from wrong


def fields_of(step: Step, newest: Revision) -> dict[str, str]:
    """What the fields show when nothing was typed yet."""
    plan = TimingForm.fields_for(timing_of(step)) | {"only_if": step.only_if}
    return {
        "subject": step.subject,
        "preheader": step.preheader,
        **plan,
        "body": step.body,
        "based_on": str(newest.number),
        "based_when": json.dumps(plan),
    }


def plan_in(based_when: str) -> dict[str, str]:
    """The fields of the day that a form was begun with. Raises :class:`ValueError` for anything else."""
    plan = json.loads(based_when)
    if not isinstance(plan, dict) or not all(isinstance(text, str) for text in plan.values()):
        raise ValueError("based_when is no plan")
    return {name: plan.get(name, "") for name in (*TimingForm.base_fields, "only_if")}


def said_plan(fields: Mapping[str, str]) -> str:
    """When and for whom, in words: ``day 3 at 09:00, only for tag:spring``."""
    form = TimingForm(data=fields)
    when = say_timing(form.timing()) if form.is_valid() else form.sentence()
    return f"{when}, only for {fields['only_if']}" if fields.get("only_if") else when
