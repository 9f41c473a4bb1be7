"""A server that speaks bytes, for responses that no HTTP library would send.

It plays a script: the first act for the first request, and so on, the last act for all requests after. An act is made
of steps, and a step is either bytes to send or an async function of the `Peer`, such as `stall`:

    async with RawServer(response(status=503), [HEAD, drip(b"{}")]) as server:
        ...
    assert 2 == len(server.requests)
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import socket
import ssl
import struct
import termios
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeAlias

from attrs import evolve, field, frozen
from turns import pass_turns

from contactship_async import ContactshipClient, RetryPolicy, Timeouts

_DRIP_SECONDS = 0.02
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def skip_rate_limits(client: ContactshipClient) -> ContactshipClient:
    """Let the waits of *client* for rate limits pass at once, by a clock that is set forward."""
    skipped = 0.0

    def clock() -> float:
        return time.monotonic() + skipped

    async def skip(seconds: float) -> None:
        nonlocal skipped
        skipped += seconds
        await asyncio.sleep(0)

    attempts = client._caller.attempts
    limits = attempts.limits
    for gate in (limits.organization, limits.address, limits.heavy, limits.events, limits.polls):
        gate.clock, gate.sleep = clock, skip
    client._caller.attempts = evolve(attempts, clock=clock)
    return client


@frozen
class Received:
    """A request as it arrived; header names in lower case. The repr holds nothing that may be secret."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@frozen
class Peer:
    """The client's end of one connection.

    Args:
        reader: What the client sends.
        writer: What it receives.
        elsewhere: The URL of another server, to be pointed at.
        requests: What the client has asked over this connection.
    """

    reader: asyncio.StreamReader = field(repr=False)
    writer: asyncio.StreamWriter = field(repr=False)
    elsewhere: str = ""
    requests: list[Received] = field(factory=list)

    async def send(self, data: bytes) -> None:
        """Send *data* now."""
        if self.writer.is_closing():  # The client hung up; uvloop would refuse to write by a RuntimeError.
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> Received:
        """Read one request."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.splitlines()[:-1]
        method, target, _ = request_line.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(Received(method, target, headers, body))
        return self.requests[-1]


Step: TypeAlias = bytes | Callable[[Peer], Awaitable[None]]
Act: TypeAlias = Step | Sequence[Step]


async def stall(_: Peer) -> None:
    """Say nothing more, and keep the connection open."""
    await asyncio.Event().wait()


async def close(peer: Peer) -> None:
    """End the connection in order (FIN)."""
    peer.writer.close()


async def reset(peer: Peer) -> None:
    """Break the connection off (RST)."""
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    peer.writer.transport.abort()


def drip(data: bytes) -> Step:
    """Send *data* byte by byte, and over again: slowly and without end, but never silent for long."""

    async def send_byte_by_byte(peer: Peer) -> None:
        while True:
            for byte in data:
                await peer.send(bytes([byte]))
                await asyncio.sleep(_DRIP_SECONDS)  # real time, as of the limits that dripping must not prolong

    return send_byte_by_byte


def flood(data: bytes) -> Step:
    """Send *data* over and over again, as fast as the client reads it."""

    async def send_over_and_over(peer: Peer) -> None:
        while True:
            await peer.send(data)
            await asyncio.sleep(0)

    return send_over_and_over


async def until_read(peer: Peer) -> None:
    """Wait until the client, which is in the same loop, has read what was sent and has done all it can do with it."""
    await pass_turns()
    if not peer.writer.is_closing() and _is_under_way(peer.writer.get_extra_info("socket")):
        await asyncio.sleep(0.002)  # real time: the system delivers at once, but for when it is very busy
        await pass_turns()


def _is_under_way(connection: socket.socket) -> bool:
    """Return whether the system does not know yet that all has arrived; it may be told 40 ms later."""
    return any(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))


def pause(seconds: float) -> Step:
    """Wait before the next step; the clock of sockets can't be another one."""

    async def wait(_: Peer) -> None:
        await asyncio.sleep(seconds)  # real time, by which the limits of sockets go

    return wait


def response(content: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Write a complete response; *content* is the body, or what becomes JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return (
        head(status, {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}) + body
    )


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Write the status line and headers of a response; header values may hold any byte, as Latin-1."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Strange"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


class RawServer:
    """A server on a loopback port that plays *script* and records what it receives.

    Args:
        script: The acts, one for each request; the last one is played from then on.
        listens: Whether requests are read. If not, an act is played as soon as a connection stands.
        elsewhere: The URL of another server, for acts that point at it.
        ssl_context: With it, the server is reached by TLS.
    """

    def __init__(
        self,
        *script: Act,
        listens: bool = True,
        elsewhere: str = "",
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._script = script or (stall,)
        self._listens = listens
        self._elsewhere = elsewhere
        self._ssl_context = ssl_context
        self._played = 0
        self._playing = 0
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._peers: list[Peer] = []

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
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        # A connection that broke off has an error, which asyncio would report as never retrieved.
        await asyncio.gather(*(peer.writer.wait_closed() for peer in self._peers), return_exceptions=True)
        await self._server.wait_closed()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"{'https' if self._ssl_context else 'http'}://127.0.0.1:{self.port}"

    def client(self, api_key: Any = "sk-live-KEY", **settings: Any) -> ContactshipClient:
        """Make a client of this server, which retries without a delay and waits longer than any test."""
        retry = RetryPolicy(max_attempts=3, initial_delay=0)
        client = ContactshipClient(
            api_key, **{"base_url": self.url, "retry": retry, "timeouts": Timeouts(), **settings}
        )
        return skip_rate_limits(client)

    async def is_asked(self, times: int = 1) -> None:
        """Wait until that many requests have arrived; connections, if it does not listen."""
        async with self._news:
            await self._news.wait_for(lambda: times <= (len(self.requests) if self._listens else self.connections))

    async def is_read(self) -> None:
        """Wait until the client has read what was sent to it so far, and has done all it can do with it."""
        await pass_turns()
        for peer in self._peers:
            await until_read(peer)

    async def is_at_rest(self) -> None:
        """Wait until each act that was begun has ended, and the client has read what came of it."""
        async with self._news:
            await self._news.wait_for(lambda: not self._playing)
        await self.is_read()

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._server.is_serving():  # Accepted just before the server was closed: nothing would end its task.
            writer.transport.abort()
            return
        self.connections += 1
        self._peers.append(Peer(reader, writer, self._elsewhere))
        task = asyncio.create_task(self._serve(self._peers[-1]))
        task.add_done_callback(lambda _: writer.transport.abort())  # also of a task cancelled before it has begun
        self._tasks.add(task)

    async def _serve(self, peer: Peer) -> None:
        try:
            while not peer.writer.is_closing():
                if self._listens:
                    self.requests.append(await peer.receive())
                async with self._news:
                    self._news.notify_all()
                await self._play(peer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client hung up.

    async def _play(self, peer: Peer) -> None:
        act = self._script[min(self._played, len(self._script) - 1)]
        self._played += 1
        self._playing += 1
        try:
            for step in [act] if isinstance(act, bytes) or callable(act) else act:
                await (peer.send(step) if isinstance(step, bytes) else step(peer))
        finally:
            self._playing -= 1
            async with self._news:
                self._news.notify_all()


@asynccontextmanager
async def deaf_server() -> AsyncIterator[str]:
    """Offer the URL of a server whose backlog is full: connecting to it takes for ever, as behind a black hole."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            queued = sockets.enter_context(socket.socket())
            queued.settimeout(0)
            queued.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def refused_url() -> str:
    """Return the URL of a port without a listener."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
