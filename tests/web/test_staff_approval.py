"""The second person, and starting, pausing and resuming through the pages."""

from __future__ import annotations

import pytest
from django.test import Client

from keepshowingup.editorial import composing, reviewing
from keepshowingup.editorial.models import Approval, Comment, Masthead, Sequence
from tests.factories import MONDAY, EnrolmentFactory, SubscriberFactory
from tests.web.staff_desk import desk, fields, person, sequence_by, url

pytestmark = pytest.mark.django_db
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def sequence() -> Sequence:
    return sequence_by(person("editor", "Mara"))


@pytest.fixture
def mara(sequence: Sequence) -> Client:
    return desk(person("sender", "Mara"))


@pytest.fixture
def ruth() -> Client:
    return desk(person("editor", "Ruth"))


def seen(client: Client, sequence: Sequence) -> str:
    """What the approval page remembers of what it showed."""
    context = client.get(url("approve", sequence.slug)).context
    return str(context["seen"])


def approve(client: Client, sequence: Sequence, **more: str) -> int:
    data = {"seen": seen(client, sequence), **more}
    return client.post(url("approve", sequence.slug), data).status_code


def composer(client: Client, sequence: Sequence) -> str:
    return client.get(url("composer", sequence.slug), follow=True).content.decode()


def test_the_author_is_sent_to_a_colleague_and_cannot_approve(sequence: Sequence, mara: Client, ruth: Client) -> None:
    assert "Ask Ruth to approve" in composer(mara, sequence)
    ask = mara.get(url("ask", sequence.slug)).content.decode()
    assert "Ruth can approve them" in ask
    page = mara.get(url("approve", sequence.slug)).content.decode()
    assert "somebody else approves them" in page
    assert '<button class="button main">' not in page
    answer = mara.post(url("approve", sequence.slug), {"seen": seen(mara, sequence)})
    assert answer.status_code == 422
    assert "a second person approves it" in answer.content.decode()
    assert not Approval.objects.exists()


def test_somebody_alone_is_told_so(sequence: Sequence, mara: Client) -> None:
    assert "Ask for approval" in composer(mara, sequence)
    assert "There is nobody else who can approve" in mara.get(url("ask", sequence.slug)).content.decode()


def test_a_second_person_finds_it_on_today_and_approves(sequence: Sequence, mara: Client, ruth: Client) -> None:
    assert "Approve 2 letters" in ruth.get(url("today")).content.decode()
    assert "Approve 2 letters" not in mara.get(url("today")).content.decode()
    assert "Approve 2 letters" in composer(ruth, sequence)
    assert approve(ruth, sequence) == 302
    assert set(Approval.objects.values_list("approver", flat=True)) == {"ruth@harbour.example"}
    assert "Ready to start" in composer(mara, sequence)
    assert "Waiting for a second reader" not in ruth.get(url("today")).content.decode()


def test_an_edit_voids_the_approval(sequence: Sequence, mara: Client, ruth: Client) -> None:
    approve(ruth, sequence)
    step = sequence.steps.get(position=1)
    mara.post(url("letter_save", step.pk), fields(step, subject="Another beginning for everybody"))
    page = composer(mara, sequence)
    assert "Waiting for a second reader" in page
    assert "Start for" not in page
    assert "1 letter waits" in mara.get(url("ask", sequence.slug)).content.decode()


def test_nobody_approves_words_they_have_not_seen(sequence: Sequence, mara: Client, ruth: Client) -> None:
    before = seen(ruth, sequence)
    step = sequence.steps.get(position=1)
    mara.post(url("letter_save", step.pk), fields(step, body="Quite another letter."))
    answer = ruth.post(url("approve", sequence.slug), {"seen": before})
    assert answer.status_code == 409
    assert "was changed while you were reading" in answer.content.decode()
    assert not Approval.objects.exists()


def test_a_finding_that_blocks_needs_a_reason_that_is_kept(sequence: Sequence, ruth: Client) -> None:
    step = sequence.steps.get(position=1)
    composing.edit_step(
        step.pk,
        subject=step.subject,
        preheader=step.preheader,
        body="My brother is an addict.",
        author="mara@harbour.example",
        now=MONDAY,
    )
    page = ruth.get(url("approve", sequence.slug)).content.decode()
    name = f"reason-{step.pk}-body:1:17:23:stigma.addict"
    assert f'name="{name}"' in page
    assert approve(ruth, sequence) == 422
    assert not Approval.objects.exists()
    assert approve(ruth, sequence, **{name: "His own words, with his consent."}) == 302
    kept = Approval.objects.get(revision__step=step).overrides
    assert [(row["phrase"], row["reason"]) for row in kept] == [("addict", "His own words, with his consent.")]


def test_a_refused_approval_keeps_the_reasons_typed(sequence: Sequence, ruth: Client) -> None:
    step = sequence.steps.get(position=1)
    composing.edit_step(
        step.pk, subject=step.subject, preheader="", body="He is an addict. A junkhead? No: they are all drug addicts.",
        author="mara@harbour.example", now=MONDAY,
    )  # fmt: skip
    name = f"reason-{step.pk}-body:1:9:15:stigma.addict"
    answer = ruth.post(url("approve", sequence.slug), {"seen": seen(ruth, sequence), name: "A quotation."})
    assert answer.status_code == 422
    assert 'value="A quotation."' in answer.content.decode()


def test_comments_typed_while_approving_are_kept_with_the_approval(sequence: Sequence, ruth: Client) -> None:
    step = sequence.steps.get(position=1)
    answer = ruth.post(
        url("approve", sequence.slug), {"seen": seen(ruth, sequence), f"comment-{step.pk}": "A warm beginning."}
    )
    assert answer.status_code == 302
    said = step.comments.get()
    assert (said.text, said.author, said.sends_back) == ("A warm beginning.", "ruth@harbour.example", False)
    assert said.revision.is_approved


def test_a_refused_approval_leaves_comments_in_their_fields(sequence: Sequence, ruth: Client) -> None:
    step = sequence.steps.get(position=1)
    slug, typed = sequence.slug, {f"comment-{step.pk}": f"A warm beginning. {NASTY}"}
    answer = ruth.post(url("approve", slug), typed | {"seen": "0"})
    assert answer.status_code == 409
    assert ">\nA warm beginning. &lt;script&gt;" in answer.content.decode()
    shown = seen(ruth, sequence)
    answer = ruth.post(url("approve", slug), {"seen": shown, f"comment-{step.pk}": "a" * 2001})
    assert "a" * 2001 in answer.content.decode()
    assert not step.revisions.latest("number").is_approved
    # Also when that letter waits no more, because somebody else has said yes or sent it back.
    reviewing.approve(sequence.pk, approver="noa@harbour.example", now=MONDAY)
    page = ruth.post(url("approve", slug), typed | {"seen": shown}).content.decode()
    assert "waits for you no more" in page
    assert ">\nA warm beginning." in page
    assert not Comment.objects.exists()


def test_whatever_is_pressed_on_the_approval_page_what_is_typed_stays(sequence: Sequence, ruth: Client) -> None:
    first, second = sequence.steps.order_by("position")
    page, there = {"from": "approve", f"comment-{first.pk}": "Whose sister?"}, url("approve", sequence.slug)
    reason = {f"reason-{first.pk}-body:1:9:15:stigma.addict": "His own words."}
    composing.edit_step(
        first.pk,
        subject=first.subject,
        preheader="",
        body="He is an addict.",
        author="mara@harbour.example",
        now=MONDAY,
    )
    ruth.post(url("letter_comment", second.pk), page | reason | {f"comment-{second.pk}": "A good day for it."})
    html = ruth.get(there).content.decode()
    assert ">\nWhose sister?</textarea>" in html
    assert 'value="His own words."' in html
    assert ">\nA good day for it.</textarea>" not in html
    ruth.post(url("comment_settle", second.comments.get().pk), page | {"act": "resolve"})
    assert ">\nWhose sister?</textarea>" in ruth.get(there).content.decode()
    ruth.post(url("letter_send_back", second.pk), page | {f"comment-{second.pk}": " "})
    html = ruth.get(there).content.decode()
    assert "Say what to rework" in html
    assert ">\nWhose sister?</textarea>" in html
    assert ">\nWhose sister?</textarea>" not in ruth.get(there).content.decode()


def test_starting_says_how_many_people_it_touches(sequence: Sequence, mara: Client, ruth: Client) -> None:
    for _ in range(3):
        EnrolmentFactory.create(sequence=sequence, subscriber=SubscriberFactory.create(), next_step=None, due_at=None)
    approve(ruth, sequence)
    assert "Start for 3 readers" in composer(mara, sequence)
    assert "Start for 3 readers" not in composer(ruth, sequence)
    confirm = mara.get(url("start", sequence.slug))
    assert "3 readers will get these letters" in confirm.content.decode()
    sequence.refresh_from_db()
    assert sequence.state == "draft"
    mara.post(url("start", sequence.slug))
    sequence.refresh_from_db()
    assert sequence.state == "live"
    page = composer(mara, sequence)
    assert ">Live<" in page
    assert ">Pause<" in page
    assert "Pause for 3 readers" in mara.get(url("pause", sequence.slug)).content.decode()
    mara.post(url("pause", sequence.slug))
    assert "Resume for 3 readers" in composer(mara, sequence)
    mara.post(url("resume", sequence.slug))
    sequence.refresh_from_db()
    assert sequence.state == "live"
    answer = mara.post(url("resume", sequence.slug))
    assert answer.status_code == 422
    assert "is not paused" in answer.content.decode()


def test_what_stands_in_the_way_is_said_with_where_to_mend_it(sequence: Sequence, mara: Client) -> None:
    Masthead.objects.update(postal_address="")
    page = composer(mara, sequence)
    assert "2 letters are not approved" in page
    assert "The masthead has no postal address" in page
    assert f'<a href="{url("masthead")}">' not in page  # a sender may not open it
    assert f'<a href="{url("masthead")}">' in composer(desk(person("admin", "Ada")), sequence)
    assert f'<a href="{url("ask", sequence.slug)}">' in page
    confirm = mara.get(url("start", sequence.slug)).content.decode()
    assert "Start for" not in confirm
    answer = mara.post(url("start", sequence.slug))
    assert answer.status_code == 422
    assert "can&#x27;t start yet" in answer.content.decode()
