"""What a data folder needs before it can run: tables, a masthead, roles, and somebody who may sign in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User

from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.people import make_roles, make_staff
from keepshowingup.ops.database import migrate

FIRST_ADDRESS = "admin@localhost"


@dataclass(frozen=True)
class FirstStaff:
    """The account that was made, and its password in clear: to be shown once."""

    email: str
    password: str


def new_password() -> str:
    """96 bits, easy to copy."""
    return secrets.token_urlsafe(12)


def prepare() -> FirstStaff | None:
    """Bring a data folder to where it can run; doing it again changes nothing.

    Returns the first account when it had to be made. Raises :class:`PartMissing` when the database does not answer.
    """
    migrate()
    masthead()
    make_roles()
    if User.objects.filter(is_active=True).exists():
        return None
    first = FirstStaff(FIRST_ADDRESS, new_password())
    make_staff(first.email, first.password, "admin")
    return first
