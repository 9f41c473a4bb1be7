from __future__ import annotations

import asyncio
import math
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from unittest.mock import AsyncMock

import aiohttp
import pytest

from contactship_async.sandbox import Body, Cut, Drip, Fault, Sandbox, Slow
from contactship_async.sandbox._serving.server import _reset

HEADERS = {"x-api-key": "sandbox-key"}
PATH = "/v1/phone-numbers"
REPOSITORY = Path(__file__).parents[2]


async def wait_until(is_true: Callable[[], object]) -> None:
    """Let other tasks run until something is true."""
    async with asyncio.timeout(5):
        while not is_true():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)


@asynccontextmanager
async def connect(sandbox: Sandbox, ask: str = "") -> AsyncIterator[asyncio.StreamReader]:
    """Open a bare connection, and send the head of a request for *ask* if given."""
    host, port = sandbox.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, port)
    if ask:
        writer.write(f"GET {ask} HTTP/1.1\r\nHost: {host}\r\nx-api-key: sandbox-key\r\n\r\n".encode())
    try:
        yield reader
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)  # for the socket to be closed


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """Read until the other side closes."""
    async with asyncio.timeout(5):
        return await reader.read()


async def get_text(session: aiohttp.ClientSession, sandbox: Sandbox) -> str:
    """Ask for the default page."""
    async with session.get(sandbox.url + PATH, headers=HEADERS) as response:
        return await response.text()


async def test_url_exists_only_while_running() -> None:
    """Url is the loopback address while the server runs; before and after, the error says how to start it."""
    sandbox = Sandbox()
    for _ in range(2):  # a sandbox can be started again
        with pytest.raises(RuntimeError, match="async with Sandbox"):
            _ = sandbox.url
        async with sandbox as entered, aiohttp.ClientSession() as session:
            assert entered is sandbox
            assert sandbox.url.startswith("http://127.0.0.1:")
            assert '"count":250' in await get_text(session, sandbox)

    assert len(sandbox.requests) == 2


async def test_started_twice_is_refused() -> None:
    """Entering a running sandbox is a RuntimeError that leaves the server running."""
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        with pytest.raises(RuntimeError, match="already running at http"):
            await sandbox.__aenter__()

        assert await get_text(session, sandbox)


async def test_port_is_freed_at_once() -> None:
    """A chosen port is used, can't be used twice, and is free again after the end."""
    async with Sandbox() as first:
        port = int(first.url.rpartition(":")[2])
        second = Sandbox(port=port)
        with pytest.raises(OSError, match="address already in use"):
            await second.__aenter__()
        with pytest.raises(RuntimeError, match="has no URL"):
            _ = second.url
    async with second, aiohttp.ClientSession() as session:
        assert second.url == f"http://127.0.0.1:{port}"
        assert await get_text(session, second)


async def test_ipv6_address_stands_in_brackets() -> None:
    """The URL of an IPv6 host can be used as it is."""
    try:
        sandbox = await Sandbox(host="::1").__aenter__()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    async with aiohttp.ClientSession() as session:
        assert sandbox.url.startswith("http://[::1]:")
        assert await get_text(session, sandbox)
    await sandbox.__aexit__(None, None, None)


async def test_host_may_be_a_name() -> None:
    """`localhost` is a loopback address by name."""
    async with Sandbox(host="localhost") as sandbox, aiohttp.ClientSession() as session:
        assert sandbox.url.startswith("http://localhost:")
        assert await get_text(session, sandbox)


@pytest.mark.parametrize(("host", "told"), [("0.0.0.0", "http://127.0.0.1:"), ("::", "http://[::1]:")])  # noqa: S104 - for once
async def test_host_may_be_all_addresses(host: str, told: str) -> None:
    """A server at all addresses, as in a container, tells the one at which this machine finds it."""
    try:
        sandbox = await Sandbox(3, host=host).__aenter__()
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with sandbox.client() as client:
        assert sandbox.url.startswith(told)
        assert 3 == await client.count_phone_numbers()
    await sandbox.__aexit__(None, None, None)


async def test_host_may_be_any_address_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients of the sandbox take its URL, though it is in clear and may be another machine's: its key is no secret."""
    name = "sandbox.example"
    addresses = await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 0)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", AsyncMock(return_value=addresses[:1]))
    async with Sandbox(3, host=name) as sandbox, sandbox.client() as client:
        assert sandbox.url.startswith(f"http://{name}:")
        assert f"<ContactshipClient {sandbox.url}>" == repr(client)
        async with sandbox.client(base_url=sandbox.url.replace(name, "127.0.0.1")) as other:
            assert 3 == await other.count_phone_numbers()
    with pytest.raises(OSError, match=r"assign requested address|could not bind"):
        await Sandbox(host="192.0.2.1").__aenter__()


async def test_posted_bodies_are_read() -> None:
    """A request with a body gets its response, and the connection serves the next one."""
    async with (
        Sandbox() as sandbox,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
    ):
        async with session.post(sandbox.url + PATH, headers=HEADERS, data=b"x" * 100_000) as response:
            assert response.status == 405
        assert await get_text(session, sandbox)


@pytest.mark.parametrize("after_bytes", [0, 1, 1000, 150_000])
async def test_cut_sends_exactly_the_bytes_asked_for(after_bytes: int) -> None:
    """The headers hold the true Content-Length, and that many bytes of the body follow."""
    async with Sandbox(1000) as sandbox, aiohttp.ClientSession() as session:
        async with session.get(sandbox.url + PATH, params={"limit": 1000}, headers=HEADERS) as response:
            body = await response.read()
        sandbox.script(Cut(after_bytes))
        async with connect(sandbox, f"{PATH}?limit=1000") as reader:
            head, _, arrived = (await read_to_end(reader)).partition(b"\r\n\r\n")

    assert b"HTTP/1.1 200 OK" in head
    assert f"Content-Length: {len(body)}\r\n".encode() in head
    assert body[:after_bytes] == arrived


async def test_cut_before_the_response_resets() -> None:
    """Cut() sends nothing but a reset."""
    async with Sandbox() as sandbox:
        sandbox.script(Cut())
        async with connect(sandbox, PATH) as reader:
            with pytest.raises(ConnectionResetError):
                await reader.read()


def test_connection_that_is_gone_needs_no_reset() -> None:
    """A client that leaves while its connection is cut does no harm."""
    _reset(None)


async def test_drip_lets_bytes_through_one_by_one() -> None:
    """The headers and the first bytes of a dripping response arrive long before its last."""
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        sandbox.script(Drip(0.005))
        async with session.get(sandbox.url + PATH, headers=HEADERS) as response:
            assert response.status == 200
            assert [b"{", b'"', b"d"] == [await response.content.readany() for _ in range(3)]


@pytest.mark.parametrize("fault", [Slow(math.inf), Slow(3600), Drip(3600), Body(b"x" * 50_000_000), None])
async def test_end_is_immediate_and_leaves_nothing(fault: Fault | None) -> None:
    """The server ends at once, whatever is under way, and leaves no task and no open connection."""
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    sandbox = await Sandbox().__aenter__()
    sandbox.script(fault)
    async with connect(sandbox, PATH) as busy, connect(sandbox) as idle:
        await wait_until(lambda: sandbox.requests)
        began = loop.time()
        await sandbox.__aexit__(None, None, None)
        took = loop.time() - began
        left = asyncio.all_tasks() - before
        with suppress(ConnectionResetError):
            await read_to_end(busy)
        rest = await read_to_end(idle)

    assert took < 0.5
    assert left == set()
    assert rest == b""


async def test_end_comes_through_errors_and_cancellation() -> None:
    """The server ends as well when the block is left by an error or a cancellation."""
    sandbox = Sandbox()
    before = asyncio.all_tasks()

    async def run() -> None:
        async with sandbox, aiohttp.ClientSession() as session:
            sandbox.script(Slow(math.inf))
            await get_text(session, sandbox)

    task = asyncio.create_task(run())
    await wait_until(lambda: sandbox.requests)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert asyncio.all_tasks() == before
    with pytest.raises(RuntimeError, match="has no URL"):
        _ = sandbox.url


@pytest.mark.parametrize("fault", [Slow(3600), Drip(3600)])
async def test_handler_ends_when_the_client_leaves(fault: Fault) -> None:
    """A client that gives up takes the handler of its request along."""
    async with Sandbox() as sandbox:
        before = asyncio.all_tasks()
        sandbox.script(fault)
        async with aiohttp.ClientSession() as session:
            client = asyncio.create_task(get_text(session, sandbox))
            await wait_until(lambda: sandbox.requests)

            assert len(asyncio.all_tasks() - before) > 1
            client.cancel()
        await wait_until(lambda: asyncio.all_tasks() == before)


async def test_error_in_on_request_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    """An exception of on_request is logged, and the client sees a 500."""
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        sandbox.on_request = lambda request: request.params["offset"]
        async with session.get(sandbox.url + PATH, headers=HEADERS) as response:
            assert response.status == 500

    assert "KeyError: 'offset'" in caplog.text


async def test_requests_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The server keeps no access log: nothing is printed into a user's test or terminal."""
    caplog.set_level("DEBUG")
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        await get_text(session, sandbox)

    assert [] == [record for record in caplog.records if record.name.startswith("aiohttp")]


def test_development_mode_finds_nothing() -> None:
    """Under -X dev, a run through every fault leaves no warning, no thread and no pending task."""
    program = """
import asyncio, math, threading
import aiohttp
from contactship_async.sandbox import *

FAULTS = (None, Status(500), Slow(0.001), Drip(0.00001), Cut(), Cut(5), Html(), Redirect("/v1/x"), RepeatPage(),
          EmptyPage(), Body(b"x" * 1000000))
STALLS = (Slow(math.inf), Slow(3600), Drip(3600))

async def ask(session, url):
    try:
        async with session.get(url, headers={"x-api-key": "sandbox-key"}, allow_redirects=False) as response:
            await response.read()
    except aiohttp.ClientError:
        pass

async def stall(session, sandbox):
    task = asyncio.create_task(ask(session, sandbox.url + "/v1/phone-numbers"))
    before = len(sandbox.requests)
    while len(sandbox.requests) == before:
        await asyncio.sleep(0)
    return task

async def main():
    asyncio.get_running_loop().slow_callback_duration = math.inf  # a busy machine is not a finding
    async with aiohttp.ClientSession() as session:
        session._retry_connection = False
        async with Sandbox() as sandbox:
            sandbox.script(*FAULTS, *STALLS, *STALLS)
            for _ in FAULTS:
                await ask(session, sandbox.url + "/v1/phone-numbers")
            for _ in STALLS:
                (await stall(session, sandbox)).cancel()
            stalled = [await stall(session, sandbox) for _ in STALLS]
        await asyncio.gather(*stalled)
    assert asyncio.all_tasks() == {asyncio.current_task()}, asyncio.all_tasks()
    assert threading.active_count() == 1
    print(len(sandbox.requests), "served")

asyncio.run(main())
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    assert (result.stdout, result.stderr) == ("17 served\n", "")


async def test_many_connections_at_once() -> None:
    """A hundred requests at the same time all get a response and are recorded."""
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        await asyncio.gather(*(get_text(session, sandbox) for _ in range(100)))

    assert [200] * 100 == [request.status for request in sandbox.requests]


def test_two_event_loops_one_after_the_other() -> None:
    """One sandbox serves two asyncio.run() calls, with its numbers and log kept."""
    sandbox = Sandbox(1)

    async def run() -> None:
        async with sandbox, aiohttp.ClientSession() as session:
            await get_text(session, sandbox)

    asyncio.run(run())
    asyncio.run(run())

    assert len(sandbox.requests) == 2
