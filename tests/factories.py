"""Readers, sequences and letters for tests: the least that is valid, everything else said by the test."""

from __future__ import annotations

import datetime as dt
from typing import Any

from factory.declarations import LazyAttribute, SubFactory
from factory.declarations import Sequence as Numbered
from factory.django import DjangoModelFactory
from factory.helpers import post_generation

from keepshowingup.audience.models import Consent, Invitation, Notice, Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Approval, Article, Comment, Edit, Feed, Masthead, Revision, Sequence, Step

MONDAY = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


class SubscriberFactory(DjangoModelFactory[Subscriber]):
    class Meta:
        model = Subscriber

    email = Numbered(lambda n: f"reader{n}@example.org")
    email_key = LazyAttribute(lambda o: o.email.casefold())
    first_name = "Maya"
    zone = "Europe/London"
    state = Subscriber.State.ACTIVE
    created_at = MONDAY
    confirmed_at = MONDAY


class ConsentFactory(DjangoModelFactory[Consent]):
    class Meta:
        model = Consent

    subscriber = SubFactory(SubscriberFactory)
    given_at = MONDAY
    confirmed_at = MONDAY
    source = "/"
    text_version = "1"


class InvitationFactory(DjangoModelFactory[Invitation]):
    class Meta:
        model = Invitation

    subscriber = SubFactory(SubscriberFactory, state=Subscriber.State.UNCONFIRMED, confirmed_at=None)
    form = "/"
    text_version = "1"
    created_at = MONDAY
    expires_at = MONDAY + dt.timedelta(days=7)


class NoticeFactory(DjangoModelFactory[Notice]):
    class Meta:
        model = Notice

    invitation = SubFactory(InvitationFactory)
    subscriber = LazyAttribute(lambda o: o.invitation.subscriber)
    kind = Notice.Kind.CONFIRM
    due_at = MONDAY
    created_at = MONDAY


class MastheadFactory(DjangoModelFactory[Masthead]):
    class Meta:
        model = Masthead

    name = "Harbour letters"
    from_name = "Ruth at Harbour"
    from_address = "ruth@harbour.example"
    postal_address = "Harbour, 12 Quay Street, Portland ME 04101"


class ArticleFactory(DjangoModelFactory[Article]):
    class Meta:
        model = Article

    slug = Numbered(lambda n: f"article-{n}")
    title = "Finding your people"
    text = "## One\n\nSomebody stayed.\n\n## Two\n\nOne small thing.\n"
    licence = "CC BY 4.0"
    imported_at = MONDAY


class SequenceFactory(DjangoModelFactory[Sequence]):
    class Meta:
        model = Sequence

    slug = Numbered(lambda n: f"sequence-{n}")
    title = "Finding your people"
    state = Sequence.State.LIVE
    signature = "Ruth"
    created_at = MONDAY
    activated_at = MONDAY


class StepFactory(DjangoModelFactory[Step]):
    """A step whose one revision is compiled, approved and current; ``approved=False`` leaves it a draft."""

    class Meta:
        model = Step
        skip_postgeneration_save = True

    sequence = SubFactory(SequenceFactory)
    key = Numbered(lambda n: f"step-{n}")
    position = Numbered(lambda n: n + 1)
    after_days = 0
    subject = "A short note for you"
    preheader = "Something small for an ordinary day"
    body = 'Hello {{ first_name | default("friend") }},\n\nSomebody stayed.'

    @post_generation
    def approved(obj: Any, create: bool, extracted: bool | None, **kwargs: Any) -> None:  # noqa: N805
        if not create:
            return
        from keepshowingup.letters.compile import compile_letter

        kind = "milestone" if obj.sequence.milestones else "step"
        letter = compile_letter(kind, subject=obj.subject, preheader=obj.preheader, body=obj.body)
        revision = Revision.objects.create(
            step=obj,
            number=1,
            subject=obj.subject,
            preheader=obj.preheader,
            body=obj.body,
            html=letter.html,
            text=letter.text,
            author="writer@harbour.example",
            created_at=MONDAY,
        )
        if extracted is not False:
            Approval.objects.create(revision=revision, approver="reader@harbour.example", approved_at=MONDAY)
            obj.current = revision
            obj.save(update_fields=["current"])


class CommentFactory(DjangoModelFactory[Comment]):
    class Meta:
        model = Comment

    step = SubFactory(StepFactory)
    revision = LazyAttribute(lambda o: o.step.revisions.latest("number"))
    author = "writer@harbour.example"
    said_at = MONDAY
    text = "Is this the right day for it?"


class FeedFactory(DjangoModelFactory[Feed]):
    """A feed at an address nobody may reach."""

    class Meta:
        model = Feed

    url = Numbered(lambda n: f"http://127.0.0.1:9/feed-{n}")
    title = "Harbour notes"
    added_by = "ruth@harbour.example"
    added_at = MONDAY
    next_at = MONDAY


class EditFactory(DjangoModelFactory[Edit]):
    """A change that touched nothing."""

    class Meta:
        model = Edit

    sequence = SubFactory(SequenceFactory)
    way = "now-on"
    made_by = "writer@harbour.example"
    made_at = MONDAY
    letters = LazyAttribute(lambda _: {"keys": [], "revisions": []})
    before = LazyAttribute(lambda _: {"steps": {}, "created": [], "rules": {}, "approved": [], "kept": {}})


class EnrolmentFactory(DjangoModelFactory[Enrolment]):
    """A reader in a sequence, next in line for its first step; due at MONDAY unless said otherwise."""

    class Meta:
        model = Enrolment

    subscriber = SubFactory(SubscriberFactory)
    sequence = SubFactory(SequenceFactory)
    enrolled_at = MONDAY
    started_on = MONDAY.date()
    next_step = LazyAttribute(lambda o: o.sequence.steps.filter(deleted_at=None).first())
    due_at = LazyAttribute(lambda o: MONDAY if o.next_step else None)
    due_local = "2026-11-23T09:00:00"
    due_reason = "day 0 at the reader's hour"


class DispatchFactory(DjangoModelFactory[Dispatch]):
    class Meta:
        model = Dispatch

    enrolment = SubFactory(EnrolmentFactory)
    subscriber = LazyAttribute(lambda o: o.enrolment.subscriber)
    step_key = LazyAttribute(lambda o: o.enrolment.next_step.key if o.enrolment.next_step else "gone")
    revision = LazyAttribute(lambda o: o.enrolment.next_step.current if o.enrolment.next_step else None)
    state = "claimed"
    due_at = MONDAY
    claimed_at = MONDAY
    message_id = Numbered(lambda n: f"<{n:016x}@harbour.example>")
