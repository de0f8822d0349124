"""The addresses of the editors' desk. Each one is guarded by its name (see ``roles``); GET shows, POST acts."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as keys
from django.urls import URLPattern, URLResolver, include, path

from keepshowingup.web.staff import (
    ahead,
    approvals,
    articles,
    changes,
    comments,
    comparing,
    composer,
    delivery,
    doubts,
    feeds,
    forecasts,
    letters,
    logbook,
    masthead,
    meanwhile,
    pasting,
    people,
    picturing,
    preview,
    readers,
    running,
    sequences,
    today,
)
from keepshowingup.web.staff.roles import Page, guard


def at(route: str, page: Page, name: str) -> URLPattern:
    """One guarded address."""
    return path(route, guard(name, page), name=name)


desk: list[URLPattern] = [
    at("", today.show, "today"),
    at("ahead/", ahead.show, "ahead"),
    at("articles/", articles.index, "articles"),
    at("article/new/", articles.bring_in, "article_import"),
    at("articles/<slug:slug>/", articles.show, "article"),
    at("articles/<slug:slug>/draft/", articles.draft, "article_draft"),
    at("articles/<slug:slug>/licence/", articles.licence, "article_licence"),
    at("feeds/", feeds.index, "feeds"),
    at("feeds/add/", feeds.add, "feed_add"),
    at("feeds/<int:feed_id>/look/", feeds.look, "feed_look"),
    at("feeds/<int:feed_id>/remove/", feeds.remove, "feed_remove"),
    at("sequences/", sequences.index, "sequences"),
    at("sequence/new/", sequences.create, "sequence_create"),
    at("sequences/<slug:slug>/", composer.show, "composer"),
    at("sequences/<slug:slug>/settings/", sequences.change, "sequence_settings"),
    at("sequences/<slug:slug>/forecast/", forecasts.show, "forecast"),
    at("sequences/<slug:slug>/add/", letters.add, "letter_add"),
    at("sequences/<slug:slug>/ask/", approvals.ask, "ask"),
    at("sequences/<slug:slug>/approve/", approvals.approve, "approve"),
    at("sequences/<slug:slug>/start/", running.start, "start"),
    at("sequences/<slug:slug>/pause/", running.pause, "pause"),
    at("sequences/<slug:slug>/resume/", running.resume, "resume"),
    at("sequences/<slug:slug>/changes/", changes.index, "changes"),
    at("sequences/<slug:slug>/changes/progress/", changes.progress, "changes_progress"),
    at("changes/<int:edit_id>/undo/", changes.undo, "change_undo"),
    at("letters/<int:step_id>/change/", changes.change, "change"),
    at("letters/<int:step_id>/", composer.letter, "letter"),
    at("letters/<int:step_id>/save/", letters.save, "letter_save"),
    at("letters/<int:step_id>/draft/", letters.keep_draft, "letter_draft"),
    at("letters/<int:step_id>/picture/", picturing.add, "letter_picture"),
    at("letters/<int:step_id>/discard/", letters.discard, "letter_discard"),
    at("letters/<int:step_id>/compare/", comparing.show, "letter_compare"),
    at("letters/<int:step_id>/meanwhile/", meanwhile.show, "letter_meanwhile"),
    at("letters/<int:step_id>/comment/", comments.add, "letter_comment"),
    at("letters/<int:step_id>/send-back/", comments.send_back, "letter_send_back"),
    at("letters/<int:step_id>/ask-again/", comments.ask_again, "letter_ask_again"),
    at("comments/<int:comment_id>/", comments.settle, "comment_settle"),
    at("letters/<int:step_id>/move/", letters.move, "letter_move"),
    at("letters/<int:step_id>/delete/", letters.delete, "letter_delete"),
    at("letters/<int:step_id>/test/", letters.test, "letter_test"),
    at("preview/<int:step_id>/", preview.show, "preview"),
    at("paste/", pasting.clean, "paste"),
    at("readers/", readers.index, "readers"),
    at("reader/find/", readers.search, "reader_search"),
    at("readers/<slug:opaque>/", readers.show, "reader"),
    at("readers/<slug:opaque>/calendar/", readers.calendar, "reader_calendar"),
    at("readers/<slug:opaque>/pause/", readers.pause, "reader_pause"),
    at("readers/<slug:opaque>/resume/", readers.resume, "reader_resume"),
    at("readers/<slug:opaque>/tag/", readers.tag, "reader_tag"),
    at("readers/<slug:opaque>/leave/", readers.leave, "reader_leave"),
    at("readers/<slug:opaque>/settle/", readers.settle, "reader_settle"),
    at("delivery/", delivery.index, "delivery"),
    at("delivery/doubts/", doubts.index, "doubts"),
    at("delivery/doubts/<int:letter_id>/", doubts.settle, "doubt_settle"),
    at("masthead/", masthead.change, "masthead"),
    at("logbook/", logbook.index, "logbook"),
    at("people/", people.index, "people"),
    at("people/add/", people.add, "person_add"),
    at("people/<int:person_id>/", people.change, "person_change"),
]

# Accounts are allauth's. Only what an invited colleague needs: no sign-up, no e-mailed links.
accounts: list[URLPattern] = [
    at("login/", account.login, "account_login"),
    at("logout/", account.logout, "account_logout"),
    at("account/closed/", account.account_inactive, "account_inactive"),
    at("account/confirm/", account.reauthenticate, "account_reauthenticate"),
    at("account/password/", account.password_change, "account_change_password"),
    at("account/second-step/", mfa.index, "mfa_index"),
    at("login/second-step/", mfa.authenticate, "mfa_authenticate"),
    at("account/confirm/code/", mfa.reauthenticate, "mfa_reauthenticate"),
    at("account/app/add/", totp.activate_totp, "mfa_activate_totp"),
    at("account/app/remove/", totp.deactivate_totp, "mfa_deactivate_totp"),
    at("account/codes/", codes.view_recovery_codes, "mfa_view_recovery_codes"),
    at("account/codes/new/", codes.generate_recovery_codes, "mfa_generate_recovery_codes"),
    at("account/codes/download/", codes.download_recovery_codes, "mfa_download_recovery_codes"),
    at("account/keys/", keys.list_webauthn, "mfa_list_webauthn"),
    at("account/keys/add/", keys.add_webauthn, "mfa_add_webauthn"),
    at("account/keys/<int:pk>/", keys.edit_webauthn, "mfa_edit_webauthn"),
    at("account/keys/<int:pk>/remove/", keys.remove_webauthn, "mfa_remove_webauthn"),
    at("account/confirm/key/", keys.reauthenticate_webauthn, "mfa_reauthenticate_webauthn"),
    at("login/key/", keys.login_webauthn, "mfa_login_webauthn"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((desk, "staff"))),
    *accounts,
]
