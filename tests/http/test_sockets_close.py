"""What `close()` ends, over real sockets and on every event loop: calls under way, waits, and walks."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from typing import Any, Self

import aiohttp
import pytest
from open_sockets import open_sockets
from raw_server import Act, Peer, RawServer, head, reset, response, stall
from turns import pass_turns

from contactship_async import (
    AmbiguousOutcomeError,
    ClientClosedError,
    ContactshipClient,
    ContactshipError,
    ContactshipPool,
    PhoneNumber,
    RateLimit,
    Request,
    Response,
    RetryPolicy,
    Timeouts,
    WalkPosition,
)
from contactship_async.sandbox import Sandbox, Slow

pytestmark = pytest.mark.every_event_loop

AT_ONCE = 0.5
"""Seconds."""

ENDLESS = {
    "retry": RetryPolicy(initial_delay=1000, max_delay=1000, max_retry_after=1000),
    "timeouts": Timeouts(total=None),
}


def patient_client(server: RawServer, **settings: Any) -> ContactshipClient:
    """Make a client of *server* that waits for its rate limits as any other does, which `RawServer.client` does not."""
    return ContactshipClient("sk-live-KEY", base_url=server.url, **{**ENDLESS, **settings})


async def outcome_of(task: asyncio.Task[Any]) -> Any:
    """Wait until *task* has ended at once, and return its value or its error."""
    done, _ = await asyncio.wait([task], timeout=AT_ONCE)
    assert {task} == done
    return asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()


def numbered(name: str) -> Callable[[ContactshipClient], AsyncIterator[Any]]:
    """Choose a way to walk 1,000 numbers in pages of 100."""
    ways: dict[str, Callable[[ContactshipClient], AsyncIterator[Any]]] = {
        "rows": lambda client: client.phone_numbers.list().rows(page_size=100),
        "pages": lambda client: client.phone_numbers.list().pages(page_size=100),
        "rows, 4 in flight": lambda client: client.phone_numbers.list().rows(page_size=100, concurrency=4),
        "pages, 4 in flight": lambda client: client.phone_numbers.list().pages(page_size=100, concurrency=4),
        "rows, exact": lambda client: client.phone_numbers.list().rows(page_size=100, concurrency=4, exact=True),
        "rows, prefetch": lambda client: prefetched(client, by_pages=False),
        "pages, prefetch": lambda client: prefetched(client, by_pages=True),
    }
    return ways[name]


async def prefetched(client: ContactshipClient, *, by_pages: bool) -> AsyncIterator[Any]:
    """Walk with pages fetched ahead."""
    async with client.phone_numbers.list().prefetch(page_size=100, concurrency=4) as ahead:
        async for item in ahead.pages() if by_pages else ahead:
            yield item


WAYS = ["rows", "pages", "rows, 4 in flight", "pages, 4 in flight", "rows, exact", "rows, prefetch", "pages, prefetch"]


@pytest.mark.parametrize("taken", [1, 2, 3])
@pytest.mark.parametrize("way", WAYS)
async def test_busy_walk_ends_at_its_next_step(way: str, taken: int) -> None:
    """A walk is not touched while its consumer is busy; its next step raises, whatever it holds, and tells where."""
    async with Sandbox(1000) as sandbox:
        client = sandbox.client()
        numbers: list[PhoneNumber] = []
        items = numbered(way)(client)
        for _ in range(taken):
            item = await anext(items)
            numbers += [item] if isinstance(item, PhoneNumber) else item.data
        await client.close()
        before = len(sandbox.requests)
        with pytest.raises(ClientClosedError, match="the client was closed") as caught:
            await anext(items)

        assert WalkPosition(len(numbers), len(numbers)) == caught.value.position
        assert before == len(sandbox.requests)
        async with client:
            numbers += [number async for number in client.iter_phone_numbers(offset=caught.value.position.offset)]
        assert 1000 == len({number.id for number in numbers}) == len(numbers)


@pytest.mark.parametrize("way", WAYS)
async def test_walk_at_its_end_has_nothing_to_lose(way: str) -> None:
    """A walk whose last row was taken ends as ever, though the client is closed."""
    async with Sandbox(1000) as sandbox:
        client = sandbox.client()
        items = numbered(way)(client)
        taken = 0
        while taken < 1000:
            item = await anext(items)
            taken += 1 if isinstance(item, PhoneNumber) else len(item)
        await client.close()

        with pytest.raises(StopAsyncIteration):
            await anext(items)


async def test_twenty_walks() -> None:
    """Walks that request or wait end at once with their position, busy ones at their next step; no session is left."""
    first = response({"data": [number(0)], "count": 3})
    kinds: dict[str, tuple[Act, dict[str, Any]]] = {
        "requesting": (stall, {}),
        "in the midst of a response": ([head(200, {"Content-Length": "99"}), b"{", stall], {}),
        "backing off": (response(status=503), {}),
        "waiting for Retry-After": (response(status=503, headers={"Retry-After": "900"}), {}),
        "waiting for the rate limit": (response(status=429, headers={"Retry-After": "900"}), {}),
        "waiting for its budget": (stall, {"rate_limit": RateLimit(1, 1000)}),
        "busy": (stall, {}),
    }
    sockets_before, tasks_before = open_sockets(), asyncio.all_tasks()
    async with Servers() as servers:
        walks: list[tuple[str, ContactshipClient, asyncio.Event, asyncio.Task[int]]] = []
        for place in range(20):
            kind = [*kinds][place % len(kinds)]
            act, settings = kinds[kind]
            server = await servers.add(first, act)
            client, go_on = patient_client(server, **settings), asyncio.Event()
            walks.append((kind, client, go_on, asyncio.create_task(walk(client, go_on))))
            await server.is_asked()
            if kind != "busy":
                go_on.set()
            if kind not in ("busy", "waiting for its budget"):
                await server.is_asked(2)
        await pass_turns()
        async with asyncio.timeout(AT_ONCE):
            await asyncio.gather(*(client.close() for _, client, _, _ in walks))
            await asyncio.wait([task for kind, _, _, task in walks if kind != "busy"])
        assert all(not task.done() for kind, _, _, task in walks if kind == "busy")
        for _, _, go_on, _ in walks:
            go_on.set()
        outcomes = [await outcome_of(task) for _, _, _, task in walks]
        assert [ClientClosedError] * 20 == [type(outcome) for outcome in outcomes]
        assert [WalkPosition(1, 1)] * 20 == [outcome.position for outcome in outcomes]
        assert [None] * 20 == [client._connection.loop for _, client, _, _ in walks]
        assert all(server.requests[2:] == [] for server in servers.all)
    await asyncio.sleep(0)
    assert tasks_before == asyncio.all_tasks()
    assert sockets_before == open_sockets()


async def walk(client: ContactshipClient, go_on: asyncio.Event) -> int:
    """Walk, and be busy with each row until *go_on*."""
    async for _ in client.iter_phone_numbers(page_size=1):
        await go_on.wait()
    return 0


def number(place: int) -> dict[str, str]:
    """Return a row as the API sends it."""
    return {
        "id": f"pn-{place}",
        "phone_number": "+12025550142",
        "type": "inbound",
        "organization_id": "org-1",
        "created_at": f"2026-01-15T10:00:{59 - place}Z",
    }


class Servers:
    """Servers that end together."""

    def __init__(self) -> None:
        self.all: list[RawServer] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self.all:
            await server.__aexit__(None, None, None)

    async def add(self, *script: Act) -> RawServer:
        """Start another one."""
        self.all.append(await RawServer(*script).__aenter__())
        return self.all[-1]


@pytest.mark.parametrize(
    ("method", "act", "is_ambiguous"),
    [
        ("GET", stall, False),
        ("POST", stall, True),
        ("DELETE", stall, True),
        ("GET", response(status=503), False),
        ("GET", response(status=429, headers={"Retry-After": "900"}), False),
        ("POST", [head(500, {"Content-Length": "99"}), b"{", stall], True),
    ],
    ids=["GET", "POST", "DELETE", "back-off", "Retry-After", "half a refusal"],
)
async def test_call_under_way(method: str, act: Act, is_ambiguous: bool) -> None:
    """A call that runs or waits ends at once; one that must not be repeated, and was sent, may have been processed."""
    async with RawServer(act, response("never")) as server:
        client = patient_client(server)
        call = asyncio.create_task(client.request(method, "/v1/calls"))
        await server.is_asked()
        await server.is_read()
        await client.close()
        outcome = await outcome_of(call)

        assert (AmbiguousOutcomeError if is_ambiguous else ClientClosedError) is type(outcome)
        closed = outcome.__cause__ if is_ambiguous else outcome
        assert "the client was closed before this was done" == str(closed)
        if isinstance(outcome, AmbiguousOutcomeError):
            assert outcome.sent_at.tzinfo is UTC
            assert (None if act is stall else 500) == outcome.status
        assert isinstance(closed, (ContactshipError, RuntimeError))
        assert 0 == call.cancelling()
        assert 1 == len(server.requests)


@pytest.mark.parametrize(
    ("acts", "may_have_been_processed"),
    [
        ([stall], True),
        ([response(status=503)], True),
        ([response(status=429, headers={"Retry-After": "900"})], False),
        (
            [response(status=503, headers={"Retry-After": "0"}), response(status=429, headers={"Retry-After": "900"})],
            True,
        ),
    ],
    ids=["sent", "back-off", "refused", "back-off, refused"],
)
async def test_repeatable_call_under_way(acts: list[Act], *, may_have_been_processed: bool) -> None:
    """A call that is safe to repeat says whether an attempt of it may have been processed, when it is ended."""
    async with RawServer(*acts, response("never")) as server:
        client = patient_client(server)
        call = asyncio.create_task(client.request("PATCH", "/v1/calls", json={}, idempotent=True))
        await server.is_asked(len(acts))
        await server.is_read()
        await client.close()
        outcome = await outcome_of(call)

        assert ClientClosedError is type(outcome)
        assert may_have_been_processed is outcome.may_have_been_processed


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_call_that_never_left(method: str) -> None:
    """A call that waits for a connection, or for its turn, was not sent: it says that the client was closed."""
    async with RawServer(stall) as server, aiohttp.TCPConnector(limit=1) as connector:
        client = server.client(connector=connector, **ENDLESS)
        first = asyncio.create_task(client.request("GET", "/v1/credits"))
        await server.is_asked()
        second = asyncio.create_task(client.request(method, "/v1/calls"))
        await pass_turns()
        await client.close()

        assert isinstance(await outcome_of(first), ClientClosedError)
        assert isinstance(await outcome_of(second), ClientClosedError)
        assert 1 == len(server.requests)


async def test_call_that_waits_for_its_key() -> None:
    """A function that fetches the key is cancelled with the call that waits for it."""

    async def fetch() -> str:
        await asyncio.Event().wait()
        return "key"

    async with RawServer(response()) as server:
        client = server.client(fetch)
        call = asyncio.create_task(client.request("POST", "/v1/calls"))
        await asyncio.sleep(0)
        await client.close()

        assert isinstance(await outcome_of(call), ClientClosedError)
        assert [] == server.requests


async def test_error_is_a_value() -> None:
    """The error pickles with its position."""
    async with Sandbox(3) as sandbox:
        client = sandbox.client()
        numbers = client.iter_phone_numbers(page_size=1)
        await anext(numbers)
        await client.close()
        with pytest.raises(ClientClosedError) as caught:
            await anext(numbers)

    copied = pickle.loads(pickle.dumps(caught.value))
    assert (ClientClosedError, str(caught.value), WalkPosition(1, 1)) == (type(copied), str(copied), copied.position)


async def test_new_calls_open_anew() -> None:
    """Nothing reopens the client but a call that begins after it was closed; what began before stays at its end."""
    async with Sandbox(3) as sandbox:
        client = sandbox.client()
        held = client.iter_phone_numbers(page_size=1)
        await anext(held)
        await client.close()
        assert 3 == await client.count_phone_numbers()
        with pytest.raises(ClientClosedError):
            await anext(held)
        assert 3 == len([number async for number in client.iter_phone_numbers()])
        await client.close()


async def test_closed_within_the_loop_of_a_walk() -> None:
    """Whoever closes the client while it walks gets the error at the next step."""
    async with Sandbox(3) as sandbox, sandbox.client() as client:
        ids = []
        with pytest.raises(ClientClosedError) as caught:
            async for found in client.iter_phone_numbers(page_size=2):
                ids.append(found.id)
                await client.close()

    assert 1 == len(ids)
    assert WalkPosition(1, 1) == caught.value.position


@pytest.mark.parametrize("waits", [False, True])
async def test_closed_by_the_call_itself(waits: bool) -> None:
    """A call whose own key function closes the client is ended at its next wait, and its task is not left cancelled."""

    async def fetch() -> str:
        await client.close()
        if waits:
            await pass_turns()
        return "key"

    async with RawServer(response("done")) as server:
        client = server.client(fetch)
        with pytest.raises(ClientClosedError):
            await client.request("GET", "/v1/credits")
        task = asyncio.current_task()
        assert task is not None
        assert 0 == task.cancelling()
        await asyncio.sleep(0)
        assert [] == server.requests


async def test_call_that_ends_while_it_closes_the_client() -> None:
    """One that has its response already keeps it, and no cancellation comes late."""

    async def transport(request: Request) -> Response:
        await client.close()
        return Response(status=200, body=b'"done"')

    client = ContactshipClient("key", transport=transport)
    assert "done" == await client.request("GET", "/v1/credits")
    await asyncio.sleep(0)


async def test_transport_of_the_user() -> None:
    """Calls over a transport in place of HTTP, and walks, end in the same way."""
    sandbox = Sandbox(3)
    asked = asyncio.Event()

    async def transport(request: Request) -> Response:
        if request.method == "POST":
            asked.set()
            await asyncio.Event().wait()
        return await sandbox.transport(request)

    client = ContactshipClient(sandbox.api_key, transport=transport)
    numbers = client.iter_phone_numbers(page_size=1)
    await anext(numbers)
    call = asyncio.create_task(client.request("POST", "/v1/calls"))
    await asked.wait()
    await client.close()

    assert isinstance(await outcome_of(call), AmbiguousOutcomeError)
    with pytest.raises(ClientClosedError):
        await anext(numbers)
    assert 3 == await client.count_phone_numbers()


async def test_cancellation_by_the_user_wins() -> None:
    """A call that the user cancels in the moment of `close()` is cancelled."""
    async with RawServer(stall) as server:
        client = server.client()
        calls = [asyncio.create_task(client.request("GET", "/v1/credits")) for _ in range(2)]
        await server.is_asked(2)
        calls[0].cancel()
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        calls[1].cancel()
        await asyncio.wait([*calls, closing], timeout=AT_ONCE)

    assert [True, True] == [call.cancelled() for call in calls]


async def test_time_limit_of_the_user() -> None:
    """`asyncio.timeout` around a call that was ended by `close()` neither expires nor cancels what follows."""
    async with RawServer(stall) as server:
        client = server.client()

        async def call() -> str:
            async with asyncio.timeout(30):
                with pytest.raises(ClientClosedError):
                    await client.request("GET", "/v1/credits")
                await asyncio.sleep(0)
            return "went on"

        task = asyncio.create_task(call())
        await server.is_asked()
        await client.close()

        assert "went on" == await outcome_of(task)


async def test_cancellation_that_is_swallowed() -> None:
    """A transport that answers in spite of the cancellation is believed, and its task goes on undisturbed."""
    asked = asyncio.Event()

    async def transport(request: Request) -> Response:
        with suppress(asyncio.CancelledError):
            asked.set()
            await asyncio.Event().wait()
        return Response(status=200, body=b'"done"')

    client = ContactshipClient("key", transport=transport)
    call = asyncio.create_task(client.request("GET", "/v1/credits"))
    await asked.wait()
    await client.close()

    assert "done" == await outcome_of(call)
    assert 0 == call.cancelling()


async def close_client(client: ContactshipClient) -> None:
    """End the client by its own word."""
    await client.close()


async def close_generators(client: ContactshipClient) -> None:
    """End it as an event loop does that ends."""
    await asyncio.get_running_loop().shutdown_asyncgens()


@pytest.mark.parametrize("end", [close_client, close_generators])
async def test_upload_that_is_not_read(end: Callable[[ContactshipClient], Coroutine[Any, Any, None]]) -> None:
    """What is left of a request is not sent first, and a connection that breaks off then is nobody's error."""
    ended = asyncio.Event()

    async def read_nothing(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined] # the transport of a socket goes both ways
        await ended.wait()

    async with RawServer([read_nothing, reset], listens=False) as server:
        client = server.client()
        upload = asyncio.create_task(client.request("POST", "/v1/calls", json="a" * 20_000_000))
        await server.is_asked()
        await pass_turns()
        async with asyncio.timeout(AT_ONCE):
            await end(client)
        ended.set()

        assert isinstance(await outcome_of(upload), AmbiguousOutcomeError)
        await pass_turns()
        await client.close()


async def test_close_that_is_cancelled() -> None:
    """A `close()` that is cancelled, or called twice at once, has ended the calls and leaves no connection."""
    before = open_sockets()
    async with RawServer(stall) as server:
        client = server.client()
        calls = [asyncio.create_task(client.request("GET", "/v1/credits")) for _ in range(3)]
        await server.is_asked(3)
        closes = [asyncio.create_task(client.close()) for _ in range(2)]
        await asyncio.sleep(0)
        closes[0].cancel()
        await asyncio.wait(closes, timeout=AT_ONCE)

        assert [ClientClosedError] * 3 == [type(await outcome_of(call)) for call in calls]
        assert client._connection.loop is None
    assert before == open_sockets()


async def test_opened_and_closed_concurrently() -> None:
    """Calls that begin while the client is closed over and over end in one of the two ways, and leave nothing."""
    async with RawServer(response("done")) as server:
        client = server.client()
        calls = []
        for _ in range(30):
            calls += [asyncio.create_task(client.request("GET", "/v1/credits")) for _ in range(3)]
            await asyncio.sleep(0)
            await client.close()
        calls.append(asyncio.create_task(client.request("GET", "/v1/credits")))
        outcomes = [await outcome_of(call) for call in calls]
        await client.close()

    assert "done" == outcomes[-1]
    assert {ClientClosedError} >= {type(outcome) for outcome in outcomes if outcome != "done"}
    assert client._connection.loop is None


async def test_connector_that_is_closed_elsewhere() -> None:
    """A walk over a connector whose owner closes it ends at its next request, with its position."""
    connector = aiohttp.TCPConnector()
    async with Sandbox(3) as sandbox, sandbox.client(connector=connector) as client:
        numbers = client.iter_phone_numbers(page_size=1)
        await anext(numbers)
        await connector.close()
        with pytest.raises(ClientClosedError, match="the connector it was given is closed") as caught:
            await anext(numbers)

    assert WalkPosition(1, 1) == caught.value.position


@pytest.mark.parametrize(("method", "kind"), [("GET", ClientClosedError), ("POST", AmbiguousOutcomeError)])
async def test_connector_that_is_closed_under_a_call(method: str, kind: type[ContactshipError]) -> None:
    """A call under way over a connector whose owner closes it ends at once, without another attempt."""
    connector = aiohttp.TCPConnector()
    async with RawServer(stall) as server, server.client(connector=connector, **ENDLESS) as client:
        call = asyncio.create_task(client.request(method, "/v1/calls"))
        await server.is_asked()
        await connector.close()

        outcome = await outcome_of(call)
        assert kind is type(outcome)
        assert method == "GET" or isinstance(outcome.__cause__, ClientClosedError)
        assert 1 == len(server.requests)


@asynccontextmanager
async def closing_pool(
    **settings: Any,
) -> AsyncIterator[tuple[Sandbox, ContactshipPool, Callable[[], Coroutine[Any, Any, None]]]]:
    """Open a pool of two organizations of one sandbox, and hand out what closes it."""
    async with Sandbox(100) as sandbox:
        pool = ContactshipPool(dict.fromkeys(("acme", "globex"), sandbox.api_key), base_url=sandbox.url, **settings)
        await pool.__aenter__()
        yield sandbox, pool, lambda: pool.__aexit__(None, None, None)


async def test_pool() -> None:
    """Leaving a pool ends the calls of its clients, their walks and its own, which stay so when it is entered again."""
    async with closing_pool() as (sandbox, pool, leave):
        sandbox.script(Slow(900))
        is_asked = asyncio.Event()
        sandbox.on_request = lambda _: is_asked.set()
        call = asyncio.create_task(pool["globex"].request("GET", "/v1/credits"))
        await is_asked.wait()
        await pass_turns()
        walks: list[Any] = [
            pool["acme"].iter_phone_numbers(page_size=10),
            pool.iter(lambda client: client.iter_phone_numbers(page_size=10)),
            pool.iter(lambda client: client.phone_numbers.list(type="inbound")),
        ]
        for items in walks:
            await anext(items)
        async with asyncio.timeout(AT_ONCE):
            await leave()
        assert isinstance(await outcome_of(call), ClientClosedError)

        with pytest.raises(RuntimeError, match="used within its `async with`"):
            await pool["acme"].count_phone_numbers()
        async with pool:
            for items in walks:
                with pytest.raises(ClientClosedError):
                    await anext(items)
            assert 100 == await pool["acme"].count_phone_numbers()
        before = len(sandbox.requests)
        await pass_turns()
        assert before == len(sandbox.requests)


async def test_pool_whose_walks_take_time_to_close() -> None:
    """Calls of its clients do not wait for walks that the user made, and that take their time to close."""
    closed = asyncio.Event()

    async def slow_to_close(client: ContactshipClient) -> AsyncGenerator[int, None]:
        try:
            while True:
                yield await client.count_phone_numbers()
        finally:
            await closed.wait()

    async with closing_pool() as (_, pool, leave):
        items = pool.iter(slow_to_close)
        await anext(items)
        numbers = pool["acme"].iter_phone_numbers(page_size=1)
        await anext(numbers)
        leaving = asyncio.create_task(leave())
        await asyncio.sleep(0)
        with pytest.raises(ClientClosedError):
            await anext(numbers)
        assert not leaving.done()
        closed.set()
        await outcome_of(leaving)
        with pytest.raises(ClientClosedError):
            await anext(items)
