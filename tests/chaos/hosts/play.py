"""One run with three hosts: one is cut off and comes back, one dies with its disk, one joins late.

``python -m tests.chaos.hosts.play JSON`` plays it in the namespaces it finds itself in, and prints its row as JSON.
Start it by ``python -m tests.chaos.hosts``, which makes them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict

from keepshowingup.ops.supervisor import Supervisor
from tests.chaos.hosts.lan import Network, lay_networks
from tests.chaos.hosts.machine import Machine
from tests.chaos.hosts.planning import DAY, hosts_size, make_hosts_plan
from tests.chaos.hosts.town import Town
from tests.chaos.house import HarnessBroken
from tests.chaos.monkey import Monkey
from tests.chaos.oracle import Verdict, judge
from tests.chaos.patience import Patience
from tests.chaos.plan import LEASE, STEPS_APART
from tests.chaos.play import (
    calm_down,
    count_orphans,
    ended_in_order,
    explain,
    fill,
    folder_of,
    stay,
    teller,
    wait_for_the_beginning,
)
from tests.chaos.record import Kill
from tests.chaos.report import Row
from tests.postgres import postgres_server

ENDS_WITHIN = 1800.0
# Real seconds: long enough for its leases to run out, and for the others to see it.
CUT = LEASE + 4.0
# At least so many letters are in a host's hand when something happens to it: one is on the wire, others wait.
ENOUGH = 4
BUSY_WITHIN = 300.0
# What was on the wire when a cable came out is written down by then.
SETTLES = 1.0
# A connection may break of a cut a good while after it: its end has been waiting to send again.
AFTER_A_CUT = 130.0


def play(seed: int, readers: int, steps: int, *, keep: bool = False) -> Row:
    """The whole run, from the first process to the last."""
    row = Row(seed, "postgres")
    with folder_of(row, "ksu-hosts-", keep=keep) as folder:
        lay_networks()
        plan = make_hosts_plan(seed, hosts_size(readers, steps))
        with postgres_server(folder / "postgres", durable=True, host=Network.DATA.address(1)) as server:
            town = Town(plan, folder, server)
            fill(row, _play(town, row))
            explain(town, row)
    return row


def _play(town: Town, row: Row) -> Verdict:
    town.set_up()
    tell = teller(town)
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor(town.parts(), town.file("logs")))
        for machine in town.machines.values():
            stack.callback(machine.kill)
        monkey = Monkey(dict, town.smtp_port, town.data, town.broker_url, None, tell)
        director = _Director(town, supervisor, monkey, tell)
        director.perform()
        os.kill(supervisor.pids["server"], signal.SIGUSR1)
        tell("the server is kind from now on")
        calm_down(town, monkey, director.turn)
        tell("calm")
        for machine in town.machines.values():
            machine.stop()
        row.left_running = count_orphans(town, row)
        evidence = town.evidence(monkey.kills, is_final=True)
    row.harm, row.kills, row.connections = monkey.done, len(monkey.kills), len(evidence.server.opened)
    return judge(evidence)


class _Director:
    """Does to the hosts what is done to them, each time to one that has its hands full."""

    def __init__(self, town: Town, supervisor: Supervisor, monkey: Monkey, tell: Callable[[str], None]) -> None:
        self.town, self.supervisor, self.monkey, self.tell = town, supervisor, monkey, tell
        self.ours = dict[str, int]()

    def turn(self) -> None:
        """Keep going what is ours; none of it may fall."""
        self.supervisor.turn()
        for name, pid in self.ours.items():
            if self.supervisor.pids.get(name) != pid:
                said = self.supervisor.log_of(name).read_text(errors="replace")[-2000:]
                raise HarnessBroken(f"the {name} ended: {said}")

    def perform(self) -> None:
        """Two hosts from the beginning. The crowds come every few days: one for each scene."""
        a, b, c = self.town.machines.values()
        self.ours = {name: self.supervisor.pids[name] for name in ("broker", "server", "readers")}
        self._switch_on(a, b)
        self.town.began = wait_for_the_beginning(self.town, self.turn)
        self._cut_off(self._busy(a, b), *Network)
        self._switch_on(c)
        self._wait_for_day(STEPS_APART)
        dies = self._busy(a, b, c)
        self._kill(dies)
        if self.town.plan.size.steps > 2:
            self._wait_for_day(2 * STEPS_APART)
            # The mail server can be reached: letters leave, and nobody hears of it.
            self._cut_off(self._busy(*(each for each in (a, b, c) if each is not dies)), Network.DATA)
        self._wait_for_day(self.town.plan.size.seconds / DAY)

    def _switch_on(self, *machines: Machine) -> None:
        for machine in machines:
            machine.start(self.town.data / "clock.json")
            self.tell(f"{machine.name} is switched on")

    def _cut_off(self, machine: Machine, *networks: Network) -> None:
        began = time.time()
        machine.cut_off(*networks)
        stay(self.turn, SETTLES)
        letters = len(self.town.in_hand(machine))
        self.tell(f"{machine.name} is cut off from {' and '.join(map(_name, networks))} with {letters} letters in hand")
        stay(self.turn, CUT - SETTLES)
        machine.reconnect(*networks)
        self.tell(f"{machine.name} is back")
        address = Network.MAIL.address(machine.number)
        lingers = time.time() - began + AFTER_A_CUT
        self.monkey.kills.append(Kill(began, f"{machine.name}, cut off", frozenset(), lingers, address))
        self.monkey.done += 1

    def _kill(self, machine: Machine) -> None:
        began = time.time()
        machine.die()
        stay(self.turn, SETTLES)
        lost = self.town.lost_with(machine)
        self.tell(f"{machine.name} is gone with its disk and {len(lost)} letters in hand")
        address = Network.MAIL.address(machine.number)
        self.monkey.kills.append(Kill(began, machine.name, frozenset(), AFTER_A_CUT, address, lost))
        self.monkey.done += 1

    def _busy(self, *machines: Machine) -> Machine:
        """The first of these that has its hands full: a crowd may well pass one of them by."""
        patience = Patience(BUSY_WITHIN)
        while not patience.is_over:
            for machine in machines:
                if len(self.town.in_hand(machine)) >= ENOUGH:
                    return machine
            self.turn()
            time.sleep(0.02)
        raise HarnessBroken(f"none of {', '.join(each.name for each in machines)} ever had {ENOUGH} letters in hand")

    def _wait_for_day(self, day: float) -> None:
        while time.time() < self.town.began + day * DAY:
            self.turn()
            time.sleep(0.05)


def _name(network: Network) -> str:
    return "the database" if network is Network.DATA else "the mail server"


def main(argument: str) -> None:
    """Play what the JSON object says: seed, readers, steps, keep."""
    asked = json.loads(argument)
    with ended_in_order(ENDS_WITHIN):
        row = play(asked["seed"], asked["readers"], asked["steps"], keep=asked["keep"])
    print(json.dumps(asdict(row)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
