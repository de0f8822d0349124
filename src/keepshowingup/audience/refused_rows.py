"""The rows an import refused, in a file beside the imported one, so that they can be mended and imported again."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from keepshowingup.audience.spreadsheet import Row, plain, safe
from keepshowingup.core.errors import Refused


class RefusedRows:
    """The file beside the imported one: line, reason, and the row as it was. Made when the first row is refused."""

    def __init__(self, imported: Path) -> None:
        self.path = imported.with_name(f"{imported.stem}.refused.csv")
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, names: Sequence[str], refused: Iterable[tuple[Row, str]]) -> None:
        """Write rows down with their reasons, in the order of their lines. ``names`` are the columns'."""
        rows = [
            [row.line, reason, *(safe(plain(cell.replace("\0", ""))) for cell in row.cells)]
            for row, reason in sorted(refused, key=lambda one: one[0].line)
        ]
        if not rows:
            return
        try:
            if self._file is None:
                # Addresses are in it: nobody else on this machine may read it.
                opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                self._file = open(opened, "w", encoding="utf-8", errors="surrogateescape", newline="")  # noqa: SIM115 - closed by __exit__
                csv.writer(self._file).writerow(["line", "reason", *names])
            csv.writer(self._file).writerows(rows)
            self._file.flush()
        except OSError as error:
            raise Refused(f"The refused rows can't be written to {self.path}: {error.strerror}.") from error
        self.count += len(rows)
