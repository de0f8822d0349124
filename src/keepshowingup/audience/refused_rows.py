"""The rows an import refused, in a file beside the imported one, so that they can be mended and imported again."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TextIO

from keepshowingup.audience.spreadsheet import Row, plain, safe
from keepshowingup.core.errors import Refused


class RefusedRows:
    """The file beside the imported one: line, reason, and the row as it was. Made when the first row is refused."""

    def __init__(self, imported: Path) -> None:
        self.path = imported.with_name(f"{imported.stem}.refused.csv")
        self.names: tuple[str, ...] = ()
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: Row, reason: str) -> None:
        """Write one row down."""
        if self._file is None:
            try:
                # Addresses are in it: nobody else on this machine may read it.
                opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            except OSError as error:
                raise Refused(f"The refused rows can't be written to {self.path}: {error.strerror}.") from error
            self._file = open(opened, "w", encoding="utf-8", errors="surrogateescape", newline="")  # noqa: SIM115 - closed by __exit__
            csv.writer(self._file).writerow(["line", "reason", *self.names])
        cells = [safe(plain(cell.replace("\0", ""))) for cell in row.cells]
        csv.writer(self._file).writerow([row.line, reason, *cells])
        self.count += 1
