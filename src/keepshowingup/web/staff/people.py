"""Colleagues: who has an account and what they may do."""

from __future__ import annotations

import logging
import secrets

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from keepshowingup.core.errors import KeepShowingUpError, Refused
from keepshowingup.editorial.people import (
    ROLES,
    Role,
    close_account,
    find_person,
    make_staff,
    name_of,
    role_of,
    set_role,
)
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note
from keepshowingup.web.staff.roles import StaffRequest

log = logging.getLogger(__name__)


@require_GET
def index(request: StaffRequest) -> HttpResponse:
    """Everybody with an account."""
    return _page(request)


@require_POST
def add(request: StaffRequest) -> HttpResponse:
    """Give somebody an account; the password is made here and shown once."""
    typed = {name: request.POST.get(name, "").strip() for name in ("email", "name", "role")}
    if User.objects.filter(email__iexact=typed["email"], is_active=True).exists():
        return _page(request, typed=typed, sentence="Somebody has that address already.", status=422)
    password = secrets.token_urlsafe(12)
    try:
        person = make_staff(typed["email"], password, typed["role"], name=typed["name"])
    except KeepShowingUpError as error:
        return _page(request, typed=typed, sentence=error.message, status=error.status)
    _note(request, person, f"given, as {typed['role']}")
    log.info("user %s gave user %s an account as %s", request.user.pk, person.pk, typed["role"])
    return _page(request, given=(person, password))


@require_POST
def change(request: StaffRequest, person_id: int) -> HttpResponse:
    """A new role, a new password, or no account any more."""
    person = find_person(person_id)
    act = request.POST.get("act", "")
    given = None
    try:
        if act == "role":
            set_role(person.pk, request.POST.get("role", ""))
            messages.success(request, f"{name_of(person)} is {request.POST['role']} now.")
        elif act == "password":
            password = secrets.token_urlsafe(12)
            make_staff(person.email, password, (role_of(person) or Role.VIEWER).word)
            given = (person, password)
        elif act == "close":
            close_account(person.pk)
            messages.success(request, f"The account of {name_of(person)} is closed.")
        else:
            raise Refused("Say what to change: the role, the password, or whether the account is open.")
    except KeepShowingUpError as error:
        return _page(request, sentence=error.message, status=error.status)
    _note(request, person, f"{act} {request.POST['role']}" if act == "role" else act)
    log.info("user %s changed the %s of user %s", request.user.pk, act, person.pk)
    return _page(request, given=given) if given else redirect("staff:people")


def _note(request: StaffRequest, person: User, change: str) -> None:
    about = f"{name_of(person)}: {change}"
    details = {"user": person.pk}
    note(Entry.What.ACCOUNT, who=request.desk.person.email, about=about, now=settings.CLOCK.now(), details=details)


def _page(
    request: StaffRequest,
    *,
    typed: dict[str, str] | None = None,
    given: tuple[User, str] | None = None,
    sentence: str = "",
    status: int = 200,
) -> HttpResponse:
    people = User.objects.order_by("-is_active", "first_name", "email").prefetch_related("groups")
    context = {
        "rows": [{"person": person, "name": name_of(person), "role": role_of(person)} for person in people],
        "roles": ROLES,
        "typed": typed or {"role": "editor"},
        "given": {"person": given[0], "name": name_of(given[0]), "password": given[1]} if given else None,
        "sentence": sentence,
    }
    return render(request, "staff/people.html", context, status=status)
