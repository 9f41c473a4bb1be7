"""Walks of listings whose server sends no count, or no longer does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import pytest
from attrs import define, frozen

from contactship_async import ContactshipClient, Listing, ListingDeclaration, Request, Response
from contactship_async._pagination import overlapping
from contactship_async._pagination.anchors import IdAnchor, KeyAnchor
from contactship_async._pagination.overlapping import FAR_OFFSET, OverlappingWalk
from contactship_async._pagination.rows import RowIds, SortKey
from contactship_async._pagination.sequential import SequentialWalk
from contactship_async._pagination.walk import PageRequest, Walk
from contactship_async.errors import MalformedResponseError, PaginationError, WalkPosition
from contactship_async.models.common import Page
from contactship_async.models.tags import Tag


@frozen
class Row:
    """A row."""

    id: str
    key: Any


@define
class PageResponse:
    """What came back for a `PageRequest`."""

    rows: list[Row]
    count: int | None = None
    problem: MalformedResponseError | None = None


IDS: RowIds[Row] = RowIds("id", attrgetter("id"))
ROWS = [Row(f"r{place}", -place) for place in range(12)]


def make_walk(*, exact: bool = False, page_size: int = 4, **settings: Any) -> OverlappingWalk[Row]:
    """Make a walk of a listing without a count."""
    key: SortKey[Row] = SortKey("key", attrgetter("key"))
    return OverlappingWalk(
        anchor=KeyAnchor(IDS, key, 0, descending=True) if exact else IdAnchor(IDS, 0),
        **{"offset": 0, "page_size": page_size, "max_items": None, "filtered": False, "concurrency": 1,
           "trusts_count": not exact, "fallback": None, **settings},
    )  # fmt: skip


def drive(walk: Walk[Row], respond: Callable[[PageRequest], PageResponse]) -> tuple[list[str], list[PageRequest]]:
    """Walk to the end; return the ids that came and what was asked for."""
    came: list[str] = []
    asked: list[PageRequest] = []
    steps = walk.steps()
    try:
        step = next(steps)
        while True:
            if isinstance(step, Page):
                came += [row.id for row in step]
                step = next(steps)
            else:
                assert 1 == len(step), "without a count, pages are asked for one at a time"
                asked.append(step[0])
                step = steps.send(respond(step[0]))
    except StopIteration:
        return came, asked


def without_count(asked: PageRequest) -> PageResponse:
    """Respond as a server without a count does."""
    return PageResponse(ROWS[asked.offset : asked.offset + asked.limit])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_all_rows_one_page_at_a_time(exact: bool, concurrency: int) -> None:
    """Whatever the concurrency, pages are requested one at a time: the start of a second one is not known."""
    came, asked = drive(make_walk(exact=exact, concurrency=concurrency), without_count)

    assert [row.id for row in ROWS] == came
    assert {4} == {request.limit for request in asked}


@pytest.mark.parametrize("max_items", [0, 1, 4, 5, 11, 12, 13])
def test_as_many_as_wanted(max_items: int) -> None:
    """The last page is asked for in full, as a shorter one would hold known rows only."""
    came, _ = drive(make_walk(max_items=max_items), without_count)

    assert [row.id for row in ROWS[:max_items]] == came


def test_hands_over_at_the_first_page() -> None:
    """A walk that expects a count goes on with one that does not, and has its position."""
    walk: SequentialWalk[Row] = SequentialWalk(
        identify=IDS, offset=0, page_size=4, max_items=None, filtered=False, walk_without_count=make_walk()
    )
    assert WalkPosition(0, 0) == walk.position

    came, _ = drive(walk, without_count)

    assert [row.id for row in ROWS] == came
    assert WalkPosition(12, 12) == walk.position


def test_count_that_vanishes() -> None:
    """Once there was a count, a page without one is malformed, and the walk has its position."""
    walk: SequentialWalk[Row] = SequentialWalk(
        identify=IDS, offset=0, page_size=4, max_items=None, filtered=False, walk_without_count=make_walk()
    )
    with pytest.raises(MalformedResponseError, match="count: missing"):
        drive(walk, lambda asked: PageResponse(without_count(asked).rows, None if asked.offset else 12))
    assert WalkPosition(4, 4) == walk.position


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([9, 9, 9, 9, 9, 9, 9, 8], "7 rows share one sort key; pass page_size >= 9"),
        ([9] * 12, "12 rows share one sort key; pass page_size >= 14"),
        ([datetime(2026, 1, 15, tzinfo=UTC)] * 4, "4 rows share 2026-01-15T00:00:00Z; pass page_size >= 6"),
        ([("time", datetime(2026, 1, 15, tzinfo=UTC))] * 4, "4 rows share 2026-01-15T00:00:00Z; pass page_size >= 6"),
        ([("string", "+12025550142")] * 5, "5 rows share one sort key; pass page_size >= 7"),
    ],
)
def test_more_equal_keys_than_a_page_holds(keys: list[Any], reason: str) -> None:
    """They are counted, so that the error can say which page size is enough."""
    rows = [Row(f"r{place}", key) for place, key in enumerate(keys)]
    with pytest.raises(PaginationError, match=f"^{reason}$"):
        drive(make_walk(exact=True), lambda asked: PageResponse(rows[asked.offset : asked.offset + asked.limit]))


def test_equal_keys_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting them ends, too."""
    monkeypatch.setattr(overlapping, "MAX_ROWS_WITH_KEY", 64)
    with pytest.raises(PaginationError, match=r"^64 rows share one sort key"):
        drive(
            make_walk(exact=True),
            lambda asked: PageResponse([Row(f"r{asked.offset + place}", 5) for place in range(asked.limit)]),
        )


def test_no_new_row_for_ever() -> None:
    """A walk of a server that repeats full pages fails, and the error mentions no count."""
    with pytest.raises(PaginationError, match=r"^18 consecutive pages brought no new row; 4 came$"):
        drive(make_walk(), lambda asked: PageResponse(ROWS[:4]))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_server_that_sends_the_same_for_every_offset(number: int) -> None:
    """It sends all it has, as it shows by doing so far behind any end; with proof wanted, that is none."""
    came, asked = drive(make_walk(), lambda _: PageResponse(ROWS[:number]))

    assert [row.id for row in ROWS[:number]] == came
    assert FAR_OFFSET == asked[-1].offset
    with pytest.raises(PaginationError):
        drive(make_walk(exact=True), lambda _: PageResponse(ROWS[:number]))


def test_server_with_small_pages_is_asked_only_once_whether_it_knows_offsets() -> None:
    """However often pages bring nothing new, the far page is requested once."""
    asked: list[int] = []

    def respond(request: PageRequest) -> PageResponse:
        asked.append(request.offset)
        return PageResponse(ROWS[:2] if request.offset != FAR_OFFSET else [])

    with pytest.raises(PaginationError):
        drive(make_walk(), respond)
    assert 1 == asked.count(FAR_OFFSET)


async def test_listing_that_is_declared_without_a_count() -> None:
    """It is walked with overlapping pages from the first, and refuses to count before anything is sent."""
    queries: list[dict[str, str]] = []

    async def transport(request: Request) -> Response:
        queries.append(dict(request.query))
        offset, limit = int(queries[-1]["offset"]), int(queries[-1]["limit"])
        rows = [{"id": f"t{place}", "name": "x"} for place in range(7)]
        return Response(status=200, body=json.dumps(rows[offset : offset + limit]).encode())

    declaration = ListingDeclaration("/v1/things", Tag, has_count=False)
    async with ContactshipClient("key", transport=transport) as client:
        listing = Listing(declaration, client._caller)
        with pytest.raises(PaginationError, match="sends no count"):
            await listing.count()
        assert [] == queries
        assert [f"t{place}" for place in range(7)] == [tag.id async for tag in listing.rows(page_size=3)]
        assert [0, 2, 4, 6] == [int(query["offset"]) for query in queries]
        assert 7 == len([tag async for tag in listing.rows(page_size=1)])
