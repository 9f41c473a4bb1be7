"""The driver of walks: fetches what a walk wants, and hands out the pages that the walk makes of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterator
from contextlib import aclosing
from operator import length_hint
from typing import Any, Final, Generic, TypeAlias, TypeVar

from contactship_async._http.session import WalkSession
from contactship_async._pagination.walk import PageRequest, PageResponse, Requests, Walk
from contactship_async.errors import ContactshipError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")

NO_SESSION: Final = WalkSession()
"""Of a walk whose requests are not sent over a session, and so never closed."""

Fetch: TypeAlias = Callable[[PageRequest], Coroutine[Any, Any, PageResponse[T]]]


class Progress(Generic[T]):
    """How far a walk has come: every driver moves it on, and takes its pages from it.

    Args:
        walk: What to make progress in.
        session: What its requests are sent over.

    Attributes:
        wanted: The requests to have in flight; none at the end.
        pages: What the walk made of the responses so far, and no one has taken.
        failure: What failed after them.
    """

    def __init__(self, walk: Walk[T], session: WalkSession) -> None:
        self.wanted: Requests = ()
        self.pages: deque[Page[T]] = deque()
        self.failure: Exception | None = None
        self._walk = walk
        self._session = session
        self._steps = walk.steps()
        self.move_on(None)

    def move_on(self, response: PageResponse[T] | None) -> None:
        """Send the response to the first request into the walk."""
        try:
            step = self._steps.send(response)
            while isinstance(step, Page):
                self.pages.append(step)
                step = next(self._steps)
        except StopIteration:
            self.wanted = ()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised after the pages before it
            self.fail(error)
        else:
            self.wanted = step

    def fail(self, error: Exception) -> None:
        """End the walk with *error*."""
        self.wanted, self.failure = (), error

    @property
    def position(self) -> WalkPosition:
        """How far the pages that were taken go."""
        position = self._walk.position
        if not self.pages:
            return position
        return WalkPosition(self.pages[0].offset, position.yielded - sum(len(page) for page in self.pages))

    def check_session(self) -> None:
        """Raise if the client was closed, and the walk is not at its end: what it still holds is not handed out.

        Raises:
            ClientClosedError: It was.
        """
        if self._session.is_closed and (self.pages or self.wanted):
            position = self.position
            self.pages.clear()
            self.wanted = ()
            raise self._session.closed_error(position)

    def raise_failure(self) -> None:
        """Raise what failed, if anything did, with the position to go on from.

        Raises:
            Exception: It is raised once.
        """
        failure, self.failure = self.failure, None
        if isinstance(failure, ContactshipError):
            failure.position = self._walk.position
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # Its traceback leads back here: a reference cycle.


async def walk_pages(
    walk: Walk[T], fetch: Fetch[T], session: WalkSession = NO_SESSION
) -> AsyncGenerator[Page[T], None]:
    """Fetch what *walk* asks for and yield its pages; nothing is open or running while a page is out.

    Requests wanted together are fetched concurrently, and all have ended before the pages made of them are yielded:
    whatever becomes of the generator, no task is left behind (PEP 789 says what happens otherwise).

    Raises:
        ClientClosedError: What *fetch* sends requests over was closed.
        ContactshipError: Of *fetch* or *walk*, after the pages before it, with the position to go on from.
    """
    progress = Progress(walk, session)
    while progress.wanted:
        await _fetch_batch(progress, fetch)
        while progress.pages:
            yield progress.pages.popleft()  # A plain loop would hold them all until the next batch has come.
            progress.check_session()
    progress.raise_failure()


async def _fetch_batch(progress: Progress[T], fetch: Fetch[T]) -> None:
    """Fetch what is wanted, several pages concurrently, and move on by the responses that are still wanted."""
    requests = progress.wanted
    tasks: dict[PageRequest, asyncio.Task[PageResponse[T]]] = {}
    try:
        if len(requests) == 1:
            progress.move_on(await fetch(requests[0]))
            return
        tasks = {request: asyncio.create_task(fetch(request)) for request in requests}
        while progress.wanted and progress.wanted[0] in tasks:
            # Unlike awaiting the task, this distinguishes our own cancellation from the task's. The task stays in the
            # dictionary till it is done; in a variable, it and its error would be a reference cycle.
            await asyncio.wait([tasks[progress.wanted[0]]])
            progress.move_on(tasks.pop(progress.wanted[0]).result())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised after the pages before it
        progress.fail(error)
    finally:
        if tasks:
            await cancel(tasks.values())


async def cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel *tasks* and wait until all have ended, also if this is cancelled; what became of them does not matter."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def walk_rows(pages: AsyncGenerator[Page[T], None], session: WalkSession = NO_SESSION) -> AsyncGenerator[T, None]:
    """Yield the rows of *pages* one by one, and close *pages* in any case.

    Raises:
        ClientClosedError: What the pages come over was closed.
    """
    yielded = 0
    async with aclosing(pages):
        async for page in pages:
            rows = iter(page.data)
            opened = session.session  # It is known by now; a property asked for each row would be 1 % of a walk.
            for row in rows:
                yield row
                if opened is not None and opened.is_closed:
                    check_rest(page, rows, yielded + len(page), session)
            yielded += len(page)


def check_rest(page: Page[T], rest: Iterator[T], yielded: int, session: WalkSession) -> None:
    """Raise if there is a *rest* of the rows of *page*: it is not handed out when the client was closed.

    Args:
        page: The last page.
        rest: What is left of its rows.
        yielded: How many rows of the walk there are up to the end of the page.
        session: The session of the walk, which is closed.

    Raises:
        ClientClosedError: There is a rest.
    """
    left = length_hint(rest)
    if left:
        raise session.closed_error(WalkPosition(page.offset + len(page) - left, yielded - left))
