"""What is typed on the approval page while another of its buttons is pressed: it stands there again afterwards."""

from __future__ import annotations

from keepshowingup.web.staff.roles import StaffRequest

_KEY = "unsent"


def keep(request: StaffRequest, slug: str, *, sent: str = "") -> None:
    """Remember the comments, the reasons and the choice of the page, but for the field that was ``sent``."""
    words = {
        name: text
        for name, text in request.POST.items()
        if isinstance(text, str) and name != sent and (name.startswith(("comment-", "reason-")) or name == "way")
    }
    request.session[_KEY] = {"slug": slug, "words": words}


def take(request: StaffRequest, slug: str) -> dict[str, str]:
    """What was kept for the page of this sequence, once."""
    kept = request.session.pop(_KEY, {})
    words: dict[str, str] = kept["words"] if kept.get("slug") == slug else {}
    return words
