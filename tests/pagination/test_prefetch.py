"""Pages fetched ahead: what is requested and when, what comes, and what is left, however the block is left.

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
    SlidingRows,
    WatchedListing,
    each_factory,
    each_width,
    fail,
    sequential_walk,
    sliding_exact_walk,
    sliding_walk,
)

from contactship_async._pagination.prefetch import Prefetch
from contactship_async._pagination.walk import PageRequest, Steps, Walk
from contactship_async.errors import ContactshipError, MalformedResponseError, WalkPosition
from contactship_async.models.common import Page

WITHIN = "the rows of a prefetch are there within `async with"

Ahead = Prefetch[Row]

each_walk = pytest.mark.parametrize(
    ("make_walk", "width"),
    [
        (sequential_walk, 1),
        *((make, width) for make in (SlidingRows, sliding_walk, sliding_exact_walk) for width in WIDTHS),
    ],
)


def assert_nothing_runs(listing: WatchedListing) -> None:
    """Expect no fetch in flight, and no task but this one: at once, without a turn of the loop."""
    assert [] == listing.running
    assert {asyncio.current_task()} == asyncio.all_tasks()


@each_factory
@each_walk
async def test_all_rows_in_order(make_walk: Callable[[int], Walk[Row]], width: int) -> None:
    """All rows come in order, with no more pages in flight than wanted, and nothing runs after the block."""
    for turns in (0, 1, 9):
        listing = WatchedListing()
        await listing.walk_ahead(make_walk(width), turns=turns)

        assert ALL == listing.came
        assert width >= listing.max_running
        assert_nothing_runs(listing)


@each_factory
async def test_rows_one_by_one() -> None:
    """Without `pages`, the rows come one by one."""
    listing = WatchedListing()
    async with Prefetch(sliding_walk(4), listing.fetch) as ahead:
        assert ALL == [row.id async for row in ahead]


@each_factory
async def test_order_does_not_follow_completion() -> None:
    """Whichever page in flight comes first, the rows come in order."""
    for turns in permutations(range(4)):
        listing = WatchedListing(turns=lambda offset: turns[offset % 4])  # noqa: B023 - used at once
        await listing.walk_ahead(SlidingRows(4))

        assert ALL == listing.came


@each_factory
@each_width
@pytest.mark.parametrize("turns", [1, 9])
async def test_window_slides(width: int, turns: int) -> None:
    """While a page is handled, another one is requested instead of it: never more, and never less."""
    listing = WatchedListing()
    async with Prefetch(SlidingRows(width), listing.fetch) as ahead:
        await pass_turns(1)
        assert [0] == listing.asked
        async for page in ahead.pages():
            await pass_turns(turns)
            assert ALL[: min(page.data[0].id + 1 + width, ROWS)] == listing.asked


@each_factory
@each_width
async def test_consumer_that_blocks_the_loop(width: int) -> None:
    """It finds the next page requested before it handles this one, and lacks no more than one request of its window."""
    listing = WatchedListing()
    async with Prefetch(SlidingRows(width), listing.fetch) as ahead:
        await pass_turns(1)
        async for page in ahead.pages():
            taken = page.data[0].id + 1
            full = min(taken + width, ROWS)
            assert full - 1 <= len(listing.asked) <= full
            assert len(listing.asked) > taken or full == taken


@each_factory
@each_width
async def test_pages_held(width: int) -> None:
    """While the consumer is busy all that is in flight comes, is held, and is let go when it was taken."""
    listing = WatchedListing(turns=lambda offset: (-offset) % width)
    async with Prefetch(SlidingRows(width), listing.fetch) as ahead:
        async for page in ahead.pages():
            row = page.data[0].id
            del page
            await pass_turns(width + 2)
            assert [] == listing.running
            assert min(width, ROWS - row - 1) == len(listing.alive)

    assert min(width, ROWS - 1) + (width < ROWS - 1) >= listing.max_alive


@each_factory
@each_walk
async def test_failing_page(make_walk: Callable[[int], Walk[Row]], width: int) -> None:
    """Whichever page fails, the rows before it come first, then its own error, which says where to go on."""
    for kind, row in product([MalformedResponseError, ContactshipError, ValueError, RuntimeError], ALL):
        failure = fail(kind)
        listing = WatchedListing(failures={row: failure})
        with pytest.raises(kind) as caught:
            await listing.walk_ahead(make_walk(width))

        assert caught.value is failure
        came = len(listing.came)
        assert [*range(came)] == listing.came
        assert row == came if make_walk is SlidingRows else row - 3 < came <= row
        position = WalkPosition(came, came) if isinstance(failure, ContactshipError) else None
        assert position == getattr(failure, "position", None)
        assert_nothing_runs(listing)


@each_factory
async def test_nothing_is_requested_behind_a_failed_page() -> None:
    """While pages before a failed one are taken, none behind it is requested any more."""
    listing = WatchedListing(turns=lambda offset: 99 if offset == 6 else 1, failures={4: fail(ContactshipError)})
    with pytest.raises(ContactshipError):
        await listing.walk_ahead(SlidingRows(4), turns=9)

    assert ALL[:4] == listing.came
    assert ALL[:5] == listing.asked


@each_factory
async def test_failure_ends_the_iteration() -> None:
    """After the error, pages in flight are cancelled, whatever they raise then, and no row comes any more."""
    listing = WatchedListing(
        turns=lambda offset: None if offset > 2 else 1,
        failures={2: fail(ContactshipError)},
        failure_when_cancelled=fail(ValueError),
    )
    async with Prefetch(SlidingRows(4), listing.fetch) as ahead:
        pages = ahead.pages()
        assert [0, 1] == [(await anext(pages)).data[0].id for _ in range(2)]
        with pytest.raises(ContactshipError):
            await anext(pages)
        assert [3, 4] == listing.cancelled
        assert_nothing_runs(listing)
        assert [] == [page async for page in pages]


@define
class HastyWalk(SingleRows):
    """Asks for four pages, and after the first of them for two of them and another one, which it makes no page of."""

    def steps(self) -> Steps[Row]:
        """Change the plan."""
        for offsets in [(0, 1, 2, 3), (5, 1, 6), (7, 1, 6), (1, 6), (6,)]:
            response = yield tuple(PageRequest(offset, 1) for offset in offsets)
            if offsets[0] not in {5, 7}:
                yield Page(tuple(response.rows), ROWS, self.yielded, 1)


@each_factory
@pytest.mark.parametrize("stubborn", [0, 3])
@pytest.mark.parametrize("fails", [False, True])
async def test_pages_no_longer_wanted(fails: bool, stubborn: int) -> None:
    """Pages in flight that a walk does not want any more are cancelled, and have ended before others are requested."""
    listing = WatchedListing(
        turns=lambda offset: None if offset in {2, 3} else 1,
        stubborn=stubborn,
        failure_when_cancelled=fail(ValueError) if fails else None,
    )
    await listing.walk_ahead(HastyWalk(4), turns=9)

    assert [0, 1, 6] == listing.came
    assert [0, 1, 2, 3, 5, 6, 7] == listing.asked
    assert [2, 3] == listing.cancelled
    assert 4 == listing.max_running
    assert_nothing_runs(listing)


@each_factory
async def test_cancelled_while_pages_no_longer_wanted_end() -> None:
    """A step that is cancelled while it waits for them loses no page, whichever turn it is: the next one goes on."""
    for turn in range(16):
        listing = WatchedListing(turns=lambda offset: None if offset in {2, 3} else 1, stubborn=4)
        async with Prefetch(HastyWalk(4), listing.fetch) as ahead:
            pages = ahead.pages()
            step = asyncio.ensure_future(anext(pages))
            await pass_turns(turn)
            step.cancel()
            await asyncio.wait([step])
            came = [] if step.cancelled() else [step.result()]
            came += [page async for page in pages]

        assert [0, 1, 6] == [page.data[0].id for page in came]
        assert_nothing_runs(listing)


@each_factory
@pytest.mark.parametrize("kind", [asyncio.CancelledError, Abort])
@each_width
async def test_fetch_that_ends_all(width: int, kind: type[BaseException]) -> None:
    """A cancellation that comes out of a fetch, or what is no `Exception`, comes after the rows before it, as it is."""
    for row in ALL:
        listing = WatchedListing(failures={row: kind("because")})
        with pytest.raises(kind, match="because"):
            await listing.walk_ahead(SlidingRows(width))

        assert ALL[:row] == listing.came
        assert_nothing_runs(listing)


async def break_off(ahead: Ahead, row: int) -> None:
    """Leave the loop."""
    async for page in ahead.pages():
        if row == page.data[0].id:
            break


async def break_off_rows(ahead: Ahead, row: int) -> None:
    """Leave the loop over rows."""
    async for each in ahead:
        if row == each.id:
            break


async def fail_in_the_loop(ahead: Ahead, row: int) -> None:
    """Raise in the loop."""
    async for page in ahead.pages():
        if row == page.data[0].id:
            raise LookupError(row)


async def take_one_more(ahead: Ahead, row: int) -> None:
    """Leave while another task waits for the next page."""
    pages = ahead.pages()
    for _ in range(row):
        await anext(pages)
    waiting = asyncio.ensure_future(anext(pages))
    waiting.add_done_callback(lambda step: step.cancelled() or step.exception())
    await pass_turns(1)


LEAVING = [break_off, break_off_rows, fail_in_the_loop, take_one_more]


@each_factory
@pytest.mark.parametrize("leave", LEAVING)
@pytest.mark.parametrize("fails", [False, True])
@each_width
async def test_block_left(width: int, fails: bool, leave: Callable[[Ahead, int], Awaitable[None]]) -> None:
    """When the block is left at any page, nothing is left behind, and what it raises leaves it as it is."""
    for row in ALL:
        listing = WatchedListing(failures={behind: fail(ContactshipError) for behind in ALL[row + 1 :] if fails})
        raised: BaseException | None = None
        try:
            async with Prefetch(SlidingRows(width), listing.fetch) as ahead:
                await leave(ahead, row)
        except LookupError as error:
            raised = error

        assert [] == listing.running
        assert (LookupError, (row,)) == (type(raised), raised.args) if raised else leave is not fail_in_the_loop
        await pass_turns(3 if leave is take_one_more else 0)  # its other task ends when it sees that
        assert_nothing_runs(listing)


@each_factory
async def test_block_without_a_loop() -> None:
    """A prefetch that is not iterated over ends with its block, and its failed page is dropped."""
    for turns, fails in product(range(4), (False, True)):
        listing = WatchedListing(failures={0: fail(ContactshipError)} if fails else {})
        async with Prefetch(SlidingRows(4), listing.fetch):
            await pass_turns(turns)

        assert_nothing_runs(listing)


@each_factory
async def test_left_while_another_task_waits() -> None:
    """A task that waits for a page when the block is left gets an error."""
    listing = WatchedListing(turns=lambda offset: None if offset else 0)
    async with Prefetch(SlidingRows(2), listing.fetch) as ahead:
        pages = ahead.pages()
        await anext(pages)
        waiting = asyncio.ensure_future(anext(pages))
        await pass_turns(2)

    with pytest.raises(RuntimeError, match=WITHIN):
        await waiting
    assert_nothing_runs(listing)


@each_factory
async def test_left_while_another_task_waits_for_unwanted_pages() -> None:
    """So is one that waits for pages to end that are no longer wanted: they have ended, and no other is requested."""
    listing = WatchedListing(turns=lambda offset: None if offset in {2, 3} else 1, stubborn=9)
    async with Prefetch(HastyWalk(4), listing.fetch) as ahead:
        waiting = asyncio.ensure_future(anext(ahead.pages()))
        while not listing.cancelled:
            await pass_turns(1)

    assert [] == listing.running
    with pytest.raises(RuntimeError, match=WITHIN):
        await waiting
    assert [0, 1, 2, 3] == listing.asked
    assert_nothing_runs(listing)


@each_factory
@pytest.mark.parametrize(("stubborn", "again_after"), [(0, None), (0, 0), (0, 1), (3, None), (3, 1), (3, 3)])
@each_walk
async def test_cancelled_at_any_turn(
    make_walk: Callable[[int], Walk[Row]], width: int, stubborn: int, again_after: int | None
) -> None:
    """Whenever it is cancelled, and again during the clean-up, it ends at once, but after all of its fetches."""
    for turn in count():
        listing = WatchedListing(stubborn=stubborn)
        walking = asyncio.create_task(listing.walk_ahead(make_walk(width)))
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
        assert_nothing_runs(listing)
    assert ALL == listing.came


@each_factory
@each_walk
async def test_timeout_at_any_turn(make_walk: Callable[[int], Walk[Row]], width: int) -> None:
    """Whenever the caller's `asyncio.timeout()` around the block expires, TimeoutError is raised and nothing left."""
    timers: list[asyncio.Timeout] = []

    async def walk_in_time() -> None:
        async with asyncio.timeout(None) as timer:
            timers.append(timer)
            await listing.walk_ahead(make_walk(width))

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
        assert_nothing_runs(listing)
    assert ALL == listing.came


@each_factory
@each_walk
async def test_step_that_is_cancelled(make_walk: Callable[[int], Walk[Row]], width: int) -> None:
    """A time limit of a single step costs no row: the next step goes on, with the requests that are in flight."""
    listing = WatchedListing()
    came: list[int] = []
    async with Prefetch(make_walk(width), listing.fetch) as ahead:
        rows = aiter(ahead)
        with suppress(StopAsyncIteration):
            for turn in count():
                step = asyncio.ensure_future(anext(rows))
                await pass_turns(turn % 4)
                step.cancel()
                with suppress(asyncio.CancelledError):
                    came.append((await step).id)

    assert ALL == came
    assert len({*listing.asked}) == len(listing.asked) == len([*listing.asked])
    assert [] == listing.cancelled


@each_width
def test_end_of_the_loop(width: int) -> None:
    """`asyncio.run()` ends what is open in a generator, in a task, or was never left, without a word."""
    listings = [WatchedListing(turns=lambda offset: None if offset else 0) for _ in range(3)]
    failing = WatchedListing(failures={0: fail(ContactshipError)})
    kept: list[object] = []

    async def generate(listing: WatchedListing) -> AsyncGenerator[int, None]:
        async with Prefetch(SlidingRows(width), listing.fetch) as ahead:
            async for row in ahead:
                yield row.id

    async def consume(listing: WatchedListing) -> None:
        async with aclosing(generate(listing)) as rows:
            async for _ in rows:
                pass

    async def leave_open() -> None:
        generator = generate(listings[0])
        assert 0 == await anext(generator)
        never_left = await Prefetch(SlidingRows(width), listings[2].fetch).__aenter__()
        assert 0 == (await anext(never_left.pages())).data[0].id
        await Prefetch(SlidingRows(width), failing.fetch).__aenter__()
        kept.extend([generator, asyncio.create_task(consume(listings[1])), never_left])
        await pass_turns(9)
        assert [min(width, ROWS - 1)] * 3 == [len(listing.running) for listing in listings]

    asyncio.run(leave_open())

    assert [[]] * 3 == [listing.running for listing in listings]


async def test_not_in_its_block() -> None:
    """Outside of its block, before and after, a prefetch says where its rows are."""
    listing = WatchedListing()
    prefetch = Prefetch(sliding_walk(4), listing.fetch)
    for iterate in (prefetch.__aiter__, prefetch.pages):
        with pytest.raises(RuntimeError, match=WITHIN):
            iterate()
    async with prefetch as ahead:
        rows = aiter(ahead)
        assert 0 == (await anext(rows)).id
    for iterate in (prefetch.__aiter__, prefetch.pages):
        with pytest.raises(RuntimeError, match=WITHIN):
            iterate()
    with pytest.raises(RuntimeError, match=WITHIN):
        await anext(rows)  # though there are more on the page
    with pytest.raises(RuntimeError, match="a prefetch is entered once"):
        async with prefetch:
            pass
    assert_nothing_runs(listing)


async def test_iterated_over_twice() -> None:
    """The rows are there once; an iterator that was left by `break` goes on where it was."""
    listing = WatchedListing()
    async with Prefetch(sliding_walk(4), listing.fetch) as ahead:
        rows = aiter(ahead)
        async for row in rows:
            if row.id == 4:
                break
        for iterate in (ahead.__aiter__, ahead.pages):
            with pytest.raises(RuntimeError, match="a prefetch is iterated over once: ask the listing for another one"):
                iterate()
        assert ALL[5:] == [row.id async for row in rows]
        assert [] == [row.id async for row in rows]


@each_factory
async def test_iterated_over_by_two_tasks() -> None:
    """The second task that waits for a page gets an error, and the first one gets the page."""
    listing = WatchedListing()
    async with Prefetch(sliding_walk(4), listing.fetch) as ahead:
        rows = aiter(ahead)
        first = asyncio.ensure_future(anext(rows))
        await pass_turns(1)
        with pytest.raises(RuntimeError, match="two tasks wait for the next row of one prefetch at the same time"):
            await anext(rows)
        assert 0 == (await first).id
        assert ALL[1:] == [row.id async for row in rows]


@each_width
async def test_error_is_freed(width: int) -> None:
    """The error of a page, and with it all that its frames hold, is freed without the garbage collector."""
    gc.disable()
    try:
        for row in ALL:
            listing = WatchedListing(failures={row: fail(ContactshipError)})
            error = weakref.ref(listing.failures[row])
            with suppress(ContactshipError):
                await listing.walk_ahead(SlidingRows(width))
            listing.failures.clear()
            await pass_turns(1)

            assert error() is None
    finally:
        gc.enable()


@each_width
async def test_rows_are_freed(width: int) -> None:
    """When the block is left, no row is held any more, without the garbage collector, even if the prefetch is kept."""
    gc.disable()
    try:
        for row in ALL:
            listing = WatchedListing()
            prefetch = Prefetch(sliding_walk(width), listing.fetch)
            async with prefetch as ahead:
                await break_off_rows(ahead, row)
                await pass_turns(9)
            del ahead
            await pass_turns(1)

            assert len(listing.alive) <= 3  # of the last page: what the walk remembers
    finally:
        gc.enable()
