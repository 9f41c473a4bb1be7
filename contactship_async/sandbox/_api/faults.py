"""Fault injection: what can go wrong with a response, as values for `Sandbox.script`.

A fault sees a response twice: while it is a page, which only listings are, and when it is ready to be sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import responses
from typing import ClassVar

from attrs import evolve, field, frozen

from contactship_async._arguments import check_integer, check_seconds, check_text, check_type
from contactship_async.sandbox._api.pages import Rows
from contactship_async.sandbox._api.replies import Reply, build_error

_BODILESS = (204, 304)
_FRAMING = {"content-length", "transfer-encoding"}


class Fault:
    """The base of all faults; by itself it leaves the response as it is."""

    __slots__ = ()

    lets_process: ClassVar[bool] = True
    """Whether the request is processed, and its effect takes place, before the fault alters its response."""

    def alter_page(self, page: Rows, previous: Rows | None) -> Rows:  # noqa: ARG002 - for subclasses
        """Turn the page of a listing into the one to show; *previous* is the page shown before it."""
        return page

    def alter_reply(self, reply: Reply) -> Reply:
        """Turn the response into the one to send."""
        return reply


@frozen
class Status(Fault):
    """Respond with an error instead of processing the request: `{"statusCode": ..., "message": ...}`.

    Source: https://docs.contactship.ai/api-reference/rate-limits

    Args:
        status: The HTTP status, 400 to 599.
        retry_after: The `Retry-After` header, sent as it is: seconds >= 0 or an HTTP date; None sends none.
        message: The server's words; None takes the phrase that HTTP has for *status*.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.
    """

    lets_process = False

    status: int
    retry_after: float | str | None = None
    message: str | None = None

    def __attrs_post_init__(self) -> None:
        check_integer("status", self.status, lowest=400, highest=599)
        if isinstance(self.retry_after, str):
            check_text("retry_after", self.retry_after)
        elif self.retry_after is not None:
            check_seconds("retry_after", self.retry_after, may_be_zero=True)
        if self.message is not None:
            check_text("message", self.message)

    def alter_reply(self, reply: Reply) -> Reply:  # noqa: ARG002 - nothing is left of the normal response
        """Replace the response by the error."""
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return build_error(self.status, self.message or responses.get(self.status, "Unknown"), headers)


@frozen
class Slow(Fault):
    """Send the normal response that many seconds later.

    Args:
        seconds: >= 0; `math.inf` stalls for ever.

    Raises:
        TypeError: *seconds* is not a number.
        ValueError: *seconds* is negative or NaN.
    """

    seconds: float

    def __attrs_post_init__(self) -> None:
        check_seconds("seconds", self.seconds, may_be_zero=True, may_be_infinite=True)

    def alter_reply(self, reply: Reply) -> Reply:
        """Delay the response."""
        return evolve(reply, delay=reply.delay + self.seconds)


@frozen
class Drip(Fault):
    """Send the body of the normal response byte by byte.

    Args:
        seconds_per_byte: Seconds before each byte, finite and >= 0.

    Raises:
        TypeError: *seconds_per_byte* is not a number.
        ValueError: *seconds_per_byte* is negative, infinite or NaN.
    """

    seconds_per_byte: float

    def __attrs_post_init__(self) -> None:
        check_seconds("seconds_per_byte", self.seconds_per_byte, may_be_zero=True)

    def alter_reply(self, reply: Reply) -> Reply:
        """Spread the body over time."""
        return evolve(reply, seconds_per_byte=self.seconds_per_byte)


@frozen
class Cut(Fault):
    """Process the request, and drop the connection before any response or in the middle of the body.

    In the middle, the headers hold the true Content-Length, and exactly *after_bytes* bytes follow. The in-memory
    transport raises `ConnectionResetError` in both cases. Over the port, the client's aiohttp sends a GET once more
    by itself when the connection is reset before any response: such a request uses two faults of a script.

    Args:
        after_bytes: >= 0; a body that is no longer than this arrives whole. None resets the connection instead of
            any response.

    Raises:
        TypeError: *after_bytes* is not an integer.
        ValueError: *after_bytes* is negative.
    """

    after_bytes: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.after_bytes is not None:
            check_integer("after_bytes", self.after_bytes, lowest=0)

    def alter_reply(self, reply: Reply) -> Reply:
        """Drop the response, or the rest of it."""
        if self.after_bytes is None:
            return evolve(reply, dropped=True, page=None)
        if self.after_bytes >= len(reply.body):
            return reply
        return evolve(reply, cut_after=self.after_bytes, page=None)


@frozen
class Html(Fault):
    """Respond with an HTML page instead of processing the request, as proxies do.

    Args:
        status: The HTTP status, 200 to 599, but not 204 or 304.

    Raises:
        TypeError: *status* is not an integer.
        ValueError: *status* is out of range.
    """

    lets_process = False

    status: int = 200

    def __attrs_post_init__(self) -> None:
        _check_status_with_body(self.status)

    def alter_reply(self, reply: Reply) -> Reply:  # noqa: ARG002 - nothing is left of the normal response
        """Replace the response by the page."""
        title = responses.get(self.status, "Unknown")
        page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        return Reply(status=self.status, headers={"content-type": "text/html; charset=utf-8"}, body=page.encode())


@frozen
class Redirect(Fault):
    """Point the client elsewhere instead of processing the request, with an empty body.

    Args:
        location: The `Location` header, sent as it is.
        status: The HTTP status, 300 to 399.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: *location* is empty, or *status* is out of range.
    """

    lets_process = False

    location: str
    status: int = 307

    def __attrs_post_init__(self) -> None:
        check_text("location", self.location)
        check_integer("status", self.status, lowest=300, highest=399)

    def alter_reply(self, reply: Reply) -> Reply:  # noqa: ARG002 - nothing is left of the normal response
        """Replace the response by the redirect."""
        return Reply(status=self.status, headers={"location": self.location}, body=b"")


@frozen
class RepeatPage(Fault):
    """Show the data of the previous page of the same path again, with the present count.

    A response without a page, and the first page of a path, stay as they are.
    """

    def alter_page(self, page: Rows, previous: Rows | None) -> Rows:
        """Take the rows of the previous page."""
        return page if previous is None else evolve(page, rows=previous.rows)


@frozen
class EmptyPage(Fault):
    """Show a page without data, with the true count; a response without a page stays as it is."""

    def alter_page(self, page: Rows, previous: Rows | None) -> Rows:  # noqa: ARG002 - needs no rows
        """Take the rows away."""
        return evolve(page, rows=())


@frozen
class Body(Fault):
    """Process the request, and respond with these bytes, whatever they are.

    The headers that every response has are added where *headers* lacks them.

    Args:
        body: The bytes of the body. In memory they reach the client as they are, also under a Content-Encoding.
        status: The HTTP status, 200 to 599; 204 and 304 have no body.
        headers: Sent as they are; without a Content-Type the server sends `application/octet-stream`. No
            Content-Length and no Transfer-Encoding: they follow from *body*, and `Cut` breaks them.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: *status* is out of range, or *headers* says how long the body is.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        check_type("body", self.body, bytes)
        if self.body:
            _check_status_with_body(self.status)
        else:
            check_integer("status", self.status, lowest=200, highest=599)
        if _FRAMING & {name.lower() for name in self.headers}:
            message = "headers must not hold Content-Length or Transfer-Encoding: they follow from body"
            raise ValueError(message)

    def alter_reply(self, reply: Reply) -> Reply:  # noqa: ARG002 - nothing is left of the normal response
        """Replace the response."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Reply(status=self.status, headers=headers, body=self.body)


def _check_status_with_body(status: object) -> None:
    check_integer("status", status, lowest=200, highest=599)
    if status in _BODILESS:
        message = f"status must not be {status}, which HTTP sends without a body"
        raise ValueError(message)
