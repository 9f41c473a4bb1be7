"""The guide's web apps, served as it says: over real sockets, in the test's own loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Any, Final

import pytest
import uvicorn
from aiohttp import web
from attrs import define, field
from guides import FILES

from contactship_async import Prefetch


@define
class Connections:
    """The connections to one server: how many are open, and how many there were at the most."""

    port: int = 0
    most: int = 0
    _open: set[object] = field(factory=set)

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: object) -> None:
        """Count *connection* in."""
        self._open.add(connection)
        self.most = max(self.most, len(self._open))

    def closed(self, connection: object) -> None:
        """Count *connection* out."""
        self._open.discard(connection)


def watch_walks(monkeypatch: pytest.MonkeyPatch) -> set[object]:
    """Keep hold of all walks ahead whose `async with` was entered and not left."""
    walks: set[object] = set()
    enter, leave = Prefetch.__aenter__, Prefetch.__aexit__

    async def enter_watched(walk: Prefetch[Any]) -> Prefetch[Any]:
        walks.add(walk)
        return await enter(walk)

    async def leave_watched(walk: Prefetch[Any], *error: Any) -> None:
        try:
            await leave(walk, *error)
        finally:  # It may be cancelled.
            walks.discard(walk)

    monkeypatch.setattr(Prefetch, "__aenter__", enter_watched)
    monkeypatch.setattr(Prefetch, "__aexit__", leave_watched)
    return walks


async def wait_until(condition: Callable[[], object]) -> None:
    """Wait until *condition* holds, for far less than the SDK's time limits."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the conditions are the state of servers, which have no event
            await asyncio.sleep(0)


def load(name: str, *, as_main: bool = False) -> ModuleType:
    """Run the guide's file *name* as a module of that name, or as the program."""
    module = ModuleType("__main__" if as_main else name.removesuffix(".py"))
    exec(compile(FILES[name], name, "exec"), module.__dict__)  # noqa: S102 - our own guide
    return module


class _AsyncioOfUvicorn:
    """The module `asyncio` to uvicorn, which else asks ten times a second only whether it is to end."""

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        """Sleep for far less."""
        await asyncio.sleep(seconds / 100)  # real time, but little of it


@asynccontextmanager
async def serve_fastapi(monkeypatch: pytest.MonkeyPatch, make_client: Callable[..., object]) -> AsyncIterator[str]:
    """Serve `fastapi_app.py` as the command `uvicorn` does."""
    recipe = load("fastapi_app.py")
    monkeypatch.setattr(recipe, "ContactshipClient", make_client)
    async with _serve_asgi(monkeypatch, recipe.app) as url:
        yield url


@asynccontextmanager
async def _serve_asgi(monkeypatch: pytest.MonkeyPatch, app: Any) -> AsyncIterator[str]:
    monkeypatch.setattr("uvicorn.server.asyncio", _AsyncioOfUvicorn())
    listener = listen()
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield url_of(listener)  # connections wait in the listener's queue until it has started
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def serve_aiohttp(monkeypatch: pytest.MonkeyPatch, make_client: Callable[..., object]) -> AsyncIterator[str]:
    """Serve `aiohttp_app.py` as running it does, with the settings that it gives to `run_app`."""
    recipe, app, settings = _load_aiohttp(monkeypatch, "aiohttp_app.py")
    monkeypatch.setattr(recipe, "ContactshipClient", make_client)
    async with _serve_aiohttp(app, settings) as url:
        yield url


def _load_aiohttp(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[ModuleType, web.Application, dict[str, Any]]:
    """Run the guide's file *name* up to `run_app`; return it as a module, the app, and the settings."""
    started: list[tuple[web.Application, dict[str, Any]]] = []
    with monkeypatch.context() as patched:
        patched.setattr(web, "run_app", lambda app, **settings: started.append((app, settings)))
        recipe = load(name, as_main=True)
    [(app, settings)] = started
    return recipe, app, settings


@asynccontextmanager
async def _serve_aiohttp(app: web.Application, settings: dict[str, Any]) -> AsyncIterator[str]:
    runner = web.AppRunner(app, **{"access_log": None, **settings}, shutdown_timeout=5)
    listener = listen()
    try:
        await runner.setup()
        await web.SockSite(runner, listener, backlog=2048).start()
        yield url_of(listener)
    finally:
        await runner.cleanup()
        listener.close()


@asynccontextmanager
async def serve_webhooks(monkeypatch: pytest.MonkeyPatch, framework: str) -> AsyncIterator[tuple[str, ModuleType]]:
    """Serve the guide's receiver of webhooks; yield where it is, and its module."""
    if framework == "fastapi":
        recipe = load("fastapi_webhooks.py")
        server = _serve_asgi(monkeypatch, recipe.app)
    else:
        recipe, app, settings = _load_aiohttp(monkeypatch, "aiohttp_webhooks.py")
        server = _serve_aiohttp(app, settings)
    async with server as url:
        yield url, recipe


SERVERS: Final[dict[str, Callable[..., AbstractAsyncContextManager[str]]]] = {
    "fastapi": serve_fastapi,
    "aiohttp": serve_aiohttp,
}


def listen() -> socket.socket:
    """Listen on a free port; the buffers of its connections are small, so that a slow browser is soon felt."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return where *listener* can be reached."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
