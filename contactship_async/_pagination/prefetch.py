"""Prefetching for a busy consumer: a sliding window of requests, owned by an `async with` (PEP 789).

There is no task that walks. The consumer moves the walk on when it takes a page, and just before it gets the page the
requests that the walk now wants are begun. So the window of the walk is all there is: what is in flight, or has come
and waits for its turn, are the requests that the walk wants, and those are as many as it may have at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from contactship_async._http.session import WalkSession
from contactship_async._pagination.driver import NO_SESSION, Fetch, Progress, cancel, check_rest
from contactship_async._pagination.walk import PageRequest, PageResponse, Walk
from contactship_async.models.common import Page

T = TypeVar("T")


class Prefetch(Generic[T]):
    """The rows of a listing, fetched ahead while you are busy with those before; made by `prefetch` of a listing.

        async with client.calls.list().prefetch(concurrency=16) as ahead:
            async for call in ahead:  # or: async for page in ahead.pages()
                await store(call)

    The first request is sent at `async with`. However the block is left, what is still in flight is cancelled, and has
    ended then; what the block raises leaves it as it is. The rows are iterated over once, by one task at a time, within
    the block. A step that is cancelled, by a time limit for instance, loses nothing: the next one goes on.
    """

    def __init__(self, walk: Walk[T], fetch: Fetch[T], session: WalkSession = NO_SESSION) -> None:
        self._window = _Window(walk, fetch, session)
        self._is_iterated = False

    async def __aenter__(self) -> Self:
        self._window.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._window.close()

    def __aiter__(self) -> AsyncIterator[T]:
        return _Rows(self._begin())

    def pages(self) -> AsyncIterator[Page[T]]:
        """Iterate over the rows a page at a time, instead of one by one.

        Yields:
            Pages with at least one row; none holds a row that an earlier page held.

        Raises:
            RuntimeError: The rows are iterated over already, or not within `async with`.
            ContactshipError: A call failed; raised when the pages before it have been taken.
        """
        return _Pages(self._begin())

    def _begin(self) -> _Window[T]:
        self._window.check_open()
        if self._is_iterated:
            message = "a prefetch is iterated over once: ask the listing for another one"
            raise RuntimeError(message)
        self._is_iterated = True
        return self._window


class _Window(Generic[T]):
    """The requests that a walk wants, and its pages as they are taken.

    Args:
        walk: What to ask for.
        fetch: Fetches a page.
        session: What the requests are sent over.

    Attributes:
        page: The last one, where the rows are taken one by one.
        rows: Those of it that are still to be yielded.
    """

    def __init__(self, walk: Walk[T], fetch: Fetch[T], session: WalkSession) -> None:
        self.session = session
        self.page: Page[T] | None = None
        self.rows: Iterator[T] = iter(())
        self._walk = walk
        self._fetch = fetch
        self._progress: Progress[T] | None = None
        self._tasks: dict[PageRequest, asyncio.Task[PageResponse[T]]] = {}
        self._unwanted: list[asyncio.Task[PageResponse[T]]] = []  # They may not have ended yet.
        self._is_closed = False
        self._is_awaited = False

    def open(self) -> None:
        """Begin the first request.

        Raises:
            RuntimeError: The window was opened before.
        """
        if self._progress is not None:
            message = "a prefetch is entered once: ask the listing for another one"
            raise RuntimeError(message)
        self._progress = Progress(self._walk, self.session)
        self._begin()

    def check_open(self) -> Progress[T]:
        """Return how far the walk has come.

        Raises:
            RuntimeError: The window is not open.
        """
        if self._progress is None or self._is_closed:
            message = "the rows of a prefetch are there within `async with listing.prefetch(...) as ahead:`"
            raise RuntimeError(message)
        return self._progress

    async def take(self) -> Page[T]:
        """Wait for the next page, and begin what is wanted instead of its request.

        Raises:
            StopAsyncIteration: There is none.
            ClientClosedError: The client was closed.
            RuntimeError: The window is not open, or another task waits for this page.
            Exception: What failed, after the pages before it.
        """
        progress = self.check_open()
        if self._is_awaited:
            message = "two tasks wait for the next row of one prefetch at the same time"
            raise RuntimeError(message)
        progress.check_session()
        self._is_awaited = True
        try:
            while not progress.pages and progress.wanted:
                await self._move_on(progress)
            if self._begin():
                # Nothing else is under way, so these are sent now, also if the consumer blocks the loop. Others get
                # their turn at the next step: to give it here would add their cost to that of a busy consumer.
                await asyncio.sleep(0)
                self.check_open()
        finally:
            self._is_awaited = False
        if progress.pages:
            return progress.pages.popleft()
        progress.raise_failure()
        raise StopAsyncIteration

    def check_rest(self) -> None:
        """Raise if the client was closed, and rows of the last page are left.

        Raises:
            ClientClosedError: It was.
        """
        if self.page is not None and self.session.is_closed:
            check_rest(self.page, self.rows, self.check_open().position.yielded, self.session)

    async def close(self) -> None:
        """Cancel what runs, and wait until it has ended, also if this is cancelled."""
        self._is_closed = True
        self.page, self.rows = None, iter(())
        self._unwanted += self._tasks.values()
        self._tasks.clear()
        await self._drop_unwanted()

    async def _move_on(self, progress: Progress[T]) -> None:
        """Put the next response through the walk; where this is cancelled, all stays as it is."""
        self._begin()
        await asyncio.wait([self._tasks[progress.wanted[0]]])
        self.check_open()
        try:
            response = self._tasks.pop(progress.wanted[0]).result()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised after the pages before it
            progress.fail(error)
        else:
            progress.move_on(response)
        wanted = frozenset(progress.wanted)
        self._unwanted += [self._tasks.pop(request) for request in [*self._tasks] if request not in wanted]
        await self._drop_unwanted()

    def _begin(self) -> bool:
        """Begin what is wanted, but nothing behind a request that has failed.

        Returns:
            Whether requests were begun, and none was under way before.
        """
        wanted = self.check_open().wanted
        before = len(self._tasks)
        if before == len(wanted):
            return False
        for request in wanted:
            if request not in self._tasks:
                self._tasks[request] = asyncio.create_task(self._fetch(request))
                self._tasks[request].add_done_callback(_has_failed)
            if _has_failed(self._tasks[request]):
                break
        return before == 0 and len(self._tasks) > 0

    async def _drop_unwanted(self) -> None:
        if self._unwanted:
            await cancel(self._unwanted)
            self._unwanted.clear()


def _has_failed(task: asyncio.Task[Any]) -> bool:
    """Return whether *task* has ended without a response; its error, if it has one, counts as retrieved then."""
    return task.done() and (task.cancelled() or task.exception() is not None)


class _Pages(Generic[T]):
    """The iterator over the pages of a window."""

    def __init__(self, window: _Window[T]) -> None:
        self._window = window

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        return await self._window.take()


class _Rows(Generic[T]):
    """The iterator over the rows of a window: no generator, which would end with a step that is cancelled."""

    def __init__(self, window: _Window[T]) -> None:
        self._window = window

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        window = self._window
        window.check_rest()
        for row in window.rows:
            return row
        window.page = await window.take()
        window.rows = iter(window.page.data)
        return next(window.rows)  # No page is empty.
