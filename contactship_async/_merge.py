"""Many asynchronous iterators in one, a few at a time, with back-pressure.

A few workers share the sources: each runs one to its end, then takes the next. What they yield waits in a queue with
a place for each worker; when it is full, the workers stand still, and with them the walks they run. So a consumer may
be as slow as it likes: what is held are the pages of the walks that have begun, and the queue.

Unlike the tasks of a walk, workers live while the consumer has an item. They end when the merge is stopped: by whoever
iterates over it, or by its owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

T = TypeVar("T")

Source: TypeAlias = tuple[str, Callable[[], AsyncIterable[T]]]
"""A name, and the function that begins the iteration."""


class Merge(Generic[T]):
    """An iterator over what its sources yield as it comes, with their names; within `async with` its workers run.

    It is a class, not a generator: an event loop that ends closes all generators side by side, which fails where one
    is closed by another.

    Args:
        sources: Consumed as workers become free.
        most_active: How many sources are iterated over at once.

    Attributes:
        failures: The names of the sources that failed, and their errors.
    """

    def __init__(self, sources: Iterable[Source[T]], most_active: int) -> None:
        self.failures: list[tuple[str, Exception]] = []
        self._sources = iter(sources)
        self._most_active = most_active
        self._arrived: asyncio.Queue[tuple[str, T] | asyncio.Task[None]] = asyncio.Queue()
        self._room = asyncio.Semaphore(most_active)
        self._workers: set[asyncio.Task[None]] = set()
        self._running = 0
        self._is_stopped = False

    async def __aenter__(self) -> Self:
        for _ in range(self._most_active):
            worker = asyncio.create_task(self._work())
            worker.add_done_callback(self._arrived.put_nowait)
            self._workers.add(worker)
        self._running = len(self._workers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[str, T]:
        """Wait for the next item.

        Raises:
            StopAsyncIteration: All sources have ended.
            RuntimeError: The merge was stopped.
        """
        while self._running:
            arrived = await self._arrived.get()
            if self._is_stopped:
                message = "the pool was closed while it was iterated over"
                raise RuntimeError(message)
            if not isinstance(arrived, asyncio.Task):
                self._room.release()
                return arrived
            self._running -= 1
            arrived.result()
        raise StopAsyncIteration

    @property
    def is_over(self) -> bool:
        """Whether all workers have ended."""
        return all(worker.done() for worker in self._workers)

    async def stop(self) -> None:
        """End the workers, and wait until they have ended."""
        self._is_stopped = True
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        for name, begin in self._sources:
            try:
                await self._drain(name, begin())
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the failure of this source alone
                self.failures.append((name, error))

    async def _drain(self, name: str, items: AsyncIterable[T]) -> None:
        try:
            async for item in items:
                await self._room.acquire()
                self._arrived.put_nowait((name, item))
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()
