"""The thread in which a database is used: drivers block, and a connection is for one thread at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """One thread, in which calls run one after the other.

    Args:
        interrupt: Ends a call early, from another thread; what is interrupted is of no use any more.
    """

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="contactship-sync")
        self._interrupt = interrupt

    async def run(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Return what a function returns that may block. A cancellation interrupts it, and waits for its end."""
        call = self._executor.submit(function, *arguments, **options)
        result = asyncio.wrap_future(call)
        try:
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            if not call.cancel():  # It runs, or has ended.
                self._interrupt()
                with suppress(asyncio.CancelledError):
                    await _wait_for(result)
                result.exception()
            raise

    async def close(self, last: Callable[[], object]) -> None:
        """Call *last*, which no cancellation prevents, and end the thread."""
        result = asyncio.wrap_future(self._executor.submit(last))
        try:
            await _wait_for(result)
        finally:
            self._executor.shutdown()
        result.result()


async def _wait_for(result: asyncio.Future[Any]) -> None:
    """Wait for the end of a call, which uses what must be there until then; only then be cancelled."""
    cancelled: asyncio.CancelledError | None = None
    while not result.done():
        try:
            await asyncio.wait([result])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
