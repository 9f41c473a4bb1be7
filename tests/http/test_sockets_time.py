"""How long a call may take over a real socket: each limit of `Timeouts` against servers that take their time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import aiohttp
import pytest
from raw_server import Act, RawServer, deaf_server, drip, head, response, stall

from contactship_async import (
    AmbiguousOutcomeError,
    ContactshipClient,
    ContactshipError,
    RateLimitError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    Timeouts,
)

LIMIT = 0.05  # a real one, and small: aiohttp's limits and the sockets go by no other clock
TOLERANCE = 2.0  # for a busy machine: without the limit, each of these calls would last for ever
ONCE = RetryPolicy(max_attempts=1)

CONNECT = Timeouts(connect=LIMIT)
ATTEMPT = Timeouts(connect=None, attempt=LIMIT)
TOTAL = Timeouts(connect=None, attempt=None, total=LIMIT)


async def timed(call: Awaitable[object]) -> tuple[float, ContactshipError]:
    """Return how long *call* took to fail, and its error."""
    started = time.monotonic()
    with pytest.raises(ContactshipError) as caught:
        await call
    return time.monotonic() - started, caught.value


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("timeouts", "limit"), [(CONNECT, "connect"), (ATTEMPT, "attempt"), (TOTAL, "total")], ids=lambda _: ""
)
async def test_limit_while_connecting(method: str, timeouts: Timeouts, limit: str) -> None:
    """A server that never accepts runs into whichever limit comes first; nothing was sent, so nothing is ambiguous."""
    async with (
        deaf_server() as url,
        ContactshipClient("sk", base_url=url, timeouts=timeouts, retry=ONCE) as client,
    ):
        seconds, error = await timed(client.request(method, "/v1/calls"))

    assert isinstance(error, RequestTimeoutError)
    assert limit == error.limit
    assert LIMIT * 0.9 <= seconds <= LIMIT + TOLERANCE


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_limit_during_tls_handshake(method: str) -> None:
    """A server that does not respond to the TLS handshake runs into the connect limit, and got nothing."""
    async with RawServer(stall, listens=False) as server:
        https = server.url.replace("http:", "https:")
        async with server.client(base_url=https, timeouts=CONNECT, retry=ONCE) as client:
            seconds, error = await timed(client.request(method, "/v1/calls"))

    assert isinstance(error, RequestTimeoutError)
    assert "connect" == error.limit
    assert LIMIT * 0.9 <= seconds <= LIMIT + TOLERANCE


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("timeouts", "limit"), [(CONNECT, "connect"), (ATTEMPT, "attempt"), (TOTAL, "total")], ids=lambda _: ""
)
async def test_limit_while_pool_is_full(method: str, timeouts: Timeouts, limit: str) -> None:
    """Waiting for a connection of a full pool counts towards each limit, and nothing was sent."""
    connector = aiohttp.TCPConnector(limit=1)
    async with RawServer(stall) as server, connector, server.client(connector=connector, retry=ONCE) as first:
        occupying = asyncio.ensure_future(first.request("GET", "/v1/credits"))
        await server.is_asked()
        async with server.client(connector=connector, timeouts=timeouts, retry=ONCE) as client:
            seconds, error = await timed(client.request(method, "/v1/calls"))
        occupying.cancel()
        await asyncio.wait([occupying])

    assert isinstance(error, RequestTimeoutError)
    assert limit == error.limit
    assert LIMIT * 0.9 <= seconds <= LIMIT + TOLERANCE
    assert 1 == len(server.requests)


async def test_post_from_full_pool_is_tried_again() -> None:
    """A POST that got no connection in its first attempt is sent in a later one, and only once."""
    connector = aiohttp.TCPConnector(limit=1)
    async with RawServer(stall, response("done")) as server, connector, server.client(connector=connector) as first:
        occupying = asyncio.ensure_future(first.request("GET", "/v1/credits"))
        await server.is_asked()
        asyncio.get_running_loop().call_later(LIMIT * 1.5, occupying.cancel)
        retry = RetryPolicy(max_attempts=100, initial_delay=0)
        async with server.client(connector=connector, timeouts=CONNECT, retry=retry) as client:
            content = await client.request("POST", "/v1/calls")
        await asyncio.wait([occupying])

    assert "done" == content
    assert ["GET", "POST"] == [request.method for request in server.requests]


@pytest.mark.parametrize("timeouts", [ATTEMPT, TOTAL], ids=["attempt", "total"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_refusal_sent_very_slowly(method: str, timeouts: Timeouts) -> None:
    """A refusal whose body does not end within the limit is that refusal, with its wait, not a time-out."""
    dripping: Act = [head(429, {"Content-Length": "999999", "Retry-After": "121"}), drip(b" ")]
    async with RawServer(dripping) as server, server.client(timeouts=timeouts) as client:
        seconds, error = await timed(client.request(method, "/v1/calls"))

    assert isinstance(error, RateLimitError)
    assert 121 == error.retry_after
    assert seconds <= LIMIT + TOLERANCE
    assert 1 == len(server.requests)


async def test_upload_that_is_not_read() -> None:
    """A server that does not read a body holds a POST no longer than the limit."""
    async with RawServer(stall, listens=False) as server, server.client(timeouts=ATTEMPT) as client:
        seconds, error = await timed(client.request("POST", "/v1/contacts", json="a" * 1_000_000))

    assert isinstance(error, AmbiguousOutcomeError)
    assert LIMIT * 0.9 <= seconds <= LIMIT + TOLERANCE
    assert 1 == server.connections


async def test_response_before_upload_ends() -> None:
    """A response that comes while the body is still being sent is the response, and ends the sending."""
    refusal: Act = [head(500, {"Content-Length": "2"}), b"{}", stall]
    async with RawServer(refusal, listens=False) as server, server.client() as client:
        with pytest.raises(ServerError):
            await client.request("POST", "/v1/contacts", json="a" * 1_000_000)

    assert 1 == server.connections


async def test_total_limit_spans_attempts() -> None:
    """Attempts, however many, share the total limit."""
    timeouts = Timeouts(attempt=LIMIT, total=LIMIT * 4)
    retry = RetryPolicy(max_attempts=100, initial_delay=0)
    async with RawServer(stall) as server, server.client(timeouts=timeouts, retry=retry) as client:
        seconds, error = await timed(client.request("GET", "/v1/credits"))

    assert isinstance(error, RequestTimeoutError)
    assert seconds <= LIMIT * 4 + TOLERANCE
    assert 2 <= len(server.requests) <= 5


async def test_key_never_fetched() -> None:
    """A key that never comes runs into the total limit, and nothing is sent."""

    async def fetch_key() -> str:
        await asyncio.Event().wait()
        return "sk-live-KEY"

    async with RawServer(stall) as server, server.client(fetch_key, timeouts=TOTAL) as client:
        seconds, error = await timed(client.request("POST", "/v1/calls"))

    assert isinstance(error, RequestTimeoutError)
    assert "total" == error.limit
    assert LIMIT * 0.9 <= seconds <= LIMIT + TOLERANCE
    assert 0 == server.connections
