"""The command; see the package for how to use it."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from random import Random, SystemRandom
from typing import Any, Final, TypeAlias

from attrs import define, field

from soak.command_line import use_command_line
from soak.counts import Open, Samples, settle
from soak.jobs import time_out, use_client, use_new_sandbox, use_pool
from soak.servers import Servers, open_servers

WARM_UP_ROUNDS: Final = 2
MIN_ROUNDS: Final = 3
"""Judged at the least: one for each third."""

Job: TypeAlias = Callable[[Servers, Random, int], Coroutine[Any, Any, None]]
JOBS: Final[Sequence[Job]] = (use_pool, use_client, use_new_sandbox, time_out, use_command_line)


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's output


@define
class Soak:
    """One run.

    Args:
        seconds: When these are over, no round begins, once there are enough of them to judge.
        seed: Draws the faults and the settings.
        jobs: Done concurrently in each round; each is given its number.
        on_request: Called by the servers for each request.
        report: Is called with a line about each round.
    """

    seconds: float
    seed: int
    jobs: Sequence[Job] = JOBS
    on_request: Callable[[], object] | None = None
    report: Callable[[str], object] = _print
    samples: Samples = field(factory=Samples, init=False)
    problems: list[str] = field(factory=list, init=False)
    requests: int = field(default=0, init=False)

    async def run(self) -> list[str]:
        """Run all rounds, and return what is wrong: what grew, what was left open, what was reported."""
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.problems.append(context["message"]))
        async with open_servers(self.on_request) as servers:
            ends_at = time.monotonic() + self.seconds
            at_first: Open | None = None
            turn = 0
            while turn < WARM_UP_ROUNDS + MIN_ROUNDS or time.monotonic() < ends_at:
                await self._round(servers, turn)
                now = await settle(at_first)
                if self.problems:
                    return self.problems
                if turn >= WARM_UP_ROUNDS - 1 and at_first is None:
                    at_first = now
                elif at_first is not None and now != at_first:
                    return [f"{now} after round {turn}, but at first {at_first}"]
                if turn >= WARM_UP_ROUNDS:
                    memory = self.samples.take()
                    self.report(f"round {turn:4}, {self.requests:7} requests, {_shown(memory)}; {now}")
                turn += 1
        return self.samples.what_grew()

    async def _round(self, servers: Servers, turn: int) -> None:
        random = Random(f"{self.seed} {turn}")
        servers.prepare(random)
        async with asyncio.TaskGroup() as jobs:
            for job in self.jobs:
                jobs.create_task(job(servers, random, turn))
        self.requests += servers.forget_requests()


def _shown(memory: dict[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in memory.items())


@contextmanager
def _measured(problems: list[str]) -> Iterator[None]:
    """Trace memory, let processes react to Ctrl-C, and collect what Python reports as unraisable."""
    hook, handler = sys.unraisablehook, signal.signal(signal.SIGINT, signal.default_int_handler)
    was_tracing = tracemalloc.is_tracing()

    def note(unraisable: Any) -> None:
        problems.append(f"{unraisable.err_msg or 'unraisable'}: {unraisable.exc_value!r}")

    sys.unraisablehook = note
    if not was_tracing:
        tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            yield
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, handler)
        if not was_tracing:
            tracemalloc.stop()


def run(soak: Soak) -> list[str]:
    """Run *soak* in an event loop of its own, and return what is wrong."""
    with _measured(soak.problems):
        try:
            return asyncio.run(soak.run())
        except ExceptionGroup as group:
            texts = Counter(f"{type(error).__name__}: {error}" for error in _leaves(group))
            return [f"{text} ({times} times)" for text, times in texts.items()]


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def main(soak: Soak) -> int:
    """Run *soak*, print the verdict, and return the exit code."""
    wrong = run(soak)
    for text in wrong:
        _print(text)
    growth = ", ".join(f"{name} {growth:+.0f}" for name, growth in soak.samples.growth().items()) if not wrong else ""
    _print(
        f"{soak.requests} requests, {'FAILED' if wrong else f'all counts are flat: {growth}'}, with seed {soak.seed}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    drawn = int(sys.argv[2]) if len(sys.argv) > 2 else SystemRandom().getrandbits(32)
    sys.exit(main(Soak(60 * float(sys.argv[1]), drawn)))
