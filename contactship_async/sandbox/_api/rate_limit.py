"""The documented rate limit: so many requests of an organization in a fixed window of 60 seconds.

Source: https://docs.contactship.ai/api-reference/rate-limits
"""

from __future__ import annotations

import math
from collections.abc import Callable

WINDOW_SECONDS = 60


class FixedWindow:
    """Counts requests; a window begins with the first request after the last window has ended."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._began = -math.inf
        self._spent = 0

    def spend(self) -> bool:
        """Count one request; False when the window's budget was spent before it."""
        self._begin_if_over()
        if self._spent == self._limit:
            return False
        self._spent += 1
        return True

    def seconds_left(self) -> int:
        """Until the next window, rounded up so that nobody who waits for it comes too early."""
        self._begin_if_over()
        return math.ceil(WINDOW_SECONDS - (self._clock() - self._began))

    def headers(self) -> dict[str, str]:
        """Build the headers that every answer carries."""
        seconds_left = self.seconds_left()
        return {
            "x-ratelimit-limit": str(self._limit),
            "x-ratelimit-remaining": str(self._limit - self._spent),
            "x-ratelimit-reset": str(seconds_left),
        }

    def _begin_if_over(self) -> None:
        now = self._clock()
        if now - self._began >= WINDOW_SECONDS:
            self._began = now
            self._spent = 0
