"""The reader's own copy of everything we keep, from every room."""

from __future__ import annotations

from typing import Any

from keepshowingup.audience.exporting import about_reader
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery.models import Dispatch


def everything_about(reader: Subscriber) -> dict[str, Any]:
    """What can be turned into JSON: moments are UTC, in ISO 8601."""
    enrolments = Enrolment.objects.filter(subscriber=reader).select_related("sequence", "next_step")
    dispatches = Dispatch.objects.filter(subscriber=reader).select_related("revision", "enrolment__sequence", "notice")
    return {
        **about_reader(reader),
        "letters_you_get": [
            {
                "letters": enrolment.sequence.title,
                "state": enrolment.state,
                "since": enrolment.enrolled_at,
                "day_0": enrolment.started_on,
                "time": enrolment.round,
                "ended_at": enrolment.ended_at,
                "you_said_it_helped": [
                    {"letter": helped.step_key, "said_at": helped.said_at}
                    for helped in enrolment.helped.order_by("said_at")
                ],
                "next_letter_at": enrolment.due_at,
                "next_letter_why_then": enrolment.due_reason,
            }
            for enrolment in enrolments.order_by("enrolled_at")
        ],
        "what_we_sent": [
            {
                "letters": dispatch.enrolment.sequence.title if dispatch.enrolment else "",
                "subject": dispatch.revision.subject if dispatch.revision else "",
                "kind": "letter" if dispatch.notice is None else dispatch.notice.kind,
                "due_at": dispatch.due_at,
                "handed_over_at": dispatch.handed_over_at,
                "state": dispatch.state,
                "message_id": dispatch.message_id,
            }
            for dispatch in dispatches.order_by("due_at")
        ],
    }
