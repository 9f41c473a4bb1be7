"""Fan-in with a bounded queue: many asynchronous iterators merged into one, a few at a time, with back-pressure.

A few workers share the sources: each runs one to its end, then takes the next. What they yield waits in a queue with
one slot for each worker; when it is full, the workers wait, and with them the walks they run. So a consumer may be as
slow as it likes: what is held are the pages of the walks that have begun, and the queue.

One worker at a time is the active producer, as long as its source has items at hand; the others wait in a queue of
their own. So a page passes in a few pieces, and the next one is requested as soon as it has passed. If workers took
turns item by item, each item would cost a task switch, and all pages would be used up, and all next ones requested, at
the same time.

Unlike the tasks of a walk, workers live while the consumer has an item. They end when the merge is stopped, by its
consumer or by its owner.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import suppress
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Generic, Self, TypeAlias, TypeVar, cast

from contactship_async.errors import ClientClosedError

T = TypeVar("T")

Source: TypeAlias = tuple[str, Callable[[], AsyncIterable[T]]]
"""A name, and the function that begins the iteration."""


class Merge(Generic[T]):
    """An iterator over what its sources yield, as it comes, with their names; its workers run within `async with`.

    It is a class, not a generator: an event loop that ends closes all generators concurrently, which fails where one
    is closed by another.

    Args:
        sources: Consumed as workers become free.
        max_active: How many sources are iterated over at once.
        make_failure_item: Makes an item of the failure of a source; without it, failures are kept.
        make_end_item: Makes an item of the end of a source, which comes after its others: of how many these were.

    Attributes:
        failures: The names of the sources that failed, and their errors.
    """

    def __init__(
        self,
        sources: Iterable[Source[T]],
        max_active: int,
        make_failure_item: Callable[[str, Exception], T] | None = None,
        make_end_item: Callable[[int], T] | None = None,
    ) -> None:
        self.failures: list[tuple[str, Exception]] = []
        self._sources = iter(sources)
        self._max_active = max_active
        self._make_failure_item = make_failure_item
        self._make_end_item = make_end_item
        self._queue: deque[tuple[str, T]] = deque()
        self._producer: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._changed = asyncio.Event()  # An item has come, or a worker has ended.
        self._workers: set[asyncio.Task[None]] = set()
        self._ended: list[asyncio.Task[None]] = []
        self._running = 0
        self._is_stopped = False

    async def __aenter__(self) -> Self:
        for _ in range(self._max_active):
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
            ClientClosedError: The merge was stopped.
        """
        while self._running:
            if self._is_stopped:
                message = "the pool was closed while it was iterated over"
                raise ClientClosedError(message)
            if self._queue:
                return self._queue.popleft()
            if self._ended:
                self._running -= 1
                self._ended.pop().result()
            else:
                self._wake_next_producer()
                await self._changed.wait()
                self._changed.clear()
        raise StopAsyncIteration

    def stop(self) -> asyncio.Future[list[BaseException | None]]:
        """End the workers; what is returned ends when they have ended, also if it is cancelled."""
        self._is_stopped = True
        workers = self._workers - {asyncio.current_task()}
        for worker in workers:
            worker.cancel()
        return asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        for name, begin in self._sources:
            frame = None
            try:
                iterator = aiter(begin())
                frame = getattr(iterator, "ag_frame", None)
                items = await self._drain(name, iterator)
                if self._make_end_item is not None and not self._is_stopped:
                    await self._put(name, self._make_end_item(items))
            except asyncio.CancelledError:
                if cast("asyncio.Task[None]", asyncio.current_task()).cancelling():
                    raise
                await self._fail(name, RuntimeError("it was cancelled from within"))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the failure of this source alone
                _clear_frames(error, frame)
                await self._fail(name, error)
            if self._is_stopped:  # The source ignored its cancellation: no other begins.
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
        if self._make_failure_item is None:
            self.failures.append((name, error))
        else:
            await self._put(name, self._make_failure_item(name, error))

    async def _put(self, name: str, item: T) -> None:
        if self._producer is not asyncio.current_task() or len(self._queue) >= self._max_active:
            await self._take_turn()
        self._queue.append((name, item))
        self._changed.set()

    async def _take_turn(self) -> None:
        """Become the active producer: wait until the queue is empty and no other worker is before this one.

        The worker that is the active producer already goes first.
        """
        worker = asyncio.current_task()
        if self._queue or self._waiting:
            turn = asyncio.get_running_loop().create_future()
            if self._producer is worker:
                self._waiting.appendleft(turn)
            else:
                self._waiting.append(turn)
            try:
                await turn
            finally:
                self._waiting.remove(turn)  # Not sooner: a worker that comes after the wake-up is last.
        self._producer = worker

    def _wake_next_producer(self) -> None:
        """Make the first waiting worker the active producer of the empty queue, or the next one that comes."""
        self._producer = None
        if self._waiting and not self._waiting[0].done():
            self._waiting[0].set_result(None)

    def _note_end(self, worker: asyncio.Task[None]) -> None:
        self._ended.append(worker)
        self._changed.set()


def _clear_frames(error: Exception, source: FrameType | None) -> None:
    """Clear the frames that *error* holds, and with them a page and thousands of ids: those of *source* and of ours.

    No others: one may be that of a task that raised the error, shares it and goes on, and clearing would end the task.
    """
    for frame, _ in walk_tb(error.__traceback__):
        if frame is source or frame.f_globals.get("__name__", "").startswith("contactship_async."):
            with suppress(RuntimeError):  # It still runs.
                frame.clear()
