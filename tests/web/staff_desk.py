"""What the tests of the editors' desk share: people who sign in, and a sequence two of them work on."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from keepshowingup.core.timing import AfterDays
from keepshowingup.editorial import composing
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.editorial.people import make_staff
from keepshowingup.web.staff.letterform import fields_of
from tests.factories import MONDAY, MastheadFactory

PASSWORD = "a password of some length"
BODY = (
    'Good {{ part_of_day }} {{ first_name | default("friend") }},\n\n'
    "Somebody stayed. A sister called on Sundays, and a neighbour never asked why.\n\n"
    "## One small thing\n\nThink of one person you could write to this week. It can be one line.\n"
)


def person(role: str, name: str = "") -> User:
    """Somebody with that role; their address is made of their name, or of the role."""
    return make_staff(f"{(name or role).lower()}@harbour.example", PASSWORD, role, name=name or role.capitalize())


def desk(who: User) -> Client:
    """A browser in which they are signed in."""
    client = Client()
    client.force_login(who)
    return client


def sequence_by(author: User, *, subjects: tuple[str, ...] = ("What to expect", "Somebody stayed")) -> Sequence:
    """A draft sequence with letters a week apart, written by ``author``; the masthead is complete."""
    MastheadFactory.create()
    sequence = composing.create_sequence(
        slug="finding-your-people", title="Finding your people", signature="Ruth", now=MONDAY
    )
    for number, subject in enumerate(subjects):
        composing.add_step(
            sequence.pk,
            timing=AfterDays(7 * number),
            subject=subject,
            preheader="A short note about the people around you",
            body=BODY,
            author=author.email,
            now=MONDAY,
        )
    return sequence


def fields(step: Step, **changes: Any) -> dict[str, str]:
    """The composer's form as it is sent when nothing but ``changes`` was typed."""
    newest = step.revisions.latest("number")
    kept = {
        "subject": step.subject,
        "preheader": step.preheader,
        "when": "days",
        "days": str(step.after_days),
        "minutes": "",
        "date": "",
        "at": "",
        "body": step.body.replace("\n", "\r\n"),
        "based_on": str(newest.number),
        "based_when": fields_of(step, newest)["based_when"],
    }
    return kept | {name: str(value) for name, value in changes.items()}


def url(name: str, *args: Any) -> str:
    """An address of the desk."""
    return reverse(f"staff:{name}", args=args)
