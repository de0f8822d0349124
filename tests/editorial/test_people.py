"""Accounts and roles."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.editorial.people import (
    ROLES,
    Role,
    close_account,
    colleagues,
    find_person,
    make_roles,
    make_staff,
    name_of,
    role_of,
    set_role,
)

pytestmark = pytest.mark.django_db
PASSWORD = "a password of some length"


def test_making_the_roles_twice_changes_nothing() -> None:
    make_roles()
    make_roles()
    assert sorted(Group.objects.values_list("name", flat=True)) == sorted(ROLES)


def test_each_role_may_do_what_the_one_before_it_may() -> None:
    assert Role.VIEWER < Role.EDITOR < Role.SENDER < Role.ADMIN
    assert ROLES == ("viewer", "editor", "sender", "admin")


def test_somebody_who_has_an_account_gets_a_new_password_and_role() -> None:
    first = make_staff("Ruth@Harbour.example", PASSWORD, "viewer", name="Ruth")
    again = make_staff("ruth@harbour.example", "another password", "sender")
    assert again.pk == first.pk
    assert User.objects.count() == 1
    assert role_of(again) is Role.SENDER
    assert again.check_password("another password")
    assert name_of(again) == "Ruth"


def test_somebody_without_a_name_is_called_by_their_address() -> None:
    assert name_of(make_staff("ruth@harbour.example", PASSWORD, "viewer")) == "ruth"


@pytest.mark.parametrize("address", ["", "ruth", "ruth@", "ruth@harbour.example\n", "a b@harbour.example"])
def test_an_account_needs_an_address(address: str) -> None:
    with pytest.raises(Refused, match="address"):
        make_staff(address, PASSWORD, "viewer")


def test_an_account_needs_a_password_of_some_length() -> None:
    with pytest.raises(Refused, match="at least 10 characters"):
        make_staff("ruth@harbour.example", "short", "viewer")


def test_an_unknown_role_is_said() -> None:
    with pytest.raises(WrongUsage, match="viewer, editor, sender, admin"):
        make_staff("ruth@harbour.example", PASSWORD, "owner")
    assert not User.objects.exists()


def test_a_superuser_is_an_admin_and_somebody_without_a_group_is_nobody() -> None:
    assert role_of(User.objects.create(username="root", is_superuser=True)) is Role.ADMIN
    assert role_of(User.objects.create(username="new")) is None


def test_the_last_admin_stays_one() -> None:
    admin = make_staff("mara@harbour.example", PASSWORD, "admin")
    with pytest.raises(Refused, match="Make another admin first"):
        set_role(admin.pk, "viewer")
    with pytest.raises(Refused, match="Make another admin first"):
        close_account(admin.pk)
    assert role_of(find_person(admin.pk)) is Role.ADMIN
    make_staff("ruth@harbour.example", PASSWORD, "admin")
    close_account(admin.pk)
    assert not find_person(admin.pk).is_active


def test_nobody_is_found_by_a_number_that_is_none() -> None:
    with pytest.raises(NotFound):
        find_person(7)


def test_colleagues_are_those_with_an_open_account_and_the_role() -> None:
    for name, role in (("mara", "admin"), ("ruth", "editor"), ("vic", "viewer"), ("gone", "editor")):
        make_staff(f"{name}@harbour.example", PASSWORD, role, name=name.capitalize())
    close_account(User.objects.get(email="gone@harbour.example").pk)
    found = colleagues(Role.EDITOR, besides=frozenset({"mara@harbour.example"}))
    assert [name_of(person) for person in found] == ["Ruth"]
