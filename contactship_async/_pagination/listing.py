"""Pagination by limit and offset: a listing as a value, and all that can be asked of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import date
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar

from attrs import evolve, field, frozen

from contactship_async._arguments import check_choice, check_integer, check_type
from contactship_async._http.caller import Caller
from contactship_async._http.requests import Parameter, Parameters, build_window
from contactship_async._http.responses import DecodedPage, read_page
from contactship_async._http.session import WalkSession
from contactship_async._pagination.anchors import Anchor, IdAnchor, KeyAnchor
from contactship_async._pagination.base import NOTHING, AnyListing
from contactship_async._pagination.declaration import ListingDeclaration, check_limit
from contactship_async._pagination.driver import Fetch, walk_pages, walk_rows
from contactship_async._pagination.overlapping import OverlappingWalk
from contactship_async._pagination.prefetch import Prefetch
from contactship_async._pagination.sequential import SequentialWalk
from contactship_async._pagination.walk import PageRequest, Walk
from contactship_async.errors import MalformedResponseError, PaginationError
from contactship_async.models.common import Page, SortOrder

T = TypeVar("T")

Order: TypeAlias = SortOrder | Literal["asc", "desc"]

_MIN_OVERLAPPING_PAGE_SIZE: Final = 2
_MIN_EXACT_PAGE_SIZE: Final = 3


def _read_order(order: Order | None) -> SortOrder | None:
    return None if order is None else check_choice("order", order, SortOrder)


@frozen(repr=False, eq=False, init=False)
class Listing(AnyListing[T]):
    """The rows of one listing, as a value: it says what to ask for, and sends nothing by itself.

        tags = client.tags.list(label="vip")
        async for tag in tags:  # all of them, with the defaults of `rows`
            ...
        async for tag in tags.rows(concurrency=8, exact=True):  # the same, with options
            ...
        async with tags.prefetch(concurrency=8) as ahead:  # the same, with pages on their way while you are busy
            async for tag in ahead:
                ...
        page = await tags.page(limit=20, offset=40)  # exactly one request
        total = await tags.count()

    Each iteration begins anew. `ContactshipPool.iter` takes functions that return a listing.

    Attributes:
        declaration: How the listing behaves.
        filters: What is asked for, by the API's own names; None is not sent.
        identifiers: What stands in the path, by the names there.
        path: Percent-encoded, such as `/v1/tags`.
        order: Of the sort key; None leaves it to the server for `page`, and is the highest first for all else.

    Source: https://docs.contactship.ai/api-reference/introduction
    """

    order: SortOrder | None = field(default=None, converter=_read_order, kw_only=True)

    def __init__(
        self,
        declaration: ListingDeclaration[T],
        caller: Caller,
        filters: Mapping[str, Any] = NOTHING,
        *,
        identifiers: Mapping[str, str] = NOTHING,
        order: Order | None = None,
    ) -> None:
        # That of attrs, but with annotations that resolve in this module.
        self.__attrs_init__(declaration, caller, filters, identifiers=identifiers, order=order)

    def rows(
        self,
        *,
        page_size: int | None = None,
        offset: int = 0,
        max_items: int | None = None,
        concurrency: int = 1,
        exact: bool = False,
    ) -> AsyncGenerator[T, None]:
        """Iterate over all rows (auto-pagination), each once, while others come and go.

        Called without `await`: `async for row in listing.rows(): ...`. At most *concurrency* pages are held, and the
        next ones are fetched when the first of their rows is wanted; nothing goes on in the background in between.
        Leave early with `contextlib.aclosing()`:

            async with aclosing(listing.rows()) as rows:
                async for row in rows:
                    ...

        For a time limit, put `asyncio.timeout()` around the whole loop. `asyncio.wait_for(anext(rows), ...)` ends
        the generator when it times out, and the listing would look shorter than it is.

        With *exact*, every row present for the whole iteration comes exactly once, or it raises. Without it,
        signs that a row is missing raise, but three things leave no sign: in ascending order, or where the server's
        count ignores a filter, a row added and one removed between the same two pages; and rows with the very same
        sort key that the server lists in another order each time. With a *concurrency* of 2 or more, only the last of
        the three is left. A nightly job wants *exact*; a web request can do without.

        Where the server sends no count, pages are fetched one at a time.

        Args:
            page_size: How many rows to ask for at once, >= 1, with *exact* >= 3 and two more than the most rows with
                the same sort key; None is what suits the listing. A server that caps this is no problem.
            offset: How many rows to skip, >= 0; to resume, `error.position.offset`. What *exact* guarantees, it does
                for the rows from there on when the first page came; while the listing changes, others with the same
                sort key as the first of them may come too.
            max_items: How many rows to yield at the most, >= 0; None for all.
            concurrency: How many pages to fetch concurrently, >= 1, once the first one has said how many there are.
                Neighbours overlap, by one row or with *exact* a few, so that each proves that nothing is missing
                before it. (With a *page_size* of 1 they can't overlap, and are fetched one after the other.)
            exact: Whether to accept only what proves to be complete.

        Yields:
            Rows in the order of the listing.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range, or *exact* or a *concurrency* is asked for a listing without a
                sort key.
            PaginationError: The listing can't be walked completely, for the reason given.
            ContactshipError: A call failed. All errors have a `position` to go on from.
        """
        walk, fetch, session = self._prepare(
            page_size=page_size, offset=offset, max_items=max_items, concurrency=concurrency, exact=exact
        )
        return walk_rows(walk_pages(walk, fetch, session), session)

    def pages(
        self,
        *,
        page_size: int | None = None,
        offset: int = 0,
        max_items: int | None = None,
        concurrency: int = 1,
        exact: bool = False,
    ) -> AsyncGenerator[Page[T], None]:
        """Iterate over all rows like `rows`, a page at a time, for progress bars and batches.

        The arguments and errors are the same.

        Yields:
            Pages with at least one row; none holds a row that an earlier page held.
        """
        walk, fetch, session = self._prepare(
            page_size=page_size, offset=offset, max_items=max_items, concurrency=concurrency, exact=exact
        )
        return walk_pages(walk, fetch, session)

    def prefetch(
        self,
        *,
        page_size: int | None = None,
        offset: int = 0,
        max_items: int | None = None,
        concurrency: int = 1,
        exact: bool = False,
    ) -> Prefetch[T]:
        """Iterate over all rows like `rows`, with the next pages on their way while you are busy; for bulk work.

            async with listing.prefetch(concurrency=16) as ahead:
                async for row in ahead:  # or: async for page in ahead.pages()
                    ...

        The arguments and errors are those of `rows`, and so are the order and what is guaranteed. *concurrency* bounds
        the pages that are requested and that you have not taken yet, in flight or held: with 1, the next page is
        fetched while you are busy with this one; with 16, another one is requested whenever you take one of 16.

        Returns:
            What to use with `async with`: the first request is sent there, and whatever is in flight ends with it.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range, or means nothing for the listing.
        """
        walk, fetch, session = self._prepare(
            page_size=page_size,
            offset=offset,
            max_items=max_items,
            concurrency=concurrency,
            exact=exact,
            slides=True,
        )
        return Prefetch(walk, fetch, session)

    async def page(self, *, limit: int | None = None, offset: int | None = None) -> Page[T]:
        """Fetch one page, with exactly one call.

        Args:
            limit: How many rows to return at the most, >= 0, of tasks >= 1; servers may return fewer.
            offset: How many rows to skip, >= 0.

        The two are sent together: of one that is given alone, the other is what suits the listing, or 0. Without
        both, and without an order, the server decides.

        Returns:
            The rows, with the server's count of all of them.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range.
            ContactshipError: The call failed.
        """
        if limit is not None:
            check_limit(self.declaration, "limit", limit, lowest=self.declaration.smallest_page)
        if offset is not None:
            check_integer("offset", offset, lowest=0)
        if limit is not None or offset is not None:
            limit, offset = self.declaration.page_size if limit is None else limit, offset or 0
        response = await self._fetch_page({"limit": limit, "offset": offset})
        if response.problem is not None:
            raise response.problem
        return Page(tuple(response.rows), response.count, offset or 0, limit)

    async def count(self) -> int:
        """Ask how many rows there are, with one call for one row.

        The documentation of some listings leaves open whether the server's count follows the filters; this is what it
        says.

        Returns:
            The server's count, >= 0.

        Raises:
            PaginationError: The listing has no count.
            MalformedResponseError: The response has none.
            ContactshipError: The call failed.
        """
        if not self.declaration.has_count:
            message = f"{self.path} sends no count: iterate over its rows to count them"
            raise PaginationError(message)
        response = await self._fetch_page({"limit": 1, "offset": 0})
        if response.count is None:
            raise MalformedResponseError(("count: missing",))
        return response.count

    def since(self, day: date) -> Self:
        """Return the listing of the same rows, but only of those created on *day* or later.

        Where a day begins is not documented: ask for a day more than you need.

        Raises:
            TypeError: *day* is no date; a `datetime` is none either.
            PaginationError: The listing can't be asked for its newest rows.
        """
        if type(day) is not date:
            message = f"day must be of type date, not {type(day).__name__}"
            raise TypeError(message)
        if self.declaration.window is None:
            message = f"{self.path} can't be asked for its newest rows alone"
            raise PaginationError(message)
        return evolve(self, filters={**self.filters, self.declaration.window.parameter: day.isoformat()})

    async def _fetch_page(self, window: Parameters) -> DecodedPage[T]:
        order = {} if self.order is None else self._order_parameters()
        return await self._fetch(self._build_request({**window, **order, **self.filters}))

    def _order_parameters(self) -> Mapping[str, Parameter]:
        return self.declaration.order_parameters.build(self.declaration.sort_key, self.order or SortOrder.DESC)

    def _prepare(  # noqa: PLR0913 - the options of a walk, all by keyword
        self,
        *,
        page_size: int | None,
        offset: int,
        max_items: int | None,
        concurrency: int,
        exact: bool,
        slides: bool = False,
    ) -> tuple[Walk[T], Fetch[T], WalkSession]:
        """Check the options of a walk, choose the walk, and return it with what fetches its pages, and over what."""
        check_type("exact", exact, bool)
        walk = self._make_walk(
            page_size=self._check_page_size(page_size, exact=exact),
            offset=check_integer("offset", offset, lowest=0),
            max_items=None if max_items is None else check_integer("max_items", max_items, lowest=0),
            concurrency=check_integer("concurrency", concurrency, lowest=1),
            exact=exact,
            slides=slides,
        )
        order = self._order_parameters()
        filtered, whole = self._build_request({**order, **self.filters}), self._build_request(order)
        exchange, row_type, own_budget = self._caller.exchange, self.declaration.row_type, self._own_budget
        session = WalkSession()

        async def fetch(asked: PageRequest) -> DecodedPage[T]:  # `_fetch`, without its coroutine
            window = build_window(limit=asked.limit, offset=asked.offset)
            request = filtered if asked.filtered else whole
            return read_page(await exchange(request, window, own_budget=own_budget, of_walk=session), row_type)

        return walk, fetch, session

    def _check_page_size(self, page_size: int | None, *, exact: bool) -> int:
        if page_size is None:
            return self.declaration.page_size
        name = f"page_size{' with exact=True' * exact}"
        lowest = _MIN_EXACT_PAGE_SIZE if exact else 1
        return check_limit(self.declaration, name, page_size, lowest=lowest)

    def _make_walk(  # noqa: PLR0913 - the options of a walk, all by keyword
        self, *, page_size: int, offset: int, max_items: int | None, concurrency: int, exact: bool, slides: bool
    ) -> Walk[T]:
        """Choose the walk: one page after the other, or pages that overlap and so prove to be complete."""
        ids, keys = self.declaration.row_ids, self.declaration.row_keys
        if keys is None and (exact or concurrency > 1):
            sorted_by = self.declaration.order_parameters.sorted_by
            fault = "need a sort_key, and the listing has none"
            if sorted_by is not None:
                fault = (
                    f"do not go with order_by: sorted by {sorted_by}, rows may change places; leave out one of the two"
                )
            message = f"exact=True and a concurrency above 1 {fault}"
            raise ValueError(message)

        def overlapping(anchor: Anchor[T], *, fallback: Walk[T] | None = None, least: int = 1) -> OverlappingWalk[T]:
            return OverlappingWalk(
                anchor=anchor,
                offset=offset,
                page_size=max(page_size, least),
                max_items=max_items,
                filtered=self.is_filtered,
                concurrency=concurrency,
                trusts_count=not exact,
                fallback=fallback,
                slides=slides,
            )

        if exact and keys is not None:
            return overlapping(KeyAnchor(ids, keys, offset, descending=self.order is not SortOrder.ASC))
        walk_without_count = overlapping(IdAnchor(ids, offset), least=_MIN_OVERLAPPING_PAGE_SIZE)
        if not self.declaration.has_count:
            return walk_without_count
        sequential: SequentialWalk[T] = SequentialWalk(
            identify=ids,
            offset=offset,
            page_size=page_size,
            max_items=max_items,
            filtered=self.is_filtered,
            walk_without_count=walk_without_count,
        )
        if concurrency > 1 and page_size > 1:  # Pages of one row can't overlap.
            return overlapping(IdAnchor(ids, offset), fallback=sequential)
        return sequential
