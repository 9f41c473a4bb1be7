"""Many requests at once, while the API behind the guide's web apps fails in every way but a rate limit.

That is a wait of all requests, and so no failure of some among them.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import aiohttp
from volume import Volume
from web_apps import Connections

from contactship_async import ContactshipClient
from contactship_async.sandbox import Cut, Html, Sandbox, Slow, Status

FAULTS = (
    None,
    Status(503, retry_after=0),
    Slow(0.02),
    Cut(after_bytes=200),
    Status(522),
    None,
    Html(),
    Cut(),
    Status(500),
    Status(401),
    None,
)
MAPPED = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


async def browse(browser: aiohttp.ClientSession, path: str) -> tuple[str, list[str]]:
    """Ask for *path*; return how it went, and the ids that came."""
    async with browser.get(path) as response:
        if response.status != 200:
            assert {"error": MAPPED[response.status]} == await response.json()
            return f"{path} {response.status}", []
        body, ending = b"", "whole"
        try:
            async for chunk in response.content.iter_any():
                body += chunk
        except aiohttp.ClientPayloadError:
            ending = "broken off"
        rows = [json.loads(line) for line in body.splitlines()] if "ndjson" in path else json.loads(body)["data"]
        return f"{path} {ending}", [row["id"] for row in rows]


async def test_many_requests_over_one_pool(
    browser: aiohttp.ClientSession,
    sandbox: Sandbox,
    clients: list[ContactshipClient],
    connections: Connections,
    volume: Volume,
) -> None:
    """Each gets what it asked for, or an error that says so, over at most 100 connections to the API.

    What the app leaves behind when it ends is seen by the fixtures that watch every test.
    """
    ids = [row["id"] for row in sandbox.phone_numbers]
    requests = 500 if volume.is_full else 120  # more than there may be connections
    sandbox.script(*FAULTS, times=None)
    outcomes = await asyncio.gather(
        *(browse(browser, path) for path in ("/numbers", "/numbers.ndjson") * (requests // 2))
    )
    sandbox.clear_script()
    after = await asyncio.gather(*(browse(browser, path) for path in ("/numbers", "/numbers.ndjson")))

    expected = {
        "/numbers whole": ids[:100],
        "/numbers.ndjson whole": ids,
    }
    for outcome, got in outcomes:
        if outcome.endswith("whole"):
            assert expected[outcome] == got
        elif outcome.endswith("broken off"):
            assert got in (ids[:100], ids[:200])
    counts = Counter(outcome for outcome, _ in outcomes)
    assert requests == counts.total()
    assert {"/numbers whole", "/numbers.ndjson whole", "/numbers.ndjson broken off"} < set(counts)
    assert {"/numbers 502", "/numbers.ndjson 502"} < set(counts)
    assert [*expected.items()] == after
    assert 1 == len(clients)
    assert 1 < connections.most <= 100
