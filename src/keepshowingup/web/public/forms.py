"""What people write into the public forms, checked. Only the shape of an address is answered with an error."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from keepshowingup.audience.joining import NAME_LENGTH, tidy_name
from keepshowingup.core.address import check_address
from keepshowingup.core.errors import WrongUsage
from keepshowingup.letters.themes import theme_labels
from keepshowingup.letters.words import language_names
from keepshowingup.web.public.tongues import say
from keepshowingup.web.public.zones import is_zone

PARTS_OF_DAY = {"morning": time(8, 30), "afternoon": time(14, 0), "evening": time(19, 0)}
OWN_TIME = "own"
_PARTS = {
    "morning": gettext_lazy("Morning"),
    "afternoon": gettext_lazy("Afternoon"),
    "evening": gettext_lazy("Evening"),
}


def parts_of_day() -> list[tuple[str, str, time]]:
    """The parts of the day to choose from: how the form calls them, what readers call them, and their hour."""
    return [(part, str(_PARTS[part]), hour) for part, hour in PARTS_OF_DAY.items()]


class AddressForm(forms.Form):
    """One address, and what keeps robots away: nobody sees ``website``, and ``shown`` says when we showed the form."""

    email = forms.CharField(
        max_length=400, error_messages={"required": gettext_lazy("Please write your email address.")}
    )
    website = forms.CharField(required=False)
    shown = forms.CharField(required=False)

    def clean_email(self) -> str:
        """The address as it is kept; a sentence about its shape otherwise."""
        address = str(self.cleaned_data["email"]).strip()
        checked = check_address(address)
        if not checked.ok:
            raise forms.ValidationError(say(checked.reason))
        return checked.normalised

    def is_robot(self) -> bool:
        """Whether somebody filled in the field that people do not see."""
        return bool(str(self.data.get("website", "")).strip())


class JoinForm(AddressForm):
    """Asking for letters, from our page or from a form on somebody's site, which may leave out all but the address."""

    first_name = forms.CharField(required=False, max_length=4 * NAME_LENGTH)
    when = forms.ChoiceField(required=False, choices=[(part, part) for part in PARTS_OF_DAY])
    zone = forms.CharField(required=False, max_length=64)
    sequence = forms.SlugField(required=False)
    form = forms.CharField(required=False, max_length=60)
    consent = forms.BooleanField(
        error_messages={"required": gettext_lazy("Please tick this box, so that we may write to you.")}
    )

    def clean_first_name(self) -> str:
        """See :func:`keepshowingup.audience.joining.tidy_name`."""
        return _tidy(self.cleaned_data["first_name"])

    def clean_form(self) -> str:
        """The name a foreign form gives itself, kept as proof of where consent was given."""
        return _tidy(self.cleaned_data["form"])

    def clean_zone(self) -> str:
        """A zone IANA knows, or empty: then the page's guess is taken."""
        return _known_zone(self.cleaned_data["zone"])

    def clean_when(self) -> time:
        """The hour a part of the day stands for; the morning unless said."""
        return PARTS_OF_DAY.get(self.cleaned_data["when"], PARTS_OF_DAY["morning"])


class SettingsForm(forms.Form):
    """A reader's own settings: name, zone, and the time of day, one of three or their own."""

    first_name = forms.CharField(required=False, max_length=4 * NAME_LENGTH)
    zone = forms.CharField(max_length=64, error_messages={"required": gettext_lazy("Please choose where you are.")})
    when = forms.ChoiceField(choices=[(part, part) for part in (*PARTS_OF_DAY, OWN_TIME)])
    hour = forms.TimeField(required=False, error_messages={"invalid": gettext_lazy("Write the time like 7:45.")})

    def clean_first_name(self) -> str:
        """See :func:`keepshowingup.audience.joining.tidy_name`."""
        return _tidy(self.cleaned_data["first_name"])

    def clean_zone(self) -> str:
        """A zone IANA knows."""
        return _known_zone(self.cleaned_data["zone"])

    def clean(self) -> dict[str, Any]:
        """``hour`` becomes the time that is meant, to the minute."""
        cleaned = super().clean() or self.cleaned_data
        if (part := cleaned.get("when")) in PARTS_OF_DAY:
            cleaned["hour"] = PARTS_OF_DAY[part]
        elif "hour" not in self.errors and cleaned.get("hour") is None:
            self.add_error("hour", gettext("Please write a time, like 7:45."))
        elif own := cleaned.get("hour"):
            cleaned["hour"] = own.replace(second=0, microsecond=0)
        return cleaned


class LookForm(forms.Form):
    """How letters look to a reader, and the language we speak with them."""

    theme = forms.ChoiceField(required=False, choices=lambda: [("", ""), *theme_labels().items()])
    language = forms.ChoiceField(choices=lambda: list(language_names().items()))


def _tidy(text: str) -> str:
    try:
        return tidy_name(text)
    except WrongUsage as error:
        raise forms.ValidationError(say(error.message)) from error


def _known_zone(name: str) -> str:
    if name and not is_zone(name):
        raise forms.ValidationError(gettext("Please choose where you are from the list."))
    return name
