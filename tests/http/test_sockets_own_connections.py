"""Calls that must not be repeated have connections of their own, whatever the connector; and what comes unasked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from certificates import server_context, trusting_context
from event_loops import LOOPS, run_on
from raw_server import Act, Peer, RawServer, close, pause, refused_url, reset, response

from contactship_async import (
    ConnectionFailedError,
    ContactshipClient,
    RetryPolicy,
    ServerError,
)
from contactship_async._http.messages import Request
from contactship_async._http.secret import Secret

ONCE = RetryPolicy(max_attempts=1)
WRITES = ("POST", "PATCH", "PUT", "DELETE")
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nhi"
POISON = response("poison")


@asynccontextmanager
async def own(server: RawServer, **settings: Any) -> AsyncIterator[ContactshipClient]:
    """Make a client with a connector of its own."""
    async with server.client(ssl_context=trusting_context(), **settings) as client:
        yield client


@asynccontextmanager
async def function(server: RawServer, **settings: Any) -> AsyncIterator[ContactshipClient]:
    """Make a client whose connector a function makes."""
    async with server.client(connector=lambda: aiohttp.TCPConnector(ssl=trusting_context()), **settings) as client:
        yield client


@asynccontextmanager
async def borrowed(server: RawServer, **settings: Any) -> AsyncIterator[ContactshipClient]:
    """Make a client with the connector of another session, which has used it before."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting_context())) as session,
        server.client(connector=session.connector, **settings) as client,
    ):
        yield client


CONNECTORS: dict[str, Callable[..., Any]] = {"own": own, "function": function, "borrowed": borrowed}


async def answer_once(peer: Peer) -> None:
    """Answer the first request of each connection; break off at the second, as if it had been closed meanwhile."""
    await (peer.send(response("done")) if len(peer.requests) == 1 else reset(peer))


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize("loop", LOOPS)
def test_kept_connection_that_ends_costs_nothing(loop: str, connector: str, *, tls: bool) -> None:
    """Where each kept connection is closed at its next request, every POST is received once, and is certain."""

    async def main() -> None:
        context = server_context() if tls else None
        async with RawServer(answer_once, ssl_context=context) as server, CONNECTORS[connector](server) as client:
            for method in WRITES * 3:
                assert "done" == await client.request("GET", "/v1/credits")
                assert "done" == await client.request(method, "/v1/calls", json={})

        assert [*WRITES * 3] == [got.method for got in server.requests if got.method != "GET"]
        assert {"close"} == {got.headers["connection"] for got in server.requests if got.method != "GET"}

    run_on(loop, main())


@pytest.mark.parametrize("connector", CONNECTORS)
async def test_own_connections_are_not_kept(connector: str) -> None:
    """Each call that must not be repeated has a connection, which is closed also where the server would keep it."""
    async with RawServer(response("done")) as server, CONNECTORS[connector](server) as client:
        for _ in range(5):
            await client.request("POST", "/v1/calls")
            await client.request("GET", "/v1/credits")
            await client.request("DELETE", "/v1/tags/1", idempotent=True)

        assert 5 + 1 == server.connections
        assert 1 == sum(map(len, client._connection._session.transport.session.connector._conns.values()))


@pytest.mark.parametrize(
    "after", [[pause(0.05), close], close, [pause(0.05), reset]], ids=["later", "at once", "reset"]
)
@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize("loop", LOOPS)
def test_response_that_comes_before_the_request(loop: str, connector: str, after: Any) -> None:
    """On a new connection, a response that comes before the request is its response: a balancer has no room."""
    act: Act = [BUSY, *(after if isinstance(after, list) else [after])]

    async def main() -> None:
        async with RawServer(act, listens=False) as server, CONNECTORS[connector](server, retry=ONCE) as client:
            for method in ("GET", *WRITES):
                with pytest.raises(ServerError) as caught:
                    await client.request(method, "/v1/calls", json=None if method == "GET" else {})
                assert 503 == caught.value.status
                assert 7 == caught.value.retry_after

    run_on(loop, main())


@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize("loop", LOOPS)
def test_unsolicited_data_on_a_kept_connection_is_no_response(loop: str, connector: str) -> None:
    """What comes over a kept connection after its last response is taken for no response, and costs no attempt."""

    async def main() -> None:
        acts: list[Act] = [[response("done"), pause(0.02), POISON], response("second"), response("third")]
        async with RawServer(*acts) as server, CONNECTORS[connector](server, retry=ONCE) as client:
            assert "done" == await client.request("GET", "/v1/x")
            await server.is_at_rest()
            assert "second" == await client.request("GET", "/v1/x")
            assert "third" == await client.request("POST", "/v1/x")
        assert 3 == len(server.requests)

    run_on(loop, main())


@pytest.mark.parametrize("act", [close, reset], ids=["close", "reset"])
@pytest.mark.parametrize("method", WRITES)
async def test_idempotent_write_is_sent_once_an_attempt(method: str, act: Act) -> None:
    """A write that is safe to repeat is repeated by the client, which counts its attempts, and never by aiohttp."""
    async with RawServer(act) as server, server.client(retry=RetryPolicy(max_attempts=2, initial_delay=0)) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.request(method, "/v1/tags/1", idempotent=True)

    assert 2 == len(server.requests)
    assert ["2 attempts were made."] == caught.value.__notes__


@pytest.mark.parametrize("method", ["GET", *WRITES])
@pytest.mark.parametrize("idempotent", [True, False])
async def test_delivery_notes_that_nothing_left(method: str, *, idempotent: bool) -> None:
    """A transport notes that nothing left where no connection stood, and nothing of the kind where one was cut."""

    def make_request() -> Request:
        return Request(method=method, path="/v1/x", api_key=Secret("sk"), idempotent=idempotent)

    async with RawServer(close) as server, server.client() as client:
        transport = client._connection.get_session().transport
        cut = make_request()
        with pytest.raises(Exception, match="closed the connection without a response"):
            await transport(cut)
        assert not cut.delivery.provably_unsent
    async with server.client(base_url=refused_url()) as client:
        transport = client._connection.get_session().transport
        refused = make_request()
        with pytest.raises(ConnectionFailedError):
            await transport(refused)
        assert refused.delivery.provably_unsent
