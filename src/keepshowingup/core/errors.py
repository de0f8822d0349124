"""The errors people see. Each carries a sentence that says what to do next.

``exit_code`` is what a command ends with, ``status`` what a page or the API answers with.
"""

from __future__ import annotations


class KeepShowingUpError(Exception):
    """Something could not be done; the message says what to do next."""

    exit_code = 1
    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(KeepShowingUpError):
    """What was asked for is understood and is not done, for a reason the message gives."""

    exit_code = 1
    status = 422


class NotFound(KeepShowingUpError):
    """There is nothing by that name."""

    exit_code = 1
    status = 404


class WrongUsage(KeepShowingUpError):
    """The question itself is malformed: a wrong option, an unknown zone, a date that is none."""

    exit_code = 2
    status = 400


class PartMissing(KeepShowingUpError):
    """A part that is needed is not there: a database, a broker, a port, a binary."""

    exit_code = 3
    status = 503
