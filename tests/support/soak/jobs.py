"""What a soak does, over and over: each job asserts that it ends as it must, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from random import Random
from typing import Any, Final

from contactship_async import (
    ContactshipClient,
    ContactshipError,
    ContactshipPool,
    OrganizationResult,
    PhoneNumber,
    PoolError,
    RateLimit,
    RequestTimeoutError,
    RetryPolicy,
    Timeouts,
)
from contactship_async.sandbox import Sandbox
from soak.servers import ATTEMPTS, Servers

_RETRY: Final = RetryPolicy(max_attempts=ATTEMPTS, initial_delay=0.01)
_PATIENT: Final = Timeouts(attempt=25, total=50)  # for healthy organizations on a busy machine

Walk = Callable[[ContactshipClient], AsyncIterator[PhoneNumber]]


def _draw_walk(random: Random) -> Walk:
    page_size = random.choice((3, 5, 25))
    concurrency = random.choice((1, 2, 8))
    exact = random.random() < 0.3
    options: dict[str, Any] = {"page_size": page_size, "concurrency": concurrency, "exact": exact}

    async def fetch_ahead(client: ContactshipClient) -> AsyncGenerator[PhoneNumber, None]:
        async with client.phone_numbers.list().prefetch(**options) as ahead:
            async for number in ahead:
                yield number

    walks: tuple[Walk, ...] = (lambda client: client.iter_phone_numbers(**options), fetch_ahead)
    return random.choice(walks)


def _ids(sandbox: Sandbox) -> list[str]:
    return [number["id"] for number in sandbox.phone_numbers]


async def use_pool(servers: Servers, random: Random, turn: int) -> None:
    """Walk all organizations in several ways concurrently, over one pool."""
    rate_limit = random.choice((None, RateLimit(400, 1)))
    pool = ContactshipPool(
        {name: name for name in servers.organizations},
        base_url=servers.url,
        max_concurrent=random.choice((1, 3, 16)),
        rate_limit=rate_limit,
        retry=_RETRY,
        timeouts=_PATIENT,
    )
    async with pool, asyncio.TaskGroup() as jobs:
        jobs.create_task(_walk_all(pool, servers, _draw_walk(random)))
        jobs.create_task(_count_all(pool, servers))
        jobs.create_task(_leave_early(pool, _draw_walk(random), rows=random.randrange(200)))
        jobs.create_task(_be_cancelled(pool, _draw_walk(random), seconds=random.uniform(0, 0.1)))
        jobs.create_task(_run_out_of_time(pool, _draw_walk(random), seconds=random.uniform(0, 0.1)))


async def _walk_all(pool: ContactshipPool, servers: Servers, walk: Walk) -> None:
    """Get all numbers of all organizations, but for those that fail."""
    came: defaultdict[str, list[str]] = defaultdict(list)
    failed: set[str] = set()
    try:
        async for organization, number in pool.iter(walk):
            came[organization].append(number.id)
    except PoolError as error:
        failed = {each.organization for each in error.exceptions if isinstance(each.__cause__, ContactshipError)}
        assert len(failed) == len(error.exceptions)  # noqa: PT017 - the loop above raises only at its end
    _check_failed(failed)
    for name, sandbox in servers.organizations.items():
        if name in failed:
            assert len(set(came[name])) == len(came[name]), f"a row of {name} came twice"
            assert set(came[name]) <= {*_ids(sandbox)}
        else:
            assert _ids(sandbox) == came[name], f"{name} is not complete, or not in order"


def _check_failed(failed: set[str]) -> None:
    healthy = {name for name in failed if not name.startswith("broken")}
    assert not healthy, f"{healthy} failed"


async def _count_all(pool: ContactshipPool, servers: Servers) -> None:
    results: dict[str, OrganizationResult[int]] = {}
    async for result in pool.map(ContactshipClient.count_phone_numbers):
        assert result.organization not in results
        results[result.organization] = result
        assert result.error is None or isinstance(result.error, ContactshipError)
    assert results.keys() == servers.organizations.keys()
    _check_failed({name for name, result in results.items() if result.error is not None})
    for name, result in results.items():
        is_healthy = not name.startswith("broken")
        assert not is_healthy or result.value == len(servers.organizations[name].phone_numbers)


async def _leave_early(pool: ContactshipPool, walk: Walk, *, rows: int) -> None:
    with suppress(PoolError):
        async with aclosing(pool.iter(walk)) as numbers:
            async for _ in numbers:
                rows -= 1
                if rows < 0:
                    break


async def _exhaust(pool: ContactshipPool, walk: Walk) -> None:
    with suppress(PoolError):
        async for _ in pool.iter(walk):
            pass


async def _be_cancelled(pool: ContactshipPool, walk: Walk, *, seconds: float) -> None:
    task = asyncio.create_task(_exhaust(pool, walk))
    await asyncio.sleep(seconds)  # real time, drawn
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert outcome is None or type(outcome) is asyncio.CancelledError


async def _run_out_of_time(pool: ContactshipPool, walk: Walk, *, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _exhaust(pool, walk)


async def use_client(servers: Servers, random: Random, turn: int) -> None:
    """Open, use, close and reopen a client, over a server of its own."""
    client = servers.own.client(retry=_RETRY, timeouts=_PATIENT)
    for _ in range(2):
        numbers = [number.id async for number in _draw_walk(random)(client)]
        assert _ids(servers.own) == numbers
        async for _ in client.iter_phone_numbers(page_size=10, concurrency=4):
            break  # and leave the generator to the garbage collector
        assert {"data", "count"} == (await client.request("GET", "/v1/phone-numbers")).keys()
        await client.close()


async def use_new_sandbox(servers: Servers, random: Random, turn: int) -> None:
    """Open and close a sandbox, with the client open longer, or shorter."""
    sandbox = Sandbox(12)
    client = Sandbox(12).client()
    async with sandbox:
        over_port = sandbox.client(retry=_RETRY)
        assert 12 == await over_port.count_phone_numbers()
        if random.random() < 0.5:
            await over_port.close()
    await over_port.close()
    async with client:
        assert 12 == len([number async for number in _draw_walk(random)(client)])


async def time_out(servers: Servers, random: Random, turn: int) -> None:
    """Ask a server that never responds, with both limits, and with a cancellation."""
    timeouts = random.choice((Timeouts(attempt=0.02), Timeouts(total=0.05), Timeouts(attempt=0.02, total=0.05)))
    async with servers.stalled.client(retry=_RETRY, timeouts=timeouts) as client:
        walk = client.iter_phone_numbers()
        cancelled = asyncio.create_task(client.list_phone_numbers())
        await asyncio.sleep(0.01)  # real time, as the limits around it
        cancelled.cancel()
        outcomes: list[Any] = await asyncio.gather(
            client.count_phone_numbers(), anext(walk), cancelled, return_exceptions=True
        )
        assert [RequestTimeoutError] * 2 == [type(outcome) for outcome in outcomes[:2]]
        assert type(outcomes[2]) in {asyncio.CancelledError, RequestTimeoutError}
