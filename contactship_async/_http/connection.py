"""The life of a session: opened at the first call, in the loop that runs then, and closed with that loop."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from types import AsyncGeneratorType
from typing import Final, cast

import aiohttp
from attrs import define, field

from contactship_async._http.aiohttp_transport import open_transport
from contactship_async._http.messages import Transport
from contactship_async._http.requests import USER_AGENT

DEFAULT_CONNECTIONS: Final = 100
"""Of the connector that aiohttp opens for a session by itself."""

_NO_LIMIT: Final = 0  # as aiohttp writes it


@define(eq=False, kw_only=True)
class Connection:
    """What a client, or all clients of a pool, send their requests over.

    Args:
        base_url: What paths are appended to; without a trailing slash.
        transport: Takes the place of HTTP; None opens a session.
        connector: An aiohttp connector to use; None opens one.
        trace_configs: aiohttp trace configurations for the session.
        max_response_bytes: The longest body accepted, decompressed.
        is_available: Whether calls are allowed: those over a pool only within its `async with`.
    """

    base_url: str
    transport: Transport | None
    connector: aiohttp.BaseConnector | None
    trace_configs: Sequence[aiohttp.TraceConfig]
    max_response_bytes: int
    is_available: bool = True
    _session: _Session | None = field(default=None, init=False)

    @property
    def max_requests(self) -> float:
        """How many requests can be in flight at once without waiting for a connection."""
        if self.transport is not None:
            return math.inf
        if self.connector is None:
            return DEFAULT_CONNECTIONS
        limits = (self.connector.limit, self.connector.limit_per_host)  # There is one host.
        return min((limit for limit in limits if limit != _NO_LIMIT), default=math.inf)

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
            user_agent=USER_AGENT,
            connector=self.connector,
            trace_configs=self.trace_configs,
            max_response_bytes=self.max_response_bytes,
        )
        self._session = _Session(cast("AsyncGeneratorType[Transport]", opened), await anext(opened))
        return self._session.transport

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
