"""Two ways to know that a page leaves no gap after the rows accepted so far: by an id on it, or by its sort keys."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, Protocol, TypeVar

from contactship_async._pagination import SeenIds
from contactship_async.errors import PaginationError

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Anchor(Protocol[T_contra]):
    """What an overlapping walk remembers of the rows it has accepted."""

    @property
    def read_key(self) -> Callable[[T_contra], Any]:
        """Tells what a row is anchored by; rows that share it stand side by side, in any order."""

    @property
    def margin(self) -> int:
        """How many rows before the last key accepted a page must begin."""

    @property
    def usual_overlap(self) -> int:
        """How many rows a page should share with the one before it, for all that is known before that one has come."""

    def take(self, rows: Sequence[T_contra], offset: int) -> Sequence[int] | None:
        """Accept the page of *rows* at *offset* and return the places of its new rows, or None if it leaves a gap."""


class IdAnchor(Generic[T]):
    """Holds a page that shows a row accepted before: sound where the order of the listing is unique.

    Args:
        identify: Tells the id of a row.
        start: The offset of the first page.
    """

    margin: Final = 0
    usual_overlap: Final = 1

    def __init__(self, identify: Callable[[T], Hashable], start: int) -> None:
        self.read_key = identify
        self._start = start
        self._seen = SeenIds()
        self._accepted = 0

    def take(self, rows: Sequence[T], offset: int) -> Sequence[int] | None:
        """Accept a page that shows a row seen before, or begins the listing; the new rows are those not seen.

        Raises:
            PaginationError: Rows may come again that are no longer remembered.
        """
        ids = [*map(self.read_key, rows)]
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


class KeyAnchor(Generic[T]):
    """Holds a page whose first row sorts strictly before the last key accepted: sound with equal keys in any order.

    Args:
        identify: Tells the id of a row.
        key_name: The attribute that the listing is sorted by.
        descending: Whether the highest key comes first.
    """

    margin: Final = 1

    def __init__(self, identify: Callable[[T], Hashable], key_name: str, *, descending: bool) -> None:
        self.read_key: Callable[[T], Any] = attrgetter(key_name)
        self._identify = identify
        self._key_name = key_name
        self._precedes = operator.gt if descending else operator.lt
        self._last_key: Any = None
        self._ids_at_last_key: set[Hashable] = set()
        self._largest_group = 0

    @property
    def usual_overlap(self) -> int:
        """A row more than the largest group of equal keys so far."""
        return self._largest_group + self.margin

    def take(self, rows: Sequence[T], offset: int) -> Sequence[int] | None:
        """Accept a page that begins before the last key, or begins the listing, and move the last key on.

        The new rows are those after the last key, and those at it that have other ids.

        Raises:
            PaginationError: The rows are not sorted.
        """
        keys = [*map(self.read_key, rows)]
        if self._last_key is not None and offset > 0 and not (keys and self._precedes(keys[0], self._last_key)):
            return None
        if any(map(self._precedes, keys[1:], keys)):
            message = f"the listing is not sorted by {self._key_name}, so that a walk of it can't be verified"
            raise PaginationError(message)
        new = []
        for place, (key, identifier) in enumerate(zip(keys, map(self._identify, rows), strict=True)):
            if self._last_key is None or self._precedes(self._last_key, key):
                self._last_key = key
                self._ids_at_last_key = {identifier}
            elif key == self._last_key and identifier not in self._ids_at_last_key:
                self._ids_at_last_key.add(identifier)
            else:
                continue
            self._largest_group = max(self._largest_group, len(self._ids_at_last_key))
            new.append(place)
        return new
