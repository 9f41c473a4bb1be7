"""Contacts in memory, behind a transport or a port: whatever an import of them may meet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import unquote

from aiohttp import web

from contactship_async import ContactshipClient, Request, Response, RetryPolicy

Reaction: TypeAlias = Callable[[Request], Awaitable[Response | None]]


async def _pass(_: Request) -> None:
    pass


class ContactsServer:
    """Keeps contacts, each under a number of its own; over HTTP within `async with`.

    Args:
        rows: Those that are there, as the API has them.

    Attributes:
        rows: The contacts by their numbers.
        requests: All that arrived.
        most_under_way: How many had no response yet, at the most.
        before: Is awaited when a request arrives; what it returns is the response, and nothing else happens.
        after: Is awaited when a request has had its effect; what it returns is the response.
    """

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = {row["phone_number"]: row for row in rows}
        self.requests: list[Request] = []
        self.most_under_way = 0
        self.before: Reaction = _pass
        self.after: Reaction = _pass
        self._under_way = 0
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def counts(self) -> dict[str, int]:
        """How many requests there were of each method."""
        return dict(Counter(request.method for request in self.requests))

    @property
    def updates(self) -> list[Any]:
        """The bodies of all updates."""
        return [json.loads(request.body or b"") for request in self.requests if request.method == "PATCH"]

    def client(self, **settings: Any) -> ContactshipClient:
        """Make a client of this server, which waits for nothing."""
        return ContactshipClient("key", transport=self.transport, retry=RetryPolicy(initial_delay=0), **settings)

    async def transport(self, request: Request) -> Response:
        """Exchange a request."""
        self.requests.append(request)
        self._under_way += 1
        self.most_under_way = max(self._under_way, self.most_under_way)
        try:
            response = await self.before(request)
            if response is None:
                response = self._handle(request)
                response = await self.after(request) or response
            return response
        finally:
            self._under_way -= 1

    async def _serve(self, request: web.Request) -> web.Response:
        path, body = request.rel_url.raw_path, await request.read()
        response = await self.transport(Request(method=request.method, path=path, body=body, idempotent=True))
        return web.Response(status=response.status, body=response.body, content_type="application/json")

    def _handle(self, request: Request) -> Response:
        body = json.loads(request.body) if request.body else {}
        if request.method == "POST":
            number = body["phone_number"]
            if number in self.rows:
                return respond(409, message="the phone number is taken")
            self.rows[number] = {"id": f"contact of {number}", **body}
            return respond(201, self.rows[number])
        identifier = unquote(request.path.rpartition("/")[2])
        found = [row for row in self.rows.values() if identifier in {row["id"], row["phone_number"]}]
        if not found:
            return respond(404, message="no such contact")
        found[0].update(body)
        return respond(200, found[0])


def respond(status: int, data: Any = None, **more: Any) -> Response:
    """Return a response of the API."""
    return Response(status=status, body=json.dumps({"statusCode": status, "data": data, **more}).encode())


def number_of(request: Request) -> str:
    """Return the number in the body or the path of a request."""
    body = json.loads(request.body) if request.body else {}
    return str(body.get("phone_number") or unquote(request.path.rpartition("/")[2]).removeprefix("contact of "))
