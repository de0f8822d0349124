"""A house whose letters leave by several relays, with limits: what tests of rates and failover need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.conftest import House
from tests.acceptance.relays import Relay


@dataclass
class Office:
    """A house with a file of transports, and somebody who tells how it stands."""

    house: House
    relay: Relay
    _teller: subprocess.Popen[str] | None = field(default=None, init=False)

    def set_up(self, transports: str, *crowds: tuple[str, int], **environment: str) -> None:
        """Write ``KSU_TRANSPORTS``, and make so many readers at each domain whose letters are due."""
        file = self.house.folder.with_name("transports.toml")
        file.write_text(transports)
        self.house.environment |= {"KSU_TRANSPORTS": str(file), **environment}
        self.do("open_house", *crowds)

    def do(self, verb: str, *arguments: object) -> Any:
        """Ask the teller; its verbs are in ``teller.py``."""
        if self._teller is None:
            self._teller = subprocess.Popen(
                [sys.executable, "-m", "tests.acceptance.teller"],
                env=os.environ | self.house.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._teller.stdin is not None
        assert self._teller.stdout is not None
        print(json.dumps([verb, *arguments]), file=self._teller.stdin, flush=True)
        answer = self._teller.stdout.readline()
        assert answer, f"the teller fell over {verb}"
        return json.loads(answer)

    def tell(self) -> dict[str, Any]:
        """How it stands."""
        stands: dict[str, Any] = self.do("tell")
        return stands

    def wait_until(self, true: Callable[[], object], what: str) -> None:
        self.house.wait_until(true, what)

    def wait_for_states(self, **wanted: int) -> None:
        """Wait until the dispatches are in these states."""
        self.wait_until(lambda: self.states() == wanted, f"{wanted}")

    def states(self) -> Counter[str]:
        """How many letters are in each state. Meant for waiting: asks no more than ten times a second."""
        time.sleep(0.1)
        return Counter(letter["state"] for letter in self.tell()["letters"])

    def wait_for_ticks(self, number: int) -> None:
        """Wait for so many more ticks: what was to happen at once has happened then."""
        for _ in range(number):
            before = self.tell()["ticked"]
            self.wait_until(lambda before=before: self.tell()["ticked"] != before, "a tick")  # type: ignore[misc]

    def close(self) -> None:
        if self._teller:
            self._teller.communicate(timeout=30)


def transport(name: str, relay: Relay, *fields: str) -> str:
    """A ``[[transport]]`` with its fields."""
    return "\n".join(["[[transport]]", f'name = "{name}"', f'url = "{relay.url}"', *fields, "", ""])
