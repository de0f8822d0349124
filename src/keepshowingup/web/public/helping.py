"""This helped: the page behind a letter's own link. Looking at it counts nothing; a person presses."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose, make, read
from keepshowingup.cadence.helping import say_helped
from keepshowingup.cadence.rounds import last_round
from keepshowingup.core.care import Exit, Reached, read_exits
from keepshowingup.core.states import STAYING
from keepshowingup.delivery.preparing import letter_of
from keepshowingup.editorial.models import Revision
from keepshowingup.web.public.doors import public_page, show
from keepshowingup.web.public.tongues import speak


@public_page
def helped(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, and says so where pressing it ends these letters. POST counts it, once."""
    opaque = read(Purpose.HELPED, token)
    reader_opaque, revision_id = letter_of(opaque) if opaque else ("", 0)
    reader = Subscriber.objects.filter(opaque=reader_opaque).first()
    revision = Revision.objects.filter(pk=revision_id).select_related("step__sequence").first()
    if reader is None or revision is None:
        raise Http404
    speak(request, reader.language)
    sequence = revision.step.sequence
    context = {"token": token, "preferences": f"/preferences/{make(Purpose.PREFERENCES, reader.opaque)}"}
    if request.method != "POST":
        place = last_round(reader.pk, sequence.pk)
        ends = Exit(Reached.HELPED) in read_exits(sequence.ends_when)
        coming = place is not None and place.state in STAYING
        return show(request, "public/helped.html", context | {"ends": ends and coming})
    ended = say_helped(reader.pk, revision.step_id, settings.CLOCK.now())
    return show(request, "public/helped.html", context | {"said": True, "ends": ended})
