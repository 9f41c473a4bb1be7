from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from turns import pass_turns

from contactship_async._http.messages import Response
from contactship_async.sandbox import (
    Body,
    Cut,
    Drip,
    EmptyPage,
    Fault,
    Html,
    Redirect,
    RepeatPage,
    Sandbox,
    Slow,
    Status,
)

Get = Callable[..., Awaitable[Response]]

DROPPED = (ConnectionResetError, aiohttp.ClientError)
"""In memory and over the port."""


@pytest.mark.parametrize(
    ("fault", "message", "retry_after"),
    [
        (Status(500), "Internal Server Error", None),
        (Status(599), "Unknown", None),
        (Status(429, retry_after=7), "Too Many Requests", "7"),
        (Status(503, retry_after=0.5, message="back soon"), "back soon", "0.5"),
        (Status(429, "Wed, 21 Oct 2026 07:28:00 GMT"), "Too Many Requests", "Wed, 21 Oct 2026 07:28:00 GMT"),
    ],
)
async def test_status_sends_an_error(get: Get, fault: Status, message: str, retry_after: str | None) -> None:
    """Status sends the documented error, with Retry-After as it was given."""
    sandbox = Sandbox()
    sandbox.script(fault)

    response = await get(sandbox)

    assert response.status == fault.status
    assert {"statusCode": fault.status, "message": message} == json.loads(response.body)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers.get("retry-after") == retry_after


async def test_slow_responds_normally_but_later(get: Get) -> None:
    """Slow sends the normal response after that many seconds, and not before."""
    sandbox = Sandbox()
    normal = await get(sandbox)
    sandbox.script(Slow(0.03))  # real seconds: a server has no other clock
    began = asyncio.get_running_loop().time()

    assert normal.body == (await get(sandbox)).body
    assert asyncio.get_running_loop().time() - began >= 0.03


async def test_slow_for_ever_is_a_stall(get: Get) -> None:
    """Slow(math.inf) never responds; the client that gives up can go on with the next request."""
    sandbox = Sandbox()
    await get(sandbox)
    sandbox.script(Slow(math.inf))
    stalled = asyncio.ensure_future(get(sandbox))
    async with asyncio.timeout(5):
        while len(sandbox.requests) == 1:  # noqa: ASYNC110 - a request that arrives sets no event
            await asyncio.sleep(0)
    await pass_turns()

    assert not stalled.done()
    stalled.cancel()
    assert (await get(sandbox)).status == 200


async def test_drip_sends_the_normal_response(get: Get) -> None:
    """Drip sends the normal body whole, and takes its time for each byte."""
    sandbox = Sandbox(0)
    normal = await get(sandbox)
    sandbox.script(Drip(0.001))
    began = asyncio.get_running_loop().time()

    assert normal.body == (await get(sandbox)).body
    assert asyncio.get_running_loop().time() - began >= 0.001 * len(normal.body)


@pytest.mark.parametrize("after_bytes", [None, 0, 10])
async def test_cut_drops_the_connection(get: Get, after_bytes: int | None) -> None:
    """After Cut, no whole response arrives; the response to the next request is normal."""
    sandbox = Sandbox()
    sandbox.script(Cut(after_bytes))
    with pytest.raises(DROPPED):
        await get(sandbox)

    assert (await get(sandbox)).status == 200
    assert [None, 200] == [request.status for request in sandbox.requests]


async def test_cut_behind_the_end_cuts_nothing(get: Get) -> None:
    """A body that is no longer than after_bytes arrives whole."""
    sandbox = Sandbox()
    normal = await get(sandbox)
    sandbox.script(Cut(len(normal.body)), Cut(len(normal.body) - 1))

    assert normal.body == (await get(sandbox)).body
    with pytest.raises(DROPPED):
        await get(sandbox)


async def test_html_sends_a_page(get: Get) -> None:
    """Html sends an HTML page with its status."""
    sandbox = Sandbox()
    sandbox.script(Html(), Html(502))

    for status, title in ((200, "OK"), (502, "Bad Gateway")):
        response = await get(sandbox)

        assert response.status == status
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert f"<title>{title}</title>".encode() in response.body


async def test_redirect_points_elsewhere(get: Get) -> None:
    """Redirect sends its status, the Location as it is, and no body."""
    sandbox = Sandbox()
    sandbox.script(Redirect("https://elsewhere.example/v1?a=%2B"), Redirect("/v2", 301))

    for status, location in ((307, "https://elsewhere.example/v1?a=%2B"), (301, "/v2")):
        response = await get(sandbox)

        assert response.status == status
        assert response.headers["location"] == location
        assert response.body == b""


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_repeat_page_shows_old_rows_and_the_present_count(get: Get, envelope: Any) -> None:
    """RepeatPage shows the rows of the page before, with the count of now."""
    sandbox = Sandbox(20, envelope=envelope)
    sandbox.script(None, RepeatPage())
    first = json.loads((await get(sandbox)).body)
    sandbox.add_phone_number()
    second = json.loads((await get(sandbox, offset=5)).body)

    assert first["data"] == second["data"]
    assert second.get("count", second.get("pagination")) == (
        21 if envelope == "count" else {"page": 2, "total_rows": 21, "total_pages": 5}
    )


async def test_repeat_page_repeats_what_was_shown(get: Get) -> None:
    """Only pages that reached the client count: neither errors nor cut pages are repeated."""
    sandbox = Sandbox(20)
    sandbox.script(RepeatPage(), Status(500), Cut(), Cut(1), RepeatPage(), Slow(0.001), RepeatPage())
    first = await get(sandbox)
    await get(sandbox, offset=5)
    for _ in range(2):
        with pytest.raises(DROPPED):
            await get(sandbox, offset=5)
    repeated = await get(sandbox, offset=5)
    late = await get(sandbox, offset=5)
    repeated_late = await get(sandbox, offset=10)

    assert sandbox.phone_numbers[:5] == json.loads(first.body)["data"]
    assert first.body == repeated.body
    assert sandbox.phone_numbers[5:10] == json.loads(late.body)["data"]
    assert late.body == repeated_late.body


async def test_empty_page_keeps_the_count(get: Get) -> None:
    """EmptyPage shows no rows and the true count."""
    sandbox = Sandbox(20)
    sandbox.script(EmptyPage())

    assert {"data": [], "count": 20} == json.loads((await get(sandbox)).body)


@pytest.mark.parametrize("fault", [RepeatPage(), EmptyPage()])
async def test_page_faults_leave_other_responses(get: Get, fault: Fault) -> None:
    """A response that shows no page is not changed by the faults of pages."""
    sandbox = Sandbox()
    sandbox.script(fault)

    assert (await get(sandbox, "/v1/nothing")).status == 404


async def test_body_is_sent_verbatim(get: Get) -> None:
    """Body sends its bytes, status and headers as they are; its headers win over the common ones."""
    sandbox = Sandbox()
    sandbox.script(
        Body(b"\xff[null", 201, {"Content-Type": "text/x-odd", "X-Request-ID": "mine"}), Body(b""), Body(b"", 204)
    )

    response = await get(sandbox)

    assert response.status == 201
    assert response.body == b"\xff[null"
    assert response.headers["content-type"] == "text/x-odd"
    assert response.headers["x-request-id"] == "mine"
    assert [(200, b"", "sandbox-000002"), (204, b"", "sandbox-000003")] == [
        (response.status, response.body, response.headers["x-request-id"])
        for response in [await get(sandbox) for _ in "ab"]
    ]


@pytest.mark.parametrize(
    ("fault", "processed"),
    [
        (Status(500), 0),
        (Status(429), 0),
        (Html(), 0),
        (Redirect("/elsewhere"), 0),
        (Body(b"{}"), 1),
        (Slow(0), 1),
        (Drip(0), 1),
        (Cut(), 1),
        (Cut(5), 1),
        (None, 1),
    ],
    ids=str,
)
async def test_what_is_processed_under_a_fault(ask: Get, fault: Fault | None, processed: int) -> None:
    """Errors, pages of proxies and redirects stand for requests that came to nothing; the others were processed."""
    sandbox = Sandbox(tags=0)
    sandbox.script(fault)
    with suppress(*DROPPED):
        await ask(sandbox, "POST", "/v1/tags", {"name": "new", "color": "#000000"})

    assert processed == len(sandbox.tags)
