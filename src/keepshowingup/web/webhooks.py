"""Where mail servers and providers tell us what became of letters: ``/webhooks/<provider>/``.

A door without a secret is closed. Nothing is read before the signature over the raw body is right.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module

from anymail.exceptions import AnymailError, AnymailImproperlyInstalled
from anymail.webhooks.base import AnymailCoreWebhookView
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from keepshowingup.core.errors import WrongUsage
from keepshowingup.outcomes.evidence import Evidence
from keepshowingup.outcomes.providers import read_event
from keepshowingup.outcomes.recording import record_all
from keepshowingup.outcomes.webhooks import LIMIT, PLAIN, is_signed, read_plain

log = logging.getLogger(__name__)

# provider: its module and view in django-anymail, and the setting of its own signature, if it signs at all. A provider
# without one is told apart by basic authentication (ANYMAIL_WEBHOOK_SECRET) only.
PROVIDERS = {
    "amazon_ses": ("amazon_ses", "AmazonSESTrackingWebhookView", ""),
    "brevo": ("brevo", "BrevoTrackingWebhookView", ""),
    "mailersend": ("mailersend", "MailerSendTrackingWebhookView", "MAILERSEND_SIGNING_SECRET"),
    "mailgun": ("mailgun", "MailgunTrackingWebhookView", "MAILGUN_WEBHOOK_SIGNING_KEY"),
    "mailjet": ("mailjet", "MailjetTrackingWebhookView", ""),
    "mailtrap": ("mailtrap", "MailtrapTrackingWebhookView", "MAILTRAP_TRACKING_SECRET"),
    "mandrill": ("mandrill", "MandrillCombinedWebhookView", "MANDRILL_WEBHOOK_KEY"),
    "postal": ("postal", "PostalTrackingWebhookView", "POSTAL_WEBHOOK_KEY"),
    "postmark": ("postmark", "PostmarkTrackingWebhookView", ""),
    "resend": ("resend", "ResendTrackingWebhookView", "RESEND_SIGNING_SECRET"),
    "sendgrid": ("sendgrid", "SendGridTrackingWebhookView", "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY"),
    "sparkpost": ("sparkpost", "SparkPostTrackingWebhookView", ""),
    "unisender_go": ("unisender_go", "UnisenderGoTrackingWebhookView", "UNISENDER_GO_API_KEY"),
}


# What django-anymail raises for a body that is not in the provider's form.
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Forged(SuspiciousOperation):
    """The signature is wrong, too old, or there is no secret to check it with."""


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """Take one request in. 200 also for a replay; 403 for a wrong signature; 503 while the database is away."""
    if provider != PLAIN and provider not in PROVIDERS:
        raise Http404
    if request.method == "HEAD":  # some providers look whether anybody is there
        return HttpResponse()
    if _is_too_big(request):
        return _sorry(413, f"A webhook may send up to {LIMIT} bytes.")
    try:
        evidence = _plain(request) if provider == PLAIN else _from_provider(provider, request)
    except Forged:
        log.warning("a webhook for %s was not signed by who it should be", provider)
        return _sorry(403, "The signature is wrong or too old, or this door has no secret yet.")
    except WrongUsage as error:
        return _sorry(400, error.message)
    except ImproperlyConfigured as error:
        log.error("the webhook for %s can't be read: %s", provider, type(error).__name__)
        return _sorry(503, "This provider's webhook is not set up here.")
    try:
        recorded = record_all(evidence, settings.CLOCK.now(), settings.CLOCK.real())
    except OperationalError:
        log.exception("a webhook could not be written down")
        answer = _sorry(503, "The database is away. Please send this again.")
        answer["Retry-After"] = "60"
        return answer
    letters = sum(one.dispatch_id is not None for one in recorded)
    return JsonResponse({"events": len(recorded), "letters": letters, "changed": sum(one.changed for one in recorded)})


urlpatterns = [path("<slug:provider>/", webhook, name="webhook")]


def _is_too_big(request: HttpRequest) -> bool:
    if int(request.META.get("CONTENT_LENGTH") or 0) > LIMIT:
        return True
    try:
        return len(request.body) > LIMIT
    except RequestDataTooBig:
        return True


def _plain(request: HttpRequest) -> list[Evidence]:
    signature = request.headers.get("Keepshowingup-Signature", "")
    if not is_signed(settings.WEBHOOK_SECRET, signature, request.body, settings.CLOCK.real()):
        raise Forged
    return read_plain(request.body, request.content_type or "")


def _from_provider(provider: str, request: HttpRequest) -> list[Evidence]:
    view = _view(provider)
    view.setup(request)
    try:
        view.run_validators(request)
    except (AnymailError, *MALFORMED) as error:
        raise Forged from error
    try:
        events = view.parse_events(request)
    except AnymailImproperlyInstalled:
        raise
    except (AnymailError, *MALFORMED) as error:
        # A signed body that is not in the provider's form: sent again it would be no better.
        log.warning("a webhook of %s was malformed: %s", provider, type(error).__name__)
        raise WrongUsage("This is not what this provider sends.") from error
    found = [read_event(provider, event) for event in events]
    return [one for one in found if one is not None]


def _view(provider: str) -> AnymailCoreWebhookView:
    module, name, own_secret = PROVIDERS[provider]
    if not settings.ANYMAIL.get("WEBHOOK_SECRET") and not settings.ANYMAIL.get(own_secret):
        raise Forged
    make: Callable[[], AnymailCoreWebhookView] = getattr(import_module(f"anymail.webhooks.{module}"), name)
    return make()


def _sorry(status: int, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status)
