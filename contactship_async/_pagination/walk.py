"""A walk: one pass over all pages of a listing, which decides and does nothing else (sans-I/O).

Its `steps()` is a generator that yields the requests it wants in flight, and is sent the response to the first one. The
driver fetches them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Final, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from contactship_async.errors import MalformedResponseError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_PAGES_WITHOUT_NEW_ROWS: Final = 1_000
"""So many consecutive pages without a new row are allowed, then a walk fails: the ids remembered, in pages of ten."""


class PageResponse(Protocol[T_co]):
    """What came back for a `PageRequest`."""

    @property
    def rows(self) -> Sequence[T_co]:
        """The rows, up to the first malformed one."""

    @property
    def count(self) -> int | None:
        """How many rows the listing has; None where the server does not say."""

    @property
    def problem(self) -> MalformedResponseError | None:
        """What is wrong with the row after them, if it could not be read."""


class PageRequest(Struct, frozen=True):
    """A page to fetch.

    Args:
        offset: How many rows come before it.
        limit: How many rows to ask for.
        filtered: False for the one request that leaves the filters out.
        after: The cursor from the page before it, where the listing has cursors.
    """

    offset: int
    limit: int
    filtered: bool = True
    after: str | None = None


Requests: TypeAlias = tuple[PageRequest, ...]
"""What a walk wants in flight; it is sent the response to the first. Next, it wants the rest, or others instead."""

Steps: TypeAlias = Generator[Requests | Page[T], Any, None]
"""The decisions of a walk: it yields requests and is sent a response, and yields the pages made of the responses."""


class Walk(Protocol[T]):
    """The decisions of one walk, that is, of one pass over all pages of a listing."""

    @property
    def position(self) -> WalkPosition:
        """The offset of the next row to yield, and how many were."""

    def steps(self) -> Steps[T]:
        """Ask for pages and yield what is new on them, until the end."""


Identify: TypeAlias = Callable[[Sequence[T]], Sequence[Hashable]]
"""Returns the ids of rows: of all at once, as a comprehension takes half of what a call for each row takes."""


class SeenIds:
    """The ids of the first page and of at least the last *capacity* rows, in two generations."""

    capacity: ClassVar = 10_000

    def __init__(self) -> None:
        self._first: frozenset[Hashable] = frozenset()
        self._forgotten_first: frozenset[Hashable] = frozenset()  # as long as it is empty, it costs next to nothing
        self._older: set[Hashable] = set()
        self._recent: set[Hashable] = set()

    def known(self, ids: Sequence[Hashable]) -> set[Hashable]:
        """Return those of *ids* that are remembered."""
        known = self._recent.intersection(ids)
        if self._older:
            known |= self._older.intersection(ids)
        if self._forgotten_first:
            known |= self._forgotten_first.intersection(ids)
        return known

    def any_of_first_page_forgotten(self, ids: Sequence[Hashable]) -> bool:
        """Return whether one of *ids* was on the first page, too long ago to come again because rows moved."""
        return bool(self._forgotten_first and self._forgotten_first.intersection(ids) - self._older - self._recent)

    def add(self, ids: Sequence[Hashable]) -> Sequence[int]:
        """Remember *ids*, and return the places of those not seen before.

        Those seen before are not added again: repeated rows must not push out the latest ones.
        """
        size = len(self._recent)
        known: AbstractSet[Hashable] = frozenset()
        if self._older or not self._recent.isdisjoint(ids):
            known = self.known(ids)
        places: Sequence[int] = range(len(ids))
        if not known:
            self._recent.update(ids)
            self._first = self._first or frozenset(ids)
        if known or len(self._recent) - size < len(ids):
            first_places = {identifier: place for place, identifier in reversed([*enumerate(ids)])}
            places = sorted(first_places[identifier] for identifier in first_places.keys() - known)
            self._recent.update(ids[place] for place in places)
        if len(self._recent) >= self.capacity:
            if self._older:
                self._forgotten_first = self._first
            self._older, self._recent = self._recent, set()
        return places


def pick(rows: Sequence[T], places: Sequence[int]) -> tuple[T, ...]:
    """Return the rows at *places*, which are in order."""
    return tuple(rows) if len(places) == len(rows) else tuple(rows[place] for place in places)
