"""The logbook: who did what, when and why. It can be read, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from keepshowingup.editorial.people import names_of
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import first_broken
from keepshowingup.web.staff.roles import StaffRequest

ON_A_PAGE = 100


@dataclass(frozen=True)
class Line:
    """An entry with the name of who did it."""

    entry: Entry
    name: str


@require_GET
def index(request: StaffRequest) -> HttpResponse:
    """Newest first; ``?what=`` shows one kind, ``?check=1`` reads all of it and says whether it is whole."""
    what = request.GET.get("what", "")
    found = Entry.objects.order_by("-pk")
    if what in Entry.What.values:
        found = found.filter(what=what)
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    names = names_of({entry.who for entry in page})
    newest = Entry.objects.order_by("-pk").first()
    checks = bool(request.GET.get("check"))
    context = {
        "page": page,
        "lines": [Line(entry, names[entry.who]) for entry in page],
        "kinds": Entry.What.choices,
        "what": what,
        "newest": newest,
        "checked": checks,
        "broken": first_broken() if checks else None,
    }
    return render(request, "staff/logbook.html", context)
