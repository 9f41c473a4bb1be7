"""The contenders: the same walk over all rows, each as its user would write it.

Each module has one function, `opened(url)`: an asynchronous context manager that opens the client, once, as an app
does, and gives the walk. A walk returns what it read of each row, four fields, in the order of the listing: id, phone
number, type, and when it was created, as a `datetime` where the contender makes one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

PAGE_SIZE = 100

Fields = tuple[object, object, object, object]
Walk = Callable[..., Awaitable[list[Fields]]]


class Contender(Protocol):
    """What each module offers."""

    def opened(self, url: str) -> AbstractAsyncContextManager[Walk]:
        """Open the client for the server at *url*, and give its walk."""
