"""A fleet over worker processes with addresses of their own, one of which is killed half way."""

from __future__ import annotations

import os
import secrets
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import fleet_jobs
import msgspec
import pytest
from fleet_processes import FleetServer, Processes, memory_of, plant, processes

from contactship_async.integrations.dask import run_fleet

ADDRESSES = ("address-1", "address-2")
ORGANIZATIONS = 60
ROWS = 100
THREADS = 4
NAMES = [f"organization-{place:02}" for place in range(ORGANIZATIONS)]


def rows_in(folder: Path) -> Counter[str]:
    """Count the rows of all files, by their ids."""
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_bytes().splitlines()]
    return Counter(msgspec.json.decode(line)["id"] for line in lines)


async def places_of(cluster: Processes, *keys: str) -> set[str]:
    """Return where one of *keys* is shown."""
    return {place for place, text in (await cluster.shown()).items() if any(key in text for key in keys)}


@pytest.mark.volume
async def test_worker_is_killed(tmp_path: Path) -> None:
    """Each row is there once, each organization was served from its address, and no key was anywhere on the way."""
    api_keys = {name: f"sk-live-{secrets.token_hex(16)}" for name in NAMES}
    variables = {name: f"KEY_{place}" for place, name in enumerate(NAMES)}
    keys = {variables[name]: key for name, key in api_keys.items()}
    rows = tmp_path / "rows"
    rows.mkdir()
    results: dict[str, Any] = {}
    async with (
        FleetServer(api_keys, ROWS).served() as server,
        processes(
            tmp_path, ADDRESSES, THREADS, {**keys, "FLEET_FOLDER": str(rows), "CONTACTSHIP_BASE_URL": server.url}
        ) as cluster,
    ):
        async for result in run_fleet(
            cluster.client, variables, fleet_jobs.copy, addresses=ADDRESSES, connector=fleet_jobs.bind
        ):
            assert result.value is not None, result.error
            results[result.organization] = result.value
            if len(results) == ORGANIZATIONS // 2:
                shown_half_way = await places_of(cluster, *keys.values())
                is_in_worker = any(key in memory_of(result.value) for key in keys.values())
                os.kill(result.value, signal.SIGKILL)

        shown = await places_of(cluster, *keys.values())
        planted = f"sk-live-{secrets.token_hex(16)}"
        await plant(cluster, planted)
        shown_if_planted = await places_of(cluster, planted)
        places = {*await cluster.shown()}

    assert (set(), set(), True) == (shown_half_way, shown, is_in_worker)
    assert places == shown_if_planted
    assert NAMES == sorted(results)
    assert 3 == len({*results.values()})
    assert {(name, f"127.0.0.{place % 2 + 1}") for place, name in enumerate(NAMES)} == server.asked
    assert {f"{name}-{place}": 1 for name in NAMES for place in range(ROWS)} == rows_in(rows)
