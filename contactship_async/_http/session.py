"""A session: what calls are sent over, from the first of them to `close()` or to the end of their event loop.

Closing ends the calls under way by cancelling what they wait for, as a time limit does, and they raise an error of ours
instead. A walk remembers the session that it began in, and asks before each step whether it is still open: nothing
reaches into a walk from outside.

An event loop that ends closes its asynchronous generators, and nothing else. So each session has one, which waits for
that. It awaits nothing when it is closed: a loop closes all of them concurrently, and one that is in the midst of
closing can't be closed by another, such as that of a user who leaves `async with client` then.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Protocol, Self

from attrs import define, field

from contactship_async._http.failures import closed_error, may_have_arrived
from contactship_async._http.messages import Request, Response, Transport
from contactship_async._http.time_limit import get_running_task
from contactship_async._masking import describe_call
from contactship_async.errors import ClientClosedError, ContactshipError, WalkPosition

CLOSED: Final = "the client was closed"

_LOOP_CHANGED: Final = "the client has gone on to another event loop"
_LOOP_ENDED: Final = "the event loop of the client has ended"


class ClosableTransport(Protocol):
    """A transport that belongs to a session."""

    async def __call__(self, request: Request, /) -> Response:
        """Exchange *request* for its response."""

    async def close(self) -> None:
        """Close its connections."""

    def drop(self) -> None:
        """Close its connections without awaiting anything, whatever has become of their event loop."""


class Session:
    """A transport, and the calls under way over it, in any event loop.

    Args:
        transport: Exchanges requests.

    Attributes:
        loop: The only one that it may be used in; None for any.
        is_closed: Whether no more calls may begin.
        calls: Those under way.
    """

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.is_closed = False
        self.calls: set[Call] = set()
        self._reason = ""

    def is_here(self) -> bool:
        """Tell whether it may be used in the running loop of this process."""
        return True

    def end(self, reason: str = CLOSED) -> None:
        """End the calls under way, and let none begin."""
        if self.is_closed:
            return
        self.is_closed, self._reason = True, reason
        for call in tuple(self.calls):
            call.end()

    async def close(self) -> None:
        """End the calls under way."""
        self.end()

    def closed_error(self) -> ClientClosedError:
        """Return the error of what was begun before the session was closed."""
        return ClientClosedError(f"{self._reason} before this was done")


class OwnSession(Session):
    """A session with connections of its own, which belong to the loop that runs when it is made.

    Args:
        transport: What to close in the end.

    Attributes:
        process_id: After a fork, two processes would share one selector and each other's responses.
    """

    loop: asyncio.AbstractEventLoop

    def __init__(self, transport: ClosableTransport) -> None:
        super().__init__(transport)
        self.loop = asyncio.get_running_loop()
        self.process_id = os.getpid()
        self._connections = transport
        self._sentinel = _wait_for_loop_to_end(weakref.ref(self), transport)
        _run(self._sentinel.__anext__())
        self._forgotten = weakref.finalize(self, _drop_forgotten, transport, self._sentinel, self.loop, self.process_id)

    def is_here(self) -> bool:
        """Tell whether it may be used in the running loop of this process."""
        return self.loop is asyncio.get_running_loop() and self.process_id == os.getpid()

    async def close(self) -> None:
        """End the calls under way, and close the connections, in the loop that they belong to."""
        self.end()
        try:
            await self._connections.close()
        finally:
            self._drop()  # What is left, if this is cancelled.

    def drop(self) -> None:
        """Close the connections, from another loop than theirs, which does not run."""
        self.end(_LOOP_CHANGED)
        self._drop()

    def _drop(self) -> None:
        self._forgotten.detach()
        _drop(self._connections, self._sentinel)


class Call:
    """A call under way, within its `with`: where `Session.end` cancels what it awaits, it goes on behind that.

    It tells its own cancellation from one by somebody else in the way of `TimeLimit`.

    Args:
        session: What it is sent over.
        sent: Takes each attempt at a call that is not safe to repeat, when the transport gets it.
    """

    __slots__ = ("_attempts", "_cancellations", "_interrupted", "_is_ended", "_sent", "_session", "_task")

    _task: asyncio.Task[object]
    _cancellations: int

    def __init__(self, session: Session, sent: list[Request] | None = None) -> None:
        self._session = session
        self._sent = sent
        self._attempts: list[Request] = []
        self._is_ended = False
        self._interrupted: Request | None = None

    def __enter__(self) -> Self:
        self._task = get_running_task()
        self._cancellations = self._task.cancelling()
        self._session.calls.add(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._session.calls.discard(self)
        if not self._is_ended:
            return False
        return self._task.uncancel() <= self._cancellations and exc_type is asyncio.CancelledError

    def end(self) -> None:
        """Cancel what it awaits, in its own loop."""
        loop = self._task.get_loop()
        if self._task is not asyncio.current_task() and loop is asyncio.get_running_loop():
            self._cancel()
        else:  # The call that closes the client must not be left with a cancellation that it had no time to meet.
            with suppress(RuntimeError):  # The loop is closed.
                loop.call_soon_threadsafe(self._cancel)

    def transport(self, request: Request) -> Transport:
        """Return what *request* is sent over."""
        if not request.idempotent:
            return self._send_once
        return self._session.transport if request.method == "GET" else self._send_repeatable

    def error(self) -> ContactshipError:
        """Return the error of a call that was ended."""
        closed = self._session.closed_error()
        closed.may_have_been_processed = any(map(may_have_arrived, self._attempts))
        return closed if self._interrupted is None else closed_error(self._interrupted, closed)

    async def _send_repeatable(self, request: Request) -> Response:
        self._attempts.append(request)
        return await self._session.transport(request)

    async def _send_once(self, request: Request) -> Response:
        if self._sent is not None:
            self._sent.append(request)
        try:
            return await self._session.transport(request)
        except (ContactshipError, OSError):
            raise
        except BaseException as error:
            # A cancellation must leave as itself, and so must what a user's trace hook raises.
            if not request.is_repeatable:
                call = describe_call(request.method, request.path)
                error.add_note(f"{call} may have been processed: it had been sent before this was raised.")
            if isinstance(error, asyncio.CancelledError):
                self._interrupted = request
            raise

    def _cancel(self) -> None:
        if self in self._session.calls:
            self._is_ended = True
            self._task.cancel()


@define(eq=False)
class WalkSession:
    """The session that a walk began in, and that it ends with.

    Attributes:
        session: None until the first request.
    """

    session: Session | None = field(default=None, init=False)

    @property
    def is_closed(self) -> bool:
        """Whether the walk may make no more steps."""
        return self.session is not None and self.session.is_closed

    def closed_error(self, position: WalkPosition) -> ClientClosedError:
        """Return the error of a walk that ends at *position* because its session is closed."""
        error = ClientClosedError() if self.session is None else self.session.closed_error()
        error.position = position
        return error


async def _wait_for_loop_to_end(
    session: weakref.ref[Session], transport: ClosableTransport
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        ended = session()
        if ended is not None:
            ended.end(_LOOP_ENDED)
        transport.drop()


def _run(step: Coroutine[Any, Any, object]) -> None:
    """Run *step*, which awaits nothing, so that no loop is needed."""
    with suppress(StopIteration):
        step.send(None)


def _drop(transport: ClosableTransport, sentinel: AsyncGenerator[None, None]) -> None:
    transport.drop()
    _run(sentinel.aclose())


def _drop_forgotten(
    transport: ClosableTransport, sentinel: AsyncGenerator[None, None], loop: asyncio.AbstractEventLoop, process_id: int
) -> None:
    """Drop what a client leaves that was never closed; this may run in any thread, whenever memory is freed."""
    if process_id != os.getpid():
        return  # Its selector is shared with the process before the fork, which may go on.
    if loop.is_running():
        with suppress(RuntimeError):  # It is closed by now.
            loop.call_soon_threadsafe(_drop, transport, sentinel)
    else:
        _drop(transport, sentinel)
