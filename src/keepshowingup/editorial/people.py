"""The people at the desk: who they are, and what each role may do at least.

Roles are Django groups, each a step above the one before: a viewer reads, an editor writes and approves, a sender
starts letters and looks after readers, an admin keeps the masthead and the people.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, User
from django.db import transaction

from keepshowingup.core.address import check_address
from keepshowingup.core.errors import NotFound, Refused, WrongUsage

MINIMUM_PASSWORD = 10


class Role(enum.IntEnum):
    """What somebody at the desk may do; a higher role may do all a lower one may."""

    VIEWER = 1
    EDITOR = 2
    SENDER = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """The role's name, which is also its group's."""
        return self.name.lower()


ROLES: tuple[str, ...] = tuple(role.word for role in Role)


def make_roles() -> None:
    """Make the group of each role. Doing it again changes nothing."""
    for name in ROLES:
        Group.objects.get_or_create(name=name)


def make_staff(email: str, password: str, role: str, *, name: str = "") -> User:
    """Give somebody an account, or a new password and role if they have one.

    The address counts as verified: it was given by somebody who may give accounts, not typed by a visitor.
    Raises :class:`Refused` for an address or a password that will not do, :class:`WrongUsage` for an unknown role.
    """
    checked = check_address(email)
    if not checked.ok:
        raise Refused(f"This address can't be used: {checked.reason}")
    if len(password) < MINIMUM_PASSWORD:
        raise Refused(f"The password is too short. Give at least {MINIMUM_PASSWORD} characters.")
    group = _group(role)
    with transaction.atomic():
        person = User.objects.filter(email__iexact=checked.normalised).first()
        if person is None:
            person = User(username=checked.key[:150], email=checked.normalised)
        person.first_name = name.strip()[:150] or person.first_name
        person.is_active = True
        person.set_password(password)
        person.save()
        person.groups.set([group])
        EmailAddress.objects.update_or_create(
            user=person, email=person.email, defaults={"verified": True, "primary": True}
        )
    return person


def set_role(person_id: int, role: str) -> User:
    """Change what somebody may do. Raises :class:`Refused` when nobody would be left who may change it back."""
    person = find_person(person_id)
    group = _group(role)
    with transaction.atomic():
        person.groups.set([group])
        _keep_an_admin()
    return person


def close_account(person_id: int) -> User:
    """Close somebody's account; what they wrote and approved stays under their name."""
    person = find_person(person_id)
    with transaction.atomic():
        person.is_active = False
        person.save(update_fields=["is_active"])
        _keep_an_admin()
    return person


def find_person(person_id: int) -> User:
    """The account of that number, open or closed. Raises :class:`NotFound`."""
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound("There is no such person.")
    return person


def role_of(person: User) -> Role | None:
    """The highest role somebody has; a superuser is an admin; None for an account without a role."""
    if person.is_superuser:
        return Role.ADMIN
    names = set(person.groups.values_list("name", flat=True))
    return max((role for role in Role if role.word in names), default=None)


def name_of(person: User) -> str:
    """What to call somebody: the name they were given, else what stands before the @."""
    return person.first_name or person.email.partition("@")[0] or person.username


def names_of(addresses: Iterable[str]) -> dict[str, str]:
    """What to call whoever is behind each address; an author without an account keeps the name they wrote under."""
    wanted = set(addresses)
    known = {person.email.casefold(): name_of(person) for person in User.objects.filter(email__in=wanted)}
    return {address: known.get(address.casefold(), address) for address in wanted}


def colleagues(least: Role, *, besides: frozenset[str] = frozenset()) -> list[User]:
    """Everybody with an open account and at least that role, except the addresses in ``besides`` (as stored)."""
    people = User.objects.filter(is_active=True).prefetch_related("groups").order_by("first_name", "email")
    return [p for p in people if p.email not in besides and (role_of(p) or 0) >= least]


def _group(role: str) -> Group:
    if role not in ROLES:
        raise WrongUsage(f"There is no role '{role}'. Roles are {', '.join(ROLES)}.")
    make_roles()
    return Group.objects.get(name=role)


def _keep_an_admin() -> None:
    if not colleagues(Role.ADMIN):
        raise Refused("Somebody must stay an admin. Make another admin first.")
