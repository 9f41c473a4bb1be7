"""What a target holds, read without the package: all versions of all rows, in one form for both databases."""

from __future__ import annotations

import json
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb
from attrs import define, field
from databases import PostgreSQLSchema
from sync_world import at

from contactship_async.sync import DuckDBTarget
from contactship_async.sync._target import DatabaseTarget

Row = dict[str, Any]
Tables = dict[str, list[Row]]
"""The rows of each table and view: times as microseconds since 1970, nested values as JSON has them."""

_OWN: Final = frozenset({"syncs", "sync_organizations", "sync_version"})


def tables_of_listings(tables: Tables) -> Tables:
    """Return those that hold the rows of listings."""
    return {name: rows for name, rows in tables.items() if name not in _OWN and not name.startswith("current_")}


class Database(ABC):
    """A database that syncs write to, one for each story."""

    @property
    @abstractmethod
    def place(self) -> str:
        """The path of the file, or the URL."""

    @property
    @abstractmethod
    def target(self) -> DatabaseTarget:
        """A new target that writes to it."""

    @abstractmethod
    def read(self) -> Tables:
        """Read all there is; whoever was killed is waited for."""

    @abstractmethod
    def execute(self, statements: Iterable[tuple[str, Sequence[object]]]) -> None:
        """Execute statements, with `?` for parameters, in one transaction."""

    def move_back(self, since: int, microseconds: int) -> None:
        """Make what happened since a time happen earlier: days pass in a story that takes seconds.

        Args:
            since: In microseconds since 1970.
            microseconds: By how much.
        """
        names = [name for name in self.names() if name == "syncs" or name not in _OWN]
        columns = [("started_at", "finished_at") if name == "syncs" else ("valid_from", "valid_to") for name in names]
        self.execute(
            (
                f'UPDATE "{name}" SET {", ".join(map(self._earlier, pair))}',  # noqa: S608 - names of ours
                [parameter for _ in pair for parameter in (since, microseconds)],
            )
            for name, pair in zip(names, columns, strict=True)
        )

    @abstractmethod
    def names(self) -> list[str]:
        """Name the tables."""

    @abstractmethod
    def _earlier(self, column: str) -> str:
        """Return what moves the times of a column that are later than `?` by `?` microseconds."""


@define
class DuckDB(Database):
    """A file; it is attached to a database in memory to be read, since to open one takes 16 ms.

    Args:
        path: Of the file.
    """

    path: Path
    _reader: duckdb.DuckDBPyConnection = field(factory=lambda: duckdb.connect(config={"threads": 1}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self.path)

    @property
    def target(self) -> DatabaseTarget:
        """A new target that writes to the file."""
        return DuckDBTarget(self.path)

    def read(self) -> Tables:
        """Read a copy, so that what a killed process left is for the next sync to mend."""
        if not self.path.exists():
            return {}
        log = self.path.with_name(f"{self.path.name}.wal")
        if not log.exists():
            with self._attached(self.path, " (READ_ONLY)"):
                return {name: self._rows_of(name, columns) for name, columns in self._columns().items()}
        copy = self.path.with_name("copy.duckdb")
        shutil.copy(self.path, copy)
        shutil.copy(log, copy.with_name(f"{copy.name}.wal"))
        with self._attached(copy):
            tables = {name: self._rows_of(name, columns) for name, columns in self._columns().items()}
        for file in self.path.parent.glob("copy.duckdb*"):
            file.unlink()
        return tables

    def execute(self, statements: Iterable[tuple[str, Sequence[object]]]) -> None:
        """Execute statements; without any, the file need not be there."""
        statements = [*statements]
        if not statements:
            return
        with self._attached(self.path):
            self._reader.execute("USE kept; BEGIN")
            for sql, parameters in statements:
                self._reader.execute(sql, parameters)
            self._reader.execute("COMMIT; USE memory")

    def names(self) -> list[str]:
        """Name the tables."""
        if not self.path.exists():
            return []
        with self._attached(self.path):
            found = self._reader.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = 'kept'"
            ).fetchall()
        return [name for (name,) in found]

    def _earlier(self, column: str) -> str:
        moment = f'epoch_us("{column}")'
        return f'"{column}" = CASE WHEN {moment} >= ? THEN make_timestamptz({moment} - ?) ELSE "{column}" END'

    @contextmanager
    def _attached(self, path: Path, options: str = "") -> Iterator[None]:
        self._reader.execute(f"ATTACH '{path}' AS kept{options}")
        try:
            yield
        finally:
            self._reader.execute("DETACH kept")

    def _columns(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in self._reader.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'kept'"
            " AND NOT internal ORDER BY table_name, column_index"
        ).fetchall():
            found.setdefault(table, {})[column] = kind
        return found

    def _rows_of(self, table: str, columns: Mapping[str, str]) -> list[Row]:
        selected = [
            f'epoch_us("{name}")' if kind == "TIMESTAMP WITH TIME ZONE" else f'"{name}"'
            for name, kind in columns.items()
        ]
        rows = self._reader.execute(f'SELECT {", ".join(selected)} FROM kept.main."{table}"').fetchall()  # noqa: S608
        return [
            {
                name: json.loads(value) if kind == "JSON" and value is not None else value
                for (name, kind), value in zip(columns.items(), row, strict=True)
            }
            for row in rows
        ]


class PostgreSQL(PostgreSQLSchema, Database):
    """A schema of its own in a server. A context manager, which makes and drops it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.query(f'DROP SCHEMA "{self.name}" CASCADE')
        super().__exit__(kind, error, traceback)

    @property
    def place(self) -> str:
        """How to connect to the schema."""
        return self.url()

    def read(self) -> Tables:
        """Read all there is, when nobody else is connected."""
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        while self.query(others)[0][0]:
            time.sleep(0.001)  # real time: the server notices by itself that a client has gone
        tables: dict[str, list[str]] = {}
        for table, column in self.query(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            " ORDER BY table_name, ordinal_position"
        ):
            tables.setdefault(table, []).append(column)
        return {
            table: [
                {
                    name: at(value) if isinstance(value, datetime) else value
                    for name, value in zip(columns, row, strict=True)
                }
                for row in self.query(f'SELECT * FROM "{table}"')  # noqa: S608 - names of ours
            ]
            for table, columns in tables.items()
        }

    def execute(self, statements: Iterable[tuple[str, Sequence[object]]]) -> None:
        """Execute statements."""
        for sql, parameters in statements:
            self.query(sql, *parameters)

    def names(self) -> list[str]:
        """Name the tables."""
        return [name for (name,) in self.query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]

    def _earlier(self, column: str) -> str:
        moment = f'(extract(epoch FROM "{column}") * 1000000)::bigint'
        return (
            f'"{column}" = CASE WHEN {moment} >= ?::bigint'
            f' THEN "{column}" - ?::bigint * INTERVAL \'1 microsecond\' ELSE "{column}" END'
        )
