"""The second person: who may say yes, what waits for it, and the yes itself."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from keepshowingup.cadence import replans
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.editorial import commenting, reviewing
from keepshowingup.editorial.foreseen import by_approval
from keepshowingup.editorial.people import Role, colleagues, name_of
from keepshowingup.web.staff import unsent
from keepshowingup.web.staff.comments import field_of
from keepshowingup.web.staff.composer import obstacles_of
from keepshowingup.web.staff.counting import plain_list
from keepshowingup.web.staff.finding import find_sequence
from keepshowingup.web.staff.overrides import reasons_given, reviews
from keepshowingup.web.staff.roles import StaffRequest
from keepshowingup.web.staff.timeline import Timeline, timeline_of
from keepshowingup.web.staff.ways import choices_for, chosen, is_asked


@require_http_methods(["GET", "POST"])
def ask(request: StaffRequest, slug: str) -> HttpResponse:
    """What waits for a second person, who that can be, and what to send them; POST writes to them."""
    sequence = find_sequence(slug)
    timeline = timeline_of(sequence)
    others = colleagues(Role.EDITOR, besides=timeline.authors)
    link = request.build_absolute_uri(reverse("staff:approve", args=[sequence.slug]))
    if request.method == "POST" and timeline.waiting:
        from keepshowingup.delivery.staff_notices import ask_to_approve

        asker, now = request.desk.name, settings.CLOCK.now()
        for person in others:
            ask_to_approve(sequence, to=person.email, name=person.first_name, asker=asker, url=link, now=now)
        messages.success(request, f"Written to {plain_list([name_of(person) for person in others])}.")
        return redirect("staff:ask", slug=sequence.slug)
    context = {
        "sequence": sequence,
        "timeline": timeline,
        "others": plain_list([name_of(person) for person in others]),
        "link": link,
        "obstacles": obstacles_of(sequence, request.desk, settings.CLOCK.now()),
    }
    return render(request, "staff/ask.html", context)


@require_http_methods(["GET", "POST"])
def approve(request: StaffRequest, slug: str) -> HttpResponse:
    """GET shows every letter that waits, whole, with its findings; POST approves them all.

    A comment that was typed and not sent is kept with the approval; a refused one leaves it in its field.
    """
    sequence = find_sequence(slug)
    timeline = timeline_of(sequence)
    typed = request.POST if request.method == "POST" else unsent.take(request, sequence.slug)
    waiting = reviews(timeline.waiting, typed)
    comments = {mark: text for mark in timeline.marks if (text := typed.get(field_of(mark.step), "")).strip()}
    context = {
        "sequence": sequence,
        "timeline": timeline,
        "reviews": waiting,
        "sent_back": reviews(timeline.sent_back, {}),
        "elsewhere": {mark: text for mark, text in comments.items() if mark not in timeline.waiting},
        "mine": request.desk.wrote(timeline.authors),
        "seen": _seen(timeline),
        "label": f"Approve {count_of(len(timeline.waiting), 'letter')}",
        "way": typed.get("way") or str(reviewing.proposed_way(sequence)),
    }
    now = settings.CLOCK.now()
    asked = is_asked(sequence) and bool(timeline.waiting)
    choices = choices_for(sequence, by_approval(sequence), now) if asked else []
    context["choices"] = choices
    if request.method == "GET":
        return render(request, "staff/approve.html", context)
    if request.POST.get("seen", "") != context["seen"]:
        sentence = (
            "A letter was changed while you were reading. Here it is as it stands now; read it and approve again."
        )
        return render(request, "staff/approve.html", context | {"sentence": sentence}, status=409)
    try:
        choice, me = chosen(choices, request.POST) if choices else None, request.desk.person.email
        with transaction.atomic():
            approved = reviewing.approve(
                sequence.pk,
                approver=me,
                now=now,
                overrides=reasons_given(waiting),
                way=choice.way if choice else None,
                heads=choice.counted if choice else None,
            )
            for mark, text in comments.items():
                commenting.comment(mark.step.pk, text, author=me, now=now)
    except KeepShowingUpError as error:
        return render(request, "staff/approve.html", context | {"sentence": error.message}, status=error.status)
    if sequence.activated_at is not None:
        replans.after_change(sequence.pk, now)
    beside = f" {count_of(len(comments), 'comment')} kept with it." if comments else ""
    messages.success(request, f"{count_of(approved, 'letter')} approved.{beside}")
    return redirect("staff:composer", slug=sequence.slug)


def _seen(timeline: Timeline) -> str:
    """Which words the approver has before them: nobody says yes to a letter that changed while they read."""
    return ",".join(str(mark.newest.pk) for mark in timeline.waiting)
