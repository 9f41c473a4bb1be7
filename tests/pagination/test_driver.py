"""The driver of walks: what is in flight, what is held, what comes, and what is left, however a walk ends.

That no exception was "never retrieved" is asserted after every test (see `conftest`).
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from itertools import count, permutations, product

import pytest
from attrs import define
from turns import pass_turns
from watched_listing import (
    ALL,
    ROWS,
    WIDTHS,
    Abort,
    Row,
    SingleRows,
    WatchedListing,
    each_factory,
    each_width,
    exact_walk,
    fail,
    overlapping_walk,
    sequential_walk,
)

from contactship_async._pagination.driver import walk_pages, walk_rows
from contactship_async._pagination.walk import PageRequest, Steps, Walk
from contactship_async.errors import ContactshipError, MalformedResponseError, WalkPosition
from contactship_async.models.common import Page

WINDOW = [1, 2, 3, 4]
"""The rows of the second window of single rows that is four wide."""

Pages = AsyncGenerator[Page[Row], None]

each_walk = pytest.mark.parametrize(
    ("make_walk", "width"),
    [(sequential_walk, 1), *((make, width) for make in (SingleRows, overlapping_walk, exact_walk) for width in WIDTHS)],
)


def is_over(pages: Pages) -> bool:
    """Return whether a generator has ended or was closed."""
    return getattr(pages, "ag_frame", pages) is None


async def assert_nothing_runs(listing: WatchedListing) -> None:
    """Expect no fetch in flight now, and no task but this one when generators left open had time to close."""
    assert [] == listing.running
    asked = len(listing.asked)
    await pass_turns(5)
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert asked == len(listing.asked)


@each_factory
@each_walk
async def test_all_rows_in_order(make_walk: Callable[[int], Walk[Row]], width: int) -> None:
    """All rows come in order, with up to as many pages in flight as wanted and nothing running while a page is out."""
    listing = WatchedListing()
    await listing.walk(make_walk(width))

    assert ALL == listing.came
    assert min(width, 9) >= listing.max_running
    assert make_walk is not SingleRows or min(width, 9) == listing.max_running
    await assert_nothing_runs(listing)


@each_factory
async def test_order_does_not_follow_completion() -> None:
    """Whichever page of a window comes first, the rows come in order."""
    for turns in permutations(range(4)):
        listing = WatchedListing(turns=lambda offset: turns[offset % 4])  # noqa: B023 - used at once
        await listing.walk(SingleRows(4))

        assert ALL == listing.came


@each_width
async def test_pages_held(width: int) -> None:
    """At most as many pages are held as may be in flight, and each is released when it is out."""
    listing = WatchedListing(turns=lambda offset: (-offset) % width)
    held = []
    async for page in walk_pages(SingleRows(width), listing.fetch):
        assert 1 == len(page)
        del page
        held.append(len(listing.alive))

    ends = [1, *(min(row + width - (row - 1) % width, ROWS) for row in ALL[1:])]
    assert [end - row - 1 for row, end in zip(ALL, ends, strict=True)] == held
    assert min(width, ROWS - 1) == listing.max_alive


@pytest.mark.parametrize("make_walk", [overlapping_walk, exact_walk])
@each_width
async def test_rows_held_by_real_walks(make_walk: Callable[[int], Walk[Row]], width: int) -> None:
    """A real walk remembers no rows but those of its last page."""
    listing = WatchedListing()
    await listing.walk(make_walk(width))

    assert 3 * (width + 1) >= listing.max_alive


@each_factory
@each_walk
async def test_failing_page(make_walk: Callable[[int], Walk[Row]], width: int) -> None:
    """Whichever page fails, the rows before it come first, then its own error, which says where to go on."""
    for kind, row in product([MalformedResponseError, ContactshipError, ValueError, RuntimeError], ALL):
        failure = fail(kind)
        listing = WatchedListing(failures={row: failure})
        with pytest.raises(kind) as caught:
            await listing.walk(make_walk(width))

        assert caught.value is failure
        came = len(listing.came)
        assert [*range(came)] == listing.came
        assert row == came if make_walk is SingleRows else row - 3 < came <= row
        position = WalkPosition(came, came) if isinstance(failure, ContactshipError) else None
        assert position == getattr(failure, "position", None)
        await assert_nothing_runs(listing)


FATES = ["fails first", "fails later", "never comes", "came first", "fails when cancelled"]


@each_factory
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("row", WINDOW)
async def test_pages_behind_a_failing_one(row: int, fate: str) -> None:
    """The first failure in order is raised; pages behind it are cancelled, and their failures are dropped."""
    failures: dict[int, BaseException] = {row: fail(ContactshipError)}
    if fate.startswith("fails"):
        failures |= {behind: fail(ValueError) for behind in WINDOW[row:]}
    turns = {"fails first": 1, "came first": 1, "fails later": 99}.get(fate)
    listing = WatchedListing(
        turns=lambda offset: turns if row < offset else 4,
        failures=failures,
        failure_when_cancelled=fail(ValueError) if fate == "fails when cancelled" else None,
    )
    with pytest.raises(ContactshipError) as caught:
        await listing.walk(SingleRows(4))

    assert caught.value is failures[row]
    assert caught.value.position == WalkPosition(row, row)
    assert ALL[:row] == listing.came
    assert ([] if turns == 1 else WINDOW[row:]) == listing.cancelled
    await assert_nothing_runs(listing)


@define
class HastyWalk(SingleRows):
    """Asks for more than it goes on to want: after the first of many pages, for row 5 alone, or for nothing."""

    def steps(self) -> Steps[Row]:
        """Ask for the rest, and change the plan."""
        for requests in [tuple(PageRequest(offset, 1) for offset in range(4)), (PageRequest(5, 1),)][: self.width]:
            yield Page(tuple((yield requests).rows), ROWS, self.yielded, 1)


@each_factory
@pytest.mark.parametrize("fate", ["fails first", "never comes", "fails when cancelled"])
@pytest.mark.parametrize("plans", [1, 2])
async def test_pages_no_longer_wanted(plans: int, fate: str) -> None:
    """Pages in flight that a walk does not want any more are cancelled, and what became of them does not matter."""
    failures = {row: fail(ValueError) for row in (1, 2, 3)}
    listing = WatchedListing(
        turns=lambda offset: None if offset in failures and fate != "fails first" else 1,
        failures={**failures},
        failure_when_cancelled=failures.get(1) if fate == "fails when cancelled" else None,
    )
    await listing.walk(HastyWalk(plans))

    assert [0, 5][:plans] == listing.came
    assert fate == "fails first" or [1, 2, 3] == listing.cancelled
    await assert_nothing_runs(listing)


@each_factory
@pytest.mark.parametrize("kind", [asyncio.CancelledError, Abort])
@each_width
async def test_fetch_that_ends_all(width: int, kind: type[BaseException]) -> None:
    """A cancellation that comes out of a fetch, or what is no `Exception`, ends the walk at once and as it is."""
    for row in ALL:
        listing = WatchedListing(failures={row: kind("because")})
        with pytest.raises(kind, match="because"):
            await listing.walk(SingleRows(width))

        assert ALL[: row - (row - 1) % width if row else 0] == listing.came
        await assert_nothing_runs(listing)


async def break_off(pages: Pages, row: int) -> None:
    """Leave the loop."""
    async for page in pages:
        if row == page.data[0].id:
            break


async def break_off_and_close(pages: Pages, row: int) -> None:
    """Leave the loop within `aclosing`."""
    async with aclosing(pages):
        await break_off(pages, row)


async def fail_in_the_loop(pages: Pages, row: int) -> None:
    """Raise in the loop."""
    with suppress(LookupError):
        async for page in pages:
            if row == page.data[0].id:
                raise LookupError


async def throw_into(pages: Pages, row: int) -> None:
    """Raise where the generator stands."""
    await break_off(pages, row)
    with pytest.raises(LookupError):
        await pages.athrow(LookupError())


async def be_cancelled_in_the_loop(pages: Pages, row: int) -> None:
    """Cancel the task while it handles a page."""

    async def handle_pages() -> None:
        async for page in pages:
            if row == page.data[0].id:
                await asyncio.Event().wait()

    handling = asyncio.create_task(handle_pages())
    await pass_turns(50)
    handling.cancel()
    await asyncio.wait([handling])
    assert handling.cancelled()


LEAVING = [break_off, break_off_and_close, fail_in_the_loop, throw_into, be_cancelled_in_the_loop]


@each_factory
@pytest.mark.parametrize("leave", LEAVING)
@pytest.mark.parametrize("fails", [False, True])
@each_width
async def test_walk_left(width: int, fails: bool, leave: Callable[[Pages, int], Awaitable[None]]) -> None:
    """A walk that is left at any page leaves nothing behind, though pages may have failed that are no longer wanted."""
    for row in ALL:
        listing = WatchedListing(failures={behind: fail(ContactshipError) for behind in ALL[row + 1 :] if fails})
        await leave(walk_pages(SingleRows(width), listing.fetch), row)

        await assert_nothing_runs(listing)


@each_factory
@each_width
async def test_walk_kept(width: int) -> None:
    """A walk that is left open in a variable runs nothing, goes on where it was left, and can be closed at any page."""
    for row in ALL:
        listing = WatchedListing()
        pages = walk_pages(SingleRows(width), listing.fetch)
        for _ in range(row):
            await anext(pages)
        await assert_nothing_runs(listing)
        assert row == (await anext(pages)).data[0].id
        await assert_nothing_runs(listing)
        await pages.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(pages)


@each_factory
@pytest.mark.parametrize(("stubborn", "again_after"), [(0, None), (0, 0), (0, 1), (3, None), (3, 1), (3, 3)])
@each_walk
async def test_cancelled_at_any_turn(
    make_walk: Callable[[int], Walk[Row]], width: int, stubborn: int, again_after: int | None
) -> None:
    """Whenever a walk is cancelled, and again during the clean-up, it ends at once, but after all of its fetches."""
    for turn in count():
        listing = WatchedListing(stubborn=stubborn)
        walking = asyncio.create_task(listing.walk(make_walk(width)))
        await pass_turns(turn)
        if walking.done():
            break
        came = [*listing.came]
        listing.frozen = walking.cancel()
        if again_after is not None:
            await pass_turns(again_after)
            walking.cancel()
        await asyncio.wait([walking])

        assert walking.cancelled()
        assert came == listing.came == ALL[: len(came)]
        await assert_nothing_runs(listing)
    assert ALL == listing.came


@each_factory
@each_walk
async def test_timeout_at_any_turn(make_walk: Callable[[int], Walk[Row]], width: int) -> None:
    """Whenever the caller's `asyncio.timeout()` around a loop expires, TimeoutError is raised and nothing left."""
    timers: list[asyncio.Timeout] = []

    async def walk_in_time() -> None:
        async with asyncio.timeout(None) as timer:
            timers.append(timer)
            await listing.walk(make_walk(width))

    for turn in count(1):
        listing = WatchedListing()
        walking = asyncio.create_task(walk_in_time())
        await pass_turns(turn)
        if walking.done():
            break
        timers[-1].reschedule(0)
        listing.frozen = True
        await asyncio.wait([walking])

        assert isinstance(walking.exception(), TimeoutError) or ALL == listing.came
        assert 0 == walking.cancelling()
        await assert_nothing_runs(listing)
    assert ALL == listing.came


@each_factory
async def test_cancelled_with_failures_at_any_turn() -> None:
    """A cancellation that meets failing pages, before, while or after they fail, passes, unless it came late."""
    for row, turn in product(WINDOW, range(2, 20)):
        listing = WatchedListing(
            turns=lambda offset: offset and 1 + offset % 3,
            failures={behind: fail(ContactshipError) for behind in WINDOW[row - 1 :]},
            failure_when_cancelled=fail(ValueError),
        )
        walking = asyncio.create_task(listing.walk(SingleRows(4)))
        await pass_turns(turn)
        is_late = walking.done()
        listing.frozen = walking.cancel()
        await asyncio.wait([walking])

        assert is_late != walking.cancelled()
        assert not is_late or walking.exception() is listing.failures[row]
        await assert_nothing_runs(listing)


@each_factory
@each_width
async def test_walk_within_a_walk(width: int) -> None:
    """The body of a loop may walk itself, and leave that walk, without either noticing the other."""
    outer, inner = WatchedListing(), WatchedListing()
    async with aclosing(walk_pages(SingleRows(width), outer.fetch)) as pages:
        async for page in pages:
            await inner.walk(overlapping_walk(width), stop=page.data[0].id)
            outer.came.append(page.data[0].id)
            await assert_nothing_runs(inner)

    assert ALL == outer.came
    await assert_nothing_runs(outer)


@each_width
def test_end_of_the_loop(width: int) -> None:
    """`asyncio.run()` ends walks that are suspended or in the midst of a window without a word."""
    suspended, running = WatchedListing(), WatchedListing(turns=lambda offset: None if offset else 0)
    kept: list[Pages] = []
    tasks: list[asyncio.Task[Page[Row]]] = []

    async def leave_open() -> None:
        for listing in (suspended, running):
            kept.append(walk_pages(SingleRows(width), listing.fetch))
            await anext(kept[-1])
        tasks.append(asyncio.create_task(anext(kept[-1])))
        await pass_turns(3)
        assert min(width, ROWS - 1) == len(running.running)

    asyncio.run(leave_open())

    assert [] == suspended.running + running.running
    assert [True, True] == [is_over(pages) for pages in kept]
    assert tasks[0].cancelled()


@each_width
async def test_rows_close_their_pages(width: int) -> None:
    """The walk by rows yields those of all pages, and takes its pages along when it is closed."""
    for row in ALL:
        listing = WatchedListing()
        pages = walk_pages(overlapping_walk(width), listing.fetch)
        rows = walk_rows(pages)
        assert ALL[: row + 1] == [(await anext(rows)).id for _ in range(row + 1)]
        await rows.aclose()

        assert is_over(pages)
        await assert_nothing_runs(listing)


@each_width
async def test_error_is_freed(width: int) -> None:
    """The error of a page, and with it all that its frames hold, is freed without the garbage collector."""
    gc.disable()
    try:
        for row in ALL:
            listing = WatchedListing(failures={row: fail(ContactshipError)})
            error = weakref.ref(listing.failures[row])
            with suppress(ContactshipError):
                await listing.walk(SingleRows(width))
            listing.failures.clear()
            await pass_turns(1)

            assert error() is None
    finally:
        gc.enable()
