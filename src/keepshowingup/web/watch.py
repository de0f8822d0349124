"""How it stands, for machines: ``/health`` for monitors and ``/metrics`` for Prometheus. Counts only, nobody's name."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from keepshowingup.delivery.watching import Database, Status
from keepshowingup.ops.lookout import look
from keepshowingup.web.exposition import exposition


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 when letters flow, 503 when somebody should look; within two seconds, whatever stands still.

    The broker is told of and does not decide: its absence shows in the ticks, and ``tick --loop`` needs none.
    """
    seen = look()
    status = seen.status
    broker = "away" if seen.queues is None else "well"
    return _answer(
        status.ok,
        {"database": status.database, "broker": broker, "overdue": status.overdue, "parts": _parts(status)},
    )


@require_safe
def pages(request: HttpRequest) -> JsonResponse:
    """200 when pages can be served, for a load balancer: readers can leave whether or not letters flow."""
    database = look().status.database
    return _answer(database is Database.WELL, {"database": database})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts in the Prometheus text format, for whoever has ``KSU_API_TOKEN``; closed without one in production."""
    if not _may_look(request):
        return HttpResponse("Send KSU_API_TOKEN as 'Authorization: Bearer …'.\n", status=401, content_type="text/plain")
    page, content_type = exposition(look(counted=True), request.headers.get("Accept", ""))
    return HttpResponse(page, content_type=content_type)


def _answer(well: bool, body: dict[str, object]) -> JsonResponse:
    answer = JsonResponse({"ok": well, **body}, status=200 if well else 503)
    if not well:
        answer["Retry-After"] = "30"
        # A monitor asks every few seconds; that it was told the truth is no error.
        setattr(answer, "_has_been_logged", True)  # noqa: B010
    return answer


def _parts(status: Status) -> dict[str, float]:
    """Seconds since each part was heard of, without the names of our machines: of several alike, the most silent."""
    ages: dict[str, float] = {}
    for part, age in status.heartbeats.items():
        name = part.partition("@")[0]
        ages[name] = max(round(age, 1), ages.get(name, 0.0))
    return ages


def _may_look(request: HttpRequest) -> bool:
    if not settings.API_TOKEN:
        return not settings.PRODUCTION
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {settings.API_TOKEN}".encode())
