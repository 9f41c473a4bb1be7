"""Retries of a GET over a real socket: after what, how often, and how long after."""

from __future__ import annotations

import pytest
from attrs import evolve
from raw_server import Act, RawServer, close, head, reset, response, stall, until_read

from contactship_async import (
    ConnectionFailedError,
    ContactshipClient,
    RateLimitError,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
    TransportError,
)
from contactship_async._http.gate import Gate
from contactship_async._http.rate_limits import Limits

BRIEF = Timeouts(attempt=0.3)  # within which a busy machine responds
HALF = [head(200, {"Content-Length": "99"}), b'{"id": ']

PASSING: dict[str, Act] = {
    **{str(status): response({"message": "m"}, status=status) for status in (408, 425, 500, 502, 503, 504, 522)},
    "close in the body": [*HALF, close],
    "reset in the body": [*HALF, until_read, reset],
    "bad chunk": [head(200, {"Transfer-Encoding": "chunked"}), b"zz\r\n"],
    "bad compression": response(b"no gzip", headers={"Content-Encoding": "gzip"}),
    "not HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "stall": stall,
    "stall in the body": [*HALF, stall],
}


@pytest.mark.parametrize("act", PASSING.values(), ids=PASSING)
async def test_passing_failure_is_retried(act: Act) -> None:
    """A GET is sent again after a failure that may pass."""
    async with RawServer(act, act, response("done")) as server, server.client(timeouts=BRIEF) as client:
        content = await client.request("GET", "/v1/credits")

    assert "done" == content
    assert 3 == len(server.requests)


@pytest.mark.parametrize("act", PASSING.values(), ids=PASSING)
async def test_lasting_failure_is_retried_to_the_end(act: Act) -> None:
    """The error after the last attempt is that attempt's, and says how many there were."""
    async with RawServer(act) as server, server.client(timeouts=BRIEF) as client:
        with pytest.raises((TransportError, StatusError)) as caught:
            await client.request("GET", "/v1/credits")

    assert ["3 attempts were made."] == caught.value.__notes__
    assert 3 == len(server.requests)


async def test_rate_limit_outlasts_the_attempts() -> None:
    """A GET that is refused more often than there are attempts is sent until it succeeds."""
    refusal = response(status=429)
    async with RawServer(*[refusal] * 10, response("done")) as server, server.client() as client:
        content = await client.request("GET", "/v1/credits")

    assert "done" == content
    assert 11 == len(server.requests)


async def test_lasting_rate_limit_ends_with_the_total_limit() -> None:
    """The error after the last refusal says how many attempts there were, and that there was no time left."""
    async with RawServer(response(status=429)) as server, server.client() as client:
        with pytest.raises(RateLimitError) as caught:
            await client.request("GET", "/v1/credits")

    assert f"{len(server.requests)} attempts were made." == caught.value.__notes__[0]
    assert "within 120 s, the total limit" in caught.value.__notes__[1]


@pytest.mark.parametrize("act", [head(503), stall], ids=["503", "stall"])
async def test_head_is_retried(act: Act) -> None:
    """A HEAD is sent again like a GET."""
    async with RawServer(act, act, head(204)) as server, server.client(timeouts=BRIEF) as client:
        content = await client.request("HEAD", "/v1/credits")

    assert content is None
    assert ["HEAD"] * 3 == [got.method for got in server.requests]


@pytest.mark.parametrize("act", [close, reset], ids=["close", "reset"])
async def test_dropped_connection_is_retried(act: Act) -> None:
    """A GET is sent again after dropped connections; aiohttp doubles each of our attempts by itself."""
    async with RawServer(act, act, act, response("done")) as server, server.client() as client:
        content = await client.request("GET", "/v1/credits")

    assert "done" == content
    assert 4 == len(server.requests)


@pytest.mark.parametrize("act", [close, reset], ids=["close", "reset"])
async def test_dropped_connections_are_bounded(act: Act) -> None:
    """Three attempts are six requests at the most, aiohttp's own repetitions included."""
    async with RawServer(act) as server, server.client() as client:
        with pytest.raises(ConnectionFailedError):
            await client.request("GET", "/v1/credits")

    assert 3 <= len(server.requests) <= 6


async def test_final_status_is_not_retried() -> None:
    """A status that will not change is raised at once."""
    statuses = [300, 307, 400, 401, 403, 404, 405, 409, 410, 422, 501, 505, 600, 999]
    async with RawServer(*(response(status=status) for status in statuses)) as server, server.client() as client:
        for status in statuses:
            with pytest.raises(StatusError) as caught:
                await client.request("GET", "/v1/credits")
            assert status == caught.value.status

    assert len(statuses) == len(server.requests)


def record_sleeps(client: ContactshipClient, sleeps: list[float]) -> None:
    """Let *client* note its waits instead of waiting."""

    async def note(seconds: float) -> None:
        sleeps.append(seconds)

    def clock() -> float:
        return sum(sleeps)

    gates = [Gate(clock=clock, sleep=note, rng=lambda: 0.0) for _ in range(2)]
    client._caller.attempts = evolve(client._caller.attempts, limits=Limits(*gates), clock=clock, sleep=note)


NOON = "Wed, 04 Nov 2026 12:00:00 GMT"
THREE_SECONDS_LATER = "Wed, 04 Nov 2026 12:00:03 GMT"
LONG_BEFORE = "Wed, 04 Nov 2020 12:00:00 GMT"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "2"}, 2),
        ({"Retry-After": "2.5"}, 2.5),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 7 "}, 7),
        ({"retry-after": "007"}, 7),
        ({"Retry-After": THREE_SECONDS_LATER, "Date": NOON}, 3),
    ],
)
async def test_retry_after_is_honoured(status: int, headers: dict[str, str], seconds: float) -> None:
    """The wait is what the server asks for: seconds, or a date by the server's own clock."""
    sleeps: list[float] = []
    refusal = response(status=status, headers=headers)
    async with RawServer(refusal, refusal, response("done")) as server, server.client() as client:
        record_sleeps(client, sleeps)
        content = await client.request("GET", "/v1/credits")

    assert "done" == content
    assert 2 * seconds == sum(sleeps)


@pytest.mark.parametrize(
    "value", ["", "-1", "1.5.", "1e3", "inf", "nan", "٣", "\xff\xfe", "soon", "Wed, 99 Nov 2026 99:99:99 GMT", "1, 2"]
)
async def test_retry_after_that_says_nothing(value: str) -> None:
    """A header that is neither seconds nor a date is as good as none."""
    sleeps: list[float] = []
    # Whatever is not Latin-1 travels as UTF-8, byte by byte.
    refusal = response(status=503, headers={"Retry-After": value.encode().decode("latin-1")})
    async with RawServer(refusal, response("done")) as server, server.client() as client:
        record_sleeps(client, sleeps)
        content = await client.request("GET", "/v1/credits")

    assert "done" == content
    assert [0] == sleeps


@pytest.mark.parametrize("value", ["121", "86400", "9" * 400, "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_retry_after_too_long(value: str) -> None:
    """A server that asks for more than `max_retry_after` gets no second request; the error says how long it asked."""
    refusal = response(status=429, headers={"Retry-After": value})
    async with RawServer(refusal) as server, server.client(timeouts=Timeouts(total=None)) as client:
        with pytest.raises(RateLimitError) as caught:
            await client.request("GET", "/v1/credits")

    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 120
    assert 1 == len(server.requests)


async def test_retry_after_beyond_deadline() -> None:
    """A wait that the total limit does not allow is not begun."""
    refusal = response(status=503, headers={"Retry-After": "30"})
    async with RawServer(refusal) as server, server.client(timeouts=Timeouts(total=10)) as client:
        with pytest.raises(ServerError) as caught:
            await client.request("GET", "/v1/credits")

    assert 30 == caught.value.retry_after
    assert 1 == len(server.requests)


async def test_backoff_beyond_deadline() -> None:
    """Nor is a wait of our own, and the error is that of the last attempt."""
    retry = RetryPolicy(initial_delay=10**9, max_delay=10**9)
    async with RawServer(response(status=503)) as server, server.client(retry=retry) as client:
        with pytest.raises(ServerError):
            await client.request("GET", "/v1/credits")

    assert 1 == len(server.requests)


async def test_walk_is_retried_page_by_page() -> None:
    """A walk over a server that fails now and then yields every row once."""
    row = {
        "phone_number": "+12025550142",
        "type": "inbound",
        "organization_id": "org-1",
        "created_at": "2026-01-15T10:00:00Z",
    }
    pages = [response({"data": [{"id": f"pn-{page}", **row}], "count": 3}) for page in range(3)]
    script: list[Act] = [
        response(status=500),
        pages[0],
        [*HALF, close],
        [*HALF, until_read, reset],
        pages[1],
        close,
        pages[2],
    ]
    async with RawServer(*script) as server, server.client() as client:
        ids = [number.id async for number in client.iter_phone_numbers(page_size=1)]

    assert ["pn-0", "pn-1", "pn-2"] == ids
