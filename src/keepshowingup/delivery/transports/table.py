"""A table of a TOML file that people write by hand: every mistake is gathered, none is thrown at the first."""

from __future__ import annotations

import difflib
from collections.abc import Mapping


class Table:
    """One table of a file. Each ``take_…`` answers with a value that may be used, and notes what is wrong."""

    def __init__(self, where: str, values: Mapping[str, object], faults: list[str]) -> None:
        """``where`` is how a sentence calls this table; ``faults`` is where the sentences go."""
        self.where = where
        self._values = values
        self._faults = faults
        self._known: set[str] = set()

    def fault(self, sentence: str) -> None:
        """Note what is wrong."""
        self._faults.append(f"{self.where}: {sentence}")

    def take(self, name: str) -> object:
        """A value as it is; None when it is not there."""
        self._known.add(name)
        return self._values.get(name)

    def take_number(self, name: str, *, least: float, most: float) -> float | None:
        """A number, or None when it is not there."""
        value = self.take(name)
        if value is None or (isinstance(value, int | float) and type(value) is not bool and least <= value <= most):
            return value
        self.fault(f"{name} is {_shown(value)}. Write a number from {least:g} to {most:g}.")
        return None

    def take_whole(self, name: str, *, least: int, most: int) -> int | None:
        """A whole number, or None when it is not there."""
        value = self.take(name)
        if value is None or (type(value) is int and least <= value <= most):
            return value
        self.fault(f"{name} is {_shown(value)}. Write a whole number from {least} to {most}.")
        return None

    def take_text(self, name: str) -> str:
        """A text; empty when it is not there."""
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            self.fault(f'{name} is {_shown(value)}. Write a text: {name} = "…".')
        return value if isinstance(value, str) else ""

    def take_list(self, name: str) -> list[object]:
        """A list; empty when it is not there."""
        value = self.take(name)
        if value is not None and not isinstance(value, list):
            self.fault(f"{name} is {_shown(value)}. Write a list: {name} = […].")
        return value if isinstance(value, list) else []

    def take_table(self, name: str, where: str) -> Table | None:
        """A table inside this one, called ``where``; None when it is not there."""
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fault(f"{name} is {_shown(value)}, where a table of its own is meant.")
            return None
        return self.part(where, value)

    def parts(self, kind: str) -> list[tuple[str, Table]]:
        """Every value as a table of its own, with its name."""
        found = [(name, self.take_table(name, f'{kind} "{name}"')) for name in self._values]
        return [(name, table) for name, table in found if table is not None]

    def part(self, where: str, values: Mapping[str, object]) -> Table:
        """A table inside this one."""
        return Table(where, values, self._faults)

    def refuse_others(self) -> None:
        """Note each field that nobody took, with the one that was perhaps meant."""
        for name in [name for name in self._values if name not in self._known]:
            near = difflib.get_close_matches(name, sorted(self._known), n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(self._known))}."
            self.fault(f"nothing here is called {name}. {hint}")


def _shown(value: object) -> str:
    """A value as it was written; of tables and lists only what they are, because there may be a password in them."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return repr(value)
