"""Listings that come whole, or in pages by cursor, through the client and a server made up here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from turns import pass_turns

from contactship_async import (
    AnyListing,
    ContactshipClient,
    CursorListing,
    Listing,
    ListingDeclaration,
    MalformedResponseError,
    PaginationError,
    Request,
    Response,
    ServerError,
    WholeListing,
)
from contactship_async._pagination.walk import MAX_PAGES_WITHOUT_NEW_ROWS
from contactship_async.models.common import Model, NonEmptyText


@frozen
class Thing(Model):
    """A row."""

    id: NonEmptyText
    name: str | None = None


DECLARATION = ListingDeclaration("/v1/things/{owner_id}/parts", Thing, sort_key=None, page_size=3, largest_page=9)
ROWS = [{"id": f"t{place}", "name": None, "unknown": 1} for place in range(8)]
IDS = [f"t{place}" for place in range(8)]

Respond = Callable[[Mapping[str, str]], Any]


class Server:
    """Responds to each request by its query, and keeps it."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        """Respond to one request."""
        self.asked.append(request)
        content = self.respond(dict(request.query))
        if isinstance(content, int):
            return Response(status=content)
        return Response(status=200, body=json.dumps(content).encode())

    def listing(self, kind: type[Any], **filters: object) -> Any:
        """Make a listing that asks here."""
        client = ContactshipClient("key", base_url="https://api.example.com", transport=self)
        return kind(DECLARATION, client._caller, filters, identifiers={"owner_id": "a/b"})

    @property
    def queries(self) -> list[dict[str, str]]:
        """What was asked."""
        return [dict(request.query) for request in self.asked]


async def ids_of(listing: AnyListing[Thing], **options: Any) -> list[str]:
    """Return the ids that come."""
    return [row.id async for row in listing.rows(**options)]


WHOLE = {
    "older": ROWS,
    "newer": {"statusCode": 200, "data": ROWS},
    "counted": {"data": ROWS, "count": 8},
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
async def test_whole(content: Any) -> None:
    """One request brings all rows, whatever envelope they are in, and whatever the server counts."""
    server = Server(lambda _: content)
    listing = server.listing(WholeListing, direction="in", label=None)

    assert IDS == [row.id async for row in listing]
    assert IDS[:2] == await ids_of(listing, max_items=2)
    [page] = [page async for page in listing.pages()]
    assert (IDS, 8, 0, None, None) == ([row.id for row in page], page.count, page.offset, page.limit, page.next_offset)
    assert 8 == await listing.count()
    assert ["/v1/things/a%2Fb/parts"] * 4 == [request.path for request in server.asked]
    assert [{"direction": "in"}] * 4 == server.queries


async def test_whole_that_is_not_whole() -> None:
    """Where the server counts more rows than it sends, those it sends come, and then an error."""
    listing = Server(lambda _: {"data": ROWS, "count": 9}).listing(WholeListing)
    with pytest.raises(PaginationError, match="only 8 of 9 rows"):
        await ids_of(listing)
    with pytest.raises(PaginationError, match="only 8 of 9 rows"):
        await listing.count()
    assert IDS == await ids_of(listing, max_items=8)


async def test_whole_without_rows() -> None:
    """Nothing comes of nothing, and nothing is asked for where no row is wanted."""
    server = Server(lambda _: [])
    listing = server.listing(WholeListing)

    assert [] == await ids_of(listing)
    assert [] == [page async for page in listing.pages()]
    assert 0 == await listing.count()
    assert 3 == len(server.asked)
    assert [] == await ids_of(listing, max_items=0)
    assert 3 == len(server.asked)


async def test_whole_with_a_malformed_row() -> None:
    """The rows before it come, and the error says how many; those who want no more see no error."""
    server = Server(lambda _: [*ROWS[:2], {"id": None}, *ROWS[2:]])
    listing = server.listing(WholeListing)
    came: list[str] = []
    with pytest.raises(MalformedResponseError, match=r"\[2\].id: expected a non-empty") as caught:
        async for row in listing:
            came.append(row.id)  # noqa: PERF401 - kept when the iteration fails

    assert IDS[:2] == came
    assert caught.value.position is not None
    assert 2 == caught.value.position.yielded
    assert IDS[:2] == await ids_of(listing, max_items=2)
    with pytest.raises(MalformedResponseError):
        await listing.count()


async def test_failure_has_a_position() -> None:
    """As in all walks."""
    for kind in (WholeListing, CursorListing):
        with pytest.raises(ServerError) as caught:
            await ids_of(Server(lambda _: 501).listing(kind))

        assert caught.value.position is not None
        assert 0 == caught.value.position.yielded


def by_cursor(rows: Sequence[Mapping[str, object]], last: object = None) -> Respond:
    """Respond as the templates' endpoint does; *last* is the `paging` of the last page."""

    def respond(query: Mapping[str, str]) -> object:
        start, limit = int(query.get("after", "c0")[1:]), int(query["limit"])
        end = start + limit
        paging = {"cursors": {"before": "x", "after": f"c{end}"}} if end < len(rows) else last
        return {"success": True, "data": rows[start:end], "paging": paging}

    return respond


LASTS: dict[str, Any] = {
    "no paging": None,
    "no cursors": {},
    "null cursors": {"cursors": None},
    "no after": {"cursors": {}},
    "null after": {"cursors": {"after": None}},
    "empty after": {"cursors": {"after": ""}},
    "a cursor behind the end": {"cursors": {"after": "c99"}},
}


@pytest.mark.parametrize("last", LASTS.values(), ids=LASTS)
@pytest.mark.parametrize("number", [0, 1, 3, 6, 8])
async def test_cursor(number: int, last: object) -> None:
    """Each row comes once, in order, whichever way the last page shows that it is the last."""
    server = Server(by_cursor(ROWS[:number], last))
    listing = server.listing(CursorListing, channel="c", label=None)

    assert IDS[:number] == await ids_of(listing)
    assert {"limit": "3", "channel": "c"} == server.queries[0]
    assert all({"limit": "3", "channel": "c", "after": f"c{3 * place}"} == query
               for place, query in enumerate(server.queries[1:], 1) if query["after"] != "c99")  # fmt: skip


@given(st.integers(0, 8), st.integers(1, 9), st.none() | st.integers(0, 9))
async def test_any_cursor_window(number: int, page_size: int, max_items: int | None) -> None:
    """Any page size and number of rows wanted cut the same listing, in pages that say where they are."""
    server = Server(by_cursor(ROWS[:number]))
    listing: CursorListing[Thing] = server.listing(CursorListing)
    pages = [page async for page in listing.pages(page_size=page_size, max_items=max_items)]

    assert IDS[:number][:max_items] == [row.id for page in pages for row in page]
    assert [page_size * place for place in range(len(pages))] == [page.offset for page in pages]
    assert {page_size} >= {page.limit for page in pages}
    wanted = number if max_items is None else min(number, max_items)
    assert len(server.asked) == (0 if max_items == 0 else max(-(-wanted // page_size), 1))


async def test_cursor_repeats_no_row() -> None:
    """A page that is repeated, or overlaps, adds only what is new."""
    pages = {None: (0, 3, "a"), "a": (1, 5, "b"), "b": (1, 5, "c"), "c": (5, 8, None)}

    def respond(query: Mapping[str, str]) -> object:
        start, end, after = pages[query.get("after")]
        return {"data": ROWS[start:end], "paging": {"cursors": {"after": after}}}

    assert IDS == await ids_of(Server(respond).listing(CursorListing))


async def test_cursor_that_leads_nowhere() -> None:
    """A page whose cursor is its own, and pages without a new row for ever, are errors and not the end."""
    own = Server(lambda query: {"data": ROWS[:3], "paging": {"cursors": {"after": "same"}}})
    with pytest.raises(PaginationError, match="its own cursor"):
        await ids_of(own.listing(CursorListing))
    assert 2 == len(own.asked)

    endless = Server(lambda query: {"data": ROWS[:3], "paging": {"cursors": {"after": f"{query.get('after', '')}x"}}})
    with pytest.raises(PaginationError, match="consecutive pages brought no new row"):
        await ids_of(endless.listing(CursorListing))
    assert MAX_PAGES_WITHOUT_NEW_ROWS + 2 == len(endless.asked)


async def test_cursor_with_a_malformed_row() -> None:
    """The rows before it come."""
    rows: list[Any] = [*ROWS[:4], {"name": "no id"}, *ROWS[4:]]
    listing = Server(by_cursor(rows)).listing(CursorListing)
    came: list[str] = []
    with pytest.raises(MalformedResponseError, match=r"data\[1\].id: missing") as caught:
        async for row in listing:
            came.append(row.id)  # noqa: PERF401 - kept when the iteration fails

    assert IDS[:4] == came
    assert caught.value.position is not None
    assert 4 == caught.value.position.yielded
    assert IDS[:4] == await ids_of(listing, max_items=4)


async def test_cursor_sends_no_count() -> None:
    """To count the rows, one has to iterate over them; nothing is sent to say so."""
    server = Server(by_cursor(ROWS))
    with pytest.raises(PaginationError, match="sends no count"):
        await server.listing(CursorListing).count()
    assert [] == server.asked


WRONG = [
    (WholeListing, {"max_items": -1}, ValueError, "max_items must be an integer >= 0, not -1"),
    (WholeListing, {"max_items": "1"}, TypeError, "max_items must be an integer >= 0, not str"),
    (CursorListing, {"max_items": -1}, ValueError, "max_items must be an integer >= 0, not -1"),
    (CursorListing, {"page_size": 0}, ValueError, "page_size must be an integer from 1 to 9, not 0"),
    (CursorListing, {"page_size": 10}, ValueError, "page_size must be an integer from 1 to 9, not 10"),
]


@pytest.mark.parametrize(("kind", "options", "error", "text"), WRONG)
def test_wrong_arguments(kind: type[Any], options: dict[str, Any], error: type[Exception], text: str) -> None:
    """They are refused at the call, before anything is sent."""
    server = Server(lambda _: [])
    for iterate in (server.listing(kind).rows, server.listing(kind).pages):
        with pytest.raises(error, match=f"^{text}$"):
            iterate(**options)
    assert [] == server.asked


@pytest.mark.parametrize("kind", [WholeListing, CursorListing])
async def test_values(kind: type[Any]) -> None:
    """A listing shows where it is from, and nothing of what is asked for; it is not awaited."""
    filters = {"phone_number": "+12025550142"}
    listing = Server(lambda _: []).listing(kind, **filters)

    assert f"<{kind.__name__} of /v1/things/{{owner_id}}/parts>" == repr(listing)
    with pytest.raises(TypeError, match="async for"):
        await listing
    with pytest.raises(AttributeError):
        listing.filters = {}
    with pytest.raises(TypeError):
        listing.filters["phone_number"] = ""


@pytest.mark.parametrize("identifier", ["", ".", "..", "\ud800"])
def test_identifier_that_is_no_segment(identifier: str) -> None:
    """It is refused when the listing is made."""
    client = ContactshipClient("key", transport=Server(lambda _: []))
    with pytest.raises(ValueError, match="owner_id must be a non-empty string"):
        WholeListing(DECLARATION, client._caller, identifiers={"owner_id": identifier})


def test_any_listing_is_none() -> None:
    """Its methods are those of the kinds of listings."""
    client = ContactshipClient("key", transport=Server(lambda _: []))
    with pytest.raises(TypeError, match="abstract"):
        AnyListing(DECLARATION, client._caller)  # type: ignore[abstract] # which is what is tried


async def test_cursor_of_a_hostile_server() -> None:
    """A cursor that would make a URL of kilobytes is malformed, and is not sent back."""
    server = Server(lambda _: {"data": ROWS[:3], "paging": {"cursors": {"after": "x" * 8193}}})
    with pytest.raises(MalformedResponseError, match=r"paging.cursors.after: expected a string of at most"):
        await ids_of(server.listing(CursorListing))
    assert 1 == len(server.asked)


async def test_what_to_await_instead() -> None:
    """The error of an awaited listing names what it has."""
    server = Server(lambda _: [])
    for kind, method in ((Listing, "page"), (WholeListing, "count"), (CursorListing, "count")):
        with pytest.raises(TypeError, match=rf"`async for`, or await its {method}\(\)$"):
            await server.listing(kind)


async def test_whole_ahead() -> None:
    """The one request is sent at `async with`, and all rows come of it, or as many as wanted."""
    server = Server(lambda _: ROWS)
    prefetch = server.listing(WholeListing).prefetch(max_items=5)
    assert [] == server.asked
    async with prefetch as ahead:
        await pass_turns()
        assert 1 == len(server.asked)
        assert IDS[:5] == [row.id async for row in ahead]
    assert 1 == len(server.asked)


async def test_cursor_ahead() -> None:
    """While the consumer has a page, the next one is fetched, and no other: only a page says where the next begins."""
    server = Server(by_cursor(ROWS))
    requests = []
    async with server.listing(CursorListing).prefetch(page_size=3) as ahead:
        async for row in ahead:
            await pass_turns()
            requests.append((row.id, len(server.asked)))

    assert [*zip(IDS, [2, 2, 2, 3, 3, 3, 3, 3], strict=True)] == requests


@pytest.mark.parametrize("kind", [WholeListing, CursorListing])
def test_wrong_arguments_ahead(kind: type[Any]) -> None:
    """They are refused by the call itself, before anything is sent."""
    server = Server(lambda _: ROWS)
    with pytest.raises(ValueError, match="max_items must be an integer >= 0, not -1"):
        server.listing(kind).prefetch(max_items=-1)
    assert [] == server.asked
