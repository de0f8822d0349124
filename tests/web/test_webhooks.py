from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.audience.leaving import is_suppressed
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.models import Dispatch
from keepshowingup.outcomes.evidence import Evidence
from keepshowingup.outcomes.models import Event
from keepshowingup.outcomes.webhooks import LIMIT, is_signed, read_plain, sign
from tests.factories import MONDAY, DispatchFactory, EnrolmentFactory, StepFactory

SAMPLES = Path(__file__).parents[1] / "outcomes" / "samples"
SECRET = "a secret for webhooks"
USER = "provider:a secret of theirs"
LETTER = "<5f2d3a1c9b7e4d60a1b2c3d4e5f60718@harbour.example>"


@pytest.fixture
def letter(db: None) -> Dispatch:
    enrolment = EnrolmentFactory.create(sequence=StepFactory.create().sequence)
    return DispatchFactory.create(
        enrolment=enrolment, state=DispatchState.ACCEPTED, handed_over_at=MONDAY, message_id=LETTER
    )


@pytest.fixture(autouse=True)
def open_doors(settings: LazySettings) -> None:
    settings.WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": USER}


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def post(body: Any, *, signature: str | None = None, content_type: str = "application/json") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    header = sign(SECRET, raw, now()) if signature is None else signature
    return Client().post("/webhooks/plain/", raw, content_type, headers={"Keepshowingup-Signature": header})


HARD = {"id": "1", "kind": "hard", "message_id": LETTER, "status": "5.1.1"}


def test_a_signed_word_moves_the_letter(letter: Dispatch) -> None:
    answer = post(HARD)
    assert (answer.status_code, answer.json()) == (200, {"events": 1, "letters": 1, "changed": 1})
    letter.refresh_from_db()
    assert letter.state == DispatchState.REFUSED
    assert is_suppressed(letter.subscriber.email_key)


def test_a_replay_is_answered_alike_and_changes_nothing(letter: Dispatch) -> None:
    post(HARD)
    answer = post(HARD)
    assert (answer.status_code, answer.json()) == (200, {"events": 1, "letters": 1, "changed": 0})
    assert Event.objects.count() == 1


def test_a_returned_mail_can_be_sent_as_it_is(letter: Dispatch) -> None:
    raw = (SAMPLES / "postfix-user-unknown.eml").read_bytes()
    assert post(raw, content_type="message/rfc822").json()["changed"] == 1
    assert is_suppressed(letter.subscriber.email_key)


def test_several_events_come_in_one_request(letter: Dispatch) -> None:
    events = {"events": [HARD | {"kind": "delivered"}, HARD | {"id": "2", "message_id": "<nobody@nowhere.example>"}]}
    assert post(events).json() == {"events": 2, "letters": 1, "changed": 1}


@pytest.mark.parametrize(
    "signature", ["", "nonsense", "t=,v1=", "t=1,v1=00", "v1=00", "t=9999999999999,v1=0", "t=1²,v1=0"]
)
def test_without_our_signature_nothing_is_read(letter: Dispatch, signature: str) -> None:
    assert post(HARD, signature=signature).status_code == 403
    assert not Event.objects.exists()


def test_a_signature_is_for_one_body_and_five_minutes(letter: Dispatch) -> None:
    body = json.dumps(HARD).encode()
    assert post(HARD | {"id": "2"}, signature=sign(SECRET, body, now())).status_code == 403
    assert post(HARD, signature=sign(SECRET, body, now() - dt.timedelta(minutes=6))).status_code == 403
    assert post(HARD, signature=sign(SECRET, body, now() + dt.timedelta(minutes=6))).status_code == 403
    assert post(HARD, signature=sign("another secret", body, now())).status_code == 403
    assert post(HARD, signature=sign(SECRET, body, now() - dt.timedelta(minutes=4))).status_code == 200


def test_while_the_secret_changes_two_signatures_may_stand_there(letter: Dispatch) -> None:
    body = json.dumps(HARD).encode()
    old, new = sign("the next secret", body, now()), sign(SECRET, body, now())
    assert post(HARD, signature=f"{old},{new.partition(',')[2]}").status_code == 200


def test_a_door_without_a_secret_is_closed(letter: Dispatch, settings: LazySettings) -> None:
    settings.WEBHOOK_SECRET = ""
    assert post(HARD, signature=sign("", json.dumps(HARD).encode(), now())).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"1",
        b"[1]",
        {"events": 1},
        {"events": [HARD] * 1001},
        {},
        {"id": "1"},
        HARD | {"kind": "weather"},
        HARD | {"id": ""},
        HARD | {"id": 7},
        HARD | {"id": "\0"},
        HARD | {"detail": "x" * 301},
        HARD | {"happened_at": "yesterday"},
        HARD | {"happened_at": "0001-01-01T00:00:00+14:00"},
    ],
)
@pytest.mark.django_db
def test_a_malformed_body_is_refused_with_a_sentence(body: Any) -> None:
    answer = post(body)
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")


def test_more_than_a_megabyte_is_too_much() -> None:
    assert post(b" " * (LIMIT + 1)).status_code == 413


def test_who_is_there_is_answered_and_nothing_else() -> None:
    assert Client().head("/webhooks/plain/").status_code == 200
    assert Client().get("/webhooks/plain/").status_code == 405
    assert Client().post("/webhooks/nobody/").status_code == 404


def test_while_the_database_is_away_the_sender_is_asked_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr("keepshowingup.web.webhooks.record_all", away)
    answer = post(HARD)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")


def test_a_detail_is_kept_without_addresses(letter: Dispatch) -> None:
    post(HARD | {"detail": "550 5.1.1 <maya@inbox.example>: unknown"})
    assert Event.objects.get().detail == "550 5.1.1 <…>: unknown"


def postmark(body: dict[str, Any], auth: str = USER) -> Any:
    basic = base64.b64encode(auth.encode()).decode()
    return Client().post(
        "/webhooks/postmark/", json.dumps(body), "application/json", headers={"Authorization": f"Basic {basic}"}
    )


POSTMARK_BOUNCE = {
    "RecordType": "Bounce",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
    "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
    "Email": "reader@example.org",
    "BouncedAt": "2026-11-23T10:00:00Z",
    "Metadata": {"letter": LETTER},
}


def test_a_providers_bounce_is_understood(letter: Dispatch) -> None:
    answer = postmark(POSTMARK_BOUNCE)
    assert (answer.status_code, answer.json()["changed"]) == (200, 1)
    event = Event.objects.get()
    assert (event.provider, event.kind, event.status, event.dispatch_id) == ("postmark", "hard", "5.1.1", letter.pk)
    assert postmark(POSTMARK_BOUNCE).json()["changed"] == 0


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"Details": "smtp;550 5.7.1 blocked using a DNSBL"}, "policy"),
        ({"Type": "SoftBounce", "Details": "smtp;552 5.2.2 mailbox full"}, "soft"),
        ({"Type": "HardBounce", "Details": "", "Description": "gone"}, "hard"),
        ({"Type": "SoftBounce", "Details": "", "Description": "gone"}, "soft"),
        ({"Type": "Blocked"}, "policy"),
        ({"Type": "BadEmailAddress"}, "hard"),
        ({"Type": "Transient"}, "delayed"),
        ({"RecordType": "SpamComplaint", "Type": "SpamComplaint"}, "complaint"),
        ({"RecordType": "Delivery", "DeliveredAt": "2026-11-23T10:00:00Z"}, "delivered"),
        ({"RecordType": "SubscriptionChange", "SuppressionReason": "ManualSuppression"}, "left"),
    ],
)
def test_a_providers_words_are_said_in_ours(letter: Dispatch, changes: dict[str, str], kind: str) -> None:
    assert postmark(POSTMARK_BOUNCE | changes).json()["changed"] == 1
    assert Event.objects.get().kind == kind


@pytest.mark.parametrize("what", ["Open", "Click"])
def test_what_readers_do_with_a_letter_is_not_read(letter: Dispatch, what: str) -> None:
    assert postmark({"RecordType": what, "MessageID": "1", "Metadata": {"letter": LETTER}}).json()["events"] == 0
    assert not Event.objects.exists()


def test_a_provider_has_to_prove_who_it_is(letter: Dispatch, settings: LazySettings) -> None:
    assert postmark(POSTMARK_BOUNCE, auth="provider:wrong").status_code == 403
    settings.ANYMAIL = {}
    assert postmark(POSTMARK_BOUNCE).status_code == 403
    assert not Event.objects.exists()


@pytest.mark.parametrize("body", [[], 1, "x", {"RecordType": "Bounce", "Metadata": 1, "Type": []}])
def test_what_a_provider_never_sends_is_refused(letter: Dispatch, body: Any) -> None:
    assert postmark(body).status_code == 400


@pytest.mark.parametrize(
    ("provider", "configured"),
    [
        ("mailgun", {"MAILGUN_WEBHOOK_SIGNING_KEY": "k"}),
        ("mandrill", {"MANDRILL_WEBHOOK_KEY": "k"}),
        ("resend", {"RESEND_SIGNING_SECRET": "whsec_aGVsbG8="}),
        ("mailersend", {"MAILERSEND_SIGNING_SECRET": "k"}),
        ("sendgrid", {}),
        ("sparkpost", {}),
        ("brevo", {}),
        ("mailjet", {}),
        ("mailtrap", {}),
        ("postal", {}),
        ("unisender_go", {"UNISENDER_GO_API_KEY": "k"}),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"signature": 1}', b"\xff"])
def test_every_provider_refuses_who_does_not_sign(
    provider: str, configured: dict[str, str], body: bytes, settings: LazySettings
) -> None:
    settings.ANYMAIL = configured
    assert Client().post(f"/webhooks/{provider}/", body, "application/json").status_code in {403, 503}


def test_a_mailgun_event_with_its_own_signature(letter: Dispatch, settings: LazySettings) -> None:
    import hashlib
    import hmac

    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": "mailgun's key"}
    signature = hmac.new(b"mailgun's key", b"1795430400token", hashlib.sha256).hexdigest()
    body = {
        "signature": {"timestamp": "1795430400", "token": "token", "signature": signature},
        "event-data": {
            "event": "failed",
            "severity": "permanent",
            "id": "x",
            "timestamp": 1795430400.0,
            "recipient": letter.subscriber.email,
            "message": {"headers": {"message-id": LETTER.strip("<>")}},
            "delivery-status": {"code": 550, "message": "5.1.1 user unknown", "description": ""},
        },
    }
    answer = Client().post("/webhooks/mailgun/", json.dumps(body), "application/json")
    assert (answer.status_code, answer.json()["changed"]) == (200, 1)
    assert Event.objects.get().kind == "hard"


@given(st.text(), st.binary(max_size=200))
def test_no_header_opens_the_door(signature: str, body: bytes) -> None:
    assert not is_signed(SECRET, signature, body, MONDAY)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*HARD, "events", "x"]), inner),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_read_or_refused(value: Any) -> None:
    with contextlib.suppress(WrongUsage):
        assert all(isinstance(one, Evidence) for one in read_plain(json.dumps(value).encode(), "application/json"))
