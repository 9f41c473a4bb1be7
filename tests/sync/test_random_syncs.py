"""Whatever organizations do, wherever a sync fails or is killed: the database holds the history that a model says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

import pytest
from attrs import evolve
from killed_syncs import Killer, killer
from random_syncs import Databases, Played, duckdb_files, now, postgresql_schemas
from sync_judge import Judge
from sync_rows import CALLS
from sync_runs import SINGLE, Ask, Run
from sync_world import Organization, World, days
from volume import Volume

KINDS_OF_DATABASES: Final = ("DuckDB", "PostgreSQL")

STORIES: Final[Mapping[str, Sequence[int]]] = {"DuckDB": (0, 2), "PostgreSQL": (0, 2, 3, 6, 7, 9)}
"""The seeds of the sample: when the sync was broken on purpose, in some fifty ways, most were caught by these."""

KEY: Final = "key"
OPTIONS: Final[Mapping[str, Any]] = {
    "full": False,
    "full_every": timedelta(days=30),
    "max_retired": 0.5,
    "accept_new_organization": False,
    "keep_history": None,
    "dry_run": False,
}


@pytest.fixture(params=KINDS_OF_DATABASES)
def databases(request: pytest.FixtureRequest) -> Iterator[tuple[str, Databases]]:
    """Offer databases, with what they are called."""
    if request.param == "DuckDB":
        with duckdb_files() as files:
            yield request.param, files
    else:
        with postgresql_schemas(request.getfixturevalue("postgresql")) as schemas:
            yield request.param, schemas


@pytest.fixture(scope="module")
def kill() -> Iterator[Killer]:
    """Offer to kill syncs, often."""
    with killer(chance=100) as often:
        yield often


async def test_random_syncs(databases: tuple[str, Databases], volume: Volume) -> None:
    """Each sync leaves what the model says, wherever it fails, whatever comes between, and where it is killed."""
    name, make = databases
    played = Played()
    if not volume.is_full:
        for seed in STORIES[name]:
            await played.play(seed, make)
        return
    with killer() as now_and_then:
        for seed in volume.seeds(f"syncs, {name}", sample=0):
            await played.play(seed, make, now_and_then)
    volume.drawn.append((f"syncs, {name}", f"{played.syncs}: {dict(played.ways + played.notes)}"))


async def test_killed_syncs(databases: tuple[str, Databases], kill: Killer, volume: Volume) -> None:
    """A sync that is killed has applied each of its parts or not, and the next one is right."""
    _, make = databases
    played = Played()
    while played.ways["killed"] < (100 if volume.is_full else 4):
        await played.play(f"killed {played.syncs}", make, kill)


async def test_a_call_that_ends_late(databases: tuple[str, Databases]) -> None:
    """A call that was scheduled when it was first seen, and ends 20 days later, is right after the next sync."""
    _, make = databases
    random = Random(0)
    world = World(random)
    organization = world.organizations[KEY] = Organization("of-key")
    judge = Judge(world, later=days(20))
    begin = now() - judge.later
    for age in (0.5, 1, 35):
        organization.add(CALLS, CALLS.path, random, begin - days(age))
    scheduled = CALLS.draw(random, 100, begin - days(2), "of-key")
    values = {**scheduled.values, "call_status": "scheduled", "finished_at": None}
    organization.rows[CALLS.path][scheduled.id] = evolve(scheduled, values=values)
    run = Run({SINGLE: KEY}, [Ask("calls", by_name=True)], OPTIONS)

    with make("late") as database:
        began = now()
        judge.fold(run, await run.start(world, database.target))
        database.move_back(began, judge.later)
        judge.later = 0
        organization.rows[CALLS.path][scheduled.id] = scheduled
        organization.add(CALLS, CALLS.path, random, now() - days(1))
        world.begin({})
        (result,) = await run.start(world, database.target)
        judge.fold(run, [result])
        judge.compare(database.read())

    assert ("window", 1, 1, 0) == (result.mode, result.new, result.changed, result.retired)
