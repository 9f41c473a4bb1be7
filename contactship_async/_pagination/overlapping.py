"""The overlapping walk: every page must reach back to the rows accepted so far, or it does not count.

This is how pages are fetched side by side (`concurrency`), and how a walk is made exact (`exact`). The two differ in
what anchors a page: see `_anchors`.

**Guarantee.** Take a listing whose pages are each cut from one moment of it, at most a constant number of rows long,
and sorted by a key that never changes; what was removed stays away. Of an exact walk that ends without an error, every
row that was in the listing all the while was yielded, and none was yielded twice: whatever is added and removed
meanwhile, in whatever order the server puts rows with equal keys each time, in whatever order the pages are fetched,
and whatever the count says. With ids as anchors the same holds if the order is unique, the count is that of the rows,
and not more rows move than are remembered.

**Invariant.** Every lasting row that sorts before the last key accepted was yielded; of the rows at that key, those
whose ids are remembered were.

**Why it holds.** A page is accepted if its first row sorts strictly before the last key accepted, or if it begins the
listing. It is an unbroken piece of the listing, so all lasting rows between its first row and its own last key are on
it: no gap is left, and the invariant holds for the new last key. When the page was fetched doesn't enter into it. A
page that is not accepted yields nothing, and the walk asks for an earlier one.

**The end** is where an accepted page shows nothing new and is shorter than another was: it is not the server's limit
that cut it, so whatever sorts behind would be on it. (That it is shorter is enough, if its end, the count and the
number of rows yielded agree.) Where no page was longer, the head of the listing is all of it if a page shows the same
rows again after the page behind it was empty. A count that says otherwise is not believed, but must be explained: by
another moment, which asking again settles, by a filter it ignores, or by being lower than the number of rows that
came; else the walk raises. Where the server tells no count, pages are asked for one at a time, and the end is where an
accepted page proves it. A server that sends everything whatever part is asked for shows it by a page far behind any
listing's end.

**It ends.** Pages in a row without a new row are limited, by a budget that grows with the rows yielded and with
changes of the count, but never beyond `MOST_FRUITLESS_PAGES`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Generator, Hashable, Sequence
from typing import Any, Final, Generic, TypeVar

from contactship_async._pagination.anchors import Anchor
from contactship_async._pagination.driver import MOST_FRUITLESS_PAGES, Answer, PageRequest, Requests, Steps, Walk, pick
from contactship_async._pagination.rows import describe_key, tell_to_skip
from contactship_async.errors import PaginationError, WalkPosition
from contactship_async.models.common import Page

T = TypeVar("T")

FRUITLESS_PAGES: Final = 16
"""Pages in a row without a new row that are always allowed, enough to step back 2**16 times the rows of a page."""

FAR_OFFSET: Final = 10**9
"""Behind the end of any listing, and within what servers take for an integer."""

MOST_SHARING: Final = 2**20
"""How many rows with one key are counted where the server tells no count of the listing."""

MOST_DOUBTS: Final = 3
"""How often the end is asked for again when the count says that rows are missing."""


class OverlappingWalk(Generic[T]):
    """The decisions of one overlapping walk.

    Args:
        anchor: Tells which pages leave no gap.
        offset: Where to start.
        page_size: How many rows to ask for at once, at least the fewest the anchor needs.
        max_items: How many rows to yield at the most; None for all.
        filtered: Whether the listing is filtered, so that its count may be that of the whole.
        concurrency: How many requests to have in flight at the most.
        trusts_count: Whether a count that agrees tells the end from a server that caps the pages.
        fallback: The walk to hand over to where the server sends single rows, which can't overlap.
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
    ) -> None:
        self._anchor = anchor
        self._start = offset
        self._page_size = page_size
        self._max_items = sys.maxsize if max_items is None else max_items
        self._filtered = filtered
        self._concurrency = concurrency
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
        self._fruitless_pages = 0
        self._count_when_fruitful = 0
        self._fall = 0  # of the count, from one page to the next
        self._stuck_pages = 0
        self._is_paged = False  # Known to be; a server may also send the same rows for every offset.
        self._ids_with_nothing_behind: frozenset[Hashable] | None = None
        self._doubts: list[tuple[int, int]] = []

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
        while self._wanted > 0:
            requests = self._plan()
            for place, asked in enumerate(requests):
                answer: Answer[T] = yield requests[place:]
                if self._fallback is not None and (yield from self._must_fall_back(asked, answer)):
                    self._fell_back = True
                    yield from self._fallback.steps()
                    return
                new = self._anchor.take(answer.rows, asked.offset)
                if new is None:
                    self._refuse(asked, answer)
                    break
                page = self._accept(asked, answer, new[: self._wanted])
                if page is not None:
                    yield page
                if self._wanted == 0:
                    return
                if answer.problem is not None:
                    raise tell_to_skip(answer.problem, self.position.offset)
                if (yield from self._is_end(asked, answer, has_new=page is not None)):
                    return
                if self._next <= asked.offset:
                    self._width = 1
                    break
            else:
                self._width = min(2 * self._width, self._concurrency)

    @property
    def _wanted(self) -> int:
        return self._max_items - self._yielded

    def _plan(self) -> Requests:
        """Choose the pages to fetch next, up to the one on which the listing should end."""
        if self._is_first:
            return (PageRequest(self._next, min(self._page_size, self._wanted)),)
        if self._count is None:
            return (PageRequest(max(self._next, 0), self._page_size),)
        # A listing that loses rows while it is walked pulls the next page up: what fell lately is likely to fall again.
        fall = min(self._fall, self._rows_per_page // 4)
        overlap = self._anchor.usual_overlap + fall
        start = max(self._next - fall, 0)
        stride = max(self._rows_per_page - overlap, 1)
        width = self._width if overlap <= self._rows_per_page // 2 + 1 else 1  # Small steps cost more than they save.
        pages = min(width, max((self._count - overlap - start) // stride + 1, 1), math.ceil(self._wanted / stride))
        return tuple(PageRequest(start + place * stride, self._page_size) for place in range(pages))

    def _must_fall_back(self, asked: PageRequest, answer: Answer[T]) -> Generator[Requests, Any, bool]:
        """Tell whether the server sends single rows."""
        if not self._is_first or answer.count is None or len(answer.rows) != 1:
            return False
        if min(asked.limit, answer.count - self._start) <= 1:
            return False
        behind: Answer[T] = yield (PageRequest(self._start + 1, self._page_size),)
        return len(behind.rows) == 1

    def _refuse(self, asked: PageRequest, answer: Answer[T]) -> None:
        """Go on more carefully: from where the accepted rows end, or further back if the page was to begin there."""
        self._width = 1
        if asked.offset <= self._next:
            fallen = self._fallen_to(answer.count)
            self._next = max(self._next - ((fallen or self._rows_per_page) << self._steps_back), 0)
            self._position = min(self._position, self._next)
            self._steps_back += 1
        self._note_fruitless_page()

    def _accept(self, asked: PageRequest, answer: Answer[T], new: Sequence[int]) -> Page[T] | None:
        """Move past the rows of a page, and return those at the places *new*."""
        rows = answer.rows
        end = asked.offset + len(rows)
        self._next = end - self._anchor.overlap(rows)
        self._fall = max(self._fallen_to(answer.count), self._fall // 2)
        self._count = answer.count
        self._is_first = False
        self._longest_page = max(self._longest_page, len(rows))
        if self._rows_per_page == 0 or (
            len(rows) == self._longest_page if answer.count is None else end < answer.count
        ):
            self._rows_per_page = len(rows)
        self._steps_back = 0
        if not new:
            self._note_fruitless_page()
            return None
        self._position = asked.offset + new[-1] + 1 if len(new) == self._wanted else end
        self._yielded += len(new)
        self._fruitless_pages = 0
        self._count_when_fruitful = answer.count or 0
        self._stuck_pages = 0
        self._doubts.clear()
        return Page(pick(rows, new), answer.count, self._position - len(new), asked.limit)

    def _fallen_to(self, count: int | None) -> int:
        """Tell by how much the count fell."""
        return 0 if count is None else max((self._count or 0) - count, 0)

    def _note_fruitless_page(self) -> None:
        self._fruitless_pages += 1
        may_have_moved = self._yielded + abs((self._count or 0) - self._count_when_fruitful)
        budget = FRUITLESS_PAGES + may_have_moved // max(self._rows_per_page, 1)
        if self._fruitless_pages > min(budget, MOST_FRUITLESS_PAGES):
            of_count = "" if self._count is None else f", of {self._count}"
            message = f"{self._fruitless_pages} pages in a row brought no new row; {self._yielded} came{of_count}"
            raise PaginationError(message)

    def _is_end(self, asked: PageRequest, answer: Answer[T], *, has_new: bool) -> Generator[Requests, Any, bool]:
        """Tell whether the listing ends with the page just accepted, or find out more."""
        rows, count = len(answer.rows), answer.count
        end = asked.offset + rows
        is_shorter = rows < max(self._longest_page, 1)
        is_trusted = self._trusts_count and asked.offset == self._start and rows < asked.limit
        if end == count == self._start + self._yielded and (is_shorter or is_trusted):
            return True
        if not has_new:
            is_all_there_is = self._ids_with_nothing_behind == self._ids(answer)
            if is_shorter or is_all_there_is or (yield from self._ignores_offset(asked, answer)):
                return count is None or (yield from self._is_count_explained(asked, end, count))
        if self._next <= asked.offset and not is_shorter:
            yield from self._leave_stuck_page(asked, answer)
        return False

    def _ignores_offset(self, asked: PageRequest, answer: Answer[T]) -> Generator[Requests, Any, bool]:
        """Tell whether the server sends all rows whatever part is asked for: the same where no listing has any.

        It does not cut them to the limit if there are more than that. If there are fewer, it may have a limit of its
        own: good enough where it tells no count and proof is not wanted. It is asked once.
        """
        sends_all = len(answer.rows) > asked.limit
        may_send_all = answer.count is None and self._trusts_count and len(answer.rows) < asked.limit
        if self._is_paged or not (sends_all or may_send_all):
            return False
        self._is_paged = True
        far: Answer[T] = yield (PageRequest(FAR_OFFSET, asked.limit),)
        return self._ids(far) == self._ids(answer)

    def _ids(self, answer: Answer[T]) -> frozenset[Hashable]:
        return frozenset(self._anchor.identify(answer.rows))

    def _is_count_explained(self, asked: PageRequest, end: int, count: int) -> Generator[Requests, Any, bool]:
        """Tell whether the count agrees with the proven end, or why not: too low, unfiltered, or of another moment."""
        if min(end, self._start + self._yielded) >= count:
            return True
        if end < count and self._filtered:
            unfiltered: Answer[T] = yield (PageRequest(0, 1, filtered=False),)
            if unfiltered.count == count:
                # It is also the same where no row is filtered out, so there must be nothing behind the end either.
                behind: Answer[T] = yield (PageRequest(end, self._page_size),)
                if not behind.rows and behind.problem is None:
                    return True
        self._doubts.append((end, count))
        ends, counts = zip(*self._doubts, strict=True)
        if min(counts) <= max(ends) and min(ends) <= max(counts):
            return True
        if len(self._doubts) > MOST_DOUBTS:
            message = f"the listing is said to have {count} rows, but it ends after {end}"
            raise PaginationError(message)
        self._next = asked.offset
        return False

    def _leave_stuck_page(self, asked: PageRequest, answer: Answer[T]) -> Generator[Requests, Any, None]:
        """Prepare to find out, when next the page comes, whether it is the last one or too small to go on from.

        At the head, it is all there is if the same rows come before and after the page behind it was empty, on
        whatever page: those rows were there all the time, and nothing else was. Elsewhere, a page from one row further
        up is longer, unless the server caps it.

        Raises:
            PaginationError: It is too small.
        """
        rows = len(answer.rows)
        self._stuck_pages += 1
        if rows >= self._page_size or self._stuck_pages > MOST_DOUBTS:
            yield from self._raise_stuck(asked, answer)
        if asked.offset > 0:
            self._next = asked.offset - 1
            return
        behind: Answer[T] = yield (PageRequest(rows, self._page_size),)
        is_empty = not behind.rows and behind.problem is None
        self._ids_with_nothing_behind = self._ids(answer) if is_empty else None

    def _raise_stuck(self, asked: PageRequest, answer: Answer[T]) -> Generator[Requests, Any, None]:
        rows, fewest = len(answer.rows), self._anchor.fewest_rows
        if rows < fewest:
            message = f"the server sends {rows} at once, but only pages of {fewest} rows or more can be verified"
            raise PaginationError(message)
        ties = self._anchor.overlap(answer.rows) - 1
        start = asked.offset + rows - ties
        key = self._anchor.read_key(answer.rows[-1])
        sharing = yield from self._count_sharing(key, start, ties, answer.count)
        is_capped = rows < self._page_size
        remedy = f"the server sends {rows} at once" if is_capped else f"pass page_size >= {sharing + 2}"
        self._position = start
        message = f"{sharing} rows share {describe_key(key)}; {remedy}"
        raise PaginationError(message)

    def _count_sharing(self, key: object, start: int, known: int, count: int | None) -> Generator[Requests, Any, int]:
        """Find out how many rows from the one at *start* on share *key*, at least *known*, by halves.

        Without a count of the listing, an upper bound is found first, by doubling.
        """
        highest, lowest_not = known - 1, known if count is None else count - start
        while count is None and lowest_not < MOST_SHARING and (yield from self._shares(key, start + lowest_not)):
            highest, lowest_not = lowest_not, 2 * lowest_not
        while lowest_not - highest > 1:
            middle = (highest + lowest_not) // 2
            if (yield from self._shares(key, start + middle)):
                highest = middle
            else:
                lowest_not = middle
        return highest + 1

    def _shares(self, key: object, offset: int) -> Generator[Requests, Any, bool]:
        """Tell whether the row at *offset* has *key*."""
        answer: Answer[T] = yield (PageRequest(offset, 1),)
        return bool(answer.rows) and self._anchor.read_key(answer.rows[0]) == key
