"""The settings of a client: timeouts, retries and rate limits."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from contactship_async._arguments import check_integer, check_seconds

__all__ = ["RateLimit", "RetryPolicy", "Timeouts"]


def _positive(_: object, attribute: Attribute[Any], value: object) -> None:
    check_seconds(attribute.name, value, may_be_zero=False)


def _positive_or_none(_: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None:
        check_seconds(attribute.name, value, may_be_zero=False)


def _not_negative(_: object, attribute: Attribute[Any], value: object) -> None:
    check_seconds(attribute.name, value, may_be_zero=True)


def _at_least_one(_: object, attribute: Attribute[Any], value: object) -> None:
    check_integer(attribute.name, value, lowest=1)


@frozen
class Timeouts:
    """How long to wait, in seconds; None waits without limit. Zero, negative numbers and NaN are refused.

    Args:
        connect: For a new connection with name lookup and TLS. (If others use the connector too: or for a free one.)
        attempt: For one request and its whole response, *connect* included.
        total: For one call with all its retries and waits, for rate limits and for a free connection too: a real
            deadline, also when the server sends the body very slowly.
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

    A 429 holds back all calls of its organization for that long, not just the one it refused. Such a wait, and any
    for a rate limit, is not an attempt.

    Args:
        max_attempts: The first attempt included; 1 never retries.
        initial_delay: The longest wait before the first retry.
        max_delay: The longest wait before any retry.
        max_retry_after: The longest wait granted to a server that asks for one.
    """

    max_attempts: int = field(default=4, validator=_at_least_one)
    initial_delay: float = field(default=0.5, validator=_not_negative)
    max_delay: float = field(default=30, validator=_not_negative)
    max_retry_after: float = field(default=120, validator=_not_negative)


@frozen
class RateLimit:
    """How many requests may be sent in how many seconds, wherever in time these seconds begin.

    The documented limits of the API: 120 in 60 seconds for an organization, 600 in 60 seconds for an address.

    Source: https://docs.contactship.ai/api-reference/rate-limits

    Args:
        requests: >= 1.
        per_seconds: Above 0.
    """

    requests: int = field(validator=_at_least_one)
    per_seconds: float = field(validator=_positive)
