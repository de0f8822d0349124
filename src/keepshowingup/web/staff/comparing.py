"""Any two revisions of a letter, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from keepshowingup.core.errors import NotFound
from keepshowingup.editorial.models import Revision
from keepshowingup.editorial.people import names_of
from keepshowingup.editorial.versions import differences, last_approved, words_now, words_of
from keepshowingup.web.staff.finding import find_step
from keepshowingup.web.staff.roles import StaffRequest


@dataclass(frozen=True)
class Version:
    """A revision in the lists to choose from."""

    revision: Revision
    author: str
    approver: str

    @property
    def label(self) -> str:
        """``3, by Ruth on 23 Nov, 14:02 UTC, approved``."""
        at = self.revision.created_at
        approved = f", approved by {self.approver}" if self.approver else ""
        return f"{self.revision.number}, by {self.author} on {at:%-d %b, %H:%M} UTC{approved}"


@require_GET
def show(request: StaffRequest, step_id: int) -> HttpResponse:
    """``?from=`` and ``?to=`` are numbers of revisions; without them, what changed since the last approval."""
    step = find_step(step_id)
    revisions = list(step.revisions.select_related("approval").defer("html", "text"))
    newest = revisions[0]
    approved = last_approved(step)
    usual = approved.number if approved and approved.pk != newest.pk else max(newest.number - 1, 1)
    before = _chosen(revisions, request.GET.get("from", ""), usual)
    after = _chosen(revisions, request.GET.get("to", ""), newest.number)
    now = words_now(step)
    sides = [now if side.pk == newest.pk else words_of(side) for side in (before, after)]
    context = {
        "step": step,
        "sequence": step.sequence,
        "versions": _versions(revisions),
        "before": before,
        "after": after,
        "differences": differences(*sides),
    }
    return render(request, "staff/compare.html", context)


def _versions(revisions: list[Revision]) -> list[Version]:
    approvers = {r.pk: r.approval.approver for r in revisions if r.is_approved}
    names = names_of({r.author for r in revisions} | set(approvers.values()))
    return [Version(r, names[r.author], names.get(approvers.get(r.pk, ""), "")) for r in revisions]


def _chosen(revisions: list[Revision], number: str, usual: int) -> Revision:
    wanted = number.strip() or str(usual)
    found = next((revision for revision in revisions if str(revision.number) == wanted), None)
    if found is None:
        raise NotFound(f"This letter has no revision {wanted[:20]}.")
    return found
