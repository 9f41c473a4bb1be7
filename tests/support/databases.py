"""What syncs write to, as tests look at it: with the drivers alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import duckdb
import psycopg
from attrs import define, field
from psycopg.conninfo import conninfo_to_dict

from contactship_async.sync import DuckDBTarget, PostgresTarget
from contactship_async.sync._duckdb import _options
from contactship_async.sync._target import DatabaseTarget

Found = list[tuple[Any, ...]]


class Database(ABC):
    """A database that is empty at first."""

    @property
    @abstractmethod
    def target(self) -> DatabaseTarget:
        """What syncs write to."""

    @abstractmethod
    def query(self, sql: str, *parameters: object) -> Found:
        """Execute a statement, with `?` for parameters, and return its rows, with times in UTC."""

    def tables(self) -> set[str]:
        """Name the tables and views."""
        found = self.query("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
        return {name for (name,) in found}

    def versions(self, table: str = "phone_numbers", column: str = "id") -> list[tuple[str, int, bool]]:
        """Return each version of rows: a column, at which apply it began, and whether it is current."""
        name = f'"{table}"'
        moments = f"SELECT DISTINCT valid_from AS moment FROM {name} UNION SELECT valid_to FROM {name}"  # noqa: S608 - ours
        return self.query(
            f"""SELECT "{column}", (SELECT count(*) FROM ({moments}) m WHERE moment <= valid_from), valid_to IS NULL
            FROM {name} ORDER BY 2, 1, 3"""  # noqa: S608 - ours
        )


@define
class DuckDBFile(Database):
    """A file of DuckDB.

    Args:
        path: Of the file.
    """

    path: Path

    @property
    def target(self) -> DuckDBTarget:
        """See `Database`."""
        return DuckDBTarget(self.path, wait=0)

    def query(self, sql: str, *parameters: object) -> Found:
        """See `Database`."""
        with closing(self.connect()) as connection:
            return connection.execute(sql, parameters).fetchall()

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open the file as targets do, whose connections then share what it takes to open it."""
        connection = duckdb.connect(self.path, config=_options(self.target.memory_limit_mib))
        connection.execute("SET TimeZone = 'UTC'")
        return connection


@define
class OpenDuckDBFile(DuckDBFile):
    """A file that is open all the time, which saves a test half of its time. A context manager, which closes it."""

    _connection: duckdb.DuckDBPyConnection = field(init=False)

    @_connection.default
    def _open(self) -> duckdb.DuckDBPyConnection:
        return self.connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def query(self, sql: str, *parameters: object) -> Found:
        """See `Database`."""
        return self._connection.execute(sql, parameters).fetchall()


@define
class PostgreSQLSchema(Database):
    """A schema of a server of PostgreSQL. A context manager, which makes and drops it.

    Args:
        conninfo: How to connect to the server.
        name: Of the schema.
    """

    conninfo: str
    name: str
    _connection: psycopg.Connection[Any] = field(init=False)

    @_connection.default
    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.conninfo, autocommit=True, options=f"-csearch_path={self.name}")

    def __enter__(self) -> Self:
        self.query(f"CREATE SCHEMA {self.name}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def url(self, **changes: str) -> str:
        """Return how to connect to it as the target takes it, with something else than usual."""
        known = {key: str(value) for key, value in conninfo_to_dict(self.conninfo).items()}
        known |= {"options": f"-csearch_path={self.name}"} | changes
        return "postgresql:///?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in known.items())

    @property
    def target(self) -> PostgresTarget:
        """See `Database`."""
        return PostgresTarget(self.url())

    def query(self, sql: str, *parameters: object) -> Found:
        """See `Database`."""
        cursor = self._connection.execute(sql.replace("?", "%s").encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []
