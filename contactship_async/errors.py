"""The exceptions a caller can act on, besides those for wrong arguments and for a client used in two loops at once.

All of them pickle and copy. No text of theirs carries the key, a phone number, a header value or a response body.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal, cast

from attrs import field, frozen

from contactship_async._headers import Headers
from contactship_async._masking import describe_call

__all__ = [
    "AmbiguousOutcomeError",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "ContactshipError",
    "EventsRejectedError",
    "MalformedResponseError",
    "MalformedRow",
    "NotFoundError",
    "OrganizationError",
    "PaginationError",
    "PermissionDeniedError",
    "PoolError",
    "RateLimitError",
    "RequestTimeoutError",
    "ServerError",
    "StatusError",
    "TransportError",
    "UnexpectedRedirectError",
    "WalkPosition",
]

Limit = Literal["connect", "attempt", "total"]
"""A field of `Timeouts`."""

_MAX_ISSUES_IN_TEXT = 5


@frozen
class WalkPosition:
    """Where a walk of a listing ended, *yielded* rows after its start: pass `offset=error.position.offset` to go on.

    The offset counts from the listing as it is when the next walk begins: rows may come again, or be missed, by as
    many as were added or removed before it in between.
    """

    offset: int
    yielded: int


class ContactshipError(Exception):
    """The root of all errors of this package.

    Attributes:
        position: How far the walk had come that this error ended; None outside walks.
        may_have_been_processed: Whether an attempt of the call may have taken effect: False if each was refused, or
            provably never reached the server.
        results: The `EventResult` of each event that `client.events.send` had sent before; none elsewhere.
        unsent: Each `Event` that it had not, with the id it was given: send these again. None elsewhere.
    """

    position: WalkPosition | None = None
    may_have_been_processed: bool = False
    results: tuple[Any, ...] = ()
    unsent: tuple[Any, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args`, which fails for classes with required keyword arguments.
        return _restore, (type(self), self.args), self.__dict__


def _restore(
    cls: type[ContactshipError], args: tuple[Any, ...], cause: BaseException | None = None
) -> ContactshipError:
    error = cls.__new__(cls)
    error.args = args
    error.__cause__ = cause
    return error


def _reduce_with_cause(error: ContactshipError) -> tuple[Any, ...]:
    """Return what pickles *error* with its cause, and without one that does not pickle: its class is in the text."""
    try:
        cause = pickle.loads(pickle.dumps(error.__cause__))  # noqa: S301 - what was pickled just now
    except Exception:  # noqa: BLE001 - a foreign error may fail at either in any way
        cause = None
    return _restore, (type(error), error.args, cause), error.__dict__


class ConfigurationError(ContactshipError, ValueError):
    """The key is missing or malformed, or the base URL is unusable or would send the key in clear."""


class ClientClosedError(ContactshipError, RuntimeError):
    """The client, its pool, or the connector it was given was closed before a call, or a walk, had ended.

    What was begun before that is never sent anew. (A call that is not safe to repeat, and had left, raises an
    `AmbiguousOutcomeError` instead, whose `__cause__` is this error.) New calls open the client again.
    """


class TransportError(ContactshipError):
    """A request could not be exchanged for a response."""


class ConnectionFailedError(TransportError):
    """No connection, or one that ended before the response was complete.

    Attributes:
        is_hopeless: Whether another attempt would fail in the same way: a certificate that is not accepted, or a proxy
            that refuses.
    """

    is_hopeless: bool = False


class RequestTimeoutError(TransportError, TimeoutError):
    """A limit of `Timeouts` was reached.

    Attributes:
        limit: Which one: `connect`, `attempt` or `total`.
    """

    limit: Limit

    def __init__(self, message: str, *, limit: Limit) -> None:
        super().__init__(message)
        self.limit = limit


class AmbiguousOutcomeError(TransportError):
    """A call that is not safe to repeat was sent, and nobody knows whether it took effect.

    No complete response came, or the client was closed meanwhile. Of a call that dials or sends
    (`client.calls.make_phone_call`), any response counts as such that neither refuses it (a 4xx but 408) nor says what
    became of it: a 408, a redirect, a 5xx, or a 2xx without a readable id.

    Never retried by the client. Look whether it took effect before you repeat it: a second POST may dial a person
    twice.

    Attributes:
        sent_at: When it was sent, in UTC, by the clock of this machine.
        status: The HTTP status code of the response, also of one that was cut; None if none came.
        __cause__: The `StatusError` or `MalformedResponseError` that the response would be for other calls, or the
            `ClientClosedError`; None if no response came.
    """

    may_have_been_processed = True
    sent_at: datetime
    status: int | None

    def __init__(self, message: str, *, sent_at: datetime | None = None, status: int | None = None) -> None:
        # Only an error that a transport of the user's raises comes without the time, and the attempt loop adds it.
        super().__init__(message)
        self.sent_at = datetime.now(UTC) if sent_at is None else sent_at
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduce_with_cause(self)


class StatusError(ContactshipError):
    """The server refused a call.

    Attributes:
        status: The HTTP status code.
        message: The server's own words, an empty string without any. May hold personal data, so it is not in the text.
        body: The first 64 KiB of the response body.
        request_id: The `x-request-id` header, None without one.
        headers: Those of the response, by their names in any case, but for `Location` and `Set-Cookie`, which may hold
            secrets. No repr shows their values.
        method: The method of the call.
        path: The percent-encoded path of the call.
        retry_after: How many seconds the server asks to wait, None when it did not say.
    """

    status: int
    message: str
    body: bytes
    request_id: str | None
    headers: Mapping[str, str]
    method: str
    path: str
    retry_after: float | None

    def __init__(  # noqa: PLR0913 - an error's facts, all by keyword
        self,
        *,
        status: int,
        method: str,
        path: str,
        message: str = "",
        body: bytes = b"",
        request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.message = message
        self.body = body
        self.request_id = request_id
        self.headers = Headers(headers)
        self.method = method
        self.path = path
        self.retry_after = retry_after
        super().__init__(self._text())

    def _text(self) -> str:
        try:
            phrase = f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            phrase = str(self.status)
        text = f"{describe_call(self.method, self.path)} failed: {phrase}"
        if self.retry_after is not None:
            text += f"; the server asks to wait {self.retry_after:g} s"
        return text


class BadRequestError(StatusError):
    """400: the server found fault with a parameter or the body."""


class AuthenticationError(StatusError):
    """401: the API key is missing, wrong or revoked."""


class PermissionDeniedError(StatusError):
    """403: the key's organization may not do this.

    Attributes:
        add_on: What the endpoint is part of that an organization has to have enabled, such as `Tasks`; None for an
            endpoint that each organization has.
    """

    add_on: str | None

    def __init__(self, *, add_on: str | None = None, **facts: Any) -> None:
        self.add_on = add_on
        super().__init__(**facts)

    def _text(self) -> str:
        text = super()._text()
        return text if self.add_on is None else f"{text}; {self.add_on} is an add-on, which may not be enabled"


class NotFoundError(StatusError):
    """404: no such thing in the key's organization."""


class ConflictError(StatusError):
    """409: the call contradicts the present state, such as a phone number that is already taken."""


class RateLimitError(StatusError):
    """429: too many requests; `retry_after` says how long to wait when the server does."""


class ServerError(StatusError):
    """5xx: the server failed."""


class UnexpectedRedirectError(StatusError):
    """3xx: the server points elsewhere; never followed, since aiohttp would send the key along."""


@frozen
class MalformedRow:
    """A row that could not be read.

    Args:
        index: Its place on its page, from 0: the 3 of `data[3]`.
        value: What `json` makes of it, such as a dictionary. It may hold personal data; no repr shows it.
    """

    index: int
    value: Any = field(repr=False)


class MalformedResponseError(ContactshipError):
    """A response, or a webhook, that is not JSON, has the wrong shape, or is too large.

    Attributes:
        issues: What is wrong, each with its JSON path, such as `data[3].created_at: expected a date and time`. They
            hold no values of the response.
        row: The first row that could not be read, where nothing else is wrong with the page; else None, and in a copy,
            as in a pickle. A walk goes on behind it from `error.position.offset + 1`.
    """

    may_have_been_processed = True
    issues: tuple[str, ...]
    row: MalformedRow | None = None

    def __init__(self, issues: tuple[str, ...], *, subject: str = "response") -> None:
        shown = "; ".join(issues[:_MAX_ISSUES_IN_TEXT])
        more = f" (and {len(issues) - _MAX_ISSUES_IN_TEXT} more)" if len(issues) > _MAX_ISSUES_IN_TEXT else ""
        super().__init__(f"the {subject} is malformed: {shown}{more}")
        self.issues = issues

    def __reduce__(self) -> tuple[Any, ...]:
        restore, arguments, state = super().__reduce__()
        return restore, arguments, {name: value for name, value in state.items() if name != "row"}


class PaginationError(ContactshipError):
    """A listing can't be walked completely: pages repeat, an empty page comes before the end, and the like."""


class EventsRejectedError(ContactshipError):
    """Events were sent, and some are not stored: they are rejected, or invalid.

    Attributes:
        results: The `EventResult` of each event that was sent; those with `is_stored` False say why.
    """

    may_have_been_processed = True

    def __init__(self, results: tuple[Any, ...], *, rejected: int) -> None:
        super().__init__(f"{rejected} of {len(results)} events are not stored: they are rejected or invalid")
        self.results = results


class OrganizationError(ContactshipError):
    """One organization of a pool failed; `__cause__` is its error, and `position` that of its walk.

    Attributes:
        organization: Its name in the pool.
    """

    organization: str

    def __init__(self, organization: str, error: Exception) -> None:
        # The text of an error that is not ours may hold anything.
        text = str(error) if isinstance(error, ContactshipError) else type(error).__name__
        super().__init__(f"{organization}: {text}")
        self.organization = organization
        if isinstance(error, ContactshipError):
            self.position = error.position
            self.may_have_been_processed = error.may_have_been_processed
        self.__cause__ = error

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduce_with_cause(self)


class PoolError(ContactshipError, ExceptionGroup[OrganizationError]):
    """Organizations of a pool failed: an exception group of an `OrganizationError` for each."""

    @property
    def exceptions(self) -> tuple[OrganizationError, ...]:
        """The error of each organization that failed."""
        return cast("tuple[OrganizationError, ...]", super().exceptions)

    @property
    def may_have_been_processed(self) -> bool:  # type: ignore[override] # it is that of its members
        """Whether a call of any of them may have taken effect."""
        return any(error.may_have_been_processed for error in self.exceptions)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, self.__dict__

    def derive(self, excs: Sequence[OrganizationError]) -> PoolError:  # type: ignore[override] # as it is made of them
        """Return a group of some of the errors, for `split()`, `subgroup()` and `except*`."""
        return PoolError(self.message, excs)
