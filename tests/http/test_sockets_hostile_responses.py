"""Responses that no honest server sends: each ends in one of our errors or in the right rows, never in fewer rows."""

from __future__ import annotations

import gzip
import json
import pickle
from typing import Any

import pytest
from raw_server import Act, RawServer, close, flood, head, reset, response, until_read

from contactship_async import (
    BadRequestError,
    ContactshipError,
    MalformedResponseError,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
)

ONCE = RetryPolicy(max_attempts=1)
SMALL = 10_000


def row(**fields: Any) -> dict[str, Any]:
    """Make a sound row but for *fields*."""
    return {
        "id": "pn-1",
        "phone_number": "+12025550142",
        "type": "inbound",
        "organization_id": "org-1",
        "created_at": "2026-01-15T10:00:00Z",
        **fields,
    }


PAGE = json.dumps({"data": [row()], "count": 1}).encode()
CHUNKED = {"Transfer-Encoding": "chunked"}


def zipped(data: bytes, encoding: str = "gzip") -> dict[str, Any]:
    """Make the arguments of a response whose body is said to be compressed."""
    return {"content": data, "headers": {"Content-Encoding": encoding}}


@pytest.mark.parametrize(
    "created_at",
    [
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-15T10:00:00.123456789Z"),
        *("2026-01-15 10:00:00+00", "2026-01-15T10:00:00", "2026-01-15", "2026-W03-4"),
    ],
)
async def test_strange_timestamp(created_at: str) -> None:
    """A date and time in any ISO 8601 form is accepted, aware, printable, comparable and picklable."""
    async with (
        RawServer(response({"data": [row(created_at=created_at)], "count": 1})) as server,
        server.client() as client,
    ):
        [number] = await client.list_phone_numbers()

    assert number.created_at.tzinfo is not None
    assert number == pickle.loads(pickle.dumps(number))
    assert "+12025550142" in repr(number)


@pytest.mark.parametrize(
    "act",
    [
        response(b'{"data": [], "count": 2'),
        response(b""),
        head(204),
        response({"data": {}, "count": 2}),
        response({"data": [row(id=None)], "count": 2}),
        response(**zipped(gzip.compress(PAGE)[:10])),
        [head(200), close],
        [head(200), PAGE[:20], close],
        [head(200, CHUNKED), b"1\r\n{\r\n", close],
        response({"data": [], "count": 2}),
        response({"data": [row()], "count": 2}),
    ],
    ids=[
        *("half a page", "empty", "204", "object for rows", "null for an id", "cut gzip", "no body", "close-delimited"),
        *("chunked", "empty page", "repeated page"),
    ],
)
async def test_second_page_goes_wrong(act: Act) -> None:
    """A walk whose second page is no page yields the first, raises, and never just ends."""
    first = response({"data": [row()], "count": 2})
    ids = []
    async with RawServer(first, act) as server, server.client(retry=ONCE) as client:
        with pytest.raises(ContactshipError) as caught:
            async for number in client.iter_phone_numbers(page_size=1):
                ids.append(number.id)  # noqa: PERF401 - what came before the error is kept

    assert ["pn-1"] == ids
    assert caught.value.position is not None
    assert 1 == caught.value.position.yielded


@pytest.mark.parametrize("status", [99, 101, 199, 300, 304, 418, 451, 499, 520, 599, 600, 999], ids=str)
async def test_strange_status(status: int) -> None:
    """Every status but a 2xx is an error with that status."""
    act = head(status) if status in (101, 304) else b"HTTP/1.1 %03d Odd\r\nContent-Length: 0\r\n\r\n" % status
    async with RawServer(act) as server, server.client(retry=ONCE, timeouts=Timeouts(attempt=0.2)) as client:
        with pytest.raises(ContactshipError) as caught:
            await client.list_phone_numbers()

    # Informational responses precede the one that counts, which never comes.
    assert status == caught.value.status if isinstance(caught.value, StatusError) else 199 == status


async def test_headers_of_any_bytes() -> None:
    """Header bytes that are not UTF-8 arrive printable."""
    strange = {"x-request-id": "req-\xff\xfe", "Retry-After": "\xff", "Date": "\xfe", "X-Odd": "\x80"}
    async with RawServer(response({"message": "no"}, status=400, headers=strange)) as server, server.client() as client:
        with pytest.raises(BadRequestError) as caught:
            await client.list_phone_numbers()

    assert "req-\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}" == caught.value.request_id
    assert "no" == caught.value.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "no"}', "no"),
        (b'{"message": ["a", "b", 3, null]}', "a; b"),
        (b'{"message": {"message": "no"}}', "no"),
        (b'{"message": 5}', ""),
        (b'["message"]', ""),
        (b'{"message": "\\ud800"}', ""),
        (b'{"message": "\xff"}', ""),
        (b"[" * 5000, ""),
        (b"<html>", ""),
        (b"", ""),
        (b"\xff\xfe", ""),
        (b'{"message": "no", "message": "yes"}', "yes"),
    ],
)
async def test_message_of_refusal(body: bytes, message: str) -> None:
    """The server's words are found where they are, and whatever else a refusal holds does no harm."""
    async with RawServer(response(body, status=400)) as server, server.client() as client:
        with pytest.raises(BadRequestError) as caught:
            await client.request("POST", "/v1/calls")

    assert message == caught.value.message
    assert body == caught.value.body


@pytest.mark.parametrize(
    "act",
    [
        response(status=500, **zipped(gzip.compress(b"A" * 30_000_000))),
        response(status=500, **zipped(b"no gzip")),
        response(status=500, **zipped(gzip.compress(b"A" * 9000)[:-9])),
        [head(500), flood(b"A" * 4096)],
        [head(500, CHUNKED), flood(b"1000\r\n" + b"A" * 4096 + b"\r\n")],
        [head(500, {"Content-Length": "99"}), b"A", close],
        [head(500, {"Content-Length": "99"}), b"A", until_read, reset],
    ],
    ids=["bomb", "no gzip", "cut gzip", "endless", "endless chunks", "cut off", "reset"],
)
async def test_refusal_with_broken_body(act: Act) -> None:
    """Of a refusal the status counts, whatever becomes of its body, of which little is kept."""
    async with RawServer(act) as server, server.client(retry=ONCE, max_response_bytes=SMALL) as client:
        with pytest.raises(ServerError) as caught:
            await client.list_phone_numbers()

    assert len(caught.value.body) <= SMALL


async def test_long_refusal() -> None:
    """The first 64 KiB of a refusal are kept."""
    async with RawServer(response(b"A" * 200_000, status=400)) as server, server.client() as client:
        with pytest.raises(BadRequestError) as caught:
            await client.list_phone_numbers()

    assert b"A" * 65_536 == caught.value.body


async def test_long_refusal_under_a_lower_cap() -> None:
    """Of a refusal longer than `max_response_bytes`, the beginning is kept all the same."""
    body = b'{"message": "' + b"A" * 200_000 + b'"}'
    async with RawServer(response(body, status=400)) as server, server.client(max_response_bytes=SMALL) as client:
        with pytest.raises(BadRequestError) as caught:
            await client.list_phone_numbers()

    assert body[:SMALL] == caught.value.body


@pytest.mark.parametrize(("size", "fits"), [(SMALL - 1, True), (SMALL, True), (SMALL + 1, False)])
async def test_cap_is_exact(size: int, *, fits: bool) -> None:
    """`max_response_bytes` is the longest body accepted."""
    body = b'"' + b"a" * (size - 2) + b'"'
    async with RawServer(response(body)) as server, server.client(max_response_bytes=SMALL) as client:
        if fits:
            assert size - 2 == len(await client.request("GET", "/v1/credits"))
        else:
            with pytest.raises(MalformedResponseError):
                await client.request("GET", "/v1/credits")
