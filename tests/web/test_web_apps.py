"""What a browser gets from the guide's web apps, over real sockets."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from web_apps import Connections

from contactship_async import ContactshipClient, Timeouts
from contactship_async.sandbox import Cut, Fault, Html, Sandbox, Slow, Status

PATHS = ["/numbers", "/numbers.ndjson"]


def read_lines(body: bytes) -> list[dict[str, Any]]:
    """Decode a body of JSON lines, the last of which must be whole."""
    assert body.endswith(b"\n")
    return [json.loads(line) for line in body.splitlines()]


async def test_listing(browser: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    """A page comes as JSON, as the API has it, with one request."""
    async with browser.get("/numbers") as response:
        content = await response.json()

    assert 200 == response.status
    assert "application/json" == response.content_type
    assert sandbox.phone_numbers[:100] == [
        {key: row[key] for key in sandbox.phone_numbers[0]} for row in content["data"]
    ]
    assert 250 == content["count"]
    assert 1 == len(sandbox.requests)


async def test_stream(browser: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    """All numbers come, one a line."""
    async with browser.get("/numbers.ndjson") as response:
        lines = read_lines(await response.read())

    assert 200 == response.status
    assert "application/x-ndjson" == response.content_type
    assert sandbox.phone_numbers == lines
    assert ["0", "100", "200"] == [request.params["offset"] for request in sandbox.requests]


async def test_empty_stream(browser: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    """Without any number, the stream is empty and ends in order."""
    for number in sandbox.phone_numbers:
        sandbox.remove_phone_number(number["id"])
    async with browser.get("/numbers.ndjson") as response:
        body = await response.read()

    assert (200, "application/x-ndjson", b"") == (response.status, response.content_type, body)


@pytest.mark.parametrize("path", PATHS)
async def test_type(path: str, browser: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    """The browser may choose a type; a wrong one is its own fault, and nothing is sent for it."""
    async with browser.get(path, params={"type": "inbound"}) as response:
        await response.read()
    asked = [request.params["type"] for request in sandbox.requests]
    async with browser.get(path, params={"type": "sideways"}) as refused:
        await refused.read()

    assert 200 == response.status
    assert refused.status in (400, 422)
    assert asked == ["inbound"] * len(sandbox.requests)


async def test_one_client(
    browser: aiohttp.ClientSession, clients: list[ContactshipClient], connections: Connections
) -> None:
    """All requests share one client, and those that come one after the other share its one connection."""
    for path in PATHS * 2:
        async with browser.get(path) as response:
            await response.read()

    assert 1 == len(clients)
    assert 1 == connections.most


@pytest.mark.parametrize("path", PATHS)
async def test_error(path: str, browser: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    """An error before the first row is a status, without a word of what went wrong."""
    never_retried = [Status(401, message="Invalid API key sk-live-KEY"), Status(403), Status(404), Html(), Html(302)]
    retried = [Status(500), Status(503, retry_after=0), Cut(), Cut(after_bytes=9)]
    for fault in [*never_retried, *retried]:
        sandbox.script(fault, times=None)
        async with browser.get(path) as response:
            content = await response.json()

        assert (502, {"error": "Bad Gateway"}) == (response.status, content), fault
        assert "Retry-After" not in response.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("timeouts", [Timeouts(total=0.4)])  # shorter than the shortest wait for a rate limit
@pytest.mark.parametrize(("retry_after", "header"), [(300, "300"), (None, None)])
async def test_rate_limit(
    path: str, retry_after: int | None, header: str | None, browser: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    """A 429 of the API is a 503 of the app, with the wait that the API asked for, rounded up."""
    sandbox.script(Status(429, retry_after=retry_after), times=None)
    async with browser.get(path) as response:
        content = await response.json()

    assert (503, {"error": "Service Unavailable"}) == (response.status, content)
    assert header == response.headers.get("Retry-After")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("timeouts", [Timeouts(total=0.05)])
async def test_timeout(path: str, browser: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    """A time limit is distinguished from other failures."""
    sandbox.script(Slow(10), times=None)
    async with browser.get(path) as response:
        content = await response.json()

    assert (504, {"error": "Gateway Timeout"}) == (response.status, content)


@pytest.mark.parametrize("fault", [Status(401), Html()], ids=repr)
async def test_error_in_the_midst_of_a_stream(
    fault: Fault, browser: aiohttp.ClientSession, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The rows before the error arrive, the body has no end, and the log names the error."""
    sandbox.script(None, None, fault)
    body = b""
    async with browser.get("/numbers.ndjson") as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            async for chunk in response.content.iter_any():
                body += chunk

    assert 200 == response.status
    assert sandbox.phone_numbers[:200] == read_lines(body)
    assert "ContactshipError" in caplog.text or "contactship_async.errors" in caplog.text
    assert sandbox.api_key not in caplog.text


async def test_error_is_logged(
    browser: aiohttp.ClientSession, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """What the browser does not get to see is in the log, apart from the key."""
    sandbox.script(Status(401, message="Invalid API key sk-live-KEY"), times=None)
    async with browser.get("/numbers") as response:
        await response.read()

    assert "/numbers: GET /v1/phone-numbers failed: 401 Unauthorized" in caplog.text
    assert sandbox.api_key not in caplog.text
