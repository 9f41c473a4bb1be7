"""Walks over a real PostgreSQL that sorts by `created_at` alone, while rows with equal ones come, go and move."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Literal

import pytest
from attrs import frozen
from postgresql_listing import ChurningListing, PostgresqlListing, ReplacingListing
from volume import Volume

from contactship_async import ContactshipClient, PaginationError, PhoneNumber

Order = Literal["desc", "asc"]
Walk = Callable[[ContactshipClient, int, Order], AsyncIterator[PhoneNumber]]

MASS_TIES = [10, 1] * 40
"""The sizes of groups of rows with the same creation date. A few grow by a row or two during a walk."""


@frozen
class Outcome:
    """What came of a walk; its seed leads to the same walk again, unless requests overtake each other."""

    seed: int
    lost: frozenset[str]
    repeated: frozenset[str]
    error: str


async def plain_loop(client: ContactshipClient, page_size: int, order: Order) -> AsyncIterator[PhoneNumber]:
    """Add the limit to the offset until it reaches the count, as an API's documentation suggests."""
    offset, total = 0, 1
    while offset < total:
        page = await client.list_phone_numbers(limit=page_size, offset=offset, order=order)
        for number in page:
            yield number
        assert page.count is not None
        offset, total = offset + page_size, page.count


def iterate(
    client: ContactshipClient, page_size: int, order: Order, *, concurrency: int = 1, exact: bool = False
) -> AsyncIterator[PhoneNumber]:
    """Leave it to the client."""
    return client.iter_phone_numbers(page_size=page_size, order=order, concurrency=concurrency, exact=exact)


async def take(
    walk: Walk, listing: PostgresqlListing, *, page_size: int = 30, order: Order = "desc", seed: int = 0
) -> Outcome:
    """Take a walk, and compare what came with what was there from its beginning to its end."""
    came: Counter[str] = Counter()
    error = ""
    async with listing:
        try:
            async with listing.client() as client:
                async for number in walk(client, page_size, order):
                    came[number.id] += 1
        except PaginationError as raised:
            error = str(raised)
    lost = frozenset() if error else listing.stable.difference(came)
    return Outcome(seed, lost, frozenset(identifier for identifier, times in came.items() if times > 1), error)


async def take_walks_in_churn(walk: Walk, postgresql: str, seeds: Iterable[int]) -> AsyncIterator[Outcome]:
    """Take some walks: with pages of several sizes, in both orders, with and without an index in that order."""
    for seed in seeds:
        groups = random.Random(seed).sample(MASS_TIES, len(MASS_TIES))
        listing = ChurningListing(postgresql, seed=seed, groups=groups, indexed=seed % 2 == 0)
        order: Order = "asc" if seed % 5 == 4 else "desc"
        yield await take(walk, listing, page_size=(20, 30, 50)[seed % 3], order=order, seed=seed)


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_exact_walks_lose_and_repeat_nothing(postgresql: str, concurrency: int, volume: Volume) -> None:
    """In each of many walks, every row that is there all the time comes exactly once, and no other row twice."""
    seeds = volume.seeds(f"PostgreSQL, {concurrency} in flight", sample=6)
    walk = partial(iterate, concurrency=concurrency, exact=True)
    outcomes = [outcome async for outcome in take_walks_in_churn(walk, postgresql, seeds)]

    assert [] == [outcome for outcome in outcomes if outcome.lost or outcome.repeated]
    assert max(1, len(outcomes) // 25) >= sum(outcome.error != "" for outcome in outcomes)


@pytest.mark.parametrize(
    "walk",
    [
        pytest.param(plain_loop, id="plain loop"),
        pytest.param(iterate, id="default walk"),
        pytest.param(partial(iterate, concurrency=4), id="concurrent walk"),
    ],
)
async def test_other_walks_lose_rows(postgresql: str, walk: Walk) -> None:
    """In the same churn, walks that do not anchor on the creation date lose rows without an error."""
    async for outcome in take_walks_in_churn(walk, postgresql, range(10)):
        if outcome.lost:
            break
    else:
        pytest.fail("none of them lost a row")


async def test_ties_alone_lose_rows(postgresql: str) -> None:
    """Nothing has to change for the plain loop to lose rows: equal ones may stand in another order on each page."""
    listing = PostgresqlListing(postgresql, groups=[500])

    assert (await take(plain_loop, listing)).lost


@pytest.mark.parametrize("page_size", [10, 100])
async def test_exact_walks_do_not_trust_the_count(postgresql: str, page_size: int, volume: Volume) -> None:
    """A count from before an insert does not end a walk early, also where the server sends less than asked for."""
    outcomes = [
        await take(
            partial(iterate, exact=True),
            ReplacingListing(postgresql, seed=seed, groups=[1] * (10 + seed), cap=10),
            page_size=page_size,
            seed=seed,
        )
        for seed in range(25 if volume.is_full else 6)
    ]

    assert [] == [outcome for outcome in outcomes if outcome.lost or outcome.repeated or outcome.error]


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_ties_larger_than_a_page(postgresql: str, concurrency: int) -> None:
    """A group that does not fit in a page raises, and the page size that the error names is enough."""
    walk = partial(iterate, concurrency=concurrency, exact=True)
    groups = [10, 70, 10]

    refused = await take(walk, PostgresqlListing(postgresql, groups=groups), page_size=30)
    remedied = await take(walk, PostgresqlListing(postgresql, groups=groups), page_size=72)

    assert "70 rows share " in refused.error
    assert "pass page_size >= 72" in refused.error
    assert Outcome(0, frozenset(), frozenset(), "") == remedied
