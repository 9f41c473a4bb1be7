"""Two ways to know that a page leaves no gap after the rows accepted so far: by an id on it, or by its sort keys."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Sequence
from itertools import takewhile
from typing import Any, Final, Generic, Protocol, TypeVar

from contactship_async._pagination.rows import SortKey
from contactship_async._pagination.walk import Identify, SeenIds
from contactship_async.errors import PaginationError

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Anchor(Protocol[T_contra]):
    """What an overlapping walk remembers of the rows it has accepted."""

    @property
    def identify(self) -> Callable[[Sequence[T_contra]], Sequence[Hashable]]:
        """Returns the ids of rows."""

    @property
    def read_key(self) -> Callable[[T_contra], Any]:
        """Returns what a row is anchored by."""

    @property
    def min_rows(self) -> int:
        """How many rows a page needs for the walk to make progress."""

    @property
    def usual_overlap(self) -> int:
        """How many rows neighbouring pages had to share lately."""

    def overlap(self, rows: Sequence[T_contra]) -> int:
        """Return with how many of the last *rows* of an accepted page the next one has to begin."""

    def take(self, rows: Sequence[T_contra], offset: int) -> Sequence[int] | None:
        """Accept the page of *rows* at *offset* and return the places of its new rows, or None if it leaves a gap."""


class IdAnchor(Generic[T]):
    """Holds a page that shows a row accepted before: sound where the order of the listing is unique.

    Args:
        identify: Returns the ids of rows.
        start: The offset of the first page.
    """

    min_rows: Final = 2
    usual_overlap: Final = 1

    def __init__(self, identify: Identify[T], start: int) -> None:
        self.identify = identify
        self.read_key: Callable[[T], Hashable] = lambda row: identify([row])[0]
        self._start = start
        self._seen = SeenIds()
        self._accepted = 0

    def take(self, rows: Sequence[T], offset: int) -> Sequence[int] | None:
        """Accept a page that shows a row seen before, or begins the listing; the new rows are those not seen.

        Raises:
            PaginationError: Rows may come again that are no longer remembered.
        """
        ids = self.identify(rows)
        if self._seen.any_of_first_page_forgotten(ids):
            message = f"the page at offset {offset} wraps around to the first rows of the listing"
            raise PaginationError(message)
        is_first = self._accepted == 0
        if not is_first and not self._seen.known(ids):
            if offset > 0:
                return None
            if self._start > 0 or self._accepted > self._seen.capacity:
                message = "more rows moved while they were walked than are known again by their ids"
                raise PaginationError(message)
        places = self._seen.add(ids)
        if self._start > 0 and not is_first:
            # New rows in front of all known ones may be from before the start.
            places = [place for order, place in enumerate(places) if place != order]
        self._accepted += len(places)
        return places

    def overlap(self, rows: Sequence[T]) -> int:
        """Return 1, if there are rows: the last one alone shows where the next page belongs."""
        return min(len(rows), 1)


class KeyAnchor(Generic[T]):
    """Holds a page whose first row sorts strictly before the last key accepted: sound with equal keys in any order.

    Args:
        identify: Returns the ids of rows.
        sort_key: Reads what the listing is sorted by.
        start: The offset of the first page.
        descending: Whether the highest key comes first.
    """

    min_rows: Final = 3

    def __init__(self, identify: Identify[T], sort_key: SortKey[T], start: int, *, descending: bool) -> None:
        self.identify = identify
        self.read_key: Callable[[T], Any] = lambda row: sort_key.read([row])[0]
        self.usual_overlap = 2
        self._sort_key = sort_key
        self._start = start
        self._precedes = operator.gt if descending else operator.lt
        self._first_key: Any = None
        self._last_key: Any = None
        self._ids_at_last_key: set[Hashable] = set()

    def take(self, rows: Sequence[T], offset: int) -> Sequence[int] | None:
        """Accept a page that begins before the last key, or begins the listing, and move the last key on.

        The new rows are those after the last key, and those at it that have other ids.

        Raises:
            PaginationError: The rows are not sorted.
        """
        keys = self._sort_key.read(rows)
        if self._last_key is not None and offset > 0 and not (keys and self._precedes(keys[0], self._last_key)):
            return None
        if any(map(self._precedes, keys[1:], keys)):
            message = f"the listing is not sorted by {self._sort_key.field}, so that a walk of it can't be verified"
            raise PaginationError(message)
        if keys and self._last_key is None:
            self._first_key = keys[0]
        ids = self.identify(rows)
        new = []
        largest_group = 1
        for place in range(self._rows_before_start(ids), len(rows)):
            if self._last_key is None or self._precedes(self._last_key, keys[place]):
                self._last_key = keys[place]
                self._ids_at_last_key = {ids[place]}
            elif keys[place] == self._last_key and ids[place] not in self._ids_at_last_key:
                self._ids_at_last_key.add(ids[place])
                largest_group = max(largest_group, len(self._ids_at_last_key))
            else:
                continue
            new.append(place)
        self.usual_overlap = largest_group + 1
        return new

    def overlap(self, rows: Sequence[T]) -> int:
        """Count the rows at the end that share the last key, and the one before them."""
        return sum(1 for _ in takewhile(lambda row: self.read_key(row) == self.read_key(rows[-1]), reversed(rows))) + 1

    def _rows_before_start(self, ids: Sequence[Hashable]) -> int:
        """Count the rows in front of the first known one, where they may share the first key but precede the start."""
        if self._start == 0 or self._last_key != self._first_key:
            return 0
        return next((place for place, identifier in enumerate(ids) if identifier in self._ids_at_last_key), 0)
