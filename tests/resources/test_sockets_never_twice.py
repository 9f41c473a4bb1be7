"""Starts at servers that break, stall and lie, over real sockets: what arrives is counted, what is said is judged."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import product
from random import Random
from typing import Any

import pytest
from called_resources import CALLED, Called
from raw_server import (
    Act,
    Peer,
    RawServer,
    close,
    deaf_server,
    drip,
    flood,
    head,
    pause,
    refused_url,
    reset,
    response,
    stall,
    until_read,
)
from starts import LEFT, PERSON, dial
from turns import pass_turns
from volume import Volume

from contactship_async import (
    AmbiguousOutcomeError,
    BadRequestError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    NotFoundError,
    RateLimitError,
    RequestTimeoutError,
    RetryPolicy,
    StatusError,
    Timeouts,
)
from contactship_async.models.calls import PlacedCall

pytestmark = pytest.mark.every_event_loop

UNKNOWN = AmbiguousOutcomeError
PLACED = response({"statusCode": 201, "data": {"call_id": "call-1"}}, status=201)
HALF = PLACED[:-9]
BRIEF = Timeouts(attempt=0.2)
LARGE = {"text": "a" * 3_000_000}
"""So much that it is never sent at once."""

PATIENT = Timeouts(attempt=0.4)
"""For many at once."""

SCHEDULES = 500
SAMPLE = 25


async def read_some(peer: Peer) -> None:
    """Read the head of a request, and no more than the beginning of its body."""
    await peer.reader.readuntil(b"\r\n\r\n")


def named(status: int, **headers: str) -> bytes:
    """Write a response that says nothing of a call."""
    return response(
        {"message": "no"}, status=status, headers={key.replace("_", "-"): text for key, text in headers.items()}
    )


REFUSED: dict[str, tuple[Act, type[ContactshipError]]] = {
    "400": (named(400), BadRequestError),
    "402": (named(402), StatusError),
    "404, stalled": ([head(404, {"Content-Length": "99"}), b"{", stall], NotFoundError),
    "404, cut": ([head(404, {"Content-Length": "99"}), b"{", until_read, reset], NotFoundError),
    "425": (named(425, Retry_After="0"), StatusError),
    "429": (named(429), RateLimitError),
    "429, later than allowed": (named(429, Retry_After="900"), RateLimitError),
}
LEFT_OPEN: dict[str, tuple[Act, int | None]] = {
    "stalled": (stall, None),
    "closed": (close, None),
    "reset after the body": (reset, None),
    "cut in the head": ([b"HTTP/1.1 201 Crea", until_read, reset], None),
    "cut in the body": ([HALF, until_read, reset], 201),
    "closed in the body": ([HALF, close], 201),
    "stalled in the body": ([HALF, stall], 201),
    "dripping head": (drip(b"HTTP/1.1 201 Created\r\n"), None),
    "dripping headers": ([b"HTTP/1.1 201 Created\r\n", drip(b"a: b\r\n")], None),
    "dripping body": ([head(201, {"Content-Length": "999999"}), drip(b" ")], 201),
    "dripping 100 Continue": (drip(b"HTTP/1.1 100 Continue\r\n\r\n"), None),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", None),
    "unreadable id": (response({"statusCode": 201, "data": {"call_id": None}}, status=201), 201),
    "no id": (response({"statusCode": 200, "data": {}}), 200),
    "no JSON": (response(b"<html>"), 200),
    "no content": (head(204), 204),
    "no end of compression": (response(b"no gzip", headers={"Content-Encoding": "gzip"}), 200),
    "408": (named(408, Retry_After="0"), 408),
    "500": (named(500), 500),
    "502": (named(502), 502),
    "503": (named(503), 503),
    "503, Retry-After": (named(503, Retry_After="0"), 503),
    "503, X-RateLimit": (named(503, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"), 503),
    "500, stalled": ([head(500, {"Content-Length": "99"}), b"{", stall], 500),
    "301": (named(301, Location="/v1/calls/single-phone-call"), 301),
    "307": (named(307, Location="/v1/calls/single-phone-call"), 307),
    "308": (named(308, Location="http://127.0.0.1:1/"), 308),
}
LIMITED: dict[str, Act] = {
    "Retry-After": named(429, Retry_After="1"),
    "Retry-After, a date": named(
        429, Retry_After="Sat, 28 Nov 2026 20:00:01 GMT", Date="Sat, 28 Nov 2026 20:00:00 GMT"
    ),
    "X-RateLimit": named(429, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"),
}
CUT_SHORT: dict[str, tuple[Act, object]] = {
    "reset before the body": (reset, UNKNOWN),
    "closed before the body": (close, UNKNOWN),
    "reset during the body": ([read_some, reset], UNKNOWN),
    "stalled during the body": ([read_some, stall], UNKNOWN),
    "placed before the end of the body": ([read_some, PLACED, until_read, close], PlacedCall),
    "500 before the end of the body": ([read_some, named(500), until_read, close], UNKNOWN),
    "400 before the end of the body": ([read_some, named(400), until_read, close], BadRequestError),
}


ENDLESS: dict[str, Act] = {
    "endless headers": [b"HTTP/1.1 201 Created\r\n", flood(b"X: hidden\r\n" * 99)],
    "endless body": [head(201), flood(b" " * 4096)],
    "compressed": response(gzip.compress(b" " * 2**20), status=201, headers={"Content-Encoding": "gzip"}),
}
"""What never comes to an end, or to too much."""

ACTS: list[tuple[str, Act]] = [
    *((name, act) for name, (act, _) in REFUSED.items()),
    *((name, act) for name, (act, _) in LEFT_OPEN.items()),
    *[("placed", PLACED)] * 5,
    *[("placed late", [pause(0.01), PLACED])] * 5,
]


async def outcome_of(client: ContactshipClient, **arguments: Any) -> Any:
    """Start a call, and return what comes of it."""
    try:
        return await client.calls.make_phone_call(**PERSON, **arguments)
    except ContactshipError as error:
        return error


@pytest.mark.parametrize(("act", "kind"), REFUSED.values(), ids=REFUSED)
async def test_refused(act: Act, kind: type[ContactshipError]) -> None:
    """A call that was refused is asked for once, and said to be refused."""
    async with RawServer(act, PLACED) as server, server.client(timeouts=BRIEF) as client:
        error = await outcome_of(client)

    assert (kind, False, 1) == (type(error), error.may_have_been_processed, len(server.requests))


@pytest.mark.parametrize(("act", "status"), LEFT_OPEN.values(), ids=LEFT_OPEN)
async def test_unknown(act: Act, status: int | None) -> None:
    """A call that may have been taken is asked for once, and said to be unknown."""
    async with RawServer(act, PLACED) as server, server.client(timeouts=BRIEF) as client:
        error = await outcome_of(client)

    assert (UNKNOWN, status, True) == (type(error), error.status, error.may_have_been_processed)
    assert 1 == len(server.requests)


async def test_whatever_may_not_be_repeated() -> None:
    """Each method that is not safe to repeat reaches a server that breaks, stalls or lies once, whatever it does.

    A status that the documentation says to repeat is no such failure.
    """
    methods = [called for called in CALLED if not called.endpoint.may_be_repeated]
    acts = {name: act for name, (act, _) in (REFUSED | LEFT_OPEN).items()} | ENDLESS
    few_at_once = asyncio.Semaphore(30)

    async def count_requests(called: Called, act: Act) -> int:
        async with (
            few_at_once,
            RawServer(act) as server,
            server.client(timeouts=PATIENT, max_response_bytes=9_999) as client,
        ):
            with suppress(ContactshipError):
                await called.call_simply(client)
        return len(server.requests)

    cases = [
        (called, name)
        for called, name in product(methods, acts)
        if not name.startswith(tuple(map(str, called.endpoint.documented_retry_statuses)))
    ]
    counts = await asyncio.gather(*[count_requests(called, acts[name]) for called, name in cases])

    assert [] == [(called.name, name, count) for (called, name), count in zip(cases, counts, strict=True) if count > 1]
    assert sum(counts) > 0.9 * len(cases)  # A busy machine may let an attempt's limit pass before it is sent.


@pytest.mark.parametrize("act", LIMITED.values(), ids=LIMITED)
async def test_rate_limit(act: Act) -> None:
    """A 429 that names its budget refused the call: it is asked for again, and taken once."""
    async with RawServer(act, act, PLACED) as server, server.client(timeouts=Timeouts()) as client:
        assert PlacedCall("call-1") == await dial(client)

    assert 3 == len(server.requests)
    assert 1 == len({got.body for got in server.requests})


@pytest.mark.parametrize(("act", "kind"), CUT_SHORT.values(), ids=CUT_SHORT)
async def test_connection_that_breaks_while_it_is_sent(act: Act, kind: type) -> None:
    """A call of which a part has left is never sent again, and what the server says before its end counts."""
    async with RawServer(act, listens=False) as server, server.client(timeouts=BRIEF) as client:
        outcome = await outcome_of(client, metadata=LARGE)

    assert kind is type(outcome)
    assert 1 == server.connections


@pytest.mark.parametrize("retry", [RetryPolicy(max_attempts=1), RetryPolicy(max_attempts=3, initial_delay=0)])
async def test_no_connection(retry: RetryPolicy) -> None:
    """Where nothing listens, nothing was placed."""
    async with ContactshipClient("key", base_url=refused_url(), retry=retry) as client:
        error = await outcome_of(client)

    assert (ConnectionFailedError, False) == (type(error), error.may_have_been_processed)


@pytest.mark.parametrize("timeouts", [Timeouts(connect=0.1), Timeouts(connect=None, attempt=0.1)])
async def test_no_connection_in_time(timeouts: Timeouts) -> None:
    """A start that waits for its connection until a limit was not sent."""
    retry = RetryPolicy(max_attempts=2, initial_delay=0)
    async with deaf_server() as url, ContactshipClient("key", base_url=url, timeouts=timeouts, retry=retry) as client:
        error = await outcome_of(client)

    assert (RequestTimeoutError, False) == (type(error), error.may_have_been_processed)


async def test_body() -> None:
    """What arrives is what was asked for, once."""
    async with RawServer(PLACED) as server, server.client() as client:
        await dial(client)

    [got] = server.requests
    assert ("POST", "/v1/calls/single-phone-call", PERSON) == (got.method, got.target, json.loads(got.body))


@pytest.mark.parametrize("closes", [False, True], ids=["cancelled", "closed"])
@pytest.mark.parametrize("limited", [0, 1])
async def test_disturbed_at_each_turn(closes: bool, limited: int) -> None:
    """Cancelled, or its client closed, at any turn of the event loop, a start says what can be known of it."""
    for turns in range(60):
        acts = [*[named(429, Retry_After="1")] * limited, PLACED]
        async with RawServer(*acts) as server:
            client = server.client(fetched(turns % 3))
            start = asyncio.create_task(dial(client))
            await pass_turns(turns)
            if closes:
                await client.close()
            else:
                start.cancel()
            await asyncio.wait([start])
            await client.close()
            await server.is_at_rest()
        is_taken = len(server.requests) > limited
        assert len(server.requests) <= limited + 1
        error = asyncio.CancelledError() if start.cancelled() else start.exception()
        if error is None:
            assert is_taken
        elif isinstance(error, ContactshipError):
            assert error.may_have_been_processed is isinstance(error, AmbiguousOutcomeError)
            assert error.may_have_been_processed or not is_taken
        else:
            with pytest.raises(asyncio.CancelledError) as caught:
                start.result()
            assert not is_taken or LEFT in str(caught.value.__notes__)


def fetched(turns: int) -> Callable[[], Awaitable[str]]:
    """Make a function that fetches a key, and takes some turns of the event loop."""

    async def fetch() -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        return "key"

    return fetch


async def test_random_faults(volume: Volume) -> None:
    """Over random scripts of all these, a start arrives once at the most, but for those that were refused."""
    random = Random(f"{volume.seed} sockets")
    number = SCHEDULES if volume.is_full else SAMPLE
    for _ in range(number):
        limited = [random.choice([*LIMITED.values()]) for _ in range(random.randint(0, 2))]
        name, act = random.choice(ACTS)
        volume.drawn[:] = [("starts over sockets", f"{len(limited)} refusals, {name}")]
        async with RawServer(*limited, act, PLACED) as server, server.client(timeouts=BRIEF) as client:
            outcome = await outcome_of(client)

        expected = UNKNOWN if name in LEFT_OPEN else REFUSED[name][1] if name in REFUSED else PlacedCall
        if len(server.requests) <= len(limited):  # A busy machine let an attempt's limit pass.
            expected = UNKNOWN
        assert len(server.requests) <= len(limited) + 1
        assert expected is type(outcome) or (expected is PlacedCall and type(outcome) is UNKNOWN)
    volume.drawn[:] = [("starts over sockets", f"{number} schedules")]
