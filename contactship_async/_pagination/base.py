"""What all listings have in common, however the API sends them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, NoReturn, TypeVar

from attrs import field, frozen

from contactship_async._http.caller import Caller
from contactship_async._http.messages import Query, Request
from contactship_async._http.rate_limits import OwnBudget
from contactship_async._http.requests import Parameters, build_path, build_request
from contactship_async._http.responses import DecodedPage, read_page, read_rows_within
from contactship_async._http.session import WalkSession
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.prefetch import Prefetch
from contactship_async.models.common import Page

T = TypeVar("T")

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def _freeze(filters: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(filters))


@frozen(repr=False, eq=False)
class AnyListing(ABC, Generic[T]):
    """Rows of the API that can be iterated over: a value that says what to ask for, and sends nothing by itself.

        async for tag in client.tags.list():
            print(tag.name)

    Each iteration begins anew. The kinds of listings differ in the options of their `rows`, `pages` and `prefetch`.

    Attributes:
        declaration: How the listing behaves.
        filters: What is asked for, by the API's own names; None is not sent.
        identifiers: What stands in the path, by the names there: of a contact whose tags are listed, say.
        path: Percent-encoded, such as `/v1/tags`.
    """

    declaration: ListingDeclaration[T]
    _caller: Caller
    filters: Mapping[str, Any] = field(default=NOTHING, converter=_freeze)
    identifiers: Mapping[str, str] = field(default=NOTHING, kw_only=True, converter=_freeze)
    path: str = field(init=False)

    @path.default
    def _build_path(self) -> str:
        return build_path(self.declaration.path, **self.identifiers)

    @property
    def is_filtered(self) -> bool:
        """Whether filters choose which rows there are; those that only choose what rows hold don't count."""
        contents = self.declaration.content_parameters
        return any(value is not None for name, value in self.filters.items() if name not in contents)

    @abstractmethod
    def rows(self, *, max_items: int | None = None) -> AsyncGenerator[T, None]:
        """Iterate over all rows."""

    @abstractmethod
    def pages(self, *, max_items: int | None = None) -> AsyncGenerator[Page[T], None]:
        """Iterate over all rows, a page at a time."""

    @abstractmethod
    def prefetch(self, *, max_items: int | None = None) -> Prefetch[T]:
        """Iterate over all rows within `async with`, with the next ones on their way."""

    @abstractmethod
    async def count(self) -> int:
        """Ask how many rows there are."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.declaration.path}>"

    def __aiter__(self) -> AsyncIterator[T]:
        return self.rows()

    def __await__(self) -> NoReturn:
        instead = "its page()" if hasattr(self, "page") else "its count()"
        message = f"a listing is not awaited: iterate over it with `async for`, or await {instead}"
        raise TypeError(message)

    @property
    def _own_budget(self) -> OwnBudget | None:
        return "heavy" if self.declaration.heavy else None

    def _build_request(self, params: Parameters) -> Request:
        return build_request(method="GET", path=self.path, params=params, add_on=self.declaration.add_on)

    async def _fetch(self, request: Request, window: Query = (), of_walk: WalkSession | None = None) -> DecodedPage[T]:
        """Fetch a page: the part of the listing that *window* asks for."""
        response = await self._caller.exchange(request, window, own_budget=self._own_budget, of_walk=of_walk)
        row_type, rows_field = self.declaration.row_type, self.declaration.rows_field
        return read_page(response, row_type) if rows_field is None else read_rows_within(response, row_type, rows_field)
