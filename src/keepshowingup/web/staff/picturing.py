"""A picture put into a letter at the desk: chosen, pasted or dropped. It is kept here, and the words refer to it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from keepshowingup.core.errors import KeepShowingUpError, WrongUsage
from keepshowingup.core.pictures import FOLDER, PICTURE_LIMIT, read_picture
from keepshowingup.editorial.pictures import keep_pictures
from keepshowingup.web.staff import drafts
from keepshowingup.web.staff.finding import find_step
from keepshowingup.web.staff.roles import StaffRequest

# A camera writes much beside the picture itself; what is left is measured again.
MOST_SENT = 8 * PICTURE_LIMIT
LONGEST_WORDS = 300


@require_POST
def add(request: StaffRequest, step_id: int) -> HttpResponse:
    """Keep ``picture``, which shows ``alt``. A script gets the Markdown for it; else it ends what was typed."""
    step = find_step(step_id)
    asked_by_script = request.headers.get("Accept") == "application/json"
    typed = {name: request.POST.get(name, "") for name in drafts.FIELDS}
    now = settings.CLOCK.now()
    try:
        shown = _keep(request, now)
    except KeepShowingUpError as error:
        if asked_by_script:
            return JsonResponse({"sentence": error.message}, status=error.status)
        messages.error(request, error.message)
    else:
        if asked_by_script:
            return JsonResponse({"markdown": shown})
        typed["body"] = f"{typed['body'].rstrip()}\n\n{shown}\n"
    drafts.keep(request.user, step.pk, typed, now)
    return redirect("staff:letter", step_id=step.pk)


def _keep(request: StaffRequest, now: datetime) -> str:
    file = request.FILES.get("picture")
    if file is None:
        raise WrongUsage("Choose a picture first: a JPEG, PNG or GIF.")
    picture = read_picture(file.read(MOST_SENT + 1), file.name or "The picture")
    keep_pictures([picture], now=now)
    words = " ".join(request.POST.get("alt", "").split())[:LONGEST_WORDS]
    return f"![{words.replace('[', '(').replace(']', ')')}]({FOLDER}{picture.name})"
