"""Closes a connector whose event loop does not run, as it stands still or is closed, and connections in use.

aiohttp and asyncio have no word for that: to close a connection is to ask its loop for another turn. Left alone, the
connections would stay open for as long as the loop lives, and complain at its end. So this goes behind their public
names, as little as it can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import aiohttp
from aiohttp.client_proto import ResponseHandler


def drop_connector(connector: aiohttp.BaseConnector) -> None:
    """Close the connections of *connector* without awaiting anything.

    Only of uvloop's, which can't be closed without a turn of their loop, a `ResourceWarning` is left, when that loop is
    closed without one.
    """
    if connector._loop.is_running():  # noqa: SLF001 - see the head of the module
        abort_used(connector)
    else:
        idle = (protocol for queue in connector._conns.values() for protocol, _ in queue)  # noqa: SLF001 - as above
        for transport in _transports((*idle, *connector._acquired)):  # noqa: SLF001 - as above
            _close(transport)
    with suppress(RuntimeError):  # The loop is closed, and tasks wait for name lookups in it.
        connector._close(abort_ssl=True)  # noqa: SLF001 - as above


def abort_used(connector: aiohttp.BaseConnector) -> None:
    """Abort the connections in use, whose calls were ended.

    Closed in order, one would first send all that is left of a request: for ever, if the server does not read it; and
    if it breaks off, its error would be nobody's.
    """
    for transport in _transports(connector._acquired):  # noqa: SLF001 - see the head of the module
        transport.abort()


def _transports(protocols: Iterable[ResponseHandler]) -> list[asyncio.Transport]:
    return [protocol.transport for protocol in protocols if protocol.transport is not None]


def _close(transport: asyncio.Transport) -> None:
    """Close a connection for good, so that its loop finds nothing to do if it runs again."""
    tls = getattr(transport, "_ssl_protocol", None)
    below = transport if tls is None else getattr(tls, "_transport", None)
    end = getattr(below, "_call_connection_lost", None)
    with suppress(RuntimeError):  # The loop is closed, and so asked in vain for another turn.
        if below is None or end is None:  # of uvloop
            transport.abort()
        else:
            below.pause_reading()
            vars(below)["_closing"] = True  # The loop may have another connection of the same number.
            end(None)
