"""The time of an organization, and what is to happen in it.

Nothing happens by itself, for there is no thread and no task: whoever looks calls `Agenda.catch_up` first, which does
all that is due by then, in the order in which it was due.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import TypeAlias

from contactship_async._arguments import check_seconds

Steps: TypeAlias = Generator[datetime, None, None]
"""Does something each time it goes on, and yields when it is to go on next; once closed, it does nothing any more."""


class Agenda:
    """What is to happen, and when.

    Args:
        clock: Seconds of a monotonic clock.
        lock: Held while anything happens.
    """

    def __init__(self, clock: Callable[[], float], lock: RLock) -> None:
        self._clock = clock
        self._lock = lock
        self._origin: datetime | None = None
        self._ahead = timedelta()
        self._waiting: list[tuple[datetime, int, Steps]] = []
        self._serial_numbers = itertools.count()

    @property
    def now(self) -> datetime:
        """The present, in UTC: first that of this machine, from then on by the clock, and as far ahead as advanced."""
        passed = timedelta(seconds=self._clock())
        if self._origin is None:
            self._origin = datetime.now(UTC) - passed
        return self._origin + passed + self._ahead

    def follow(self, steps: Steps) -> None:
        """Take the next of *steps* now, and the others when they are due."""
        due = next(steps, None)
        if due is not None:
            # Of two that are due at the same time, the one that was told first comes first.
            heapq.heappush(self._waiting, (due, next(self._serial_numbers), steps))

    def catch_up(self) -> float | None:
        """Do what is due, and return the seconds until something else is; None if nothing is to come."""
        with self._lock:
            while self._waiting:
                due, _, steps = self._waiting[0]
                seconds = (due - self.now).total_seconds()
                if seconds > 0:
                    return seconds
                heapq.heappop(self._waiting)
                self.follow(steps)
            return None

    def advance(self, seconds: float) -> None:
        """Let time pass at once, and do what is due by then."""
        check_seconds("seconds", seconds, may_be_zero=True)
        with self._lock:
            try:
                ahead = self._ahead + timedelta(seconds=seconds)
                self.now + timedelta(seconds=seconds)  # The year 9999 is the last.
            except OverflowError:
                message = "seconds must not lead beyond the year 9999"
                raise ValueError(message) from None
            self._ahead = ahead
            self.catch_up()


class Clock:
    """The time of a sandbox, in which its calls proceed: that of this machine at first, then by the sandbox's `clock`.

    Args:
        agenda: What is to happen in it.
    """

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda

    @property
    def now(self) -> datetime:
        """The present of the sandbox, in UTC."""
        return self._agenda.now

    def advance(self, seconds: float) -> None:
        """Let time pass at once: calls proceed, and the webhooks of those that end are posted.

        The windows of rate limits stay as they are: they follow the sandbox's `clock` alone.

        Args:
            seconds: Finite, and >= 0.

        Raises:
            TypeError: *seconds* is not a number.
            ValueError: *seconds* is out of range, or leads beyond the year 9999.
        """
        self._agenda.advance(seconds)

    def __repr__(self) -> str:
        return f"<Clock: {self.now}>"
