"""What mail servers write about our letters, in their own words."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.delivery.maillog import Fate, LogReader, Sighting, moment_of

NAME = "0123456789abcdef01234567"
ID = f"<{NAME}@harbour.example>"
NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)


def read(log: str, zone: dt.tzinfo = dt.UTC) -> list[Sighting]:
    reader = LogReader(lambda token: NAME if token == "ourtoken" else None, NOW, zone)
    return list(reader.read(log.strip().splitlines()))


def fates(log: str) -> list[Fate]:
    return [one.fate for one in read(log)]


POSTFIX = f"""
Nov 23 09:00:01 mail postfix/smtpd[811]: connect from localhost[127.0.0.1]
Nov 23 09:00:01 mail postfix/smtpd[811]: 4BCD1F00A1: client=localhost[127.0.0.1]
Nov 23 09:00:01 mail postfix/cleanup[812]: 4BCD1F00A1: message-id={ID}
Nov 23 09:00:01 mail postfix/qmgr[700]: 4BCD1F00A1: from=<bounce+ourtoken@harbour.example>, size=20311, nrcpt=1 (queue active)
Nov 23 09:00:02 mail postfix/smtp[813]: 4BCD1F00A1: to=<maya@example.org>, relay=mx.example.org[192.0.2.1]:25, delay=0.9, delays=0.1/0/0.3/0.5, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 9F00)
Nov 23 09:00:02 mail postfix/qmgr[700]: 4BCD1F00A1: removed
"""  # noqa: E501


def test_postfix_joins_the_message_id_with_its_fate_by_the_queue_id() -> None:
    found = read(POSTFIX)
    assert [one.fate for one in found] == [Fate.NAMED, Fate.TAKEN, Fate.PASSED_ON]
    assert {one.name for one in found} == {NAME}
    assert found[-1].at == dt.datetime(2026, 11, 23, 9, 0, 2, tzinfo=dt.UTC)


def test_postfix_naming_a_letter_is_no_proof_that_it_took_it() -> None:
    """It writes the Message-ID while the letter comes in; here the client went away before its dot."""
    log = f"""
Nov 23 09:00:01 mail postfix/smtpd[811]: 4BCD1F00A1: client=localhost[127.0.0.1]
Nov 23 09:00:01 mail postfix/cleanup[812]: 4BCD1F00A1: message-id={ID}
Nov 23 09:00:02 mail postfix/smtpd[811]: lost connection after DATA (9000 bytes) from localhost[127.0.0.1]
"""
    assert fates(log) == [Fate.NAMED]


def test_postfix_says_who_refused_and_why() -> None:
    log = POSTFIX.replace(
        "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 9F00)",
        "dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1]:587 said: 550 5.1.1 <maya@example.org>: Recipient "
        "address rejected: User unknown (in reply to RCPT TO command))",
    )
    refused = read(log)[-1]
    assert (refused.fate, refused.code, refused.status) == (Fate.REFUSED, 550, "5.1.1")
    assert "User unknown" in refused.words


@pytest.mark.parametrize(
    ("line", "fate"),
    [
        ("to=<a@b.example>, relay=none, dsn=4.4.1, status=deferred (connect to b.example: timed out)", "taken"),
        ("to=<a@b.example>, relay=none, delay=432000, dsn=4.4.1, status=expired, returned to sender", "refused"),
        ("milter-reject: END-OF-MESSAGE from x[192.0.2.5]: 5.7.1 Spam; from=<c@d.example> to=<a@b.example>", "refused"),
        ("reject: header Subject: x from x[192.0.2.5]; from=<c@d.example> to=<a@b.example>: 5.7.1 no", "refused"),
        ("milter-reject: END-OF-MESSAGE from x[192.0.2.5]: 4.7.1 later; from=<c@d.example> to=<a@b.example>", None),
    ],
)
def test_postfix_has_more_words_than_sent_and_bounced(line: str, fate: str | None) -> None:
    head = "2026-11-23T10:00:02.123456+01:00 mail postfix-out/smtp[813]: 4XyZBcdfGhz1Q: "
    found = read(f"{head}message-id={ID}\n{head}{line}")
    assert [one.fate.value for one in found] == ["named", *([fate] if fate else [])]
    assert found[0].at == dt.datetime(2026, 11, 23, 9, 0, 2, tzinfo=dt.UTC)


def test_a_letter_that_goes_through_a_filter_has_two_queue_ids_and_one_fate() -> None:
    second = POSTFIX.replace("4BCD1F00A1", "5BCD1F00A2").replace("status=sent", "status=bounced")
    assert fates(POSTFIX + second)[-1] is Fate.REFUSED


def test_a_queue_id_that_is_given_out_again_belongs_to_another_letter() -> None:
    other = POSTFIX.replace(NAME, "f" * 24).replace("ourtoken", "another").replace("status=sent", "status=bounced")
    found = read(POSTFIX + other)
    assert [one.fate for one in found if one.name == NAME][-1] is Fate.PASSED_ON
    assert [one.fate for one in found if one.name == "f" * 24][-1] is Fate.REFUSED


def test_a_log_without_message_ids_is_read_by_the_return_path() -> None:
    without = "\n".join(line for line in POSTFIX.splitlines() if "message-id" not in line)
    assert fates(without) == [Fate.TAKEN, Fate.PASSED_ON]
    assert fates(without.replace("ourtoken", "forgedtoken")) == []


def test_the_mail_that_comes_back_to_us_is_not_taken_for_the_letter() -> None:
    log = """
Nov 23 09:00:02 mail postfix/smtp[813]: 4BCD1F00A1: from=<>, size=900, nrcpt=1 (queue active)
Nov 23 09:00:02 mail postfix/smtp[813]: 4BCD1F00A1: to=<bounce+ourtoken@harbour.example>, dsn=2.0.0, status=sent (ok)
"""
    assert fates(log) == []


EXIM = f"""
2026-11-23 09:00:01 1vN0ab-0001Xy-2C <= bounce+ourtoken@harbour.example H=localhost [127.0.0.1] P=esmtp S=20400 id={NAME}@harbour.example
2026-11-23 09:00:03 1vN0ab-0001Xy-2C => maya@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.1] C="250 OK id=9"
2026-11-23 09:00:03 1vN0ab-0001Xy-2C Completed
"""  # noqa: E501


def test_exim_writes_the_id_when_it_has_taken_the_letter() -> None:
    assert fates(EXIM) == [Fate.TAKEN, Fate.PASSED_ON]
    assert fates(EXIM.replace("1vN0ab-0001Xy-2C", "1vN0ab-00000001XyZ-2Cde")) == [Fate.TAKEN, Fate.PASSED_ON]


def test_exim_says_refused_with_stars_and_deferred_with_equals() -> None:
    refused = EXIM.replace(
        "=> maya@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.1] C=",
        "** maya@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.1]: SMTP error from remote mail "
        "server after RCPT TO:<maya@example.org>: 550 5.1.1 no such user C=",
    )
    (_, last) = read(refused)
    assert (last.fate, last.code, last.status) == (Fate.REFUSED, 550, "5.1.1")
    assert fates(EXIM.replace("=> maya", "== maya")) == [Fate.TAKEN, Fate.TAKEN]


def test_sendmail_names_the_letter_and_then_its_stat() -> None:
    log = f"""
Nov 23 09:00:01 mail sm-mta[901]: 8AN9014R000901: from=<bounce+ourtoken@harbour.example>, size=20400, class=0, nrcpts=1, msgid={ID}, proto=ESMTP, daemon=MTA, relay=localhost [127.0.0.1]
Nov 23 09:00:02 mail sm-mta[902]: 8AN9014R000901: to=<maya@example.org>, delay=00:00:01, mailer=esmtp, pri=50400, relay=mx.example.org. [192.0.2.1], dsn=2.0.0, stat=Sent (ok)
"""  # noqa: E501
    assert fates(log) == [Fate.TAKEN, Fate.PASSED_ON]
    assert fates(log.replace("dsn=2.0.0, stat=Sent (ok)", "dsn=4.0.0, stat=Deferred: timed out")) == [Fate.TAKEN] * 2
    refused = read(log.replace("dsn=2.0.0, stat=Sent (ok)", "dsn=5.1.1, stat=User unknown"))[-1]
    assert (refused.fate, refused.status) == (Fate.REFUSED, "5.1.1")


def test_opensmtpd_writes_no_message_id_and_is_read_by_the_return_path() -> None:
    log = """
Nov 23 09:00:01 mail smtpd[77]: 5df87c9c42abeddb smtp message msgid=f6e94209 size=802 nrcpt=1 proto=ESMTP
Nov 23 09:00:01 mail smtpd[77]: 5df87c9c42abeddb smtp envelope evpid=f6e94209918f7e7b from=<bounce+ourtoken@harbour.example> to=<maya@example.org>
Nov 23 09:00:02 mail smtpd[77]: 5df87c9b982c840c mta delivery evpid=f6e94209918f7e7b from=<bounce+ourtoken@harbour.example> to=<maya@example.org> rcpt=<-> source="192.0.2.7" relay="192.0.2.1 (mx.example.org)" delay=1s result="Ok" stat="250 2.0.0: accepted"
"""  # noqa: E501
    assert fates(log) == [Fate.TAKEN, Fate.PASSED_ON]
    assert fates(log.replace('result="Ok"', 'result="TempFail"')) == [Fate.TAKEN, Fate.TAKEN]
    refused = read(log.replace('result="Ok" stat="250 2.0.0: accepted', 'result="PermFail" stat="550 5.1.1 unknown'))[
        -1
    ]
    assert (refused.fate, refused.code, refused.status) == (Fate.REFUSED, 550, "5.1.1")


def test_a_line_that_only_names_a_letter_proves_nothing() -> None:
    assert fates(f"2026-11-23T09:00:00Z somefilter: looking at {ID}") == [Fate.NAMED]


def test_syslogs_moments_have_no_year_and_no_zone() -> None:
    def moment(line: str, zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
        return moment_of(line, NOW, zone)

    assert moment("Nov 23 09:00:01 mail x") == dt.datetime(2026, 11, 23, 9, 0, 1, tzinfo=dt.UTC)
    assert moment("Dec 31 23:59:59 mail x") == dt.datetime(2025, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    assert moment("Feb 29 10:00:00 mail x") is None
    berlin = ZoneInfo("Europe/Berlin")
    assert moment("Nov  3 09:00:01 mail x", berlin) == dt.datetime(2026, 11, 3, 8, 0, 1, tzinfo=dt.UTC)
    assert moment("2026-11-23 09:00:01.250 +0100 1vN0ab", berlin) == dt.datetime(2026, 11, 23, 8, 0, 1, tzinfo=dt.UTC)
    assert moment("at some time") is None


@given(st.text())
def test_any_line_can_be_read(line: str) -> None:
    read(f"postfix/smtp[1]: ABCDEF: {line}\nsm-mta[1]: 8AN9014R000901: {line}\n1vN0ab-0001Xy-2C ** {line}\n{line}")
