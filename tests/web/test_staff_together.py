"""Two people at one letter: what each changed, comments, sending back, and comparing any two revisions."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from keepshowingup.core.errors import Refused
from keepshowingup.core.timing import AfterDays
from keepshowingup.editorial import commenting, composing, reviewing
from keepshowingup.editorial.models import Comment, Draft, Step
from keepshowingup.editorial.people import close_account
from keepshowingup.logbook.models import Entry
from tests.factories import MONDAY, SubscriberFactory
from tests.web.staff_desk import desk, fields, person, sequence_by, url

pytestmark = pytest.mark.django_db
BODY = "Somebody stayed.\n\nA sister called on Sundays. A neighbour never asked why."
SETTINGS = (
    *("title", "description", "signature", "language", "audience", "open_ended", "weekdays"),
    *("window_start", "window_end", "quiet_start", "quiet_end", "too_late_hours"),
)
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def step() -> Step:
    step = sequence_by(person("editor", "Mara")).steps.get(position=1)
    composing.edit_step(
        step.pk, subject=step.subject, preheader=step.preheader, body=BODY, author="mara@harbour.example", now=MONDAY
    )
    step.refresh_from_db()
    return step


@pytest.fixture
def mara(step: Step) -> Client:
    return desk(person("editor", "Mara"))


@pytest.fixture
def ruth(step: Step) -> Client:
    return desk(person("editor", "Ruth"))


def save(client: Client, step: Step, begun: dict[str, str], **typed: object) -> tuple[int, str]:
    answer = client.post(url("letter_save", step.pk), begun | {name: str(value) for name, value in typed.items()})
    return answer.status_code, answer.content.decode()


def form_of(html: str, name: str) -> dict[str, str]:
    """What a form of the page would send."""
    inside = re.search(rf'<form id="{name}".*?</form>', html, re.DOTALL)
    assert inside
    found = dict(re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', inside[0]))
    found |= dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', inside[0], re.DOTALL))
    return {field: text.replace("&quot;", '"') for field, text in found.items()}


def test_the_second_sees_what_the_first_changed_and_nothing_is_overwritten(
    step: Step, mara: Client, ruth: Client
) -> None:
    begun = fields(step)
    assert save(ruth, step, begun, body=BODY.replace("sister", "brother"))[0] == 302
    status, html = save(mara, step, begun, body=BODY.replace("never asked", "did not ask"))
    assert status == 409
    assert "Ruth saved this letter while you were writing" in html
    assert "<del>sister</del><ins>brother</ins>" in html
    assert "<del>never asked</del><ins>did not ask</ins>" in html
    assert "both fit together" in html
    assert step.revisions.count() == 3
    # Coming back to it shows the same, and the words are still theirs.
    assert "Ruth saved this letter" in mara.get(url("letter_meanwhile", step.pk)).content.decode()
    assert "See what changed" in mara.get(url("letter", step.pk)).content.decode()
    assert save(mara, step, form_of(html, "both"))[0] == 302
    newest = step.revisions.latest("number")
    assert newest.body == BODY.replace("sister", "brother").replace("never asked", "did not ask")
    assert not Draft.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_one_moment_the_second_is_asked(step: Step, mara: Client, ruth: Client) -> None:
    begun, together = fields(step), Barrier(2)

    def saves(client: Client, subject: str) -> int:
        together.wait()
        try:
            return save(client, step, begun, subject=subject)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as people:
        answers = list(people.map(saves, (mara, ruth), ("What Mara thought of", "What Ruth thought of")))
    assert sorted(answers) == [302, 409]
    assert step.revisions.count() == 3


def test_in_one_sentence_a_person_merges_by_hand(step: Step, mara: Client, ruth: Client) -> None:
    begun = fields(step)
    save(ruth, step, begun, body=BODY.replace("sister", "brother"))
    _, html = save(mara, step, begun, body=BODY.replace("sister", "cousin"))
    assert "You both wrote in 1 place." in html
    assert "A brother called on Sundays." in html
    assert form_of(html, "both")["body"] == BODY.replace("sister", "cousin")


def test_one_of_the_two_can_be_taken(step: Step, mara: Client, ruth: Client) -> None:
    begun = fields(step)
    save(ruth, step, begun, subject="What Ruth thought of")
    _, html = save(mara, step, begun, subject="What Mara thought of")
    assert save(mara, step, form_of(html, "mine"))[0] == 302
    assert step.revisions.latest("number").subject == "What Mara thought of"
    save(ruth, step, begun, subject="What Ruth thought of")
    ruth.post(url("letter_discard", step.pk))
    assert "What Mara thought of" in ruth.get(url("letter", step.pk)).content.decode()


def test_a_day_that_another_changed_is_not_changed_back(step: Step, mara: Client) -> None:
    begun = fields(step)
    composing.set_timing(step.pk, AfterDays(5), now=MONDAY)
    assert save(mara, step, begun, subject="Another beginning for everybody")[0] == 302
    step.refresh_from_db()
    assert (step.subject, step.after_days) == ("Another beginning for everybody", 5)


def test_two_different_days_are_a_question(step: Step, mara: Client) -> None:
    begun = fields(step)
    composing.set_timing(step.pk, AfterDays(5), now=MONDAY)
    status, html = save(mara, step, begun, days=9)
    assert status == 409
    assert "<del>0</del><ins>5</ins>" in html
    assert "<del>0</del><ins>9</ins>" in html
    step.refresh_from_db()
    assert step.after_days == 5


def test_the_same_words_twice_are_no_question(step: Step, mara: Client, ruth: Client) -> None:
    begun = fields(step)
    save(ruth, step, begun, subject="One and the same thought")
    assert save(mara, step, begun, subject="One and the same thought")[0] == 302
    assert step.revisions.latest("number").number == 3


def test_who_else_is_writing_is_said(step: Step, mara: Client, ruth: Client) -> None:
    ruth.post(url("letter_draft", step.pk), fields(step, subject="Half a thought"))
    assert "Ruth is writing in this letter too." in mara.get(url("letter", step.pk)).content.decode()
    assert "is writing in this letter" not in ruth.get(url("letter", step.pk)).content.decode()


def test_what_is_kept_is_there_on_another_machine_and_after_signing_out(step: Step, mara: Client) -> None:
    mara.post(url("letter_draft", step.pk), fields(step, subject="Half a thought"))
    mara.post("/staff/logout/")
    assert "Half a thought" in desk(person("editor", "Mara")).get(url("letter", step.pk)).content.decode()


def test_a_draft_answers_with_when_it_was_kept_and_who_saved_meanwhile(step: Step, mara: Client, ruth: Client) -> None:
    begun = fields(step)
    save(ruth, step, begun, subject="What Ruth thought of")
    answer = mara.post(
        url("letter_draft", step.pk), begun | {"subject": "Mine"}, headers={"accept": "application/json"}
    )
    data = json.loads(answer.content)
    assert data["kept_at"] == Draft.objects.get().kept_at.isoformat()
    assert "Ruth saved other words" in data["meanwhile"]


def test_any_two_revisions_stand_side_by_side(step: Step, mara: Client) -> None:
    save(mara, step, fields(step), subject="A quieter beginning", body=BODY.replace("sister", "brother"))
    html = mara.get(url("letter_compare", step.pk) + "?from=2&to=3").content.decode()
    assert "<del>sister</del>" in html
    assert "<ins>brother</ins>" in html
    assert "<del>What to expect</del>" in html
    assert "1, by Mara on 23 Nov" in html
    assert "Both are the same" in mara.get(url("letter_compare", step.pk) + "?from=3&to=3").content.decode()
    assert mara.get(url("letter_compare", step.pk) + "?from=9").status_code == 404
    assert mara.get(url("letter_compare", step.pk) + "?from=x&to=-1").status_code == 404


def test_the_second_person_sees_what_changed_since_the_last_yes(step: Step, mara: Client, ruth: Client) -> None:
    page = ruth.get(url("approve", step.sequence.slug)).content.decode()
    assert "What changed since it was approved" not in page
    reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=MONDAY)
    composing.set_timing(step.pk, AfterDays(3), now=MONDAY)
    save(mara, step, fields(step), body=BODY.replace("sister", "brother"), days=3)
    page = ruth.get(url("approve", step.sequence.slug)).content.decode()
    assert "What changed since it was approved" in page
    assert "<del>sister</del>" in page
    assert "<ins>3</ins>" in page
    assert f"{url('letter_compare', step.pk)}?from=2&amp;to=3" in page


def test_comments_stand_beside_the_letter_until_somebody_resolves_them(step: Step, mara: Client, ruth: Client) -> None:
    ruth.post(url("letter_comment", step.pk), {"comment": f"Whose sister? {NASTY}", "quote": "A sister called"})
    ruth.post(url("letter_comment", step.pk), {"comment": "A good day for it."})
    page = mara.get(url("letter", step.pk)).content.decode()
    assert "2 open comments" in page
    assert "<b>Ruth</b>" in page
    assert "<blockquote>A sister called</blockquote>" in page
    assert "&lt;script&gt;" in page
    assert NASTY not in page
    assert "2 open comments" in ruth.get(url("approve", step.sequence.slug)).content.decode()
    first = Comment.objects.earliest("pk")
    mara.post(url("comment_settle", first.pk), {"act": "resolve"})
    page = mara.get(url("letter", step.pk)).content.decode()
    assert "1 open comment" in page
    assert "Resolved by Mara" in page
    answer = mara.post(url("comment_settle", first.pk), {"act": "reopen", "from": "approve"})
    assert answer.headers["Location"] == url("approve", step.sequence.slug)
    save(mara, step, fields(step), body="Quite another letter for you today.")
    assert "These words are not in the letter any more." in mara.get(url("letter", step.pk)).content.decode()


def test_open_comments_do_not_block_an_approval(step: Step, ruth: Client) -> None:
    commenting.comment(step.pk, "Is it the right day?", author="ruth@harbour.example", now=MONDAY)
    assert reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=MONDAY) == 2


def test_an_empty_comment_is_refused(step: Step, ruth: Client) -> None:
    answer = ruth.post(url("letter_comment", step.pk), {"comment": "  "})
    assert answer.status_code == 422
    assert not Comment.objects.exists()


def test_a_letter_can_be_sent_back_and_its_writer_finds_it_on_today(step: Step, mara: Client, ruth: Client) -> None:
    answer = ruth.post(url("letter_send_back", step.pk), {f"comment-{step.pk}": "Too long.", "from": "approve"})
    assert answer.headers["Location"] == url("approve", step.sequence.slug)
    today = mara.get(url("today")).content.decode()
    assert "Sent back to you" in today
    assert "Too long." in today
    assert "Sent back to you" not in ruth.get(url("today")).content.decode()
    page = ruth.get(url("approve", step.sequence.slug)).content.decode()
    assert ">Sent back<" in page
    save(mara, step, fields(step), body="A short letter for you today.")
    assert "Sent back to you" not in mara.get(url("today")).content.decode()
    line = Entry.objects.get()
    assert (line.who, line.what, line.reason) == ("ruth@harbour.example", "sent-back", "Too long.")


def test_a_letter_that_was_sent_back_waits_for_its_writer_and_for_no_other_approver(
    step: Step, mara: Client, ruth: Client
) -> None:
    noa, slug = desk(person("editor", "Noa")), step.sequence.slug
    assert "Approve 2 letters" in noa.get(url("today")).content.decode()
    ruth.post(url("letter_send_back", step.pk), {"comment": "Too long."})
    assert "Approve 1 letter<" in noa.get(url("today")).content.decode()
    assert "1 letter waits" in mara.get(url("ask", slug)).content.decode()
    page = noa.get(url("approve", slug))
    assert [review.mark.step.pk for review in page.context["sent_back"]] == [step.pk]
    assert "Too long." in page.content.decode()
    assert noa.post(url("approve", slug), {"seen": page.context["seen"]}).status_code == 302
    assert [newest.is_approved for _, newest in reviewing.with_newest(step.sequence)] == [False, True]
    # With nothing left but what was sent back, nobody but its writer is asked for anything.
    assert "Waiting for a second reader" not in noa.get(url("today")).content.decode()
    assert "With its writer again" in noa.get(url("sequences")).content.decode()
    assert "Nothing waits for a second reader here." in noa.get(url("approve", slug)).content.decode()
    assert "Rework 1 letter" in mara.get(url("letter", step.pk)).content.decode()
    with pytest.raises(Refused, match="1 letter was sent back"):
        reviewing.approve(step.sequence_id, approver="noa@harbour.example", now=MONDAY)
    assert any("1 letter was sent back" in said for said in reviewing.obstacles(step.sequence_id, MONDAY))
    save(mara, step, fields(step), body="A short letter for you today.")
    assert "Approve 1 letter<" in noa.get(url("today")).content.decode()


def test_words_that_were_sent_back_can_be_asked_for_again_as_they_are(step: Step, mara: Client, ruth: Client) -> None:
    slug = step.sequence.slug
    ruth.post(url("letter_send_back", step.pk), {"comment": "Too long."})
    assert url("letter_ask_again", step.pk) in mara.get(url("ask", slug)).content.decode()
    mara.post(url("letter_ask_again", step.pk))
    assert "2 letters wait" in mara.get(url("ask", slug)).content.decode()
    assert "Resolved by Mara" in mara.get(url("letter", step.pk)).content.decode()
    assert "Approve 2 letters" in ruth.get(url("today")).content.decode()


def test_another_layout_around_words_that_were_sent_back_is_no_answer_to_it(step: Step, ruth: Client) -> None:
    ruth.post(url("letter_send_back", step.pk), {"comment": "Too long."})
    kept = {field: getattr(step.sequence, field) for field in SETTINGS}
    composing.edit_sequence(step.sequence_id, **(kept | {"language": "es"}), now=MONDAY)
    newest = dict(reviewing.with_newest(step.sequence))[step]
    assert (newest.number, newest.is_sent_back) == (3, True)


def test_nobody_sends_back_their_own_words_or_words_that_are_approved(step: Step, mara: Client, ruth: Client) -> None:
    assert mara.post(url("letter_send_back", step.pk), {"comment": "Hm."}).status_code == 422
    assert ruth.post(url("letter_send_back", step.pk), {"comment": ""}).status_code == 422
    reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=MONDAY)
    assert ruth.post(url("letter_send_back", step.pk), {"comment": "Hm."}).status_code == 422


def test_a_comment_keeps_the_name_of_somebody_who_has_left(step: Step, mara: Client, ruth: Client) -> None:
    person("admin", "Ada")
    ruth.post(url("letter_comment", step.pk), {"comment": "A good day for it."})
    close_account(person("editor", "Ruth").pk)
    assert "<b>Ruth</b>" in mara.get(url("letter", step.pk)).content.decode()


def test_the_logbook_has_who_did_what_and_why(step: Step) -> None:
    ada, sequence = desk(person("admin", "Ada")), step.sequence
    composing.edit_step(
        step.pk, subject=step.subject, preheader="", body="He is an addict.", author="mara@harbour.example", now=MONDAY
    )
    page = ada.get(url("approve", sequence.slug))
    reason = {f"reason-{step.pk}-body:1:9:15:stigma.addict": "His own words."}
    assert ada.post(url("approve", sequence.slug), {"seen": page.context["seen"], **reason}).status_code == 302
    ada.post(url("start", sequence.slug))
    ada.post(url("pause", sequence.slug))
    ada.post(url("change", step.pk) + "?what=delete", {"way": "now-on"})
    reader = SubscriberFactory.create()
    ada.post(url("reader_leave", reader.opaque))
    html = ada.get(url("logbook")).content.decode()
    for words in (
        "approved 2 letters of finding-your-people",
        "let a finding stand “addict”",
        "His own words.",
        "started finding-your-people",
        "paused finding-your-people",
        "deleted letter",
        f"stopped all letters to reader {reader.opaque}",
    ):
        assert words in html, words
    assert reader.email not in html
    assert set(Entry.objects.values_list("who", flat=True)) == {"ada@harbour.example"}
    assert "Every line is as it was written." in ada.get(url("logbook") + "?check=1").content.decode()
    only = ada.get(url("logbook") + "?what=paused").content.decode()
    assert "His own words." not in only
    assert ada.post(url("logbook")).status_code == 405
