"""What all listings have in common, however the API sends them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Generic, NoReturn, TypeVar

from contactship_async.models.common import Page

T = TypeVar("T")


class AnyListing(ABC, Generic[T]):
    """Rows of the API that can be iterated over: a value that says what to ask for, and sends nothing by itself.

        async for tag in client.tags.list():
            print(tag.name)

    Each iteration begins anew.
    """

    __slots__ = ()

    @abstractmethod
    def rows(self, *, max_items: int | None = None) -> AsyncGenerator[T, None]:
        """Iterate over all rows."""

    @abstractmethod
    def pages(self, *, max_items: int | None = None) -> AsyncGenerator[Page[T], None]:
        """Iterate over all rows, a page at a time."""

    @abstractmethod
    async def count(self) -> int:
        """Ask how many rows there are."""

    def __aiter__(self) -> AsyncIterator[T]:
        return self.rows()

    def __await__(self) -> NoReturn:
        message = "a listing is not awaited: iterate over it with `async for`"
        raise TypeError(message)
