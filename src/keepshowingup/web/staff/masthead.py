"""Who the letters come from."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.editorial.masthead import edit_masthead, masthead
from keepshowingup.letters.themes import DEFAULT_THEME, theme_labels
from keepshowingup.letters.words import language_names
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note
from keepshowingup.web.staff.roles import StaffRequest

FIELDS = ("name", "from_name", "from_address", "reply_to", "postal_address", "language", "theme")


@require_http_methods(["GET", "POST"])
def change(request: StaffRequest) -> HttpResponse:
    """Name, From, reply address and postal address of every letter."""
    head = masthead()
    if request.method == "GET":
        return _page(request, {name: getattr(head, name) for name in FIELDS}, encloses=head.encloses_pictures)
    typed = {name: request.POST.get(name, getattr(head, name)) for name in FIELDS}
    # A script that says nothing of pictures leaves them where they are.
    pictures = request.POST.get("pictures", "enclosed" if head.encloses_pictures else "hosted")
    try:
        edit_masthead(**typed, encloses_pictures=pictures == "enclosed")
    except KeepShowingUpError as error:
        return _page(request, typed, error.message, error.status, encloses=pictures == "enclosed")
    changed = ", ".join(name.replace("_", " ") for name in FIELDS if typed[name].strip() != getattr(head, name))
    if changed:
        about = f"the masthead: {changed}"
        note(Entry.What.MASTHEAD, who=request.desk.person.email, about=about, now=settings.CLOCK.now())
    messages.success(request, "Saved. The next letter that leaves carries it.")
    return redirect("staff:masthead")


def _page(
    request: StaffRequest, typed: dict[str, str], sentence: str = "", status: int = 200, *, encloses: bool
) -> HttpResponse:
    context = {
        "encloses": encloses,
        "typed": typed,
        "sentence": sentence,
        "looks": theme_labels().items(),
        "usual": DEFAULT_THEME,
        "languages": language_names().items(),
    }
    return render(request, "staff/masthead.html", context, status=status)
