"""The folder of a run: what is where, what runs in it, and what is known about it at a moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from keepshowingup.ops.supervisor import Part
from tests.chaos.certificate import make_certificate
from tests.chaos.oracle import Evidence
from tests.chaos.patience import wait_for
from tests.chaos.plan import LEASE, TICK, Plan
from tests.chaos.record import Calendar, Fate, Kill, ServerRecord, read_doings, read_fates
from tests.chaos.victims import Victim
from tests.postgres import Postgres, free_port
from tests.processes import PROGRAM, environment, processes_about

ROOT = Path(__file__).parents[2]
HERE = "127.0.0.1"
SCHEMES = {"": ("smtp", ""), "starttls": ("smtp", "?starttls=1"), "tls": ("smtps", "")}
# The product's supervisor waits this long for a worker's last letter; ours for the supervisor.
LAST_WORDS = 60.0
ANSWERS_WITHIN = 30.0


class HarnessBroken(Exception):
    """The run says nothing about the product: something of ours did not work. The message says what."""


@dataclass
class House:
    """One run's folder."""

    plan: Plan
    folder: Path
    postgres: Postgres | None
    smtp_port: int = field(default_factory=free_port)
    began: float = 0.0
    here: str = HERE  # where the mail server listens

    @property
    def data(self) -> Path:
        """The product's own folder."""
        return self.folder / "var"

    def file(self, name: str) -> Path:
        """A file that the processes of the run share."""
        return self.folder / name

    def lines(self, name: str) -> list[str]:
        """The whole lines of a file that somebody is writing; none when there is no such file yet."""
        if not self.file(name).exists():
            return []
        return [line for line in self.file(name).read_text().splitlines(keepends=True) if line.endswith("\n")]

    def set_up(self) -> None:
        """The plan, a certificate, the settings in our own environment, a database with a live sequence."""
        self.data.mkdir()
        self.plan.save(self.file("plan"))
        self.file("doings").touch()
        self.file("server").touch()
        if self.plan.security:
            make_certificate(self.file("certificate"), self.here)
        for name, value in environment(self.data, **self.settings).items():
            os.environ[name] = value
        prepared = self.run(sys.executable, "-m", "tests.chaos.scene", "prepare", self.file("plan"))
        if prepared.returncode:
            raise HarnessBroken(f"the scene could not be set: {prepared.stderr}")

    @property
    def settings(self) -> dict[str, str]:
        """What the product's processes find in their environment."""
        scheme, options = SCHEMES[self.plan.security]
        settings = {
            "SMTP_URL": f"{scheme}://{self.here}:{self.smtp_port}{options}",
            "KSU_TICK": str(TICK),
            "KSU_LEASE": str(LEASE),
            "KSU_BATCH": "20",
            "KSU_CLOCK": f"rate={self.plan.size.rate}",
            "KSU_DOMAIN_REST": "5",
            "KSU_UNKNOWN": "hold",
            "DJANGO_SETTINGS_MODULE": "keepshowingup.settings",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        }
        if self.plan.security:
            settings["SSL_CERT_FILE"] = str(self.file("certificate"))
        return settings | ({"DATABASE_URL": self.postgres.url} if self.postgres else {})

    def parts(self) -> list[Part]:
        """The mail server, the readers, who wait for the beginning, and the product's supervisor."""
        ours = (sys.executable, "-m")
        files = {name: str(self.file(name)) for name in ("plan", "server", "begins", "doings", "certificate")}
        server = [*ours, "tests.chaos.hostile", files["plan"], files["server"], f"{self.here}:{self.smtp_port}"]
        if self.plan.security:
            server.append(files["certificate"])
        readers = [
            *ours,
            "tests.chaos.scene",
            "live",
            *(files[name] for name in ("plan", "begins", "doings", "server")),
        ]
        keeper = [*ours, "tests.chaos.keeper", str(self.folder)]
        return [
            Part("server", server, foundation=True),
            Part("readers", readers),
            Part("supervisor", keeper, stop_within=LAST_WORDS),
        ]

    def product_parts(self) -> dict[str, Victim]:
        """The processes under the product's supervisor that are there now."""
        if not self.file("parts").exists():
            return {}
        kept: dict[str, int] = json.loads(self.file("parts").read_text())
        return {name: victim for name, pid in kept.items() if (victim := Victim.find(pid))}

    def processes(self) -> dict[int, str]:
        """The command lines of all processes that know this run's folder, without its database, by id."""
        known = processes_about(self.data)
        if self.postgres and self.postgres.process and (server := Victim.find(self.postgres.process.pid)):
            for victim in (server, *server.children()):
                known.pop(victim.pid, None)
        return known

    def run(self, *command: object, patience: float = 3600.0) -> subprocess.CompletedProcess[str]:
        """Run something to its end with the settings of this house."""
        return subprocess.run(
            list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience
        )

    def ask(self, *question: object) -> str:
        """What the product's command line answers; a database that is just coming back may take a moment."""
        answers: list[subprocess.CompletedProcess[str]] = []

        def answered() -> bool:
            answers.append(self.run(*PROGRAM, *question))
            return answers[-1].returncode == 0

        if not wait_for(answered, within=ANSWERS_WITHIN):
            raise HarnessBroken(f"{' '.join(map(str, question))} has no answer: {answers[-1].stderr}")
        return answers[-1].stdout

    def fates(self) -> dict[tuple[str, int], Fate]:
        """What the product says became of each letter."""
        return read_fates(self.ask("delivery", "list", "--json").splitlines())

    def evidence(self, kills: list[Kill], *, is_final: bool = False) -> Evidence:
        """Everything that is known by now."""
        fates = self.fates()
        return Evidence(
            self.plan,
            Calendar.load(self.data / "clock.json"),
            tuple(read_doings(self.lines("doings"))),
            ServerRecord.read(self.lines("server")),
            fates,
            time.time(),
            TICK,
            tuple(kills),
            is_final,
        )
