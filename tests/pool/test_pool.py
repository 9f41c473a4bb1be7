"""The pool: many organizations merged, each with its own failures, and nothing left behind."""

from __future__ import annotations

import asyncio
import copy
import copyreg
import gc
import pickle
import traceback
import weakref
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from typing import Any

import pytest
from attrs import define, field
from key_leaks import KEY, leaks, shown_by
from turns import pass_turns

from contactship_async import (
    AmbiguousOutcomeError,
    AuthenticationError,
    ConfigurationError,
    ContactshipClient,
    ContactshipError,
    ContactshipPool,
    NotFoundError,
    OrganizationError,
    OrganizationResult,
    PoolError,
    RateLimit,
    Request,
    Response,
    RetryPolicy,
    ServerError,
    Timeouts,
    WalkPosition,
)
from contactship_async._http.connection import Connection
from contactship_async.sandbox import Sandbox

ONCE = RetryPolicy(max_attempts=1)
Walk = Callable[[ContactshipClient], AsyncIterable[Any]]
KEYS = {name: f"key-of-{name}" for name in ("acme", "globex", "initech", "umbrella")}


@define
class Tenants:
    """A server with a sandbox for each key, and what it does to each besides."""

    sandboxes: Mapping[str, Sandbox]
    troubles: dict[str, Callable[[Request], Awaitable[Response | None]]] = field(factory=dict)
    requests: Counter[str] = field(factory=Counter)
    under_way: int = 0
    max_in_flight: int = 0

    @classmethod
    def with_numbers(cls, **numbers: int) -> Tenants:
        """Make a sandbox with so many numbers for each organization."""
        return cls(
            {f"key-of-{name}": Sandbox(count, api_key=f"key-of-{name}", seed=index)
             for index, (name, count) in enumerate(numbers.items())}
        )  # fmt: skip

    async def transport(self, request: Request) -> Response:
        """Respond by the key."""
        key = request.api_key.reveal()
        name = key.removeprefix("key-of-")
        self.requests[name] += 1
        self.under_way += 1
        self.max_in_flight = max(self.max_in_flight, self.under_way)
        try:
            await asyncio.sleep(0)
            if name in self.troubles:
                response = await self.troubles[name](request)
                if response is not None:
                    return response
            if key not in self.sandboxes:
                return Response(status=401)
            return await self.sandboxes[key].transport(request)
        finally:
            self.under_way -= 1

    def pool(self, *names: str, **settings: Any) -> ContactshipPool:
        """Make a pool of *names*, or of all."""
        keys = {name: f"key-of-{name}" for name in names} or {
            key.removeprefix("key-of-"): key for key in self.sandboxes
        }
        return ContactshipPool(keys, transport=self.transport, **{"retry": ONCE, **settings})


def walk(client: ContactshipClient) -> AsyncIterator[Any]:
    """Walk in small pages."""
    return client.iter_phone_numbers(page_size=10)


def listing(client: ContactshipClient) -> AsyncIterable[Any]:
    """Return a listing, in pages of 100."""
    return client.phone_numbers.list()


each_walk = pytest.mark.parametrize("begin", [walk, listing])


async def stall(_: Request) -> Response | None:
    """Never respond."""
    await asyncio.Event().wait()
    return None


async def fail(_: Request) -> Response | None:
    """Respond with 500."""
    return Response(status=500)


async def collect(numbers: AsyncGenerator[tuple[str, Any], None]) -> tuple[dict[str, list[str]], PoolError | None]:
    """Return the ids of each organization in the order in which they came, and what was raised in the end."""
    ids: dict[str, list[str]] = defaultdict(list)
    try:
        async for organization, number in numbers:
            ids[organization].append(number.id)
    except PoolError as error:
        return ids, error
    return ids, None


async def ids_of(tenants: Tenants, name: str) -> list[str]:
    """Return what an organization has."""
    async with tenants.sandboxes[f"key-of-{name}"].client() as client:
        return [number.id async for number in client.iter_phone_numbers()]


@each_walk
@pytest.mark.parametrize("max_concurrent", [1, 2, 3, 100])
async def test_all_numbers_of_all_organizations(max_concurrent: int, begin: Walk) -> None:
    """All come, those of each organization in their order, and no more organizations are active than allowed."""
    tenants = Tenants.with_numbers(acme=35, globex=0, initech=1, umbrella=310)
    async with tenants.pool(max_concurrent=max_concurrent) as pool:
        ids, error = await collect(pool.iter(begin))

    assert error is None
    assert {name: ids.get(name, []) for name in KEYS} == {name: await ids_of(tenants, name) for name in KEYS}
    assert tenants.max_in_flight <= max_concurrent


async def test_they_come_as_they_arrive() -> None:
    """Organizations take turns: none waits for another to end."""
    tenants = Tenants.with_numbers(acme=50, globex=50)
    async with tenants.pool() as pool:
        names = [name async for name, _ in pool.iter(walk)]

    assert names.index("globex") < 20
    assert "acme" in names[-30:]


async def test_failures() -> None:
    """All healthy organizations are delivered; then one error names each that is not, with its cause and position."""
    tenants = Tenants.with_numbers(acme=35, globex=35, initech=35, umbrella=35)
    failed: list[int] = []

    async def fail_later(_: Request) -> Response | None:
        failed.append(1)
        return Response(status=500) if len(failed) > 2 else None

    tenants.troubles["globex"] = fail
    tenants.troubles["initech"] = fail_later
    async with tenants.pool(*KEYS, "unknown") as pool:
        ids, error = await collect(pool.iter(walk))

    assert {"acme": 35, "umbrella": 35, "initech": 20} == {name: len(found) for name, found in ids.items()}
    assert isinstance(error, PoolError)
    assert isinstance(error, ContactshipError)
    assert "3 of 5 organizations failed" == error.message
    failures = {failure.organization: failure for failure in error.exceptions}
    assert {"globex", "initech", "unknown"} == set(failures)
    assert isinstance(failures["unknown"].__cause__, AuthenticationError)
    assert isinstance(failures["initech"].__cause__, ServerError)
    assert WalkPosition(20, 20) == failures["initech"].position
    assert WalkPosition(0, 0) == failures["globex"].position
    assert "unknown: GET /v1/phone-numbers failed: 401 Unauthorized" == str(failures["unknown"])


async def test_single_failure_is_a_group_too() -> None:
    """One failure, of whatever kind, is a group of one; what a foreign error says is left to its traceback."""
    tenants = Tenants.with_numbers(acme=3)

    async def broken(client: ContactshipClient) -> AsyncIterator[int]:
        yield 1
        message = "+12025550142"
        raise LookupError(message)

    async with tenants.pool() as pool:
        with pytest.raises(PoolError) as caught:
            async for _ in pool.iter(broken):
                pass

    (failure,) = caught.value.exceptions
    assert "acme: LookupError" == str(failure)
    assert isinstance(failure.__cause__, LookupError)
    assert failure.position is None


async def test_errors_survive_pickling_and_splitting() -> None:
    """A pool's error pickles with its causes, and its parts are such errors again."""
    tenants = Tenants.with_numbers(acme=3)
    async with tenants.pool("acme", "x", "y") as pool:
        _, error = await collect(pool.iter(walk))

    assert error is not None
    again = pickle.loads(pickle.dumps(error))
    assert type(error) is type(again)
    assert error.message == again.message
    assert [str(failure) for failure in error.exceptions] == [str(failure) for failure in again.exceptions]
    assert [AuthenticationError] * 2 == [type(failure.__cause__) for failure in again.exceptions]
    part, rest = error.split(lambda failure: getattr(failure, "organization", "") == "x")
    assert isinstance(part, PoolError)
    assert isinstance(rest, PoolError)
    assert (["x"], ["y"]) == tuple([failure.organization for failure in group.exceptions] for group in (part, rest))
    assert "x: GET /v1/phone-numbers failed: 401 Unauthorized" in "".join(traceback.format_exception(again))


async def test_walk_that_is_none() -> None:
    """A function that returns no async iterator fails with what to do instead."""
    tenants = Tenants.with_numbers(acme=3)
    async with tenants.pool() as pool:
        with pytest.raises(PoolError):
            async for _ in pool.iter(lambda _: 5):  # type: ignore[arg-type, return-value] # is refused
                pass
        with pytest.raises(PoolError) as caught:
            async for _ in pool.iter(lambda client: client.count_phone_numbers()):  # type: ignore[return-value, arg-type] # is refused
                pass
        for wrong in (None, 5):
            with pytest.raises(TypeError, match="must be of type Callable"):
                pool.iter(wrong)  # type: ignore[arg-type] # is refused
            with pytest.raises(TypeError, match="must be of type Callable"):
                pool.map(wrong)  # type: ignore[arg-type] # is refused

    assert "not coroutine; for a coroutine there is map" in str(caught.value.exceptions[0].__cause__)


async def test_iterator_without_aclose() -> None:
    """Any async iterator will do."""

    class Countdown:
        def __init__(self) -> None:
            self._left = 3

        def __aiter__(self) -> Countdown:
            return self

        async def __anext__(self) -> int:
            if self._left == 0:
                raise StopAsyncIteration
            self._left -= 1
            return self._left

    async with Tenants.with_numbers(acme=0, globex=0).pool() as pool:
        items = sorted([item async for item in pool.iter(lambda _: Countdown())])

    assert [(name, number) for name in ("acme", "globex") for number in range(3)] == items


async def test_map() -> None:
    """Each organization has one result, in the order in which they end: a value, or the error as it was raised."""
    tenants = Tenants.with_numbers(acme=35, globex=7)
    release = asyncio.Event()
    failure = LookupError("no such thing")

    async def job(client: ContactshipClient) -> int:
        if client.organization == "acme":
            await release.wait()
        if client.organization == "initech":
            raise failure
        return await client.count_phone_numbers()

    results: list[OrganizationResult[int]] = []
    async with tenants.pool("acme", "globex", "initech", "unknown") as pool:
        async for result in pool.map(job):
            results.append(result)
            if len(results) == 3:
                release.set()

    by_name = {result.organization: result for result in results}
    assert OrganizationResult("acme", 35, None) == results[-1]
    assert OrganizationResult("globex", 7, None) == by_name["globex"]
    assert OrganizationResult("initech", None, failure) == by_name["initech"]
    assert isinstance(by_name["unknown"].error, AuthenticationError)
    assert by_name["unknown"].value is None


async def test_slow_consumer_holds_everything_up() -> None:
    """While the consumer is busy, each active organization waits within a page: nothing piles up."""
    names = [f"org{index}" for index in range(20)]
    tenants = Tenants.with_numbers(**dict.fromkeys(names, 100))
    alive: weakref.WeakSet[Any] = weakref.WeakSet()

    async def tracked(client: ContactshipClient) -> AsyncGenerator[Any, None]:
        async with aclosing(client.iter_phone_number_pages(page_size=10)) as pages:
            async for page in pages:
                rows = [_Row(number.id) for number in page]
                alive.update(rows)
                while rows:
                    yield rows.pop(0)

    most = 0
    seen = 0
    async with tenants.pool(max_concurrent=4) as pool:
        async for _, row in pool.iter(tracked):
            del row
            seen += 1
            for _ in range(20):
                await asyncio.sleep(0)
            most = max(most, len(alive))

    assert 2000 == seen
    assert most <= 4 * 10 + 4


async def test_next_page_of_a_listing_is_fetched_ahead() -> None:
    """While the consumer is busy with a page of an active organization's listing, the next one comes, and no other."""
    tenants = Tenants.with_numbers(acme=450, globex=450, initech=450)
    came: Counter[str] = Counter()
    requests: list[tuple[int, int]] = []
    async with tenants.pool(max_concurrent=2) as pool:
        async for organization, _ in pool.iter(listing):
            came[organization] += 1
            for _ in range(5):
                await asyncio.sleep(0)
            if came[organization] % 100 == 50:  # in the midst of a page
                requests.append((came[organization], tenants.requests[organization]))

    assert {"acme": 450, "globex": 450, "initech": 450} == came
    assert {(50, 2), (150, 3), (250, 4), (350, 5), (450, 5)} == set(requests)


class _Row:
    """A row that can be watched."""

    def __init__(self, identifier: str) -> None:
        self.id = identifier


async def take(numbers: AsyncGenerator[Any, None], wanted: int, then: Callable[[], Awaitable[object]]) -> None:
    """Take some numbers, and do something with the last."""
    async with aclosing(numbers):
        async for _ in numbers:
            wanted -= 1
            if wanted < 0:
                await then()
                break


async def _nothing() -> None:
    pass


async def _fail() -> None:
    raise KeyError


async def leave_by_break(numbers: AsyncGenerator[Any, None], taken: int) -> None:
    """Leave the loop, and nothing else."""
    async for _ in numbers:
        taken -= 1
        if taken < 0:
            break


async def leave_by_cancelling(numbers: AsyncGenerator[Any, None], taken: int) -> None:
    """Cancel the task that iterates, after as many turns of the loop."""
    task = asyncio.create_task(take(numbers, 1000, _nothing))
    for _ in range(taken * 3):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def leave_by_timeout(numbers: AsyncGenerator[Any, None], taken: int) -> None:
    """Run into a time limit around the loop."""

    async def run_out() -> None:
        limit.reschedule(0)
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            await take(numbers, taken, run_out)


async def leave_by_error(numbers: AsyncGenerator[Any, None], taken: int) -> None:
    """Fail within the loop."""
    with pytest.raises(KeyError):
        await take(numbers, taken, _fail)


MAX_TURNS = 10_000


@each_walk
@pytest.mark.parametrize("taken", range(0, 40, 3))
@pytest.mark.parametrize("leave", [leave_by_break, leave_by_cancelling, leave_by_timeout, leave_by_error])
async def test_left_anywhere(
    taken: int, leave: Callable[[AsyncGenerator[Any, None], int], Awaitable[None]], begin: Walk
) -> None:
    """Wherever a merged walk is left, and however, no task or request goes on."""
    tenants = Tenants.with_numbers(**dict.fromkeys(("acme", "globex", "initech"), 20 if begin is walk else 120))
    tenants.troubles["initech"] = stall
    tasks_before = asyncio.all_tasks()
    async with tenants.pool() as pool:
        await leave(pool.iter(begin), taken)
        if leave is leave_by_break:  # The loop closes what is left of it, in as many turns as that takes.
            gc.collect()
            for _ in range(MAX_TURNS):
                if tasks_before == asyncio.all_tasks():
                    break
                await asyncio.sleep(0)

        assert tasks_before == asyncio.all_tasks()
        assert 0 == tenants.under_way


@each_walk
async def test_closed_while_it_is_iterated_over(begin: Walk) -> None:
    """Leaving the pool ends its merges: the walk that is still held raises, and no task remains."""
    tenants = Tenants.with_numbers(acme=220, globex=220)
    tasks_before = asyncio.all_tasks()
    async with tenants.pool() as pool:
        held = pool.iter(begin)
        await anext(held)
        waiting = pool.iter(lambda _: _never())
        other = asyncio.create_task(anext(waiting))
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="the pool was closed while it was iterated over"):
        await anext(held)
    with pytest.raises(RuntimeError, match="the pool was closed while it was iterated over"):
        await other
    assert tasks_before == asyncio.all_tasks()


async def _never() -> AsyncGenerator[int, None]:
    await asyncio.Event().wait()
    yield 0


@each_walk
@pytest.mark.parametrize("left_open", [False, True])
def test_ends_with_its_loop(left_open: bool, begin: Walk) -> None:
    """A loop that ends closes a merged walk that is held, within the pool or after it, without a warning."""
    held: list[object] = []

    async def main() -> None:
        tenants = Tenants.with_numbers(acme=220, globex=220)
        pool = tenants.pool()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(pool)
            for numbers in (pool.iter(begin), pool.map(lambda client: client.count_phone_numbers())):
                held.extend((numbers, await anext(numbers)))
            if left_open:
                held.append(stack.pop_all())

    asyncio.run(main())


async def test_second_cancellation_during_the_end() -> None:
    """A consumer that is cancelled twice still leaves nothing behind, though a walk takes its time to close."""
    closing = asyncio.Event()
    tasks_before = asyncio.all_tasks()

    async def stubborn(_: ContactshipClient) -> AsyncGenerator[int, None]:
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            closing.set()
            try:
                await asyncio.Event().wait()
            finally:
                await pass_turns()

    async with Tenants.with_numbers(acme=1).pool() as pool:
        task = asyncio.create_task(collect(pool.iter(stubborn)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await closing.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert tasks_before == asyncio.all_tasks()


async def test_cancelled_from_within() -> None:
    """An organization that is cancelled from within, not by the consumer, has failed; all others are delivered."""
    tenants = Tenants.with_numbers(acme=10, globex=10)
    cancelled = asyncio.get_running_loop().create_future()
    cancelled.cancel()

    async def walk_or_not(client: ContactshipClient) -> AsyncGenerator[Any, None]:
        async for number in client.iter_phone_numbers():
            yield number
            if client.organization == "acme":
                await cancelled

    async def count_or_not(client: ContactshipClient) -> int:
        return await (cancelled if client.organization == "acme" else client.count_phone_numbers())

    async with tenants.pool() as pool:
        ids, error = await collect(pool.iter(walk_or_not))
        results = {result.organization: result async for result in pool.map(count_or_not)}

    assert {"acme": 1, "globex": 10} == {name: len(found) for name, found in ids.items()}
    assert error is not None
    assert "it was cancelled from within" == str(error.exceptions[0].__cause__)
    assert (10, "it was cancelled from within") == (results["globex"].value, str(results["acme"].error))


@pytest.mark.parametrize("how", ["iter", "map"])
async def test_cancellation_that_is_swallowed(how: str) -> None:
    """A job or walk that ignores its cancellation and goes on is left all the same, and no other one begins."""
    begun: list[str | None] = []

    async def job(client: ContactshipClient) -> int:
        begun.append(client.organization)
        if len(begun) == 1:
            return 0
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        return 1

    async def stubborn(client: ContactshipClient) -> AsyncGenerator[int, None]:
        yield await job(client)
        yield 2

    async with Tenants.with_numbers(acme=1, globex=1, initech=1, umbrella=1).pool(max_concurrent=2) as pool:
        items: AsyncGenerator[Any, None] = pool.iter(stubborn) if how == "iter" else pool.map(job)
        async with asyncio.timeout(5), aclosing(items):
            async for _ in items:
                await pass_turns()
                break
        before = len(begun)
        await pass_turns()

    assert before == len(begun) < 4


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 20])
async def test_exit_that_is_cancelled(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    """A pool whose end is cancelled while walks take their time to close leaves none of them, and no session."""
    tasks_before = asyncio.all_tasks()

    async def slow_to_close(_: ContactshipClient) -> AsyncGenerator[int, None]:
        try:
            while True:
                yield 0
                await asyncio.sleep(0)
        finally:
            await pass_turns()

    def run_out_after(turns: int, limit: asyncio.Timeout) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(run_out_after, turns - 1, limit)
        else:
            limit.reschedule(0)

    closed: list[Connection] = []
    close = Connection.close

    async def note(connection: Connection) -> None:
        closed.append(connection)
        await close(connection)

    monkeypatch.setattr(Connection, "close", note)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit, Tenants.with_numbers(acme=1, globex=1).pool() as pool:
            held = [pool.iter(slow_to_close) for _ in range(4)]
            for numbers in held:
                await anext(numbers)
            run_out_after(turns, limit)

    assert [pool._connection] == closed
    assert tasks_before == asyncio.all_tasks()


async def test_failures_hold_nothing() -> None:
    """What a failed walk held is gone: its frames are only kept as places in the code."""
    tenants = Tenants.with_numbers(acme=3)

    async def broken(_: ContactshipClient) -> AsyncGenerator[int, None]:
        held = [0] * 1000
        yield len(held)
        raise LookupError

    async def refused(client: ContactshipClient) -> AsyncGenerator[Any, None]:
        async for number in client.iter_phone_numbers():
            yield number

    async with tenants.pool("acme", "unknown") as pool:
        with pytest.raises(PoolError) as caught:
            assert [] == [item async for item in pool.iter(refused)]
        (failure,) = caught.value.exceptions
        assert failure.__cause__ is not None
        walk_frames = [frame for frame, _ in traceback.walk_tb(failure.__cause__.__traceback__)][1:]
        assert {"refused", "walk_rows", "walk_pages"} <= {frame.f_code.co_name for frame in walk_frames}
        assert [] == [frame.f_code.co_name for frame in walk_frames if frame.f_locals]
        with pytest.raises(PoolError) as caught:
            assert [] == [item async for item in pool.iter(listing)]
        (failure,) = caught.value.exceptions
        assert failure.__cause__ is not None
        walk_frames = [frame for frame, _ in traceback.walk_tb(failure.__cause__.__traceback__)][1:]
        assert {"_fetch_ahead", "take"} <= {frame.f_code.co_name for frame in walk_frames}
        assert [] == [frame.f_code.co_name for frame in walk_frames if frame.f_locals]
    async with tenants.pool() as pool:
        with pytest.raises(PoolError) as caught:
            assert [] == [item async for item in pool.iter(broken)]

    cause = caught.value.exceptions[0].__cause__
    assert cause is not None
    frames = {frame.f_code.co_name: frame.f_locals for frame, _ in traceback.walk_tb(cause.__traceback__)}
    assert {} == frames["broken"]


async def test_iterated_over_after_the_pool() -> None:
    """A generator that was made in the pool, but begins after it, raises instead of failing for each organization."""
    async with Tenants.with_numbers(acme=3).pool() as pool:
        numbers, results = pool.iter(walk), pool.map(lambda client: client.count_phone_numbers())
        with pytest.raises(RuntimeError, match="in use already"):
            await pool.__aenter__()
    for late in (numbers, results):
        with pytest.raises(RuntimeError, match="within its `async with`"):
            await anext(late)


async def test_iterable_that_is_no_iterator() -> None:
    """Of an object whose `__aiter__` is an async generator, the generator is closed along with the merge."""
    closed: list[str] = []

    class Listing:
        async def __aiter__(self) -> AsyncGenerator[int, None]:
            try:
                yield 1
                await asyncio.Event().wait()
            finally:
                closed.append("yes")

    async with Tenants.with_numbers(acme=1).pool() as pool, aclosing(pool.iter(lambda _: Listing())) as items:
        async for _ in items:
            break

    assert ["yes"] == closed


async def test_used_only_within_async_with() -> None:
    """Outside `async with`, nothing of a pool works; within a second one, it works again."""
    pool = Tenants.with_numbers(acme=3).pool()
    for _ in range(2):
        for use in (lambda: pool.iter(walk), lambda: pool.map(lambda client: client.count_phone_numbers())):
            with pytest.raises(RuntimeError, match="within its `async with`"):
                use()
        with pytest.raises(RuntimeError, match="within its `async with`"):
            await pool["acme"].count_phone_numbers()
        async with pool:
            assert 3 == await pool["acme"].count_phone_numbers()


async def test_its_clients() -> None:
    """A pool's client is a client like any other, always the same one, and closing it does not close the pool."""
    tenants = Tenants.with_numbers(acme=3, globex=5)
    async with tenants.pool() as pool:
        async with pool["acme"] as client:
            assert isinstance(client, ContactshipClient)
            assert "acme" == client.organization
            assert "<ContactshipClient of acme, https://api.contactship.ai>" == repr(client)
        assert client is pool["acme"]
        assert 3 == await client.count_phone_numbers()
        assert 5 == await pool["globex"].count_phone_numbers()
        with pytest.raises(KeyError):
            pool["unknown"]
        assert (["acme", "globex"], 2, True, False) == ([*pool], len(pool), "acme" in pool, "unknown" in pool)
    assert "<ContactshipPool https://api.contactship.ai>" == repr(pool)
    assert ContactshipClient("key").organization is None


async def test_empty_pool() -> None:
    """A pool without organizations has nothing to yield."""
    async with ContactshipPool({}) as pool:
        assert [] == [item async for item in pool.iter(walk)]
        assert [] == [item async for item in pool.map(lambda client: client.count_phone_numbers())]


@pytest.mark.parametrize("key", [None, "", KEY + " " + KEY, KEY + "\n-", 5, KEY.encode(), KEY * 50], ids=repr)
async def test_malformed_keys(key: Any) -> None:
    """A malformed key is refused by the name of its organization, never by its value; fetched ones at first use."""
    with pytest.raises(ConfigurationError, match="API key of 'globex'") as caught:
        ContactshipPool({"acme": KEY, "globex": key})
    error = caught.value
    assert error.__traceback__ is not None
    frames_of_the_package = error.__traceback__.tb_next
    assert [] == leaks(shown_by(error.with_traceback(frames_of_the_package)))

    async def fetch() -> Any:
        return key

    async with ContactshipPool({"globex": fetch}, transport=Tenants({}).transport) as pool:
        with pytest.raises(ConfigurationError, match="API key of 'globex'"):
            await pool["globex"].count_phone_numbers()


@pytest.mark.parametrize("api_keys", [{"": KEY}, {5: KEY}, {"good": KEY, None: KEY}, [("acme", KEY)], KEY], ids=repr)
def test_refused_keys_are_not_revealed(api_keys: Any) -> None:
    """No frame of the package that an error passes through holds a key."""
    with pytest.raises(TypeError) as caught:
        ContactshipPool(api_keys)
    error = caught.value
    assert error.__traceback__ is not None
    assert [] == leaks(shown_by(error.with_traceback(error.__traceback__.tb_next)))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"api_keys": [("acme", "key")]}, TypeError, "api_keys must be of type Mapping"),
        ({"api_keys": {5: "key"}}, TypeError, "names of organizations"),
        ({"api_keys": {"": "key"}}, TypeError, "names of organizations"),
        ({"max_concurrent": 0}, ValueError, "max_concurrent must be an integer >= 1"),
        ({"max_concurrent": True}, TypeError, "max_concurrent must be an integer >= 1"),
        ({"rate_limit": 120}, TypeError, "rate_limit must be of type RateLimit"),
        ({"total_rate_limit": (600, 60)}, TypeError, "total_rate_limit must be of type RateLimit"),
        ({"base_url": "http://example.com"}, ConfigurationError, "in clear"),
        ({"unknown": 1}, TypeError, "unknown"),
    ],
)
def test_refused_arguments(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """What is not allowed is refused at once, by its name."""
    with pytest.raises(error, match=text):
        ContactshipPool(**{"api_keys": {"acme": "key"}, **arguments})


async def test_fetched_keys() -> None:
    """A key's function is asked when the turn of its organization comes, once, and again after a 401."""
    tenants = Tenants.with_numbers(acme=3, globex=3)
    asked: list[str] = []

    def source(name: str) -> Callable[[], Awaitable[str]]:
        async def fetch() -> str:
            asked.append(name)
            return f"key-of-{name}" if name != "globex" or asked.count("globex") > 1 else "outdated"

        return fetch

    async with ContactshipPool(
        {name: source(name) for name in ("acme", "globex")}, transport=tenants.transport, max_concurrent=1, retry=ONCE
    ) as pool:
        assert [] == asked
        first = {result.organization: result.value async for result in pool.map(lambda c: c.count_phone_numbers())}
        second = {result.organization: result.value async for result in pool.map(lambda c: c.count_phone_numbers())}

    assert {"acme": 3, "globex": None} == first
    assert {"acme": 3, "globex": 3} == second
    assert ["acme", "globex", "globex"] == asked


async def test_budgets() -> None:
    """Each organization has its own budget, and all share the total one."""
    tenants = Tenants.with_numbers(acme=3, globex=3)
    async with tenants.pool(
        rate_limit=RateLimit(2, 3600), total_rate_limit=RateLimit(3, 3600), timeouts=Timeouts(total=10)
    ) as pool:
        counts = [3, 3]
        assert counts == [await pool["acme"].count_phone_numbers() for _ in range(2)]
        with pytest.raises(ContactshipError, match=r"its own client's queue holds it back for another 3600\.0 s"):
            await pool["acme"].count_phone_numbers()
        assert 3 == await pool["globex"].count_phone_numbers()
        with pytest.raises(ContactshipError, match="its own client's queue holds it back"):
            await pool["globex"].count_phone_numbers()


async def test_not_found_is_no_authentication_error() -> None:
    """What one organization lacks is its error, and no other's."""
    tenants = Tenants.with_numbers(acme=3, globex=3)
    async with tenants.pool() as pool:
        with pytest.raises(NotFoundError):
            await pool["acme"].request("GET", "/v1/unknown")
        assert 3 == await pool["acme"].count_phone_numbers()


async def test_errors_of_a_pool_say_what_may_have_been_processed() -> None:
    """An organization's error says what its call's does, and the group what any of them does."""
    sure, unsure = NotFoundError(status=404, method="GET", path="/"), AmbiguousOutcomeError("x")
    errors = [OrganizationError("a", sure), OrganizationError("b", unsure), OrganizationError("c", KeyError("x"))]

    assert [False, True, False] == [error.may_have_been_processed for error in errors]
    assert PoolError("x", errors).may_have_been_processed
    assert not PoolError("x", errors[::2]).may_have_been_processed
    assert pickle.loads(pickle.dumps(errors[1])).may_have_been_processed


class OddError(Exception):
    """An error that does not survive pickling."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@pytest.fixture
def _errors_pickle_as_usual() -> Iterator[None]:
    """Undo what tblib does to errors, which distributed imports: it pickles what led to them, or fails."""
    before = dict(copyreg.dispatch_table)
    for kind in before:
        if issubclass(kind, BaseException):
            del copyreg.dispatch_table[kind]
    yield
    copyreg.dispatch_table.update(before)


@pytest.mark.usefixtures("_errors_pickle_as_usual")
@pytest.mark.parametrize("cause", [OddError(5, "x"), type("Local", (Exception,), {})()], ids=repr)
def test_odd_causes(cause: Exception) -> None:
    """A cause that can't be pickled is left out of the pickle; its class is in the text."""
    error = pickle.loads(pickle.dumps(PoolError("1 of 1", [OrganizationError("acme", cause)])))

    (failure,) = error.exceptions
    assert (f"acme: {type(cause).__name__}", None) == (str(failure), failure.__cause__)
    assert failure.__cause__ is copy.deepcopy(failure).__cause__


def test_organization_error_alone() -> None:
    """The error of one organization can be made, and pickled, on its own."""
    error = pickle.loads(pickle.dumps(OrganizationError("acme", ValueError("x"))))

    assert ("acme", "acme: ValueError") == (error.organization, str(error))
    assert "x" == str(error.__cause__)


async def test_error_of_a_task_that_goes_on() -> None:
    """An error that came from a task still at work does not end that task: its frame is not let go."""
    tenants = Tenants.with_numbers(acme=3)
    shared: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    release = asyncio.Event()

    async def supervise() -> str:
        try:
            int("no number")
        except ValueError as error:
            shared.set_exception(error)
        await release.wait()
        return "went on"

    async def wait_for_shared(_: ContactshipClient) -> int:
        return await shared

    supervisor = asyncio.create_task(supervise())
    async with tenants.pool() as pool:
        (result,) = [result async for result in pool.map(wait_for_shared)]
    release.set()

    assert isinstance(result.error, ValueError)
    assert "went on" == await supervisor
