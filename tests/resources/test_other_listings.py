"""Each listing that is sent whole or by cursor, found by the return types of the resources' methods."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import pytest
from attrs import define, field
from called_resources import CALLED, Called, enveloped, prefix_of, query_of, told
from made_up import WRONG, changed, in_json, path_of, payload_of, wrong_value_of

from contactship_async import (
    AnyListing,
    ContactshipClient,
    MalformedResponseError,
    PaginationError,
    Request,
    Response,
    RetryPolicy,
)

ENVELOPES: Final = {"no": ("F", "D", "bare", "waba"), "cursor": ("waba",)}
"""The envelopes in which rows may come, by how the endpoint is paginated: only one of them has cursors."""

SIZE: Final = 5
"""How many rows are asked for at once, where that can be said."""

WALKS: Final = ("rows", "pages", "prefetch", "prefetched pages", "for")


class Case(Called):
    """A method that returns such a listing, and the endpoint behind it."""

    @property
    def is_whole(self) -> bool:
        """Whether all rows come at once."""
        return self.endpoint.paginated == "no"

    @property
    def options(self) -> dict[str, Any]:
        """How a walk is asked to go."""
        return {} if self.is_whole else {"page_size": SIZE}

    @property
    def filters(self) -> dict[str, str]:
        """What each request asks for."""
        return query_of(self.endpoint.parameters)

    def rows(self, number: int) -> list[dict[str, Any]]:
        """Make up rows."""
        name = self.endpoint.response_fields[0].name
        return [payload_of(self.endpoint.response_fields) | {name: f"row-{place}"} for place in range(number)]

    def listing(self, client: ContactshipClient) -> Any:
        """Call the method."""
        return attrgetter(self.name)(client)(*self.identifiers, **self.arguments())


CASES: Final = [
    Case(called.name, called.endpoint)
    for called in CALLED
    if called.endpoint.is_listing and called.endpoint.paginated != "offset"
]

WHOLE: Final = [case for case in CASES if case.is_whole]

each_listing = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@define
class Server:
    """Returns all of its rows, or the page that a cursor asks for.

    Args:
        case: The listing.
        rows: All of them.
        envelope: Of those that come whole.
        more: What is said besides, in place of what the envelope has.
    """

    case: Case
    rows: Sequence[Mapping[str, Any]]
    envelope: str = "waba"
    more: Mapping[str, Any] = field(factory=dict)
    requests: list[Request] = field(factory=list)

    def client(self) -> ContactshipClient:
        """Make a client that talks to this server, once for each call."""
        return ContactshipClient("key", transport=self.transport, retry=RetryPolicy(max_attempts=1))

    @property
    def queries(self) -> list[dict[str, str]]:
        """The queries that came."""
        return [dict(request.query) for request in self.requests]

    async def transport(self, request: Request) -> Response:
        """Respond to one request."""
        self.requests.append(request)
        query = dict(request.query)
        if self.case.is_whole:
            response = enveloped(self.envelope, [*self.rows], self.case.endpoint.rows_field)
            if not self.more:
                return response
            return Response(status=200, body=json.dumps(json.loads(response.body) | self.more).encode())
        begin = int(query.get("after", 0))
        end = begin + int(query["limit"])
        after = {"after": f"{end}"} if end < len(self.rows) else {}
        body = {
            "success": True,
            "data": [*self.rows[begin:end]],
            "paging": {"cursors": {"before": f"{begin}", **after}},
        }
        return Response(status=200, body=json.dumps(body).encode())


async def walk(listing: AnyListing[Any], way: str, **options: Any) -> list[Any]:
    """Iterate over a listing in one of the ways in which that can be done."""
    if way == "for":
        return [row async for row in listing]
    if way == "rows":
        return [row async for row in listing.rows(**options)]
    if way == "pages":
        return [row async for page in listing.pages(**options) for row in page]
    async with listing.prefetch(**options) as ahead:
        if way == "prefetch":
            return [row async for row in ahead]
        return [row async for page in ahead.pages() for row in page]


@each_listing
async def test_each_row_once(case: Case) -> None:
    """All rows come once and in order, from each envelope, and each request asks for the filters and the next page."""
    rows = case.rows(12)
    expected = case.read(rows)
    for envelope in ENVELOPES[case.endpoint.paginated]:
        for way in WALKS:
            with told(f"{envelope} {way}"):
                server = Server(case, rows, envelope)
                async with server.client() as client:
                    read = await walk(case.listing(client), way, **case.options)
                    size = SIZE if way != "for" else case.listing(client).declaration.page_size

                windows = [{}] if case.is_whole else [{"limit": f"{size}"}]
                if size < len(rows) and not case.is_whole:
                    windows += [{"limit": f"{size}", "after": f"{begin}"} for begin in range(size, len(rows), size)]
                assert expected == in_json(read)
                assert [case.filters | window for window in windows] == server.queries
                assert {case.path} == {request.path for request in server.requests}


@each_listing
async def test_max_items(case: Case) -> None:
    """As many rows come as are wanted, and no request is sent for none, nor for a page behind the last one wanted."""
    rows = case.rows(12)
    expected = case.read(rows)
    for way in WALKS[:-1]:
        for most in (0, 1, 5, 6, 12, 99):
            with told(f"{way} {most}"):
                server = Server(case, rows)
                async with server.client() as client:
                    read = await walk(case.listing(client), way, max_items=most, **case.options)

                assert expected[:most] == in_json(read)
                if way in {"rows", "pages"}:
                    pages = min(most, 1) if case.is_whole else -(-min(most, len(rows)) // SIZE)
                    assert pages == len(server.requests)


@each_listing
async def test_count(case: Case) -> None:
    """Rows that come whole are counted; where there are cursors, there is no count, and nothing is sent."""
    server = Server(case, case.rows(12))
    async with server.client() as client:
        if case.is_whole:
            assert 12 == await case.listing(client).count()
        else:
            with pytest.raises(PaginationError, match=f"^{case.endpoint.path} sends no count"):
                await case.listing(client).count()

    assert [case.filters] * case.is_whole == server.queries


@each_listing
async def test_malformed_row(case: Case) -> None:
    """The rows before a malformed one come; then an error with its path, which quotes nothing."""
    first = case.endpoint.response_fields[0]
    rows = case.rows(12)
    rows[7][first.name] = wrong_value_of(first)
    for envelope in ENVELOPES[case.endpoint.paginated]:
        with told(envelope):
            read = []
            place = 7 if case.is_whole else 7 - SIZE
            path = f"{prefix_of(envelope, case.endpoint).removesuffix('[0]')}[{place}].{first.name}"
            async with Server(case, rows, envelope).client() as client:
                with pytest.raises(MalformedResponseError) as caught:
                    async for row in case.listing(client).rows(**case.options):
                        read.append(row)  # noqa: PERF401 - a comprehension would lose those before the error

            assert case.read(rows[:7]) == in_json(read)
            assert [path] == [issue.split(":")[0] for issue in caught.value.issues]
            assert caught.value.position is not None
            assert 7 == caught.value.position.yielded
            assert WRONG not in f"{caught.value!s}{caught.value!r}"


@each_listing
async def test_rows_with_nulls_and_unknown_fields(case: Case) -> None:
    """A walk reads rows with null in any field that may be null, and ignores unknown fields."""
    assert case.shape is not None
    places = [place for place, _, may_be_null in case.shape.places() if may_be_null]
    rows = case.rows(len(places))
    rows = [changed(row, place, None) for row, place in zip(rows, places, strict=True)]
    for envelope in ENVELOPES[case.endpoint.paginated]:
        server = Server(case, [row | {"tomorrow": {"a": [1]}} for row in rows], envelope)
        async with server.client() as client:
            read = await walk(case.listing(client), "rows", **case.options)

        with told(f"{envelope} {[path_of(place) for place in places]}"):
            assert case.read(rows) == in_json(read)


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.name)
async def test_missing_rows(case: Case) -> None:
    """A number of more rows than came whole is an error, once those that came are there."""
    rows = case.rows(3)
    field_ = case.endpoint.rows_field
    more = {"data": {f"total_{field_}": 9, field_: rows}} if field_ else {"pagination": {"total_rows": 9}}
    server = Server(case, rows, "F", more=more)
    async with server.client() as client:
        for way in WALKS:
            with told(way), pytest.raises(PaginationError, match="only 3 of 9 rows did"):
                await walk(case.listing(client), way)
        with pytest.raises(PaginationError, match="only 3 of 9 rows did"):
            await case.listing(client).count()
        assert case.read(rows) == in_json(await walk(case.listing(client), "rows", max_items=3))


@each_listing
async def test_wrong_options(case: Case) -> None:
    """The options of a walk are checked when it is made, and those that mean nothing here are none."""
    server = Server(case, case.rows(3))
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ValueError, "^max_items must be ", {"max_items": -1}),
        (TypeError, "^max_items must be ", {"max_items": True}),
        *[(TypeError, name, {name: value}) for name, value in (("offset", 1), ("concurrency", 2), ("exact", True))],
        (TypeError, "page_size", {"page_size": "7"}),
    ]
    if not case.is_whole:
        wrong.append((ValueError, "^page_size must be ", {"page_size": 0}))
    async with server.client() as client:
        listing = case.listing(client)
        for error, text, options in wrong:
            for make in (listing.rows, listing.pages, listing.prefetch):
                with pytest.raises(error, match=text):
                    make(**options)
        with pytest.raises(TypeError, match="`async for`"):
            await listing

    assert [] == server.requests
    assert f"<{type(listing).__name__} of {listing.declaration.path}>" == repr(listing)
