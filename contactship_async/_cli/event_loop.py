"""The event loop that a command runs in, and what Ctrl-C and SIGTERM do to it."""

from __future__ import annotations

import asyncio
import signal
import threading
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
def first_interrupt(react: Callable[[int], object]) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM within `with` call *react* in the running loop; the next one ends it, as ever.

    Without effect on Ctrl-C outside of `run`, on what is somebody else's, and in other threads than the main one.

    Args:
        react: Takes the number of the signal.
    """
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def interrupt(number: int, _: object) -> None:
        restore()
        loop.call_soon_threadsafe(react, number)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    if threading.current_thread() is threading.main_thread():  # Others may not set handlers.
        as_ever = {signal.SIGINT: _interrupt, signal.SIGTERM: signal.SIG_DFL}
        before |= {number: handler for number, handler in as_ever.items() if signal.getsignal(number) is handler}
    try:
        for number in before:
            # Not by the loop, which can't on Windows.
            signal.signal(number, interrupt)
        yield
    finally:
        restore()


def name_signal(number: int) -> str:
    """Return what a person calls a signal: Ctrl-C, or its name."""
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def exit_code_after(number: int) -> int:
    """Return the exit code of a command that a signal has ended, as shells have it.

    Raises:
        KeyboardInterrupt: It was Ctrl-C.
    """
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    return 128 + number


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
