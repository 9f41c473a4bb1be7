"""What all listings share: their query parameters, their pages, and the two envelopes around a page.

The documentation exists in two revisions: the older answers `{"data", "count"}`, the newer
`{"statusCode", "data", "pagination"}` (https://docs.contactship.ai/api-reference/introduction).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import frozen

Envelope = Literal["count", "pagination"]

_COUNTING_NUMBER = re.compile(r"[0-9]{1,18}")


class Refusal(Exception):  # noqa: N818 - not an error of the sandbox but an answer it gives
    """A resource refuses a request with an HTTP status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@frozen
class Window:
    """The part of a listing that a request asks for."""

    limit: int
    offset: int
    order: str


@frozen
class Listing:
    """One page: its rows as JSON, the rows of the whole listing counted, and the window it was cut from."""

    rows: Sequence[bytes]
    total: int
    window: Window

    def to_json(self, envelope: Envelope) -> bytes:
        """Write the page as the body of an answer."""
        data = b",".join(self.rows)
        if envelope == "count":
            return b'{"data":[%b],"count":%d}' % (data, self.total)
        # The documentation shows null for both where a listing is not cut into pages; limit=0 makes none either.
        page = total_pages = None
        if limit := self.window.limit:
            page = self.window.offset // limit + 1
            total_pages = -(-self.total // limit)
        pagination = {"page": page, "total_rows": self.total, "total_pages": total_pages}
        return b'{"statusCode":200,"data":[%b],"pagination":%b}' % (data, json.dumps(pagination).encode())


def read_window(params: Mapping[str, str], *, default_limit: int, max_limit: int) -> Window:
    """Read `limit`, `offset` and `order`; a limit above *max_limit* is silently lowered to it."""
    return Window(
        limit=min(_read_number(params, "limit", default_limit), max_limit),
        offset=_read_number(params, "offset", 0),
        order=read_choice(params, "order", ("asc", "desc")) or "desc",
    )


def read_choice(params: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    """Read a parameter that takes one of *allowed*; None when it was not sent."""
    value = params.get(name)
    if value is not None and value not in allowed:
        raise Refusal(400, f"{name} must be one of: {', '.join(allowed)}")
    return value


def _read_number(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name)
    if text is None:
        return default
    if not _COUNTING_NUMBER.fullmatch(text):
        raise Refusal(400, f"{name} must be an integer >= 0")
    return int(text)
