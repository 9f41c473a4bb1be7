"""Calls that must not be repeated: what reaches a counting server, and what is said about the outcome."""

from __future__ import annotations

from datetime import UTC, datetime

import aiohttp
import pytest
from raw_server import Act, RawServer, close, head, refused_url, reset, response, stall, until_read

from contactship_async import (
    AmbiguousOutcomeError,
    ConflictError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    MalformedResponseError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
    UnexpectedRedirectError,
)

HALF = [head(200, {"Content-Length": "99"}), b'{"id": ']
ELSEWHERE = {"Location": "/v1/elsewhere"}
BRIEF = Timeouts(attempt=0.1)

RESPONSES: list[tuple[str, Act, type[ContactshipError]]] = [
    ("408", response(status=408), StatusError),
    ("409", response(status=409), ConflictError),
    ("429", response(status=429), RateLimitError),
    ("500", response(status=500), ServerError),
    ("502", response(status=502), ServerError),
    ("503, wait", response(status=503, headers={"Retry-After": "0"}), ServerError),
    ("504", response(status=504), ServerError),
    ("301", response(status=301, headers=ELSEWHERE), UnexpectedRedirectError),
    ("302", response(status=302, headers=ELSEWHERE), UnexpectedRedirectError),
    ("303", response(status=303, headers=ELSEWHERE), UnexpectedRedirectError),
    ("307", response(status=307, headers=ELSEWHERE), UnexpectedRedirectError),
    ("308", response(status=308, headers=ELSEWHERE), UnexpectedRedirectError),
    ("101", [head(101, {"Upgrade": "other", "Connection": "upgrade"}), stall], StatusError),
    ("500, stalled", [head(500, {"Content-Length": "99"}), b"{", stall], ServerError),
    ("500, cut off", [head(500, {"Content-Length": "99"}), b"{", until_read, reset], ServerError),
    ("not JSON", response(b"<html>"), MalformedResponseError),
]

NO_RESPONSES: dict[str, Act] = {
    "stall": stall,
    "close": close,
    "reset": reset,
    "close in the head": [b"HTTP/1.1 200 OK\r\nConte", close],
    "reset in the head": [b"HTTP/1.1 200 OK\r\nConte", until_read, reset],
    "close in the body": [*HALF, close],
    "reset in the body": [*HALF, until_read, reset],
    "stall in the body": [*HALF, stall],
    "reset between chunks": [head(200, {"Transfer-Encoding": "chunked"}), b"2\r\n{}\r\n", until_read, reset],
    "not HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "two lengths": head(200, {"Content-Length": "2\r\nContent-Length: 3"}) + b"{} ",
    "length and chunks": head(200, {"Content-Length": "2", "Transfer-Encoding": "chunked"}) + b"2\r\n{}\r\n0\r\n\r\n",
    "length below zero": head(200, {"Content-Length": "-1"}) + b"{}",
    "bad chunk": [head(200, {"Transfer-Encoding": "chunked"}), b"zz\r\n{}\r\n"],
    "bad compression": response(b"no gzip", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize(("act", "kind"), [case[1:] for case in RESPONSES], ids=[case[0] for case in RESPONSES])
async def test_call_with_a_response_is_sent_once(act: Act, kind: type[ContactshipError]) -> None:
    """Whatever response comes, a call that is not idempotent was sent once."""
    methods = ["POST", "PUT", "PATCH", "DELETE"]
    async with RawServer(act) as server, server.client(timeouts=BRIEF) as client:
        for method in methods:
            with pytest.raises(kind):
                await client.request(method, "/v1/calls", json={"to": "a"})

    expected = [(method, "/v1/calls", b'{"to":"a"}') for method in methods]
    assert expected == [(got.method, got.target, got.body) for got in server.requests]


@pytest.mark.parametrize("act", NO_RESPONSES.values(), ids=NO_RESPONSES)
async def test_call_without_a_response_is_sent_once(act: Act) -> None:
    """Without a complete response, a call was sent once, by aiohttp too, and the outcome is said to be unknown."""
    methods = ["POST", "PUT", "PATCH", "DELETE"]
    async with RawServer(act) as server, server.client(timeouts=BRIEF) as client:
        for method in methods:
            with pytest.raises(AmbiguousOutcomeError):
                await client.request(method, "/v1/calls", json={"to": "a"})

    assert methods == [got.method for got in server.requests]


@pytest.mark.parametrize(
    ("act", "status"),
    [(stall, None), (reset, None), ([*HALF, close], 200), ([*HALF, stall], 200)],
    ids=["stall", "reset", "cut", "stall in the body"],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_unknown_outcome_says_when_it_was_sent(method: str, act: Act, status: int | None) -> None:
    """The error has the time at which the call was sent, and the status of the response, if as much of it came."""
    async with RawServer(act) as server, server.client(timeouts=BRIEF) as client:
        before = datetime.now(UTC)
        with pytest.raises(AmbiguousOutcomeError) as caught:
            await client.request(method, "/v1/calls")

    assert before <= caught.value.sent_at <= datetime.now(UTC)
    assert status == caught.value.status
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("act", [close, reset, stall], ids=["close", "reset", "stall"])
async def test_post_has_a_connection_of_its_own_and_is_sent_once(act: Act) -> None:
    """A POST does not go over a kept connection; if its own breaks, the outcome is said to be unknown."""
    async with RawServer(response(), act) as server, server.client(timeouts=BRIEF) as client:
        await client.request("GET", "/v1/credits")
        with pytest.raises(AmbiguousOutcomeError):
            await client.request("POST", "/v1/calls")

    assert ["GET", "POST"] == [got.method for got in server.requests]
    assert 2 == server.connections


@pytest.mark.parametrize("act", [close, reset], ids=["close", "reset"])
async def test_post_on_connection_broken_at_once_is_not_repeated(act: Act) -> None:
    """A POST whose connection is accepted and then broken may have been read, and gets no second connection."""
    async with RawServer(act, listens=False) as server, server.client() as client:
        with pytest.raises(AmbiguousOutcomeError):
            await client.request("POST", "/v1/calls")

    assert 1 == server.connections


def starts_counted(starts: list[str]) -> aiohttp.TraceConfig:
    """Note the method of each request that aiohttp starts."""

    async def note(_: aiohttp.ClientSession, __: object, params: aiohttp.TraceRequestStartParams) -> None:
        starts.append(params.method)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(note)
    return config


@pytest.mark.parametrize(
    "method",
    ["GET", "POST", "PATCH", "PUT", "DELETE"],
)
async def test_refused_connection(method: str) -> None:
    """A refused connection is tried again, whatever the method: nothing was sent."""
    starts: list[str] = []
    retry = RetryPolicy(max_attempts=3, initial_delay=0)
    traces = [starts_counted(starts)]
    async with ContactshipClient("sk", base_url=refused_url(), retry=retry, trace_configs=traces) as client:
        with pytest.raises(ConnectionFailedError):
            await client.request(method, "/v1/calls")

    assert [method] * 3 == starts


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "act",
    [response(status=503), response(status=425), stall, [*HALF, close], [*HALF, until_read, reset]],
    ids=["503", "425", "stall", "close in the body", "reset in the body"],
)
async def test_idempotent_call_is_retried(method: str, act: Act) -> None:
    """A call declared as idempotent is tried again like a GET, with the same body."""
    async with RawServer(act, act, response("done")) as server, server.client(timeouts=BRIEF) as client:
        content = await client.request(method, "/v1/calls/1/stop", json={"a": 1}, idempotent=True)

    assert "done" == content
    assert [(method, b'{"a":1}')] * 3 == [(got.method, got.body) for got in server.requests]


async def test_get_declared_not_idempotent_is_sent_once() -> None:
    """A GET declared as not idempotent is not tried again."""
    async with RawServer(response(status=503)) as server, server.client() as client:
        with pytest.raises(ServerError):
            await client.request("GET", "/v1/dial-on-get", idempotent=False)

    assert 1 == len(server.requests)


async def test_large_body_is_sent_whole() -> None:
    """A body of several megabytes is sent as it is, without a warning."""
    async with RawServer(response("done")) as server, server.client() as client:
        content = await client.request("POST", "/v1/contacts", json="a" * 3_000_000)

    assert "done" == content
    assert b'"' + b"a" * 3_000_000 + b'"' == server.requests[0].body


async def test_delete_that_was_cut_is_done_when_it_is_gone() -> None:
    """A DELETE whose connection broke may have arrived; that there is nothing to delete afterwards is its success."""
    cut: Act = [*HALF, close]
    async with RawServer(cut, response(status=404)) as server, server.client() as client:
        await client.tags.delete("tag-1")

    assert ["DELETE", "DELETE"] == [got.method for got in server.requests]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_refused_call_is_sent_again(method: str) -> None:
    """What a rate limiter refused was not processed: it waits, and is sent again with the same body."""
    refusal = response(status=429, headers={"Retry-After": "0"})
    async with RawServer(refusal, refusal, response("done")) as server, server.client() as client:
        content = await client.request(method, "/v1/calls", json={"a": 1})

    assert "done" == content
    assert [(method, b'{"a":1}')] * 3 == [(got.method, got.body) for got in server.requests]


@pytest.mark.parametrize(
    ("act", "may_have"),
    [(response(status=503), True), (response(status=400), False), ([*HALF, close], True), (stall, True)],
    ids=["503", "400", "cut", "stall"],
)
@pytest.mark.parametrize("idempotent", [True, False])
async def test_error_says_what_may_have_been_processed(act: Act, may_have: bool, idempotent: bool) -> None:
    """Over sockets too, an error says whether the call may have taken effect."""
    async with RawServer(act) as server, server.client(timeouts=BRIEF) as client:
        with pytest.raises(ContactshipError) as caught:
            await client.request("POST", "/v1/calls", idempotent=idempotent)

    assert may_have is caught.value.may_have_been_processed


@pytest.mark.parametrize("idempotent", [True, False])
async def test_no_connection_means_not_processed(idempotent: bool) -> None:
    """Where nothing listens, nothing was processed."""
    retry = RetryPolicy(max_attempts=2, initial_delay=0)
    async with ContactshipClient("sk", base_url=refused_url(), retry=retry) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.request("POST", "/v1/calls", idempotent=idempotent)

    assert not caught.value.may_have_been_processed
