"""An event loop whose time passes at once: it jumps to the next timer whenever nothing else is left to do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

from attrs import evolve

from contactship_async import ContactshipClient

T = TypeVar("T")


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own; no sockets but its own."""

    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return the time that has been jumped to."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "all tasks wait, and for nothing that could come"
        self._loop.jump(timeout)
        return super().select(0)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run *main*, with time that jumps."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)


def now() -> float:
    """Return the time of the running loop."""
    return asyncio.get_running_loop().time()


def in_loop_time(client: ContactshipClient) -> ContactshipClient:
    """Let *client* go by the clock of the running loop, and draw the same numbers in each run of a test."""
    draw = Random(0).random
    limits = client._caller.attempts.limits
    for gate in (limits.organization, limits.address, limits.heavy, limits.polls):
        gate.clock, gate.rng = now, draw
    client._caller.attempts = evolve(client._caller.attempts, clock=now, rng=draw)
    return client
