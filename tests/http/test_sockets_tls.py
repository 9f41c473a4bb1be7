"""TLS over real sockets: certificates that fail, an authority of one's own, and connectors made for each event loop."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from certificates import authority, server_context, trusting_context, write_authority
from event_loops import LOOPS, run_on
from raw_server import RawServer, close, response
from turns import pass_turns

from contactship_async import ConfigurationError, ConnectionFailedError, ContactshipClient, ContactshipPool
from contactship_async._http.servers import Server
from contactship_async.sandbox import Sandbox

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def expired_context() -> ssl.SSLContext:
    """Return the TLS settings of a server whose certificate ran out yesterday."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    authority().issue_cert("127.0.0.1", not_after=yesterday).configure_cert(context)
    return context


def other_fingerprint() -> aiohttp.TCPConnector:
    """Make a connector that accepts one certificate, which no server has."""
    return aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(hashlib.sha256(b"other").digest()))


UNACCEPTED: dict[str, tuple[Callable[[], ssl.SSLContext], dict[str, Any], str]] = {
    "unknown authority": (server_context, {}, r"certificate of 127.0.0.1:\d+ was not accepted \(.*local issuer"),
    "expired": (expired_context, {"ssl_context": trusting_context()}, r"was not accepted \(.*expired"),
    "another host": (
        lambda: server_context("other.test"),
        {"ssl_context": trusting_context()},
        r"was not accepted \(.*not valid for '127.0.0.1'",
    ),
    "fingerprint": (server_context, {"connector": other_fingerprint}, "certificate is not the expected one"),
}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("context", "settings", "told"), UNACCEPTED.values(), ids=UNACCEPTED)
def test_failed_certificate(
    loop: str, context: Callable[[], ssl.SSLContext], settings: dict[str, Any], told: str
) -> None:
    """A certificate that is not accepted ends a call at once, whatever the method: nothing was sent."""

    async def main() -> None:
        async with RawServer(ssl_context=context()) as server, server.client(**settings) as client:
            for method in METHODS:
                before = server.connections
                with pytest.raises(ConnectionFailedError, match=told) as caught:
                    await client.request(method, "/v1/calls")
                assert not hasattr(caught.value, "__notes__")  # of further attempts
                # A connection may be told of only after its handshake, which failed.
                assert server.connections - before <= 1
        assert [] == server.requests

    run_on(loop, main())


async def test_handshake_that_fails_otherwise_is_retried() -> None:
    """A handshake that ends for another reason may succeed the next time."""
    async with RawServer([b"HTTP/1.1 503 Busy\r\n\r\n", close], listens=False) as server:
        url = server.url.replace("http:", "https:")
        async with server.client(base_url=url) as client:
            with pytest.raises(ConnectionFailedError) as caught:
                await client.request("POST", "/v1/calls")

    assert ["3 attempts were made."] == caught.value.__notes__
    assert 3 == server.connections


@pytest.mark.parametrize("loop", LOOPS)
def test_authority_of_ones_own(loop: str) -> None:
    """With ssl_context, a client that was made outside of any loop serves one loop after the other."""
    client = ContactshipClient("sk-live-KEY", base_url="https://localhost:1", ssl_context=trusting_context())

    async def main() -> None:
        async with RawServer(response("done"), ssl_context=server_context()) as server:
            client._connection.server = Server(server.url)
            assert "done" == await client.request("GET", "/v1/credits")
            assert "done" == await client.request("POST", "/v1/calls", json={})

    for _ in range(3):
        run_on(loop, main())


class Connectors:
    """Makes connectors, and remembers them."""

    def __init__(self, **options: Any) -> None:
        self.made: list[aiohttp.TCPConnector] = []
        self._options = options

    def __call__(self) -> aiohttp.TCPConnector:
        """Make the next one."""
        self.made.append(aiohttp.TCPConnector(ssl=trusting_context(), **self._options))
        return self.made[-1]


@pytest.mark.parametrize("loop", LOOPS)
def test_connector_function_is_called_in_each_loop(loop: str) -> None:
    """A client made outside of any loop makes a connector in each one, with a CA of its own, and closes it there."""
    connectors = Connectors()
    client = ContactshipClient("sk-live-KEY", base_url="https://127.0.0.1:1", connector=connectors)

    async def main(*, closes: bool) -> None:
        async with RawServer(response("done"), ssl_context=server_context()) as server:
            client._connection.server = Server(server.url)
            for method in ("GET", "POST", "GET"):
                assert "done" == await client.request(method, "/v1/calls")
            assert 2 == server.connections
            if closes:
                await client.close()

    for closes in (True, False, True, False):
        run_on(loop, main(closes=closes))

    assert 4 == len(connectors.made)
    assert all(connector.closed for connector in connectors.made)


@pytest.mark.parametrize("limits", [{"limit": 2}, {"limit": 0, "limit_per_host": 2}], ids=repr)
async def test_limits_of_a_connector_function(limits: dict[str, Any]) -> None:
    """The limits of a connector that a function makes hold for the first calls already, which wait without a limit."""
    under_way = [0, 0]

    async def answer_slowly(peer: Any) -> None:
        under_way[0] += 1
        under_way[1] = max(under_way)
        await pass_turns()
        under_way[0] -= 1
        await peer.send(response("done"))

    async with (
        RawServer(answer_slowly, ssl_context=server_context()) as server,
        server.client(connector=Connectors(**limits)) as client,
    ):
        await asyncio.gather(*(client.request(method, "/v1/x") for method in ("GET", "POST") * 10))

    assert 2 == client._caller.attempts.limits.address.max_in_flight
    assert 2 == under_way[1]
    assert 20 == len(server.requests)


async def test_connector_function_of_a_pool() -> None:
    """The clients of a pool share the connector that its function makes."""
    connectors = Connectors(limit=3)
    async with RawServer(response("done"), ssl_context=server_context()) as server:
        keys = {"acme": "sk-1", "globex": "sk-2"}
        async with ContactshipPool(keys, base_url=server.url, connector=connectors) as pool:
            results = [result.value async for result in pool.map(lambda client: client.request("GET", "/v1/x"))]
            assert 3 == pool["globex"]._caller.attempts.limits.address.max_in_flight

    assert ["done", "done"] == results
    assert [True] == [connector.closed for connector in connectors.made]


async def not_a_connector() -> int:
    """Return no connector, and not even at once."""
    return 5


@pytest.mark.parametrize(("function", "kind"), [(lambda: None, "NoneType"), (not_a_connector, "coroutine")])
async def test_function_that_makes_no_connector(function: Any, kind: str) -> None:
    """A function that returns something else is refused at its first use, with what is allowed."""
    client = ContactshipClient("sk-live-KEY", connector=function)
    for _ in range(2):
        with pytest.raises(TypeError, match=f"connector must return an aiohttp connector, not {kind}"):
            await client.request("GET", "/v1/credits")


async def test_settings_that_exclude_each_other() -> None:
    """An SSL context is for the connector that the client makes; a transport takes the place of all that is HTTP."""
    transport = Sandbox().transport
    with pytest.raises(ConfigurationError, match="ssl_context is for the connector that the client makes"):
        ContactshipClient("sk", connector=aiohttp.TCPConnector, ssl_context=trusting_context())
    for setting in (
        {"connector": aiohttp.TCPConnector},
        {"ssl_context": trusting_context()},
        {"proxy": "http://127.0.0.1:3128"},
        {"trust_env": True},
    ):
        with pytest.raises(
            ConfigurationError, match=f"takes the place of HTTP: it goes with no .*{next(iter(setting))}"
        ):
            ContactshipClient("sk", transport=transport, **setting)


SCRIPT = """
import asyncio, sys
from contactship_async import ConnectionFailedError, ContactshipClient, RetryPolicy

async def main():
    async with ContactshipClient("sk", base_url=sys.argv[1], retry=RetryPolicy(max_attempts=1)) as client:
        try:
            print(await client.request("GET", "/v1/credits"))
        except ConnectionFailedError as error:
            print("failed" if "was not accepted" in str(error) else error)

asyncio.run(main())
"""


@pytest.mark.parametrize(("variable", "told"), [("SSL_CERT_FILE", "done"), ("REQUESTS_CA_BUNDLE", "failed")])
async def test_authority_of_the_environment(tmp_path: Path, variable: str, told: str) -> None:
    """SSL_CERT_FILE, which OpenSSL reads, names an authority to trust; requests' own variable does not."""
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    environment[variable] = str(write_authority(tmp_path))
    async with RawServer(response("done"), ssl_context=server_context()) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCRIPT, server.url), env=environment, stdout=subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)

    assert f"{told}\n" == output.decode()
