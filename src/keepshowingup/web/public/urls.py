"""The readers' pages. These addresses are in letters in old inboxes: they never change."""

from __future__ import annotations

from django.urls import URLPattern, path

from keepshowingup.web.public import confirming, helping, joining, leaving, own_date, pages, pictures, preferences

urlpatterns: list[URLPattern] = [
    path("", joining.join, name="join"),
    path("s/<slug:slug>", joining.join, name="join-sequence"),
    path("s/<slug:slug>/form", joining.embed, name="embed"),
    path("confirm/<str:token>", confirming.confirm, name="confirm"),
    path("preferences/<str:token>", preferences.preferences, name="preferences"),
    path("preferences/<str:token>/date", own_date.own_date, name="own-date"),
    path("unsubscribe/<str:token>", leaving.unsubscribe, name="unsubscribe"),
    path("unsubscribe/<str:token>/again", leaving.again, name="unsubscribe-again"),
    path("helped/<str:token>", helping.helped, name="helped"),
    path("unsubscribe/<str:token>/note", leaving.note, name="unsubscribe-note"),
    path("pictures/<str:name>", pictures.picture, name="picture"),
    path("privacy", pages.privacy, name="privacy"),
    path("manage", pages.manage, name="manage"),
    path("stop", pages.stop, name="stop"),
]
