"""Closes a connector whose event loop does not run: one that stands still, or is closed.

aiohttp and asyncio have no word for that: to close a connection is to ask its loop for another turn. Left alone, the
connections would stay open for as long as the loop lives, and complain at its end. So this goes behind their public
names, as little as it can.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp


def drop_connector(connector: aiohttp.BaseConnector) -> None:
    """Close the connections of *connector* without awaiting anything.

    Only of uvloop's, which can't be closed without a turn of their loop, a `ResourceWarning` is left, when that loop is
    closed without one.
    """
    loop = connector._loop  # noqa: SLF001 - see the head of the module
    if not loop.is_running():
        idle = (protocol for queue in connector._conns.values() for protocol, _ in queue)  # noqa: SLF001 - as above
        protocols = (*idle, *connector._acquired)  # noqa: SLF001 - as above
        for transport in [protocol.transport for protocol in protocols if protocol.transport is not None]:
            _close(transport)
    with suppress(RuntimeError):  # The loop is closed, and tasks wait for name lookups in it.
        connector._close(abort_ssl=True)  # noqa: SLF001 - as above


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
