"""The event loop that a command runs in, and what Ctrl-C does to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
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
