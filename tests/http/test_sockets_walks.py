"""Walks over real sockets, with concurrent pages: whatever becomes of one, its connections and tasks are gone."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from itertools import count, product
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from attrs import define, field
from key_leaks import KEY, all_of, failure_of, leaks, shown_by
from raw_server import Peer, RawServer, Step, close, head, reset, response

from contactship_async import (
    ContactshipClient,
    ContactshipError,
    MalformedResponseError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    Timeouts,
    TransportError,
    WalkPosition,
)

ROWS = [
    {
        "id": f"pn-{place}",
        "phone_number": f"+1202555{place:04}",
        "type": "inbound",
        "organization_id": "org-1",
        "created_at": f"2026-01-{31 - place}T10:00:00Z",
    }
    for place in range(14)
]
IDS = [row["id"] for row in ROWS]
PAGE_SIZE = 4
SECONDS_TO_WIND_DOWN = 5.0

each_concurrency = pytest.mark.parametrize("concurrency", [1, 2, 4, 16])
each_way = pytest.mark.parametrize("ahead", [False, True], ids=["in batches", "ahead"])
each_exactness = pytest.mark.parametrize("exact", [False, True], ids=["plain", "exact"])


async def hold(peer: Peer) -> None:
    """Say nothing until the client hangs up."""
    await peer.reader.read(1)
    peer.writer.close()


@define(eq=False)
class ListingServer:
    """A listing whose pages are asked for over any number of connections.

    Attributes:
        faults: What is sent instead of a page with the row.
        broken: A row that comes without its date.
        silent_from: The number of the first request that gets no response, nor does any after it.
        asked: How many pages were asked for.
        waiting: How many of them wait for a response.
        connections: How many are open.
    """

    faults: dict[int, list[Step]] = field(factory=dict)
    broken: int | None = None
    silent_from: int | None = None
    asked: int = 0
    waiting: int = 0
    connections: int = 0
    raw: RawServer = field(init=False)

    @raw.default
    def _make_raw_server(self) -> RawServer:
        return RawServer(self._serve, listens=False)

    async def _serve(self, peer: Peer) -> None:
        self.connections += 1
        try:
            while not peer.writer.is_closing():
                query = parse_qs(urlsplit((await peer.receive()).target).query)
                self.asked += 1
                self.waiting += 1
                try:
                    for step in self._plan(int(query["offset"][0]), int(query["limit"][0])):
                        await (peer.send(step) if isinstance(step, bytes) else step(peer))
                finally:
                    self.waiting -= 1
        finally:
            self.connections -= 1

    def _plan(self, offset: int, limit: int) -> list[Step]:
        if self.silent_from is not None and self.asked >= self.silent_from:
            return [hold]
        for row in range(offset, offset + limit):
            if row in self.faults:
                return self.faults[row]
        rows = [row if place != self.broken else {**row, "created_at": None} for place, row in enumerate(ROWS)]
        return [response({"data": rows[offset : offset + limit], "count": len(rows)})]

    async def comes_to(self, condition: Callable[[], bool]) -> None:
        """Wait until *condition* holds."""
        async with asyncio.timeout(SECONDS_TO_WIND_DOWN):
            while True:
                if condition():
                    return
                await asyncio.sleep(0)

    async def assert_nothing_runs(self, turns: int = 0) -> None:
        """Expect no task but this one and the server's, and soon no request without its response.

        Args:
            turns: Of the loop that generators which were left open have, to close in tasks of the loop's own.
        """
        for _ in range(turns):
            await asyncio.sleep(0)
        assert {asyncio.current_task()} == asyncio.all_tasks() - self.raw._tasks
        await self.comes_to(lambda: self.waiting == 0)


@asynccontextmanager
async def listing(**settings: Any) -> AsyncIterator[tuple[ListingServer, ContactshipClient]]:
    """Offer a listing and a client, and see that nothing is left when the client is closed."""
    server = ListingServer()
    async with server.raw:
        async with server.raw.client(**{"retry": RetryPolicy(max_attempts=2, initial_delay=0), **settings}) as client:
            yield server, client
            await server.assert_nothing_runs(turns=5)
        await server.comes_to(lambda: server.connections == 0)


async def ids_of(client: ContactshipClient, came: list[str], *, ahead: bool = False, **settings: Any) -> list[str]:
    """Walk in small pages, fetched *ahead* or not, and note the ids in *came*, which is returned."""
    if ahead:
        async with client.phone_numbers.list().prefetch(page_size=PAGE_SIZE, **settings) as numbers:
            async for number in numbers:
                came.append(number.id)  # noqa: PERF401 - keeps those that come before an error
        return came
    async for number in client.iter_phone_numbers(page_size=PAGE_SIZE, **settings):
        came.append(number.id)  # noqa: PERF401 - as above
    return came


FAULTS: dict[str, tuple[list[Step], type[ContactshipError]]] = {
    "500 for good": ([response(status=500)], ServerError),
    "reset": ([reset], TransportError),
    "cut": ([head(200, {"Content-Length": "999"}), b'{"data": [', close], TransportError),
}


def assert_came_first(error: ContactshipError, came: list[str], row: int) -> None:
    """Expect the rows of the pages before the one with *row*, and that the error says how many there were."""
    assert WalkPosition(len(came), len(came)) == error.position
    assert IDS[: len(came)] == came
    assert row - PAGE_SIZE < len(came) <= row


@each_way
@each_exactness
@each_concurrency
@pytest.mark.parametrize("fault", FAULTS)
async def test_failing_page(fault: str, concurrency: int, *, exact: bool, ahead: bool) -> None:
    """Whichever page fails, the rows before it come first, and a walk from the error's position brings the rest."""
    steps, kind = FAULTS[fault]
    async with listing() as (server, client):
        for row in range(0, len(IDS), 2):
            came: list[str] = []
            server.faults[row] = steps
            with pytest.raises(kind) as caught:
                await ids_of(client, came, concurrency=concurrency, exact=exact, ahead=ahead)
            await server.assert_nothing_runs(turns=5 * ahead)  # the server may be accepting a connection
            server.faults.clear()

            assert_came_first(caught.value, came, row)
            rest = await ids_of(client, [], concurrency=concurrency, exact=exact, ahead=ahead, offset=len(came))
            assert IDS == came + rest


@each_way
@each_exactness
@each_concurrency
async def test_malformed_row(concurrency: int, *, exact: bool, ahead: bool) -> None:
    """Whichever row is malformed, all rows before it come first, and a walk from the error's position the rest."""
    async with listing() as (server, client):
        for row in range(len(IDS)):
            came: list[str] = []
            server.broken = row
            with pytest.raises(MalformedResponseError, match="created_at") as caught:
                await ids_of(client, came, concurrency=concurrency, exact=exact, ahead=ahead)
            await server.assert_nothing_runs()
            server.broken = None

            assert IDS[:row] == came
            assert WalkPosition(row, row) == caught.value.position
            assert IDS[row:] == await ids_of(client, [], concurrency=concurrency, exact=exact, ahead=ahead, offset=row)


async def test_stalled_page() -> None:
    """A page that never comes is a failing page as well, once the limit of its attempt is over."""

    async def walk(row: int, concurrency: int, *, exact: bool) -> None:
        came: list[str] = []
        once = RetryPolicy(max_attempts=1)
        timeouts = Timeouts(attempt=1)
        async with ListingServer(faults={row: [hold]}).raw as raw, raw.client(retry=once, timeouts=timeouts) as client:
            with pytest.raises(RequestTimeoutError) as caught:
                await ids_of(client, came, concurrency=concurrency, exact=exact)
        assert "attempt" == caught.value.limit
        assert_came_first(caught.value, came, row)

    rows = range(0, len(IDS), PAGE_SIZE)
    await asyncio.gather(*(walk(row, many, exact=exact) for row in rows for many in (1, 4) for exact in (False, True)))
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def break_off(numbers: Any, stop: str) -> None:
    """Leave the loop."""
    async for number in numbers:
        if number.id == stop:
            break


async def break_off_and_close(numbers: Any, stop: str) -> None:
    """Leave the loop within `aclosing`."""
    async with aclosing(numbers):
        await break_off(numbers, stop)


async def fail_in_the_loop(numbers: Any, stop: str) -> None:
    """Raise in the loop."""
    with suppress(LookupError):
        async for number in numbers:
            if number.id == stop:
                raise LookupError


async def run_out_of_time_in_the_loop(numbers: Any, stop: str) -> None:
    """Let `asyncio.timeout()` around the loop end what the loop awaits."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as timer:
            async for number in numbers:
                if number.id == stop:
                    timer.reschedule(0)
                    await asyncio.Event().wait()


async def be_cancelled_in_the_loop(numbers: Any, stop: str) -> None:
    """Cancel what the loop awaits."""
    reached = asyncio.Event()

    async def handle_numbers() -> None:
        async for number in numbers:
            if number.id == stop:
                reached.set()
                await asyncio.Event().wait()

    handling = asyncio.create_task(handle_numbers())
    await reached.wait()
    handling.cancel()
    await asyncio.wait([handling])


LEAVING = [break_off, break_off_and_close, fail_in_the_loop, run_out_of_time_in_the_loop, be_cancelled_in_the_loop]


@each_exactness
@each_concurrency
@pytest.mark.parametrize("leave", LEAVING)
async def test_walk_left(leave: Callable[[Any, str], Awaitable[None]], concurrency: int, *, exact: bool) -> None:
    """A walk that is left at any number leaves no request, and its connections to the next."""
    async with listing() as (server, client):
        for stop in IDS[::3]:
            await leave(client.iter_phone_numbers(page_size=PAGE_SIZE, concurrency=concurrency, exact=exact), stop)
            await server.assert_nothing_runs(turns=5)
        assert server.connections <= concurrency


async def interrupted_walk(
    server: ListingServer, client: ContactshipClient, at: int, how: str, **settings: Any
) -> BaseException | None:
    """Return what a walk raises that is interrupted at its request number *at*, from when on none gets a response.

    None is returned if there were not that many.
    """
    came: list[str] = []
    timers: list[asyncio.Timeout] = []

    async def walk() -> None:
        async with asyncio.timeout(None) as timer:
            timers.append(timer)
            await ids_of(client, came, **settings)

    server.silent_from = held = server.asked + at
    walking = asyncio.create_task(failure_of(walk()))
    await server.comes_to(lambda: walking.done() or server.asked >= held)
    if walking.done():
        with pytest.raises(AssertionError):
            walking.result()
        assert IDS == came
        return None
    came_before = [*came]
    if how == "timeout":
        timers[0].reschedule(0)
    else:
        walking.cancel("because")
    if how == "cancelled twice":
        await asyncio.sleep(0)
        walking.cancel("because")
    error = await walking
    await server.assert_nothing_runs()
    assert IDS[: len(came)] == came
    assert came_before == (came[: len(came_before)] if settings.get("ahead") else came)  # what was in flight may come
    assert type(error) is (TimeoutError if how == "timeout" else asyncio.CancelledError)
    return error


INTERRUPTIONS = ["cancelled", "cancelled twice", "timeout"]


@each_way
@each_exactness
@each_concurrency
@pytest.mark.parametrize("how", INTERRUPTIONS)
async def test_interrupted_at_any_request(how: str, concurrency: int, *, exact: bool, ahead: bool) -> None:
    """A walk that is interrupted while pages are in flight ends at once and hangs up on all of them."""
    async with listing() as (server, client):
        for at in count(1):
            if (
                await interrupted_walk(server, client, at, how, concurrency=concurrency, exact=exact, ahead=ahead)
                is None
            ):
                break
        server.silent_from = None
        assert IDS == await ids_of(client, [], concurrency=concurrency, exact=exact, ahead=ahead)
    assert at > len(IDS) / PAGE_SIZE


async def test_interrupted_with_a_full_pool() -> None:
    """Pages that wait for a connection of a pool that is too small are given up with the walk, and keep none of it."""
    async with aiohttp.TCPConnector(limit=2) as connector, listing(connector=connector) as (server, client):
        for at, how in product(range(1, 4), INTERRUPTIONS):
            assert await interrupted_walk(server, client, at, how, concurrency=16) is not None
            server.silent_from = None
            assert IDS == await ids_of(client, [], concurrency=16)
            assert server.connections <= 2
        await connector.close()


@each_exactness
async def test_concurrent_walks(*, exact: bool) -> None:
    """One of ten walks over the same client is cancelled; the others don't notice."""
    async with listing() as (server, client):
        came: list[list[str]] = [[] for _ in range(10)]
        walks = [asyncio.create_task(ids_of(client, each, concurrency=4, exact=exact)) for each in came]
        await server.comes_to(lambda: server.asked >= 15)
        walks[3].cancel()
        await asyncio.wait(walks)

        assert walks[3].cancelled()
        assert IDS[: len(came[3])] == came.pop(3)
        assert [IDS] * 9 == came


@each_way
@each_concurrency
async def test_client_closed_while_walking(concurrency: int, *, ahead: bool) -> None:
    """Closing the client ends its walks with an error, whichever pages are in flight, and nothing is left."""
    for at in range(1, 4):
        async with listing() as (server, client):
            server.silent_from = at
            came: list[str] = []
            walking = asyncio.create_task(ids_of(client, came, concurrency=concurrency, ahead=ahead))
            await server.comes_to(lambda: server.asked >= at)  # noqa: B023 - awaited at once
            await client.close()
            with pytest.raises((ContactshipError, RuntimeError)):
                await walking

            assert IDS[: len(came)] == came


def outcome_of(task: asyncio.Task[object]) -> BaseException | None:
    """Return how *task* failed, if it did, with no frame in the traceback of a cancellation but this one."""
    try:
        return task.exception()
    except asyncio.CancelledError as error:
        return error


def all_shown_by(error: BaseException) -> str:
    """Collect what *error* could show, and what the tasks could that are seen from its frames."""
    tasks = [*tasks_seen_from(error)]
    failures = [error, *filter(None, map(outcome_of, tasks))]
    return "\n".join([*map(repr, tasks), *map(shown_by, failures)])


def tasks_seen_from(error: BaseException) -> Iterator[asyncio.Task[object]]:
    """Find the tasks in the frames of *error*, single or in a collection."""
    for each in all_of(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            for value in frame.f_locals.values():
                values = value.values() if isinstance(value, dict) else value
                found = values if isinstance(values, Collection) else [values]
                yield from (task for task in found if isinstance(task, asyncio.Task))


@each_way
@each_exactness
@each_concurrency
@pytest.mark.parametrize("how", INTERRUPTIONS)
async def test_interruption_reveals_no_key(how: str, concurrency: int, *, exact: bool, ahead: bool) -> None:
    """An interrupted walk reveals no key, nor do the pages in flight, which its frames show."""
    shown = 0
    async with listing(api_key=KEY) as (server, client):
        for at in range(1, 5):
            error = await interrupted_walk(server, client, at, how, concurrency=concurrency, exact=exact, ahead=ahead)
            assert error is not None
            assert [] == leaks(all_shown_by(error))
            shown += len([*tasks_seen_from(error)])
    assert (concurrency > 1 or ahead) == (shown > 0)


@each_concurrency
@pytest.mark.parametrize("fault", FAULTS)
async def test_failing_page_reveals_no_key(fault: str, concurrency: int) -> None:
    """Nor does the error of a page that fails among others."""
    steps, kind = FAULTS[fault]
    async with listing(api_key=KEY) as (server, client):
        for row in range(0, len(IDS), PAGE_SIZE):
            server.faults = dict.fromkeys(range(row, len(IDS)), steps)
            error = await failure_of(ids_of(client, [], concurrency=concurrency))

            assert isinstance(error, kind)
            assert [] == leaks(all_shown_by(error))
