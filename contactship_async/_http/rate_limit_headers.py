"""What a response says about rate limits: when to come back, and which budgets are used up. Without input or output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import frozen

_MAX_SECONDS: Final = 10.0**9
"""Some 30 years: keeps hostile headers within what arithmetic and sleeps can take."""

_MAX_RESET_SECONDS: Final = 300
_MAX_RESET_SECONDS_OF_REFUSAL: Final = 3600
"""A refusal has to be waited for anyway, and so its word is taken for a longer time."""

_MAX_RESET_FROM_DATE: Final = timedelta(days=1)
"""A number that is a Unix time within this of the response's `Date` is one."""

_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
"""Several servers send fractions, although RFC 9110 (10.2.3) wants whole seconds."""

_SUFFIXES: Final = ("", "-heavy", "-ip")


@frozen
class Pauses:
    """For how many seconds budgets are used up; None for one that is not.

    Args:
        organization: The budget of all calls of the organization.
        address: The budget of this machine's address.
        heavy: The budget of the organization's few heavy listings.
    """

    organization: float | None = None
    address: float | None = None
    heavy: float | None = None


def read_pauses(headers: Mapping[str, str]) -> Pauses | None:
    """Read for how many seconds the server will refuse all with 429, because a budget is used up; None if none is.

    `X-RateLimit-Reset` is documented as seconds, and elsewhere as not to be relied on: what can't be seconds until the
    end of a window counts as none. The headers with `-heavy` are of the budget for a few listings, those with `-ip` of
    this machine's address.

    Source: https://docs.contactship.ai/api-reference/rate-limits
    """
    organization, heavy, address = (_read_pause(headers, suffix) for suffix in _SUFFIXES)
    if organization is heavy is address is None:
        return None
    return Pauses(organization=organization, address=address, heavy=heavy)


def _read_pause(headers: Mapping[str, str], suffix: str) -> float | None:
    if headers.get(f"x-ratelimit-remaining{suffix}", "").strip() != "0":
        return None
    seconds = _read_number(headers.get(f"x-ratelimit-reset{suffix}", ""))
    return seconds if seconds is not None and seconds <= _MAX_RESET_SECONDS else 0.0


def read_retry_after(headers: Mapping[str, str], *, refused: bool = False) -> float | None:
    """Read how many seconds from now the server asks to wait; None if it does not say.

    `Retry-After` is a number of seconds or an HTTP date (RFC 9110, 10.2.3). A date is compared with the response's own
    `Date`, so that a wrong clock on either side does no harm.

    Args:
        headers: The headers of the response.
        refused: Whether it is a 429: without `Retry-After`, that may say it by `X-RateLimit-Reset`.
    """
    text = headers.get("retry-after", "")
    seconds = _read_number(text)
    if seconds is None:
        until = read_http_date(text)
        seconds = None if until is None else max((until - _read_now(headers)).total_seconds(), 0.0)
    if seconds is None and refused:
        seconds = _read_resets(headers)
    return None if seconds is None else min(seconds, _MAX_SECONDS)


def is_rate_limiter(headers: Mapping[str, str]) -> bool:
    """Return whether a 429 with *headers* comes from a rate limiter, which refused the request before it had effect."""
    return any(name.lower() == "retry-after" or name.lower().startswith("x-ratelimit-") for name in headers)


def _read_resets(headers: Mapping[str, str]) -> float | None:
    """Read when the budgets are reset that a 429 calls used up, or else the first one that it names."""
    used_up = [suffix for suffix in _SUFFIXES if headers.get(f"x-ratelimit-remaining{suffix}", "").strip() == "0"]
    resets = [read_reset(headers, suffix) for suffix in used_up or _SUFFIXES]
    known = [seconds for seconds in resets if seconds is not None]
    if not known:
        return None
    return max(known) if used_up else known[0]


def read_reset(headers: Mapping[str, str], suffix: str) -> float | None:
    """Read in how many seconds the budget of *suffix* (`-heavy`, `-ip`, or none) is reset; None if it is not told."""
    number = _read_number(headers.get(f"x-ratelimit-reset{suffix}", ""))
    if number is None or number <= _MAX_RESET_SECONDS_OF_REFUSAL:
        return number
    from_now = number - _read_now(headers).timestamp()
    return max(from_now, 0.0) if abs(from_now) <= _MAX_RESET_FROM_DATE.total_seconds() else None


def _read_number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text := text.strip()) else None


def _read_now(headers: Mapping[str, str]) -> datetime:
    return read_http_date(headers.get("date", "")) or datetime.now(UTC)


def read_http_date(text: str) -> datetime | None:
    """Read an HTTP date (RFC 9110, 5.6.7); None for what is none."""
    try:
        timestamp = parsedate_to_datetime(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return timestamp if timestamp.tzinfo is not None else timestamp.replace(tzinfo=UTC)
