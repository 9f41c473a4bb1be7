"""Proxies over real sockets: what they see, what becomes of their refusals, and which ones the environment names."""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from certificates import server_context, trusting_context
from connect_proxy import ConnectProxy
from event_loops import LOOPS, run_on
from key_leaks import KEY, failure_of, leaks, shown_by
from raw_server import RawServer, close, refused_url, response, stall
from yarl import URL

from contactship_async import (
    ConfigurationError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipPool,
    RetryPolicy,
    StatusError,
    Timeouts,
)

BASE_URL = "https://api.contactship.test"
CREDENTIALS = "ann%40example.com:p%3Ass%2Fwörd"
AUTHORIZATION = "Basic YW5uQGV4YW1wbGUuY29tOnA6c3Mvd8O2cmQ="  # of ann@example.com:p:ss/wörd
CREDENTIAL_PARTS = ("ann", "p%3A", "p:ss", "wörd", AUTHORIZATION.partition(" ")[2])
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")
ANSWERED = response("done")


@pytest.fixture(autouse=True)
def _no_proxies_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def secure_server(*script: Any) -> RawServer:
    """Make a server that has the certificate of the API's host."""
    return RawServer(*(script or (ANSWERED,)), ssl_context=server_context("api.contactship.test"))


def client_through(proxy: str | None, **settings: Any) -> ContactshipClient:
    """Make a client of a host that only a proxy knows."""
    retry = RetryPolicy(max_attempts=4, initial_delay=0)
    return ContactshipClient(
        KEY, **{"base_url": BASE_URL, "proxy": proxy, "ssl_context": trusting_context(), "retry": retry, **settings}
    )


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("tls", [False, True], ids=["http proxy", "https proxy"])
@pytest.mark.parametrize("authorization", [None, AUTHORIZATION], ids=["open", "credentials"])
def test_tunnel(loop: str, authorization: str | None, *, tls: bool) -> None:
    """Calls pass through a proxy of either kind, which gets its credentials, and neither key, path nor own headers."""

    async def main() -> None:
        async with (
            secure_server() as server,
            ConnectProxy(
                authorization=authorization, leads_to=server.port, ssl_context=server_context() if tls else None
            ) as proxy,
        ):
            url = proxy.url if authorization is None else proxy.url_with(CREDENTIALS)
            async with client_through(url) as client:
                for method in ("GET", "POST", "GET"):
                    assert "done" == await client.request(method, "/v1/secret-path")

        assert ["GET", "POST", "GET"] == [got.method for got in server.requests]
        assert {KEY} == {got.headers["x-api-key"] for got in server.requests}
        assert not any("proxy-authorization" in got.headers for got in server.requests)
        connects = {(got.method, got.target) for got in proxy.requests}
        assert {("CONNECT", "api.contactship.test:443")} == connects
        assert 2 == len(proxy.requests)  # The GETs share a connection.
        expected = {"host", "user-agent", "accept"} | ({"proxy-authorization"} if authorization else set())
        assert [expected] * 2 == [set(got.headers) & expected for got in proxy.requests]
        for got in proxy.requests:
            assert [] == leaks(f"{got.target} {dict(got.headers)}")
            assert set(got.headers) <= {*expected, "accept-encoding"}

    run_on(loop, main())


async def test_pool_goes_through_a_proxy() -> None:
    """All organizations of a pool go through its proxy."""
    async with secure_server() as server, ConnectProxy(leads_to=server.port, authorization=AUTHORIZATION) as proxy:
        keys = {"acme": "sk-1", "globex": "sk-2"}
        url, context = proxy.url_with(CREDENTIALS), trusting_context()
        async with ContactshipPool(keys, base_url=BASE_URL, proxy=url, ssl_context=context) as pool:
            results = [result.value async for result in pool.map(lambda client: client.request("GET", "/v1/x"))]

    assert ["done", "done"] == results
    assert {"CONNECT"} == {got.method for got in proxy.requests}


@pytest.mark.parametrize("authorization", [None, AUTHORIZATION], ids=["open", "credentials"])
async def test_forwarding(authorization: str | None) -> None:
    """Requests to an http:// server of this machine are forwarded, and carry the proxy's credentials themselves."""
    async with RawServer(ANSWERED) as server, ConnectProxy(authorization=authorization) as proxy:
        url = proxy.url if authorization is None else proxy.url_with(CREDENTIALS)
        async with server.client(KEY, proxy=url) as client:
            for method in METHODS:
                assert "done" == await client.request(method, "/v1/x")

    assert [f"{server.url}/v1/x"] * 5 == [got.target for got in proxy.requests]
    assert {authorization} == {got.headers.get("proxy-authorization") for got in proxy.requests}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("status", "attempts"), [(407, 1), (403, 1), (404, 1), (302, 1), (429, 4), (500, 4), (502, 4), (503, 4)]
)
def test_refusal_of_the_proxy(loop: str, status: int, attempts: int) -> None:
    """A proxy's refusal is told as such, whatever the method: nothing was sent. What will not pass ends at once."""

    async def main() -> None:
        async with ConnectProxy(refuses=status) as proxy, client_through(proxy.url) as client:
            for method in METHODS:
                before = len(proxy.requests)
                with pytest.raises(
                    ConnectionFailedError, match=f"{method} /v1/calls failed: the proxy refused .* {status}"
                ):
                    await client.request(method, "/v1/calls", json={})
                assert attempts == len(proxy.requests) - before

    run_on(loop, main())


async def test_missing_credentials_are_named() -> None:
    """A proxy that wants other credentials is told apart from one that forbids the host."""
    async with ConnectProxy(authorization=AUTHORIZATION) as proxy, client_through(proxy.url) as client:
        with pytest.raises(ConnectionFailedError, match=r"with status 407, its user or password is missing or wrong"):
            await client.request("POST", "/v1/calls", json={})


async def test_refusal_of_a_forwarding_proxy_is_a_status() -> None:
    """Without CONNECT, a proxy's refusal can't be told from the server's: it is a status."""
    async with ConnectProxy(refuses=407) as proxy, RawServer() as server, server.client(proxy=proxy.url) as client:
        with pytest.raises(StatusError) as caught:
            await client.request("POST", "/v1/calls", json={})

    assert 407 == caught.value.status
    assert 1 == len(proxy.requests)


@pytest.mark.parametrize("method", METHODS)
async def test_proxy_that_is_not_there(method: str) -> None:
    """A proxy that can't be reached is named, and retried as any connection; nothing was sent."""
    url = refused_url()
    async with client_through(url) as client:
        with pytest.raises(ConnectionFailedError, match=r"could not connect to the proxy 127.0.0.1:\d+ \(Connection"):
            await client.request(method, "/v1/calls")


@pytest.mark.parametrize("act", [close, b"SSH-2.0\r\n\r\n", stall], ids=["close", "no HTTP", "stall"])
async def test_broken_proxy_leaves_no_doubt(act: Any) -> None:
    """However a proxy fails before the tunnel stands, a call that must not be repeated was not sent, and is retried."""
    timeouts = Timeouts(connect=0.1)
    async with RawServer(act) as proxy, client_through(proxy.url, timeouts=timeouts) as client:
        calls = (failure_of(client.request(method, "/v1/calls", json={})) for method in METHODS[1:])
        for error in await asyncio.gather(*calls):
            assert type(error).__name__ in ("ConnectionFailedError", "RequestTimeoutError"), error

    assert 4 * 4 == len(proxy.requests)


async def test_certificate_behind_a_proxy() -> None:
    """The server's certificate is checked through the tunnel, for the server's name."""
    async with (
        RawServer(ANSWERED, ssl_context=server_context("other.test")) as server,
        ConnectProxy(leads_to=server.port) as proxy,
        client_through(proxy.url) as client,
    ):
        with pytest.raises(ConnectionFailedError, match=r"certificate of api.contactship.test:443 was not accepted"):
            await client.request("DELETE", "/v1/calls")

    assert 1 == len(proxy.requests)
    assert [] == server.requests


async def test_no_one_is_told_the_credentials(caplog: pytest.LogCaptureFixture) -> None:
    """No repr, error, frame, pickle or log record tells the proxy's credentials, nor the key."""
    caplog.set_level(logging.DEBUG)
    told = []
    async with secure_server(response(status=500)) as server:
        for proxy in (
            ConnectProxy(leads_to=server.port),
            ConnectProxy(authorization="Basic other"),
            ConnectProxy(refuses=502),
        ):
            async with proxy:
                client = client_through(proxy.url_with(CREDENTIALS))
                told.append(repr(client) + repr(vars(client)) + repr(client._connection))
                told += [shown_by(await failure_of(client.request(method, "/v1/x"))) for method in ("GET", "POST")]
                told.append(repr(vars(client)) + repr(client._connection))
                with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
                    pickle.dumps(client)
                await client.close()
        told += [f"{record.getMessage()} {vars(record)}" for record in caplog.records]

    text = "\n".join(told)
    assert [] == leaks(text)
    assert [] == [part for part in CREDENTIAL_PARTS if part in text]


REFUSED: dict[str, str] = {
    "no scheme": f"{CREDENTIALS}@127.0.0.1:3128",
    "SOCKS": f"socks5://{CREDENTIALS}@127.0.0.1",
    "no host": f"http://{CREDENTIALS}@",
    "port": f"http://{CREDENTIALS}@127.0.0.1:port",
    "path": f"http://{CREDENTIALS}@127.0.0.1/path",
    "query": f"http://{CREDENTIALS}@127.0.0.1?x",
    "fragment": f"http://{CREDENTIALS}@127.0.0.1#x",
    "blank": f"http://{CREDENTIALS} @127.0.0.1",
    "colon in the user": "http://ann%3A:wörd@127.0.0.1",
    "surrogate": "http://ann:wörd\ud800@127.0.0.1",
    "empty": "",
}


async def make_client(name: str, *, from_environment: bool) -> None:
    """Make a client with one of the URLs, which no frame of the test holds."""
    if from_environment:
        ContactshipClient(KEY, trust_env=True)
    ContactshipClient(KEY, proxy=REFUSED[name])


async def make_pool(name: str) -> None:
    """Make a pool with one of the URLs."""
    ContactshipPool({"acme": KEY}, proxy=REFUSED[name])


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_url(name: str) -> None:
    """A proxy that can't be used is refused when a client or pool is made, without being quoted in any frame."""
    for call in (make_client(name, from_environment=False), make_pool(name)):
        error = await failure_of(call)

        assert isinstance(error, ConfigurationError)
        assert str(error).startswith("proxy must ")
        assert [] == [part for part in CREDENTIAL_PARTS if part in shown_by(error)]


async def test_refused_url_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment that can't be used is refused as well, and says where it came from."""
    monkeypatch.setenv("HTTPS_PROXY", REFUSED["SOCKS"])
    error = await failure_of(make_client("SOCKS", from_environment=True))

    assert isinstance(error, ConfigurationError)
    assert str(error).startswith("the proxy of the environment must ")
    assert [] == [part for part in CREDENTIAL_PARTS if part in shown_by(error)]


@pytest.mark.parametrize("proxy", [5, b"http://ann:pass@127.0.0.1", URL("http://127.0.0.1")], ids=repr)
def test_url_of_another_type(proxy: Any) -> None:
    """A proxy that is no string is a TypeError that does not quote it."""
    with pytest.raises(TypeError, match="proxy must be a string or None, not") as caught:
        ContactshipClient(KEY, proxy=proxy)

    assert "127" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "proxy", "allowed"),
    [
        ("https://api.contactship.ai", "http://proxy.example:3128", True),
        ("http://127.0.0.1:8000", "http://localhost:3128", True),
        ("http://127.0.0.1:8000", "http://proxy.example:3128", False),
        ("http://127.0.0.1:8000", "https://proxy.example:3128", False),
    ],
)
def test_proxy_that_would_see_the_key(base_url: str, proxy: str, *, allowed: bool) -> None:
    """A proxy off this machine that requests in clear would pass needs the caller's word."""
    ContactshipClient(KEY, base_url=base_url, proxy=proxy, allow_insecure_http=True)
    if allowed:
        ContactshipClient(KEY, base_url=base_url, proxy=proxy)
    else:
        with pytest.raises(ConfigurationError, match="the proxy would see the API key"):
            ContactshipClient(KEY, base_url=base_url, proxy=proxy)


class Everywhere(AbstractResolver):
    """Finds every host at one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002 - aiohttp's
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        """Return the port, whatever the host."""
        place: ResolveResult = {
            "hostname": host, "host": "127.0.0.1", "port": self._port, "family": family, "proto": 0, "flags": 0
        }  # fmt: skip
        return [place]

    async def close(self) -> None:
        """Do nothing."""


PROXY = "the proxy"
OTHER = "http://127.0.0.1:9"
ENVIRONMENTS: dict[str, tuple[Mapping[str, str], bool]] = {
    "nothing": ({}, False),
    "HTTPS_PROXY": ({"HTTPS_PROXY": PROXY}, True),
    "https_proxy": ({"https_proxy": PROXY}, True),
    "lower case first": ({"https_proxy": PROXY, "HTTPS_PROXY": OTHER}, True),
    "empty": ({"HTTPS_PROXY": ""}, False),
    "for http": ({"HTTP_PROXY": OTHER}, False),
    "ALL_PROXY": ({"ALL_PROXY": OTHER}, False),
    "the host": ({"HTTPS_PROXY": OTHER, "NO_PROXY": "localhost, api.contactship.test"}, False),
    "the domain": ({"HTTPS_PROXY": OTHER, "no_proxy": ".contactship.test"}, False),
    "host and port": ({"HTTPS_PROXY": OTHER, "NO_PROXY": "api.contactship.test:443"}, False),
    "all": ({"HTTPS_PROXY": OTHER, "NO_PROXY": "*"}, False),
    "another port": ({"HTTPS_PROXY": PROXY, "NO_PROXY": "api.contactship.test:8443"}, True),
    "another host": ({"HTTPS_PROXY": PROXY, "NO_PROXY": "contactship.example,127.0.0.1"}, True),
}


@pytest.mark.parametrize("scheme", ["http://", ""], ids=["with a scheme", "without one"])
@pytest.mark.parametrize(("variables", "used"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
async def test_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], scheme: str, *, used: bool
) -> None:
    """With trust_env, HTTPS_PROXY in either case counts, unless NO_PROXY names the host; without it, nothing does."""
    async with secure_server() as server, ConnectProxy(leads_to=server.port, authorization=AUTHORIZATION) as proxy:
        url = f"{scheme}{CREDENTIALS}@127.0.0.1:{proxy.port}"
        for name, value in variables.items():
            monkeypatch.setenv(name, url if value == PROXY else value)

        def connect() -> aiohttp.TCPConnector:
            return aiohttp.TCPConnector(ssl=trusting_context(), resolver=Everywhere(server.port))

        for trust_env in (True, False):
            async with client_through(None, trust_env=trust_env, connector=connect, ssl_context=None) as client:
                for name in variables:
                    monkeypatch.delenv(name)  # It was read when the client was made.
                assert "done" == await client.request("GET", "/v1/x")
            for name, value in variables.items():
                monkeypatch.setenv(name, url if value == PROXY else value)

    assert (1 if used else 0) == len(proxy.requests)
    assert 2 == len(server.requests)


async def test_given_proxy_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is given is used, whatever the environment says of it or of the host."""
    monkeypatch.setenv("HTTPS_PROXY", OTHER)
    monkeypatch.setenv("NO_PROXY", "*")
    async with (
        secure_server() as server,
        ConnectProxy(leads_to=server.port) as proxy,
        client_through(proxy.url, trust_env=True) as client,
    ):
        assert "done" == await client.request("GET", "/v1/x")

    assert 1 == len(proxy.requests)


async def test_this_machine_is_not_reached_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of this machine, such as the sandbox, is reached directly, though HTTP_PROXY names a proxy."""
    async with RawServer() as proxy, RawServer(ANSWERED) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with server.client(trust_env=True) as client:
            assert "done" == await client.request("GET", "/v1/x")

    assert 0 == proxy.connections


async def test_netrc_is_not_read_with_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Trusting the environment's proxies adds no Authorization header of the user's netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.contactship.test login me password hidden\ndefault login me password hidden\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with secure_server() as server, ConnectProxy(leads_to=server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with client_through(None, trust_env=True) as client:
            await client.request("GET", "/v1/x")

    assert "authorization" not in server.requests[0].headers
    assert "proxy-authorization" not in proxy.requests[0].headers
