"""One measured figure, and how it stands against what was to be reached."""

from __future__ import annotations

from dataclasses import dataclass


class NotMeasured(Exception):
    """A figure could not be had; the message is a sentence for the table."""


@dataclass(frozen=True)
class Figure:
    """A row of the table. ``at_least`` or ``at_most`` is what is to be reached, in the unit of ``ours``.

    Where ``judged`` is ``ratio``, the target is for the ratio and not for ``ours``. ``note`` says how much was measured
    and anything that has to be known to read the figure.
    """

    name: str
    ours: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    naive: float | None = None
    ratio: float | None = None
    judged: str = "ours"
    note: str = ""

    @property
    def target(self) -> str:
        """What is to be reached, in words."""
        unit = "times" if self.judged == "ratio" else self.unit
        if self.at_least is not None:
            return f"{_short(self.at_least)} {unit} or more"
        return f"{_short(self.at_most)} {unit} or less" if self.at_most is not None else ""

    @property
    def reached(self) -> bool:
        """Whether the target is met; without one it is."""
        value = self.ratio if self.judged == "ratio" else self.ours
        if value is None:
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def cells(self) -> tuple[str, str, str, str, str]:
        """Name, target, ours, the naive way, ratio, as the table shows them."""
        naive = f"{_short(self.naive)} {self.unit}" if self.naive is not None else ""
        ratio = f"{_short(self.ratio)}x" if self.ratio is not None else ""
        return self.name, self.target, f"{_short(self.ours)} {self.unit}", naive, ratio


def _short(value: float | None) -> str:
    """Three digits are all that a run is good for."""
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percentile(values: list[float], part: float) -> float:
    """The smallest value that ``part`` (0 to 1) of all values do not exceed. Raises :class:`NotMeasured` for none."""
    if not values:
        raise NotMeasured("Nothing was measured.")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(part * len(ordered) + 0.5) - 1))]
