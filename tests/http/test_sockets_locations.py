"""Locations over real sockets: they go to a server of their own, with the key, and to no other."""

from __future__ import annotations

import json
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from certificates import server_context, trusting_context
from raw_server import RawServer, refused_url, response
from starts import TO
from yarl import URL

from contactship_async import (
    AmbiguousOutcomeError,
    ContactshipClient,
    ContactshipPool,
    Timeouts,
)
from contactship_async.models.whatsapp import SentMessage
from contactship_async.sandbox import Sandbox

PATH = "/api/integrations/waba/send-location"
SENT = response({"success": True, "message": "ok", "data": {"message_id": "m-1"}})
KEY = "sk-live-KEY"


async def locate(client: ContactshipClient) -> SentMessage:
    """Send a location."""
    return await client.whatsapp.send_location(**TO, latitude=40.4, longitude=-3.7)


async def test_location_goes_to_the_other_server() -> None:
    """Of a client, one with other options, and a pool, a location goes there with key and headers, and nothing else."""
    async with RawServer(SENT) as there, RawServer(response({"credits": 1})) as here:
        urls: dict[str, Any] = {"base_url": here.url, "integrations_url": f"{there.url}/gw"}
        async with ContactshipClient(KEY, **urls, headers={"X-Gateway": "g"}) as client:
            other = client.with_options(timeouts=Timeouts(total=5))
            assert [SentMessage("m-1")] * 2 == [await locate(client), await locate(other)]
            await client.credits.get()
        async with ContactshipPool({"acme": KEY}, **urls) as pool:
            await locate(pool["acme"])

    assert [("POST", f"/gw{PATH}")] * 3 == [(got.method, got.target) for got in there.requests]
    assert [{**TO, "latitude": 40.4, "longitude": -3.7}] * 3 == [json.loads(got.body) for got in there.requests]
    assert {KEY} == {got.headers["x-api-key"] for got in there.requests}
    assert ["g", "g", None] == [got.headers.get("x-gateway") for got in there.requests]
    assert ["/v1/credits"] == [got.target for got in here.requests]


async def test_location_goes_where_the_base_url_is() -> None:
    """Without a URL of its own, it goes to the base URL of a test, path included."""
    async with RawServer(SENT) as server, ContactshipClient(KEY, base_url=f"{server.url}/gw/v1") as client:
        await locate(client)

    assert [f"/gw{PATH}"] == [got.target for got in server.requests]


async def test_redirect_of_a_location_is_not_followed() -> None:
    """A redirect leaves it unknown, and its target is never contacted."""
    async with RawServer(SENT) as sink:
        redirect = response(b"", status=307, headers={"Location": f"{sink.url}{PATH}"})
        async with RawServer(redirect) as there:
            client = ContactshipClient(KEY, base_url=refused_url(), integrations_url=there.url)
            async with client:
                with pytest.raises(AmbiguousOutcomeError) as caught:
                    await locate(client)

    assert (307, 1, 0) == (caught.value.status, len(there.requests), sink.connections)


class Resolver(AbstractResolver):
    """Finds every host at one port of this machine, and remembers which it was asked for."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002 - aiohttp's
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        """Return the port, whatever the host."""
        self.asked.append(host)
        place: ResolveResult = {
            "hostname": host, "host": "127.0.0.1", "port": self._port, "family": family, "proto": 0, "flags": 0
        }  # fmt: skip
        return [place]

    async def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("how", ["on a port", "in memory", "its transport alone"])
async def test_location_never_leaves_a_sandbox(how: str) -> None:
    """Whatever way a client reaches a sandbox, no name is looked up, and it is the sandbox that gets the location."""
    sandbox, resolver = Sandbox(), Resolver(9)
    channel = next(row for row in sandbox.channels if row["status"] == "active")
    to = {"channel_id": channel["id"], "contact_id": sandbox.contacts[0]["id"]}

    async def send(client: ContactshipClient) -> None:
        async with client:
            await client.whatsapp.send_location(**to, latitude=1, longitude=2)

    if how == "on a port":
        async with sandbox:
            await send(sandbox.client(connector=lambda: aiohttp.TCPConnector(resolver=resolver)))
    elif how == "in memory":
        await send(sandbox.client())
    else:
        await send(ContactshipClient(sandbox.api_key, transport=sandbox.transport))

    assert [PATH] == [request.path for request in sandbox.requests]
    assert ["location"] == [message.type for message in sandbox.whatsapp.sent]
    assert [] == resolver.asked


async def test_default_server_of_locations() -> None:
    """With the default base URL, a location goes to the documented host, with the key, and nothing else goes there."""
    hosts = ("integrations.contactship.ai", "api.contactship.ai")
    async with RawServer(SENT, response({"credits": 1}), ssl_context=server_context(*hosts)) as server:
        resolver = Resolver(URL(server.url).port or 0)

        def connect() -> aiohttp.TCPConnector:
            return aiohttp.TCPConnector(resolver=resolver, ssl=trusting_context())

        async with ContactshipClient(KEY, connector=connect) as client:
            await locate(client)
            await client.credits.get()

    assert [*hosts] == resolver.asked
    assert [(hosts[0], KEY), (hosts[1], KEY)] == [
        (got.headers["host"], got.headers["x-api-key"]) for got in server.requests
    ]
