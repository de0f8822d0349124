"""A crowd due at one instant, in small: 3,000 letters, and pages that answer while they leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.house import House

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-crowd"), pytest.mark.timeout(900)]

CROWD = 3000


@pytest.mark.long
def test_a_crowd_at_one_instant_is_served_once_each_while_pages_answer(make_house: Callable[..., House]) -> None:
    house = make_house(KSU_BATCH="100")
    house.scene("sequence", slug="crowd", days=[0])
    house.scene("readers", slug="crowd", number=CROWD)
    (newcomer,) = house.scene("readers", slug="crowd", number=1, due_in=3600)
    path = house.scene("stop_link", email=newcomer)
    house.broker()
    house.web()
    house.worker("worker-letters", ("bulk", "maintenance"))
    house.worker("worker-notices", ("transactional", "maintenance"))
    house.beat()
    house.wait_for_letters("crowd", 1)
    answered = 0
    while (sent := len(house.server.received)) < CROWD:
        assert house.fetch("GET", "/s/crowd").status == 200
        assert house.fetch("GET", path).status == 200
        assert house.one_click(path).status == 200
        answered += sent < len(house.server.received) < CROWD
    assert answered > 3, "pages were answered while letters left"
    house.wait_until(lambda: house.records.states("crowd") == {"accepted": CROWD}, "the records")
    copies = Counter(each.recipient for each in house.server.received)
    assert (len(copies), max(copies.values())) == (CROWD, 1)
