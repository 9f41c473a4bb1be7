"""Pagination with overlapping pages: a page counts only if it reaches back to the rows accepted so far.

This is how pages are fetched concurrently (`concurrency`), and how a walk is made exact (`exact`). The two differ in
what anchors a page: see `anchors`.

**Guarantee.** Take a listing whose pages are each a snapshot of a part of it, at most a constant number of rows long,
and sorted by a key that never changes; removed rows do not return. If an exact walk ends without an error, it yielded
every row present for the whole iteration, and none twice: whatever is added and removed meanwhile, in whatever order
the server puts rows with equal keys each time, in whatever order the pages are fetched, and whatever the count says.
With ids as anchors the same holds if the order is unique, the count is that of the rows, and no more rows move than
are remembered.

**Invariant.** Every row present for the whole iteration that sorts before the last key accepted was yielded; of the
rows at that key, those whose ids are remembered were.

**Why it holds.** A page is accepted if its first row sorts strictly before the last key accepted, or if it begins the
listing. It is a contiguous part of the listing, so it has all rows present for the whole iteration between its first
row and its own last key: no gap is left, and the invariant holds for the new last key. It does not matter when the
page was fetched, nor whether the window of requests slides (each accepted page makes room for another request) or is
planned anew when all responses have come. A page that is not accepted yields nothing, and the walk asks for an earlier
one.

**The end** is where an accepted page has no new row and is shorter than another was: it is not the server's limit that
cut it, so whatever sorts behind would be on it. (That it is shorter is enough, if its end, the count and the number of
rows yielded agree.) Where no page was longer, the head of the listing is all of it if a page shows the same rows again
after the page behind it was empty. A count that contradicts this must be explained: by a change in between, which
asking again settles, by a filter it ignores, or by being lower than the number of rows that came; else the walk
raises. Where the server sends no count, pages are requested one at a time, and the end is where an accepted page
proves it. A server that ignores the offset and sends everything is recognised by a page far behind any listing's end.

**Termination.** Consecutive pages without a new row are limited, by a budget that grows with the rows yielded and with
changes of the count, but never beyond `MAX_PAGES_WITHOUT_NEW_ROWS`.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Generator, Hashable, Sequence
from typing import Any, Final, Generic, TypeVar

from contactship_async._pagination.anchors import Anchor
from contactship_async._pagination.rows import describe_key, tell_to_skip
from contactship_async._pagination.walk import (
    MAX_PAGES_WITHOUT_NEW_ROWS,
    PageRequest,
    PageResponse,
    Requests,
    Steps,
    Walk,
    pick,
)
from contactship_async.errors import PaginationError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")

MIN_PAGES_WITHOUT_NEW_ROWS: Final = 16
"""So many consecutive ones are always allowed: enough to step back 2**16 times the rows of a page."""

FAR_OFFSET: Final = 10**9
"""Behind the end of any listing, and within what servers take for an integer."""

MAX_ROWS_WITH_KEY: Final = 2**20
"""How many rows with one key are counted where the server sends no count of the listing."""

MAX_END_RECHECKS: Final = 3
"""How often the end is requested again when the count says that rows are missing."""


class OverlappingWalk(Generic[T]):
    """The decisions of one overlapping walk.

    Args:
        anchor: Decides which pages leave no gap.
        offset: Where to start.
        page_size: How many rows to ask for at once, at least the fewest the anchor needs.
        max_items: How many rows to yield at the most; None for all.
        filtered: Whether the listing is filtered, so that its count may be that of the whole.
        concurrency: How many requests to have in flight at the most.
        trusts_count: Whether a short page is the end if the count agrees, though the server might cap its pages.
        fallback: The walk to hand over to where the server sends single rows, which can't overlap.
        slides: Whether each response makes room for another request (a sliding window); else the next requests are
            planned when all responses have come.
    """

    def __init__(  # noqa: PLR0913 - a walk's settings, all by keyword
        self,
        *,
        anchor: Anchor[T],
        offset: int,
        page_size: int,
        max_items: int | None,
        filtered: bool,
        concurrency: int,
        trusts_count: bool,
        fallback: Walk[T] | None,
        slides: bool = False,
    ) -> None:
        self._anchor = anchor
        self._start = offset
        self._page_size = page_size
        self._max_items = sys.maxsize if max_items is None else max_items
        self._filtered = filtered
        self._concurrency = concurrency
        self._slides = slides
        self._trusts_count = trusts_count
        self._fallback = fallback
        self._fell_back = False
        self._next = offset  # where the next page has to begin
        self._position = offset  # where the next row to yield is
        self._yielded = 0
        self._is_first = True  # No page has come yet.
        self._count: int | None = None
        self._width = concurrency  # how many pages to ask for at once, as far as it went well lately
        self._rows_per_page = 0  # that the server sends at present
        self._longest_page = 0
        self._steps_back = 0
        self._pages_without_new_rows = 0
        self._count_at_last_new_row = 0
        self._fall = 0  # of the count, from one page to the next
        self._stuck_pages = 0
        self._is_paged = False  # Known to be; a server may also send the same rows for every offset.
        self._ids_with_nothing_behind: frozenset[Hashable] | None = None
        self._end_checks: list[tuple[int, int]] = []

    @property
    def position(self) -> WalkPosition:
        """The offset of the next row to yield, and how many were."""
        if self._fallback is not None and self._fell_back:
            return self._fallback.position
        return WalkPosition(self._position, self._yielded)

    def steps(self) -> Steps[T]:
        """Ask for pages and yield what is new on them, until the end.

        Raises:
            PaginationError: The listing can't be walked completely.
            MalformedResponseError: A row could not be read; the rows before it were yielded.
        """
        planned: deque[PageRequest] = deque()
        while self._wanted > 0:
            if self._slides or not planned:
                planned.extend(self._plan(planned))
            response: PageResponse[T] = yield tuple(planned)
            asked = planned.popleft()
            if self._fallback is not None and (yield from self._must_fall_back(asked, response)):
                self._fell_back = True
                yield from self._fallback.steps()
                return
            new = self._anchor.take(response.rows, asked.offset)
            if new is None:
                self._refuse(asked, response)
                planned.clear()
                continue
            page = self._accept(asked, response, new[: self._wanted])
            if page is not None:
                yield page
            if self._wanted == 0:
                return
            if response.problem is not None:
                raise tell_to_skip(response.problem, self.position.offset)
            if (yield from self._is_end(asked, response, has_new=page is not None)):
                return
            if self._next <= asked.offset:
                self._width = 1
                planned.clear()
            else:
                self._width = min(self._width + 1, self._concurrency)

    @property
    def _wanted(self) -> int:
        return self._max_items - self._yielded

    def _plan(self, planned: Sequence[PageRequest]) -> Requests:
        """Choose the pages to fetch behind those *planned*, up to the one on which the listing should end."""
        if self._is_first:
            return (PageRequest(self._next, min(self._page_size, self._wanted)),)
        if self._count is None:
            return () if planned else (PageRequest(max(self._next, 0), self._page_size),)
        # A listing that loses rows while it is walked pulls the next page up: what fell lately is likely to fall again.
        fall = min(self._fall, self._rows_per_page // 4)
        overlap = self._anchor.usual_overlap + fall
        stride = max(self._rows_per_page - overlap, 1)
        start = planned[-1].offset + stride if planned else max(self._next - fall, 0)
        width = self._width if overlap <= self._rows_per_page // 2 + 1 else 1  # Small steps cost more than they save.
        up_to_end = max((self._count - overlap - start) // stride + 1, 0 if planned else 1)
        pages = min(up_to_end, min(width, math.ceil(self._wanted / stride)) - len(planned))
        return tuple(PageRequest(start + place * stride, self._page_size) for place in range(pages))

    def _must_fall_back(self, asked: PageRequest, response: PageResponse[T]) -> Generator[Requests, Any, bool]:
        """Return whether the server sends single rows."""
        if not self._is_first or response.count is None or len(response.rows) != 1:
            return False
        if min(asked.limit, response.count - self._start) <= 1:
            return False
        behind: PageResponse[T] = yield (PageRequest(self._start + 1, self._page_size),)
        return len(behind.rows) == 1

    def _refuse(self, asked: PageRequest, response: PageResponse[T]) -> None:
        """Go on one page at a time, from where the accepted rows end, or further back if the page began there."""
        self._width = 1
        if asked.offset <= self._next:
            fallen = self._fallen_to(response.count)
            self._next = max(self._next - ((fallen or self._rows_per_page) << self._steps_back), 0)
            self._position = min(self._position, self._next)
            self._steps_back += 1
        self._note_page_without_new_rows()

    def _accept(self, asked: PageRequest, response: PageResponse[T], new: Sequence[int]) -> Page[T] | None:
        """Move past the rows of a page, and return those at the places *new*."""
        rows = response.rows
        end = asked.offset + len(rows)
        self._next = end - self._anchor.overlap(rows)
        self._fall = max(self._fallen_to(response.count), self._fall // 2)
        self._count = response.count
        self._is_first = False
        self._longest_page = max(self._longest_page, len(rows))
        if self._rows_per_page == 0 or (
            len(rows) == self._longest_page if response.count is None else end < response.count
        ):
            self._rows_per_page = len(rows)
        self._steps_back = 0
        if not new:
            self._note_page_without_new_rows()
            return None
        self._position = asked.offset + new[-1] + 1 if len(new) == self._wanted else end
        self._yielded += len(new)
        self._pages_without_new_rows = 0
        self._count_at_last_new_row = response.count or 0
        self._stuck_pages = 0
        self._end_checks.clear()
        return Page(pick(rows, new), response.count, self._position - len(new), asked.limit)

    def _fallen_to(self, count: int | None) -> int:
        """Return by how much the count fell."""
        return 0 if count is None else max((self._count or 0) - count, 0)

    def _note_page_without_new_rows(self) -> None:
        self._pages_without_new_rows += 1
        may_have_moved = self._yielded + abs((self._count or 0) - self._count_at_last_new_row)
        budget = MIN_PAGES_WITHOUT_NEW_ROWS + may_have_moved // max(self._rows_per_page, 1)
        if self._pages_without_new_rows > min(budget, MAX_PAGES_WITHOUT_NEW_ROWS):
            of_count = "" if self._count is None else f", of {self._count}"
            message = (
                f"{self._pages_without_new_rows} consecutive pages brought no new row; {self._yielded} came{of_count}"
            )
            raise PaginationError(message)

    def _is_end(
        self, asked: PageRequest, response: PageResponse[T], *, has_new: bool
    ) -> Generator[Requests, Any, bool]:
        """Return whether the listing ends with the page just accepted, or prepare to find out."""
        rows, count = len(response.rows), response.count
        end = asked.offset + rows
        is_shorter = rows < max(self._longest_page, 1)
        is_trusted = self._trusts_count and asked.offset == self._start and rows < asked.limit
        if end == count == self._start + self._yielded and (is_shorter or is_trusted):
            return True
        if not has_new:
            is_all_there_is = self._ids_with_nothing_behind == self._ids(response)
            if is_shorter or is_all_there_is or (yield from self._ignores_offset(asked, response)):
                return count is None or (yield from self._is_count_explained(asked, end, count))
        if self._next <= asked.offset and not is_shorter:
            yield from self._leave_stuck_page(asked, response)
        return False

    def _ignores_offset(self, asked: PageRequest, response: PageResponse[T]) -> Generator[Requests, Any, bool]:
        """Return whether the server sends all rows at every offset: the same ones where no listing has any.

        It does not cut them to the limit if there are more than that. If there are fewer, it may have a limit of its
        own: good enough where it sends no count and proof is not wanted. This is checked once.
        """
        sends_all = len(response.rows) > asked.limit
        may_send_all = response.count is None and self._trusts_count and len(response.rows) < asked.limit
        if self._is_paged or not (sends_all or may_send_all):
            return False
        self._is_paged = True
        far: PageResponse[T] = yield (PageRequest(FAR_OFFSET, asked.limit),)
        return self._ids(far) == self._ids(response)

    def _ids(self, response: PageResponse[T]) -> frozenset[Hashable]:
        return frozenset(self._anchor.identify(response.rows))

    def _is_count_explained(self, asked: PageRequest, end: int, count: int) -> Generator[Requests, Any, bool]:
        """Return whether the count agrees with the proven end, or is too low, unfiltered, or from before a change."""
        if min(end, self._start + self._yielded) >= count:
            return True
        if end < count and self._filtered:
            unfiltered: PageResponse[T] = yield (PageRequest(0, 1, filtered=False),)
            if unfiltered.count == count:
                # The two are also equal where no row is filtered out, so there must be nothing behind the end either.
                behind: PageResponse[T] = yield (PageRequest(end, self._page_size),)
                if not behind.rows and behind.problem is None:
                    return True
        self._end_checks.append((end, count))
        ends, counts = zip(*self._end_checks, strict=True)
        if min(counts) <= max(ends) and min(ends) <= max(counts):
            return True
        if len(self._end_checks) > MAX_END_RECHECKS:
            message = f"the listing is said to have {count} rows, but it ends after {end}"
            raise PaginationError(message)
        self._next = asked.offset
        return False

    def _leave_stuck_page(self, asked: PageRequest, response: PageResponse[T]) -> Generator[Requests, Any, None]:
        """Prepare to find out, when next the page comes, whether it is the last one or too small to go on from.

        At the head, it is all there is if the same rows come before and after the page behind it was empty, on
        whatever page: those rows were there the whole time, and nothing else was. Elsewhere, a page from one row
        further up is longer, unless the server caps it.

        Raises:
            PaginationError: It is too small.
        """
        rows = len(response.rows)
        self._stuck_pages += 1
        if rows >= self._page_size or self._stuck_pages > MAX_END_RECHECKS:
            yield from self._raise_stuck(asked, response)
        if asked.offset > 0:
            self._next = asked.offset - 1
            return
        behind: PageResponse[T] = yield (PageRequest(rows, self._page_size),)
        is_empty = not behind.rows and behind.problem is None
        self._ids_with_nothing_behind = self._ids(response) if is_empty else None

    def _raise_stuck(self, asked: PageRequest, response: PageResponse[T]) -> Generator[Requests, Any, None]:
        rows, fewest = len(response.rows), self._anchor.min_rows
        if rows < fewest:
            message = f"the server sends {rows} at once, but only pages of {fewest} rows or more can be verified"
            raise PaginationError(message)
        ties = self._anchor.overlap(response.rows) - 1
        start = asked.offset + rows - ties
        key = self._anchor.read_key(response.rows[-1])
        sharing = yield from self._count_rows_at(key, start, ties, response.count)
        is_capped = rows < self._page_size
        remedy = f"the server sends {rows} at once" if is_capped else f"pass page_size >= {sharing + 2}"
        self._position = start
        message = f"{sharing} rows share {describe_key(key)}; {remedy}"
        raise PaginationError(message)

    def _count_rows_at(self, key: object, start: int, known: int, count: int | None) -> Generator[Requests, Any, int]:
        """Count the rows from the one at *start* on that have *key*, at least *known*, by binary search.

        Without a count of the listing, an upper bound is found first, by doubling.
        """
        highest, lowest_not = known - 1, known if count is None else count - start
        while count is None and lowest_not < MAX_ROWS_WITH_KEY and (yield from self._has_key(key, start + lowest_not)):
            highest, lowest_not = lowest_not, 2 * lowest_not
        while lowest_not - highest > 1:
            middle = (highest + lowest_not) // 2
            if (yield from self._has_key(key, start + middle)):
                highest = middle
            else:
                lowest_not = middle
        return highest + 1

    def _has_key(self, key: object, offset: int) -> Generator[Requests, Any, bool]:
        """Return whether the row at *offset* has *key*."""
        response: PageResponse[T] = yield (PageRequest(offset, 1),)
        return bool(response.rows) and self._anchor.read_key(response.rows[0]) == key
