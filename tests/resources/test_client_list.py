"""`client.list`: a listing of any endpoint, with rows of any class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter, itemgetter
from typing import Any, Final, TypedDict

import pytest
from attrs import frozen
from msgspec import Struct
from paged_listing import PagedListing, each_exact_mode, each_mode, each_mode_with_sort_key

from contactship_async import MalformedResponseError, PaginationError
from contactship_async.models.common import Model

PATH: Final = "/v1/widgets"


@frozen
class AttrsRow:
    """A class of attrs."""

    id: str
    created_at: datetime
    note: str | None = None


@dataclass
class DataclassRow:
    """A dataclass."""

    id: str
    created_at: str


class TypedRow(TypedDict):
    """A typed dictionary."""

    id: str
    created_at: datetime


class StructRow(Struct):
    """A struct of msgspec."""

    id: str
    created_at: str


ROW_TYPES: Final = [dict, AttrsRow, DataclassRow, TypedRow, StructRow]
each_row_type = pytest.mark.parametrize("row_type", ROW_TYPES, ids=lambda one: one.__name__)


def rows_with(keys: Mapping[str, Any] | list[Any], field: str = "created_at") -> list[dict[str, Any]]:
    """Make rows with these sort keys."""
    return [{"id": f"row-{place}", field: key, "note": None, "more": [1]} for place, key in enumerate(keys)]


def dates(number: int) -> list[str]:
    """Name days, the last first; two neighbours share each."""
    return [f"2026-{9 - place // 56:02}-{28 - place % 56 // 2:02}T08:00:00Z" for place in range(number)]


def ids_of(rows: list[Any]) -> list[str]:
    """Return the ids of rows of any class."""
    return [*map(itemgetter("id") if rows and isinstance(rows[0], dict) else attrgetter("id"), rows)]


@pytest.mark.parametrize("envelope", ["F", "D", "bare"])
@each_mode
@each_row_type
async def test_each_row_once(row_type: type[Any], mode: dict[str, Any], envelope: str) -> None:
    """Rows of any class come once and in order, exactly and several pages at a time too, with or without a count."""
    server = PagedListing(rows_with(dates(43)), envelope=envelope)
    async with server.client() as client:
        rows = [row async for row in client.list(PATH, row_type).rows(page_size=7, **mode)]

    assert ids_of([*server.rows]) == ids_of(rows)
    assert {dict if row_type is TypedRow else row_type} == {type(row) for row in rows}
    assert {PATH} == {request.path for request in server.requests}
    assert {"limit", "offset", "order"} == set().union(*server.queries)


@each_mode
async def test_ascending_with_filters(mode: dict[str, Any]) -> None:
    """The order and the filters are parameters by the API's own names; None is not sent."""
    server = PagedListing(rows_with(dates(43)), filters={"status": "open", "deep": "true"}, others=50)
    params: dict[str, Any] = {"status": "open", "deep": True, "none": None, "order": "asc"}
    async with server.client() as client:
        listing = client.list(PATH, params=params)
        rows = [row async for row in listing.rows(page_size=7, **mode)]
        assert 43 == await listing.count()

    assert [*server.rows][::-1] == rows
    assert [{"status": "open", "deep": "true", "order": "asc"}] * len(server.queries) == [
        {name: value for name, value in query.items() if name not in ("limit", "offset")} for query in server.queries
    ]


@each_mode
async def test_order_is_no_filter(mode: dict[str, Any]) -> None:
    """A listing in another order is not filtered: no more rows may be counted than come."""
    server = PagedListing(rows_with(dates(20)), filters={"never": "asked"}, others=9)
    async with server.client() as client:
        with pytest.raises(PaginationError, match="the listing is said to have 29 rows"):
            _ = [row async for row in client.list(PATH, params={"order": "asc"}).rows(page_size=7, **mode)]


@each_exact_mode
@pytest.mark.parametrize(
    "keys",
    [
        ["2026-05-04T10:00:00Z", "2026-05-04T09:00:00.9Z", "2026-05-04T09:00:00.123456+00:00", "2026-05-04T09:00:00"],
        ["2026-05-04T09:00:00+00:00", "2026-05-04T05:00:00-03:00", "2026-05-04 00:00", "2026-05-03T23:59:59.999999Z"],
        [1793000000000, 12, 11.5, 0],
        ["10", "09", "08", "07"],
        ["zeta", "beta", "alpha", "Omega"],
        ["zeta", "20260101", "2026-05-05T", "2026-05-05", "2026-05-04"],
    ],
    ids=["precisions", "zones", "numbers", "digits", "strings", "strings like dates"],
)
async def test_sort_keys(keys: list[Any], mode: dict[str, Any]) -> None:
    """Sort keys are read as times, numbers or strings, whatever their precision and zone: so a walk can be exact."""
    server = PagedListing(rows_with([key for key in keys for _ in range(3)], "rank"))
    async with server.client() as client:
        rows = [row async for row in client.list(PATH, sort_key="rank").rows(page_size=5, **mode)]

    assert [*server.rows] == rows


@each_exact_mode
@pytest.mark.parametrize("key", ["2026-05-04T09:30:00Z", "2026-05-04T06:30:00-03:00"])
async def test_sort_keys_are_no_texts(key: str, mode: dict[str, Any]) -> None:
    """A listing that is sorted as strings but not as times is refused: its rows would be taken for sorted otherwise."""
    server = PagedListing(rows_with(["2026-05-04T10:00:00+02:00", key]))
    async with server.client() as client:
        with pytest.raises(PaginationError, match="not sorted by created_at"):
            _ = [row async for row in client.list(PATH).rows(**mode)]


@each_mode
async def test_row_without_id(mode: dict[str, Any]) -> None:
    """A row without the field that identifies it ends a walk with an error that names the field."""
    rows = rows_with(dates(20))
    for row in rows[9:]:
        del row["id"]
    async with PagedListing(rows).client() as client:
        with pytest.raises(PaginationError, match=r"^a row has no id$"):
            _ = [row async for row in client.list(PATH).rows(page_size=5, **mode)]


@pytest.mark.parametrize("identifier", [None, 1.5, ["row"], {}])
@each_mode
async def test_row_with_wrong_id(identifier: object, mode: dict[str, Any]) -> None:
    """An id that is neither a string nor an integer is none."""
    rows = [row | {"code": identifier} for row in rows_with(dates(2))]
    async with PagedListing(rows).client() as client:
        with pytest.raises(PaginationError, match=r"^a row has no code that is a string or an integer"):
            _ = [row async for row in client.list(PATH, id_field="code").rows(page_size=5, **mode)]


@each_exact_mode
@pytest.mark.parametrize("key", ["missing", None, [], {}])
async def test_row_without_sort_key(key: object, mode: dict[str, Any]) -> None:
    """A row without a sort key ends an exact walk with an error that names the field."""
    rows = rows_with(dates(20))
    for row in rows[9:]:
        row["created_at"] = key
        if key == "missing":
            del row["created_at"]
    async with PagedListing(rows).client() as client:
        with pytest.raises(PaginationError, match=r"^a row has no created_at"):
            _ = [row async for row in client.list(PATH).rows(page_size=5, **mode)]


@each_mode_with_sort_key
@each_row_type
async def test_no_sort_key(row_type: type[Any], mode: dict[str, Any]) -> None:
    """Without a sort key, a walk is neither exact nor concurrent, which is an error before anything is sent."""
    server = PagedListing(rows_with(dates(20)))
    async with server.client() as client:
        listing = client.list(PATH, row_type, sort_key=None)
        with pytest.raises(ValueError, match="exact=True and a concurrency above 1 need a sort_key"):
            listing.rows(**mode)
        assert [] == server.requests
        rows = [row async for row in listing.rows(page_size=5)]

    assert ids_of([*server.rows]) == ids_of(rows)
    assert [] == [query for query in server.queries if "order" in query]


@pytest.mark.parametrize("number", [0, 1, 4, 5, 6, 20, 21])
@each_mode
async def test_without_count(number: int, mode: dict[str, Any]) -> None:
    """A listing without a count is walked one page at a time to its end, however its rows fill the pages."""
    server = PagedListing(rows_with(dates(number)), envelope="bare")
    async with server.client() as client:
        listing = client.list(PATH)
        rows = [row async for row in listing.rows(page_size=5, **mode)]
        page = await listing.page(limit=5)
        with pytest.raises(MalformedResponseError, match="count: missing"):
            await listing.count()

    assert [*server.rows] == rows
    assert (None, [*server.rows][:5]) == (page.count, [*page])


@each_row_type
async def test_page(row_type: type[Any]) -> None:
    """A page has rows of the class, and needs neither their ids nor their sort keys."""
    server = PagedListing(rows_with(dates(7)))
    async with server.client() as client:
        page = await client.list(PATH, row_type, sort_key=None).page(limit=3, offset=1)

    assert ids_of([*server.rows[1:4]]) == ids_of([*page])
    assert [{"limit": "3", "offset": "1"}] == server.queries


@pytest.mark.parametrize("row_type", ROW_TYPES[1:], ids=lambda one: one.__name__)
async def test_malformed_row(row_type: type[Any]) -> None:
    """A row that is none of the class is named by its path, after the rows before it."""
    rows = rows_with(dates(12))
    rows[8]["created_at"] = ["wrong-5551234"]
    read = []
    async with PagedListing(rows).client() as client:
        with pytest.raises(MalformedResponseError, match=r"data\[3\]\.created_at: expected ") as caught:
            async for row in client.list(PATH, row_type).rows(page_size=5):
                read.append(row)  # noqa: PERF401 - a comprehension would lose those before the error

    assert ids_of(rows[:8]) == ids_of(read)
    assert "5551234" not in f"{caught.value!s}{caught.value!r}{caught.value.issues}"


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"path": "v1/widgets"}, ValueError, "path must start with '/'"),
        ({"path": "/v1/../widgets"}, ValueError, "path must not hold"),
        ({"path": "/v1/widgets?a=b"}, ValueError, "path must not hold"),
        ({"path": None}, TypeError, "path must be of type str"),
        ({"params": [("a", "b")]}, TypeError, "params must be of type Mapping"),
        ({"params": {"limit": 5}}, ValueError, "params must hold no limit and no offset"),
        ({"params": {"offset": None}}, ValueError, "params must hold no limit and no offset"),
        ({"params": {"order": "up"}}, ValueError, "order must be 'asc' or 'desc'"),
        ({"params": {"a": object()}}, TypeError, "params\\['a'\\] must be "),
        ({"row_type": list}, TypeError, "row_type must be dict, or a class with fields"),
        ({"row_type": AttrsRow(id="1", created_at=datetime.now(UTC))}, TypeError, "row_type must be dict, or a class"),
        ({"row_type": AttrsRow, "id_field": "code"}, ValueError, "id_field must be a field of AttrsRow: id, "),
        ({"row_type": StructRow, "sort_key": "rank"}, ValueError, "sort_key must be a field of StructRow: id, "),
    ],
)
async def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """A wrong argument is refused when the listing is made, before anything is sent."""
    server = PagedListing([])
    async with server.client() as client:
        with pytest.raises(error, match=f"^{text}"):
            client.list(**{"path": PATH} | arguments)

    assert [] == server.requests


@frozen
class LooseRow(Model):
    """A class of the user's own, after our models, whose rows may lack an id."""

    id: str | None = None
    created_at: str | None = None


@each_mode
async def test_row_class_after_a_model_is_not_trusted(mode: dict[str, Any]) -> None:
    """Only the ids of this package's models are sure to be there."""
    rows = [*rows_with(dates(8)), *({"created_at": "2020-01-01T00:00:00Z"} for _ in range(2))]
    async with PagedListing(rows).client() as client:
        with pytest.raises(PaginationError, match=r"^a row has no id that is a string or an integer"):
            _ = [row async for row in client.list(PATH, LooseRow).rows(page_size=5, **mode)]
