"""Values shared by all resources: pages, sort order, and the settings of a client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Self, TypeVar

from attrs import Attribute, field, frozen
from msgspec import Meta, Struct

from contactship_async._arguments import check_integer, check_seconds

__all__ = ["AwareDatetime", "NonEmptyText", "OpenEnum", "Page", "RateLimit", "RetryPolicy", "SortOrder", "Timeouts"]

T = TypeVar("T")

NonEmptyText = Annotated[str, Meta(min_length=1, description="a non-empty text")]
"""A text that says something. Ids are no more than that: documented as UUIDs, but prefixed in the API's examples."""

AwareDatetime = Annotated[datetime, Meta(tz=True, description="a date and time")]
"""A time stamp with a zone. An answer's stamp without one is taken as UTC."""


class OpenEnum(StrEnum):
    """Text with known values, to which the server may add: a value it invents later arrives as it came.

    A new value is an instance that iterating over the class does not show. It equals its text, prints, pickles and
    dumps like the known ones; compare it with `==`, since each time it is an object of its own.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_ = value
        unknown._value_ = value
        return unknown


class SortOrder(StrEnum):
    """The direction of a listing, by creation date."""

    ASC = "asc"
    DESC = "desc"


class Page(Struct, Generic[T], frozen=True):  # as those of `_messages`: each page makes one
    """Rows of a listing, as one request returned them. Iterable and sized.

    Args:
        data: The rows, in the order of the listing. The pages of a walk hold only rows not yielded before.
        count: How many rows the server says the listing has; None where the endpoint does not say.
        offset: How many rows of the listing come before the first of *data*.
        limit: How many rows were asked for; None when that was left to the server.
    """

    data: tuple[T, ...]
    count: int | None
    offset: int
    limit: int | None

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    @property
    def next_offset(self) -> int | None:
        """The offset of the row after this page; None when *data* is empty, and at the end as *count* tells it."""
        end = self.offset + len(self.data)
        if not self.data or (self.count is not None and end >= self.count):
            return None
        return end


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
        attempt: For one request and its whole answer, *connect* included.
        total: For one call with all its retries and waits, for rate limits and for a free connection too: a real
            deadline, also against a body that drips.
    """

    connect: float | None = field(default=10, validator=_positive_or_none)
    attempt: float | None = field(default=30, validator=_positive_or_none)
    total: float | None = field(default=120, validator=_positive_or_none)


@frozen
class RetryPolicy:
    """When a call is tried again, in attempts and seconds.

    The wait before retry *n* is drawn evenly from 0 to `min(max_delay, initial_delay * 2 ** (n - 1))` ("full
    jitter"). A `Retry-After` of the server takes its place; one longer than *max_retry_after* or than the time left
    of `Timeouts.total` raises at once.

    A 429 holds back all calls of its organization for that long, not just the one it answered. Such a wait, and any
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
