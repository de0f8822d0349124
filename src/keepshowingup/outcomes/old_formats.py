"""Returned mail from before RFC 3464, and from servers that still write it their own way.

Such mail is prose. flufl.bounce finds the recipients in it well; its word that a failure is permanent is wrong for
most failures that are not about the address, so the server's own words are judged by our tables instead.
"""

from __future__ import annotations

import logging
import re

from flufl.bounce import all_failures

from keepshowingup.core.failures import Failure, FailureKind, classify
from keepshowingup.outcomes.mail_parts import Mail
from keepshowingup.outcomes.mail_traces import ADDRESS

log = logging.getLogger(__name__)
# It tells of every detector it tries, and quotes what they stumbled over.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)

_REPLY = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])(?:[ \t#-]+\(?#?([45]\.\d{1,3}\.\d{1,3}))?")
_STATUS = re.compile(r"(?<![\d.])#?([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_WAITS = re.compile(
    r"will (?:keep|continue|be) (?:trying|retried|to try|attempt)|not yet been delivered|has been delayed"
    r"|delivery (?:is |was )?delayed|no action is required|warning message only|will retry",
    re.IGNORECASE,
)


def recipients_of(mail: Mail) -> tuple[str, ...]:
    """Who a mail of an old format says it could not be delivered to; empty when it is of no format that is known."""
    try:
        passing, lasting = all_failures(mail)
    except Exception as error:  # noqa: BLE001 - 18 foreign detectors on hostile bytes: any of them may trip over these
        log.warning("a returned mail's format could not be read: %s", type(error).__name__)
        return ()
    return tuple(sorted(address.decode("ascii", "replace") for address in passing | lasting))


def still_waiting(words: str) -> bool:
    """Whether the server says that it keeps trying."""
    return bool(_WAITS.search(words))


def judge_words(words: str, recipient: str = "") -> tuple[Failure, str]:
    """What the server's own words say, read from where they name the recipient on; with the status, if any."""
    start = words.lower().find(recipient.lower()) if recipient else -1
    near = words[max(start - 300, 0) : start + 1500] if start >= 0 else words[:4000]
    reply = _REPLY.search(near)
    code = int(reply[1]) if reply else 0
    status = (reply[2] if reply else None) or (found[1] if (found := _STATUS.search(near)) else "")
    if not code:
        code = 450 if status.startswith("4") else 550
    said = near[reply.start() :] if reply else near
    # Addresses and host names are not words: nobody is a spammer for living at spam.example.
    failure = classify(code, status or "", ADDRESS.sub(" ", said)[:600])
    if failure.kind is FailureKind.TRANSPORT:
        failure = Failure(FailureKind.SOFT, failure.reason)
    return failure, status or ""
