"""Gates: rate limiters (sliding-window log) with a concurrency limit, which every request passes before it is sent.

Each attempt passes two gates, its organization's and its address's: the API counts both. The clients of a pool share
the second. Requests of heavy listings pass a third one first, which delays no others: the API counts these separately
as well (https://docs.contactship.ai/api-reference/rate-limits). At each gate:

- Sliding window: no period of `RateLimit.per_seconds`, wherever it begins, sees more requests than the budget has. The
  times of the last requests are kept, and the next one may go when the oldest of them has left the window. (A fixed
  window, as the API has, lets twice as many pass around its edge.)
- A pause lasts as long as the server said. After it, waiting requests are released one by one, a little apart, against
  a thundering herd: when the budget is used up again, few requests are in flight and refused. (Jitter as large as that
  of retries would be unfair to requests that draw a long one: each time, others use up the budget before them.)
- Waiting requests are served first in, first out; a retried one goes ahead of those with fewer attempts (priority
  queue), so that no call uses up its attempts while others pass. At the gate of the address, each organization has one
  place in the queue.
- No more requests are in flight than there are connections, so that none waits for one with a time limit running.

A waiting request holds nothing: cancelling it leaves the gates as they are.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import Final

from attrs import define, field, frozen

from contactship_async.settings import RateLimit

_LONG_AGO: Final = -math.inf
"""Earlier than any time on a clock."""

_MAX_PRIORITIES: Final = 4
"""One for each number of earlier attempts that the default `RetryPolicy` allows."""

_MAX_SPACING: Final = 1 / 6000
"""How far apart waiting requests are released after a pause, as a fraction of it.

After a minute, 5 ms on average: at a round trip of 50 ms, some ten requests are in flight when the budget is used up
again, and the 120 of the documented budget are released within a hundredth of its window.
"""

_MAX_RELEASE_TIME: Final = 0.1
"""For how long requests are released apart after a pause, as a fraction of it: time for 1,200 of them."""


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


@define(eq=False)
class Gate:
    """A rate limiter with a concurrency limit, shared by all requests that count against one budget.

    Args:
        rate_limit: The budget; None sets none.
        max_in_flight: How many requests may be in flight, that is, sent and not yet answered.
        clock: Seconds of a monotonic clock.
        sleep: Waits for seconds.
        rng: Returns uniform random numbers in [0, 1).
    """

    rate_limit: RateLimit | None = None
    max_in_flight: float = math.inf
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    rng: Callable[[], float] = random.random
    _waiting: int = field(default=0, init=False)
    _in_flight: int = field(default=0, init=False)
    _opens_at: float = field(default=_LONG_AGO, init=False)
    _max_spacing: float = field(default=0.0, init=False)
    _release_ends_at: float = field(default=_LONG_AGO, init=False)
    _sent_at: deque[float] = field(factory=deque, init=False)
    _queue: _PriorityQueue | None = field(default=None, init=False)
    _slot_freed: asyncio.Future[None] | None = field(default=None, init=False)

    def is_open(self, *, in_turn: bool = False) -> bool:
        """Return whether a request may pass now: one that has the turn, or one that overtakes none that wait."""
        if self._in_flight >= self.max_in_flight or (self._waiting and not in_turn):
            return False
        opens_at = self._opens_at if self.rate_limit is None else self.opens_at()
        return opens_at == _LONG_AGO or opens_at <= self.clock()

    def opens_at(self, ahead: int = 0) -> float:
        """Return the earliest time at which a request may pass that has *ahead* others before it."""
        opens_at = self._opens_at
        if self.rate_limit is not None:
            window = self.rate_limit.per_seconds
            now = self.clock()
            while self._sent_at and self._sent_at[0] + window <= now:
                self._sent_at.popleft()
            windows, place = divmod(ahead, self.rate_limit.requests)
            place -= self.rate_limit.requests - len(self._sent_at)
            if place >= 0:
                opens_at = max(opens_at, self._sent_at[place] + window)
            if windows:
                opens_at = max(opens_at, now) + windows * window
        return opens_at

    def seconds_to_wait(self, attempts: int) -> float:
        """Return for how many seconds a request that comes now, after *attempts* attempts, has to wait at least."""
        return self.opens_at(0 if attempts else self._waiting) - self.clock()

    def pause(self, seconds: float) -> None:
        """Close the gate for *seconds*."""
        ends_at = self.clock() + seconds
        if ends_at < self._opens_at:
            return
        self._max_spacing = seconds * _MAX_SPACING
        self._release_ends_at = ends_at + seconds * _MAX_RELEASE_TIME
        self._opens_at = ends_at + self._draw_spacing()

    def enter(self) -> None:
        """Count a request that is sent now."""
        self._in_flight += 1
        if self.rate_limit is not None:
            self._sent_at.append(self.clock())
        if self._opens_at != _LONG_AGO:
            # Staggered release ends with the last waiting request, or in time while new ones keep coming.
            is_released_apart = self._waiting > 1 and self.clock() < self._release_ends_at
            self._opens_at = self.clock() + self._draw_spacing() if is_released_apart else _LONG_AGO

    def leave(self) -> None:
        """Count a request that has its response, or gets none."""
        self._in_flight -= 1
        if self._slot_freed is not None and not self._slot_freed.done():
            self._slot_freed.set_result(None)

    def _draw_spacing(self) -> float:
        return self.rng() * self._max_spacing

    @asynccontextmanager
    async def turn(self, attempts: int) -> AsyncGenerator[None, None]:
        """Wait until all requests have passed that had more attempts, or as many and came before."""
        loop = asyncio.get_running_loop()
        if self._queue is None or self._queue.loop is not loop:
            self._queue = _PriorityQueue(loop)
        self._waiting += 1
        try:
            async with AsyncExitStack() as stack:
                for lock in self._queue.locks[min(attempts, _MAX_PRIORITIES - 1) :]:
                    await stack.enter_async_context(lock)
                yield
        finally:
            self._waiting -= 1

    async def wait(self, deadline: float) -> float | None:
        """Wait until the gate is open, and return None; how many seconds that takes if it is after *deadline*.

        Only the request that has the turn may wait here.
        """
        while not self.is_open(in_turn=True):
            opens_at = self.opens_at()
            if opens_at > deadline:
                return opens_at - self.clock()
            if self._in_flight >= self.max_in_flight:
                self._slot_freed = asyncio.get_running_loop().create_future()
                await self._slot_freed
            else:
                await self.sleep(max(opens_at - self.clock(), 0.0))
        return None


@frozen
class _PriorityQueue:
    """A lock of one loop for each priority, which serves first in, first out; the last one is the turn itself.

    A request that has the lock of its priority waits for that of the next higher one, behind those that already wait
    there: at most one of a lower priority is among them.
    """

    loop: asyncio.AbstractEventLoop
    locks: tuple[asyncio.Lock, ...] = field(factory=lambda: tuple(asyncio.Lock() for _ in range(_MAX_PRIORITIES)))


class _Turn(Enum):
    """What became of the turn at a gate."""

    TAKEN = "all gates were open at once"
    LOST = "a gate before has closed meanwhile"


@frozen
class Limits:
    """The gates of a client. Each request passes two of them, and a heavy listing's three.

    Args:
        organization: The budget of the organization, and the pauses it was asked for.
        address: The budget of this machine's address and the connections, which all clients of a pool share.
        heavy: The budget that the organization's heavy listings have besides, and its pauses.
    """

    organization: Gate = field(factory=Gate)
    address: Gate = field(factory=Gate)
    heavy: Gate = field(factory=Gate)
    _usual: tuple[Gate, ...] = field(init=False)
    _all: tuple[Gate, ...] = field(init=False)

    @_usual.default
    def _without_heavy(self) -> tuple[Gate, ...]:
        return self.organization, self.address

    @_all.default
    def _with_heavy(self) -> tuple[Gate, ...]:
        return self.heavy, *self._usual

    def enter_at_once(self, *, heavy: bool = False) -> bool:
        """Count a request, if it may be sent without waiting; most may, and save the coroutine of `enter`.

        Args:
            heavy: Whether the request is one of a heavy listing.
        """
        gates = self._gates(heavy=heavy)
        for gate in gates:
            if not gate.is_open():
                return False
        for gate in gates:
            gate.enter()
        return True

    async def enter(self, deadline: float, attempts: int, *, heavy: bool = False) -> str | None:
        """Wait until a request may be sent and count it, or return the reason why it can't be by *deadline*.

        Args:
            deadline: A time on the clock of the gates.
            attempts: How often the request was sent before.
            heavy: Whether the request is one of a heavy listing.
        """
        if self.enter_at_once(heavy=heavy):
            return None
        gates = self._gates(heavy=heavy)
        known_wait = max(gate.seconds_to_wait(attempts) for gate in gates)
        time_left = deadline - self.organization.clock()
        if known_wait <= time_left:
            try:
                async with asyncio.timeout(None if time_left == math.inf else time_left):
                    outcome = await self._take_turns(gates, 0, deadline, attempts)
            except TimeoutError:
                return "its turn among other calls did not come"
            if isinstance(outcome, _Turn):
                return None
            known_wait = outcome
        return f"rate limits hold it back for another {known_wait:.1f} s, and so it can't end"

    def leave(self, *, heavy: bool = False) -> None:
        """Count a request that has its response, or gets none."""
        for gate in self._gates(heavy=heavy):
            gate.leave()

    def pause(self, pauses: Pauses) -> None:
        """Close the gates of the budgets that are used up."""
        for gate, seconds in (
            (self.organization, pauses.organization),
            (self.address, pauses.address),
            (self.heavy, pauses.heavy),
        ):
            if seconds:
                gate.pause(seconds)

    def _gates(self, *, heavy: bool) -> tuple[Gate, ...]:
        return self._all if heavy else self._usual

    async def _take_turns(self, gates: tuple[Gate, ...], place: int, deadline: float, attempts: int) -> float | _Turn:
        """Wait at the gate at *place* and at those behind it, and count the request when all are open at once.

        A request that waits at a gate holds the turns at those before it, and none at those behind: others pass there.

        Returns:
            How many seconds one of the gates stays closed if that is beyond *deadline*, or what became of the turn.
        """
        is_last = place == len(gates) - 1
        async with gates[place].turn(0 if is_last else attempts):
            while True:
                wait = await gates[place].wait(deadline)
                if wait is not None:
                    return wait
                if not all(earlier.is_open(in_turn=True) for earlier in gates[:place]):
                    return _Turn.LOST
                if is_last:
                    for gate in gates:
                        gate.enter()
                    return _Turn.TAKEN
                outcome = await self._take_turns(gates, place + 1, deadline, attempts)
                if outcome is not _Turn.LOST:
                    return outcome
