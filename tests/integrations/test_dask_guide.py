"""What the guide says of fleets: its cluster, and its jobs that sync."""

from __future__ import annotations

import importlib
import os
import shlex
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import fleet_jobs
import pytest
from databases import DuckDBFile, PostgreSQLSchema
from fleet_cluster import cluster
from guides import BLOCKS, FILES
from processes import started

from contactship_async.integrations.dask import run_fleet
from contactship_async.sandbox import Sandbox, SandboxPool
from contactship_async.sync import apply_parquet

KEY = "ACME_CONTACTSHIP_KEY"
ADDRESS = "address-1"
PORT = "8786"


def free_port() -> str:
    """Find a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@pytest.mark.volume
async def test_cluster_of_the_guide(tmp_path: Path) -> None:
    """Its commands run its program on its job, on a port that is free."""
    [block] = [block for block in BLOCKS if block.language == "bash" and "dask scheduler" in block.code]
    port = free_port()
    for name in ("jobs.py", "run_jobs.py"):
        (tmp_path / name).write_text(FILES[name].replace(PORT, port), encoding="utf-8")
    [organizations] = [block.code for block in BLOCKS if block.code.startswith("# organizations.toml")]
    (tmp_path / "organizations.toml").write_text(organizations, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    modules = os.pathsep.join([str(tmp_path), *sys.path])
    async with AsyncExitStack() as stack, Sandbox(30) as sandbox:
        keys = dict.fromkeys((KEY, "GLOBEX_CONTACTSHIP_KEY"), sandbox.api_key)
        settings = {"PATH": path, "PYTHONPATH": modules, "TMPDIR": str(tmp_path)}
        settings |= {"CONTACTSHIP_BASE_URL": sandbox.url, **keys}
        log = stack.enter_context((tmp_path / "log").open("wb"))

        async def start(line: str, output: Any) -> Process:
            command = line.removeprefix("PYTHONPATH=. ").replace(PORT, port).replace("127.0.0.1:8787", "127.0.0.1:0")
            command = command.replace("dask scheduler", f"dask scheduler --port {port}")
            streams = {"stdout": output, "stderr": log, "cwd": tmp_path, "env": {**os.environ, **settings}}
            return await stack.enter_async_context(started(*shlex.split(command), **streams))

        *services, program = block.code.splitlines()
        running = [await start(line, log) for line in services]
        output, _ = await (await start(program, PIPE)).communicate()
        for service in reversed(running):
            service.terminate()
            await service.wait()

    assert ["acme 30", "globex 30"] == sorted(output.decode().splitlines())


@pytest.fixture
def _sync_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the jobs of the guide be imported, and addresses be held apart from other tests'."""
    (tmp_path / "sync_jobs.py").write_text(FILES["sync_jobs.py"], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield
    sys.modules.pop("sync_jobs")


async def run_sync(job: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a job of the guide for two organizations, and return what it returned."""
    sandboxes = {name: Sandbox(30, tags=7, calls=9, seed=seed) for seed, name in enumerate(["acme", "globex"])}
    async with SandboxPool(sandboxes) as pool, cluster(ADDRESS) as running:
        for name, key in pool.api_keys.items():
            monkeypatch.setenv(f"KEY_OF_{name}", key)
        organizations = dict.fromkeys(sandboxes, fleet_jobs.find_key)
        function = getattr(importlib.import_module("sync_jobs"), job)
        fleet = run_fleet(running.client, organizations, function, addresses=[ADDRESS], base_url=pool.url)
        return {result.organization: result.value or result.error async for result in fleet}


ALL = {name: {"phone_numbers": 30, "calls": 9, "tags": 7} for name in ("acme", "globex")}
NEWER = {name: {"phone_numbers": 30, "calls": 0, "tags": 7} for name in ("acme", "globex")}
"""What a second sync of a database asks for: of calls, only those of the last days."""

CURRENT = "SELECT organization, count(*) FROM phone_numbers WHERE valid_to IS NULL GROUP BY 1 ORDER BY 1"


@pytest.mark.volume
@pytest.mark.usefixtures("_sync_jobs")
async def test_workers_sync_into_postgresql(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that runs twice changes nothing."""
    with PostgreSQLSchema(postgresql, "fleet_of_the_guide") as schema:
        monkeypatch.setenv("DATABASE_URL", schema.url())
        assert ALL == await run_sync("sync_into_postgresql", monkeypatch)
        assert NEWER == await run_sync("sync_into_postgresql", monkeypatch)

        assert [("acme", 30), ("globex", 30)] == schema.query(CURRENT)
        assert [(60,)] == schema.query("SELECT count(*) FROM phone_numbers")


@pytest.mark.volume
@pytest.mark.usefixtures("_sync_jobs")
async def test_workers_write_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process applies what they wrote, also if they wrote it twice."""
    monkeypatch.setenv("PARQUET_FOLDER", str(tmp_path / "parquet"))
    assert ALL == await run_sync("sync_into_parquet", monkeypatch)
    assert ALL == await run_sync("sync_into_parquet", monkeypatch)
    file = DuckDBFile(tmp_path / "contactship.duckdb")

    errors = [result.error async for result in apply_parquet(tmp_path / "parquet", file.target)]

    assert {None} == {*errors}
    assert [("acme", 30), ("globex", 30)] == file.query(CURRENT)
    assert [(60,)] == file.query("SELECT count(*) FROM phone_numbers")
