"""Pictures in letters, from our own host.

The address is the same for everybody who gets the letter, so that asking for it says nothing about who asks; nothing is
counted, no cookie is set or read.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from keepshowingup.core.pictures import NAME, kind_of
from keepshowingup.editorial.pictures import read_pictures

_A_YEAR = 365 * 24 * 3600


@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponse:
    """One picture. Its name is made of its bytes, so whoever has it need never ask again."""
    if not NAME.fullmatch(name):
        raise Http404
    if request.headers.get("If-None-Match") == f'"{name}"':
        response = HttpResponse(status=304)
    elif found := read_pictures([name]):
        response = HttpResponse(found[name].data, content_type=kind_of(name))
    else:
        raise Http404
    response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
    response.headers["ETag"] = f'"{name}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # Mail programs in a browser show it within a page of theirs.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
