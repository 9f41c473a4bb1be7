"""The plan of a response, which the in-memory transport and the server both carry out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import field, frozen

from contactship_async.sandbox._api.pages import Rows

JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json; charset=utf-8"}


@frozen(kw_only=True)
class Reply:
    """One response, and how it reaches the client.

    Args:
        status: The HTTP status.
        headers: Under lower-case names.
        body: The bytes of the whole body, which also decide its Content-Length.
        page: The rows that *body* shows; None if it shows none, or not the whole of it.
        delay: Seconds before the response begins.
        seconds_per_byte: Seconds before each byte of *body*.
        dropped: The connection is reset instead of a response.
        cut_after: The connection closes after this many bytes of *body*; None lets all of them through.
        fault: The name of the fault that altered the response; empty for a normal one.
        organization: Whose response it is in a `SandboxPool`; empty elsewhere, and for an unknown key.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default=JSON_HEADERS)
    body: bytes
    page: Rows | None = None
    delay: float = 0.0
    seconds_per_byte: float = 0.0
    dropped: bool = False
    cut_after: int | None = None
    fault: str = ""
    organization: str = ""

    @property
    def arrives(self) -> bool:
        """Whether the client receives the whole response."""
        return not self.dropped and self.cut_after is None


class Refusal(Exception):  # noqa: N818 - not an error of the sandbox but a response
    """A request is refused with an HTTP status, a message, and headers under lower-case names."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def build_error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Build the documented error response (https://docs.contactship.ai/api-reference/rate-limits)."""
    body = json.dumps({"statusCode": status, "message": message}).encode()
    return Reply(status=status, headers={**JSON_HEADERS, **(headers or {})}, body=body)
