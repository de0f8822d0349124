"""``keepshowingup`` and ``python -m keepshowingup``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; errors become one sentence and the right exit code."""
    from keepshowingup.cli.root import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
