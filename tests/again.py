"""Play the tests; what fails in the crowd is played once more, alone.

Real workers, servers and browsers share two cores with each other here, and some races are lost only to the crowd. A
fault of the code fails again. What passes alone is named all the same, so that somebody looks at it; and when more
than a handful fails nothing is played again, because then it is not the crowd.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

A_HANDFUL = 5
# What xdist appends to the name of a test that belongs to a group.
GROUP = re.compile(r"@[\w-]+$")


class Failures:
    """Listens to a run, and remembers what failed in it."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.names.add(GROUP.sub("", report.nodeid))


def main(arguments: list[str]) -> int:
    """pytest's own exit code, or that of the second time."""
    failures = Failures()
    code = pytest.main(arguments, plugins=[failures])
    names = sorted(failures.names)
    if code != pytest.ExitCode.TESTS_FAILED or not 0 < len(names) <= A_HANDFUL:
        return code
    print("\nPlayed once more, alone:", *names, sep="\n  ", flush=True)
    alone = subprocess.run([sys.executable, "-m", "pytest", *names], check=False).returncode
    if alone == 0:
        print("\nFAILED IN THE CROWD, passed alone; please mend:", *names, sep="\n  ", flush=True)
    return alone


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
