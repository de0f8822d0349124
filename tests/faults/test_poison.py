"""Letters that can't be made: their readers wait or they are given up, and everybody else's letter comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.house import House, judge
from tests.processes import keepshowingup

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-poison"), pytest.mark.timeout(900)]

WELL = 12


def nested(depth: int, inside: str = "") -> str:
    """Loops over the letters of an address, one inside the other."""
    heads = "".join(f"{{% for a{number} in postal_address %}}" for number in range(depth))
    return heads + inside + "{% endfor %}" * depth


ENDLESS = nested(12)
HUGE = nested(12, "more and more of it")
DOUBLING = '{% set a = "0123456789" %}' + "{% set a = a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a %}" * 10
BROKEN = "{{ 1 // 0 }}"


@pytest.fixture(autouse=True)
def standing(house: House) -> None:
    """Everything stands, and stays for the next test."""
    if not house.parts:
        house.broker()
        house.beat()
    house.a_worker()


def poison(house: House, slug: str, text: str) -> list[str]:
    """One reader whose letter is poison, and twelve of another sequence who are due at the same moment."""
    house.scene("sequence", slug=f"{slug}-bad", days=[0, 3])
    house.scene("spoil", slug=f"{slug}-bad", key=f"{slug}-bad-0", text=text)
    house.scene("sequence", slug=f"{slug}-good", days=[0])
    house.scene("readers", slug=f"{slug}-bad", number=1)
    return [str(who) for who in house.scene("readers", slug=f"{slug}-good", number=WELL)]


def others_flow(house: House, slug: str, owed: list[str], within: float = 240) -> None:
    house.wait_until(
        lambda: house.records.states(f"{slug}-good") == {"accepted": WELL}, "everybody else's letter", within
    )
    judge(house, f"{slug}-good", owed)
    assert house.received(f"{slug}-bad") == []


def reason_for(house: House, slug: str) -> str:
    """Why the reader of the bad letter is held."""
    rows = house.records.rows(
        "SELECT e.due_reason FROM cadence_enrolment e JOIN audience_subscriber s ON s.id = e.subscriber_id"
        " WHERE e.state = 'held' AND s.email LIKE ?", f"{slug}-bad-%",
    )  # fmt: skip
    return str(rows[0][0])


def is_over(house: House, slug: str) -> bool:
    """The letter was given up or passed over, or its reader is held until somebody has mended it."""
    plans = house.records.rows(
        "SELECT e.state FROM cadence_enrolment e JOIN audience_subscriber s ON s.id = e.subscriber_id"
        " WHERE s.email LIKE ?", f"{slug}-bad-%",
    )  # fmt: skip
    return plans == [("held",)] or bool(house.records.states(f"{slug}-bad").keys() & {"refused", "skipped"})


@pytest.mark.parametrize(
    ("slug", "text", "why"),
    [
        ("broken", BROKEN, "It can't be rendered"),
        ("huge", HUGE, "It writes more than 2 MB"),
        ("doubling", DOUBLING, "It takes more memory"),
    ],
)
def test_a_letter_that_fails_or_grows_without_end_is_not_sent_and_the_others_flow(
    house: House, slug: str, text: str, why: str
) -> None:
    owed = poison(house, slug, text)
    others_flow(house, slug, owed)
    house.wait_until(lambda: is_over(house, slug), "the bad letter to be over")
    assert reason_for(house, slug).startswith(why)


@pytest.mark.long
def test_a_letter_that_kills_three_workers_is_given_up_and_the_others_flow(house: House) -> None:
    """As the kernel does to whoever takes all memory: SIGKILL, in the middle of composing."""
    owed = poison(house, "killer", ENDLESS)
    deaths = 0
    while not is_over(house, "killer"):
        house.wait_until(lambda: composing(house, "killer-bad") or is_over(house, "killer"), "the letter's turn")
        if composing(house, "killer-bad"):
            house.parts["worker"].kill()
            house.a_worker()
            deaths += 1
    others_flow(house, "killer", owed)
    assert deaths <= 3
    if deaths == 3:  # a kill that came too late finds it cut off, and its reader held
        (bad,) = house.records.letters("killer-bad")
        assert (bad.state, bad.reason) == ("refused", "its turn ended in 3 crashes of a worker")


def composing(house: House, prefix: str) -> bool:
    """Whether the journal of the worker that is there ends with this reader's letter being taken up."""
    ids = house.records.rows(
        "SELECT d.id FROM delivery_dispatch d JOIN audience_subscriber s ON s.id = d.subscriber_id"
        " WHERE s.email LIKE ?", f"{prefix}-%",
    )  # fmt: skip
    journals = (house.folder / "journal").glob(f"*.{house.parts['worker'].pid}.*")
    ends = [path.read_bytes().rstrip().rpartition(b"\n")[2] for path in journals]
    return any(end.startswith(b"T %d " % pk) for end in ends for (pk,) in ids)


def test_a_letter_that_does_not_end_is_cut_off_and_the_others_flow(house: House) -> None:
    owed = poison(house, "endless", ENDLESS)
    others_flow(house, "endless", owed)
    house.wait_until(lambda: is_over(house, "endless"), "the bad letter to be over")
    assert reason_for(house, "endless").startswith("It takes more than 2 seconds")


def test_a_template_error_is_refused_before_anybody_can_approve_it(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "kind-words"
    folder.mkdir()
    (folder / "sequence.toml").write_text('slug = "kind-words"\ntitle = "Kind words"\n')
    (folder / "01-hello.md").write_text("---\nsubject: A note for you\nday: 0\n---\nHello {{ frist_name }}.\n")
    refused = keepshowingup(house.folder, "sequence", "apply", str(folder), DATABASE_URL=house.records.url)
    assert refused.returncode == 1
    assert "first_name" in refused.stderr, "it says which name was meant"
    assert house.records.rows("SELECT 1 FROM editorial_sequence WHERE slug = 'kind-words'") == []


def test_a_template_error_in_step_2_of_5_holds_that_step_and_nothing_else(house: House) -> None:
    house.scene("sequence", slug="five", days=[0, 3, 6, 9, 12])
    owed = house.scene("readers", slug="five", number=WELL)
    house.wait_for_states("five", {"accepted": WELL})
    house.scene("spoil", slug="five", key="five-3", text=BROKEN)
    house.scene("sequence", slug="six", days=[0])
    house.scene("days_pass", days=3)
    others = house.scene("readers", slug="six", number=WELL)
    house.wait_for_states("six", {"accepted": WELL})
    judge(house, "six", others)
    house.wait_for_ticks(3)
    judge(house, "five", owed)
    assert {letter.plan for letter in house.records.letters("five")} == {"held"}
    house.scene("rewrite", slug="five", key="five-3", body="Hello again.\n\nOther words, and as kind.")
    house.wait_until(lambda: len(house.received("five")) == 2 * WELL, "the letter that was mended")
    assert {what for _, what in house.copies("five")} == {"five 0", "five 3"}
    assert max(house.copies("five").values()) == 1
