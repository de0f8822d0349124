"""PostgreSQL's moments, read quickly: in a batch of letters there are thousands of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader


class MomentLoader(BaseTzLoader):  # type: ignore[misc]  # the stubs know nothing of it
    """A ``timestamptz`` as an aware datetime.

    What PostgreSQL writes is ISO 8601, which the standard library reads in a tenth of the time that the driver's loader
    and Django's take together; they are left what it can't read.
    """

    timezone = UTC  # Django asks for it, and puts another loader in the place of one with another zone

    def load(self, data: Any) -> datetime:
        """The moment in UTC, as the session is."""
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            moment: datetime = super().load(data)
            return moment
