"""Cursor pagination: each page says where the next one begins."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from contactship_async._arguments import check_integer
from contactship_async._http.responses import DecodedPage
from contactship_async._http.session import WalkSession
from contactship_async._pagination.base import AnyListing
from contactship_async._pagination.declaration import check_limit
from contactship_async._pagination.driver import Fetch, walk_pages, walk_rows
from contactship_async._pagination.prefetch import Prefetch
from contactship_async._pagination.walk import MAX_PAGES_WITHOUT_NEW_ROWS, Identify, PageRequest, SeenIds, Steps, pick
from contactship_async.errors import PaginationError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")


class CursorWalk(Generic[T]):
    """The decisions of a walk by cursor: on to the next cursor, until a page has none, an empty one, or no rows.

    The API does not say how the last page is recognised, so each is an end. Repeated rows are dropped.

    Args:
        identify: Returns the ids of rows.
        page_size: How many rows to ask for at once.
        max_items: How many rows to yield at the most; None for all.
    """

    def __init__(self, *, identify: Identify[T], page_size: int, max_items: int | None) -> None:
        self._identify = identify
        self._page_size = page_size
        self._max_items = sys.maxsize if max_items is None else max_items
        self._seen = SeenIds()
        self._yielded = 0
        self._pages_without_new_rows = 0

    @property
    def position(self) -> WalkPosition:
        """How many rows were yielded; there is no offset to go on from."""
        return WalkPosition(self._yielded, self._yielded)

    def steps(self) -> Steps[T]:
        """Ask for pages and yield what is new on them, until the end.

        Raises:
            PaginationError: The cursors lead nowhere.
            MalformedResponseError: A row could not be read; the rows before it were yielded.
        """
        after: str | None = None
        while self._yielded < self._max_items:
            response: DecodedPage[T] = yield (PageRequest(self._yielded, self._page_size, after=after),)
            page = self._take(response)
            if page is not None:
                yield page
            if response.problem is not None and self._yielded < self._max_items:
                raise response.problem
            if not response.after or not response.rows:
                return
            if response.after == after:
                message = "a page names its own cursor as that of the next page"
                raise PaginationError(message)
            after = response.after

    def _take(self, response: DecodedPage[T]) -> Page[T] | None:
        ids = self._identify(response.rows)
        new = self._seen.add(ids)[: self._max_items - self._yielded]
        if not new:
            self._pages_without_new_rows += 1
            if self._pages_without_new_rows > MAX_PAGES_WITHOUT_NEW_ROWS:
                message = f"{self._pages_without_new_rows} consecutive pages brought no new row"
                raise PaginationError(message)
            return None
        self._pages_without_new_rows = 0
        self._yielded += len(new)
        return Page(pick(response.rows, new), response.count, self._yielded - len(new), self._page_size)


class CursorListing(AnyListing[T]):
    """The rows of a listing that the API pages by cursor, iterated over as those of any other.

        async for template in client.whatsapp.list_templates(channel_id):
            ...

    Pages are fetched one after the other, when their first row is wanted. See `AnyListing` for the attributes.
    """

    __slots__ = ()

    def rows(self, *, page_size: int | None = None, max_items: int | None = None) -> AsyncGenerator[T, None]:
        """Iterate over all rows (auto-pagination), each once; called without `await`.

        Args:
            page_size: How many rows to ask for at once, >= 1; None is what suits the listing.
            max_items: How many rows to yield at the most, >= 0; None for all.

        Yields:
            Rows in the order of the listing.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range.
            PaginationError: The cursors lead nowhere.
            ContactshipError: A call failed.
        """
        walk, fetch, session = self._prepare(page_size, max_items)
        return walk_rows(walk_pages(walk, fetch, session), session)

    def pages(self, *, page_size: int | None = None, max_items: int | None = None) -> AsyncGenerator[Page[T], None]:
        """Iterate over all rows like `rows`, a page at a time; the arguments and errors are the same.

        Yields:
            Pages with at least one row; none holds a row that an earlier page held.
        """
        return walk_pages(*self._prepare(page_size, max_items))

    def prefetch(self, *, page_size: int | None = None, max_items: int | None = None) -> Prefetch[T]:
        """Fetch the next page while you are busy with this one; the arguments and errors are those of `rows`.

            async with client.whatsapp.list_templates(channel_id).prefetch() as ahead:
                async for template in ahead:
                    ...

        Only the page itself says where the next one begins, so that no more than one is fetched ahead.
        """
        return Prefetch(*self._prepare(page_size, max_items))

    async def count(self) -> int:
        """Refuse to count: the API sends no count, and its rows have to be iterated over.

        Raises:
            PaginationError: Always.
        """
        message = f"{self.path} sends no count: iterate over its rows to count them"
        raise PaginationError(message)

    def _prepare(self, page_size: int | None, max_items: int | None) -> tuple[CursorWalk[T], Fetch[T], WalkSession]:
        if page_size is None:
            page_size = self.declaration.page_size
        check_limit(self.declaration, "page_size", page_size, lowest=1)
        if max_items is not None:
            check_integer("max_items", max_items, lowest=0)
        request = self._build_request(self.filters)
        session = WalkSession()

        async def fetch(asked: PageRequest) -> DecodedPage[T]:
            after = () if asked.after is None else (("after", asked.after),)
            return await self._fetch(request, (("limit", str(asked.limit)), *after), session)

        return CursorWalk(identify=self.declaration.row_ids, page_size=page_size, max_items=max_items), fetch, session
