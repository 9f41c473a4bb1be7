"""The only aiohttp client code: sends a request, adds the key, reads the response up to a size, translates failures.

aiohttp's frames and exceptions hold the request headers, and so the key. Its exceptions are therefore translated, and
ours raised outside the `except` that caught them, without a context. Whatever else passes (cancellation, an error of
a user's trace hook) passes as the same object, with its traceback cut here.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, Sequence
from functools import lru_cache, partial
from io import BytesIO
from socket import gaierror
from ssl import SSLError
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp.connector import Connection
from attrs import frozen
from yarl import URL

from contactship_async._http.dropping import drop_connector
from contactship_async._http.failures import closed_error, exchange_error
from contactship_async._http.messages import Request, Response, is_success
from contactship_async._masking import describe_call
from contactship_async.errors import ClientClosedError, ContactshipError, MalformedResponseError, TransportError

API_KEY_HEADER: Final = "x-api-key"

_RESENT_BY_AIOHTTP: Final = ("PUT", "DELETE")
"""aiohttp itself sends these (and GET) once more on a dropped connection, without a log record and without an option.

What it reports is the failure of the second sending; the first may have been received.
"""

_CONNECTOR_CLOSED: Final = "the client can't be used, as the connector it was given is closed"

_NEVER_ROUNDED: Final = float("inf")
"""aiohttp rounds time limits over 5 s up to whole seconds of the loop's clock, unless this threshold is higher."""


class UnsolicitedDataError(aiohttp.ServerDisconnectedError):
    """Unsolicited data arrived on a kept-alive connection; aiohttp takes this for a dropped one, and closes it."""


_BEFORE_SENDING: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    UnsolicitedDataError,
)
"""What is raised before a request is written; for one that aiohttp sends only once, nothing has left by then."""

_REASONS: Final = {
    UnsolicitedDataError: "the server had sent a response over the connection before the request",
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
        session: Sends and receives the idempotent calls.
        traced_session: Does so for all others, and notes when they leave. (Its trace takes a GET some 5 % more
            instructions.)
        base_url: What paths are appended to; without a trailing slash.
        max_response_bytes: The longest body accepted, decompressed.
    """

    session: aiohttp.ClientSession
    traced_session: aiohttp.ClientSession
    base_url: str
    max_response_bytes: int

    async def __call__(self, request: Request) -> Response:
        """Send *request* and read its response.

        Raises:
            TransportError: No complete response came.
            MalformedResponseError: The body of a 2xx is larger than *max_response_bytes*.
        """
        if self.session.closed:
            raise ClientClosedError(_CONNECTOR_CLOSED)
        # Of an idempotent call, no trace notes the departure: only a failure before it proves anything.
        request.delivery.provably_unsent = not request.idempotent and request.method not in _RESENT_BY_AIOHTTP
        try:
            return await self._exchange(request)
        except ContactshipError as error:
            failure: BaseException = error
        except (aiohttp.ClientError, OSError) as error:
            failure = _translate(request, error)
            if self.session.closed:
                failure = closed_error(request, ClientClosedError(_CONNECTOR_CLOSED))
        except BaseException as error:  # noqa: BLE001 - raised again below, where its traceback is cut
            error.__cause__ = error.__context__ = None
            failure = error
        raise failure.with_traceback(None)

    async def close(self) -> None:
        """Close the connections, but those of a connector that is the user's."""
        await self.traced_session.close()
        await self.session.close()

    def drop(self) -> None:
        """Close them without awaiting anything, whether the event loop runs, stands still or is closed."""
        connector = self.session.connector
        self.traced_session.detach()
        self.session.detach()
        if connector is not None and self.session.connector_owner:
            drop_connector(connector)

    async def _exchange(self, request: Request) -> Response:
        session = self.session if request.idempotent else self.traced_session
        query = _encode_query(request.query)
        async with await session.request(
            request.method,
            URL(f"{self.base_url}{request.path}?{query}" if query else self.base_url + request.path, encoded=True),
            data=None if request.body is None else BytesIO(request.body),  # aiohttp warns of large bytes
            headers=_headers(request),
            allow_redirects=False,
            timeout=_connect_timeout(request.connect_seconds),
            trace_request_ctx=request.delivery,
        ) as response:
            succeeded = is_success(response.status)
            if not succeeded:
                request.delivery.refusal = Response(status=response.status, headers=response.headers)
            body = await self._read_body(response, succeeded=succeeded)
            return Response(status=response.status, headers=response.headers, body=body)

    async def _read_body(self, response: aiohttp.ClientResponse, *, succeeded: bool) -> bytes:
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
            raise MalformedResponseError((f"larger than {self.max_response_bytes} bytes",))
        return b"".join(chunks)[: self.max_response_bytes]


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


@lru_cache
def _connect_timeout(seconds: float | None) -> aiohttp.ClientTimeout:
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


def _headers(request: Request) -> dict[str, str]:
    headers = {API_KEY_HEADER: request.api_key.reveal()}
    if request.headers:
        headers.update(request.headers)
    if request.body is not None and "Content-Type" not in request.headers:
        headers["Content-Type"] = "application/json"
    return headers


def _translate(request: Request, error: aiohttp.ClientError | OSError) -> TransportError:
    sent_once = request.method not in _RESENT_BY_AIOHTTP if request.idempotent else request.delivery.provably_unsent
    certain = request.delivery.provably_unsent = isinstance(error, _BEFORE_SENDING) and sent_once
    timed_out = isinstance(error, aiohttp.ConnectionTimeoutError)
    return exchange_error(
        describe_call(request.method, request.path),
        f"no connection within {request.connect_seconds} s, the connect limit" if timed_out else _reason(error),
        repeatable=request.idempotent or certain,
        limit="connect" if timed_out else None,
    )


def _reason(error: aiohttp.ClientError | OSError) -> str:
    """Say what happened without quoting the exception: some of aiohttp's print headers or parts of the response."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"could not connect to {error.host}:{error.port} ({_system_reason(error.os_error)})"
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason
    return "the connection failed"


def _system_reason(error: OSError) -> str:
    # asyncio puts the address in place of the system's words; look-ups and TLS have numbers and words of their own.
    if error.errno is not None and not isinstance(error, gaierror | SSLError):
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


def open_transport(
    *,
    base_url: str,
    user_agent: str,
    connector: aiohttp.BaseConnector | None,
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
        request_class=_RequestOnCleanConnection,
        trust_env=False,  # With it, aiohttp would add an Authorization header from netrc.
    )
    session = open_session(connector=connector, connector_owner=connector is None, trace_configs=[*trace_configs])
    traced_session = open_session(
        connector=session.connector, connector_owner=False, trace_configs=[*trace_configs, departures]
    )
    return AiohttpTransport(session, traced_session, base_url, max_response_bytes)


async def _note_departure(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.provably_unsent = False
