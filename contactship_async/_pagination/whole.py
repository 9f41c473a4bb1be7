"""A listing that the API sends whole, as one response."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from contactship_async._arguments import check_integer
from contactship_async._http.responses import PageResponse
from contactship_async._pagination.base import AnyListing
from contactship_async._pagination.driver import Answer, PageRequest, Steps, walk_pages, walk_rows
from contactship_async.errors import PaginationError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")


class WholeWalk(Generic[T]):
    """The one step of a walk through a listing that comes whole.

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
        answer: Answer[T] = yield (PageRequest(0, self._max_items),)
        rows = tuple(answer.rows[: self._max_items])
        self._yielded = len(rows)
        if rows:
            yield Page(rows, answer.count if answer.problem else len(answer.rows), 0, None)
        if len(rows) < self._max_items:
            check_whole(answer)


def check_whole(answer: Answer[T]) -> None:
    """Make sure that a response holds all rows.

    Raises:
        MalformedResponseError: A row could not be read.
        PaginationError: There are more rows than came.
    """
    if answer.problem is not None:
        raise answer.problem
    if answer.count is not None and answer.count > len(answer.rows):
        message = f"the listing should come whole, but only {len(answer.rows)} of {answer.count} rows did"
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
        return walk_rows(self.pages(max_items=max_items))

    def pages(self, *, max_items: int | None = None) -> AsyncGenerator[Page[T], None]:
        """Iterate over all rows as one page; the argument and the errors are those of `rows`.

        Yields:
            One page, or none if there are no rows.
        """
        if max_items is not None:
            check_integer("max_items", max_items, lowest=0)
        request = self._build_request(self.filters)

        async def fetch(_: PageRequest) -> PageResponse[T]:
            return await self._fetch(request, of_walk=True)

        return walk_pages(WholeWalk(max_items), fetch)

    async def count(self) -> int:
        """Count the rows, which takes the request for all of them.

        Raises:
            PaginationError: There are more rows than came.
            ContactshipError: The call failed.
        """
        answer = await self._fetch(self._build_request(self.filters))
        check_whole(answer)
        return len(answer.rows)
