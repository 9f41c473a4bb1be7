"""The rows of one response, in each of the ways in which a listing comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from attrs import frozen

T = TypeVar("T")


@frozen
class Window:
    """The part of a listing that a request asks for.

    Args:
        limit: How many rows at the most.
        offset: How many are skipped.
        order: `asc` or `desc`, whatever the words of the listing are.
        is_page: Whether it is a page, and not all that there is.
    """

    limit: int
    offset: int
    order: str
    is_page: bool = True

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        """Return the part of *rows*, which are in ascending order, in the order asked for; costs what it returns."""
        end = self.offset + self.limit
        if self.order == "asc":
            return rows[self.offset : end]
        return rows[max(len(rows) - end, 0) : max(len(rows) - self.offset, 0)][::-1]


@frozen
class Rows:
    """The rows of a response, as JSON: all that there are, unless it is a page."""

    rows: Sequence[bytes]


@frozen
class Page(Rows):
    """One page: its rows, those of the whole listing counted, and the window it was cut from."""

    total: int
    window: Window


@frozen
class CursorPage(Rows):
    """One page, and the cursors of what is before and behind it; None where nothing is."""

    before: str | None
    after: str | None
