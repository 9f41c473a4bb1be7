"""The documented rate limits: so many requests of an organization in a fixed window of 60 seconds.

Heavy listings have a limit of their own, and count in the general one as well.

Source: https://docs.contactship.ai/api-reference/rate-limits
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

WINDOW_SECONDS = 60


class FixedWindow:
    """Counts requests; a window begins with the first request after the last window has ended.

    Args:
        limit: Requests in a window.
        clock: Seconds of a monotonic clock.
        suffix: Of the names of its headers.
    """

    def __init__(self, limit: int, clock: Callable[[], float], suffix: str = "") -> None:
        self._limit = limit
        self._clock = clock
        self.suffix = suffix
        self._began = -math.inf
        self._spent = 0

    @property
    def is_spent(self) -> bool:
        """Whether the window has no room for a request."""
        self._begin_if_over()
        return self._spent == self._limit

    def count(self) -> None:
        """Count one request."""
        self._spent += 1

    def seconds_left(self) -> int:
        """Until the next window, rounded up so that a client that waits for it does not come too early."""
        self._begin_if_over()
        return math.ceil(WINDOW_SECONDS - (self._clock() - self._began))

    def headers(self) -> dict[str, str]:
        """Build the headers that every response has."""
        seconds_left = self.seconds_left()
        return {
            f"x-ratelimit-limit{self.suffix}": str(self._limit),
            f"x-ratelimit-remaining{self.suffix}": str(self._limit - self._spent),
            f"x-ratelimit-reset{self.suffix}": str(seconds_left),
        }

    def _begin_if_over(self) -> None:
        now = self._clock()
        if now - self._began >= WINDOW_SECONDS:
            self._began = now
            self._spent = 0


class RateLimits:
    """The windows of one organization; without a limit there is none.

    Args:
        general: Requests of any kind.
        heavy: Requests of heavy listings.
        clock: Seconds of a monotonic clock.
    """

    def __init__(self, general: int | None, heavy: int | None, clock: Callable[[], float]) -> None:
        self._general = [] if general is None else [FixedWindow(general, clock)]
        self._heavy = [] if heavy is None else [FixedWindow(heavy, clock, "-heavy")]

    def windows(self, *, heavy: bool) -> list[FixedWindow]:
        """Return the windows in which a request counts."""
        return self._general + self._heavy if heavy else self._general


def spend(windows: Collection[FixedWindow]) -> int | None:
    """Count one request in all *windows*, or in none: then return the seconds until all have room."""
    if spent := [window for window in windows if window.is_spent]:
        return max(window.seconds_left() for window in spent)
    for window in windows:
        window.count()
    return None
