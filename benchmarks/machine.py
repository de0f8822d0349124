"""What the kernel says about processes, and which machine the figures come from (Linux)."""

from __future__ import annotations

import os
import platform
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def members(leader: int) -> list[int]:
    """The processes of the session that ``leader`` leads: a part's own process and all its children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (stat := _stat(int(entry.name))) and int(stat[3]) == leader:
            found.append(int(entry.name))
    return found


def cpu_seconds(leader: int) -> float:
    """Processor time of a session since its start: user and system, and that of children that have ended."""
    return sum(sum(map(int, stat[11:15])) for pid in members(leader) if (stat := _stat(pid))) / TICKS


def resident_mb(leader: int) -> float:
    """Memory of a session in MB (10^6), what is shared with others counted by its share (PSS)."""
    total = 0
    for pid in members(leader):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total / 1e6


def is_running(pid: int) -> bool:
    """Whether the process is there and has not ended unburied."""
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def description() -> dict[str, str]:
    """The machine in a few words."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "processor": f"{len(os.sched_getaffinity(0))} cores, {model or platform.machine()}",
        "memory": f"{memory * 1024 / 1e9:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": "Python " + platform.python_version(),
    }


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the state on (proc(5) counts it as field 3); None when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
