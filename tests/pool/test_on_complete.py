"""`pool.iter(on_complete=…)`: told of each organization that came completely, in its place among the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from contactship_async import ContactshipClient, ContactshipPool, PoolError, Request, Response
from contactship_async.errors import ContactshipError

NAMES = [f"org{number}" for number in range(7)]


async def nothing(_: Request) -> Response:
    """Stand for a transport that is not asked."""
    raise AssertionError


def pool_of(*names: str, **settings: Any) -> ContactshipPool:
    """Make a pool of these organizations."""
    return ContactshipPool(dict.fromkeys(names, "sk-1"), transport=nothing, **settings)


async def walk(client: ContactshipClient) -> AsyncIterator[int]:
    """Yield as many items as the organization's number says; org3 fails after its second."""
    for item in range(int(str(client.organization)[3:])):
        await asyncio.sleep(0)
        if client.organization == "org3" and item == 2:
            message = "broken"
            raise ContactshipError(message)
        yield item


@pytest.mark.parametrize("max_concurrent", [1, 3, 16])
async def test_after_the_last_row_and_before_any_further(max_concurrent: int) -> None:
    """It is awaited once for each organization, after its last row was handled, with the number of its rows."""
    told: list[tuple[str, int | str]] = []
    busy = 0

    async def note(organization: str, rows: int) -> None:
        nonlocal busy
        busy += 1
        await asyncio.sleep(0)
        assert 1 == busy, "two at once, or a row meanwhile"
        busy -= 1
        told.append((organization, f"{rows} rows"))

    with pytest.raises(PoolError) as caught:
        async with pool_of(*NAMES, max_concurrent=max_concurrent) as pool:
            async for organization, item in pool.iter(walk, on_complete=note):
                busy += 1
                await asyncio.sleep(0)
                assert 1 == busy
                busy -= 1
                told.append((organization, item))

    assert ["org3"] == [error.organization for error in caught.value.exceptions]
    for name in NAMES:
        number = int(name[3:])
        end: list[int | str] = [0, 1] if name == "org3" else [*range(number), f"{number} rows"]
        assert end == [item for organization, item in told if organization == name]


async def test_rows_come_on_when_it_is_done() -> None:
    """While it runs no row comes, and the next one after it."""
    order: list[str] = []

    async def commit(organization: str, rows: int) -> None:
        order.append(f"begin {organization}")
        for _ in range(20):
            await asyncio.sleep(0)
        order.append(f"end {organization}")

    async with pool_of("org1", "org2", max_concurrent=2) as pool:
        async for organization, _ in pool.iter(walk, on_complete=commit):
            order.append(organization)

    for name in ("org1", "org2"):
        assert order.index(f"end {name}") == order.index(f"begin {name}") + 1
    assert ["org1", "org2", "org2"] == sorted(one for one in order if " " not in one)


@pytest.mark.parametrize("kind", [LookupError, ContactshipError, asyncio.CancelledError])
async def test_what_it_raises_ends_the_iteration(kind: type[BaseException]) -> None:
    """It is raised as it is, no further organization is told of, and nothing is left behind."""
    told: list[str] = []

    async def fail(organization: str, rows: int) -> None:
        told.append(organization)
        raise kind

    async with pool_of(*NAMES) as pool:
        with pytest.raises(kind) as caught:
            async for _ in pool.iter(walk, on_complete=fail):
                pass

    assert kind is type(caught.value)
    assert 1 == len(told)


async def test_cancelled_while_it_runs() -> None:
    """A cancellation reaches it, and the iteration ends with that."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(organization: str, rows: int) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def consume() -> None:
        async with pool_of("org1", "org2") as pool:
            async for _ in pool.iter(walk, on_complete=hang):
                pass

    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_not_for_those_that_were_left() -> None:
    """Whoever leaves at the last row has not taken it, as far as anybody knows."""
    told: list[str] = []

    async def note(organization: str, rows: int) -> None:
        told.append(organization)

    async with pool_of("org1") as pool, aclosing(pool.iter(walk, on_complete=note)) as items:
        assert ("org1", 0) == await anext(items)
    assert [] == told


async def test_empty_organizations() -> None:
    """One without rows is complete as well."""
    told: list[tuple[str, int]] = []

    async def note(organization: str, rows: int) -> None:
        told.append((organization, rows))

    async with pool_of("org0") as pool:
        assert [] == [item async for item in pool.iter(walk, on_complete=note)]
    assert [("org0", 0)] == told


async def test_no_async_function() -> None:
    """It is refused, at once where that can be told."""
    plain: Callable[[str, int], Awaitable[object]] = lambda _, __: None  # type: ignore[assignment,return-value] # noqa: E731 - wrong on purpose
    async with pool_of("org1") as pool:
        with pytest.raises(TypeError, match="on_complete must be of type Callable, not int"):
            pool.iter(walk, on_complete=5)  # type: ignore[arg-type] # on purpose
        with pytest.raises(TypeError, match="on_complete must be an async function"):
            async for _ in pool.iter(walk, on_complete=plain):
                pass
