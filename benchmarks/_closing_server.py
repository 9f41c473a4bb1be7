"""A server, in a process of its own, that closes each connection after some idle time, and counts what it received.

It speaks as much HTTP/1.1 as small requests need. A request for `/received` gets the number of times that each other
path was received. It ends when its standard input does, that is, with the process that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from benchmarks._processor import stay_on
from benchmarks._server import started

_LENGTH = re.compile(rb"^content-length: (\d+)", re.MULTILINE | re.IGNORECASE)


class _Connection(asyncio.Protocol):
    received: ClassVar[Counter[str]] = Counter()

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if not end or len(rest) < size:
            return
        self._buffer = rest[size:]
        if self._timer is not None:
            self._timer.cancel()
        path = head.split(b" ", 2)[1].decode()
        body = b"{}"
        if path == "/received":
            body = json.dumps(_Connection.received).encode()
        else:
            _Connection.received[path] += 1
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        self._timer = self._loop.call_later(self._idle_seconds, self._transport.close)


async def _serve(idle_seconds: float, certificate: Path | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(idle_seconds), "127.0.0.1", 0, ssl=context)
    sys.stdout.write(f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def closing_server(idle_seconds: float, certificate: Path | None = None) -> Iterator[str]:
    """Run a server to the end of the block, and give its URL.

    Args:
        idle_seconds: After which it closes a connection.
        certificate: With it, the server is reached by TLS.
    """
    with started("benchmarks._closing_server", str(idle_seconds), certificate=certificate) as url:
        yield url


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("idle_seconds", type=float)
    parser.add_argument("--certificate", type=Path)
    arguments = parser.parse_args()
    stay_on(1)
    asyncio.run(_serve(arguments.idle_seconds, arguments.certificate))
