"""How many letters to one domain a worker has under way at once, so that a slow domain leaves room for the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

# A server that is well answers the dot within a second. Some that aren't take all ten minutes (RFC 5321 4.5.3.2.6).
SLOW_SECONDS = 5.0


def _no_limit(_: str) -> int | None:
    return None


class InFlight:
    """What one worker has handed to its connections and not heard of yet. Seconds are those of ``time.monotonic()``.

    A domain has at most half of the connections, and never more than are still free: the more of them a few domains
    hold, the fewer the next may take, and one that has none gets one as long as there is one (the dynamic thresholds
    of Choudhury and Hahne, 1998). A domain that let a letter wait for :data:`SLOW_SECONDS` gets one at a time until
    it answers in less, and all slow domains together begin no more than half.
    """

    def __init__(self, connections: int, most: Callable[[str], int | None] = _no_limit) -> None:
        """``connections``: letters that may be under way at once. ``most``: a domain's own limit, or None."""
        self._connections = connections
        self._half = max(1, connections // 2)
        self._most = most
        self._letters: dict[int, str] = {}
        self._since: dict[str, dict[int, float]] = defaultdict(dict)
        self._was_slow: set[str] = set()

    def may_start(self, domain: str, now: float) -> bool:
        """Whether a letter to ``domain`` may begin now."""
        held, free = self.held(domain), self._connections - len(self._letters)
        most = self._most(domain)
        if free == 0 or (most is not None and held >= most):
            return False
        if self.is_slow(domain, now):
            return held == 0 and self._held_by_slow(now) < self._half
        return held < self._half and held < free

    def started(self, letter: int, domain: str, now: float) -> None:
        """A letter to ``domain`` is under way."""
        self._letters[letter] = domain
        self._since[domain][letter] = now

    def answered(self, letter: int, now: float) -> None:
        """The server has answered, or the connection broke."""
        domain = self._letters.pop(letter)
        waiting = self._since[domain]
        took = now - waiting.pop(letter)
        if not waiting:
            del self._since[domain]
        if took >= SLOW_SECONDS:
            self._was_slow.add(domain)
        else:
            self._was_slow.discard(domain)

    def held(self, domain: str) -> int:
        """How many letters to ``domain`` are under way."""
        return len(self._since.get(domain, ()))

    @property
    def by_domain(self) -> dict[str, int]:
        """How many letters are under way to each domain that has any."""
        return {domain: len(waiting) for domain, waiting in self._since.items() if waiting}

    def is_slow(self, domain: str, now: float) -> bool:
        """Whether its last answer took too long, or one that is due does."""
        waiting = self._since.get(domain)
        return domain in self._was_slow or bool(waiting and now - min(waiting.values()) >= SLOW_SECONDS)

    def _held_by_slow(self, now: float) -> int:
        return sum(len(waiting) for domain, waiting in self._since.items() if self.is_slow(domain, now))
