"""What a client sends its requests over: the settings of a connection, and the session that is open at present."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from ssl import SSLContext
from typing import NoReturn

import aiohttp
from attrs import define, field

from contactship_async._http.aiohttp_transport import (
    DEFAULT_CONNECTIONS,
    ConnectorSource,
    connection_limit,
    open_transport,
)
from contactship_async._http.messages import Transport
from contactship_async._http.requests import USER_AGENT
from contactship_async._http.servers import Server
from contactship_async._http.session import OwnSession, Session, WalkSession


@define(eq=False, kw_only=True)
class Connection:
    """What a client, or all clients of a pool, send their requests over.

    Args:
        server: Where all endpoints are, but for those of *integrations*.
        integrations: Where locations are sent to over WhatsApp.
        transport: Takes the place of HTTP; None opens a session.
        connector: An aiohttp connector to use, or a function that makes one for each session; None opens one.
        ssl_context: For the connector that is opened; None takes the default.
        trace_configs: aiohttp trace configurations for the session.
        max_response_bytes: The longest body accepted, decompressed.
        is_available: Whether calls are allowed: those over a pool only within its `async with`.
    """

    server: Server
    integrations: Server
    transport: Transport | None
    connector: ConnectorSource | None
    ssl_context: SSLContext | None
    trace_configs: Sequence[aiohttp.TraceConfig]
    max_response_bytes: int
    is_available: bool = True
    max_requests: float = field(init=False)
    _session: Session | None = field(default=None, init=False)

    @max_requests.default
    def _max_requests_before_opening(self) -> float:
        """Return how many requests can be in flight at once; those over a function's connector when it is made."""
        if self.transport is not None:
            return math.inf
        if self.connector is None:
            return DEFAULT_CONNECTIONS
        return connection_limit(self.connector) if isinstance(self.connector, aiohttp.BaseConnector) else math.inf

    @property
    def base_url(self) -> str:
        """Where all endpoints are but those of the integrations."""
        return self.server.base_url

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that the open session belongs to; None while none is open."""
        return None if self._session is None or self._session.is_closed else self._session.loop

    def check_available(self) -> None:
        """Raise a `RuntimeError` if calls are not allowed."""
        if not self.is_available:
            message = "a pool, and each client of it, is used within its `async with`"
            raise RuntimeError(message)

    def get_session(self, of_walk: WalkSession | None = None) -> Session:
        """Return the session of the running loop, opened if need be.

        Args:
            of_walk: Of a walk that needs the session: it has only the one that it began in.

        Raises:
            ClientClosedError: That one is closed.
            RuntimeError: The connection is in use by another running event loop or process, or calls are not allowed.
        """
        if of_walk is not None and of_walk.session is not None and of_walk.session.is_closed:
            raise of_walk.session.closed_error()
        self.check_available()
        session = self._session
        if session is None or session.is_closed or not session.is_here():
            self._drop_session_left_behind()
            session = self._session = self._open()
        if of_walk is not None:
            of_walk.session = session
        return session

    def end_calls(self) -> None:
        """End the calls under way, and the walks that have begun; what is left to do is to `close()`."""
        if self._session is not None and self._session.is_here():
            self._session.end()

    async def close(self) -> None:
        """End the calls under way, and close the session, if one is open.

        Raises:
            RuntimeError: It is in use by another running event loop or process.
        """
        self._drop_session_left_behind()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> Session:
        if self.transport is not None:
            return Session(self.transport)
        opened = open_transport(
            server=self.server,
            user_agent=USER_AGENT,
            connector=self.connector,
            ssl_context=self.ssl_context,
            trace_configs=self.trace_configs,
            max_response_bytes=self.max_response_bytes,
        )
        self.max_requests = opened.max_requests
        return OwnSession(opened)

    def _drop_session_left_behind(self) -> None:
        """Drop a session that another event loop has left: one that is closed, or stands still."""
        session = self._session
        if not isinstance(session, OwnSession) or session.is_here():
            return
        is_of_other_process = session.process_id != os.getpid() and not session.loop.is_closed()
        if is_of_other_process or session.loop.is_running():
            message = (
                "this client is in use by another event loop or process: make one for each, or make all calls in one "
                "loop, from other threads with asyncio.run_coroutine_threadsafe()"
            )
            raise RuntimeError(message)
        self._session = None
        session.drop()

    def __reduce__(self) -> NoReturn:
        message = "a client is neither copied nor pickled, as it has connections and a key: make one where it is needed"
        raise TypeError(message)
