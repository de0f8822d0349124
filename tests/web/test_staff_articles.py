"""Articles in, letters out of them, and the settings around a sequence, through the pages."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from keepshowingup.core.care import Care, read_exits
from keepshowingup.core.clock import Clock
from keepshowingup.editorial.caring import care_of
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Article, Sequence
from tests.factories import SequenceFactory
from tests.web.staff_desk import PASSWORD, desk, fields, person, sequence_by, url

pytestmark = pytest.mark.django_db
SECTION = "Somebody stayed. A sister called on Sundays, and a neighbour never asked why he came so late. " * 8
ARTICLE = f"# Finding your people\n\n## The first step\n\n{SECTION}\n\n## One small thing\n\n{SECTION}\n"


@pytest.fixture
def editor() -> Client:
    return desk(person("editor", "Mara"))


def test_a_pasted_article_becomes_letters_in_two_presses(editor: Client) -> None:
    answer = editor.post(url("article_import"), {"text": ARTICLE.replace("\n", "\r\n")}, follow=True)
    page = answer.content.decode()
    assert "<h1>Finding your people</h1>" in page
    assert "Draft letters from this" in page
    article = Article.objects.get()
    answer = editor.post(url("article_draft", article.slug), {"title": "Finding your people"}, follow=True)
    sequence = Sequence.objects.get()
    assert sequence.steps.count() >= 2
    assert f"{sequence.steps.count()} letters drafted" in answer.content.decode()
    assert {step.revisions.get().author for step in sequence.steps.all()} == {"mara@harbour.example"}
    # drafting again is another sequence, not an error
    editor.post(url("article_draft", article.slug), {"title": "Finding your people"})
    assert Sequence.objects.count() == 2


def test_an_uploaded_file_comes_in_with_the_title_given(editor: Client) -> None:
    file = SimpleUploadedFile("people.md", ARTICLE.encode())
    editor.post(url("article_import"), {"file": file, "title": "People"})
    assert Article.objects.get().title == "People"


def test_the_articles_that_come_along_can_be_tried(editor: Client) -> None:
    page = editor.get(url("article_import")).content.decode()
    names = re.findall(r'name="sample" value="([^"]+)"', page)
    assert "finding-your-people" in names
    for name in names:
        answer = editor.post(url("article_import"), {"sample": name}, follow=True)
        assert answer.context["reading"].blocks == 0
    assert Article.objects.count() == len(names)
    assert editor.post(url("article_import"), {"sample": "../models"}).status_code == 422


@pytest.mark.parametrize("data", [b"\x00\x01\x02\xff", b""])
def test_a_file_that_is_no_text_is_a_sentence(editor: Client, data: bytes) -> None:
    file = SimpleUploadedFile("people.md", data)
    answer = editor.post(url("article_import"), {"file": file, "title": "What I called it"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert "What I called it" in answer.content.decode()
    assert not Article.objects.exists()


def test_a_text_that_cannot_come_in_is_still_there(editor: Client) -> None:
    answer = editor.post(url("article_import"), {"text": "...", "title": "T" * 201})
    assert answer.status_code == 422
    assert "..." in answer.content.decode()


def test_an_article_with_nothing_to_draft_is_a_sentence(editor: Client) -> None:
    editor.post(url("article_import"), {"text": "# Only a title\n"})
    answer = editor.post(url("article_draft", Article.objects.get().slug))
    assert answer.status_code == 422
    assert "No letter can be made of" in answer.content.decode()


def test_markup_in_an_article_is_only_text(editor: Client) -> None:
    editor.post(url("article_import"), {"text": f"<script>alert(1)</script> {SECTION}", "title": "<b>bold</b>"})
    for path in (url("articles"), url("article", Article.objects.get().slug)):
        page = editor.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<b>bold" not in page


def settings_of(sequence: Sequence, **changes: object) -> dict[str, object]:
    return {
        "title": sequence.title,
        "description": "",
        "signature": "Ruth",
        "language": "en",
        "audience": "self",
        "weekdays": ["1", "2", "3"],
        "window_start": "08:00",
        "window_end": "21:00",
        "quiet_start": "21:00",
        "quiet_end": "08:00",
        "too_late_hours": "",
        **changes,
    }


def test_the_settings_of_a_sequence() -> None:
    mara = person("editor", "Mara")
    sequence, client = sequence_by(mara), desk(mara)
    page = client.get(url("sequence_settings", sequence.slug)).content.decode()
    assert 'value="08:00"' in page
    assert page.count("checked") == 10  # seven days, the look, whom it is for, and that it does not come again
    answer = client.post(url("sequence_settings", sequence.slug), settings_of(sequence, too_late_hours="36"))
    assert answer.status_code == 302
    sequence.refresh_from_db()
    assert (sequence.weekdays, sequence.too_late_hours, sequence.signature) == ("123", 36, "Ruth")


def test_how_a_sequence_ends_comes_again_and_goes_on() -> None:
    mara = person("editor", "Mara")
    sequence, client = sequence_by(mara), desk(mara)
    SequenceFactory.create(slug="staying", title="Staying in touch")
    wanted = {"urgent": "on", "again": "gap", "again_days": "90", "ends_when": "helped, tag:Through"}
    answer = client.post(url("sequence_settings", sequence.slug), settings_of(sequence, then="staying", **wanted))
    assert answer.status_code == 302
    sequence.refresh_from_db()
    assert care_of(sequence) == Care(True, 90, read_exits("helped, tag:through"), "staying")
    page = client.get(url("sequence_settings", sequence.slug)).content.decode()
    for shown in ('value="gap" checked', 'value="90"', 'value="helped, tag:through"', 'value="staying" selected'):
        assert shown in page
    client.post(url("sequence_settings", sequence.slug), settings_of(sequence, again="always"))
    sequence.refresh_from_db()
    assert care_of(sequence) == Care(again_after_days=0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": ""}, "Give it a title."),
        ({"weekdays": []}, "Choose at least one day of the week."),
        ({"language": "English!"}, "is not a tag like en"),
        ({"quiet_start": "07:00", "quiet_end": "22:00"}, "uiet hours"),
        ({"window_start": "early"}, "valid time"),
        ({"again": "gap"}, "after how many days"),
        ({"ends_when": "when they like"}, "is no rule for an end"),
        ({"then": "nowhere"}, "There is no sequence nowhere"),
        ({"then": "finding-your-people"}, "be followed by itself"),
    ],
)
def test_settings_that_cannot_be_kept_are_a_sentence(changes: dict[str, object], sentence: str) -> None:
    mara = person("editor", "Mara")
    sequence, client = sequence_by(mara), desk(mara)
    answer = client.post(
        url("sequence_settings", sequence.slug), settings_of(sequence, **{"description": "Kept words", **changes})
    )
    page = answer.content.decode()
    assert 400 <= answer.status_code < 500
    assert sentence in page
    assert "Kept words" in page


@pytest.mark.parametrize("hour", [0, 3, 12, 23])
def test_the_forecast_is_a_calendar_with_a_table_whatever_the_hour_it_is_asked_at(
    hour: int, settings: LazySettings
) -> None:
    asked_at = dt.datetime(2026, 11, 23, hour, 20, tzinfo=dt.UTC)
    settings.CLOCK = Clock(real=lambda: asked_at)
    mara = person("editor", "Mara")
    sequence, client = sequence_by(mara), desk(mara)
    query = "?start=2026-12-01&zone=America/Santiago&hour=08:30&days=60"
    page = client.get(url("forecast", sequence.slug) + query).content.decode()
    assert "December 2026" in page
    assert "Tue 8 Dec 2026, 08:30" in page
    for wrong in ("?zone=Nowhere/Land", "?days=soon", "?start=1", "?hour=x"):
        answer = client.get(url("forecast", sequence.slug) + wrong)
        assert 400 <= answer.status_code < 500
        assert 'role="alert"' in answer.content.decode()


def test_a_sequence_with_a_title_that_is_taken_gets_an_address_of_its_own(editor: Client) -> None:
    for _ in range(3):
        editor.post(url("sequence_create"), {"title": "Harbour notes"})
    slugs = sorted(Sequence.objects.values_list("slug", flat=True))
    assert slugs == ["harbour-notes", "harbour-notes-2", "harbour-notes-3"]
    editor.post(url("sequence_create"), {"title": "日本"})
    assert Sequence.objects.filter(slug="letters").exists()


def test_the_masthead_is_kept_or_refused_with_a_sentence() -> None:
    admin = desk(person("admin"))
    good = {
        "name": "Harbour letters",
        "from_name": "Ruth",
        "from_address": "ruth@harbour.example",
        "reply_to": "",
        "postal_address": "12 Quay Street",
    }
    admin.post(url("masthead"), good)
    assert masthead().from_name == "Ruth"
    answer = admin.post(url("masthead"), good | {"from_address": "ruth", "name": "Words just typed"})
    assert answer.status_code == 400
    assert "Words just typed" in answer.content.decode()
    assert masthead().name == "Harbour letters"


def test_an_admin_gives_a_colleague_an_account() -> None:
    admin = desk(person("admin"))
    answer = admin.post(url("person_add"), {"name": "Sam", "email": "sam@harbour.example", "role": "editor"})
    password = answer.context["given"]["password"]
    assert password in answer.content.decode()
    colleague = Client()
    colleague.post("/staff/login/", {"login": "sam@harbour.example", "password": password})
    assert colleague.get(url("today")).status_code == 200
    again = admin.post(url("person_add"), {"name": "Sam", "email": "Sam@harbour.example", "role": "admin"})
    assert "Somebody has that address already." in again.content.decode()
    wrong = admin.post(url("person_add"), {"name": "Ada", "email": "ada", "role": "editor"})
    assert wrong.status_code == 422
    assert 'value="Ada"' in wrong.content.decode()


def test_an_admin_changes_a_role_a_password_and_closes_an_account() -> None:
    ada = person("admin", "Ada")
    ruth, admin = person("viewer", "Ruth"), desk(ada)
    admin.post(url("person_change", ruth.pk), {"act": "role", "role": "editor"})
    assert desk(ruth).get(url("article_import")).status_code == 200
    admin.post(url("person_change", ruth.pk), {"act": "password"})
    ruth.refresh_from_db()
    assert not ruth.check_password(PASSWORD)
    admin.post(url("person_change", ruth.pk), {"act": "close"})
    ruth.refresh_from_db()
    assert not ruth.is_active
    for refused in ({"act": "close"}, {"act": "role", "role": "viewer"}, {"act": "role", "role": "owner"}, {}):
        assert 400 <= admin.post(url("person_change", ada.pk), refused).status_code < 500
    assert desk(ada).get(url("people")).status_code == 200


def test_settings_of_a_running_sequence_with_the_form_of_a_letter_do_not_mix() -> None:
    mara = person("editor", "Mara")
    sequence, client = sequence_by(mara), desk(mara)
    step = sequence.steps.get(position=1)
    client.post(url("letter_draft", step.pk), fields(step, subject="Kept while I change the settings"))
    client.post(url("sequence_settings", sequence.slug), settings_of(sequence))
    assert "Kept while I change the settings" in client.get(url("letter", step.pk)).content.decode()
