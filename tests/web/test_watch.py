"""What monitors see."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.watching import beat_heart
from tests.factories import DispatchFactory, StepFactory

pytestmark = pytest.mark.django_db


def test_nobody_has_ticked_yet_is_not_well(client: Client) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"ok": False})
    assert answer["Retry-After"] == "30"


def test_a_house_that_ticks_is_well(client: Client) -> None:
    beat_heart("tick", settings.CLOCK.real())
    assert client.get("/health").json() == {"ok": True}


def test_the_metrics_count_letters_and_name_nobody(client: Client) -> None:
    DispatchFactory.create(enrolment__sequence=StepFactory.create().sequence, state="unknown")
    page = client.get("/metrics").content.decode()
    assert "keepshowingup_unknown 1.0" in page
    assert Dispatch.objects.get().subscriber.email not in page


def test_the_metrics_are_closed_to_who_has_no_token(client: Client, settings: Any) -> None:
    settings.PRODUCTION = True
    assert client.get("/metrics").status_code == 401
    settings.API_TOKEN = "a token"
    assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer a token"}).status_code == 200
