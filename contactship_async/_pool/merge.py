"""Many asynchronous iterators in one, a few at a time, with back-pressure.

A few workers share the sources: each runs one to its end, then takes the next. What they yield waits in a queue with
a place for each worker; when it is full, the workers stand still, and with them the walks they run. So a consumer may
be as slow as it likes: what is held are the pages of the walks that have begun, and the queue.

One worker at a time fills the queue, as long as its source has items at hand; the others stand in line. So a page
passes in a few pieces, and the next one is asked for as soon as it has passed. If all took turns item by item, each
item would cost a change of tasks, and all pages would end, and all next ones be asked for, at the same moment.

Unlike the tasks of a walk, workers live while the consumer has an item. They end when the merge is stopped: by whoever
iterates over it, or by its owner.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import suppress
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Generic, Self, TypeAlias, TypeVar, cast

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
        tell: Makes an item of the failure of a source; without it, failures are kept.
        tell_end: Makes an item of the end of a source, which comes after its others: of how many these were.

    Attributes:
        failures: The names of the sources that failed, and their errors.
    """

    def __init__(
        self,
        sources: Iterable[Source[T]],
        most_active: int,
        tell: Callable[[str, Exception], T] | None = None,
        tell_end: Callable[[int], T] | None = None,
    ) -> None:
        self.failures: list[tuple[str, Exception]] = []
        self._sources = iter(sources)
        self._most_active = most_active
        self._tell = tell
        self._tell_end = tell_end
        self._queue: deque[tuple[str, T]] = deque()
        self._filler: asyncio.Task[None] | None = None
        self._line: deque[asyncio.Future[None]] = deque()
        self._news = asyncio.Event()  # An item has come, or a worker has ended.
        self._workers: set[asyncio.Task[None]] = set()
        self._ended: list[asyncio.Task[None]] = []
        self._running = 0
        self._is_stopped = False

    async def __aenter__(self) -> Self:
        for _ in range(self._most_active):
            worker = asyncio.create_task(self._work())
            worker.add_done_callback(self._note_end)
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
            if self._is_stopped:
                message = "the pool was closed while it was iterated over"
                raise RuntimeError(message)
            if self._queue:
                return self._queue.popleft()
            if self._ended:
                self._running -= 1
                self._ended.pop().result()
            else:
                self._call_next()
                await self._news.wait()
                self._news.clear()
        raise StopAsyncIteration

    async def stop(self) -> None:
        """End the workers, and wait until they have ended, also if that is cancelled."""
        self._is_stopped = True
        workers = self._workers - {asyncio.current_task()}
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        for name, begin in self._sources:
            frame = None
            try:
                iterator = aiter(begin())
                frame = getattr(iterator, "ag_frame", None)
                items = await self._drain(name, iterator)
                if self._tell_end is not None and not self._is_stopped:
                    await self._put(name, self._tell_end(items))
            except asyncio.CancelledError:
                if cast("asyncio.Task[None]", asyncio.current_task()).cancelling():
                    raise
                await self._fail(name, RuntimeError("it was cancelled from within"))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the failure of this source alone
                _let_go(error, frame)
                await self._fail(name, error)
            if self._is_stopped:  # The source swallowed its cancellation: no other begins.
                return

    async def _drain(self, name: str, iterator: AsyncIterator[T]) -> int:
        """Put all items of a source into the queue, and return how many they were."""
        items = 0
        try:
            async for item in iterator:
                if self._is_stopped:
                    break
                await self._put(name, item)
                items += 1
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()
        return items

    async def _fail(self, name: str, error: Exception) -> None:
        if self._tell is None:
            self.failures.append((name, error))
        else:
            await self._put(name, self._tell(name, error))

    async def _put(self, name: str, item: T) -> None:
        if self._filler is not asyncio.current_task() or len(self._queue) >= self._most_active:
            await self._take_turn()
        self._queue.append((name, item))
        self._news.set()

    async def _take_turn(self) -> None:
        """Wait until the queue is empty, unless nobody is before; the worker that fills it already goes first."""
        worker = asyncio.current_task()
        if self._queue or self._line:
            called = asyncio.get_running_loop().create_future()
            if self._filler is worker:
                self._line.appendleft(called)
            else:
                self._line.append(called)
            try:
                await called
            finally:
                self._line.remove(called)  # Not sooner: whoever comes after the call goes to the end of the line.
        self._filler = worker

    def _call_next(self) -> None:
        """Let the first in line fill the empty queue; if nobody is there, whoever comes next."""
        self._filler = None
        if self._line and not self._line[0].done():
            self._line[0].set_result(None)

    def _note_end(self, worker: asyncio.Task[None]) -> None:
        self._ended.append(worker)
        self._news.set()


def _let_go(error: Exception, source: FrameType | None) -> None:
    """Clear the frames that *error* holds, and with them a page and thousands of ids: those of *source* and of ours.

    No others: one may be that of a task that raised the error, shares it and goes on, and clearing would end the task.
    """
    for frame, _ in walk_tb(error.__traceback__):
        if frame is source or frame.f_globals.get("__name__", "").startswith("contactship_async."):
            with suppress(RuntimeError):  # It still runs.
                frame.clear()
