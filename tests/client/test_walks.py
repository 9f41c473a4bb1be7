"""The public walks and single calls, over an in-memory sandbox and over transports of the test's own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jumping_loop import run
from paged_listing import PagedListing

from contactship_async import (
    ContactshipError,
    MalformedResponseError,
    NotFoundError,
    PaginationError,
    PhoneNumber,
    PhoneNumberType,
    RetryPolicy,
    ServerError,
    SortOrder,
    WalkPosition,
)
from contactship_async.sandbox import EmptyPage, RepeatPage, Sandbox, Status

ONE_ATTEMPT = RetryPolicy(max_attempts=1)


def ids(numbers: Sequence[PhoneNumber]) -> list[str]:
    """Name the numbers."""
    return [number.id for number in numbers]


def listed(sandbox: Sandbox, type_: str | None = None) -> list[str]:
    """Name what the sandbox has, newest first."""
    return [row["id"] for row in sandbox.phone_numbers if type_ in (None, row["type"])]


MODES: list[dict[str, Any]] = [
    {"concurrency": 1, "exact": False},
    {"concurrency": 4, "exact": False},
    {"concurrency": 1, "exact": True},
    {"concurrency": 16, "exact": True},
]


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("number", [0, 1, 2, 99, 100, 101, 250, 2_000])
async def test_every_number_once_by_overlapping_pages(
    number: int, order: Literal["asc", "desc"], mode: dict[str, Any]
) -> None:
    """All numbers come once and in order concurrently and with proof too, for little more."""
    sandbox = Sandbox(number)
    async with sandbox.client() as client:
        numbers = [number async for number in client.iter_phone_numbers(order=order, **mode)]

    assert listed(sandbox) == ids(numbers if order == "desc" else numbers[::-1])
    assert len(sandbox.requests) <= number // 98 + 3


@pytest.mark.parametrize("envelope", ["count", "pagination"])
@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250, 10_000])
async def test_every_number_once(
    number: int, order: Literal["asc", "desc"], envelope: Literal["count", "pagination"]
) -> None:
    """All numbers come once, in order, in as few calls as possible."""
    sandbox = Sandbox(number, envelope=envelope)
    async with sandbox.client() as client:
        numbers = [number async for number in client.iter_phone_numbers(order=order)]

    assert listed(sandbox) == ids(numbers if order == "desc" else numbers[::-1])
    assert max(1, -(-number // 100)) == len(sandbox.requests)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count_follows_filter", [True, False])
@pytest.mark.parametrize("type_", list(PhoneNumberType))
async def test_filter(type_: PhoneNumberType, count_follows_filter: bool, mode: dict[str, Any]) -> None:
    """A filtered walk yields the numbers of that type, whether or not the server's count follows the filter."""
    sandbox = Sandbox(57, count_follows_filter=count_follows_filter)
    async with sandbox.client() as client:
        numbers = [number async for number in client.iter_phone_numbers(type=type_, page_size=10, **mode)]

    assert listed(sandbox, type_) == ids(numbers)
    assert {type_} == {number.type for number in numbers}
    unfiltered = [call.params for call in sandbox.requests if "type" not in call.params]
    assert ([] if count_follows_filter else [{"limit": "1", "offset": "0", "order": "desc"}]) == unfiltered


@given(
    number=st.integers(0, 60),
    page_size=st.integers(1, 70),
    offset=st.integers(0, 70),
    cap=st.integers(1, 30),
    mode=st.sampled_from(MODES),
    data=st.data(),
)
def test_any_window(  # noqa: PLR0913, PLR0917 - drawn
    number: int, page_size: int, offset: int, cap: int, mode: dict[str, Any], data: st.DataObject
) -> None:
    """Any offset, page size, cap and number of items wanted cut the same listing, in any way to walk."""
    max_items = data.draw(st.none() | st.integers(0, 70))
    if mode["exact"]:
        page_size, cap = max(page_size, 3), max(cap, 3)
    sandbox = Sandbox(number, max_limit=cap)

    async def walk() -> list[PhoneNumber]:
        async with sandbox.client() as client:
            walk = client.iter_phone_numbers(page_size=page_size, offset=offset, max_items=max_items, **mode)
            return [number async for number in walk]

    assert listed(sandbox)[offset:][:max_items] == ids(asyncio.run(walk()))


@pytest.mark.parametrize(
    ("max_items", "windows"), [(0, []), (1, [(1, 0)]), (100, [(100, 0)]), (250, [(100, 0), (100, 100), (50, 200)])]
)
async def test_no_needless_call(max_items: int, windows: list[tuple[int, int]]) -> None:
    """No page is asked for that is not needed, and no row that is not wanted."""
    sandbox = Sandbox(1000)
    async with sandbox.client() as client:
        _ = [number async for number in client.iter_phone_numbers(max_items=max_items)]

    assert windows == [(int(call.params["limit"]), int(call.params["offset"])) for call in sandbox.requests]


async def test_lazy() -> None:
    """Nothing is sent before the first number is wanted, nor the next page before its first number is."""
    sandbox = Sandbox(10)
    async with sandbox.client() as client, aclosing(client.iter_phone_numbers(page_size=5)) as walk:
        assert [] == sandbox.requests
        for _ in range(5):
            await anext(walk)
        assert 1 == len(sandbox.requests)
        await anext(walk)
        assert 2 == len(sandbox.requests)


async def test_real_async_generators() -> None:
    """Both walks are async generators, obtained without await."""
    client = Sandbox().client()

    assert inspect.isasyncgen(client.iter_phone_numbers())
    assert inspect.isasyncgen(client.iter_phone_number_pages())


async def test_filters_are_frozen_and_sent() -> None:
    """Limit, offset, order and filter go out with every page."""
    sandbox = Sandbox(4)
    async with sandbox.client() as client:
        _ = [number async for number in client.iter_phone_numbers(type="inbound", order=SortOrder.ASC, page_size=1)]

    assert [
        {"limit": "1", "offset": str(offset), "order": "asc", "type": "inbound"}
        for offset in range(len(sandbox.requests))
    ] == [call.params for call in sandbox.requests]


async def test_pages() -> None:
    """The pages of a walk hold the same numbers, with count, place and what was asked for."""
    sandbox = Sandbox(25)
    async with sandbox.client() as client:
        pages = [page async for page in client.iter_phone_number_pages(page_size=10)]

    assert [(10, 25, 0, 10), (10, 25, 10, 10), (5, 25, 20, 10)] == [
        (len(page), page.count, page.offset, page.limit) for page in pages
    ]
    assert [10, 20, None] == [page.next_offset for page in pages]


async def test_numbers_added_and_removed_while_walking() -> None:
    """Numbers added and removed between the pages neither hide nor repeat one that was there throughout."""
    sandbox = Sandbox(100)
    before = listed(sandbox)
    changes = iter(range(1000))

    def change(_: object) -> None:
        step = next(changes)
        if step % 2:
            sandbox.add_phone_number()
        elif step:
            sandbox.remove_phone_number(sandbox.phone_numbers[step * 7 % len(sandbox.phone_numbers)]["id"])

    sandbox.on_request = change
    async with sandbox.client() as client:
        walked = ids([number async for number in client.iter_phone_numbers(page_size=9)])
    stable = [identifier for identifier in before if identifier in listed(sandbox)]

    assert len(set(walked)) == len(walked)
    assert stable == [identifier for identifier in walked if identifier in set(stable)]


@pytest.mark.parametrize(
    ("fault", "error"), [(RepeatPage(), PaginationError), (EmptyPage(), PaginationError), (Status(404), NotFoundError)]
)
async def test_resume_after_an_error(fault: Any, error: type[ContactshipError]) -> None:
    """Numbers before the failing page are delivered, and the walk goes on from the error's position without a gap."""
    sandbox = Sandbox(25)
    sandbox.script(None, fault)
    walked: list[PhoneNumber] = []
    async with sandbox.client() as client:
        with pytest.raises(error) as caught:
            async for number in client.iter_phone_numbers(page_size=10):
                walked.append(number)  # noqa: PERF401 - keeps the numbers that come before the error
        assert WalkPosition(offset=10, yielded=10) == caught.value.position
        walked += [number async for number in client.iter_phone_numbers(page_size=10, offset=10)]

    assert listed(sandbox) == ids(walked)


async def test_malformed_row_does_not_take_its_page_along() -> None:
    """The rows before a malformed one are yielded, and the walk goes on past it."""
    rows: list[dict[str, Any]] = [dict(row) for row in Sandbox(12).phone_numbers]
    rows[7]["created_at"] = None

    walked: list[str] = []
    async with PagedListing(rows, envelope="D").client() as client:
        with pytest.raises(MalformedResponseError) as caught:
            async for number in client.iter_phone_numbers(page_size=5):
                walked.append(number.id)  # noqa: PERF401 - keeps the numbers that come before the error
        assert ("data[2].created_at: expected a date and time, got null",) == caught.value.issues
        assert WalkPosition(offset=7, yielded=7) == caught.value.position
        with pytest.raises(MalformedResponseError, match="created_at"):
            await client.list_phone_numbers(limit=12, offset=0)
        walked += [number.id async for number in client.iter_phone_numbers(page_size=5, offset=8)]

    assert [row["id"] for row in rows if row["created_at"]] == walked


@pytest.mark.parametrize("options", [{}, {"concurrency": 4}, {"exact": True}, {"exact": True, "concurrency": 4}])
async def test_recipe_that_skips_malformed_rows(options: dict[str, Any]) -> None:
    """From behind each row that can't be read, whose value and place the error tells, all others come."""
    rows: list[dict[str, Any]] = [dict(row) for row in Sandbox(40).phone_numbers]
    for place in (0, 7, 8, 39):
        rows[place]["created_at"] = None

    walked: list[str] = []
    skipped: list[Any] = []
    notes: list[str] = []
    offset: int | None = 0
    async with PagedListing(rows, envelope="D").client() as client:
        while offset is not None:
            try:
                async for number in client.iter_phone_numbers(page_size=5, offset=offset, **options):
                    walked.append(number.id)  # noqa: PERF401 - keeps the numbers that come before the error
                offset = None
            except MalformedResponseError as error:
                if error.row is None or error.position is None:
                    raise
                skipped.append(error.row.value)
                offset = error.position.offset + 1
                notes += error.__notes__

    assert [rows[place] for place in (0, 7, 8, 39)] == skipped
    assert [f"To go on behind the malformed row, pass offset={place}." for place in (1, 8, 9, 40)] == notes
    assert [row["id"] for row in rows if row["created_at"]] == walked


async def test_single_page_sends_only_what_is_given() -> None:
    """One page is one call; what is not given is left to the server."""
    sandbox = Sandbox(8)
    async with sandbox.client() as client:
        default = await client.list_phone_numbers()
        none = await client.list_phone_numbers(limit=0)
        asked = await client.list_phone_numbers(limit=2, offset=3, order="asc", type="inbound")

    assert [{}, {"limit": "0", "offset": "0"}, {"limit": "2", "offset": "3", "order": "asc", "type": "inbound"}] == [
        call.params for call in sandbox.requests
    ]
    assert (5, 8, 0, None, 5) == (len(default), default.count, default.offset, default.limit, default.next_offset)
    assert (0, 8) == (len(none), none.count)
    assert (3, 2) == (asked.offset, asked.limit)


async def test_count() -> None:
    """The count is one call for one row."""
    sandbox = Sandbox(8)
    async with sandbox.client() as client:
        counts = (await client.count_phone_numbers(), await client.count_phone_numbers(type="inbound"))

    assert (8, len(listed(sandbox, "inbound"))) == counts
    assert [{"limit": "1", "offset": "0"}, {"limit": "1", "offset": "0", "type": "inbound"}] == [
        call.params for call in sandbox.requests
    ]


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"order": "up"}, ValueError, "order must be 'asc' or 'desc', not 'up'"),
    ({"order": 1}, TypeError, "order must be 'asc' or 'desc', not int"),
    ({"type": "both"}, ValueError, "type must be 'inbound' or 'outbound', not 'both'"),
    ({"type": PhoneNumberType("both")}, ValueError, "type must be 'inbound' or 'outbound'"),
    ({"type": True}, TypeError, "type must be"),
    ({"offset": -1}, ValueError, "offset must be an integer >= 0, not -1"),
    ({"offset": "1"}, TypeError, "offset must be an integer >= 0, not str"),
    ({"offset": 1.0}, TypeError, "offset must be an integer >= 0, not float"),
    ({"offset": True}, TypeError, "offset must be an integer >= 0, not bool"),
]
WRONG_WALK: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"page_size": 0}, ValueError, "page_size must be an integer >= 1, not 0"),
    ({"page_size": "9"}, TypeError, "page_size must be an integer >= 1, not str"),
    ({"max_items": -1}, ValueError, "max_items must be an integer >= 0, not -1"),
    ({"concurrency": 0}, ValueError, "concurrency must be an integer >= 1, not 0"),
    ({"concurrency": True}, TypeError, "concurrency must be an integer >= 1, not bool"),
    ({"exact": 1}, TypeError, "exact must be of type bool, not int"),
    ({"exact": True, "page_size": 2}, ValueError, "page_size with exact=True must be an integer >= 3, not 2"),
]


@pytest.mark.parametrize(("arguments", "error", "text"), WRONG + WRONG_WALK)
@pytest.mark.parametrize("method", ["iter_phone_numbers", "iter_phone_number_pages"])
async def test_wrong_arguments_of_walks(
    method: str, arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    """Arguments are checked when the walk is made, by name and with what is allowed."""
    sandbox = Sandbox()
    walk: Callable[..., object] = getattr(sandbox.client(), method)
    with pytest.raises(error, match=text):
        walk(**arguments)

    assert [] == sandbox.requests


@pytest.mark.parametrize(
    ("arguments", "error", "text"), [*WRONG, ({"limit": -1}, ValueError, "limit must be an integer >= 0")]
)
async def test_wrong_arguments_of_a_page(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """Arguments of a single call are checked before it is sent."""
    sandbox = Sandbox()
    with pytest.raises(error, match=text):
        await sandbox.client().list_phone_numbers(**arguments)

    assert [] == sandbox.requests


async def test_wrong_argument_of_count() -> None:
    """The filter of a count is checked before it is sent."""
    with pytest.raises(ValueError, match="type must be"):
        await Sandbox().client().count_phone_numbers(type="both")  # type: ignore[arg-type] # the point of the test


async def test_breaking_off() -> None:
    """A walk that is left at any number, also without aclosing, holds nothing open and asks for nothing more."""
    sandbox = Sandbox(10)
    async with sandbox.client() as client:
        for stop in range(10):
            async for number in client.iter_phone_numbers(page_size=3):
                if number.id == listed(sandbox)[stop]:
                    break

    assert sum(stop // 3 + 1 for stop in range(10)) == len(sandbox.requests)


async def test_cancellation_passes() -> None:
    """A cancelled walk ends with the cancellation itself, and the client still works."""
    sandbox = Sandbox(10, latency=5)
    async with sandbox.client() as client:
        walk = asyncio.create_task(anext(client.iter_phone_numbers()))
        await asyncio.sleep(0)
        walk.cancel("enough")
        with pytest.raises(asyncio.CancelledError) as caught:
            await walk

    assert ("enough",) == caught.value.args


def test_timeout_around_a_walk() -> None:
    """The user's own time limit around a loop works, and is not taken for one of ours."""

    async def main() -> None:
        async with Sandbox(10, latency=1).client() as client, asyncio.timeout(2.5):
            async for _ in client.iter_phone_numbers(page_size=1):
                pass

    with pytest.raises(TimeoutError) as caught:
        run(main())

    assert not isinstance(caught.value, ContactshipError)


async def test_failing_server() -> None:
    """A server that fails for good ends a walk with its error and a position."""
    sandbox = Sandbox(10)
    sandbox.script(Status(500), times=None)
    async with sandbox.client(retry=ONE_ATTEMPT) as client:
        with pytest.raises(ServerError) as caught:
            _ = [number async for number in client.iter_phone_numbers()]

    assert WalkPosition(offset=0, yielded=0) == caught.value.position
