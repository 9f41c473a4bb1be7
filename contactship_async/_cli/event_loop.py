"""The event loop that a command runs in, and what Ctrl-C does to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* to its end in an event loop of its own.

    Raises:
        KeyboardInterrupt: At Ctrl-C; what runs then is cancelled, and has ended.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return asyncio.run(main)
    try:
        signal.signal(signal.SIGINT, _interrupt)
    except ValueError:  # Only the main thread sets it, and only there Ctrl-C comes.
        return asyncio.run(main)
    try:
        return asyncio.run(main)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def first_interrupt(react: Callable[[], object]) -> Iterator[None]:
    """Let the first Ctrl-C within `with` call *react* in the running loop; the next one ends the loop, as ever.

    Without effect outside of `run`, or where Ctrl-C is somebody else's.
    """
    loop = asyncio.get_running_loop()

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, _interrupt)
        loop.call_soon_threadsafe(react)

    is_ours = signal.getsignal(signal.SIGINT) is _interrupt
    if is_ours:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, _interrupt)


def _interrupt(*_: object) -> None:
    # Amid a callback of an event loop, raising may lose a wake-up, and then the loop waits forever for a task to end;
    # asyncio's own handler cancels there, and the callback may then fail loudly.
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _end()
    loop.call_soon_threadsafe(_end)


def _end() -> NoReturn:
    raise KeyboardInterrupt from None
