"""The thread in which a database is used: drivers block, and a connection is for one thread at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

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
                await asyncio.wait([result])
                result.exception()
            raise

    def close(self) -> None:
        """End the thread, when its last call has ended."""
        self._executor.shutdown()
