"""How it stands, for machines: ``/health`` for monitors and ``/metrics`` for Prometheus. Counts only, nobody's name."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from keepshowingup.delivery.watching import Status, status

GAUGES = {
    "due": "Letters whose moment has come and that nobody has claimed",
    "overdue": "Letters more than five minutes past their moment",
    "claimed": "Letters claimed and not begun",
    "handing_over": "Letters a worker is handing over",
    "retry": "Letters waiting for another try",
    "unknown": "Letters that may or may not have arrived",
    "accepted_today": "Letters accepted in the last 24 hours",
}


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 when letters flow, 503 when somebody should look. What is wrong is said in the terminal, not in public."""
    well = _now().ok
    answer = JsonResponse({"ok": well}, status=200 if well else 503)
    if not well:
        answer["Retry-After"] = "30"
    return answer


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts in the Prometheus text format, for whoever has ``KSU_API_TOKEN``; closed without one in production."""
    if not _may_look(request):
        return HttpResponse("Send KSU_API_TOKEN as 'Authorization: Bearer …'.\n", status=401, content_type="text/plain")
    standing = _now()
    registry = CollectorRegistry()
    Gauge("keepshowingup_up", "Whether the database answers", registry=registry).set(standing.database_ok)
    for name, meaning in GAUGES.items():
        Gauge(f"keepshowingup_{name}", meaning, registry=registry).set(getattr(standing, name))
    heard = Gauge("keepshowingup_heartbeat_age_seconds", "Since a part was last heard of", ["part"], registry=registry)
    for part, age in standing.heartbeats.items():
        heard.labels(part).set(age)
    resting = Gauge("keepshowingup_resting", "Transports and domains that rest", registry=registry)
    resting.set(len(standing.breakers))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _now() -> Status:
    return status(settings.CLOCK.now(), settings.CLOCK.real())


def _may_look(request: HttpRequest) -> bool:
    if not settings.API_TOKEN:
        return not settings.PRODUCTION
    return hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {settings.API_TOKEN}")
