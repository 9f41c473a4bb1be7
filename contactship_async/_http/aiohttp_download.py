"""Downloads over the aiohttp session of a client: from any host, and nothing of the client goes there."""

from __future__ import annotations

from typing import Protocol

import aiohttp
from yarl import URL

from contactship_async._http.aiohttp_transport import CONNECTOR_CLOSED, AiohttpTransport, connect_timeout
from contactship_async._http.messages import Request, Response, is_success
from contactship_async._http.time_limit import TimeLimit
from contactship_async._http.urls import is_loopback
from contactship_async.errors import ClientClosedError


class Sink(Protocol):
    """Where a download goes."""

    def expect(self, size: int) -> None:
        """Learn how many bytes are said to come; those of the body are more, if that is compressed."""

    async def write(self, data: bytes) -> None:
        """Take the next piece."""


async def fetch(
    transport: AiohttpTransport, request: Request, url: URL, sink: Sink, *, silence_seconds: float
) -> Response:
    """Fetch *url*, and pass on the body of a 2xx response piece by piece.

    Args:
        transport: The transport of the client.
        request: What errors are about, and how long to wait for a connection. Neither its key nor its headers are sent.
        url: As it is written.
        sink: Gets the pieces; what it raises ends the download.
        silence_seconds: How long the server may send nothing.

    Returns:
        The response, with the body of a refusal only.

    Raises:
        ClientClosedError: The connector is closed.
        TransportError: No complete response came.
    """
    if transport.session.closed:
        raise ClientClosedError(CONNECTOR_CLOSED)
    try:
        return await _fetch(transport, request, url, sink, silence_seconds)
    except (aiohttp.ClientError, OSError) as error:
        failure = transport.failure_of(request, error)
    raise failure


async def _fetch(
    transport: AiohttpTransport, request: Request, url: URL, sink: Sink, silence_seconds: float
) -> Response:
    proxy = None if is_loopback(url.host) else transport.server.proxy
    told_to_proxy = {} if proxy is None else proxy.headers()
    # Compressed, a recording that was cut before would look whole: nothing says how long it is.
    asked = transport.session.get(
        url,
        headers={"Accept": "*/*", "Accept-Encoding": "identity", **(told_to_proxy if url.scheme == "http" else {})},
        allow_redirects=False,
        proxy=None if proxy is None else proxy.url,
        proxy_headers=told_to_proxy,
        timeout=connect_timeout(request.connect_seconds),
    )
    with TimeLimit(silence_seconds):
        response = await asked
    async with response:
        if not is_success(response.status):
            with TimeLimit(silence_seconds):
                body = await transport.read_body(response, succeeded=False)
            return Response(status=response.status, headers=response.headers, body=body)
        sink.expect(response.content_length or 0)
        while not response.content.at_eof():
            with TimeLimit(silence_seconds):
                piece = await _read_piece(response)
            await sink.write(piece)
        return Response(status=response.status, headers=response.headers)


async def _read_piece(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.content.readany()
    except RuntimeError:  # The connection was closed since the last piece.
        pass
    raise ConnectionResetError
