from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.outcomes.returned_mail import Returned, ReturnedKind, read_returned

SAMPLES = Path(__file__).parent / "samples"
LETTER = "<5f2d3a1c9b7e4d60a1b2c3d4e5f60718@harbour.example>"
TOKEN = "tokentokentoken01"

# file: kind, recipient, status
EXPECTED = {
    "auth-failure-report.eml": ("policy", "maya@inbox.example", ""),
    "binary.bin": ("none", "", ""),
    "complaint-redacted.eml": ("complaint", "", ""),
    "complaint-withdrawn.eml": ("none", "maya@inbox.example", ""),
    "complaint.eml": ("complaint", "maya@inbox.example", ""),
    "delayed.eml": ("soft", "maya@inbox.example", "4.4.1"),
    "delivered.eml": ("delivered", "maya@inbox.example", "2.1.5"),
    "empty.eml": ("none", "", ""),
    "endless-boundary.eml": ("none", "", ""),
    "exchange-recipient-not-found.eml": ("hard", "maya@corp.example", "5.1.10"),
    "exim-delayed.eml": ("soft", "maya@exim.example", ""),
    "exim.eml": ("hard", "maya@exim.example", ""),
    "expired.eml": ("soft", "maya@inbox.example", "4.4.7"),
    "groupwise-full.eml": ("soft", "maya@inbox.example", ""),
    "headers-only.eml": ("none", "", ""),
    "labelled-as-text.eml": ("hard", "maya@inbox.example", "5.1.1"),
    "mailbox-full-for-now.eml": ("soft", "maya@inbox.example", "4.2.2"),
    "mailbox-full.eml": ("soft", "maya@inbox.example", "5.2.2"),
    "no-recipients.eml": ("none", "", ""),
    "no-such-charset.eml": ("hard", "maya@inbox.example", "5.1.1"),
    "not-a-mail.txt": ("none", "", ""),
    "opensmtpd-error.eml": ("hard", "maya@inbox.example", "5.1.1"),
    "out-of-office-by-subject.eml": ("autoreply", "maya@inbox.example", ""),
    "person-forwards-a-report.eml": ("none", "", ""),
    "person-replies.eml": ("none", "", ""),
    "policy-block-list.eml": ("policy", "maya@inbox.example", "5.7.1"),
    "policy-dmarc.eml": ("policy", "maya@inbox.example", "5.7.26"),
    "policy-dressed-as-unknown.eml": ("policy", "maya@inbox.example", "5.1.1"),
    "policy-sender-refused.eml": ("policy", "maya@inbox.example", "5.1.8"),
    "postfix-user-unknown.eml": ("hard", "maya@inbox.example", "5.1.1"),
    "qmail-policy.eml": ("policy", "maya@old.example", "5.7.1"),
    "qmail.eml": ("hard", "maya@old.example", ""),
    "read-receipt.eml": ("autoreply", "maya@inbox.example", ""),
    "relayed.eml": ("delivered", "maya@inbox.example", "2.0.0"),
    "report-about-a-report.eml": ("hard", "ghost@relay.example", "5.1.1"),
    "sendmail-host-unknown.eml": ("hard", "maya@nowhere.example", "5.1.2"),
    "status-in-base64.eml": ("hard", "maya@inbox.example", "5.1.1"),
    "status-says-less-than-reply.eml": ("hard", "maya@inbox.example", "5.1.1"),
    "truncated.eml": ("hard", "maya@inbox.example", "5.1.1"),
    "two-recipients.eml": ("hard", "maya@inbox.example", "5.1.1"),
    "vacation.eml": ("autoreply", "maya@inbox.example", ""),
    "verp-only.eml": ("hard", "maya@quiet.example", "5.1.1"),
    "wrapped-by-a-list.eml": ("hard", "maya@inbox.example", "5.1.6"),
    "x-autoreply.eml": ("autoreply", "maya@inbox.example", ""),
}


def read(name: str) -> tuple[Returned, ...]:
    return read_returned((SAMPLES / name).read_bytes())


def test_every_sample_is_expected() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_returned_mail_is_understood(name: str) -> None:
    found = read(name)[0]
    assert (found.kind, found.recipient, found.status) == EXPECTED[name]
    assert found.reason


def test_a_report_about_two_recipients_is_two_answers() -> None:
    assert [(one.kind, one.recipient) for one in read("two-recipients.eml")] == [
        ("hard", "maya@inbox.example"),
        ("soft", "ruben@inbox.example"),
    ]


@pytest.mark.parametrize("name", ["delayed.eml", "exim-delayed.eml"])
def test_a_warning_that_a_letter_waits_is_not_its_end(name: str) -> None:
    assert not read(name)[0].final


@pytest.mark.parametrize("name", ["expired.eml", "mailbox-full.eml", "mailbox-full-for-now.eml"])
def test_a_letter_that_failed_softly_has_failed_all_the_same(name: str) -> None:
    assert read(name)[0].final


@pytest.mark.parametrize(
    "name",
    ["postfix-user-unknown.eml", "sendmail-host-unknown.eml", "qmail.eml", "exim.eml", "complaint.eml", "vacation.eml"],
)
def test_the_letter_is_found_by_its_message_id(name: str) -> None:
    assert read(name)[0].message_id == LETTER


def test_the_return_paths_token_is_read_and_not_yet_believed() -> None:
    assert read("postfix-user-unknown.eml")[0].token == TOKEN
    assert read("person-replies.eml")[0].token == ""


def test_an_old_format_alone_never_makes_a_hard_bounce() -> None:
    """flufl.bounce calls this permanent; the server only says that it refused."""
    mail = (SAMPLES / "qmail.eml").read_bytes().replace(b"550 no such user here", b"550 refused")
    assert read_returned(mail)[0].kind is ReturnedKind.SOFT


def test_line_ends_of_the_wire_and_of_files_read_alike() -> None:
    for name in EXPECTED:
        raw = (SAMPLES / name).read_bytes()
        if name != "binary.bin":
            assert read_returned(raw.replace(b"\n", b"\r\n")) == read_returned(raw), name


def test_an_mbox_line_in_front_does_no_harm() -> None:
    raw = b"From MAILER-DAEMON Mon Nov 23 09:00:07 2026\n" + (SAMPLES / "qmail.eml").read_bytes()
    assert read_returned(raw)[0].kind is ReturnedKind.HARD


@given(st.binary(max_size=2000))
def test_any_bytes_get_an_answer(raw: bytes) -> None:
    assert read_returned(raw)


@given(
    st.sampled_from(sorted(EXPECTED)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=8)), max_size=6),
)
def test_a_damaged_mail_gets_an_answer(name: str, damages: list[tuple[float, int, bytes]]) -> None:
    raw = (SAMPLES / name).read_bytes()
    for where, length, junk in damages:
        start = int(where * len(raw))
        raw = raw[:start] + junk + raw[start + length :]
    for found in read_returned(raw):
        assert isinstance(found, Returned)


# Of the last, only the words at its end tell that it is about us.
NOT_HARD = sorted(name for name in EXPECTED if EXPECTED[name][0] != "hard" and name != "policy-dressed-as-unknown.eml")


@given(st.sampled_from(NOT_HARD), st.floats(0, 1))
def test_a_cut_mail_never_turns_into_a_hard_bounce(name: str, where: float) -> None:
    raw = (SAMPLES / name).read_bytes()
    assert all(one.kind is not ReturnedKind.HARD for one in read_returned(raw[: int(where * len(raw))]))
