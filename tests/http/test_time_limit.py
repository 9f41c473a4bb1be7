"""The time limit of an attempt, next to the one of asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jumping_loop import now, run

from contactship_async._http.time_limit import TimeLimit

Reaction = Literal["pass", "swallow", "fail"]
TIMES = st.none() | st.integers(0, 4)
LIMITS = st.sampled_from([1, 2, 3, float("inf")])


@asynccontextmanager
async def asyncios(seconds: float) -> AsyncGenerator[Callable[[], bool], None]:
    """Set a limit by asyncio, and yield what says whether it has run out."""
    async with asyncio.timeout(seconds) as limit:
        yield limit.expired


@asynccontextmanager
async def ours(seconds: float) -> AsyncGenerator[Callable[[], bool], None]:
    """Set one of ours."""
    with TimeLimit(seconds) as limit:
        yield lambda: limit.expired


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def outcome(
    limit: Callable[[float], AbstractAsyncContextManager[Callable[[], bool]]],
    seconds: tuple[float, float],
    done: int | None,
    cancelled: int | None,
    reaction: Reaction,
) -> list[object]:
    """Return all that can be seen of two limits, one within the other, around a future that is set at some time.

    Args:
        limit: Which one.
        seconds: Of the outer and of the inner limit.
        done: When the future is set; None for after all else.
        cancelled: When the task is cancelled from elsewhere; None for never.
        reaction: What the block does about a cancellation.
    """
    seen: list[object] = []

    async def work(future: asyncio.Future[None]) -> None:
        task = asyncio.current_task()
        assert task is not None
        expired: list[Callable[[], bool]] = []
        try:
            async with limit(seconds[0]) as outer, limit(seconds[1]) as inner:
                expired += outer, inner
                try:
                    await future
                except asyncio.CancelledError:
                    if reaction == "pass":
                        raise
                    if reaction == "fail":
                        raise ValueError from None
        except (asyncio.CancelledError, TimeoutError, ValueError) as error:
            seen.append(type(error))
        seen.extend([now(), task.cancelling(), *(each() for each in expired)])
        await asyncio.sleep(10)
        seen.append("goes on")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        task = asyncio.create_task(work(future))
        loop.call_later(5 if done is None else done, _set, future)
        if cancelled is not None:
            loop.call_later(cancelled, task.cancel)
        await asyncio.wait([task])
        seen.append(task.cancelled())

    run(main())
    return seen


@example((3, 3), None, 3, "pass")
@example((2, 1), 1, None, "swallow")
@given(st.tuples(LIMITS, LIMITS), TIMES, TIMES, st.sampled_from(["pass", "swallow", "fail"]))
def test_it_does_what_that_of_asyncio_does(
    seconds: tuple[float, float], done: int | None, cancelled: int | None, reaction: Reaction
) -> None:
    """Whatever comes first or at once: the end, a limit, the one around it, or a cancellation from elsewhere."""
    assert outcome(asyncios, seconds, done, cancelled, reaction) == outcome(ours, seconds, done, cancelled, reaction)


def test_expired() -> None:
    """The block ends with a `TimeoutError` in time, and the task is not cancelled."""
    assert [TimeoutError, 1001.0, 0, False, True, "goes on", False] == outcome(ours, (3, 1), None, None, "pass")


def test_cancelled() -> None:
    """A cancellation from elsewhere passes, also where the limit has run out as well."""
    assert [asyncio.CancelledError, 1001.0, 1, False, False, "goes on", False] == outcome(ours, (3, 2), None, 1, "pass")
    assert [asyncio.CancelledError, 1001.0, 1, False, True, "goes on", False] == outcome(ours, (3, 1), None, 1, "pass")


def test_in_a_task_that_was_cancelled_before() -> None:
    """A call that cleans up after a cancellation has its own limit."""

    async def clean_up() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            with TimeLimit(1):
                await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(clean_up())
        asyncio.get_running_loop().call_later(1, task.cancel)
        await task

    with pytest.raises(TimeoutError):
        run(main())


def test_nothing_is_left_behind() -> None:
    """The timer ends with the block."""

    async def main() -> float:
        with TimeLimit(60):
            await asyncio.sleep(1)
        await asyncio.sleep(100)
        return now()

    assert 1101.0 == run(main())


def test_outside_a_task() -> None:
    """There must be a task to cancel."""

    async def main() -> None:
        outside: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def enter() -> None:
            with pytest.raises(RuntimeError, match="within a task"):
                TimeLimit(1).__enter__()
            outside.set_result(None)

        asyncio.get_running_loop().call_soon(enter)
        await outside

    run(main())
