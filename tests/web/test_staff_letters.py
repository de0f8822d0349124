"""Writing a letter: saving, what can't be saved, what is kept while it is typed, and what the preview may do."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.cadence import starting
from keepshowingup.core.timing import AfterDays
from keepshowingup.editorial import composing, reviewing
from keepshowingup.editorial.models import Sequence, Step
from tests.factories import MONDAY, EnrolmentFactory, SubscriberFactory
from tests.web.staff_desk import BODY, desk, fields, person, sequence_by, url

pytestmark = pytest.mark.django_db
NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def step() -> Step:
    return sequence_by(person("editor", "Mara")).steps.get(position=1)


@pytest.fixture
def mara(step: Step) -> Client:
    return desk(person("editor", "Mara"))


def page(client: Client, step: Step, query: str = "") -> str:
    return client.get(url("letter", step.pk) + query).content.decode()


def test_a_saved_letter_is_a_new_revision_by_the_one_who_wrote_it(step: Step, mara: Client) -> None:
    answer = mara.post(url("letter_save", step.pk), fields(step, subject="A quieter beginning"), follow=True)
    newest = step.revisions.latest("number")
    assert (newest.number, newest.subject, newest.author) == (2, "A quieter beginning", "mara@harbour.example")
    assert newest.body == BODY.rstrip()
    assert "A second person approves it before it goes out." in answer.content.decode()


def test_saving_without_a_change_makes_no_revision(step: Step, mara: Client) -> None:
    answer = mara.post(url("letter_save", step.pk), fields(step), follow=True)
    assert "Nothing had changed." in answer.content.decode()
    assert step.revisions.count() == 1


def test_for_whom_a_letter_is_keeps_the_words_and_their_approval(step: Step, mara: Client) -> None:
    reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=MONDAY)
    answer = mara.post(url("letter_save", step.pk), fields(step, only_if="tag:Spring group,not date"), follow=True)
    assert "For whom it is has changed. The words are as they were." in answer.content.decode()
    step.refresh_from_db()
    assert step.only_if == "tag:spring-group, not date"
    assert step.revisions.get().is_approved
    wrong = mara.post(url("letter_save", step.pk), fields(step, only_if="mood:good"))
    assert "is no condition" in wrong.content.decode()
    assert 'value="mood:good"' in wrong.content.decode()
    step.refresh_from_db()
    assert step.only_if == "tag:spring-group, not date"


def test_another_day_keeps_the_words_and_their_approval(step: Step, mara: Client) -> None:
    reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=MONDAY)
    mara.post(url("letter_save", step.pk), fields(step, days=3, at="08:30"))
    step.refresh_from_db()
    assert (step.after_days, step.at_time) == (3, dt.time(8, 30))
    assert step.revisions.get().is_approved


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"body": "Hello {{ shoe_size }}"}, "There is no merge field &#x27;shoe_size&#x27;"),
        ({"body": "Hello {% for x in y %}"}, "can&#x27;t stand in a letter"),
        ({"body": "Hello {{ first_name }}"}, "Not every reader has a first_name"),
        ({"body": " "}, "The letter has no words yet."),
        ({"subject": ""}, "Give the letter a subject."),
        ({"subject": "Two\u2028lines"}, "can&#x27;t stand in one line of text"),
        ({"days": "", "when": "days"}, "Say how many days after joining."),
        ({"days": "-1"}, "greater than or equal to 0"),
        ({"when": "date", "date": ""}, "Say which date."),
        ({"at": "half past"}, "Write the time like 08:30."),
    ],
)
def test_what_cannot_be_saved_gets_a_sentence_and_keeps_what_was_typed(
    step: Step, mara: Client, typed: dict[str, str], sentence: str
) -> None:
    typed = {"preheader": "Words I have just thought of", **typed}
    answer = mara.post(url("letter_save", step.pk), fields(step, **typed))
    text = answer.content.decode()
    assert 400 <= answer.status_code < 500
    assert sentence in text
    assert "Words I have just thought of" in text
    assert step.revisions.count() == 1
    # and it is still there after coming back
    assert "Words I have just thought of" in page(mara, step)


def test_two_people_writing_at_once_lose_nothing(step: Step, mara: Client) -> None:
    ruth = desk(person("editor", "Ruth"))
    mine, hers = fields(step, subject="What Mara thought of"), fields(step, subject="What Ruth thought of")
    assert ruth.post(url("letter_save", step.pk), hers).status_code == 302
    answer = mara.post(url("letter_save", step.pk), mine)
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Ruth saved this letter while you were writing" in text
    assert "What Mara thought of" in text
    assert 'name="based_on" value="2"' in text
    assert mara.post(url("letter_save", step.pk), {**mine, "based_on": "2"}).status_code == 302
    assert step.revisions.latest("number").subject == "What Mara thought of"


def test_what_is_typed_is_kept_and_shown_as_a_letter_without_saving(step: Step, mara: Client) -> None:
    typed = fields(step, body="Dear {{ first_name | default('friend') }}, a river.")
    assert mara.post(url("letter_draft", step.pk), typed).status_code == 302
    text = page(mara, step)
    assert "These words are kept for you" in text
    assert "Not saved yet" in text
    assert "Dear Maya, a river." in mara.get(url("preview", step.pk)).content.decode()
    assert "Dear friend, a river." in mara.get(url("preview", step.pk) + "?reader=none").content.decode()
    # nobody else sees it, an approver sees what is saved, and it is gone when it is not wanted
    ruth = desk(person("editor", "Ruth"))
    for client, query in ((ruth, ""), (mara, "?saved=1")):
        assert "a river" not in client.get(url("preview", step.pk) + query).content.decode()
    mara.post(url("letter_discard", step.pk))
    assert "These words are kept" not in page(mara, step)
    assert step.revisions.count() == 1


def test_scripts_get_the_same_in_one_answer(step: Step, mara: Client) -> None:
    typed = fields(step, body="My brother is an addict.", show="text", reader="noor")
    answer = mara.post(url("letter_draft", step.pk), typed, headers={"accept": "application/json"})
    data = json.loads(answer.content)
    assert data["kept"] is True
    assert "“addict”" in data["parts"]["findings"]
    assert [(each["start"], each["end"], each["severity"]) for each in data["underlines"]] == [(17, 23, "block")]
    assert data["url"] == url("preview", step.pk) + "?reader=noor&as=text"
    assert "Ruth at Harbour" in data["parts"]["inbox"]
    back = mara.post(url("letter_draft", step.pk), fields(step), headers={"accept": "application/json"})
    assert json.loads(back.content)["kept"] is False


def test_one_press_mends_a_finding_without_any_script(step: Step, mara: Client) -> None:
    typed = fields(step, body="My brother is an addict.")
    mara.post(url("letter_draft", step.pk), typed)
    assert 'value="body:1:17:23:stigma.addict"' in page(mara, step)
    mara.post(url("letter_draft", step.pk), {**typed, "mend": "body:1:17:23:stigma.addict"})
    assert "My brother is a person with a substance use disorder." in page(mara, step)


def test_words_that_make_no_letter_are_said_beside_them(step: Step, mara: Client) -> None:
    mara.post(url("letter_draft", step.pk), fields(step, body="One\n\nHello {{ shoe_size }}"))
    assert "Line 3: There is no merge field" in page(mara, step)
    shown = mara.get(url("preview", step.pk))
    assert shown.status_code == 200
    assert "Line 3: There is no merge field" in shown.content.decode()


def test_a_letter_can_be_seen_as_plain_text_and_in_each_frame(step: Step, mara: Client) -> None:
    text = mara.get(url("preview", step.pk) + "?as=text").content.decode()
    assert "<pre>Good" in text
    for tab in ("phone", "wide", "dark", "text", "nonsense"):
        assert f'class="look as-{tab if tab != "nonsense" else "phone"}"' in page(mara, step, f"?show={tab}")


def test_the_preview_may_ask_for_nothing_and_only_stand_in_our_own_frame(step: Step, mara: Client) -> None:
    headers = mara.get(url("preview", step.pk)).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == "'unsafe-inline'"
    assert policy["frame-ancestors"] == "'self'"
    assert policy["form-action"] == "'none'"
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "connect-src" not in policy
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Cache-Control"] == "no-store"


def test_every_other_page_stands_in_no_frame_and_runs_only_our_scripts(step: Step, mara: Client) -> None:
    answer = mara.get(url("letter", step.pk))
    assert answer.headers["X-Frame-Options"] == "DENY"
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    text = answer.content.decode()
    assert '<iframe id="preview" sandbox src=' in text
    assert "style=" not in text
    assert "onclick" not in text


def test_markup_in_titles_and_words_is_only_text(step: Step, mara: Client) -> None:
    sequence = step.sequence
    composing.edit_step(step.pk, subject=NASTY, preheader=NASTY, body=NASTY, author="x", now=MONDAY)
    Sequence.objects.filter(pk=sequence.pk).update(title=NASTY, description=NASTY, signature=NASTY)
    step.refresh_from_db()
    for path in (
        url("letter", step.pk),
        url("sequences"),
        url("sequence_settings", sequence.slug),
        url("ask", sequence.slug),
        url("approve", sequence.slug),
        url("forecast", sequence.slug),
        url("letter_delete", step.pk),
        url("preview", step.pk),
        url("preview", step.pk) + "?as=text",
        url("today"),
    ):
        text = mara.get(path).content.decode()
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
    answer = mara.post(
        url("letter_draft", step.pk), fields(step, body=NASTY + " an addict"), headers={"accept": "application/json"}
    )
    data = json.loads(answer.content)
    assert "<script>alert" not in "".join(data["parts"].values())


def test_adding_moving_and_deleting_a_letter(step: Step, mara: Client) -> None:
    slug = step.sequence.slug
    answer = mara.post(url("letter_add", slug), {"day": "30"})
    added = step.sequence.steps.latest("pk")
    assert answer.headers["Location"] == url("letter", added.pk)
    assert (added.after_days, added.position) == (30, 3)
    mara.post(url("letter_move", added.pk), {"places": "-1"})
    added.refresh_from_db()
    # It takes the day it moves to, and the letter that was there gets its own.
    assert (added.position, added.after_days) == (2, 7)
    assert step.sequence.steps.get(position=3).after_days == 30
    # Words that are typed meanwhile stay, and do not bring the old day back; the writer stays where they were.
    mara.post(url("letter_draft", added.pk), fields(added, body="Somebody is writing."))
    answer = mara.post(url("letter_move", step.pk), {"places": "1", "at": str(added.pk)})
    assert answer.headers["Location"] == url("letter", added.pk)
    text = page(mara, added)
    assert "Somebody is writing." in text
    assert 'name="days" value="0"' in text
    assert mara.post(url("letter_move", step.pk), {"places": "far"}).status_code == 400
    assert "Nobody waits for" in mara.get(url("letter_delete", added.pk)).content.decode()
    added.refresh_from_db()
    assert added.deleted_at is None
    mara.post(url("letter_delete", added.pk))
    assert mara.get(url("letter", added.pk)).status_code == 404
    assert mara.post(url("letter_save", added.pk), fields(added)).status_code == 404


def test_a_day_that_is_none_is_said(step: Step, mara: Client) -> None:
    answer = mara.post(url("letter_add", step.sequence.slug), {"day": "soon"})
    assert answer.status_code == 400
    assert "is not a day" in answer.content.decode()


def test_deleting_says_how_many_people_wait_for_it(step: Step, mara: Client) -> None:
    for _ in range(3):
        EnrolmentFactory.create(sequence=step.sequence, subscriber=SubscriberFactory.create(), next_step=step)
    assert "Delete it for 3 readers" in mara.get(url("letter_delete", step.pk)).content.decode()


def test_another_day_of_a_running_letter_moves_those_who_wait_for_it(step: Step, mara: Client) -> None:
    now = settings.CLOCK.now()
    waiting = EnrolmentFactory.create(
        sequence=step.sequence, enrolled_at=now, started_on=now.date(), next_step=None, due_at=None
    )
    composing.set_timing(step.pk, AfterDays(3), now=now)
    reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=now)
    starting.activate(step.sequence_id, now)
    waiting.refresh_from_db()
    before = waiting.due_at
    step.refresh_from_db()
    asked = mara.post(url("letter_save", step.pk), fields(step, days=5))
    mara.post(asked.headers["Location"], {"way": "now-on"})
    waiting.refresh_from_db()
    assert before is not None
    assert waiting.due_at is not None
    assert (waiting.due_at.date() - before.date()).days == 2


def test_other_days_of_the_week_move_those_who_wait(step: Step, mara: Client) -> None:
    now = settings.CLOCK.now()
    waiting = EnrolmentFactory.create(
        sequence=step.sequence, enrolled_at=now, started_on=now.date(), next_step=None, due_at=None
    )
    composing.set_timing(step.pk, AfterDays(3), now=now)
    reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=now)
    starting.activate(step.sequence_id, now)
    waiting.refresh_from_db()
    assert waiting.due_at is not None
    other = (waiting.due_at.isoweekday() + 1) % 7 + 1
    kept = dict.fromkeys(("window_end", "quiet_start"), "21:00") | dict.fromkeys(("window_start", "quiet_end"), "08:00")
    mara.post(
        url("sequence_settings", step.sequence.slug),
        {"title": "T", "language": "en", "audience": "self", "weekdays": [str(other)], **kept},
    )
    waiting.refresh_from_db()
    assert waiting.due_at is not None
    assert waiting.due_at.isoweekday() == other


def test_a_newsletter_has_dates(mara: Client) -> None:
    mara.post(url("sequence_create"), {"title": "Harbour notes", "open_ended": "on"})
    sequence = Sequence.objects.get(title="Harbour notes")
    assert sequence.open_ended
    mara.post(url("letter_add", sequence.slug))
    issue = sequence.steps.get()
    assert issue.on_date is not None
    text = page(mara, issue)
    assert f'value="{issue.on_date.isoformat()}"' in text
    assert "Add the issue of" in text


def test_a_test_goes_to_the_one_who_asks_and_a_dead_server_is_a_sentence(step: Step, mara: Client) -> None:
    answer = mara.post(url("letter_test", step.pk), {"to": "somebody.else@example.org"})
    assert answer.status_code == 503
    assert "The mail server is not there" in answer.content.decode()
