"""Putting a picture into a letter at the desk: with a script and without, and what the preview shows of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import expect

from keepshowingup.core.pictures import names_in, read_picture
from keepshowingup.editorial.models import KeptPicture, Step
from keepshowingup.editorial.pictures import keep_pictures
from tests.factories import MONDAY
from tests.pictures import GPS, exif, jpeg, png
from tests.web.desk_browser import words
from tests.web.staff_desk import desk, fields, person, sequence_by, url
from tests.web.test_staff_browser import faults_now, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture
def step() -> Step:
    return sequence_by(person("editor", "Mara")).steps.get(position=1)


@pytest.fixture
def mara(step: Step) -> Client:
    return desk(person("editor", "Mara"))


def sent(data: bytes, name: str = "bench.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def test_without_a_script_it_stands_at_the_end_of_what_is_typed(step: Step, mara: Client) -> None:
    typed = fields(step, subject="A bench", picture="", alt="A bench  [by the\nwater]")
    answer = mara.post(url("letter_picture", step.pk), typed | {"picture": sent(jpeg(8, 8, exif()))}, follow=True)
    kept = KeptPicture.objects.get()
    assert GPS not in bytes(kept.data)
    page = answer.content.decode()
    assert f"![A bench (by the water)](images/{kept.name})" in page
    assert 'value="A bench"' in page


def test_the_sizes_of_pictures_are_asked_for_once_at_each_look(step: Step, mara: Client) -> None:
    pictures = [read_picture(png(side, side), "a.png") for side in (9, 10)]
    keep_pictures(pictures, now=MONDAY)
    for letter, picture in zip(step.sequence.steps.all(), pictures, strict=True):
        mara.post(url("letter_save", letter.pk), fields(letter, body=f"![A bench](images/{picture.name})"))
    step.refresh_from_db()
    typed = fields(step, subject="A bench by the water")

    def asked_at(look: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as asked:
            look()
        return sum("keptpicture" in query["sql"] for query in asked)

    assert asked_at(lambda: mara.post(url("letter_draft", step.pk), typed, headers=JSON)) == 1
    assert asked_at(lambda: mara.post(url("letter_draft", step.pk), typed | {"mend": "none"}, headers=JSON)) == 1
    assert asked_at(lambda: mara.get(url("letter", step.pk))) == 1
    assert asked_at(lambda: mara.get(url("preview", step.pk))) == 1
    assert "1 KB of pictures" in mara.get(url("letter", step.pk)).content.decode()


def test_a_script_gets_the_markdown_that_shows_it(step: Step, mara: Client) -> None:
    asked = {"picture": sent(png(9, 9), "a.png"), "alt": ""}
    said = mara.post(url("letter_picture", step.pk), asked, headers=JSON).json()
    assert names_in(said["markdown"]) == (KeptPicture.objects.get().name,)


@pytest.mark.parametrize(("data", "said"), [(b"<svg/>", "SVG"), (b"%PDF", "no picture")])
def test_what_is_no_picture_is_refused_and_nothing_typed_is_lost(
    step: Step, mara: Client, data: bytes, said: str
) -> None:
    answer = mara.post(url("letter_picture", step.pk), {"picture": sent(data)}, headers=JSON)
    assert answer.status_code == 422
    assert said in answer.json()["sentence"]
    typed = fields(step, subject="Still here", alt="")
    page = mara.post(url("letter_picture", step.pk), typed, follow=True).content.decode()
    assert "Choose a picture first" in page
    assert "Still here" in page
    assert not KeptPicture.objects.exists()


def test_the_preview_may_show_our_own_pictures_and_with_images_off_none(step: Step, mara: Client) -> None:
    mara.post(url("letter_picture", step.pk), fields(step, alt="A bench") | {"picture": sent(png(9, 9))})
    name = KeptPicture.objects.get().name
    shown = mara.get(url("preview", step.pk))
    assert f'src="/pictures/{name}"' in shown.content.decode()
    assert "img-src 'self'" in shown.headers["Content-Security-Policy"]
    off = mara.get(url("preview", step.pk) + "?as=off")
    assert 'alt="A bench"' in off.content.decode()
    assert "img-src 'none'" in off.headers["Content-Security-Policy"]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_picture_is_chosen_seen_and_with_images_off_not_asked_for(
    live_server: LiveServer, page: Page, axe_source: str
) -> None:
    step = sequence_by(person("editor", "Mara")).steps.get(position=1)
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(answer.url) if "/pictures/" in answer.url and answer.ok else None)
    complaints = sign_in(page, live_server, "mara")
    page.goto(live_server.url + url("letter", step.pk))
    page.get_by_text("Add a picture").click()
    page.get_by_label("JPEG, PNG or GIF").set_input_files(
        {"name": "bench.png", "mimeType": "image/png", "buffer": png(40, 30)}
    )
    page.get_by_label("What it shows").fill("A bench by the water")
    with page.expect_response(lambda answer: "/pictures/" in answer.url):
        page.get_by_label("What it shows").press("Enter")
    assert "![A bench by the water](images/" in words(page).input_value()
    expect(page.frame_locator("#preview").get_by_alt_text("A bench by the water")).to_be_visible()
    assert faults_now(page, axe_source, "a picture") == []
    seen = len(asked)
    page.get_by_role("button", name="Images off").click()
    expect(page.get_by_role("button", name="Images off")).to_have_attribute("aria-pressed", "true")
    expect(page.frame_locator("#preview").get_by_alt_text("A bench by the water")).to_be_attached()
    assert len(asked) == seen
    assert [said for said in complaints if "img-src" not in said] == []
