"""A gate: a rate limiter (sliding-window log) with pauses and a concurrency limit, which requests pass one by one.

- Sliding window: no period of `RateLimit.per_seconds`, wherever it begins, sees more requests than the budget has. The
  times of the last requests are kept, and the next one may go when the oldest of them has left the window. (A fixed
  window, as the API has, lets twice as many pass around its edge.)
- A pause lasts as long as the server said (`backoff.py` has the rule). After it, waiting requests are released one by
  one, a little apart, against a thundering herd: when the budget is used up again, few requests are in flight and
  refused. (Jitter as large as that of retries would be unfair to requests that draw a long one: each time, others use
  up the budget before them.)
- Waiting requests are served first in, first out; a retried one goes ahead of those with fewer attempts (priority
  queue), so that no call uses up its time while others pass.
- No more requests are in flight than there are connections, so that none waits for one with a time limit running.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeAlias

from attrs import define, field, frozen

from contactship_async._http.backoff import Backoff
from contactship_async.settings import RateLimit, WaitReason

_LONG_AGO: Final = -math.inf
"""Earlier than any time on a clock."""

_PRIORITIES: Final = 4
"""One for each number of earlier attempts that the default `RetryPolicy` allows."""

_RELEASE_SPACING: Final = 1 / 6000
"""How far apart waiting requests are released after a pause, as a fraction of it.

After a minute, 5 ms on average: at a round trip of 50 ms, some ten requests are in flight when the budget is used up
again, and the 120 of the documented budget are released within a hundredth of its window.
"""

_MAX_RELEASE_TIME: Final = 0.1
"""For how long requests are released apart after a pause, as a fraction of it: time for 1,200 of them."""

TellWait: TypeAlias = Callable[[WaitReason, float | None], None]
"""Is told why a wait begins, and how many seconds it takes; None where nobody knows."""


@frozen
class Entrant:
    """A request that can't pass the gates at once.

    Args:
        deadline: The time on their clock by which it must.
        attempts: How often it was sent before.
        tell: Is told of each wait when it begins.
        came_first: Whether none waited when it came: of a queue for connections, only the first one tells.
    """

    deadline: float
    attempts: int
    tell: TellWait
    came_first: bool


@frozen
class Hold:
    """What holds a request back.

    Args:
        seconds: For how long at least.
        by_server: Whether it is a pause that the server asked for; otherwise, it is the queue of its own client.
    """

    seconds: float
    by_server: bool


@define(eq=False)
class Gate:
    """A rate limiter with a concurrency limit, shared by all requests that count against one budget.

    Args:
        rate_limit: The budget; None sets none.
        max_in_flight: How many requests may be in flight: sent, and still without their response.
        clock: Seconds of a monotonic clock.
        sleep: Waits for seconds.
        rng: Returns uniform random numbers in [0, 1).
    """

    rate_limit: RateLimit | None = None
    max_in_flight: float = math.inf
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    rng: Callable[[], float] = random.random
    _opens_at: float = field(default=_LONG_AGO, init=False)
    _max_spacing: float = field(default=0.0, init=False)
    _release_ends_at: float = field(default=_LONG_AGO, init=False)
    _sent_at: deque[float] = field(factory=deque, init=False)
    _requests: _Requests | None = field(default=None, init=False)
    _backoff: Backoff = field(factory=Backoff, init=False)
    is_backing_off: bool = field(default=False, init=False)

    @property
    def has_queue(self) -> bool:
        """Whether requests wait here."""
        return self._get_requests().waiting > 0

    def is_open(self, *, in_turn: bool = False) -> bool:
        """Return whether a request may pass now: one that has the turn, or one that overtakes none that wait."""
        requests = self._get_requests()
        if requests.in_flight >= self.max_in_flight or (requests.waiting and not in_turn):
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

    def hold(self, attempts: int) -> Hold:
        """Return what holds a request back that comes now, after *attempts* attempts."""
        opens_at = self.opens_at(0 if attempts else self._get_requests().waiting)
        return Hold(opens_at - self.clock(), by_server=opens_at == self._opens_at)

    def pause(self, seconds: float) -> None:
        """Close the gate for *seconds*."""
        ends_at = self.clock() + seconds
        if ends_at < self._opens_at:
            return
        self._max_spacing = seconds * _RELEASE_SPACING
        self._release_ends_at = ends_at + seconds * _MAX_RELEASE_TIME
        self._opens_at = ends_at + self._draw_spacing()

    def refuse(self, asked: float | None, *, sent_at: float) -> float:
        """Close the gate after a 429, and return since when there have been only such.

        Args:
            asked: For how many seconds the server asks to wait; None if it does not say.
            sent_at: When the refused request was sent.
        """
        now = self.clock()
        self.is_backing_off = True
        self.pause(self._backoff.refuse(asked, sent_at=sent_at, now=now, rng=self.rng))
        return now if self._backoff.refused_since is None else self._backoff.refused_since

    def succeed(self) -> None:
        """Note that the server let a request through."""
        self.is_backing_off = self._backoff.succeed()

    def enter(self) -> None:
        """Count a request that is sent now."""
        requests = self._get_requests()
        requests.in_flight += 1
        if self.rate_limit is not None:
            self._sent_at.append(self.clock())
        if self._opens_at != _LONG_AGO:
            # Staggered release ends with the last waiting request, or in time while new ones keep coming.
            is_released_apart = requests.waiting > 1 and self.clock() < self._release_ends_at
            spacing = max(self._backoff.spacing, self._draw_spacing() if is_released_apart else 0.0)
            self._opens_at = self.clock() + spacing if spacing else _LONG_AGO

    def leave(self) -> None:
        """Count a request that has its response, or gets none."""
        requests = self._requests
        if requests is None or requests.loop is not asyncio.get_running_loop():
            return  # It was left in flight in a loop that stood still meanwhile, and is counted no more.
        requests.in_flight -= 1
        if requests.slot_freed is not None and not requests.slot_freed.done():
            requests.slot_freed.set_result(None)

    def _get_requests(self) -> _Requests:
        """Return the requests of the running loop; those of another one no longer take up places."""
        loop = asyncio.get_running_loop()
        if self._requests is None or self._requests.loop is not loop:
            self._requests = _Requests(loop)
        return self._requests

    def _draw_spacing(self) -> float:
        return self.rng() * self._max_spacing

    @asynccontextmanager
    async def turn(self, attempts: int) -> AsyncGenerator[None, None]:
        """Wait until all requests have passed that had more attempts, or as many and came before."""
        requests = self._get_requests()
        requests.waiting += 1
        try:
            async with AsyncExitStack() as stack:
                for lock in requests.locks[min(attempts, _PRIORITIES - 1) :]:
                    await stack.enter_async_context(lock)
                yield
        finally:
            requests.waiting -= 1

    async def wait(self, entrant: Entrant) -> Hold | None:
        """Wait until the gate is open, and return None; what holds the request back if that is beyond its deadline.

        Only the request that has the turn may wait here.
        """
        is_told = not entrant.came_first
        requests = self._get_requests()
        while not self.is_open(in_turn=True):
            opens_at = self.opens_at()
            by_server = opens_at == self._opens_at
            seconds = opens_at - self.clock()
            if opens_at > entrant.deadline:
                return Hold(seconds, by_server)
            if requests.in_flight >= self.max_in_flight:
                if not is_told:
                    entrant.tell("connection", None)
                    is_told = True
                requests.slot_freed = requests.loop.create_future()
                await requests.slot_freed
            else:
                entrant.tell("rate_limit" if by_server else "budget", max(seconds, 0.0))
                await self.sleep(max(seconds, 0.0))
        return None


@define(eq=False)
class _Requests:
    """The requests of one event loop that wait at a gate, or have passed it.

    A request that waits has the lock of its priority, and waits for that of the next higher one, behind those that
    already wait there: at most one of a lower priority is among them. Each lock serves first in, first out; the last
    one is the turn itself.
    """

    loop: asyncio.AbstractEventLoop
    waiting: int = 0
    in_flight: int = 0
    slot_freed: asyncio.Future[None] | None = None
    locks: tuple[asyncio.Lock, ...] = field(factory=lambda: tuple(asyncio.Lock() for _ in range(_PRIORITIES)))
