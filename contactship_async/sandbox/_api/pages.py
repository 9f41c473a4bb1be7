"""Pages of a listing: the query parameters that ask for one, and the page itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from attrs import frozen

from contactship_async.sandbox._api.fields import Field

T = TypeVar("T")

_INTEGER: Final = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}


@frozen
class Window:
    """The part of a listing that a request asks for."""

    limit: int
    offset: int
    order: str

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        """Return the part of *rows*, which are in ascending order, in the order asked for; costs what it returns."""
        end = self.offset + self.limit
        if self.order == "asc":
            return rows[self.offset : end]
        return rows[max(len(rows) - end, 0) : max(len(rows) - self.offset, 0)][::-1]


@frozen
class Page:
    """One page: its rows as JSON, the rows of the whole listing counted, and the window it was cut from."""

    rows: Sequence[bytes]
    total: int
    window: Window


@frozen
class Paging:
    """How a listing is cut into pages.

    Args:
        default_limit: Rows on a page where a request has no `limit`.
        max_limit: A larger `limit` is silently lowered to this.
    """

    default_limit: int
    max_limit: int

    @property
    def fields(self) -> tuple[Field, ...]:
        """The parameters of a query that ask for a page."""
        limit = (
            f"How many to return at the most. More than {self.max_limit} is lowered to {self.max_limit}; "
            "0 returns none."
        )
        order = "Of the dates of creation: `desc` is the newest first."
        return (
            Field("limit", {**_INTEGER, "default": self.default_limit}, limit, example=2),
            Field("offset", {**_INTEGER, "default": 0}, "How many to skip.", example=0),
            Field("order", {"type": "string", "enum": ["asc", "desc"], "default": "desc"}, order, example="desc"),
        )

    def read_window(self, query: Mapping[str, Any]) -> Window:
        """Return the part that a query asks for which was read by `fields`."""
        return Window(min(query["limit"], self.max_limit), query["offset"], query["order"])
