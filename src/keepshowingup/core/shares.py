"""Whose turn it is among several by weight: 3 and 1 gives a a b a, a a b a, not three in a row and then one."""

from __future__ import annotations

from collections.abc import Collection, Mapping


class Shares:
    """Smooth weighted round-robin, as nginx describes it: the same turns each time, without chance.

    At each turn everybody who could be chosen gains their weight, and who has most is chosen and pays what all gained.
    Somebody who is away gains nothing, so they do not come back with a claim to everything. A weight of 0 stands in:
    it is chosen only when nobody else can be.
    """

    def __init__(self, weights: Mapping[str, int]) -> None:
        """``weights`` are whole numbers, 0 or more. Ties go to whoever is named first."""
        self._weights = dict(weights)
        self._gained = dict.fromkeys(weights, 0)

    def first_choice(self, among: Collection[str]) -> list[str]:
        """Those of ``among`` who share the work: all with a weight, or those who stand in when there are none."""
        able = [name for name in self._weights if name in among]
        return [name for name in able if self._weights[name]] or able

    def pick(self, among: Collection[str]) -> str:
        """Who takes the next letter. ``among`` holds at least one of the names."""
        able = self.first_choice(among)
        for name in able:
            self._gained[name] += self._weights[name] or 1
        chosen = max(able, key=self._gained.__getitem__)
        self._gained[chosen] -= sum(self._weights[name] or 1 for name in able)
        return chosen
