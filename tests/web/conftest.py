"""A web app of the guide, with a sandbox behind it and a browser before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from web_apps import SERVERS, Connections, wait_until, watch_walks
from yarl import URL

from contactship_async import ContactshipClient, RetryPolicy, Timeouts
from contactship_async.sandbox import Sandbox


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    """Watch the connections to the sandbox, from its side."""
    watched = Connections()
    made, lost = web.Server.connection_made, web.Server.connection_lost

    def connection_made(server: web.Server, handler: Any, transport: Any) -> None:
        made(server, handler, transport)
        if transport.get_extra_info("sockname")[1] == watched.port:
            watched.opened(handler)

    def connection_lost(server: web.Server, handler: Any, exc: BaseException | None = None) -> None:
        lost(server, handler, exc)
        watched.closed(handler)

    monkeypatch.setattr(web.Server, "connection_made", connection_made)
    monkeypatch.setattr(web.Server, "connection_lost", connection_lost)
    return watched


@pytest.fixture
async def sandbox(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """Run the API that the app finds in its environment, with three pages of numbers; the app hangs up first."""
    async with Sandbox(phone_numbers=250, api_key="sk-live-KEY") as running:
        connections.port = URL(running.url).port or 0
        monkeypatch.setenv("CONTACTSHIP_BASE_URL", running.url)
        monkeypatch.setenv("CONTACTSHIP_API_KEY", running.api_key)
        yield running
        await wait_until(lambda: not len(connections))


@pytest.fixture(params=SERVERS)
def framework(request: pytest.FixtureRequest) -> str:
    """Name the framework of the app."""
    name: str = request.param
    return name


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> set[object]:
    """Collect the walks of the app that have not ended."""
    return watch_walks(monkeypatch)


@pytest.fixture
def clients() -> list[ContactshipClient]:
    """Collect the clients that the app makes."""
    return []


@pytest.fixture
def timeouts() -> Timeouts | None:
    """Take the place of the app's own time limits; tests that need other ones parametrize this."""
    return None


@pytest.fixture
async def app_url(  # noqa: PLR0913, PLR0917 - fixtures
    framework: str,
    sandbox: Sandbox,
    clients: list[ContactshipClient],
    walks: set[object],
    timeouts: Timeouts | None,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[str]:
    """Serve the app, whose clients retry at once; when it ends, its walks have ended."""

    def make_client(**settings: Any) -> ContactshipClient:
        settings["timeouts"] = timeouts or settings["timeouts"]
        clients.append(ContactshipClient(**settings, retry=RetryPolicy(initial_delay=0)))
        return clients[-1]

    async with SERVERS[framework](monkeypatch, make_client) as url:
        yield url
    assert set() == walks


@pytest.fixture
async def browser(app_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a browser on the app, which waits for nothing longer than a test may take."""
    async with aiohttp.ClientSession(
        app_url, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=30)
    ) as session:
        yield session
