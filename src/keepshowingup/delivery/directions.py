"""By which way each letter of a batch was told to leave, and what its breakers learn from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from keepshowingup.delivery import breaker
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.routing import Go, Later, Router, Wish
from keepshowingup.delivery.transports.reply import Reply

NOWHERE: frozenset[str] = frozenset()


class Directions:
    """Asked for once a letter, and anew when a way has closed. Who tries a breaker and does not go gives it back."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._told: dict[int, Go | Later] = {}
        self._avoid: dict[int, frozenset[str]] = {}
        self._works: set[str] = set()

    def ask(self, letters: Iterable[Held], real_now: datetime) -> None:
        """Tell each of them that has not been told yet. In safe mode all are told anew that nothing leaves."""
        standing = breaker.standing(real_now)
        if breaker.EVERYTHING in standing.resting:
            breaker.give_back([name for told in self._told.values() if isinstance(told, Go) for name in told.trials])
            self._told.clear()
        asking = [held for held in letters if held.pk not in self._told]
        if not asking:
            return
        wishes = [
            Wish(held.pk, held.email, held.sequence_id is None, held.promised, self._avoid.get(held.pk, NOWHERE))
            for held in asking
        ]
        routes = self._router.route(wishes, real_now, standing)
        self._told |= {held.pk: route for held, route in zip(asking, routes, strict=True)}

    def of(self, held: Held) -> Go | Later:
        """What it was told."""
        return self._told[held.pk]

    def give_back(self, held: Held) -> None:
        """It does not go after all: what was to be tried with it, another letter may try."""
        told = self._told.get(held.pk)
        if isinstance(told, Go):
            breaker.give_back(told.trials)

    def forget(self, held: Held, avoid: frozenset[str]) -> None:
        """It will ask anew, and not go by the transports in ``avoid`` if there are any."""
        self.give_back(held)
        del self._told[held.pk]
        if avoid:
            self._avoid[held.pk] = avoid

    def forget_where_nothing_is_tried(self, letters: Iterable[Held]) -> None:
        """A way has closed: these ask anew. What is to try a breaker still does."""
        for held in letters:
            told = self._told.get(held.pk)
            if isinstance(told, Go) and not told.trials:
                del self._told[held.pk]

    def learn(self, held: Held, door: str, reply: Reply) -> None:
        """Whatever a server says, its transport works; and who accepts a letter, accepts letters."""
        troubled = self._router.troubled
        if not troubled:
            return
        works = {door}
        if reply.accepted:
            works |= {breaker.domain_of(held.email), breaker.domain_on(held.email, door)}
        told = self._told.get(held.pk)
        if isinstance(told, Go) and told.trials:
            breaker.mend(works & troubled)
            breaker.give_back([name for name in told.trials if name not in works])
        else:
            self._works |= works & troubled

    def mend(self) -> None:
        """Write down what was learnt on the way."""
        breaker.mend(self._works)
