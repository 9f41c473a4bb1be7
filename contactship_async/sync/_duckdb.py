"""DuckDB: a database in a file, of one process at a time.

Source: https://duckdb.org/docs/stable/connect/concurrency, https://duckdb.org/docs/stable/data/json/loading_json
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from math import ceil
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from attrs import frozen

from contactship_async.sync._connection import Connection, Row, quoted
from contactship_async.sync._database import Database
from contactship_async.sync._errors import DatabaseBusyError, DatabaseError, MissingExtraError
from contactship_async.sync._plan import Kind
from contactship_async.sync._spool import Spool
from contactship_async.sync._target import DatabaseTarget

T = TypeVar("T")

_HOLDER: Final = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<process>\d+)\)")

_IN_THIS_PROCESS: Final = "with a different configuration than existing connections"

_OWNER_ONLY: Final = 0o077
_MIB: Final = 1 << 20
_MIN_MEMORY_MIB: Final = 16
_MIN_OBJECT_BYTES: Final = _MIB

_PART_BYTES: Final = _MIB
"""So much JSON is read at once. DuckDB takes ten times that for it, and can't put that aside in a file."""

_ROWS_OF_VECTOR: Final = 2048
_COPIES: Final = 2
_OWN_MEMORY_MIB: Final = 24
"""What DuckDB can't put aside: its own, and that many rows, once and a half. Older ones than 2.0 put no text aside.

Source: https://duckdb.org/docs/stable/internals/vector, and trials with rows of 1 to 100 KB
"""

_ROWS_AT_ONCE: Final = 1000

_FAULTS: Final[Mapping[str, str]] = {
    "not a valid DuckDB database|is not a DuckDB|sqlite_scanner": "is no DuckDB database",
    "Could not read enough bytes|Corrupt database": "is damaged",
    "newer version of DuckDB|file with version number": "was written by another release of DuckDB: upgrade duckdb",
    "No space left|disk quota|File too large": "can't be written: the disk is full",
    "Permission denied|read-only": "can't be opened or written: permission denied",
    "Is a directory": "is a folder",
    "No such file or directory|Not a directory": "can't be made: its folder does not exist",
    "Out of Memory|failed to pin block": "can't be written: the rows need more than memory_limit_mib",
    "interrupted": "was interrupted",
}
"""What DuckDB says, by patterns, and what it means."""


@frozen
class DuckDBTarget(DatabaseTarget):
    """A file of DuckDB, which is made if it is missing, readable for its owner alone. Needs the extra `duckdb`.

        async for result in sync(pool, ["phone_numbers"], DuckDBTarget("contactship.duckdb")):
            ...

    The file is open from the first walk to the last apply, and no other program can open it meanwhile.

    Args:
        path: Of the file.
        wait: For how many seconds to wait while another program has it open.
        memory_limit_mib: How much memory DuckDB may take, in MiB; what is larger goes to files beside it. Rows of more
            than 8 KB on average, such as calls with long transcripts, get what 2,048 of them need.

    Source: https://duckdb.org/docs/stable/connect/concurrency
    """

    path: Path | str | PathLike[str]
    wait: float = 60.0
    memory_limit_mib: int = 56

    def __attrs_post_init__(self) -> None:
        if str(self.path) == ":memory:":
            message = "path must be that of a file: what is in memory is gone when the sync has ended"
            raise ValueError(message)
        if not self.wait >= 0:
            message = f"wait must be a number of seconds >= 0, not {self.wait}"
            raise ValueError(message)
        if self.memory_limit_mib < _MIN_MEMORY_MIB:
            message = f"memory_limit_mib must be at least {_MIN_MEMORY_MIB}, not {self.memory_limit_mib}"
            raise ValueError(message)

    def make_store(self, *, dry_run: bool = False) -> Database:
        """Return what opens the file; a dry run makes none."""
        path = Path(self.path)
        if dry_run and not path.exists():
            return Database(lambda: DuckDBConnection(None, self.memory_limit_mib))
        return Database(lambda: DuckDBConnection(path, self.memory_limit_mib), _turn_of(path))


class DuckDBConnection(Connection):
    """A connection to a file of DuckDB.

    Args:
        path: Of the file; None for a database in memory.
        memory_limit_mib: In MiB.
    """

    types = MappingProxyType(
        {
            "text": "VARCHAR",
            "time": "TIMESTAMPTZ",
            "float": "DOUBLE",
            "integer": "BIGINT",
            "boolean": "BOOLEAN",
            "json": "JSON",
        }
    )
    clock = "now()"

    def __init__(self, path: Path | None, memory_limit_mib: int) -> None:
        self._name = "the database in memory" if path is None else str(path)
        self._memory_limit_mib = memory_limit_mib
        self._driver = _import_driver()
        if path is not None and _is_no_file(path):
            message = f"{self._name} is no file"
            raise DatabaseError(message)
        self._connection = self._try(
            lambda: self._driver.connect(":memory:" if path is None else str(path), config=_options(memory_limit_mib))
        )
        self.execute("SET TimeZone = 'UTC'")
        # Of a file named .csv, .json or .parquet, DuckDB makes a view in a database in memory: nothing would stay.
        if path is not None and self.execute("SELECT path FROM duckdb_databases() WHERE NOT internal") == [(None,)]:
            self.close()
            message = f"{self._name} is no DuckDB database"
            raise DatabaseError(message)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""
        return self._try(lambda: [*self._connection.execute(sql, [*parameters]).fetchall()])

    def stream(self, sql: str, parameters: Sequence[object]) -> Iterator[list[Row]]:
        """Execute a query and yield its rows, some at a time; no other statement must come between."""
        result = self._try(lambda: self._connection.execute(sql, [*parameters]))
        while rows := self._try(lambda: result.fetchmany(_ROWS_AT_ONCE)):
            yield rows

    def lock(self, *names: str) -> None:
        """Do nothing: the file is of this process alone, whose transactions take turns."""

    def stage(self, columns: Mapping[str, Kind], spool: Spool) -> None:
        """See `Connection`."""
        types = ", ".join(f"{quoted(name)} {self.types[kind]}" for name, kind in columns.items())
        self.execute(f'CREATE OR REPLACE TEMP TABLE "sync_staged" ({types})')
        options = {
            "format": "'newline_delimited'",
            "columns": "{" + ", ".join(f"{quoted(name)}: '{self.types[kind]}'" for name, kind in columns.items()) + "}",
            "maximum_object_size": max(2 * spool.longest_line, _MIN_OBJECT_BYTES),
        }
        given = ", ".join(f"{name} = {value}" for name, value in options.items())
        widest = 0.0
        for part in spool.parts(_PART_BYTES):
            self.execute(f'INSERT INTO "sync_staged" SELECT {quoted(*columns)} FROM read_json(?, {given})', [part.path])
            widest = max(widest, part.size / part.rows)
        self._limit_memory(widest)

    def _limit_memory(self, row_bytes: float) -> None:
        """Allow at least what rows of *row_bytes* need, of which DuckDB works on so many at once."""
        needed_mib = _OWN_MEMORY_MIB + ceil(_ROWS_OF_VECTOR * row_bytes * _COPIES / _MIB)
        self.execute(f"SET memory_limit = '{max(self._memory_limit_mib, needed_mib)}MiB'")

    def columns_of(self, table: str) -> dict[str, bool]:
        """See `Connection`."""
        rows = self.execute(
            """SELECT column_name, NOT is_nullable FROM duckdb_columns() WHERE lower(table_name) = ?
            AND schema_name = current_schema() AND database_name = current_database() ORDER BY column_index""",
            [table],
        )
        return dict(rows)

    def create_index(self, table: str, columns: Sequence[str]) -> None:
        """Do nothing: DuckDB has no index of some rows only."""

    def microseconds(self, time: str) -> str:
        """See `Connection`."""
        return f"epoch_us({time})"

    def interrupt(self) -> None:
        """See `Connection`."""
        self._connection.interrupt()

    def close(self) -> None:
        """See `Connection`."""
        with suppress(DatabaseError):  # Closing writes what is in the log, which can wait.
            self._try(self._connection.close)

    def _try(self, act: Callable[[], T]) -> T:
        """Return what *act* returns, and raise what goes wrong as ours: the driver's texts may quote rows."""
        try:
            with _private_files():
                return act()
        except self._driver.Error as error:
            fault = self._describe(error)
        raise fault  # Out here, it does not lead to the driver's.

    def _describe(self, error: Exception) -> DatabaseError:
        text = " ".join(str(error).split())
        holder = _HOLDER.search(text)
        if holder is not None:
            return DatabaseBusyError(
                f"{self._name} is open in another program: process {holder['process']} ({holder['program']})"
            )
        if _IN_THIS_PROCESS in text:
            return DatabaseBusyError(f"{self._name} is open in this program already, with other settings")
        for pattern, fault in _FAULTS.items():
            if re.search(pattern, text, re.IGNORECASE):
                return DatabaseError(f"{self._name} {fault}")
        return DatabaseError(f"{self._name} can't be used: DuckDB raised {type(error).__name__}")


def _options(memory_limit_mib: int) -> dict[str, Any]:
    return {
        "threads": 1,
        "memory_limit": f"{memory_limit_mib}MiB",
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


_umask = threading.Lock()
_private_blocks = 0
_usual_umask = 0


@contextmanager
def _private_files() -> Iterator[None]:
    """Make files for the owner alone within the block: DuckDB makes its log and others when it needs them."""
    global _private_blocks, _usual_umask  # noqa: PLW0603 - so is the umask of a process
    with _umask:
        if not _private_blocks:
            _usual_umask = os.umask(_OWNER_ONLY)
        _private_blocks += 1
    try:
        yield
    finally:
        with _umask:
            _private_blocks -= 1
            if not _private_blocks:
                os.umask(_usual_umask)


_turns: Final[WeakValueDictionary[str, threading.Lock]] = WeakValueDictionary()
"""DuckDB lets two connections of a process insert the same rows in transactions that overlap: here they take turns."""


def _turn_of(path: Path) -> threading.Lock:
    """Return the lock that all connections of this process to a file share."""
    return _turns.setdefault(str(path.resolve()), threading.Lock())


def _is_no_file(path: Path) -> bool:
    """Return whether there is a pipe or a device, for which DuckDB would wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _import_driver() -> Any:
    try:
        return import_module("duckdb")
    except ImportError:
        message = 'DuckDB is not installed: pip install "contactship-async[duckdb]"'
        raise MissingExtraError(message) from None
