"""What a failed letter says about: the address, the moment, us, or the line.

Only a failure that is certainly about the address ends in suppression. Everything the tables do not know is taken
as passing, because a reader who is suppressed by mistake never hears from us again and nobody notices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """Who or what the failure is about."""

    ADDRESS_HARD = "address_hard"  # nobody is there: suppress once
    SOFT = "soft"  # full, busy, greylisting: try again later
    POLICY = "policy"  # about us, our letter or our reputation: never suppress, raise an alarm
    TRANSPORT = "transport"  # the line or the server is down: the letter has not been judged


@dataclass(frozen=True)
class Failure:
    """A verdict. ``reason`` is a phrase for staff; ``permanent`` means the server would say the same again (5yz)."""

    kind: FailureKind
    reason: str
    permanent: bool = False


@dataclass(frozen=True)
class Row:
    """One line of a table: what to match, what it means, and where that is written."""

    match: str
    kind: FailureKind
    reason: str
    source: str


HARD, SOFT, POLICY, TRANSPORT = FailureKind

# Read first: words that name us as the trouble outweigh any status code beside them.
WORDS_ABOUT_US = (
    Row(
        r"spamhaus|spamcop|barracuda|\bdns ?bl\b|\brbl\b|(?:block|black|deny)[ -]?list",
        POLICY,
        "our server is on a block list",
        "the lists' own recommended rejection texts",
    ),
    Row(
        r"\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated|not authenticated|authentication[ -](?:required|failed|checks?)",
        POLICY,
        "our letter was not authenticated",
        "RFC 7372, RFC 7489",
    ),
    Row(
        r"\b(?:poor|low|bad) (?:\w+ )?reputation|unsolicited|spam (?:message|content|detected|policy)"
        r"|(?:\bas|\bis|like|likely|suspected|considered|message|content).{0,20}\bspam\b",
        POLICY,
        "our letter was taken for spam",
        "RFC 5321 7.9",
    ),
    Row(
        r"sender (?:address )?(?:rejected|refused|denied|verify|not allowed)|invalid sender|sender domain",
        POLICY,
        "our sender address was refused",
        "RFC 5321 3.3",
    ),
    Row(
        r"relay(?:ing)? (?:access )?(?:denied|not permitted)|unable to relay", POLICY, "relaying denied", "RFC 5321 3.6"
    ),
    Row(
        r"rate[ -]?limit|too many (?:messages|connections|recipients)|throttl",
        POLICY,
        "we sent too fast",
        "RFC 3463 X.4.5; Google, Microsoft and Yahoo sender guidelines",
    ),
)

# Read second, and only beside a passing (4yz) answer.
WORDS_ABOUT_THE_MOMENT = (
    Row(r"gr[ae]y[ -]?list", SOFT, "greylisting: come back later", "RFC 6647"),
    Row(r"try (?:again|later)|temporar", SOFT, "the server asks to come back later", "RFC 5321 4.2.1"),
)

# Read third: RFC 3463 status as subject.detail, then the subject alone.
STATUSES = {
    "1.1": Row("1.1", HARD, "the mailbox does not exist", "RFC 3463 X.1.1"),
    "1.2": Row("1.2", HARD, "the domain does not exist", "RFC 3463 X.1.2"),
    "1.3": Row("1.3", HARD, "the address is malformed", "RFC 3463 X.1.3"),
    "1.6": Row("1.6", HARD, "the mailbox has moved and left no address", "RFC 3463 X.1.6"),
    "1.7": Row("1.7", POLICY, "our sender address was refused", "RFC 3463 X.1.7"),
    "1.8": Row("1.8", POLICY, "our sender's domain was refused", "RFC 3463 X.1.8"),
    "1.10": Row("1.10", HARD, "the domain takes no mail for this address", "RFC 7505"),
    "1": Row("1", SOFT, "something about the address", "RFC 3463 X.1.0"),
    "2.2": Row("2.2", SOFT, "the mailbox is full", "RFC 3463 X.2.2"),
    "2.3": Row("2.3", POLICY, "our letter is too long for the mailbox", "RFC 3463 X.2.3"),
    "2": Row("2", SOFT, "the mailbox is not available", "RFC 3463 X.2.0"),
    "3.4": Row("3.4", POLICY, "our letter is too big for the server", "RFC 3463 X.3.4"),
    "3": Row("3", SOFT, "the receiving server is not ready", "RFC 3463 X.3.0"),
    "4": Row("4", SOFT, "the way to the receiving server is broken", "RFC 3463 X.4.0"),
    "5": Row("5", POLICY, "the server did not understand us", "RFC 3463 X.5.0"),
    "6": Row("6", POLICY, "the server did not like our letter's form", "RFC 3463 X.6.0"),
    "7": Row("7", POLICY, "refused by policy", "RFC 3463 X.7.0; RFC 7372"),
}

# Read fourth, beside a lasting (5yz) answer without a status that decides: what servers without RFC 3463 write.
WORDS_ABOUT_THE_ADDRESS = (
    Row(r"mailbox (?:is )?full|over ?quota|quota exceeded", SOFT, "the mailbox is full", "RFC 5321 552"),
    Row(
        r"disabled|suspended|inactive|not active",
        SOFT,
        "the mailbox is closed for now",
        "RFC 3463 X.2.1",
    ),
    Row(
        r"(?:no such|unknown|invalid|non-?existent) (?:local )?(?:user|mailbox|recipient|address|account)"
        r"|(?:user|mailbox|recipient|account|address)\b.{0,80}?"
        r"(?:unknown|not (?:be )?found|not exist|n't exist|not known|no longer (?:valid|exists)|not have an account)"
        r"|no mailbox (?:here )?by that name|user doesn't have|unrouteable address",
        HARD,
        "the mailbox does not exist",
        "RFC 5321 3.5.3 and 4.2.2, 550",
    ),
    Row(
        r"(?:domain|host) (?:name )?(?:not found|does not exist|unknown)|nxdomain|no such domain",
        HARD,
        "the domain does not exist",
        "RFC 5321 5.1",
    ),
)

# Read last: the three digits alone.
CODES = {
    0: Row("0", TRANSPORT, "the connection was lost", "RFC 5321 3.8"),
    421: Row("421", TRANSPORT, "the server is closing the line", "RFC 5321 421"),
    452: Row("452", SOFT, "the server has no room now", "RFC 5321 452"),
    500: Row("500", POLICY, "the server did not understand us", "RFC 5321 500"),
    501: Row("501", POLICY, "the server did not understand us", "RFC 5321 501"),
    502: Row("502", POLICY, "the server did not understand us", "RFC 5321 502"),
    503: Row("503", POLICY, "the server did not understand us", "RFC 5321 503"),
    504: Row("504", POLICY, "the server did not understand us", "RFC 5321 504"),
    530: Row("530", POLICY, "the server wants us to log in", "RFC 4954 530"),
    534: Row("534", POLICY, "our login was refused", "RFC 4954 534"),
    535: Row("535", POLICY, "our login was refused", "RFC 4954 535"),
    538: Row("538", POLICY, "our login needs TLS", "RFC 4954 538"),
    552: Row("552", SOFT, "the mailbox is full", "RFC 5321 552"),
    554: Row("554", POLICY, "the transaction failed", "RFC 5321 554"),
    555: Row("555", POLICY, "the server did not understand us", "RFC 5321 555"),
    556: Row("556", HARD, "the domain takes no mail", "RFC 7504"),
}

REFUSED = Row("", SOFT, "refused without a reason", "RFC 5321 4.2.1, 5yz")
PASSING = Row("", SOFT, "not accepted for now", "RFC 5321 4.2.1, 4yz")

_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")


def classify(code: int, enhanced: str, text: str) -> Failure:
    """Judge one answer: the SMTP code (0 when the line broke), its RFC 3463 status (may be empty), and its words.

    A code of 421 or 0 says nothing about letter or reader. A 2yz or 3yz code is no failure and raises ValueError.
    """
    if not (code == 0 or 400 <= code < 600):
        raise ValueError(f"{code} is not the code of a failure")
    status = _STATUS.fullmatch(enhanced.strip())
    lasting = code >= 500 and (status is None or status[1] == "5")
    row = CODES[code] if code in {0, 421} else _row_for(code, status, " ".join(text.split()).lower(), lasting)
    if row.kind is HARD and not lasting:
        return Failure(SOFT, f"for now, {row.reason}")
    return Failure(row.kind, row.reason, lasting)


def _row_for(code: int, status: re.Match[str] | None, words: str, lasting: bool) -> Row:
    if row := _said(words, WORDS_ABOUT_US):
        return row
    if not lasting and (row := _said(words, WORDS_ABOUT_THE_MOMENT)):
        return row
    subject, detail = (status[2], status[3]) if status else ("0", "0")
    if row := STATUSES.get(f"{subject}.{detail}"):
        return row
    # X.n.0 says little: the words beside it may say more. Never beside X.7: whatever it says, it is about us.
    if lasting and detail == "0" and subject != "7" and (row := _said(words, WORDS_ABOUT_THE_ADDRESS)):
        return row
    return STATUSES.get(subject) or CODES.get(code) or (REFUSED if lasting else PASSING)


def _said(words: str, table: tuple[Row, ...]) -> Row | None:
    return next((row for row in table if re.search(row.match, words)), None)
