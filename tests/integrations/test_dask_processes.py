"""A fleet over worker processes with addresses of their own, one of which is killed half way."""

from __future__ import annotations

import os
import secrets
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import fleet_jobs
import msgspec
import pytest
from databases import PostgreSQLSchema
from fleet_processes import FleetServer, Processes, memory_of, plant, processes

from contactship_async import ContactshipClient
from contactship_async.integrations.dask import run_fleet

Destination: TypeAlias = tuple[
    Callable[[ContactshipClient], Awaitable[int]], Mapping[str, str], Callable[[], list[str]]
]
"""The job that writes there, the variables that it reads, and what returns the ids of all rows that were written."""

ADDRESSES = ("address-1", "address-2")
ORGANIZATIONS = 60
ROWS = 100
THREADS = 4
NAMES = [f"organization-{place:02}" for place in range(ORGANIZATIONS)]


@pytest.fixture
def files(tmp_path: Path) -> Destination:
    """Name a folder for a file of each organization."""
    folder = tmp_path / "rows"
    folder.mkdir()

    def read_ids() -> list[str]:
        lines = [line for file in folder.glob("*.jsonl") for line in file.read_bytes().splitlines()]
        return [msgspec.json.decode(line)["id"] for line in lines]

    return fleet_jobs.copy, {"FLEET_FOLDER": str(folder)}, read_ids


@pytest.fixture
def database(postgresql: str) -> Iterator[Destination]:
    """Make an empty schema of PostgreSQL."""
    with PostgreSQLSchema(postgresql, "fleet") as schema:
        ids = "SELECT id FROM phone_numbers"  # of all versions, not only those that are current
        yield fleet_jobs.sync_rows, {"DATABASE_URL": schema.url()}, lambda: [row[0] for row in schema.query(ids)]


async def find(key: str, cluster: Processes) -> dict[str, bool]:
    """Return for each place whether a key that begins so is shown there."""
    return {place: key in text for place, text in (await cluster.shown()).items()}


@pytest.mark.volume
@pytest.mark.parametrize("destination", ["files", "database"])
async def test_worker_is_killed(tmp_path: Path, request: pytest.FixtureRequest, destination: str) -> None:
    """Each row is there once, each organization was served from its address, and no key was anywhere on the way."""
    beginning, planted = f"sk-{secrets.token_hex(16)}", f"sk-{secrets.token_hex(16)}"
    api_keys = {name: f"{beginning}-{place}" for place, name in enumerate(NAMES)}
    variables = {name: f"KEY_{place}" for place, name in enumerate(NAMES)}
    keys = {variables[name]: key for name, key in api_keys.items()}
    job, variables_of_job, read_ids = request.getfixturevalue(destination)
    results: dict[str, Any] = {}
    async with (
        FleetServer(api_keys, ROWS).served() as server,
        processes(
            tmp_path, ADDRESSES, THREADS, {**keys, **variables_of_job, "CONTACTSHIP_BASE_URL": server.url}
        ) as cluster,
    ):
        async for result in run_fleet(cluster.client, variables, job, addresses=ADDRESSES, connector=fleet_jobs.bind):
            assert result.value is not None, result.error
            results[result.organization] = result.value
            if len(results) == ORGANIZATIONS // 2:
                killed = result.value
                os.kill(killed, signal.SIGKILL)
            if len(results) == ORGANIZATIONS * 3 // 4:
                shown_meanwhile = await find(beginning, cluster)

        shown = await find(beginning, cluster)
        survivors = {*results.values()} - {killed}
        is_in_workers = [beginning in memory_of(pid) for pid in survivors]
        await plant(cluster, planted)
        shown_if_planted = await find(planted, cluster)

    assert [False, False] == [any(found.values()) for found in (shown_meanwhile, shown)]
    assert [True, True] == is_in_workers
    assert dict.fromkeys(shown, True) == shown_if_planted
    assert NAMES == sorted(results)
    assert {(name, f"127.0.0.{place % 2 + 1}") for place, name in enumerate(NAMES)} == server.asked
    assert {f"{name}-{place}": 1 for name in NAMES for place in range(ROWS)} == Counter(read_ids())
