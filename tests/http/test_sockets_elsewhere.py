"""Nothing goes anywhere else, and nothing rides along: redirects, cookies, netrc, proxies of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from raw_server import RawServer, response

from contactship_async import UnexpectedRedirectError


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(status: int) -> None:
    """A redirect is an error, and its target is never contacted."""
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    async with RawServer() as sink:
        redirect = response(b"", status=status, headers={"Location": f"{sink.url}/stolen", "Refresh": f"0;{sink.url}"})
        async with RawServer(redirect) as server, server.client() as client:
            for method in methods:
                with pytest.raises(UnexpectedRedirectError) as caught:
                    await client.request(method, "/v1/credits", idempotent=True)
                assert status == caught.value.status

    assert methods == [got.method for got in server.requests]
    assert 0 == sink.connections


async def test_cookies_are_not_kept() -> None:
    """A cookie that the server sets is never sent back, whatever response it came with."""
    cookie = {"Set-Cookie": "session=abc; Path=/"}
    script = [*(response(status=status, headers=cookie) for status in (200, 302, 503)), response()]
    async with RawServer(*script) as server, server.client() as client:
        await client.request("GET", "/v1/credits")
        with pytest.raises(UnexpectedRedirectError):
            await client.request("GET", "/v1/credits")
        await client.request("GET", "/v1/credits")

    assert 4 == len(server.requests)
    assert not any("cookie" in got.headers for got in server.requests)


async def test_netrc_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user's netrc adds no Authorization header."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hidden\ndefault login me password hidden\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with RawServer(response()) as server, server.client() as client:
        await client.request("GET", "/v1/credits")

    assert "authorization" not in server.requests[0].headers


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names never sees a request."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with RawServer() as proxy, RawServer(response("done")) as server, server.client() as client:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        content = await client.request("GET", "/v1/credits")

    assert "done" == content
    assert 0 == proxy.connections


async def test_headers_sent() -> None:
    """A request carries the key, who is asking and what is accepted; a POST its body, and that nothing follows it."""
    async with RawServer(response()) as server, server.client() as client:
        await client.request("GET", "/v1/credits")
        await client.request("POST", "/v1/calls", json={})

    common = {"host", "user-agent", "accept", "accept-encoding", "x-api-key"}
    assert common == server.requests[0].headers.keys()
    assert common | {"connection", "content-type", "content-length"} == server.requests[1].headers.keys()
    assert "sk-live-KEY" == server.requests[0].headers["x-api-key"]
    assert "close" == server.requests[1].headers["connection"]
    assert "application/json" == server.requests[1].headers["content-type"]
