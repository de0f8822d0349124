"""A reader's own copy of what this room keeps about them (GDPR article 15 and 20)."""

from __future__ import annotations

from typing import Any

from keepshowingup.audience.models import Subscriber


def about_reader(reader: Subscriber) -> dict[str, Any]:
    """Everything the audience room keeps, in plain words; moments are UTC in ISO 8601."""
    return {
        "you": {
            "address": reader.email,
            "first_name": reader.first_name,
            "zone": reader.zone,
            "hour": reader.hour.isoformat("minutes"),
            "language": reader.language,
            "theme": reader.theme,
            "country": reader.country,
            "audience": reader.audience,
            "counted_from": reader.counted_from,
            "letters_a_week": reader.letters_a_week,
            "tags": [tag.name for tag in reader.tags.order_by("name")],
            "state": reader.state,
            "paused_at": reader.paused_at,
            "paused_until": reader.paused_until,
            "first_asked_at": reader.created_at,
            "confirmed_at": reader.confirmed_at,
            "left_at": reader.left_at,
        },
        "what_you_agreed_to": [
            {
                "given_at": consent.given_at,
                "confirmed_at": consent.confirmed_at,
                "where": consent.source,
                "text_version": consent.text_version,
            }
            for consent in reader.consents.order_by("given_at")
        ],
        "when_you_asked": [
            {
                "asked_at": invitation.created_at,
                "where": invitation.form,
                "first_name": invitation.first_name,
                "zone": invitation.zone,
                "hour": invitation.hour.isoformat("minutes"),
                "confirmed_at": invitation.used_at,
            }
            for invitation in reader.invitations.order_by("created_at")
        ],
        "notes_we_sent": [
            {"kind": notice.kind, "asked_at": notice.created_at} for notice in reader.notices.order_by("created_at")
        ],
        "requests_to_stop": [
            {"asked_at": request.created_at, "settled_at": request.settled_at}
            for request in reader.stop_requests.order_by("created_at")
        ],
    }
