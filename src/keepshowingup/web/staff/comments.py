"""Comments beside a letter, and sending one back instead of approving it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.editorial import commenting
from keepshowingup.editorial.models import Comment, Step
from keepshowingup.editorial.people import names_of
from keepshowingup.web.staff import unsent
from keepshowingup.web.staff.finding import find_step
from keepshowingup.web.staff.roles import StaffRequest


@dataclass(frozen=True)
class Said:
    """A comment as the desk shows it."""

    comment: Comment
    author: str
    resolver: str
    is_there: bool

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look at it."""
        return self.comment.resolved_at is None


@dataclass(frozen=True)
class Talk:
    """All that was said about one letter: what is open first, then what is done."""

    open: tuple[Said, ...]
    done: tuple[Said, ...]

    @property
    def words(self) -> str:
        """``2 open comments``; empty when nothing is open."""
        return count_of(len(self.open), "open comment") if self.open else ""


def talks_of(steps: Iterable[Step]) -> dict[int, Talk]:
    """What was said about each of the letters, oldest first, by the letter's id."""
    letters = {step.pk: step for step in steps}
    found = list(
        Comment.objects.filter(step__in=letters)
        .select_related("revision")
        .defer("revision__html", "revision__text", "revision__body")
    )
    names = names_of({comment.author for comment in found} | {c.resolved_by for c in found if c.resolved_by})
    said: dict[int, list[Said]] = {pk: [] for pk in letters}
    for comment in found:
        step = letters[comment.step_id]
        words = _even(f"{step.subject}\n{step.preheader}\n{step.body}")
        resolver = names.get(comment.resolved_by, "")
        said[step.pk].append(Said(comment, names[comment.author], resolver, _even(comment.quote) in words))
    return {
        pk: Talk(tuple(one for one in row if one.is_open), tuple(one for one in row if not one.is_open))
        for pk, row in said.items()
    }


def _even(text: str) -> str:
    """A place is marked in an editor and kept in one line: how it is broken into lines says nothing."""
    return " ".join(text.split())


def talk_of(step: Step) -> dict[str, Any]:
    """For the composer's page."""
    return {"talk": talks_of([step])[step.pk]}


@require_POST
def add(request: StaffRequest, step_id: int) -> HttpResponse:
    """A comment on the letter, or on the words in ``quote``."""
    step = find_step(step_id)

    def say() -> str:
        commenting.comment(
            step.pk,
            _typed(request, step),
            author=request.desk.person.email,
            now=settings.CLOCK.now(),
            quote=request.POST.get("quote", ""),
        )
        return "Your comment is beside the letter."

    return _done(request, step, say)


@require_POST
def send_back(request: StaffRequest, step_id: int) -> HttpResponse:
    """Instead of a yes: what to rework."""
    step = find_step(step_id)

    def say() -> str:
        author, now = request.desk.person.email, settings.CLOCK.now()
        said = commenting.send_back(step.pk, _typed(request, step), author=author, now=now)
        writer = names_of([said.revision.author])[said.revision.author]
        return f"“{step.subject}” is back with {writer}, who finds your comment on Today."

    return _done(request, step, say)


@require_POST
def ask_again(request: StaffRequest, step_id: int) -> HttpResponse:
    """The writer asks for a yes to words that were sent back, as they are."""
    step = find_step(step_id)
    if commenting.ask_again(step.pk, by=request.desk.person.email, now=settings.CLOCK.now()):
        messages.success(request, f"“{step.subject}” waits for a second reader again.")
    return redirect("staff:ask", slug=step.sequence.slug)


@require_POST
def settle(request: StaffRequest, comment_id: int) -> HttpResponse:
    """Resolve a comment, or open it again with ``act=reopen``."""
    if request.POST.get("act") == "reopen":
        found = commenting.reopen(comment_id)
    else:
        found = commenting.resolve(comment_id, by=request.desk.person.email, now=settings.CLOCK.now())
    return _back(request, found.step)


def field_of(step: Step) -> str:
    """On the approval page there is a field for each letter."""
    return f"comment-{step.pk}"


def _typed(request: StaffRequest, step: Step) -> str:
    return request.POST.get(field_of(step), request.POST.get("comment", ""))


def _done(request: StaffRequest, step: Step, say: Callable[[], str]) -> HttpResponse:
    """Say it, and go back to where it was typed. What the approval page can't send stands there again."""
    try:
        messages.success(request, say())
    except KeepShowingUpError as error:
        if not _is_approving(request):
            raise
        messages.error(request, error.message)
        return _back(request, step)
    return _back(request, step, sent=field_of(step))


def _is_approving(request: StaffRequest) -> bool:
    return request.POST.get("from") == "approve"


def _back(request: StaffRequest, step: Step, *, sent: str = "") -> HttpResponse:
    if _is_approving(request):
        unsent.keep(request, step.sequence.slug, sent=sent)
        return redirect("staff:approve", slug=step.sequence.slug)
    response = redirect("staff:letter", step_id=step.pk)
    response.headers["Location"] += "#comments"
    return response
