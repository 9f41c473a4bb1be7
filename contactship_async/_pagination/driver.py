"""Pagination: what walks of a listing are made of (requests, responses, steps), and the driver that runs them.

A walk is one pass over all pages of a listing. It decides and does nothing else (sans-I/O): its `steps()` is a
generator that yields the requests it wants in flight, and is sent the response to the first one. The driver fetches,
and does nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Generator, Hashable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from operator import length_hint
from typing import Any, ClassVar, Final, Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from contactship_async._http.session import WalkSession
from contactship_async.errors import ContactshipError, MalformedResponseError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_PAGES_WITHOUT_NEW_ROWS: Final = 1_000
"""So many consecutive pages without a new row are allowed, then a walk fails: the ids remembered, in pages of ten."""


class PageResponse(Protocol[T_co]):
    """What came back for a `PageRequest`."""

    @property
    def rows(self) -> Sequence[T_co]:
        """The rows, up to the first malformed one."""

    @property
    def count(self) -> int | None:
        """How many rows the listing has; None where the server does not say."""

    @property
    def problem(self) -> MalformedResponseError | None:
        """What is wrong with the row after them, if it could not be read."""


class PageRequest(Struct, frozen=True):
    """A page to fetch.

    Args:
        offset: How many rows come before it.
        limit: How many rows to ask for.
        filtered: False for the one request that leaves the filters out.
        after: The cursor from the page before it, where the listing has cursors.
    """

    offset: int
    limit: int
    filtered: bool = True
    after: str | None = None


Requests: TypeAlias = tuple[PageRequest, ...]
"""What a walk wants in flight; it is sent the response to the first. Next, it wants the rest, or others instead."""

Steps: TypeAlias = Generator[Requests | Page[T], Any, None]
"""The decisions of a walk: it yields requests and is sent a response, and yields the pages made of the responses."""


class Walk(Protocol[T]):
    """The decisions of one walk, that is, of one pass over all pages of a listing."""

    @property
    def position(self) -> WalkPosition:
        """The offset of the next row to yield, and how many were."""

    def steps(self) -> Steps[T]:
        """Ask for pages and yield what is new on them, until the end."""


Identify: TypeAlias = Callable[[Sequence[T]], Sequence[Hashable]]
"""Returns the ids of rows: of all at once, as a comprehension takes half of what a call for each row takes."""


class SeenIds:
    """The ids of the first page and of at least the last *capacity* rows, in two generations."""

    capacity: ClassVar = 10_000

    def __init__(self) -> None:
        self._first: frozenset[Hashable] = frozenset()
        self._forgotten_first: frozenset[Hashable] = frozenset()  # as long as it is empty, it costs next to nothing
        self._older: set[Hashable] = set()
        self._recent: set[Hashable] = set()

    def known(self, ids: Sequence[Hashable]) -> set[Hashable]:
        """Return those of *ids* that are remembered."""
        known = self._recent.intersection(ids)
        if self._older:
            known |= self._older.intersection(ids)
        if self._forgotten_first:
            known |= self._forgotten_first.intersection(ids)
        return known

    def any_of_first_page_forgotten(self, ids: Sequence[Hashable]) -> bool:
        """Return whether one of *ids* was on the first page, too long ago to come again because rows moved."""
        return bool(self._forgotten_first and self._forgotten_first.intersection(ids) - self._older - self._recent)

    def add(self, ids: Sequence[Hashable]) -> Sequence[int]:
        """Remember *ids*, and return the places of those not seen before.

        Those seen before are not added again: repeated rows must not push out the latest ones.
        """
        size = len(self._recent)
        known: AbstractSet[Hashable] = frozenset()
        if self._older or not self._recent.isdisjoint(ids):
            known = self.known(ids)
        places: Sequence[int] = range(len(ids))
        if not known:
            self._recent.update(ids)
            self._first = self._first or frozenset(ids)
        if known or len(self._recent) - size < len(ids):
            first_places = {identifier: place for place, identifier in reversed([*enumerate(ids)])}
            places = sorted(first_places[identifier] for identifier in first_places.keys() - known)
            self._recent.update(ids[place] for place in places)
        if len(self._recent) >= self.capacity:
            if self._older:
                self._forgotten_first = self._first
            self._older, self._recent = self._recent, set()
        return places


def pick(rows: Sequence[T], places: Sequence[int]) -> tuple[T, ...]:
    """Return the rows at *places*, which are in order."""
    return tuple(rows) if len(places) == len(rows) else tuple(rows[place] for place in places)


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
