"""The life of a session: opened at the first call, in the loop that runs then, and closed with that loop."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from ssl import SSLContext
from types import AsyncGeneratorType
from typing import Final, cast

import aiohttp
from attrs import define, field

from contactship_async._http.aiohttp_transport import (
    DEFAULT_CONNECTIONS,
    ConnectorSource,
    connection_limit,
    open_transport,
)
from contactship_async._http.messages import Transport
from contactship_async._http.proxy import Proxy
from contactship_async._version import __version__

_USER_AGENT: Final = f"contactship-async/{__version__}"


@define(eq=False, kw_only=True)
class Connection:
    """What a client, or all clients of a pool, send their requests over.

    Args:
        base_url: What paths are appended to; without a trailing slash.
        transport: Takes the place of HTTP; None opens a session.
        connector: An aiohttp connector to use, or a function that makes one for each session; None opens one.
        ssl_context: For the connector that is opened; None takes the default.
        proxy: What requests go through; None for none.
        trace_configs: aiohttp trace configurations for the session.
        connect_seconds: How long to wait for a connection; None waits without limit.
        max_response_bytes: The longest body accepted, decompressed.
        is_available: Whether calls are allowed: those over a pool only within its `async with`.
    """

    base_url: str
    transport: Transport | None
    connector: ConnectorSource | None
    ssl_context: SSLContext | None
    proxy: Proxy | None
    trace_configs: Sequence[aiohttp.TraceConfig]
    connect_seconds: float | None
    max_response_bytes: int
    is_available: bool = True
    max_requests: float = field(init=False)
    _session: _Session | None = field(default=None, init=False)

    @max_requests.default
    def _max_requests_before_opening(self) -> float:
        """Return how many requests can be in flight at once; those over a function's connector when it is made."""
        if self.transport is not None:
            return math.inf
        if self.connector is None:
            return DEFAULT_CONNECTIONS
        return connection_limit(self.connector) if isinstance(self.connector, aiohttp.BaseConnector) else math.inf

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that the open session belongs to; None while none is open."""
        return None if self._session is None or self._session.is_over else self._session.loop

    def check_available(self) -> None:
        """Raise a `RuntimeError` if calls are not allowed."""
        if not self.is_available:
            message = "a pool, and each client of it, is used within its `async with`"
            raise RuntimeError(message)

    def get_transport(self) -> Transport | None:
        """Return the transport of the running loop; None as long as no session is open.

        Raises:
            RuntimeError: The connection is in use by another running event loop or process, or calls are not allowed.
        """
        self.check_available()
        if self.transport is not None:
            return self.transport
        session = self._current_session()
        return None if session is None else session.transport

    async def open(self) -> Transport:
        """Open a session of the running loop, which has none, and return its transport."""
        opened = open_transport(
            base_url=self.base_url,
            user_agent=_USER_AGENT,
            connector=self.connector,
            ssl_context=self.ssl_context,
            proxy=self.proxy,
            trace_configs=self.trace_configs,
            connect_seconds=self.connect_seconds,
            max_response_bytes=self.max_response_bytes,
        )
        transport = await anext(opened)
        self._session = _Session(cast("AsyncGeneratorType[Transport]", opened), transport)
        self.max_requests = transport.max_requests
        return transport

    async def close(self) -> None:
        """Close the session, if one is open.

        Raises:
            RuntimeError: It is in use by another running event loop or process.
        """
        session = self._current_session()
        self._session = None
        if session is not None:
            await session.opened.aclose()

    def _current_session(self) -> _Session | None:
        """Return the session of the running loop, if one is open."""
        session = self._session
        if session is None or session.is_over:
            return None
        if session.loop is not asyncio.get_running_loop() or session.process_id != os.getpid():
            message = "this client is in use by another event loop or process: make one for each, or close it there"
            raise RuntimeError(message)
        return session


@define
class _Session:
    """An open session: the generator that closes it, what it yielded, and where it may be used.

    After a fork, two processes would share one selector and each other's responses, so the process counts as well.
    """

    opened: AsyncGeneratorType[Transport]
    transport: Transport
    loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)
    process_id: int = field(factory=os.getpid)

    @property
    def is_over(self) -> bool:
        """Whether the loop has ended, or has closed the session because it is about to."""
        return self.loop.is_closed() or self.opened.ag_frame is None
