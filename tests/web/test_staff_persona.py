"""Seeing a letter as somebody: an invented reader, or a real one for those who may know who reads."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.audience.leaving import leave
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence import starting
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.editorial import reviewing
from keepshowingup.editorial.masthead import edit_masthead
from keepshowingup.editorial.models import Step
from tests.factories import EnrolmentFactory, SubscriberFactory
from tests.web.staff_desk import desk, fields, person, sequence_by, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def step() -> Step:
    return sequence_by(person("editor", "Mara")).steps.get(position=1)


@pytest.fixture
def reader() -> Subscriber:
    return SubscriberFactory.create(first_name="Amara", zone="Africa/Nairobi")


def look_up(client: Client, step: Step, typed: str) -> dict[str, Any]:
    answer = client.post(url("letter_draft", step.pk), fields(step, find=typed), headers={"accept": "application/json"})
    return dict(json.loads(answer.content))


def test_a_sender_sees_a_letter_as_a_real_reader_by_their_address(step: Step, reader: Subscriber) -> None:
    ruth = desk(person("sender", "Ruth"))
    found = look_up(ruth, step, reader.email)
    assert "Amara, Nairobi" in found["parts"]["reader"]
    assert reader.email not in json.dumps(found)
    preview = ruth.get(found["url"]).content.decode()
    assert "Amara" in preview
    # None of the reader's own links stand in it: nobody stops letters from a preview.
    assert reader.opaque not in preview
    page = ruth.get(f"{url('letter', step.pk)}?reader={reader.opaque}").content.decode()
    assert re.search(f'value="{reader.opaque}" selected', page)
    assert "If Amara joined now" in page


def test_a_reader_on_the_way_is_shown_their_own_plan(step: Step, reader: Subscriber) -> None:
    edit_masthead(postal_address="12 Quay Street", from_address="ruth@harbour.example")
    now = settings.CLOCK.now()
    reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=now)
    starting.activate(step.sequence_id, now)
    enrol(reader.pk, step.sequence_id, now)
    page = desk(person("sender", "Ruth")).get(f"{url('letter', step.pk)}?reader={reader.opaque}").content.decode()
    assert "What Amara gets next" in page
    assert "Planned for" in page


def test_who_may_not_know_who_reads_finds_nobody(step: Step, reader: Subscriber) -> None:
    mara = desk(person("editor", "Mara"))
    assert "Nobody reads at that address." in look_up(mara, step, reader.email)["parts"]["nobody"]
    page = mara.get(f"{url('letter', step.pk)}?reader={reader.opaque}").content.decode()
    assert "Amara" not in page
    assert "their exact address" not in page
    assert "Amara" not in mara.get(f"{url('preview', step.pk)}?reader={reader.opaque}").content.decode()


def test_who_has_left_is_nobody(step: Step, reader: Subscriber) -> None:
    EnrolmentFactory.create(sequence=step.sequence, subscriber=reader, next_step=None, due_at=None)
    leave(reader.pk, settings.CLOCK.now())
    ruth = desk(person("sender", "Ruth"))
    assert "Nobody reads at that address." in look_up(ruth, step, reader.email)["parts"]["nobody"]
    assert "Nobody reads at that address." in look_up(ruth, step, "nonsense")["parts"]["nobody"]


def test_without_script_the_same_press_finds_the_reader(step: Step, reader: Subscriber) -> None:
    ruth = desk(person("sender", "Ruth"))
    answer = ruth.post(url("letter_draft", step.pk), fields(step, find=reader.email))
    assert answer.headers["Location"].endswith(f"?reader={reader.opaque}")
    answer = ruth.post(url("letter_draft", step.pk), fields(step, find="nobody@example.org"), follow=True)
    assert "Nobody reads at that address." in answer.content.decode()
