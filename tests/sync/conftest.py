"""The databases that syncs write to: each test here has an empty one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from databases import Database, DuckDBFile, OpenDuckDBFile, PostgreSQLSchema

_schemas = count()


@pytest.fixture
def duckdb_file(tmp_path: Path) -> DuckDBFile:
    """Name a file of DuckDB that is not there yet."""
    return DuckDBFile(tmp_path / "contactship.duckdb")


@pytest.fixture
def open_duckdb_file(tmp_path: Path) -> Iterator[OpenDuckDBFile]:
    """Make an empty file of DuckDB, which is open."""
    with OpenDuckDBFile(tmp_path / "contactship.duckdb") as made:
        yield made


@pytest.fixture
def schema(postgresql: str) -> Iterator[PostgreSQLSchema]:
    """Make an empty schema of PostgreSQL."""
    with PostgreSQLSchema(postgresql, f"schema_{next(_schemas)}") as made:
        yield made


@pytest.fixture(params=["open_duckdb_file", "schema"], ids=["duckdb", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """Be both, one after the other. Tables of cases use `schema` alone, which takes a fifth of the time."""
    found: Database = request.getfixturevalue(request.param)
    return found
