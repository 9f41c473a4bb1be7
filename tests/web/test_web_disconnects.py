"""Browsers that read slowly, or leave: nothing is fetched for them that they do not take."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from turns import pass_turns
from web_apps import Connections, wait_until
from yarl import URL

from contactship_async.sandbox import Sandbox, Slow

_QUIET_ROUNDS = 20  # each of many turns of the loop, in which a request would follow at once


@asynccontextmanager
async def slow_browser(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Ask for *url* over a connection that takes in little ahead of what is read; break it off at the end."""
    target = URL(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(0)
    await asyncio.get_running_loop().sock_connect(connection, (target.host, target.port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    try:
        writer.write(f"GET {target.path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n".encode())
        yield reader, writer
    finally:
        writer.transport.abort()


async def wait_until_quiet(sandbox: Sandbox) -> int:
    """Wait until no request has come for a while, and return how many came."""
    seen = -1
    while seen != len(sandbox.requests):
        seen = len(sandbox.requests)
        for _ in range(_QUIET_ROUNDS):
            await pass_turns()
    return seen


def add_numbers(sandbox: Sandbox, count: int) -> None:
    """Make the listing longer than all buffers between the sandbox and a browser."""
    for _ in range(count):
        sandbox.add_phone_number()


async def read_lines(browser: aiohttp.ClientSession, count: int) -> None:
    """Read *count* lines of the stream and then wait for the next."""
    async with browser.get("/numbers.ndjson") as response:
        for _ in range(count):
            assert await response.content.readline()
        await response.content.readline()


async def test_slow_browser_gets_all(app_url: str, sandbox: Sandbox) -> None:
    """A browser that stops reading stops the walk, and gets the rest when it goes on."""
    add_numbers(sandbox, 4750)
    async with slow_browser(f"{app_url}/numbers.ndjson") as (reader, _):
        fetched_unread = await wait_until_quiet(sandbox)
        body = await reader.read()

    assert 50 == len(sandbox.requests)
    assert fetched_unread <= 25
    assert body.count(b'"organization_id"') == 5000
    assert body.endswith(b"0\r\n\r\n")


async def test_browser_leaves_while_it_is_waited_for(
    app_url: str, sandbox: Sandbox, walks: set[object], connections: Connections
) -> None:
    """When a browser that stopped reading leaves, its walk is closed and nothing more is fetched."""
    add_numbers(sandbox, 4750)
    async with slow_browser(f"{app_url}/numbers.ndjson"):
        fetched = await wait_until_quiet(sandbox)
        assert 1 == len(walks)
    await wait_until(lambda: not walks)

    assert fetched == await wait_until_quiet(sandbox)
    assert 1 == len(connections)  # the client keeps it for the next call


@pytest.mark.parametrize("pages", [0, 1, 2])
async def test_browser_leaves_during_a_request(
    pages: int, browser: aiohttp.ClientSession, sandbox: Sandbox, connections: Connections
) -> None:
    """When a browser leaves while a page is fetched, also the first one, that request is broken off at once."""
    sandbox.script(*[None] * pages, Slow(math.inf))
    tasks = asyncio.all_tasks()
    browsing = asyncio.create_task(read_lines(browser, 100 * pages))
    await wait_until(lambda: len(sandbox.requests) == pages + 1)
    assert 1 == len(connections)
    browsing.cancel()
    await wait_until(lambda: not len(connections))
    await asyncio.wait([browsing])
    await wait_until(lambda: asyncio.all_tasks() <= tasks)

    assert pages + 1 == len(sandbox.requests)
    async with browser.get("/numbers") as response:
        assert 200 == response.status


async def test_plain_listing_is_broken_off_or_finished(app_url: str, sandbox: Sandbox) -> None:
    """A browser that leaves before its page is there harms no other: the next one is served."""
    sandbox.script(Slow(0.05))
    async with slow_browser(f"{app_url}/numbers"):
        await wait_until(lambda: sandbox.requests)
    async with aiohttp.ClientSession(app_url) as session, session.get("/numbers") as response:
        assert 200 == response.status
