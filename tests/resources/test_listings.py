"""Each listing that is sent in pages by limit and offset, found by the return types of the resources' methods."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from operator import attrgetter
from typing import Any, Final, get_origin

import pytest
from attrs import define, evolve
from called_resources import METHODS, Called, is_listing, query_of, returns_of, told
from endpoints import TABLE, Field, python_name
from jumping_loop import in_loop_time, now, run
from made_up import WRONG, argument_of, changed, in_json, path_of, rows_of, wrong_value_of
from paged_listing import MODES, SIZE_IF_NOT_ASKED, PagedListing

from contactship_async import ContactshipClient, MalformedResponseError, PaginationError, WalkPosition
from contactship_async._pagination.cursor import CursorListing
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.listing import Listing
from contactship_async._pagination.whole import WholeListing

KINDS: Final = {"offset": Listing, "cursor": CursorListing, "no": WholeListing}
"""The class of a listing, by how its endpoint is paginated."""

HEAVY: Final = {"/v1/calls", "/v1/contacts"}
"""The listings that have a budget of their own besides the general one."""

DIRECTIONS: Final = (("asc", "desc"), ("ASCENDENT", "DESCENDENT"))
"""The words of the API for the oldest first, and the newest first."""


@define(frozen=True, slots=False)
class Case(Called):
    """A method that returns such a listing, and the endpoint behind it."""

    @property
    def order(self) -> tuple[str, str, str]:
        """The parameter for the direction, with its values for the oldest first and for the newest first."""
        [(name, values)] = [(one.name, one.enum) for one in self.endpoint.query if one.enum in DIRECTIONS]
        return (name, *values) if values is not None else (name, "", "")

    @property
    def sorted_by(self) -> dict[str, str]:
        """The parameter for what to sort by, if there is one, with what the usual order sorts by."""
        return {one.name: "created_at" for one in self.endpoint.query if one.name == "orderBy"}

    @property
    def filters(self) -> list[Field]:
        """The parameters that choose rows."""
        return [one for one in self.endpoint.parameters if not one.name.startswith("order")]

    @property
    def filter_arguments(self) -> dict[str, Any]:
        """Something for each of them."""
        return {python_name(one.name): argument_of(one) for one in self.filters}

    @cached_property
    def declaration(self) -> ListingDeclaration[Any]:
        """What the package declares of the listing."""
        return self.listing(PagedListing([]).client()).declaration

    def rows(self, number: int) -> list[dict[str, Any]]:
        """Make up rows, the newest first."""
        fields, declaration = self.endpoint.response_fields, self.declaration
        return rows_of(fields, number, id_field=declaration.id_field, sort_key=declaration.sort_key or "")

    def server(self, rows: list[dict[str, Any]], **settings: Any) -> PagedListing:
        """Serve rows."""
        return PagedListing(rows, ascending=self.order[:2], **settings)

    def listing(self, client: ContactshipClient, *, order: str | None = None, **arguments: Any) -> Listing[Any]:
        """Call the method, with an order by the API's own words."""
        arguments |= {} if order is None else {python_name(self.order[0]): order}
        listing: Listing[Any] = attrgetter(self.name)(client)(*self.identifiers, **arguments)
        return listing


CASES: Final = [Case(row.method, row.endpoint) for row in TABLE if row.endpoint.paginated == "offset"]
FILTERED: Final = [case for case in CASES if case.filters]


def name_of(case: object) -> str | None:
    """Name a case."""
    return case.name if isinstance(case, Case) else None


each_listing = pytest.mark.parametrize("case", CASES, ids=name_of)

ENVELOPES: Final = ("F", "D", "bare")


def test_all_listings_are_tested() -> None:
    """Each method that returns a listing is one of the table, of the class that fits how its rows come."""
    returned = {name: get_origin(returns_of(name)) for name in METHODS if is_listing(returns_of(name))}

    assert {row.method: KINDS[row.endpoint.paginated] for row in TABLE if row.endpoint.is_listing} == returned


@each_listing
async def test_each_row_once(case: Case) -> None:
    """All rows come once and in order, with or without a count, and each request asks for an order and a window."""
    name, ascending, descending = case.order
    rows = case.rows(23)
    expected = case.read(rows)
    for envelope, mode, order in product(ENVELOPES, MODES, (ascending, descending, None)):
        with told(f"{envelope} {mode} {order}"):
            server = case.server(rows, envelope=envelope)
            async with server.client() as client:
                read = [row async for row in case.listing(client, order=order).rows(page_size=5, **mode)]

            assert expected[:: -1 if order == ascending else 1] == in_json(read)
            assert {order or descending} == {query[name] for query in server.queries}
            assert {"limit", "offset", name, *case.sorted_by} == set().union(*server.queries)


@each_listing
async def test_each_row_once_ahead(case: Case) -> None:
    """The same rows come where they are fetched ahead, by the same requests, of which none is sent before the block."""
    for mode in MODES:
        with told(f"{mode}"):
            server = case.server(case.rows(23))
            async with server.client() as client:
                expected = [row async for row in case.listing(client).rows(page_size=5, **mode)]
                queries = server.queries
                server.requests.clear()
                prefetch = case.listing(client).prefetch(page_size=5, **mode)
                assert [] == server.requests
                async with prefetch as ahead:
                    assert expected == [row async for row in ahead]

            assert queries == server.queries


@each_listing
async def test_each_row_once_while_others_come(case: Case) -> None:
    """Rows that are added during a walk push others onto its next page, where they don't come again."""
    for mode in MODES:
        with told(f"{mode}"):
            everything = case.rows(26)
            arriving, rows = everything[:3], everything[3:]
            async with case.server(rows, arriving=arriving).client() as client:
                read = in_json([row async for row in case.listing(client).rows(page_size=5, **mode)])

            present_throughout = case.read(rows)
            assert present_throughout == [row for row in read if row in present_throughout]
            assert [] == [row for row in read if read.count(row) > 1]


@each_listing
async def test_missing_rows(case: Case) -> None:
    """A count of more rows than come is an error, where no filter explains it."""
    for mode in MODES:
        with told(f"{mode}"):
            async with case.server(case.rows(23), filters={"never": "asked"}, others=9).client() as client:
                with pytest.raises(PaginationError, match="the listing is said to have 32 rows"):
                    _ = [row async for row in case.listing(client).rows(page_size=5, **mode)]


@each_listing
async def test_iterating_is_rows(case: Case) -> None:
    """A listing iterates over all of its rows, again each time, and over pages of them."""
    server = case.server(case.rows(3))
    async with server.client() as client:
        listing = case.listing(client)
        first, second = [row async for row in listing], [row async for row in listing]
        pages = [page async for page in listing.pages(page_size=2)]

    assert case.read(server.rows) == in_json(first)
    assert first == second == [row for page in pages for row in page]
    assert [2, 1] == [len(page) for page in pages]


@pytest.mark.parametrize("case", FILTERED, ids=name_of)
async def test_filters(case: Case) -> None:
    """Filters go with each page under the API's names, but not with the question how long the whole listing is."""
    for mode in MODES:
        with told(f"{mode}"):
            expected = query_of(case.filters)
            server = case.server(case.rows(7), filters=expected, others=9, count_follows_filters=False)
            async with server.client() as client:
                rows = [row async for row in case.listing(client, **case.filter_arguments).rows(page_size=5, **mode)]

            name, _, descending = case.order
            window = {"limit", "offset", name, *case.sorted_by}
            asked = [{key: value for key, value in query.items() if key not in window} for query in server.queries]
            whole = [query for query, filters in zip(server.queries, asked, strict=True) if not filters]
            assert 7 == len(rows)
            assert [{"limit": "1", "offset": "0", name: descending, **case.sorted_by}] == whole
            assert [expected] * (len(asked) - 1) == [filters for filters in asked if filters]


@pytest.mark.parametrize("case", FILTERED, ids=name_of)
async def test_filters_of_single_calls(case: Case) -> None:
    """Filters go with a page and with the count, too, and None is no filter."""
    expected = query_of(case.filters)
    server = case.server(case.rows(7), filters=expected, others=9)
    async with server.client() as client:
        listing = case.listing(client, **case.filter_arguments)
        counts = [(await listing.page()).count, await listing.count()]
        everything = case.listing(client, **dict.fromkeys(case.filter_arguments))
        counts += [(await everything.page()).count, await everything.count()]

    window = {"limit": "1", "offset": "0"}
    assert [7, 7, 16, 16] == counts
    assert [expected, {**window, **expected}, {}, window] == server.queries


@each_listing
async def test_count(case: Case) -> None:
    """The count is the server's, for one request; a response without one is malformed."""
    rows = case.rows(23)
    for envelope in ENVELOPES:
        with told(envelope):
            server = case.server(rows, envelope=envelope)
            async with server.client() as client:
                if envelope == "bare":
                    with pytest.raises(MalformedResponseError, match="count: missing"):
                        await case.listing(client).count()
                else:
                    assert 23 == await case.listing(client).count()

            assert [{"limit": "1", "offset": "0"}] == server.queries


@each_listing
async def test_max_items(case: Case) -> None:
    """As many rows come as are wanted, and no request is sent for none."""
    rows = case.rows(23)
    expected = case.read(rows)
    for mode, most in product(MODES, (0, 1, 5, 12, 23, 99)):
        with told(f"{mode} {most}"):
            server = case.server(rows)
            async with server.client() as client:
                read = [row async for row in case.listing(client).rows(page_size=5, max_items=most, **mode)]

            assert expected[:most] == in_json(read)
            assert (most == 0) == (server.requests == [])


@each_listing
async def test_offset(case: Case) -> None:
    """A walk begins at the given offset."""
    rows = case.rows(23)
    expected = case.read(rows)
    for mode, offset in product(MODES, (0, 6, 7, 22, 23)):
        with told(f"{mode} {offset}"):
            server = case.server(rows)
            async with server.client() as client:
                read = [row async for row in case.listing(client).rows(page_size=5, offset=offset, **mode)]

            assert expected[offset:] == in_json(read)
            assert str(offset) == server.queries[0]["offset"]


@each_listing
async def test_page(case: Case) -> None:
    """A page is one request: with both limit and offset, or with neither, and with an order only if it was given."""
    server = case.server(case.rows(23))
    size, (name, ascending, _) = case.declaration.page_size, case.order
    async with server.client() as client:
        listing = case.listing(client)
        pages = [
            await listing.page(),
            await listing.page(limit=3),
            await listing.page(offset=20),
            await listing.page(limit=2, offset=21),
            await case.listing(client, order=ascending).page(),
        ]

    assert [{}, {"limit": "3", "offset": "0"}, {"limit": str(size), "offset": "20"}] == server.queries[:3]
    assert [{"limit": "2", "offset": "21"}, {name: ascending, **case.sorted_by}] == server.queries[3:]
    assert [SIZE_IF_NOT_ASKED, 3, 3, 2, SIZE_IF_NOT_ASKED] == [len(page) for page in pages]
    assert [(0, None), (0, 3), (20, size), (21, 2), (0, None)] == [(page.offset, page.limit) for page in pages]
    assert [23] * 5 == [page.count for page in pages]


@each_listing
async def test_page_sizes(case: Case) -> None:
    """A walk asks for the declared number of rows, or for *page_size*, and never for more than the API allows."""
    largest = case.endpoint.max_limit
    smallest = next(int(field.min or 0) for field in case.endpoint.query if field.name == "limit")
    server = case.server(case.rows(3))
    async with server.client() as client:
        listing = case.listing(client)
        for size in (None, 7, largest or 100_000):
            assert 3 == len([row async for row in listing.rows(page_size=size)])
        for too_large in () if largest is None else (largest + 1,):
            with pytest.raises(ValueError, match=f"^page_size must be an integer from 1 to {largest}, "):
                listing.rows(page_size=too_large)
            with pytest.raises(ValueError, match=f"^limit must be an integer from {smallest} to {largest}, "):
                await listing.page(limit=too_large)
        with pytest.raises(ValueError, match=f"^limit must be an integer (>= {smallest}|from {smallest} to .*), not "):
            await listing.page(limit=smallest - 1)

    declared = case.declaration.page_size
    assert largest == case.declaration.largest_page
    assert declared <= (largest or declared)
    assert [str(declared), "7", str(largest or 100_000)] == [query["limit"] for query in server.queries]


@each_listing
async def test_wrong_options(case: Case) -> None:
    """The options of a walk are checked when it is made, before anything is sent."""
    server = case.server(case.rows(3))
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ValueError, "page_size must be ", {"page_size": 0}),
        (ValueError, "page_size with exact=True must be ", {"page_size": 2, "exact": True}),
        (ValueError, "offset must be ", {"offset": -1}),
        (ValueError, "max_items must be ", {"max_items": -1}),
        (ValueError, "concurrency must be ", {"concurrency": 0}),
        (TypeError, "page_size must be ", {"page_size": "7"}),
        (TypeError, "offset must be ", {"offset": None}),
        (TypeError, "max_items must be ", {"max_items": True}),
        (TypeError, "concurrency must be ", {"concurrency": 1.5}),
        (TypeError, "exact must be ", {"exact": 1}),
    ]
    async with server.client() as client:
        for error, text, options in wrong:
            for walk in (case.listing(client).rows, case.listing(client).pages):
                with pytest.raises(error, match=f"^{text}"):
                    walk(**options)

    assert [] == server.requests


@each_listing
async def test_malformed_row(case: Case) -> None:
    """The rows before a malformed one come; then an error with its path, and its place in the listing."""
    for mode, envelope in product(MODES, ("F", "D")):
        with told(f"{mode} {envelope}"):
            rows = case.rows(23)
            field = case.endpoint.response_fields[0]
            rows[12][field.name] = wrong_value_of(field)
            server = case.server(rows, envelope=envelope)
            read = []
            async with server.client() as client:
                with pytest.raises(MalformedResponseError, match=rf"data\[\d\]\.{field.name}: expected ") as caught:
                    async for row in case.listing(client).rows(page_size=5, **mode):
                        read.append(row)  # noqa: PERF401 - a comprehension would lose those before the error

            assert case.read(server.rows[:12]) == in_json(read)
            assert WalkPosition(offset=12, yielded=12) == caught.value.position
            assert WRONG not in f"{caught.value!s}{caught.value!r}"


@each_listing
async def test_rows_with_nulls_and_unknown_fields(case: Case) -> None:
    """A walk reads rows with null in any field that may be null but the sort key, and ignores unknown fields."""
    for mode in MODES:
        with told(f"{mode}"):
            assert case.shape is not None
            sort_key = case.declaration.sort_key
            places = [
                place for place, _, may_be_null in case.shape.places() if may_be_null and path_of(place) != sort_key
            ]
            rows = case.rows(20 + len(places))
            rows[: len(places)] = [changed(row, place, None) for row, place in zip(rows, places, strict=False)]
            server = case.server([row | {"tomorrow": {"a": [1]}} for row in rows])
            async with server.client() as client:
                read = [row async for row in case.listing(client).rows(page_size=7, **mode)]

            assert case.read(rows) == in_json(read)


@each_listing
async def test_null_sort_key(case: Case) -> None:
    """Where the sort key may be null, a walk that is not exact reads on, and an exact one names it."""
    for mode in MODES:
        with told(f"{mode}"):
            assert case.shape is not None
            sort_key = case.declaration.sort_key or ""
            rows = case.rows(12)
            rows[7][sort_key] = None
            server = case.server(rows)
            async with server.client() as client:
                walk = case.listing(client).rows(page_size=5, **mode)
                if sort_key in case.shape.required:
                    with pytest.raises(MalformedResponseError, match=f"{sort_key}: expected "):
                        assert 7 == len([row async for row in walk])
                elif mode.get("exact"):
                    with pytest.raises(PaginationError, match=f"a row has no {sort_key} "):
                        assert 7 == len([row async for row in walk])
                else:
                    assert 12 == len([row async for row in walk])


@each_listing
async def test_awaiting_a_listing(case: Case) -> None:
    """Awaiting a listing says how it is iterated over, and sends nothing."""
    server = case.server([])
    async with server.client() as client:
        with pytest.raises(TypeError, match="`async for`"):
            await case.listing(client)

    assert [] == server.requests


@each_listing
def test_repr(case: Case) -> None:
    """A listing shows its path, and none of its filters, which may be personal."""
    text = repr(case.listing(PagedListing([]).client(), **case.arguments()))

    assert f"<Listing of {case.endpoint.path}>" == text


@pytest.mark.parametrize("heavy", [None, True])
@each_listing
def test_budget(case: Case, heavy: bool | None) -> None:
    """What uses up the budget of heavy listings holds back those alone; which ones they are is declared."""
    reset = {"x-ratelimit-remaining-heavy": "0", "x-ratelimit-reset-heavy": "60"}
    server = case.server(case.rows(1), headers=reset)

    async def wait_between_two_pages() -> float:
        async with in_loop_time(server.client()) as client:
            listing = case.listing(client)
            if heavy:
                listing = evolve(listing, declaration=evolve(listing.declaration, heavy=True))
            await listing.page()
            began = now()
            await listing.page()
            return now() - began

    is_heavy = heavy or case.endpoint.path in HEAVY
    assert is_heavy == (run(wait_between_two_pages()) >= 60)
