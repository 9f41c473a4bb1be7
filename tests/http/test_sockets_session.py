"""The life of a session over real sockets: loops, threads, closing, cancelling, and keys that are fetched."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from raw_server import Act, Peer, RawServer, close, deaf_server, head, response, stall
from turns import pass_turns

from contactship_async import (
    AmbiguousOutcomeError,
    AuthenticationError,
    ConfigurationError,
    ContactshipError,
    PermissionDeniedError,
    RequestTimeoutError,
    RetryPolicy,
    Timeouts,
)

AT_ONCE = 5.0  # seconds, for a busy machine

ROW = {
    "phone_number": "+12025550142",
    "type": "inbound",
    "organization_id": "org-1",
    "created_at": "2026-01-15T10:00:00Z",
}


def page(offset: int) -> bytes:
    """Respond with one row of three."""
    return response({"data": [{"id": f"pn-{offset}", **ROW}], "count": 3})


@contextmanager
def served_elsewhere(server: RawServer) -> Iterator[None]:
    """Run *server* in a thread and loop of its own, for clients that change theirs."""
    started, stopped = threading.Event(), asyncio.Event()
    loops = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with server:
            started.set()
            await stopped.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(stopped.set)
        thread.join()


def test_loops_one_after_the_other() -> None:
    """One client serves several `asyncio.run()`, closed in between or not, each over a connection of its own."""
    server = RawServer(response("done"))
    with served_elsewhere(server):
        client = server.client()

        async def call(*, and_close: bool) -> str:
            content: str = await client.request("GET", "/v1/credits")
            if and_close:
                await client.close()
            return content

        contents = [asyncio.run(call(and_close=and_close)) for and_close in (False, True, False, False)]

    assert ["done"] * 4 == contents
    assert 4 == server.connections


def test_fetched_key_outlives_its_loop() -> None:
    """A key that was fetched in one loop serves in the next, and can be fetched anew there."""
    fetches = []

    async def fetch() -> str:
        fetches.append(1)
        await asyncio.sleep(0)
        return "sk-live-KEY"

    server = RawServer(response(), response(), response(status=401), response(status=401), response())
    with served_elsewhere(server):
        client = server.client(fetch)

        async def call_twice() -> int:
            calls = (client.request("GET", "/v1/credits") for _ in range(2))
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            return sum(isinstance(outcome, AuthenticationError) for outcome in outcomes)

        refusals = [asyncio.run(call_twice()) for _ in range(3)]

    assert [0, 2, 0] == refusals
    assert 2 == len(fetches)


SCRIPT = """
import asyncio, gc, sys
from contactship_async import ContactshipClient

kept = []

async def all_ids(client):
    return [number.id async for number in client.iter_phone_numbers(page_size=1)]

async def in_a_block(client):
    async with client:
        return await all_ids(client)

async def bare(client):
    return await all_ids(client)

async def bare_and_closed(client):
    ids = await all_ids(client)
    await client.close()
    await client.close()
    return ids

async def suspended_walks(client):
    kept.append(client.iter_phone_numbers(page_size=1))
    kept.append(client.iter_phone_number_pages(page_size=1))
    for walk in kept:
        await anext(walk)
    return await all_ids(client)

async def suspended_walks_in_a_block(client):
    async with client:
        return await suspended_walks(client)

async def walk_left(client):
    async for number in client.iter_phone_numbers(page_size=1):
        break
    return await all_ids(client)

async def running_call(client):
    kept.append(asyncio.create_task(client.request("GET", "/v1/stall")))
    for _ in range(50):  # so many turns of the loop send it
        await asyncio.sleep(0)
    return await all_ids(client)

async def running_walk(client):
    walk = client.iter_phone_numbers(page_size=1)
    await anext(walk)
    kept.append(walk)
    kept.append(asyncio.create_task(anext(walk)))
    await asyncio.sleep(0)
    return await all_ids(client)

async def on_a_busy_machine(use):
    asyncio.get_running_loop().slow_callback_duration = 60  # or the debug mode would find the machine slow
    return await use

for use in (in_a_block, bare, bare_and_closed, suspended_walks, suspended_walks_in_a_block, walk_left, running_call,
            running_walk):
    client = ContactshipClient("sk-live-KEY", base_url=sys.argv[1])
    for _ in range(2):
        print(use.__name__, *asyncio.run(on_a_busy_machine(use(client))))
        kept.clear()
        gc.collect()
"""


def test_nothing_to_warn_of() -> None:
    """However a client and its walks are used and left, `-X dev -W error` has nothing to say about it."""

    async def respond_by_offset(peer: Peer) -> None:
        target = server.requests[-1].target
        await (stall(peer) if "stall" in target else peer.send(page(int(target.partition("offset=")[2][0]))))

    server = RawServer(respond_by_offset)
    with served_elsewhere(server):
        done = subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPT, server.url],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    assert "" == done.stderr
    assert 16 == len(done.stdout.splitlines())
    assert {"pn-0 pn-1 pn-2"} == {line.partition(" ")[2] for line in done.stdout.splitlines()}


async def test_call_from_a_second_running_loop() -> None:
    """A call, and a close, from another thread's loop is refused while the first loop uses the client."""
    async with RawServer(response("done")) as server, server.client() as client:
        await client.request("GET", "/v1/credits")

        for use in (lambda: client.request("GET", "/v1/credits"), client.close):
            with pytest.raises(RuntimeError, match="another event loop"):
                await asyncio.to_thread(lambda: asyncio.run(use()))  # noqa: B023 - run at once

        assert "done" == await client.request("GET", "/v1/credits")
    assert 1 == server.connections


async def test_call_after_close_reopens() -> None:
    """A client that was closed opens a new session for the next call; closing twice, or before use, is allowed."""
    async with RawServer(response("done")) as server:
        client = server.client()
        await client.close()
        for _ in range(2):
            async with client:
                assert "done" == await client.request("GET", "/v1/credits")
                assert "done" == await client.request("GET", "/v1/credits")
            await client.close()
        assert "done" == await client.request("GET", "/v1/credits")
        await client.close()

    assert 3 == server.connections


async def test_first_calls_at_the_same_time_open_one_session() -> None:
    """Calls that start together share one session, and closing leaves nothing of it."""
    async with RawServer(response("done")) as server, server.client() as client:
        contents = await asyncio.gather(*(client.request("GET", "/v1/credits") for _ in range(20)))
        await client.request("GET", "/v1/credits")

    assert ["done"] * 20 == contents
    assert server.connections <= 20


async def test_borrowed_connector_stays_open() -> None:
    """A connector that was lent is never closed, and its connections serve others afterwards."""
    async with RawServer(response("done")) as server, aiohttp.TCPConnector() as connector:
        for _ in range(2):
            async with server.client(connector=connector) as client:
                await client.request("GET", "/v1/credits")
            assert not connector.closed
        async with aiohttp.ClientSession(connector=connector, connector_owner=False) as session:
            await session.get(server.url)

    assert 1 == server.connections


async def test_call_over_a_closed_borrowed_connector() -> None:
    """A connector that its owner has closed is named as the reason."""
    connector = aiohttp.TCPConnector()
    async with RawServer(response("done")) as server, server.client(connector=connector) as client:
        await client.request("GET", "/v1/credits")
        await connector.close()
        with pytest.raises(RuntimeError, match="connector it was given"):
            await client.request("GET", "/v1/credits")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_close_ends_running_calls(method: str) -> None:
    """Closing the client ends its running calls at once; a POST that left may have been processed."""
    async with RawServer(stall) as server, server.client() as client:
        call = asyncio.create_task(client.request(method, "/v1/calls"))
        await server.is_asked()
        await client.close()
        [outcome] = await asyncio.wait_for(asyncio.gather(call, return_exceptions=True), AT_ONCE)

    assert isinstance(outcome, AmbiguousOutcomeError if method == "POST" else (ContactshipError, RuntimeError))
    assert 1 == len(server.requests)


HALF = [head(200, {"Content-Length": "99"}), b"{", stall]


@pytest.mark.parametrize("act", [None, stall, HALF, response(status=503)], ids=["connect", "headers", "body", "wait"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_cancelled_call_leaves_nothing(method: str, act: Act | None) -> None:
    """A call can be cancelled in any phase: at once, with nothing left, and the client goes on working."""
    script = [act or stall]
    retry = RetryPolicy(initial_delay=1000, max_delay=1000)
    timeouts = Timeouts(total=None)
    async with RawServer(*script, response("done")) as server, deaf_server() as deaf_url:
        client = server.client(base_url=server.url if act else deaf_url, retry=retry, timeouts=timeouts)
        tasks_before = asyncio.all_tasks()
        call = asyncio.create_task(client.request(method, "/v1/calls", idempotent=True))
        await server.is_asked(1 if act else 0)
        await server.is_read()
        call.cancel()
        done, _ = await asyncio.wait([call], timeout=AT_ONCE)
        left = {task for task in asyncio.all_tasks() - tasks_before if "_serve" not in repr(task)}
        if act:
            assert "done" == await client.request("GET", "/v1/credits")
        await client.close()

    assert {call} == done
    assert call.cancelled()
    assert set() == left


async def test_cancelled_walk_leaves_nothing() -> None:
    """A walk that is cancelled while it waits for a page is over, and its connection closed."""
    async with RawServer(page(0), stall) as server, server.client() as client:
        ids = []

        async def walk() -> None:
            async for number in client.iter_phone_numbers(page_size=1):
                ids.append(number.id)  # noqa: PERF401 - what came before the cancellation is kept

        task = asyncio.create_task(walk())
        await server.is_asked(2)
        task.cancel()
        await asyncio.wait([task])

    assert task.cancelled()
    assert ["pn-0"] == ids


async def test_cancelled_waiter_gives_its_place_back() -> None:
    """A call that is cancelled while it waits for a connection of a full pool keeps none from the others."""
    connector = aiohttp.TCPConnector(limit=1)
    async with RawServer(stall, response("done")) as server, connector, server.client(connector=connector) as client:
        occupying = asyncio.create_task(client.request("GET", "/v1/stall"))
        await server.is_asked()
        waiting = asyncio.create_task(client.request("GET", "/v1/credits"))
        following = asyncio.create_task(client.request("GET", "/v1/credits"))
        await pass_turns()
        waiting.cancel()
        occupying.cancel()
        assert "done" == await asyncio.wait_for(following, AT_ONCE)
        await asyncio.wait([occupying, waiting])

    assert 2 == len(server.requests)


class KeySource:
    """An async function that returns keys in turn, the last one for good, and counts how often it is awaited."""

    def __init__(self, *keys: object, stalls: bool = False) -> None:
        self.calls = 0
        self._keys = keys
        self._stalls = stalls

    async def __call__(self) -> object:
        """Return the next key, after a while or never."""
        key = self._keys[min(self.calls, len(self._keys) - 1)]
        self.calls += 1
        await (asyncio.Event().wait() if self._stalls else pass_turns())
        return key


async def test_key_is_fetched_once_for_calls_at_the_same_time() -> None:
    """First calls that start together wait for one fetch, and later ones for none."""
    source = KeySource("sk-1")
    async with RawServer(response()) as server, server.client(source) as client:
        await asyncio.gather(*(client.request("GET", "/v1/credits") for _ in range(10)))
        await client.request("GET", "/v1/credits")

    assert 1 == source.calls
    assert {"sk-1"} == {got.headers["x-api-key"] for got in server.requests}


async def test_key_is_fetched_anew_after_a_401() -> None:
    """After a 401, the key is fetched anew and the call sent again with it; a 403 changes nothing."""
    source = KeySource("sk-1", "sk-2")
    script = [response(status=401), response(status=403), response()]
    async with RawServer(*script) as server, server.client(source) as client:
        with pytest.raises(PermissionDeniedError):
            await client.request("GET", "/v1/credits")
        await client.request("GET", "/v1/credits")

    assert 2 == source.calls
    assert ["sk-1", "sk-2", "sk-2"] == [got.headers["x-api-key"] for got in server.requests]


async def test_late_401_does_not_drop_a_newer_key() -> None:
    """When several calls get a 401 for one key, the next key is fetched once."""
    source = KeySource("sk-1", "sk-2", "sk-3")
    async with RawServer(*[response(status=401)] * 5, response()) as server, server.client(source) as client:
        await asyncio.gather(*(client.request("GET", "/v1/credits") for _ in range(5)), return_exceptions=True)
        await asyncio.gather(*(client.request("GET", "/v1/credits") for _ in range(5)))

    assert 2 == source.calls


async def test_cancelled_fetch_is_taken_over() -> None:
    """When the call that fetches the key is cancelled, another one that waits for it fetches it."""
    source = KeySource("sk-1")
    async with RawServer(response("done")) as server, server.client(source) as client:
        first = asyncio.create_task(client.request("GET", "/v1/credits"))
        second = asyncio.create_task(client.request("GET", "/v1/credits"))
        await asyncio.sleep(0)
        first.cancel()

        assert "done" == await second
    assert first.cancelled()
    assert 2 == source.calls


@pytest.mark.parametrize("key", [None, "", 5, b"sk", "sk\n-", "sk \xe9", "s" * 513], ids=repr)
async def test_malformed_key_is_not_kept(key: object) -> None:
    """A fetched key that can't be sent is an error without it, and the next call fetches another."""
    source = KeySource(key, "sk-2")
    async with RawServer(response("done")) as server, server.client(source) as client:
        with pytest.raises(ConfigurationError) as caught:
            await client.request("GET", "/v1/credits")

        assert "done" == await client.request("GET", "/v1/credits")
    assert key in (None, "", 5) or str(key) not in str(caught.value)
    assert 1 == len(server.requests)


async def test_failing_fetch_raises_its_own_error() -> None:
    """An error of the function that fetches the key passes as it is, TimeoutError included, and is not kept."""
    errors = [LookupError("vault"), TimeoutError("vault")]

    async def fetch() -> str:
        if errors:
            raise errors.pop()
        return "sk-live-KEY"

    async with RawServer(response("done")) as server, server.client(fetch) as client:
        for kind in (TimeoutError, LookupError):
            with pytest.raises(kind, match="vault"):
                await client.request("GET", "/v1/credits")

        assert "done" == await client.request("GET", "/v1/credits")


async def test_stalled_fetch_times_out_for_all() -> None:
    """Calls that wait for a key that never comes each end at their own total limit."""
    source = KeySource("sk-1", stalls=True)
    async with RawServer(response()) as server, server.client(source, timeouts=Timeouts(total=0.1)) as client:
        outcomes = await asyncio.gather(
            *(client.request("GET", "/v1/credits") for _ in range(3)), return_exceptions=True
        )

    assert ["total"] * 3 == [outcome.limit for outcome in outcomes if isinstance(outcome, RequestTimeoutError)]
    assert 0 == server.connections


async def test_idle_connection_closed_by_server_is_not_used() -> None:
    """A connection that the server closed while it was idle is replaced, also for a POST."""
    async with RawServer([response("done"), close]) as server, server.client() as client:
        for method in ("GET", "POST", "PUT"):
            assert "done" == await client.request(method, "/v1/calls")
            await server.is_at_rest()

    assert ["GET", "POST", "PUT"] == [got.method for got in server.requests]
    assert 3 == server.connections
