"""``/api/``."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from keepshowingup.web.api.api import api


@csrf_exempt
def nothing(request: HttpRequest) -> JsonResponse:
    """Programs get their 404 as they get everything else."""
    return JsonResponse({"detail": "There is nothing here. /api/docs says what there is."}, status=404)


urlpatterns = [path("", RedirectView.as_view(url="/api/docs")), path("", api.urls), re_path("", nothing)]
