"""Who may open which page of the desk: one table, one guard.

Every address of the desk is made by :func:`guard`, and a name that is not in the table stops the start. So no page
can be forgotten, and a test can walk them all.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.editorial.people import Role, make_roles, name_of, role_of

__all__ = ["LEAST", "Desk", "StaffRequest", "guard", "make_roles"]

log = logging.getLogger(__name__)

VIEWER, EDITOR, SENDER, ADMIN = Role.VIEWER, Role.EDITOR, Role.SENDER, Role.ADMIN

LEAST: dict[str, Role | None] = {
    # the way in: None is anybody, signed in or not
    "account_login": None,
    "account_logout": None,
    "account_inactive": None,
    "mfa_authenticate": None,
    "mfa_login_webauthn": None,
    # one's own account
    "account_reauthenticate": VIEWER,
    "account_change_password": VIEWER,
    "mfa_index": VIEWER,
    "mfa_reauthenticate": VIEWER,
    "mfa_activate_totp": VIEWER,
    "mfa_deactivate_totp": VIEWER,
    "mfa_view_recovery_codes": VIEWER,
    "mfa_generate_recovery_codes": VIEWER,
    "mfa_download_recovery_codes": VIEWER,
    "mfa_list_webauthn": VIEWER,
    "mfa_add_webauthn": VIEWER,
    "mfa_edit_webauthn": VIEWER,
    "mfa_remove_webauthn": VIEWER,
    "mfa_reauthenticate_webauthn": VIEWER,
    # reading
    "today": VIEWER,
    "articles": VIEWER,
    "article": VIEWER,
    "feeds": VIEWER,
    "sequences": VIEWER,
    "composer": VIEWER,
    "letter": VIEWER,
    "letter_compare": VIEWER,
    "preview": VIEWER,
    "forecast": VIEWER,
    "changes": VIEWER,
    "changes_progress": VIEWER,
    "ahead": VIEWER,
    "delivery": VIEWER,
    "doubts": VIEWER,
    "readers": VIEWER,
    # writing
    "article_import": EDITOR,
    "article_draft": EDITOR,
    "article_licence": EDITOR,
    "feed_add": EDITOR,
    "feed_look": EDITOR,
    "feed_remove": EDITOR,
    "sequence_create": EDITOR,
    "sequence_settings": EDITOR,
    "letter_add": EDITOR,
    "letter_save": EDITOR,
    "letter_draft": EDITOR,
    "letter_picture": EDITOR,
    "letter_discard": EDITOR,
    "letter_meanwhile": EDITOR,
    "letter_comment": EDITOR,
    "letter_send_back": EDITOR,
    "letter_ask_again": EDITOR,
    "comment_settle": EDITOR,
    "letter_move": EDITOR,
    "letter_delete": EDITOR,
    "letter_test": EDITOR,
    "paste": EDITOR,
    "change": EDITOR,
    "change_undo": EDITOR,
    "ask": EDITOR,
    "approve": EDITOR,
    # sending, and everything that shows who reads
    "start": SENDER,
    "pause": SENDER,
    "resume": SENDER,
    "reader_search": SENDER,
    "reader": SENDER,
    "reader_calendar": SENDER,
    "reader_pause": SENDER,
    "reader_resume": SENDER,
    "reader_tag": SENDER,
    "reader_leave": SENDER,
    "reader_settle": SENDER,
    "doubt_settle": SENDER,
    # the house
    "masthead": ADMIN,
    "logbook": ADMIN,
    "people": ADMIN,
    "person_add": ADMIN,
    "person_change": ADMIN,
}


class May:
    """``desk.may.start`` in a template: whether this role may open the page of that name."""

    def __init__(self, role: Role | None) -> None:
        self.role = role

    def __getitem__(self, name: str) -> bool:
        least = LEAST[name]
        return least is None or (self.role is not None and self.role >= least)


@dataclass(frozen=True)
class Desk:
    """Who sits at the desk."""

    person: User
    role: Role | None

    @property
    def name(self) -> str:
        """What to call them."""
        return name_of(self.person)

    def wrote(self, authors: frozenset[str]) -> bool:
        """Whether they are one of the authors; an author is an address, or a name like ``files``."""
        return self.person.email.casefold() in {author.casefold() for author in authors}

    @property
    def may(self) -> May:
        """What they may open."""
        return May(self.role)


class StaffRequest(HttpRequest):
    """A request that passed the guard."""

    user: User
    desk: Desk


Page = Callable[..., HttpResponseBase]


def guard(name: str, page: Page) -> Page:
    """The page, opened only to those the table allows; errors of ours become a page with their sentence."""
    least = LEAST[name]

    @functools.wraps(page)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if user.is_authenticated:
            request.desk = Desk(user, role_of(user))
        if least is not None:
            if not user.is_authenticated:
                # After a POST there is nothing to come back to.
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/staff/")
            if request.desk.role is None or request.desk.role < least:
                log.warning("user %s may not open %s", user.pk, name)
                return render(request, "staff/not_yours.html", {"least": least.word}, status=403)
        try:
            response = page(request, *args, **kwargs)
        except KeepShowingUpError as error:
            response = render(request, "staff/refused.html", {"sentence": error.message}, status=error.status)
        # Under no-referrer browsers post forms with "Origin: null", which no CSRF check can tell from a stranger's.
        # Same-origin tells other sites just as little.
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return guarded
