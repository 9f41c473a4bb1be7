"""What random syncs have found, by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from random_syncs import now
from sync_rows import GADGETS, TAGS
from sync_runs import SINGLE, Ask, Run
from sync_tables import DuckDB
from sync_world import Organization, World

from contactship_async.sync import SyncResult

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
