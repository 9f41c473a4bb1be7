"""The gates that hold requests back before they are sent: budgets, pauses the server asked for, and connections.

Every attempt passes two gates, that of its organization and that of its address: the API counts both. The clients of
a pool share the second. The requests of heavy listings have a third before them, which holds back no others: the API
counts these besides (https://docs.contactship.ai/api-reference/rate-limits). At each gate:

- No window of `RateLimit.per_seconds`, wherever it begins, sees more requests than the budget has: the moments of the
  last requests are kept, and the next may go when the oldest of them has left the window. A window that is reset at
  fixed times, as the API's is, lets twice as many pass around its edge.
- A pause lasts as long as the server said. Those who waited leave after it one by one, a little apart: when the budget
  is used up again, few are under way and refused. (A jitter as large as that of retries is unfair to those who draw a
  long one: each time, others have used up the budget before they come.)
- Who comes first goes first. But a request that was sent before and turned away goes before those that were not, or
  less often, so that no call uses up its attempts while others pass. At the gate of the address, each organization has
  one place.
- No more requests are under way than there are connections, so that nobody waits for one with a time limit running.

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
"""Before any moment on a clock."""

_MOST_RANKS: Final = 4
"""How many attempts the default `RetryPolicy` allows."""

_PART_OF_PAUSE: Final = 1 / 6000
"""After a minute, 5 ms on average: at a round trip of 50 ms, some ten requests are under way when the budget is used up
again, and the 120 of the documented budget take a hundredth of its window to leave."""

_PROCESSION: Final = 0.1
"""Those who waited leave apart for this part of the pause at the most: time for 1,200 of them."""


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
    """One budget, shared by all who pass.

    Args:
        rate_limit: The budget; None sets none.
        most_under_way: How many requests may be sent and not yet answered.
        clock: Seconds of a clock that never goes back.
        sleep: Waits for seconds.
        dice: Draws evenly from [0, 1).
    """

    rate_limit: RateLimit | None = None
    most_under_way: float = math.inf
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    dice: Callable[[], float] = random.random
    _waiting: int = field(default=0, init=False)
    _under_way: int = field(default=0, init=False)
    _opens_at: float = field(default=_LONG_AGO, init=False)
    _most_apart: float = field(default=0.0, init=False)
    _procession_ends_at: float = field(default=_LONG_AGO, init=False)
    _sent: deque[float] = field(factory=deque, init=False)
    _line: _Line | None = field(default=None, init=False)
    _vacancy: asyncio.Future[None] | None = field(default=None, init=False)

    def is_open(self, *, in_turn: bool = False) -> bool:
        """Tell whether a request may pass now: one that has the turn, or else one that takes nobody's place."""
        if self._under_way >= self.most_under_way or (self._waiting and not in_turn):
            return False
        opens_at = self._opens_at if self.rate_limit is None else self.opens_at()
        return opens_at == _LONG_AGO or opens_at <= self.clock()

    def opens_at(self, ahead: int = 0) -> float:
        """Return the earliest moment at which a request may pass that has *ahead* others before it."""
        opens_at = self._opens_at
        if self.rate_limit is not None:
            window = self.rate_limit.per_seconds
            now = self.clock()
            while self._sent and self._sent[0] + window <= now:
                self._sent.popleft()
            windows, place = divmod(ahead, self.rate_limit.requests)
            place -= self.rate_limit.requests - len(self._sent)
            if place >= 0:
                opens_at = max(opens_at, self._sent[place] + window)
            if windows:
                opens_at = max(opens_at, now) + windows * window
        return opens_at

    def seconds_to_wait(self, attempts: int) -> float:
        """Return for how long whoever comes now has to wait at least, if it was sent *attempts* times before."""
        return self.opens_at(0 if attempts else self._waiting) - self.clock()

    def pause(self, seconds: float) -> None:
        """Let nobody pass for *seconds*."""
        ends_at = self.clock() + seconds
        if ends_at < self._opens_at:
            return
        self._most_apart = seconds * _PART_OF_PAUSE
        self._procession_ends_at = ends_at + seconds * _PROCESSION
        self._opens_at = ends_at + self._apart()

    def enter(self) -> None:
        """Count a request that is sent now."""
        self._under_way += 1
        if self.rate_limit is not None:
            self._sent.append(self.clock())
        if self._opens_at != _LONG_AGO:
            # The last of those who waited ends the procession; while new ones come all the time, its own length does.
            goes_on = self._waiting > 1 and self.clock() < self._procession_ends_at
            self._opens_at = self.clock() + self._apart() if goes_on else _LONG_AGO

    def leave(self) -> None:
        """Count a request that has its answer, or gets none."""
        self._under_way -= 1
        if self._vacancy is not None and not self._vacancy.done():
            self._vacancy.set_result(None)

    def _apart(self) -> float:
        return self.dice() * self._most_apart

    @asynccontextmanager
    async def turn(self, attempts: int) -> AsyncGenerator[None, None]:
        """Wait until all have passed who were sent more often, or as often and came before."""
        loop = asyncio.get_running_loop()
        if self._line is None or self._line.loop is not loop:
            self._line = _Line(loop)
        self._waiting += 1
        try:
            async with AsyncExitStack() as stack:
                for lock in self._line.locks[min(attempts, _MOST_RANKS - 1) :]:
                    await stack.enter_async_context(lock)
                yield
        finally:
            self._waiting -= 1

    async def wait(self, deadline: float) -> float | None:
        """Wait until the gate is open, and return None; how many seconds that takes if it is after *deadline*.

        Only who has the turn may wait here.
        """
        while not self.is_open(in_turn=True):
            opens_at = self.opens_at()
            if opens_at > deadline:
                return opens_at - self.clock()
            if self._under_way >= self.most_under_way:
                self._vacancy = asyncio.get_running_loop().create_future()
                await self._vacancy
            else:
                await self.sleep(max(opens_at - self.clock(), 0.0))
        return None


@frozen
class _Line:
    """A lock of one loop for each rank; the last is the turn itself.

    Whoever has the lock of a rank waits for that of the next, behind those who already wait there: one of a lower rank
    stands among them at the most.
    """

    loop: asyncio.AbstractEventLoop
    locks: tuple[asyncio.Lock, ...] = field(factory=lambda: tuple(asyncio.Lock() for _ in range(_MOST_RANKS)))


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
            deadline: A moment on the clock of the gates.
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
        """Count a request that has its answer, or gets none."""
        for gate in self._gates(heavy=heavy):
            gate.leave()

    def pause(self, pauses: Pauses) -> None:
        """Let nobody pass the gates of used up budgets."""
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

        Whoever waits at a gate holds the turns at those before it, and none at those behind: their others pass.

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
