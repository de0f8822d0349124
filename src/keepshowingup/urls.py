"""Every address the product answers at. The public ones are a contract: letters in old inboxes point at them."""

from __future__ import annotations

from django.urls import include, path

from keepshowingup.web import watch
from keepshowingup.web.public import doors

urlpatterns = [
    path("health", watch.health, name="health"),
    path("health/pages", watch.pages, name="health-pages"),
    path("metrics", watch.metrics, name="metrics"),
    path("api/", include("keepshowingup.web.api.urls")),
    path("webhooks/", include("keepshowingup.web.webhooks")),
    path("staff/", include("keepshowingup.web.staff.urls")),
    path("", include("keepshowingup.web.public.urls")),
]

handler404 = doors.nothing_here
handler500 = doors.our_fault
