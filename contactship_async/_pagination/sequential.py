"""Sequential pagination, the default: one page after the other, each begun where the one before it ended.

The listing may change meanwhile. In the default order, newest first, where the order is unique and the count is that
of the rows listed, the decisions lose no row present for the whole iteration, and repeat none:

- The next offset is the last one plus the rows received, whatever was asked for: servers cap `limit`.
- A row added at the head pushes rows already yielded onto the next page. They are recognised by their ids and dropped.
- A removed row pulls rows not yet yielded under the offset. The count falls, so the page is discarded and requested
  again that much further back. Before a gap can open, the count must fall: new rows come only at the head, where they
  push rows the other way.
- A page without a new row, an empty page before the end, and fewer rows yielded than the total says raise, unless rows
  never seen at the head of the listing explain it.

With the oldest first, or where the count ignores the filter, an insert and a delete between the same two pages can
cancel out in the count and hide a gap; so can rows with equal creation dates that the server sorts differently each
time.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Generator
from typing import Any, Generic, TypeVar

from contactship_async._pagination.rows import tell_to_skip
from contactship_async._pagination.walk import (
    MAX_PAGES_WITHOUT_NEW_ROWS,
    Identify,
    PageRequest,
    PageResponse,
    Requests,
    SeenIds,
    Steps,
    Walk,
    pick,
)
from contactship_async.errors import MalformedResponseError, PaginationError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")


class SequentialWalk(Generic[T]):
    """The decisions of one sequential walk.

    Args:
        identify: Returns the ids of rows.
        offset: Where to start.
        page_size: How many rows to ask for at once, at least 1.
        max_items: How many rows to yield at the most; None for all.
        filtered: Whether the listing is filtered, so that its count may be that of the whole.
        walk_without_count: The walk to hand over to where the server sends no count.
    """

    def __init__(  # noqa: PLR0913 - a walk's settings, all by keyword
        self,
        *,
        identify: Identify[T],
        offset: int,
        page_size: int,
        max_items: int | None,
        filtered: bool,
        walk_without_count: Walk[T] | None = None,
    ) -> None:
        self._identify = identify
        self._start = offset
        self._page_size = page_size
        self._max_items = sys.maxsize if max_items is None else max_items
        self._filtered = filtered
        self._walk_without_count = walk_without_count
        self._has_no_count = False
        self._offset = offset
        self._furthest = offset
        self._yielded = 0
        self._seen = SeenIds()
        self._count: int | None = None
        self._count_is_too_small = False
        self._risen = 0
        self._pages_without_new_rows = 0

    @property
    def position(self) -> WalkPosition:
        """The offset of the next row to yield, and how many were."""
        if self._walk_without_count is not None and self._has_no_count:
            return self._walk_without_count.position
        return WalkPosition(self._offset, self._yielded)

    def steps(self) -> Steps[T]:
        """Ask for pages and yield what is new on them, until the end.

        Raises:
            PaginationError: The listing can't be walked completely.
            MalformedResponseError: A row could not be read, and the rows before it were yielded; or a count is missing
                that earlier pages had.
        """
        while self._yielded < self._max_items:
            limit = min(self._page_size, self._max_items - self._yielded)
            response: PageResponse[T] = yield (PageRequest(self._offset, limit),)
            count = response.count
            if count is None:
                yield from self._walk_on_without_count()
                return
            if self._steps_back(count):
                continue
            if not response.rows and response.problem is None:
                yield from self._end_on_empty_page(count)
                return
            page = self._take(response, limit)
            if page is not None:
                yield page
            elif response.rows:
                yield from self._pass_known_page(len(response.rows))
            if self._yielded < self._max_items:
                if response.problem is not None:
                    raise tell_to_skip(response.problem, self.position.offset)
                if self._is_at_end(count):
                    yield from self._check_total(count)
                    return

    def _walk_on_without_count(self) -> Steps[T]:
        """Hand over, if no page so far had a count."""
        if self._walk_without_count is None or self._count is not None:
            raise MalformedResponseError(("count: missing",))
        self._has_no_count = True
        return self._walk_without_count.steps()

    def _steps_back(self, count: int) -> bool:
        """Note the count; where it fell, discard the page and move the offset that much further back."""
        previous, self._count = self._count, count
        if previous is None or self._count_is_too_small:
            return False
        change = count - previous
        if change == 0 and self._furthest <= self._offset:
            return False
        falls = change < 0 and self._offset > 0
        if falls:
            self._offset = max(self._offset + change, 0)
            self._note_page_without_new_rows()
        self._risen += max(change, 0)
        self._furthest += max(change, 0)
        if self._furthest - self._offset > self._rows_known_again:
            message = f"{self._furthest - self._offset} rows moved while they were walked: too many to know them again"
            raise PaginationError(message)
        return falls

    @property
    def _rows_known_again(self) -> float:
        """How many rows back from the furthest one ids are remembered: neither forgotten nor before the start."""
        if self._start == 0 and self._yielded <= self._seen.capacity:
            return math.inf
        return min(self._yielded, self._seen.capacity)

    def _take(self, response: PageResponse[T], limit: int) -> Page[T] | None:
        """Move past the rows of a page, up to the last one wanted, and return the new ones."""
        ids = self._identify(response.rows)
        if self._seen.any_of_first_page_forgotten(ids):
            message = f"the page at offset {self._offset} wraps around to the first rows of the listing"
            raise PaginationError(message)
        wanted = self._max_items - self._yielded
        new = self._seen.add(ids)[:wanted]
        self._offset += new[-1] + 1 if len(new) == wanted else len(response.rows)
        if not new:
            return None
        self._yielded += len(new)
        self._pages_without_new_rows = 0
        # A correct page begins with the rows dropped: the offset is that of the first new row, and `next_offset` fits.
        return Page(pick(response.rows, new), response.count, self._offset - len(new), limit)

    def _pass_known_page(self, rows: int) -> Steps[T]:
        """Go on after a page without a new row, if there is a reason for it."""
        self._note_page_without_new_rows()
        unexplained = self._offset - self._furthest
        if unexplained > 0 and not (yield from self._head_is_new(unexplained)):
            self._offset -= rows
            message = f"the page at offset {self._offset} holds only rows already yielded"
            raise PaginationError(message)

    def _note_page_without_new_rows(self) -> None:
        self._pages_without_new_rows += 1
        if self._pages_without_new_rows > MAX_PAGES_WITHOUT_NEW_ROWS:
            message = f"{self._pages_without_new_rows} consecutive pages brought no new row"
            raise PaginationError(message)

    def _is_at_end(self, count: int) -> bool:
        self._furthest = max(self._furthest, self._offset)
        if self._offset > count:
            # More rows than counted: from now on only an empty page is the end.
            self._count_is_too_small = True
        return self._offset == count and not self._count_is_too_small

    def _end_on_empty_page(self, count: int) -> Steps[T]:
        if self._count_is_too_small or self._offset >= count:
            return
        if self._filtered:
            # The documentation leaves open whether the count follows the filter: that of the whole listing shows it.
            # But the two are also equal where no row is filtered out, so the page is requested again before it counts.
            unfiltered: PageResponse[T] = yield (PageRequest(0, 1, filtered=False),)
            again: PageResponse[T] = yield (PageRequest(self._offset, self._page_size),)
            if not again.rows and again.problem is None and unfiltered.count in (count, again.count):
                return
        message = f"the page at offset {self._offset} is empty, but the listing is said to have {count} rows"
        raise PaginationError(message)

    def _check_total(self, count: int) -> Steps[T]:
        """Check at the end that no more rows are missing from the total than were added at the head."""
        missing = count - self._start - self._yielded
        if missing > self._risen and not (yield from self._head_is_new(missing)):
            self._offset = self._start  # Any of the rows may be missing: only from the start do they all come.
            message = f"{missing} of the {count} rows counted never came: pages overlap, or rows share an id"
            raise PaginationError(message)

    def _head_is_new(self, rows: int) -> Generator[Requests, Any, bool]:
        """Return whether the listing begins with rows never seen: inserts, which deletes may hide in the count."""
        response: PageResponse[T] = yield (PageRequest(self._start, min(rows, self._page_size)),)
        return bool(response.rows) and not self._seen.known(self._identify(response.rows))
