"""The Celery tutorial's way to send a letter: one task each, which gets, renders, inlines, connects, sends and saves.

It is written as one would after reading the tutorials of Celery, Django, Jinja, premailer and smtplib, and not worse:
the template is parsed once per process, premailer's cache is warm, and no network is asked for styles.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import smtplib
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from unittest import mock
from urllib.parse import urlsplit

import django

django.setup()

import cssutils  # noqa: E402
from celery import Celery  # noqa: E402
from jinja2 import Template  # noqa: E402
from premailer import transform  # noqa: E402

from keepshowingup.cadence.models import Enrolment  # noqa: E402
from keepshowingup.core.states import DispatchState  # noqa: E402
from keepshowingup.delivery.models import Dispatch  # noqa: E402
from keepshowingup.editorial.models import Step  # noqa: E402
from keepshowingup.letters import compile as compiling  # noqa: E402
from keepshowingup.letters.environment import reader_template  # noqa: E402
from keepshowingup.letters.values import SAMPLE  # noqa: E402

cssutils.log.setLevel("CRITICAL")

app = Celery("naive", broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
# Where the process was started says which model rows; the mail server is a setting.
RELAY = urlsplit(os.environ["SMTP_URL"])


@cache
def templates(step_id: int) -> tuple[Template, Template, Template]:
    """Subject, HTML and text of the product's own letter, with its styles still in a ``<style>``."""
    step = Step.objects.get(pk=step_id)
    with mock.patch.object(compiling, "inline", lambda source, _: source):
        letter = compiling.compile_letter("step", subject=step.subject, preheader=step.preheader, body=step.body)
    return (
        reader_template(letter.subject, escaped=False),
        reader_template(letter.html, escaped=True),
        reader_template(letter.text, escaped=False),
    )


@app.task(name="naive.send_letter")
def send_letter(enrolment_id: int) -> None:
    """Send one reader's next letter and write down that it was sent."""
    enrolment = Enrolment.objects.select_related("subscriber", "sequence", "next_step").get(pk=enrolment_id)
    reader, step = enrolment.subscriber, enrolment.next_step
    assert step is not None
    values = vars(SAMPLE) | {"first_name": reader.first_name, "sequence_title": enrolment.sequence.title}
    subject, html, text = templates(step.pk)

    message = EmailMessage()
    message["From"] = "Ruth at Harbour <ruth@harbour.example>"
    message["To"] = reader.email
    message["Subject"] = subject.render(values)
    message["Date"] = format_datetime(dt.datetime.now(dt.UTC))
    message["Message-ID"] = f"<{secrets.token_hex(8)}@harbour.example>"
    message["List-Unsubscribe"] = f"<{values['unsubscribe_url']}>"
    message.set_content(text.render(values))
    message.add_alternative(transform(html.render(values), allow_network=False), subtype="html")
    with smtplib.SMTP(RELAY.hostname or "", RELAY.port or 25) as smtp:
        smtp.send_message(message)

    now = dt.datetime.now(dt.UTC)
    Dispatch.objects.create(
        subscriber=reader,
        enrolment=enrolment,
        step_key=step.key,
        state=DispatchState.ACCEPTED,
        due_at=enrolment.due_at or now,
        message_id=str(message["Message-ID"]),
        attempts=1,
        claimed_at=now,
        handed_over_at=now,
    )
    enrolment.last_handed_at = now
    enrolment.due_at = None
    enrolment.save()
