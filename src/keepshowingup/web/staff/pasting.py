"""What is pasted into the editor: a word processor's HTML goes in, clean Markdown comes out."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from keepshowingup.editorial.pasting import pasted_to_markdown
from keepshowingup.web.staff.roles import StaffRequest


@require_POST
def clean(request: StaffRequest) -> HttpResponse:
    """``html`` as ``{"markdown": …}``. Nothing is kept; a refusal is answered with its sentence by the guard."""
    return JsonResponse({"markdown": pasted_to_markdown(request.POST.get("html", ""))})
