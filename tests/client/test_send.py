"""`send()`, headers, options per call, and what the server says of budgets, over real sockets where it matters."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from key_leaks import KEY, failure_of, leaks, shown_by
from raw_server import RawServer, deaf_server, head
from raw_server import response as reply

from contactship_async import (
    Budget,
    ContactshipClient,
    ContactshipPool,
    MalformedResponseError,
    NotFoundError,
    RateLimitError,
    Request,
    RequestTimeoutError,
    Response,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
    UnexpectedRedirectError,
)
from contactship_async._version import __version__

SECRET = "gateway-secret-4711"
ONCE = RetryPolicy(max_attempts=1)
WAV = b"RIFF\x00\xff" * 50_000
OWN_AGENT = f"contactship-async/{__version__}"


def told_of(error: BaseException) -> str:
    """Collect what an error shows, without the variables of frames, in which a caller's own headers are."""
    return "\n".join([repr(error), str(error), repr(vars(error)), *getattr(error, "__notes__", [])])


async def test_bytes_of_any_type() -> None:
    """A recording comes as it is, with its headers and its request id, whatever the case of their names."""
    headers = {"Content-Type": "audio/wav", "X-Request-Id": "req-7", "CF-Ray": "abc"}
    async with RawServer(reply(WAV, headers=headers)) as server, server.client(KEY) as client:
        response = await client.send("GET", "/v1/calls/1/recording")

    assert (200, WAV, "req-7") == (response.status, response.body, response.request_id)
    assert ("audio/wav", "abc") == (response.headers["content-type"], response.headers["cf-ray"])
    assert "Response(status=200)" == repr(response)
    assert response == pickle.loads(pickle.dumps(response))
    assert "application/json, */*;q=0.8" == server.requests[0].headers["accept"]
    with pytest.raises(MalformedResponseError, match="not JSON"):
        response.json()


async def test_head() -> None:
    """A HEAD has headers and no body."""
    act = head(200, {"Content-Length": "1234", "ETag": '"v1"'})
    async with RawServer(act) as server, server.client(KEY) as client:
        response = await client.send("HEAD", "/v1/calls/1/recording")

    assert ('"v1"', "1234", b"", None, None) == (
        response.headers["etag"],
        response.headers["Content-Length"],
        response.body,
        response.json(),
        response.request_id,
    )


@pytest.mark.parametrize(
    ("arguments", "body", "content_type"),
    [
        ({"json": {"a": 1}}, b'{"a":1}', "application/json"),
        ({"content": b"\x00\xff"}, b"\x00\xff", "application/octet-stream"),
        ({"content": b""}, b"", "application/octet-stream"),
        ({"content": b"a,b", "headers": {"content-type": "text/csv"}}, b"a,b", "text/csv"),
        ({"json": [1], "headers": {"Content-Type": "application/x+json"}}, b"[1]", "application/x+json"),
    ],
)
async def test_bodies(arguments: dict[str, Any], body: bytes, content_type: str) -> None:
    """A body is JSON or bytes of the type that a header names."""
    async with RawServer(reply({"data": 1})) as server, server.client(KEY) as client:
        response = await client.send("POST", "/v1/x", **arguments)

    assert {"data": 1} == response.json()
    assert (body, content_type) == (server.requests[0].body, server.requests[0].headers.get("content-type"))


async def test_headers_of_client_and_call() -> None:
    """Those of the client go with every request, listings too; a call adds, replaces and takes away."""
    page = reply({"data": [], "count": 0})
    async with RawServer(page) as server, server.client(KEY, headers={"X-A": "1", "X-B": "2"}) as client:
        await client.count_phone_numbers()
        await client.request("POST", "/v1/x", json={})
        await client.send(
            "GET", "/v1/x", headers={"x-b": "3", "X-A": None, "Idempotency-Key": "k", "Accept": "audio/wav"}
        )
        _ = [tag async for tag in client.tags.list()]

    sent = [
        {name: request.headers.get(name) for name in ("x-a", "x-b", "idempotency-key")} for request in server.requests
    ]
    usual = {"x-a": "1", "x-b": "2", "idempotency-key": None}
    assert [usual, usual, {"x-a": None, "x-b": "3", "idempotency-key": "k"}, usual] == sent
    assert ["application/json", "audio/wav"] == [server.requests[place].headers["accept"] for place in (0, 2)]
    assert [KEY] * 4 == [request.headers["x-api-key"] for request in server.requests]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, OWN_AGENT),
        ({"headers": {"user-agent": "acme/1.0 (nightly)"}}, f"acme/1.0 (nightly) {OWN_AGENT}"),
    ],
)
async def test_user_agent(options: dict[str, Any], expected: str) -> None:
    """A user agent of one's own comes before the client's, also after options that leave it as it is."""
    async with RawServer(reply({})) as server, server.client(KEY, **options) as client:
        await client.request("GET", "/v1/x")
        await client.with_options(headers={"X-A": "1"}).send("GET", "/v1/x")
        await client.with_options(headers={"User-Agent": None}).send("GET", "/v1/x")

    assert [expected, expected, OWN_AGENT] == [request.headers["user-agent"] for request in server.requests]


REFUSED: list[tuple[Any, type[Exception], str]] = [
    *(
        ({name: SECRET}, ValueError, f"headers must not hold {name}: the client sets it")
        for name in (
            "Host",
            "Content-Length",
            "transfer-encoding",
            "Connection",
            "X-API-Key",
            "Proxy-Authorization",
            "TE",
        )
    ),
    *(
        ({"X-A": f"{SECRET}{end}"}, ValueError, r"headers\['X-A'\] must hold nothing but visible ASCII")
        for end in ("\r\nX-B: 1", "\n2", "\x00", "é", "\ud800", "\x7f")
    ),
    *(
        ({name: SECRET}, ValueError, "each name in headers must be one of HTTP")
        for name in ("", "X A", "X:A", "é", "X\n")
    ),
    ({"X-A": SECRET.encode()}, TypeError, r"headers\['X-A'\] must be of type str, not bytes"),
    ({5: SECRET}, TypeError, "each name in headers must be of type str, not int"),
    ([("X-A", SECRET)], TypeError, "headers must be of type Mapping, not list"),
]


@pytest.mark.parametrize(("headers", "kind", "text"), REFUSED)
async def test_refused_headers(headers: Any, kind: type[Exception], text: str) -> None:
    """What can't be sent as it is meant is refused everywhere, before anything is sent and without being quoted."""

    async def transport(_: Request) -> Response:
        raise AssertionError

    client = ContactshipClient(KEY, transport=transport)
    for attempt in (
        lambda: ContactshipClient(KEY, headers=headers),
        lambda: ContactshipPool({"acme": KEY}, headers=headers),
        lambda: client.with_options(headers=headers),
    ):
        with pytest.raises(kind, match=text) as caught:
            attempt()
        assert SECRET not in f"{caught.value!r}"
    with pytest.raises(kind, match=text):
        await client.send("GET", "/v1/x", headers=headers)


async def test_one_body() -> None:
    """JSON and content exclude each other, and content is bytes."""
    client = ContactshipClient(KEY, base_url="https://api.invalid")
    with pytest.raises(ValueError, match="json and content exclude each other"):
        await client.send("POST", "/v1/x", json={}, content=b"x")
    with pytest.raises(TypeError, match="content must be of type bytes, not str"):
        await client.send("POST", "/v1/x", content="x")  # type: ignore[arg-type] # on purpose


async def test_values_of_headers_are_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a client nor a request, an error or the log tells the values of headers that a caller gave."""
    caplog.set_level(logging.DEBUG)
    seen: list[Request] = []

    async def transport(request: Request) -> Response:
        seen.append(request)
        return Response(status=500)

    client = ContactshipClient(KEY, transport=transport, headers={"Authorization": SECRET}, retry=ONCE)
    with pytest.raises(ServerError) as caught:
        await client.with_options(headers={"X-A": SECRET}).send("GET", "/v1/x", headers={"X-B": SECRET})

    assert {"Authorization": SECRET, "X-A": SECRET, "X-B": SECRET} == {
        name: value for name, value in seen[0].headers.items() if name != "Accept"
    }
    told = [repr(client), repr(vars(client)), repr(vars(client)["_caller"]), repr(seen[0]), told_of(caught.value)]
    told += [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert SECRET not in "\n".join(told)


ECHO = reply(
    {},
    status=429,
    headers={"X-Request-Id": "req-9", "CF-Ray": f"ray-{KEY}", "X-RateLimit-Remaining": "0", "Set-Cookie": "session=5"},
)


async def test_headers_of_an_error() -> None:
    """An error has the headers of its response, with the key masked; its text and repr don't, its pickle does."""
    async with RawServer(ECHO) as server:
        client = server.client(KEY, retry=ONCE)
        error = await failure_of(client.send("GET", "/v1/x"))
        await client.close()

    assert isinstance(error, RateLimitError)
    assert ("ray-***", "0", "req-9") == (
        error.headers["cf-ray"],
        error.headers["x-ratelimit-remaining"],
        error.request_id,
    )
    assert "Set-Cookie" not in error.headers
    assert error.headers == pickle.loads(pickle.dumps(error)).headers
    assert "ray-" not in told_of(error)
    assert [] == leaks(shown_by(error))
    assert {} == StatusError(status=400, method="GET", path="/").headers


async def test_no_target_of_a_redirect() -> None:
    """A redirect's target, which may hold the key, is among the headers of no error."""
    async with RawServer(reply({}, status=302, headers={"Location": f"/{KEY}", "X-A": "1"})) as server:
        client = server.client(KEY)
        with pytest.raises(UnexpectedRedirectError) as caught:
            await client.send("GET", "/v1/x")
        await client.close()

    assert ("1", False) == (caught.value.headers["x-a"], "Location" in caught.value.headers)


async def test_request_ids_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The record of each attempt has the server's request id, with the key masked; None where there is none."""
    caplog.set_level(logging.DEBUG)
    responses = [
        Response(status=503, headers={"x-request-id": "req-1", "retry-after": "0"}),
        Response(status=200, headers={"x-request-id": f"{KEY}-2"}),
        Response(status=200),
    ]

    async def transport(_: Request) -> Response:
        return responses.pop(0)

    client = ContactshipClient(KEY, transport=transport)
    await client.request("GET", "/v1/x")
    await client.request("GET", "/v1/x")

    ids = [vars(record)["request_id"] for record in caplog.records if hasattr(record, "attempt")]
    assert ["req-1", "***-2", None] == ids


async def test_other_limits_for_one_call() -> None:
    """Options hold for the calls of their client alone: a short limit and no retry beside the usual ones."""
    attempts = 0

    async def transport(_: Request) -> Response:
        nonlocal attempts
        attempts += 1
        return Response(status=200 if attempts == 3 else 503, body=b'{"data": {"credits": 1.5}, "statusCode": 200}')

    client = ContactshipClient(KEY, transport=transport, retry=RetryPolicy(initial_delay=0))
    with pytest.raises(ServerError):
        await client.with_options(retry=ONCE).credits.get()
    assert 1 == attempts
    assert 1.5 == (await client.credits.get()).credits
    assert 3 == attempts


async def test_other_connect_limit() -> None:
    """A limit for connecting is that of the call, though the connections are shared."""
    async with deaf_server() as url, ContactshipClient(KEY, base_url=url, retry=ONCE) as client:
        with pytest.raises(RequestTimeoutError, match=r"no connection within 0\.05 s, the connect limit") as caught:
            await client.with_options(timeouts=Timeouts(connect=0.05)).request("POST", "/v1/x")

    assert "connect" == caught.value.limit


async def test_options_share_connections_and_budgets() -> None:
    """They are made in a chain, use the same connection, and closing them closes nothing."""
    async with RawServer(reply({}, headers={"X-RateLimit-Remaining": "9"})) as server, server.client(KEY) as client:
        await client.request("GET", "/v1/x")
        other = client.with_options(headers={"X-A": "1", "X-B": "2"}).with_options(headers={"x-a": None})
        async with other:
            await other.request("GET", "/v1/x")
        await other.close()
        await other.request("GET", "/v1/x")
        await client.request("GET", "/v1/x")
        assert other.budget == client.budget == Budget(remaining_requests=9)

    assert 1 == server.connections
    assert [None, "2", "2", None] == [request.headers.get("x-b") for request in server.requests]
    assert [None] * 4 == [request.headers.get("x-a") for request in server.requests]
    assert repr(client) == repr(other)


async def test_options_of_a_client_of_a_pool() -> None:
    """They keep the name of the organization, and end with the pool."""
    async with RawServer(reply({"data": [], "count": 0})) as server:
        async with ContactshipPool({"acme": KEY}, base_url=server.url, headers={"X-A": "1"}) as pool:
            client = pool["acme"].with_options(headers={"X-B": "2"})
            async with client:
                assert 0 == await client.phone_numbers.list().count()
            assert 0 == await client.count_phone_numbers()
        with pytest.raises(RuntimeError, match="within its `async with`"):
            await client.count_phone_numbers()

    assert ("acme", f"<ContactshipClient of acme, {server.url}>") == (client.organization, repr(client))
    assert [("1", "2")] * 2 == [(request.headers["x-a"], request.headers["x-b"]) for request in server.requests]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"timeouts": 5}, "timeouts must be of type Timeouts, not int"),
        ({"retry": 5}, "retry must be of type RetryPolicy"),
    ],
)
def test_refused_options(options: dict[str, Any], text: str) -> None:
    """Options are checked as settings are."""
    with pytest.raises(TypeError, match=text):
        ContactshipClient(KEY).with_options(**options)


async def budget_after(*headers: Mapping[str, str], status: int = 200) -> Budget | None:
    """Return what a client knows of its budget after responses with these headers."""
    remaining = [*headers]

    async def transport(_: Request) -> Response:
        return Response(status=status, headers=remaining.pop(0))

    client = ContactshipClient(KEY, transport=transport, retry=ONCE)
    assert client.budget is None
    while remaining:
        try:
            await client.send("GET", "/v1/x")
        except NotFoundError:
            assert 404 == status
    return client.budget


GENERAL = {"x-ratelimit-limit": "120", "x-ratelimit-remaining": "90", "x-ratelimit-reset": "30"}
HEAVY = {"x-ratelimit-limit-heavy": "20", "x-ratelimit-remaining-heavy": "19", "x-ratelimit-reset-heavy": "5.5"}


async def test_budget() -> None:
    """It is what was said last, of each budget for itself, by whatever response; the reset is a time."""
    began = datetime.now(UTC)
    budget = await budget_after(HEAVY, GENERAL | {"x-ratelimit-remaining": "91"}, GENERAL, {}, status=404)
    ended = datetime.now(UTC)

    assert budget is not None
    assert budget.heavy is not None
    assert (120, 90, 20, 19) == (
        budget.limit_requests,
        budget.remaining_requests,
        budget.heavy.limit_requests,
        budget.heavy.remaining_requests,
    )
    assert budget.resets_at is not None
    assert budget.heavy.resets_at is not None
    assert began <= budget.resets_at - timedelta(seconds=30) <= ended
    assert began <= budget.heavy.resets_at - timedelta(seconds=5.5) <= ended


async def test_budget_that_is_hardly_told() -> None:
    """Nothing is made up: what is missing or no number is None, and a client that was told nothing knows nothing."""
    assert await budget_after({}, {"x-ratelimit-limit": "120"}) is None
    assert Budget() == await budget_after({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon"})
    assert Budget(heavy=Budget(remaining_requests=0)) == await budget_after({"x-ratelimit-remaining-heavy": " 0 "})


async def test_budget_of_each_organization() -> None:
    """The organizations of a pool have budgets of their own."""

    async def transport(request: Request) -> Response:
        return Response(status=200, headers={"x-ratelimit-remaining": request.api_key.reveal()})

    async with ContactshipPool({"acme": "1", "globex": "2"}, transport=transport) as pool:
        await pool["acme"].request("GET", "/v1/x")
        assert (Budget(remaining_requests=1), None) == (pool["acme"].budget, pool["globex"].budget)
