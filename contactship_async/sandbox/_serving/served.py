"""How the sandbox is reached: in memory, and over a port within `async with` or `with`."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Final, Self

from contactship_async._arguments import check_integer, check_text
from contactship_async._http.messages import Request, Response
from contactship_async._http.secret import Secret
from contactship_async.sandbox._api.openapi import DOCUMENT_PATH
from contactship_async.sandbox._api.replies import Reply
from contactship_async.sandbox._serving.server import serve
from contactship_async.sandbox._serving.thread import serve_in_thread

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")

_IN_MEMORY: Final = "https://sandbox.invalid"
"""The base URL of clients in memory, which is never connected to; keeps `CONTACTSHIP_BASE_URL` out."""


class Served:
    """A simulated server: in memory as it is, over a port within `async with` or `with`."""

    def __init__(
        self, respond: Callable[[Request], Reply], host: str, port: int, catch_up: Callable[[], float | None]
    ) -> None:
        _check_host(host)
        check_integer("port", port, lowest=0, highest=65535)
        self._respond = respond
        self._catch_up = catch_up
        self._host = host
        self._port = port
        self._url: str | None = None
        self._running = AsyncExitStack()
        self._running_in_thread = ExitStack()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._url or 'in memory'}>"

    def __enter__(self) -> Self:
        self._check_not_running()
        serving = serve_in_thread(self._respond, self._host, self._port, self._catch_up)
        self._note_url(self._running_in_thread.enter_context(serving))
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._running_in_thread.close()
        finally:
            self._note_url(None)

    async def __aenter__(self) -> Self:
        self._check_not_running()
        serving = serve(self._respond, self._host, self._port, self._catch_up)
        self._note_url(await self._running.enter_async_context(serving))
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._running.aclose()
        finally:
            self._note_url(None)

    def _note_url(self, url: str | None) -> None:
        """Take note of where the server is; None is nowhere."""
        self._url = url

    def _check_not_running(self) -> None:
        if self._url is not None:
            message = f"the sandbox is already running at {self._url}"
            raise RuntimeError(message)

    @property
    def url(self) -> str:
        """The base URL of the server, such as `http://127.0.0.1:49152`.

        Raises:
            RuntimeError: The server is not running.
        """
        if self._url is None:
            call = f"{type(self).__name__}(...)"
            message = f"the sandbox has no URL until it is started: `with` or `async with {call} as sandbox`"
            raise RuntimeError(message)
        return self._url

    async def transport(self, request: Request) -> Response:
        """Respond to one request in memory, the way the server would; pass it on as `ContactshipClient(transport=...)`.

        Args:
            request: Its key is checked like that of a request to the server.

        Raises:
            ConnectionResetError: The script of faults cuts the connection.
        """
        reply = self._respond(request)
        await asyncio.sleep(reply.delay + reply.seconds_per_byte * len(reply.body))
        if not reply.arrives:
            message = "the sandbox cut the connection"
            raise ConnectionResetError(message)
        return Response(status=reply.status, headers=reply.headers, body=reply.body)

    def openapi(self) -> dict[str, Any]:
        """Describe what is served, as the server does at `/openapi.json`; no server has to run.

        Returns:
            An OpenAPI document; of several organizations, that of the first.

        Source: https://spec.openapis.org/oas/v3.1.1.html
        """
        request = Request(method="GET", path=DOCUMENT_PATH, api_key=Secret(""), idempotent=True)
        document: dict[str, Any] = json.loads(self._respond(request).body)
        return document

    def _connect(self, options: dict[str, Any]) -> dict[str, Any]:
        """Add to the options of a client how it reaches the sandbox, unless they say where to go."""
        if "base_url" in options or "transport" in options:
            return options
        if self._url is None:
            return {**options, "transport": self.transport, "base_url": _IN_MEMORY}
        return {"allow_insecure_http": True, **options, "base_url": self._url}  # Its key is no secret.


def _check_host(value: object) -> None:
    """Refuse what is neither an address nor a name; whether it is one of this machine, the system says."""
    host = check_text("host", value)
    try:
        ip_address(host)
    except ValueError:
        is_name = _HOST_NAME.fullmatch(host) is not None
    else:
        is_name = True
    if not is_name:
        message = "host must be an address of this machine such as '127.0.0.1' or '0.0.0.0', or a name of it"
        raise ValueError(message)
