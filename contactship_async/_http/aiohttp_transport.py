"""The aiohttp client code: sends a request, adds the key, reads the response up to a size, translates failures.

No other module but `aiohttp_download` uses an aiohttp session.

aiohttp's frames and exceptions hold the request headers, and so the key. Its exceptions are therefore translated, and
ours raised outside the `except` that caught them, without a context. Whatever else passes (cancellation, an error of
a user's trace hook) passes as the same object, with its traceback cut here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache, partial
from http import HTTPStatus
from inspect import iscoroutine
from io import BytesIO
from socket import gaierror
from ssl import SSLContext, SSLError
from types import SimpleNamespace
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from attrs import frozen
from yarl import URL

from contactship_async._codec import FEWER_ROWS
from contactship_async._http.dropping import abort_used, drop_connector
from contactship_async._http.failures import closed_error, exchange_error
from contactship_async._http.messages import Request, Response, is_success
from contactship_async._http.servers import Server
from contactship_async.errors import (
    ClientClosedError,
    ConnectionFailedError,
    ContactshipError,
    MalformedResponseError,
    TransportError,
)

API_KEY_HEADER: Final = "x-api-key"

ConnectorSource: TypeAlias = aiohttp.BaseConnector | Callable[[], aiohttp.BaseConnector]

_READING: Final = ("GET", "HEAD")
"""Methods that aiohttp may send again by itself over another connection, when one was dropped before any response."""

DEFAULT_CONNECTIONS: Final = 100
"""Of the connector that a session opens if it is given none."""

_NO_LIMIT: Final = 0  # as aiohttp writes it

CONNECTOR_CLOSED: Final = "the client can't be used, as the connector it was given is closed"

_NEVER_ROUNDED: Final = float("inf")
"""aiohttp rounds time limits over 5 s up to whole seconds of the loop's clock, unless this threshold is higher."""


class UnsolicitedDataError(aiohttp.ClientError):
    """Data came over a connection after the last response and before the request, which was not sent."""


class SentOnceError(aiohttp.ClientError):
    """Its cause would have made aiohttp send the request again."""


_BEFORE_SENDING: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ClientHttpProxyError,
)
"""What is raised before a request is written: nothing has left by then.

(A GET may have been sent before over a dropped connection, by aiohttp itself, and done no harm.)
"""

_PROXY_STATUSES_THAT_PASS: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
"""Of the 4xx that a proxy refuses a connection with; a 5xx says that it did not reach the server, which may pass."""

_REASONS: Final = {
    aiohttp.ServerDisconnectedError: "the server closed the connection without a response",
    aiohttp.ServerFingerprintMismatch: "the server's certificate is not the expected one",
    aiohttp.ClientPayloadError: "the response was cut off or could not be decompressed",
    aiohttp.ClientResponseError: "the response is not valid HTTP",
    TimeoutError: "the server was silent for too long",
}


@frozen
class AiohttpTransport:
    """Exchange requests over an aiohttp session.

    Args:
        session: Sends and receives the idempotent calls, over connections that are kept.
        unkept_session: Does so for all others, each over a connection of its own, and notes when they leave. (Its
            trace takes a GET some 5 % more instructions.)
        server: Where requests go that name no other.
        max_response_bytes: The longest body accepted, decompressed.
    """

    session: aiohttp.ClientSession
    unkept_session: aiohttp.ClientSession
    server: Server
    max_response_bytes: int

    @property
    def max_requests(self) -> float:
        """How many requests can be in flight at once without waiting for a connection."""
        return connection_limit(self.session.connector)

    async def __call__(self, request: Request) -> Response:
        """Send *request* and read its response.

        Raises:
            TransportError: No complete response came.
            MalformedResponseError: The body of a 2xx is larger than *max_response_bytes*.
        """
        if self.session.closed:
            raise ClientClosedError(CONNECTOR_CLOSED)
        request.delivery.provably_unsent = not request.idempotent  # Only the trace of others tells when they leave.
        try:
            if request.idempotent:
                try:
                    return await self._exchange(request, self.session)
                except UnsolicitedDataError:
                    pass  # Over a connection of its own, what comes first is the response.
            return await self._exchange(request, self.unkept_session)
        except ContactshipError as error:
            failure: BaseException = error
        except (aiohttp.ClientError, OSError) as error:
            failure = self.failure_of(request, error)
        except BaseException as error:  # noqa: BLE001 - raised again below, where its traceback is cut
            error.__cause__ = error.__context__ = None
            failure = error
        raise failure.with_traceback(None)

    def failure_of(self, request: Request, error: BaseException) -> ContactshipError:
        """Translate what aiohttp raised."""
        failure = _translate(request, error)
        if self.session.closed:
            return closed_error(request, ClientClosedError(CONNECTOR_CLOSED))
        return failure

    async def read_body(self, response: aiohttp.ClientResponse, *, succeeded: bool) -> bytes:
        """Read a body; of a refusal, as much as comes."""
        chunks: list[bytes] = []
        size = 0
        try:
            while size <= self.max_response_bytes and not response.content.at_eof():
                chunks.append(await response.content.readany())
                size += len(chunks[-1])
        except aiohttp.ClientError:
            # Of a refusal, the status is what counts; of a success, half a body is none.
            if succeeded:
                raise
        if succeeded and size > self.max_response_bytes:
            issue = f"larger than {self.max_response_bytes} bytes, the client's max_response_bytes; {FEWER_ROWS}"
            raise MalformedResponseError((issue,))
        return b"".join(chunks)[: self.max_response_bytes]

    async def close(self) -> None:
        """Close the connections, but those of a connector that is the user's."""
        connector = self.session.connector
        if connector is not None and self.session.connector_owner:
            abort_used(connector)
        await self.unkept_session.close()
        await self.session.close()

    def drop(self) -> None:
        """Close them without awaiting anything, whether the event loop runs, stands still or is closed."""
        connector = self.session.connector
        self.unkept_session.detach()
        self.session.detach()
        if connector is not None and self.session.connector_owner:
            drop_connector(connector)

    async def _exchange(self, request: Request, session: aiohttp.ClientSession) -> Response:
        server = self.server if request.server is None else request.server
        query = _encode_query(request.query)
        url = URL(f"{server.base_url}{request.path}?{query}" if query else server.base_url + request.path, encoded=True)
        async with await session.request(
            request.method,
            url,
            data=None if request.body is None else BytesIO(request.body),  # aiohttp warns of large bytes
            headers=_headers(request, server),
            allow_redirects=False,
            proxy=None if server.proxy is None else server.proxy.url,
            proxy_headers=None if server.proxy is None else server.proxy.headers(),
            server_hostname=None if session is self.session else url.raw_host,
            middlewares=None if request.idempotent and request.method in _READING else _SEND_ONCE,
            timeout=connect_timeout(request.connect_seconds),
            trace_request_ctx=request.delivery,
        ) as response:
            request.delivery.status = response.status
            succeeded = is_success(response.status)
            if not succeeded:
                request.delivery.refusal = Response(status=response.status, headers=response.headers)
            body = await self.read_body(response, succeeded=succeeded)
            return Response(status=response.status, headers=response.headers, body=body)


def _headers(request: Request, server: Server) -> dict[str, str]:
    headers = {API_KEY_HEADER: request.api_key.reveal()}
    if request.headers:
        headers.update(request.headers)
    if request.body is not None and "Content-Type" not in request.headers:
        headers["Content-Type"] = "application/json"
    if server.proxy is not None and server.base_url.startswith("http:"):
        headers.update(server.proxy.headers())  # There is no CONNECT that would have them.
    return headers


class _RequestOnCleanConnection(aiohttp.ClientRequest):
    """A request that is never sent over a connection on which data came after the last response.

    aiohttp would take that data for the response to this request, the response to this one for that to the next, and so
    on (response desynchronisation): with a connector that is shared, for another organization's.
    """

    def send(self, conn: Connection) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        protocol = conn.protocol
        if protocol is not None and protocol.should_close:
            raise UnsolicitedDataError
        return super().send(conn)


class _RequestOnOwnConnection(aiohttp.ClientRequest):
    """A request over a connection that is closed after it.

    It finds none that was used before: only such requests name the server of the certificate (`server_hostname`), and
    aiohttp keeps the connections of each name apart. Over a kept one it would be lost if the server, or a balancer,
    closed it at the same time, and nothing would tell that from one that was processed. The connector's limit counts
    both kinds.
    """

    def send(self, conn: Connection) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        cast("ResponseHandler", conn.protocol).force_close()
        self.headers["Connection"] = "close"
        return super().send(conn)


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending the request again after these errors, as it does with PUT and DELETE (and GET)."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise SentOnceError from error


_SEND_ONCE: Final = (_send_once,)


@lru_cache
def connect_timeout(seconds: float | None) -> aiohttp.ClientTimeout:
    """Return a time limit for connecting; that for the whole is kept by the attempt loop."""
    return aiohttp.ClientTimeout(total=None, connect=seconds, ceil_threshold=_NEVER_ROUNDED)


def _encode_query(query: Sequence[tuple[str, str]]) -> str:
    pairs = []
    for name, value in query:
        letters = name + value
        if not (letters.isalnum() and letters.isascii()):
            return urlencode(query, quote_via=quote)  # For the pairs of a walk, this would be 2 % of it.
        pairs.append(f"{name}={value}")
    return "&".join(pairs)


def _translate(request: Request, error: BaseException) -> TransportError:
    if isinstance(error, SentOnceError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, _BEFORE_SENDING):
        request.delivery.provably_unsent = True
    request.delivery.is_hopeless = _is_hopeless(error)
    timed_out = isinstance(error, aiohttp.ConnectionTimeoutError)
    translated = exchange_error(
        request,
        f"no connection within {request.connect_seconds} s, the connect limit" if timed_out else _reason(error),
        limit="connect" if timed_out else None,
    )
    if isinstance(translated, ConnectionFailedError):
        translated.is_hopeless = request.delivery.is_hopeless
    return translated


def _is_hopeless(error: BaseException) -> bool:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        is_passing = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status in _PROXY_STATUSES_THAT_PASS
        return not is_passing
    return isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ServerFingerprintMismatch)


def _reason(error: BaseException) -> str:
    """Say what happened without quoting the exception: some of aiohttp's print headers or parts of the response."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        hint = (
            ", its user or password is missing or wrong"
            if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
            else ""
        )
        return f"the proxy refused to connect, with status {error.status}{hint}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {error.host}:{error.port} was not accepted ({_system_reason(error.os_error)})"
    if isinstance(error, aiohttp.ClientConnectorError):
        whom = "the proxy " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
        return f"could not connect to {whom}{error.host}:{error.port} ({_system_reason(error.os_error)})"
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason
    return "the connection failed"


def _system_reason(error: OSError) -> str:
    # asyncio puts the address in place of the system's words; look-ups and TLS have numbers and words of their own.
    if error.errno is not None and not isinstance(error, gaierror | SSLError):
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


def open_transport(  # noqa: PLR0913 - the settings of a session, all by keyword
    *,
    server: Server,
    user_agent: str,
    connector: ConnectorSource | None,
    ssl_context: SSLContext | None,
    trace_configs: Sequence[aiohttp.TraceConfig],
    max_response_bytes: int,
) -> AiohttpTransport:
    """Open a transport over sessions of the running loop."""
    departures = aiohttp.TraceConfig()
    # Awaited before the first byte is written: until then, nothing was sent.
    departures.on_request_headers_sent.append(_note_departure)
    open_session = partial(
        aiohttp.ClientSession,
        cookie_jar=aiohttp.DummyCookieJar(),  # The usual jar would replay one organization's cookies for another.
        headers={"User-Agent": user_agent, "Accept": "application/json"},
        trust_env=False,  # With it, aiohttp would add an Authorization header from netrc.
    )
    is_borrowed = isinstance(connector, aiohttp.BaseConnector)
    session = open_session(
        connector=_make_connector(connector, ssl_context),
        connector_owner=not is_borrowed,
        request_class=_RequestOnCleanConnection,
        trace_configs=[*trace_configs],
    )
    unkept_session = open_session(
        connector=session.connector,
        connector_owner=False,
        request_class=_RequestOnOwnConnection,
        trace_configs=[*trace_configs, departures],
    )
    return AiohttpTransport(session, unkept_session, server, max_response_bytes)


def connection_limit(connector: aiohttp.BaseConnector | None) -> float:
    """Return how many connections to one host *connector* has in use at the most; None has none."""
    limits = () if connector is None else (connector.limit, connector.limit_per_host)
    return min((limit for limit in limits if limit != _NO_LIMIT), default=math.inf)


def _make_connector(source: ConnectorSource | None, ssl_context: SSLContext | None) -> aiohttp.BaseConnector:
    if source is None:
        return aiohttp.TCPConnector(limit=DEFAULT_CONNECTIONS, ssl=True if ssl_context is None else ssl_context)
    if isinstance(source, aiohttp.BaseConnector):
        return source
    connector: object = source()
    if not isinstance(connector, aiohttp.BaseConnector):
        if iscoroutine(connector):
            connector.close()
        message = f"the function connector must return an aiohttp connector, not {type(connector).__name__}"
        raise TypeError(message)
    return connector


async def _note_departure(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.provably_unsent = False
