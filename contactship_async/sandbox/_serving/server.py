"""The pretend API on a port: sends its replies over real sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from ipaddress import ip_address

from aiohttp import web

from contactship_async._http.messages import Request
from contactship_async._http.secret import Secret
from contactship_async.sandbox._api.replies import Reply, build_error
from contactship_async.sandbox._serving.log import LOGGER, log_request

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for 0 seconds
_SHORTEST_ALARM, _LONGEST_ALARM = 0.02, 0.5  # seconds; a clock of a test may stand still


@asynccontextmanager
async def serve(
    respond: Callable[[Request], Reply], host: str, port: int, catch_up: Callable[[], float | None] = lambda: None
) -> AsyncIterator[str]:
    """Serve what *respond* plans, yield the base URL, and end at once whatever is still in progress.

    Args:
        respond: Plans the response to a request.
        host: An address of this machine, or a name of it.
        port: 0 takes any free one.
        catch_up: Does what is due, and returns the seconds until it is to be called again; None if nothing is to come.
    """
    alarm = _Alarm(catch_up)
    handle = partial(_handle, respond, alarm)
    server = web.Server(handle, handler_cancellation=True, access_log=None, logger=LOGGER)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
        alarm.set()
        yield _build_url(host, runner.addresses[0][1])
    finally:
        await site.stop()
        # aiohttp would wait for its handlers, and not at all for those it cancels. A lost connection cancels its
        # handler, and leaves this list when the handler has ended.
        while connections := server.connections:
            for connection in connections:
                if connection.transport is not None:
                    connection.transport.abort()
            await asyncio.sleep(0)
        alarm.clear()  # No handler is left that could set it.
        await runner.cleanup()


class _Alarm:
    """Lets things happen in time while a server runs, also if nobody asks for anything: such as posting a webhook.

    Args:
        catch_up: As for `serve`.
    """

    def __init__(self, catch_up: Callable[[], float | None]) -> None:
        self._catch_up = catch_up
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Catch up now, and again as soon as something is due, until nothing is to come."""
        self.clear()
        seconds = self._catch_up()
        if seconds is not None:
            # Time may be moved ahead by others, who can't reach this loop.
            seconds = min(max(seconds, _SHORTEST_ALARM), _LONGEST_ALARM)
            self._timer = asyncio.get_running_loop().call_later(seconds, self.set)

    def clear(self) -> None:
        """Do nothing from now on."""
        if self._timer is not None:
            self._timer.cancel()


def _build_url(host: str, port: int) -> str:
    """Return where clients on this machine find the server: one at all addresses is at the loopback address, too."""
    with suppress(ValueError):  # It is a name.
        address = ip_address(host)
        if address.is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004 - of the Internet Protocol
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def _handle(respond: Callable[[Request], Reply], alarm: _Alarm, request: web.BaseRequest) -> web.StreamResponse:
    began = time.perf_counter()
    reply: Reply | None = None
    is_unfinished = False
    try:
        try:
            reply = respond(await _read(request))
            alarm.set()
        except web.HTTPRequestEntityTooLarge as error:
            reply = build_error(413, error.reason)
        except web.RequestPayloadError:
            reply = build_error(400, "The body can't be decoded")
        return await _play(reply, request)
    except (asyncio.CancelledError, ConnectionError):
        is_unfinished = True
        raise
    finally:
        elapsed = time.perf_counter() - began
        log_request(request.method, request.rel_url.raw_path_qs, reply, is_unfinished=is_unfinished, elapsed=elapsed)


async def _read(request: web.BaseRequest) -> Request:
    return Request(
        method=request.method,
        path=request.rel_url.raw_path,
        query=tuple(request.query.items()),
        body=await request.read() or None,
        api_key=Secret(request.headers.get("x-api-key", "")),
        idempotent=request.method in {"GET", "HEAD"},
    )


async def _play(reply: Reply, request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(reply.delay)
    if reply.dropped:
        _reset(request.transport)
        return web.Response()
    if reply.arrives and not reply.seconds_per_byte:
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    with suppress(ConnectionError):  # the client left, or the server ends: aiohttp would log it as a failed handler
        await _stream(reply, request, response)
    return response


async def _stream(reply: Reply, request: web.BaseRequest, response: web.StreamResponse) -> None:
    response.content_length = len(reply.body)
    await response.prepare(request)
    if reply.cut_after is not None:
        await response.write(reply.body[: reply.cut_after])
        # Closes once these bytes are sent. A reset could overtake them, as they may still wait in a buffer.
        response.force_close()
        return
    for position in range(len(reply.body)):
        await asyncio.sleep(reply.seconds_per_byte)
        await response.write(reply.body[position : position + 1])


def _reset(transport: asyncio.Transport | None) -> None:
    if transport is not None:  # otherwise the client was faster
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
