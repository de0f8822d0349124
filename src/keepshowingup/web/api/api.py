"""The API: who may use it, and how it says no. One token, in ``KSU_API_TOKEN``; without one it is closed."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer

from keepshowingup import __version__
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.web.api import deliveries, sequences, subscribers
from keepshowingup.web.api.docs import PlainDocs


class Token(HttpBearer):
    """``Authorization: Bearer <KSU_API_TOKEN>``."""

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        """Anything that is true lets the request in."""
        known = settings.API_TOKEN
        return "token" if known and hmac.compare_digest(token.encode(), known.encode()) else None


api = NinjaAPI(
    title="keepshowingup",
    version=__version__,
    description="Readers, sequences and what became of letters. Addresses travel in bodies only, never in a URL.",
    auth=Token(),
    docs=PlainDocs(),
    docs_url="/docs",
    openapi_url="/openapi.json",
    urls_namespace="api",
)
api.add_router("/sequences", sequences.router)
api.add_router("/subscribers", subscribers.router)
api.add_router("/deliveries", deliveries.router)


def _sorry(request: HttpRequest, detail: str, status: int) -> HttpResponse:
    return api.create_response(request, {"detail": detail}, status=status)


@api.exception_handler(AuthenticationError)
def _closed(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    if settings.API_TOKEN:
        detail = "Send the token as 'Authorization: Bearer …'."
    else:
        detail = "The API is closed. Set KSU_API_TOKEN to open it."
    answer = _sorry(request, detail, 401)
    answer["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(KeepShowingUpError)
def _refused(request: HttpRequest, error: KeepShowingUpError) -> HttpResponse:
    return _sorry(request, error.message, error.status)


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """The first thing that is wrong, as a sentence: ``body.email: Field required``."""
    first = error.errors[0] if error.errors else {"loc": (), "msg": "malformed"}
    where = ".".join(str(part) for part in first["loc"] if part not in {"data", "given"})
    return _sorry(request, f"{where}: {first['msg']}", 422)


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _sorry(request, str(error), error.status_code)


@api.exception_handler(Http404)
def _nothing(request: HttpRequest, error: Http404) -> HttpResponse:
    return _sorry(request, "There is nothing here.", 404)


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return _sorry(request, "The body is too big.", 413)


@api.exception_handler(OperationalError)
def _away(request: HttpRequest, error: OperationalError) -> HttpResponse:
    answer = _sorry(request, "The database is away. Please ask again in a minute.", 503)
    answer["Retry-After"] = "60"
    return answer
