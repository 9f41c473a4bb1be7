"""A listing for the driver of walks that watches it: what is in flight, what is held, what comes, what is left.

It does not wait for the clock. Time goes by in turns of the event loop, so that what can happen at some turn can be
tried at each.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

import pytest
from attrs import define, field
from turns import pass_turns

from contactship_async._pagination.anchors import IdAnchor, KeyAnchor
from contactship_async._pagination.driver import walk_pages
from contactship_async._pagination.overlapping import OverlappingWalk
from contactship_async._pagination.prefetch import Prefetch
from contactship_async._pagination.rows import SortKey
from contactship_async._pagination.sequential import SequentialWalk
from contactship_async._pagination.walk import PageRequest, Steps, Walk
from contactship_async.errors import MalformedResponseError, WalkPosition
from contactship_async.models.common import Page

ROWS: Final = 10
ALL: Final = [*range(ROWS)]
WIDTHS: Final = [1, 2, 4, 16]
SORT_KEY: Final = SortKey("created_at", attrgetter("created_at"))
EPOCH: Final = datetime(2026, 1, 15, 10, tzinfo=UTC)

each_width = pytest.mark.parametrize("width", WIDTHS)
each_factory = pytest.mark.usefixtures("task_factory")


def fail(kind: type[Exception]) -> Exception:
    """Make an error of a fetch."""
    return MalformedResponseError(("broken",)) if kind is MalformedResponseError else kind("broken")


class Abort(BaseException):
    """An error that is no `Exception`."""


@define(eq=False)
class Row:
    """A row of the listing, made for one response."""

    id: int

    @property
    def created_at(self) -> datetime:
        """Rows are sorted by this, and no two share it."""
        return EPOCH + timedelta(days=self.id)


@define
class PageResponse:
    """What came back for a `PageRequest`."""

    rows: list[Row]
    count: int = ROWS
    problem: MalformedResponseError | None = None


@define
class SingleRows:
    """A walk in pages of one row, which don't overlap: first one, then always *width* at once."""

    width: int
    yielded: int = 0

    @property
    def position(self) -> WalkPosition:
        """The next row."""
        return WalkPosition(self.yielded, self.yielded)

    def steps(self) -> Steps[Row]:
        """Ask for one window after the other, and keep nothing of the responses."""
        while self.yielded < ROWS:
            end = min(self.yielded + self.width, ROWS) if self.yielded else 1
            requests = tuple(PageRequest(offset, 1) for offset in range(self.yielded, end))
            for place in range(len(requests)):
                page = Page(tuple((yield requests[place:]).rows), ROWS, self.yielded, 1)
                self.yielded += 1
                yield page
                del page


@define
class SlidingRows(SingleRows):
    """A walk in pages of one row, which wants the next ones: first one, then always *width*."""

    def steps(self) -> Steps[Row]:
        """Want another row for each that came, and keep nothing of the responses."""
        while self.yielded < ROWS:
            end = min(self.yielded + self.width, ROWS) if self.yielded else 1
            requests = tuple(PageRequest(offset, 1) for offset in range(self.yielded, end))
            page = Page(tuple((yield requests).rows), ROWS, self.yielded, 1)
            self.yielded += 1
            yield page
            del page


def ids_of(rows: Sequence[Row]) -> list[int]:
    """Return the ids of rows."""
    return [row.id for row in rows]


def sequential_walk(_: int = 1) -> Walk[Row]:
    """Make a sequential walk."""
    return SequentialWalk(identify=ids_of, offset=0, page_size=3, max_items=None, filtered=False)


def overlapping_walk(concurrency: int, *, exact: bool = False, slides: bool = False) -> Walk[Row]:
    """Make an overlapping walk, anchored by ids unless it is exact."""
    return OverlappingWalk(
        anchor=KeyAnchor(ids_of, SORT_KEY, 0, descending=False) if exact else IdAnchor(ids_of, 0),
        offset=0,
        page_size=3,
        max_items=None,
        filtered=False,
        concurrency=concurrency,
        trusts_count=not exact,
        fallback=None,
        slides=slides,
    )


def exact_walk(concurrency: int) -> Walk[Row]:
    """Make an exact walk."""
    return overlapping_walk(concurrency, exact=True)


def sliding_walk(concurrency: int) -> Walk[Row]:
    """Make an overlapping walk for pages that are fetched ahead."""
    return overlapping_walk(concurrency, slides=True)


def sliding_exact_walk(concurrency: int) -> Walk[Row]:
    """Make an exact walk for them."""
    return overlapping_walk(concurrency, exact=True, slides=True)


@define
class WatchedListing:
    """Ten rows; a page takes some turns of the loop, and fails if it is to have one of the rows that can't be had.

    Args:
        turns: How many turns a page takes, by its offset; None for ever.
        failures: What a page with the row raises.
        stubborn: For how many turns a fetch goes on after it was cancelled, however often.
        failure_when_cancelled: What a fetch raises then, instead of the cancellation.

    Attributes:
        frozen: Set this, and no page comes from then on, so that a fetch ends only if it is cancelled.
    """

    turns: Callable[[int], int | None] = lambda offset: 1 + offset % 3
    failures: dict[int, BaseException] = field(factory=dict)
    stubborn: int = 0
    failure_when_cancelled: Exception | None = None
    frozen: bool = False
    asked: list[int] = field(factory=list)
    running: list[int] = field(factory=list)
    max_running: int = 0
    cancelled: list[int] = field(factory=list)
    alive: weakref.WeakSet[Row] = field(factory=weakref.WeakSet)
    max_alive: int = 0
    came: list[int] = field(factory=list)

    async def walk(self, walk: Walk[Row], *, stop: int = ROWS, turns: int = 1) -> None:
        """Walk and note what comes, each time for some turns, to the first page that reaches row *stop*.

        Raises:
            AssertionError: Something runs while a page is out.
        """
        before = asyncio.all_tasks()
        async for page in walk_pages(walk, self.fetch):
            assert [] == self.running
            assert asyncio.all_tasks() <= before
            self.came += [row.id for row in page]
            del page
            await pass_turns(turns)
            if len(self.came) > stop:
                break

    async def walk_ahead(self, walk: Walk[Row], *, stop: int = ROWS, turns: int = 1) -> None:
        """Walk with pages fetched ahead and note what comes, each time for some turns, to the page with row *stop*."""
        async with Prefetch(walk, self.fetch) as ahead:
            async for page in ahead.pages():
                self.came += [row.id for row in page]
                del page
                await pass_turns(turns)
                if len(self.came) > stop:
                    break

    async def fetch(self, asked: PageRequest) -> PageResponse:
        """Fetch a page."""
        self.asked.append(asked.offset)
        self.running.append(asked.offset)
        self.max_running = max(self.max_running, len(self.running))
        try:
            await self._pass_time(asked.offset)
            end = asked.offset + asked.limit
            for row in range(asked.offset, end):
                if row in self.failures:
                    raise self.failures[row]
            return PageResponse([self._make_row(row) for row in range(asked.offset, min(end, ROWS))])
        finally:
            self.running.remove(asked.offset)

    async def _pass_time(self, offset: int) -> None:
        turns = self.turns(offset)
        try:
            await pass_turns(turns or 0)
            if turns is None or self.frozen:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(offset)
            for _ in range(self.stubborn):
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
            if self.failure_when_cancelled is not None:
                raise self.failure_when_cancelled from None
            raise

    def _make_row(self, number: int) -> Row:
        row = Row(number)
        self.alive.add(row)
        self.max_alive = max(self.max_alive, len(self.alive))
        return row
