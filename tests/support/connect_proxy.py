"""An HTTP proxy: it tunnels (CONNECT) and forwards, wants credentials or not, and refuses if it is told to."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from raw_server import Peer, Received, head

_CHUNK = 65_536


class ConnectProxy:
    """A proxy on a loopback port.

    Args:
        authorization: The `Proxy-Authorization` header without which it answers 407; None asks for none.
        refuses: The status that it refuses everything with.
        leads_to: The port of this machine at which all hosts are; None goes where it is told to.
        ssl_context: With it, the proxy is reached by TLS.

    Attributes:
        requests: What it was asked.
    """

    def __init__(
        self,
        *,
        authorization: str | None = None,
        refuses: int | None = None,
        leads_to: int | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Received] = []
        self._authorization = authorization
        self._refuses = refuses
        self._leads_to = leads_to
        self._ssl_context = ssl_context
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._welcome, "127.0.0.1", 0, ssl=self._ssl_context)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where the proxy is."""
        return f"{'https' if self._ssl_context else 'http'}://127.0.0.1:{self.port}"

    def url_with(self, credentials: str) -> str:
        """Return where the proxy is, with `user:password`."""
        return self.url.replace("://", f"://{credentials}@")

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(Peer(reader, writer)))
        task.add_done_callback(lambda _: writer.transport.abort())
        self._tasks.add(task)

    async def _serve(self, peer: Peer) -> None:
        try:
            request = await peer.receive()
            self.requests.append(request)
            status = self._refuses
            if self._authorization is not None and request.headers.get("proxy-authorization") != self._authorization:
                status = 407
            if status is not None:
                await peer.send(head(status, {"Content-Length": "0", "Proxy-Authenticate": 'Basic realm="here"'}))
                return
            await self._connect(peer, request)
        except (OSError, asyncio.IncompleteReadError):
            pass  # One of them hung up.

    async def _connect(self, peer: Peer, request: Received) -> None:
        target = urlsplit(request.target if "://" in request.target else f"//{request.target}")
        host, port = (target.hostname, target.port) if self._leads_to is None else ("127.0.0.1", self._leads_to)
        reader, writer = await asyncio.open_connection(host, port)
        try:
            if request.method == "CONNECT":
                await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
                writer.write(f"{request.method} {target.path} HTTP/1.1\r\n{headers}\r\n".encode() + request.body)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(peer.reader, writer))
                await _pump(reader, peer.writer)
        finally:
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()
