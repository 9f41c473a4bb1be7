"""The settings of a client: timeouts, retries and rate limits; and the waits that it tells of."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from attrs import Attribute, field, frozen

from contactship_async._arguments import check_integer, check_seconds

__all__ = ["RateLimit", "RetryPolicy", "Timeouts", "Wait", "WaitReason"]

WaitReason: TypeAlias = Literal["rate_limit", "retry", "budget", "connection"]

_RETRIED_CLIENT_ERRORS: Final = frozenset({408, 425, 429})
_FINAL_SERVER_ERRORS: Final = frozenset({501, 505})
"""What the server does not support, it will not support a second later either."""

_STATUSES: Final = range(300, 1000)
"""What a response that is no success may have: three digits (RFC 9110, 15)."""


def _positive(_: object, attribute: Attribute[Any], value: object) -> None:
    check_seconds(attribute.name, value, may_be_zero=False)


def _positive_or_none(_: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None:
        check_seconds(attribute.name, value, may_be_zero=False)


def _not_negative(_: object, attribute: Attribute[Any], value: object) -> None:
    check_seconds(attribute.name, value, may_be_zero=True)


def _at_least_one(_: object, attribute: Attribute[Any], value: object) -> None:
    check_integer(attribute.name, value, lowest=1)


def _statuses_or_none(_: object, attribute: Attribute[Any], value: object) -> None:
    if value is None:
        return
    allowed = "a frozenset of integers from 300 to 999, or None"
    if not isinstance(value, frozenset) or any(isinstance(each, bool) or not isinstance(each, int) for each in value):
        message = f"{attribute.name} must be {allowed}"
        raise TypeError(message)
    if not all(status in _STATUSES for status in value):
        message = f"{attribute.name} must be {allowed}"
        raise ValueError(message)


@frozen
class Timeouts:
    """How long to wait, in seconds; None waits without limit. Zero, negative numbers and NaN are refused.

    Args:
        connect: For a new connection with name lookup and TLS. (If others use the connector too: or for a free one.)
        attempt: For one request and its whole response, *connect* included.
        total: For one call with all its retries and waits, for rate limits and for a free connection too: a real
            deadline, also when the server sends the body very slowly. For a page of a walk, it begins when the request
            has its turn: a queue that moves is no failure. None gives up after 10 minutes of refusals (429) without any
            success.
    """

    connect: float | None = field(default=10, validator=_positive_or_none)
    attempt: float | None = field(default=30, validator=_positive_or_none)
    total: float | None = field(default=120, validator=_positive_or_none)


@frozen
class RetryPolicy:
    """When a call is retried, in attempts and seconds.

    The wait before retry *n* is drawn uniformly from 0 to `min(max_delay, initial_delay * 2 ** (n - 1))` ("full
    jitter"). A `Retry-After` of the server takes its place; one longer than *max_retry_after* or than the time left
    of `Timeouts.total` raises at once.

    A rate limit (429) is a wait and uses up no attempt. All calls of the organization wait with the one that was
    refused: as long as the server says, but never less than 0.5 to 1 s; if it does not say, 0.5 to 1 s, and longer,
    up to 15 s, after 5 s without any success. A call that must not be repeated waits and is sent again as well,
    if the 429 has `Retry-After` or `X-RateLimit-*`: then it was refused before it had any effect.

    Args:
        max_attempts: The first attempt included; 1 sends once, whatever comes, a 429 too.
        initial_delay: The longest wait before the first retry.
        max_delay: The longest wait before any retry.
        max_retry_after: The longest wait granted to a server that asks for one.
        retry_statuses: Which statuses a call that is safe to repeat is retried after, from 300 to 999. None: 408, 425,
            429 and each 5xx but 501 and 505. Without 429 among them, a rate limit raises at once.
    """

    max_attempts: int = field(default=4, validator=_at_least_one)
    initial_delay: float = field(default=0.5, validator=_not_negative)
    max_delay: float = field(default=30, validator=_not_negative)
    max_retry_after: float = field(default=120, validator=_not_negative)
    retry_statuses: frozenset[int] | None = field(default=None, validator=_statuses_or_none)

    def retries(self, status: int) -> bool:
        """Return whether a call that is safe to repeat is retried after *status*."""
        if self.retry_statuses is not None:
            return status in self.retry_statuses
        is_server_error = status // 100 == 5  # noqa: PLR2004 - RFC 9110, 15.6
        return status in _RETRIED_CLIENT_ERRORS or (is_server_error and status not in _FINAL_SERVER_ERRORS)


@frozen
class Wait:
    """A wait that begins, as `on_wait` is told of it.

    Args:
        reason: `rate_limit`: the server asked for it, or refused a request; `retry`: before a failed call is retried;
            `budget`: for a `RateLimit` of the client's own; `connection`: until one of its connections is free.
        seconds: How long it takes at least; None for a connection, as nobody knows.
        organization: Its name in a pool, otherwise None.
    """

    reason: WaitReason
    seconds: float | None
    organization: str | None


@frozen
class RateLimit:
    """How many requests may be sent in how many seconds, wherever in time these seconds begin.

    The documented limits of the API: 120 in 60 seconds for an organization, 600 in 60 seconds for an address.

    Args:
        requests: >= 1.
        per_seconds: Above 0.

    Source: https://docs.contactship.ai/api-reference/rate-limits
    """

    requests: int = field(validator=_at_least_one)
    per_seconds: float = field(validator=_positive)
