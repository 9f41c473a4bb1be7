"""What the server says of budgets, remembered for whoever wants to know how much is left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from contactship_async._http.rate_limit_headers import read_reset

_COUNT: Final = re.compile(r"[0-9]{1,18}")


@frozen
class Budget:
    """What the server last said of how many requests an organization may send; None for what it did not say.

    Calls need not look at it: they wait by themselves.

    Args:
        limit_requests: How many requests a window allows (`X-RateLimit-Limit`).
        remaining_requests: How many of them were left when it said so (`X-RateLimit-Remaining`).
        resets_at: When the next window begins, in UTC (`X-RateLimit-Reset`, which is not always reliable).
        heavy: The same of the budget that heavy listings (calls and contacts) have besides (`-heavy`).

    Source: https://docs.contactship.ai/api-reference/rate-limits
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    resets_at: datetime | None = None
    heavy: Budget | None = None


@define(eq=False)
class ToldBudget:
    """What was said last, kept as it came: most of it is never looked at."""

    _said: tuple[Mapping[str, str], datetime] | None = field(default=None, init=False, repr=False)
    _said_of_heavy: tuple[Mapping[str, str], datetime] | None = field(default=None, init=False, repr=False)

    def note(self, headers: Mapping[str, str]) -> None:
        """Keep the headers of a response that says something."""
        if "x-ratelimit-remaining" in headers:
            self._said = headers, datetime.now(UTC)
        if "x-ratelimit-remaining-heavy" in headers:
            self._said_of_heavy = headers, datetime.now(UTC)

    def read(self) -> Budget | None:
        """Read what was said last; None as long as that is nothing."""
        heavy = None if self._said_of_heavy is None else _read(*self._said_of_heavy, "-heavy")
        if self._said is None:
            return None if heavy is None else Budget(heavy=heavy)
        return _read(*self._said, "", heavy)


def _read(headers: Mapping[str, str], said_at: datetime, suffix: str, heavy: Budget | None = None) -> Budget:
    reset_seconds = read_reset(headers, suffix)
    return Budget(
        limit_requests=_read_count(headers, f"x-ratelimit-limit{suffix}"),
        remaining_requests=_read_count(headers, f"x-ratelimit-remaining{suffix}"),
        resets_at=None if reset_seconds is None else said_at + timedelta(seconds=reset_seconds),
        heavy=heavy,
    )


def _read_count(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if _COUNT.fullmatch(text) else None
