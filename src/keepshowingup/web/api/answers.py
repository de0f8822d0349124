"""What every part of the API answers with when it says no."""

from __future__ import annotations

from ninja import Schema


class Sorry(Schema):
    """One sentence that says what to do."""

    detail: str


#: The answers any request may get, for the description of the API.
NO = {400: Sorry, 401: Sorry, 404: Sorry, 422: Sorry}
