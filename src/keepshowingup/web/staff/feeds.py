"""Feeds: what is new elsewhere becomes drafts, or issues that wait for a second person."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.editorial import feeding
from keepshowingup.editorial.models import Feed, FeedItem, Sequence
from keepshowingup.web.staff.roles import StaffRequest

RECENT = 20


class NewFeed(forms.Form):
    """An address, and what its news become: drafts, or issues of the newsletter of this slug."""

    url = forms.CharField(max_length=500)
    sequence = forms.CharField(max_length=60, required=False)


@require_GET
def index(request: StaffRequest) -> HttpResponse:
    """Every feed with what is wrong with it, and the last items that came."""
    return _page(request)


@require_POST
def add(request: StaffRequest) -> HttpResponse:
    """Take a feed on and look at it; whoever adds it answers for what comes, so another person approves."""
    form = NewFeed(request.POST)
    if not form.is_valid():
        return _page(request, form, "Give the address of a feed.", 422)
    slug = form.cleaned_data["sequence"]
    try:
        feed = feeding.add_feed(
            form.cleaned_data["url"],
            becomes=Feed.Becomes.ISSUES if slug else Feed.Becomes.DRAFTS,
            sequence_slug=slug,
            added_by=request.desk.person.email,
            now=settings.CLOCK.real(),
        )
    except KeepShowingUpError as error:
        return _page(request, form, error.message, error.status)
    return look(request, feed.pk)


@require_POST
def look(request: StaffRequest, feed_id: int) -> HttpResponse:
    """Look now, and say what came of it."""
    feed = get_object_or_404(Feed, pk=feed_id)
    looked = feeding.look_at(feed.pk, now=settings.CLOCK.real(), today=settings.CLOCK.now(), forced=True)
    if looked is None or looked.trouble:
        messages.warning(request, looked.trouble if looked else "Somebody is looking at it at this moment.")
    else:
        what = "issue" if feed.sequence_id else "draft"
        messages.success(request, f"{count_of(looked.new, what)} made." if looked.new else "Nothing new there.")
    return redirect("staff:feeds")


@require_POST
def remove(request: StaffRequest, feed_id: int) -> HttpResponse:
    """Let it go; what was made of it stays."""
    feed = get_object_or_404(Feed, pk=feed_id)
    feeding.remove_feed(feed.pk)
    messages.success(request, f"{feed} is asked no more. Its articles and letters are still here.")
    return redirect("staff:feeds")


def _page(request: StaffRequest, form: NewFeed | None = None, sentence: str = "", status: int = 200) -> HttpResponse:
    came_in = Count("items", filter=Q(items__article__isnull=False))
    context = {
        "feeds": Feed.objects.select_related("sequence").annotate(came_in=came_in),
        "recent": FeedItem.objects.filter(Q(article__isnull=False) | ~Q(trouble=""))
        .select_related("feed", "article", "step")
        .defer("article__text")[:RECENT],
        "newsletters": Sequence.objects.filter(open_ended=True),
        "form": form or NewFeed(),
        "sentence": sentence,
    }
    return render(request, "staff/feeds.html", context, status=status)
