"""The folder of a run with several hosts: what runs on the data host, and who has which letters in hand."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass, field
from functools import cached_property

import psycopg

from keepshowingup.ops.broker import find_server
from keepshowingup.ops.supervisor import Part
from tests.chaos.hosts.lan import Network
from tests.chaos.hosts.machine import Machine
from tests.chaos.house import House
from tests.postgres import free_port
from tests.processes import processes_about

IN_HAND = "SELECT message_id FROM delivery_dispatch WHERE state = 'handing_over' AND owner LIKE %s"
# The others may have given some of them up already, as they will the rest.
FELL_SILENT = "its machine fell silent%"
GIVEN_UP = "SELECT message_id FROM delivery_dispatch WHERE state = 'unknown' AND owner LIKE %s AND reason LIKE %s"


@dataclass
class Town(House):
    """A house whose workers live elsewhere."""

    broker_port: int = field(default_factory=free_port)
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(50))

    def __post_init__(self) -> None:
        self.here = Network.MAIL.address(1)
        names = ("host-a", "host-b", "host-c")
        self.machines = {name: Machine(name, number, self.file(name)) for number, name in enumerate(names, start=11)}

    @property
    def broker_url(self) -> str:
        """Where everybody finds the broker."""
        return f"redis://{Network.DATA.address(1)}:{self.broker_port}/0"

    @property
    def settings(self) -> dict[str, str]:
        """The same on all hosts: one key, one broker, one database."""
        return super().settings | {
            "KSU_SECRET_KEY": self.secret_key,
            "REDIS_URL": self.broker_url,
            # Few connections, so that letters wait in a worker's hand.
            "KSU_CONNECTIONS": "2",
        }

    def parts(self) -> list[Part]:
        """What runs on the data host, beside PostgreSQL."""
        ours = [part for part in super().parts() if part.name != "supervisor"]
        return [self._broker(), *ours]

    def _broker(self) -> Part:
        address = Network.DATA.address(1)
        command = [str(find_server()), "--bind", address, "--port", str(self.broker_port), "--protected-mode", "no"]
        return Part(
            "broker", [*command, "--dir", str(self.folder), "--save", "", "--appendonly", "no"], foundation=True
        )

    def in_hand(self, machine: Machine) -> frozenset[str]:
        """The Message-IDs of the letters that a machine's workers have begun."""
        return frozenset(row[0] for row in self._asked.execute(IN_HAND, [f"{machine.name}.%"]))

    def lost_with(self, machine: Machine) -> frozenset[str]:
        """The same, and what the others gave up while the machine was dying."""
        given_up = self._asked.execute(GIVEN_UP, [f"{machine.name}.%", FELL_SILENT])
        return self.in_hand(machine) | {row[0] for row in given_up}

    @cached_property
    def _asked(self) -> psycopg.Connection[tuple[str]]:
        """One that stays: fifty times a second somebody is asked who has his hands full."""
        assert self.postgres is not None
        return psycopg.connect(self.postgres.url, connect_timeout=10, autocommit=True)

    def processes(self) -> dict[int, str]:
        """The command lines of everything that runs on a worker host, by id."""
        known: dict[int, str] = {}
        for machine in self.machines.values():
            known |= processes_about(machine.folder)
        return {pid: command for pid, command in known.items() if pid != os.getpid() and sys.executable in command}
