"""Listings without pagination: the API sends all rows as one response."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from contactship_async._arguments import check_integer
from contactship_async._http.responses import DecodedPage
from contactship_async._http.session import WalkSession
from contactship_async._pagination.base import AnyListing
from contactship_async._pagination.driver import Fetch, walk_pages, walk_rows
from contactship_async._pagination.prefetch import Prefetch
from contactship_async._pagination.walk import PageRequest, PageResponse, Steps
from contactship_async.errors import PaginationError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")


class WholeWalk(Generic[T]):
    """The one step of a walk of a listing that comes whole.

    Args:
        max_items: How many rows to yield at the most; None for all.
    """

    def __init__(self, max_items: int | None) -> None:
        self._max_items = sys.maxsize if max_items is None else max_items
        self._yielded = 0

    @property
    def position(self) -> WalkPosition:
        """How many rows were yielded; there is no offset to go on from."""
        return WalkPosition(self._yielded, self._yielded)

    def steps(self) -> Steps[T]:
        """Ask for all rows and yield those that are wanted.

        Raises:
            MalformedResponseError: A row could not be read; the rows before it were yielded.
            PaginationError: There are more rows than came.
        """
        if self._max_items == 0:
            return
        response: PageResponse[T] = yield (PageRequest(0, self._max_items),)
        rows = tuple(response.rows[: self._max_items])
        self._yielded = len(rows)
        if rows:
            yield Page(rows, response.count if response.problem else len(response.rows), 0, None)
        if len(rows) < self._max_items:
            check_whole(response)


def check_whole(response: PageResponse[T]) -> None:
    """Check that a response holds all rows.

    Raises:
        MalformedResponseError: A row could not be read.
        PaginationError: There are more rows than came.
    """
    if response.problem is not None:
        raise response.problem
    if response.count is not None and response.count > len(response.rows):
        message = f"the listing should come whole, but only {len(response.rows)} of {response.count} rows did"
        raise PaginationError(message)


class WholeListing(AnyListing[T]):
    """The rows of a listing that the API sends whole, iterated over as those of any other.

        async for agent in client.agents.list():
            ...

    Each iteration is one request. See `AnyListing` for the attributes.
    """

    __slots__ = ()

    def rows(self, *, max_items: int | None = None) -> AsyncGenerator[T, None]:
        """Iterate over all rows: one request, called without `await`.

        Args:
            max_items: How many rows to yield at the most, >= 0; None for all.

        Yields:
            Rows in the order of the response.

        Raises:
            TypeError: *max_items* is not an integer.
            ValueError: *max_items* is out of range.
            PaginationError: There are more rows than came.
            ContactshipError: The call failed.
        """
        walk, fetch, session = self._prepare(max_items)
        return walk_rows(walk_pages(walk, fetch, session), session)

    def pages(self, *, max_items: int | None = None) -> AsyncGenerator[Page[T], None]:
        """Iterate over all rows as one page; the argument and the errors are those of `rows`.

        Yields:
            One page, or none if there are no rows.
        """
        return walk_pages(*self._prepare(max_items))

    def prefetch(self, *, max_items: int | None = None) -> Prefetch[T]:
        """Send the request at `async with`, for rows that are iterated over later; otherwise the same as `rows`.

            async with client.agents.list().prefetch() as ahead:
                async for agent in ahead:
                    ...

        Raises:
            TypeError: *max_items* is not an integer.
            ValueError: *max_items* is out of range.
        """
        return Prefetch(*self._prepare(max_items))

    async def count(self) -> int:
        """Count the rows, which takes the request for all of them.

        Raises:
            PaginationError: There are more rows than came.
            ContactshipError: The call failed.
        """
        response = await self._fetch(self._build_request(self.filters))
        check_whole(response)
        return len(response.rows)

    def _prepare(self, max_items: int | None) -> tuple[WholeWalk[T], Fetch[T], WalkSession]:
        if max_items is not None:
            check_integer("max_items", max_items, lowest=0)
        request = self._build_request(self.filters)
        session = WalkSession()

        async def fetch(_: PageRequest) -> DecodedPage[T]:
            return await self._fetch(request, of_walk=session)

        return WholeWalk(max_items), fetch, session
