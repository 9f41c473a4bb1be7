"""The program of the guide to sync, `warehouse.py`, run as by cron: its history is right, whatever became of a walk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import duckdb
import pytest

from contactship_async.sandbox import Sandbox, SandboxPool, Status

RECIPE: Final = Path(__file__).with_name("warehouse.py")

HISTORY: Final = """
SELECT organization, count(*) FILTER (_dlt_valid_to IS NULL), count(*) FILTER (_dlt_valid_to IS NOT NULL)
FROM history.phone_numbers GROUP BY ALL
"""

History = dict[str, tuple[int, int]]
"""How many rows are current and how many retired, by organization."""


def run(pool: SandboxPool, directory: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the recipe in *directory*, all that it leaves elsewhere going there, too."""
    for name in ("temporary", "dlt"):
        (directory / name).mkdir(exist_ok=True)
    variables = {name: f"KEY_{place}" for place, name in enumerate(pool)}
    lines = [f'"{name}" = "{variable}"\n' for name, variable in variables.items()]
    (directory / "organizations.toml").write_text("".join(lines), encoding="utf-8")
    environment = {
        **os.environ,
        "CONTACTSHIP_BASE_URL": pool.url,
        "TMPDIR": str(directory / "temporary"),
        "DLT_DATA_DIR": str(directory / "dlt"),
        **{variable: pool.api_keys[name] for name, variable in variables.items()},
    }
    command = [sys.executable, str(RECIPE)]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, check=False)  # noqa: S603 - ours


def runs(
    directory: Path, sandboxes: Mapping[str, Sandbox], *changes: Callable[[], object] | None
) -> list[tuple[int, History]]:
    """Run the recipe, and again after each of *changes*; return each exit code, and the history then."""
    outcomes: list[tuple[int, History]] = []

    async def scenario() -> None:
        async with SandboxPool(sandboxes) as pool:
            for change in (None, *changes):
                if change is not None:
                    change()
                done = await asyncio.to_thread(run, pool, directory)
                outcomes.append((done.returncode, history_in(directory)))

    asyncio.run(scenario())
    return outcomes


def history_in(directory: Path) -> History:
    """Read the warehouse."""
    with duckdb.connect(str(directory / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(HISTORY).fetchall()
    return {name: (current, retired) for name, current, retired in rows}


def remove(sandbox: Sandbox, count: int) -> None:
    """Remove the first *count* numbers."""
    for number in [*sandbox.phone_numbers][:count]:
        sandbox.phone_numbers.remove(number["id"])


@pytest.fixture
def sandboxes() -> dict[str, Sandbox]:
    """Make three organizations, one of whose names means something in SQL and in format strings."""
    names = ("acme", "globex", "o'hara {x}")
    return {name: Sandbox(phone_numbers=150, seed=seed) for seed, name in enumerate(names)}


def test_unchanged_run(tmp_path: Path, sandboxes: dict[str, Sandbox]) -> None:
    """Nothing is retired or added."""
    history = dict.fromkeys(sandboxes, (150, 0))

    assert [(0, history), (0, history)] == runs(tmp_path, sandboxes, None)


def test_failing_organization(tmp_path: Path, sandboxes: dict[str, Sandbox]) -> None:
    """It stays as it was, though it was half read, and the others go on."""

    def change() -> None:
        sandboxes["acme"].script(None, Status(403))
        remove(sandboxes["globex"], 10)

    after = {"acme": (150, 0), "globex": (140, 10), "o'hara {x}": (150, 0)}

    assert (1, after) == runs(tmp_path, sandboxes, change)[-1]


def test_empty_organization(tmp_path: Path, sandboxes: dict[str, Sandbox]) -> None:
    """Its rows are retired, and so are those of the last organization that has any."""

    def remove_all() -> None:
        for sandbox in sandboxes.values():
            remove(sandbox, 150)

    after_one = {"acme": (150, 0), "globex": (150, 0), "o'hara {x}": (0, 150)}
    after_all = dict.fromkeys(sandboxes, (0, 150))
    outcomes = runs(tmp_path, sandboxes, lambda: remove(sandboxes["o'hara {x}"], 150), remove_all)

    assert [(0, after_one), (0, after_all)] == outcomes[1:]


def test_nothing_yet(tmp_path: Path) -> None:
    """Without any row, there is a table to query."""
    assert [(0, {})] == runs(tmp_path, {"acme": Sandbox(phone_numbers=0)})


def test_nothing_is_left(tmp_path: Path, sandboxes: dict[str, Sandbox]) -> None:
    """Rows are in the history, and neither in files nor in dlt's second copy of them."""
    runs(tmp_path, sandboxes)

    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        staged = connection.execute("SELECT count(*) FROM history_staging.phone_numbers").fetchone()
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert (0,) == staged
    assert {"organizations.toml", "warehouse.duckdb"} == {*left}
