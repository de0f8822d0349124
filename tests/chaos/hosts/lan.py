"""Two networks of bridges and cables, in a network namespace of our own: one to the database, one to the mail server.

The data host is the namespace the bridges are in. A cable is a pair of virtual interfaces; pulled out, nothing that is
sent arrives, and nobody is told.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from enum import Enum

from tests.chaos.house import HarnessBroken

# All that is made here ends with its last process.
UNSHARED = ("unshare", "--net", "--pid", "--mount", "--uts", "--fork", "--kill-child", "--mount-proc")


class Network(Enum):
    """What a cable leads to; the value is the third number of its addresses."""

    DATA = 1  # PostgreSQL and Valkey
    MAIL = 2

    @property
    def bridge(self) -> str:
        """The interface all its cables are plugged into."""
        return self.name.lower()

    def address(self, host: int) -> str:
        """Of a host on this network; the data host is number 1."""
        return f"10.77.{self.value}.{host}"


def what_is_missing() -> str:
    """What has to be there for hosts of their own and is not, in a sentence; empty when all is."""
    if os.geteuid() != 0:
        return "Hosts of their own need root: network namespaces can't be made otherwise."
    for program, package in (("ip", "iproute2"), ("unshare", "util-linux"), ("nsenter", "util-linux")):
        if shutil.which(program) is None:
            return f"Hosts of their own need the program {program}: install {package}."
    return ""


def what_the_kernel_refuses() -> str:
    """Why this kernel gives no hosts of their own, in a sentence; empty when it does. Nothing can be done about it."""
    tried = subprocess.run([*UNSHARED, "ip", "link", "add", "trial", "type", "bridge"], capture_output=True, text=True)
    if tried.returncode:
        return f"Hosts of their own need network namespaces, and this kernel gives none: {tried.stderr.strip()}"
    return ""


def lay_networks() -> None:
    """The bridges, with the data host's addresses on them."""
    _ip("link", "set", "lo", "up")
    for network in Network:
        _ip("link", "add", network.bridge, "type", "bridge")
        _ip("address", "add", f"{network.address(1)}/24", "dev", network.bridge)
        _ip("link", "set", network.bridge, "up")


def plug_in(host: int, pid: int) -> None:
    """Give the network namespace that process ``pid`` is in a cable to each network."""
    _ip("link", "set", "lo", "up", inside=pid)
    for network in Network:
        name = network.bridge
        _ip("link", "add", _end(host, network), "type", "veth", "peer", "name", name, "netns", str(pid))
        _ip("address", "add", f"{network.address(host)}/24", "dev", name, inside=pid)
        _ip("link", "set", name, "up", inside=pid)
        _ip("link", "set", _end(host, network), "master", network.bridge, "up")


def pull_out(host: int, *networks: Network) -> None:
    """Cut a host off."""
    for network in networks:
        _ip("link", "set", _end(host, network), "down")


def put_back(host: int, *networks: Network) -> None:
    """Undo :func:`pull_out`."""
    for network in networks:
        _ip("link", "set", _end(host, network), "up")


def _end(host: int, network: Network) -> str:
    """Our end of a cable."""
    return f"{network.bridge}-{host}"


def _ip(*words: str, inside: int | None = None) -> None:
    """``inside``: in the network namespace of that process."""
    enter = ("nsenter", "--target", str(inside), "--net") if inside is not None else ()
    done = subprocess.run([*enter, "ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise HarnessBroken(f"ip {' '.join(words)}: {done.stderr.strip()}")
