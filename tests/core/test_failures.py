from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.failures import (
    CODES,
    STATUSES,
    WORDS_ABOUT_THE_ADDRESS,
    WORDS_ABOUT_THE_MOMENT,
    WORDS_ABOUT_US,
    Failure,
    FailureKind,
    classify,
)

HARD, SOFT, POLICY, TRANSPORT = FailureKind


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "kind"),
    [
        # promises, section 3: hard is exactly these
        (550, "5.1.1", "user unknown", HARD),
        (550, "5.1.2", "bad destination system address", HARD),
        (501, "5.1.3", "bad destination mailbox address syntax", HARD),
        (551, "5.1.6", "mailbox has moved", HARD),
        (556, "5.1.10", "recipient address has null MX", HARD),
        # full, busy, not now
        (552, "5.2.2", "mailbox full", SOFT),
        (452, "4.2.2", "mailbox full", SOFT),
        (450, "4.1.1", "unverified recipient", SOFT),
        (450, "4.2.0", "Greylisted, see http://postgrey.example/", SOFT),
        (450, "4.7.1", "Client host rejected: greylisting in action", SOFT),
        (451, "4.3.0", "local error in processing", SOFT),
        (452, "4.3.1", "insufficient system storage", SOFT),
        (451, "4.4.1", "no answer from host", SOFT),
        (550, "5.2.1", "mailbox disabled, not accepting messages", SOFT),
        (450, "", "busy", SOFT),
        (450, "5.1.1", "the code says later, the status says never: later", SOFT),
        # about us
        (550, "5.7.1", "message refused", POLICY),
        (550, "5.7.26", "this mail is unauthenticated", POLICY),
        (550, "5.7.1", "user unknown", POLICY),
        (550, "5.1.1", "rejected, your address is listed at zen.spamhaus.org", POLICY),
        (550, "5.1.8", "sender address rejected: domain not found", POLICY),
        (553, "5.1.7", "sender address does not conform", POLICY),
        (550, "", "Sender address rejected: not owned by user", POLICY),
        (554, "", "transaction failed", POLICY),
        (554, "5.6.0", "message content rejected", POLICY),
        (552, "5.3.4", "message size exceeds fixed limit", POLICY),
        (530, "5.7.0", "authentication required", POLICY),
        (535, "", "login failed", POLICY),
        (550, "", "relaying denied", POLICY),
        (451, "4.7.500", "server busy, rate limit", POLICY),
        # servers that write no status
        (550, "", "No such user here", HARD),
        (550, "", "<reader>: Recipient address rejected: User unknown in local recipient table", HARD),
        (550, "5.0.0", "The email account that you tried to reach does not exist", HARD),
        (554, "", "delivery error: This user doesn't have an account here", HARD),
        (556, "", "", HARD),
        (550, "", "Requested action not taken: mailbox unavailable", SOFT),
        (550, "", "", SOFT),
        (552, "", "over quota", SOFT),
        (553, "", "mailbox name not allowed", SOFT),
        # the line
        (421, "4.7.0", "our system has detected an unusual rate", TRANSPORT),
        (421, "", "closing transmission channel", TRANSPORT),
        (0, "", "connection reset", TRANSPORT),
    ],
)
def test_a_failure_is_about_the_right_thing(code: int, enhanced: str, text: str, kind: FailureKind) -> None:
    assert classify(code, enhanced, text).kind is kind


def test_a_lasting_answer_is_marked_so_that_nobody_asks_again() -> None:
    assert classify(552, "5.2.2", "full").permanent
    assert not classify(452, "4.2.2", "full").permanent
    assert not classify(421, "4.7.0", "").permanent


def test_success_is_not_a_failure() -> None:
    with pytest.raises(ValueError, match="250"):
        classify(250, "2.0.0", "ok")


@given(
    st.sampled_from([0, *range(400, 600)]),
    st.from_regex(r"[245]\.\d{1,3}\.\d{1,3}", fullmatch=True) | st.text(),
    st.text(),
)
def test_any_answer_is_judged_and_a_passing_one_never_suppresses(code: int, enhanced: str, text: str) -> None:
    failure = classify(code, enhanced, text)
    assert isinstance(failure, Failure)
    if code < 500 or enhanced.startswith("4."):
        assert failure.kind is not HARD


@given(st.sampled_from([550, 551, 553, 554, 571]), st.integers(0, 999), st.text())
def test_nothing_with_the_policy_subject_ever_suppresses(code: int, detail: int, text: str) -> None:
    assert classify(code, f"5.7.{detail}", text).kind is POLICY


def test_every_row_names_its_source_and_compiles() -> None:
    rows = [*WORDS_ABOUT_US, *WORDS_ABOUT_THE_MOMENT, *WORDS_ABOUT_THE_ADDRESS, *STATUSES.values(), *CODES.values()]
    for row in rows:
        assert row.source
        assert row.reason
        re.compile(row.match)
    assert all(key == row.match for key, row in STATUSES.items())
    assert all(str(key) == row.match for key, row in CODES.items())
