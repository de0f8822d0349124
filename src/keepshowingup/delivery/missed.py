"""Letters that left in the time a restored database has missed: found by their names in a log, and written down.

A letter's Message-ID is made of the reader's enrolment and the step, so the database can say what each letter it still
owes would be called, and look whether that was seen. The reader's plan then goes on from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from django.db import transaction

from keepshowingup.audience.leaving import suppress
from keepshowingup.audience.models import Notice, Suppression
from keepshowingup.cadence import advancing
from keepshowingup.cadence.marks import times_of
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.places import read_readers
from keepshowingup.cadence.planning import owed_steps
from keepshowingup.core.milestones import mark_key
from keepshowingup.core.states import DispatchState, EnrolmentState
from keepshowingup.core.timing import AtMark
from keepshowingup.delivery.held import read_held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.naming import letter_names, notice_names
from keepshowingup.delivery.reconciling import Seen, Settled, verdict
from keepshowingup.delivery.restored import AT_A_TIME, UNDER_WAY, count, skipped
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Step
from keepshowingup.editorial.timings import timing_of


def believe_missed(seen: Seen, until: datetime) -> list[Settled]:
    """Write down what left in the missing time, by what was seen; ``until`` (calendar) is its end. Returns which.

    A letter before one that was seen in the same sequence is passed over: it had been settled before that one left.
    """
    domain = masthead().domain
    done: list[Settled] = []
    enrolments = _enrolments_seen(seen)
    while chunk := dict(islice(enrolments, AT_A_TIME)):
        done += _believe_letters(chunk, until, domain)
    return done + _believe_notices(seen, until, domain)


def _enrolments_seen(seen: Seen) -> Iterator[tuple[int, dict[str, Settled]]]:
    """Each enrolment with those of its letters that were seen and are not behind it, by step key."""
    steps: defaultdict[int, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(deleted_at=None).defer("body"):
        steps[step.sequence_id].append(step)
    rows = Enrolment.objects.filter(state=EnrolmentState.ACTIVE).order_by("pk")
    for pk, sequence_id, enrolled_at in rows.values_list("pk", "sequence_id", "enrolled_at").iterator(chunk_size=5000):
        found = {
            key: fate
            for step in steps[sequence_id]
            for key in _keys(step, enrolled_at)
            for name in letter_names(pk, enrolled_at, key)
            if name in seen and (fate := _settled(name, seen)) is not None
        }
        if found:
            yield pk, found


def _keys(step: Step, enrolled_at: datetime) -> list[str]:
    """What a step's letter may be called for a reader: by its own key, or by one for each mark it stands for."""
    timing = timing_of(step)
    if not isinstance(timing, AtMark):
        return [step.key]
    return [mark_key(step.key, enrolled_at, year) for _, year in times_of(timing)]


def _settled(name: str, seen: Seen) -> Settled | None:
    sighting = seen[name]
    said = verdict(sighting)
    return Settled(name, said[0], said[1], sighting.at, said[2]) if said else None


def _believe_letters(found: dict[int, dict[str, Settled]], until: datetime, domain: str) -> list[Settled]:
    with transaction.atomic():
        for pk, key in PastStep.objects.filter(enrolment__in=found).values_list("enrolment_id", "step_key"):
            found[pk].pop(key, None)
        found = {pk: fates for pk, fates in found.items() if fates}
        until = max([until, *(fate.at for fates in found.values() for fate in fates.values() if fate.at)])
        enrolments = {row.pk: row for row in Enrolment.objects.filter(pk__in=found).select_related("subscriber")}
        under_way = {
            (row.enrolment_id, row.step_key): row
            for row in Dispatch.objects.filter(enrolment__in=found).select_for_update()
        }
        letters: list[Dispatch] = []
        behind: list[advancing.Settled] = []
        believed: list[Settled] = []
        for reader in read_readers(list(found), until):
            for place in reader.places:
                owed = [step.key for step in owed_steps(place, reader)]
                fates = {key: fate for key, fate in found.get(place.pk, {}).items() if key in owed}
                if not fates:
                    continue
                enrolment = enrolments[place.pk]
                for key in owed[: max(owed.index(key) for key in fates) + 1]:
                    # What was not seen is taken to have left on its day: its plan has not been late.
                    on_its_day = place.promised or until
                    letter = skipped(enrolment, key, on_its_day, domain)
                    if (fate := fates.get(key)) is not None:
                        _fill_in(letter, fate, domain)
                        believed.append(replace(fate, message_id=letter.message_id))
                        if fate.suppress:
                            suppress(enrolment.subscriber.email_key, Suppression.Reason.HARD_BOUNCE, until)
                    behind.append(advancing.Settled(place.pk, reader.pk, key, letter.handed_over_at or on_its_day))
                    if (standing := under_way.get((place.pk, key))) is None:
                        letters.append(letter)
                    elif standing.state in UNDER_WAY:
                        (held,) = read_held([standing.pk])
                        settle([Settlement(held, DispatchState.SKIPPED, letter.reason)], until)
        Dispatch.objects.bulk_create(letters)
        count(letters, until)
        Enrolment.objects.filter(pk__in={row.enrolment_id for row in behind}).update(due_at=None)
        advancing.advance_many(behind, until)
        return believed


def _fill_in(letter: Dispatch, fate: Settled, domain: str) -> None:
    letter.message_id = f"<{fate.message_id}@{domain}>"  # under the key of that time
    letter.state, letter.reason = fate.state, fate.reason[:200]
    letter.handed_over_at = fate.at or letter.due_at
    letter.attempts = 1


def _believe_notices(seen: Seen, until: datetime, domain: str) -> list[Settled]:
    believed: list[Settled] = []
    with transaction.atomic():
        for row in Notice.objects.select_for_update().filter(due_at__isnull=False):
            name = next((name for name in notice_names(row.pk, row.created_at) if name in seen), None)
            fate = _settled(name, seen) if name else None
            if fate is None or row.due_at is None:
                continue
            letter = Dispatch(
                subscriber_id=row.subscriber_id,
                notice=row,
                due_at=row.due_at,
                claimed_at=row.due_at,
            )
            _fill_in(letter, fate, domain)
            letter.save()
            count([letter], until)
            believed.append(replace(fate, message_id=letter.message_id, dispatch=letter.pk))
            Notice.objects.filter(pk=row.pk).update(due_at=None)
            if fate.suppress:
                suppress(row.subscriber.email_key, Suppression.Reason.HARD_BOUNCE, until)
    return believed
