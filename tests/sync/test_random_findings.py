"""What random syncs have found, each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from attrs import evolve
from random_syncs import now
from sync_rows import CALLS, GADGETS, TAGS
from sync_runs import SINGLE, Ask, Run
from sync_tables import DuckDB
from sync_world import Organization, World

from contactship_async import ContactshipClient, PhoneNumber, PhoneNumberType
from contactship_async.sync import SyncResult
from contactship_async.sync._plan import Plan
from contactship_async.sync._rows import Encoder

ONE: Final = "one"
OTHER: Final = "other"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[DuckDB]:
    """Offer an empty database."""
    with DuckDB(tmp_path / "kept.duckdb") as made:
        yield made


def make_world() -> World:
    """Make two organizations without rows."""
    organizations = {key: Organization(f"of-{key}") for key in (ONE, OTHER)}
    return World(Random(0), organizations)


async def sync_once(world: World, database: DuckDB, ask: Ask, key: str = ONE, **options: Any) -> SyncResult:
    """Sync a listing of an organization."""
    (result,) = await Run({SINGLE: key}, [ask], options).start(world, database.target)
    return result


def test_a_moment_in_another_zone_is_no_change() -> None:
    """A row whose times come in another zone is written with the same hash."""
    encoder = Encoder(Plan.of(ContactshipClient("key").phone_numbers.list(), "acme"))
    moment = datetime(2026, 5, 4, 9, 12, tzinfo=UTC)
    row = PhoneNumber(
        id="n-1",
        phone_number="+12025550142",
        type=PhoneNumberType.INBOUND,
        organization_id="o-1",
        created_at=moment,
    )
    elsewhere = evolve(row, created_at=moment.astimezone(timezone(timedelta(hours=2))))

    assert encoder.encode([row]) == encoder.encode([elsewhere])


async def test_new_rows_with_contents_are_not_changed_ones(database: DuckDB) -> None:
    """A call that comes with its transcript for the first time counts as new, and as nothing else."""
    world = make_world()
    world.organizations[ONE].add(CALLS, CALLS.path, Random(0), now())

    result = await sync_once(world, database, Ask("calls", with_contents=True))

    assert (1, 0, 0, 0) == (result.new, result.changed, result.retired, result.unchanged)


async def test_two_syncs_at_once_in_one_process(database: DuckDB) -> None:
    """Rows that two syncs bring at the same time are there once: one of them is refused."""
    world = make_world()
    for _ in range(200):
        world.organizations[ONE].add(GADGETS, GADGETS.path, Random(0), now())
    both_walk = asyncio.Barrier(2)

    async def wait(_: str, path: str) -> None:
        if path == GADGETS.path:
            await both_walk.wait()

    world.on_page = wait
    results = await asyncio.gather(*(sync_once(world, database, Ask("gadgets")) for _ in range(2)))

    assert {None, "ConcurrentSyncError"} == {result.error for result in results}
    assert 200 == len(database.read()["gadgets"])


async def test_rows_of_nobody_are_not_taken_for_those_of_a_known_organization(database: DuckDB) -> None:
    """Where it was not known whose rows the table holds, another organization is told by its rows."""
    world = make_world()
    for organization in world.organizations.values():
        for _ in range(20):
            organization.add(GADGETS, GADGETS.path, Random(0), now())
    world.organizations[OTHER].add(TAGS, TAGS.path, Random(0), now())
    gadgets = Ask("gadgets")
    await sync_once(world, database, gadgets)

    refused = await sync_once(world, database, gadgets, OTHER, max_retired=1)
    accepted = await sync_once(world, database, gadgets, OTHER, max_retired=0, accept_new_organization=True)

    assert ("OrganizationChangedError", 0, 0) == (refused.error, refused.new, refused.retired)
    assert (None, 20, 20) == (accepted.error, accepted.new, accepted.retired)
