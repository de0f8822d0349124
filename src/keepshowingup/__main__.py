"""``keepshowingup`` and ``python -m keepshowingup``."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line; errors become one sentence and the right exit code."""
    # What a start loads stays. To look it over for garbage after every 700 objects takes a quarter of the start.
    gc.set_threshold(50_000, 20, 50)
    from keepshowingup.cli.root import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
