"""What a mail that came back to our return path says: a bounce, a complaint, an auto-reply, a receipt, or nothing.

Standards first (RFC 3464 delivery reports, RFC 5965 complaints, RFC 8098 receipts, RFC 3834 auto-replies), then the
prose of old formats. Pure: bytes in, values out, for any bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from keepshowingup.core.failures import Failure, FailureKind, classify
from keepshowingup.outcomes import old_formats
from keepshowingup.outcomes.mail_parts import (
    Fields,
    Mail,
    all_words,
    blocks_in,
    field_blocks,
    header,
    parse,
    parts,
    words_of,
)
from keepshowingup.outcomes.mail_signs import A_RETURN, A_SERVER, AN_ABSENCE
from keepshowingup.outcomes.mail_traces import ADDRESS, address_in, addressee_of, letter_of, token_of, verp_recipient


class ReturnedKind(StrEnum):
    """What a returned mail means for us."""

    HARD = "hard"  # nobody is at that address
    SOFT = "soft"  # not now
    POLICY = "policy"  # something about us
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    DELIVERED = "delivered"
    NONE = "none"  # a person's reply, or no mail at all


@dataclass(frozen=True)
class Returned:
    """One recipient's part of a returned mail.

    ``final``: the letter will not be tried again. ``token`` is what follows ``bounce+`` in the address it came back
    to, not yet believed; ``message_id`` names the letter it is about, with its angle brackets.
    """

    kind: ReturnedKind
    recipient: str = ""
    status: str = ""
    reason: str = ""
    final: bool = True
    token: str = ""
    message_id: str = ""


KINDS = {
    FailureKind.ADDRESS_HARD: ReturnedKind.HARD,
    FailureKind.SOFT: ReturnedKind.SOFT,
    FailureKind.POLICY: ReturnedKind.POLICY,
    FailureKind.TRANSPORT: ReturnedKind.SOFT,
}

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_SMTP_CODE = re.compile(r"(?<![\d.])([245]\d\d)(?![\d.])")


def read_returned(raw: bytes) -> tuple[Returned, ...]:
    """What a mail says, a value for each recipient it speaks of; at least one, which may be of kind ``none``."""
    mail = parse(raw)
    if mail is None:
        return (Returned(ReturnedKind.NONE, reason="this is not a mail"),)
    found = _complaint(mail) or _delivery_report(mail) or _receipt(mail) or _prose(mail)
    token, message_id, verp = token_of(mail), letter_of(mail), verp_recipient(mail)
    return tuple(replace(one, token=token, message_id=message_id, recipient=one.recipient or verp) for one in found)


def _complaint(mail: Mail) -> tuple[Returned, ...]:
    """A feedback report (RFC 5965): somebody pressed the spam button."""
    report = next((part for part in parts(mail) if part.get_content_type() == "message/feedback-report"), None)
    if report is None:
        return ()
    fields: Fields = {}
    for block in field_blocks(report):
        fields = block | fields
    kind = fields.get("feedback-type", "abuse").strip().lower()
    recipient = address_in(fields.get("original-rcpt-to", "")) or addressee_of(mail)
    if kind == "not-spam":
        return (Returned(ReturnedKind.NONE, recipient, reason="the reader says that it is no spam", final=False),)
    if kind in {"auth-failure", "virus"}:
        return (Returned(ReturnedKind.POLICY, recipient, reason=f"a report of kind {kind}", final=False),)
    return (Returned(ReturnedKind.COMPLAINT, recipient, reason=f"the reader complained ({kind})"),)


def _delivery_report(mail: Mail) -> tuple[Returned, ...]:
    """A delivery report (RFC 3464), also one whose label or wrapping is wrong."""
    report = next((part for part in parts(mail) if _is_status_part(part)), None)
    if report is None:
        return ()
    blocks = [block for block in field_blocks(report) if _recipient_in(block) or "action" in block or "status" in block]
    words = all_words(mail)
    if not blocks and (addressee := addressee_of(mail)):
        return (_judged(words, addressee),)
    return tuple(_recipients_fate(block, words) for block in blocks)


def _is_status_part(part: Mail) -> bool:
    kind = part.get_content_type()
    if kind in {"message/delivery-status", "message/global-delivery-status"}:
        return True
    if part.get_content_maintype() != "text":
        return False
    # Some gateways turn the report into plain text.
    return any(_recipient_in(block) and {"action", "status"} & block.keys() for block in blocks_in(words_of(part)))


def _recipients_fate(block: Fields, words: str) -> Returned:
    recipient = _recipient_in(block)
    diagnostic = block.get("diagnostic-code", "")
    status = _more_telling(block.get("status", ""), diagnostic)
    action = block.get("action", "").strip().lower()
    if not action:
        action = {"2": "delivered", "4": "delayed"}.get(status[:1], "failed")
    if action.startswith(("deliver", "relay", "expand")):
        return Returned(ReturnedKind.DELIVERED, recipient, status, f"the server says: {action.split()[0]}")
    if diagnostic:
        said = diagnostic.partition(";")[2] or diagnostic
        code = int(found[1]) if (found := _SMTP_CODE.search(said)) and found[1] >= "400" else 0
        failure = classify(code or _code_for(status), status, ADDRESS.sub(" ", said))
    elif status[2:] in {"", "0.0"}:
        failure, status = old_formats.judge_words(words, recipient)
    else:
        failure = classify(_code_for(status), status, "")
    if action.startswith("delay"):
        return Returned(ReturnedKind.SOFT, recipient, status, f"delayed: {failure.reason}", final=False)
    return _returned(failure, recipient, status)


def _more_telling(status: str, diagnostic: str) -> str:
    """The status that says more: servers write 5.0.0 in the field and the real one beside the SMTP reply."""
    given, beside = _STATUS.search(status), _STATUS.search(diagnostic)
    if given and (given[2] != "0" or not beside):
        # A bare X.n.0 beside the same subject with a detail: take the detail.
        telling = beside and beside[1] == given[1] and given[3] == "0" and beside[2] == given[2]
        return beside[0] if beside and telling else given[0]
    return beside[0] if beside else ""


def _code_for(status: str) -> int:
    return 450 if status.startswith("4") else 550


def _receipt(mail: Mail) -> tuple[Returned, ...]:
    """A receipt (RFC 8098): it was shown, or thrown away unread. Either way it arrived."""
    if any(part.get_content_type() == "message/disposition-notification" for part in parts(mail)):
        return (Returned(ReturnedKind.AUTOREPLY, _sender_of(mail), reason="a receipt", final=False),)
    return ()


def _prose(mail: Mail) -> tuple[Returned, ...]:
    by_a_server = (
        "x-failed-recipients" in mail
        or A_SERVER.search(header(mail, "from"))
        or A_RETURN.search(header(mail, "subject"))
    )
    if by_a_server:
        words = all_words(mail)
        recipients = old_formats.recipients_of(mail) or _failed_recipients(mail)
        if recipients:
            return tuple(_judged(words, recipient) for recipient in recipients)
    if reason := _automatic(mail):
        return (Returned(ReturnedKind.AUTOREPLY, _sender_of(mail), reason=reason, final=False),)
    if by_a_server and (addressee := verp_recipient(mail) or addressee_of(mail)):
        return (_judged(all_words(mail), addressee),)
    return (Returned(ReturnedKind.NONE, reason="nothing that a server says about a letter", final=False),)


def _judged(words: str, recipient: str) -> Returned:
    failure, status = old_formats.judge_words(words, recipient)
    if old_formats.still_waiting(words):
        return Returned(ReturnedKind.SOFT, recipient, status, f"delayed: {failure.reason}", final=False)
    return _returned(failure, recipient, status)


def _returned(failure: Failure, recipient: str, status: str) -> Returned:
    return Returned(KINDS[failure.kind], recipient, status, failure.reason)


def _automatic(mail: Mail) -> str:
    """Why a mail is no person's answer (RFC 3834), or nothing."""
    submitted = header(mail, "auto-submitted").lower()
    if submitted and not submitted.startswith("no"):
        return "an automatic reply (Auto-Submitted)"
    for name in ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-auto-reply-from", "x-mail-autoreply"):
        if name in mail and header(mail, name).lower() != "no":
            return f"an automatic reply ({name})"
    if header(mail, "precedence").lower() in {"auto_reply", "auto-reply", "autoreply"}:
        return "an automatic reply (Precedence)"
    return "an automatic reply, by its subject" if AN_ABSENCE.search(header(mail, "subject")) else ""


def _recipient_in(block: Fields) -> str:
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        kind, typed, value = block.get(name, "").partition(";")
        address = (value if typed else kind).strip().strip("<>").strip('"')
        if "@" in address:
            return address
    return ""


def _failed_recipients(mail: Mail) -> tuple[str, ...]:
    """Exim's own header, which survives when the prose is in another language."""
    return tuple(ADDRESS.findall(header(mail, "x-failed-recipients")))


def _sender_of(mail: Mail) -> str:
    return address_in(header(mail, "from"))
