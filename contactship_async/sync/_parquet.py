"""Parquet: workers leave a file for each complete walk, and one process applies them to a database.

DuckDB writes and reads the files. Each says in its metadata how the walk began, and what it is of.

Source: https://duckdb.org/docs/stable/data/parquet/metadata
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from os import PathLike
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
from attrs import frozen

from contactship_async import ListingWindow
from contactship_async.sync._connection import quoted
from contactship_async.sync._database import Database
from contactship_async.sync._duckdb import DuckDBConnection
from contactship_async.sync._errors import ConcurrentSyncError, DatabaseError, SyncError
from contactship_async.sync._plan import ORGANIZATION, Plan
from contactship_async.sync._results import SyncResult
from contactship_async.sync._schema import staged_columns
from contactship_async.sync._spool import Spool
from contactship_async.sync._store import Rules, Start, Store, result_of_failure
from contactship_async.sync._target import DatabaseTarget, Target

_METADATA: Final = "contactship_async"
_MEMORY_LIMIT_MIB: Final = 64
_LONGEST_PART: Final = 100
_PART: Final = re.compile(r"\..+\.\d{8}T\d{6}\.\d{6}Z\.\d+\.part")
"""The name of a file that is being written."""

_LONGEST_WRITE_SECONDS: Final = 24 * 3600
"""More than a file takes, and more than the clocks of two machines differ."""


@frozen
class _Walk:
    """What a file is of."""

    plan: Plan
    start: Start


@frozen
class ParquetTarget(Target["_ParquetStore"]):
    """A folder for a Parquet file of each complete walk, which one process applies with `apply_parquet`.

        async for result in sync(pool, ["phone_numbers"], ParquetTarget("/mnt/shared/contactship")):
            ...

    Any number of processes may write to it. Walks are whole, as there is no database that knows what has changed; what
    is new or changed is only known when they are applied. Needs the extra `duckdb`.

    Args:
        directory: Made if it is missing, for its owner alone.
    """

    directory: Path | str | PathLike[str]

    def make_store(self, *, dry_run: bool = False) -> _ParquetStore:
        """Return what writes the files."""
        return _ParquetStore(Path(self.directory), dry_run=dry_run)


class _ParquetStore(Store):
    """The files of a folder.

    Args:
        directory: The folder.
        dry_run: Whether to write none.
    """

    def __init__(self, directory: Path, *, dry_run: bool) -> None:
        self._directory = directory
        self._is_dry_run = dry_run
        self._connection: DuckDBConnection | None = None

    def open(self) -> None:
        """See `Store`."""
        if not self._is_dry_run:
            try:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                message = f"{self._directory} can't be made: {error.strerror}"
                raise DatabaseError(message) from None
            _remove_remains(self._directory)
        self._connection = self._connection or DuckDBConnection(None, _MEMORY_LIMIT_MIB)

    def start(self, plan: Plan, window: ListingWindow | None, organization_id: str | None, rules: Rules) -> Start:
        """See `Store`."""
        del window, rules
        return Start(
            started_at=self.read_clock(),
            mode=plan.mode,
            organization_id=organization_id,
        )

    def apply(self, plan: Plan, start: Start, spool: Spool, rules: Rules) -> SyncResult:
        """See `Store`."""
        if self._connection is not None and not rules.dry_run:
            self._write(self._connection, _Walk(plan, start), spool)
        return SyncResult(
            organization=plan.organization,
            listing=plan.table,
            mode=start.mode,
            started_at=start.started_at,
            finished_at=self.read_clock(),
            rows=spool.rows,
        )

    def note_failure(self, result: SyncResult) -> None:
        """Do nothing: there is no file of a walk that failed."""

    def read_clock(self) -> datetime:
        """See `Store`."""
        return datetime.now(UTC)

    def interrupt(self) -> None:
        """See `Store`."""
        if self._connection is not None:
            self._connection.interrupt()

    def close(self) -> None:
        """See `Store`."""
        if self._connection is not None:
            self._connection.close()

    def _write(self, connection: DuckDBConnection, walk: _Walk, spool: Spool) -> None:
        """Write a file under another name first, so that what stands there is always complete."""
        plan = walk.plan
        name = f"{plan.table}.{_name_organization(plan)}.{walk.start.started_at:%Y%m%dT%H%M%S.%fZ}"
        path, part = self._directory / f"{name}.parquet", self._directory / f".{name}.{os.getpid()}.part"
        columns = staged_columns(plan)
        connection.stage(columns, spool)
        rows = f'SELECT ? AS "{ORGANIZATION}", {quoted(*columns)} FROM "sync_staged"'
        metadata = f"{{{_METADATA}: {_literal(msgspec.json.encode(walk).decode())}}}"
        try:
            connection.execute(
                f"COPY ({rows}) TO {_literal(str(part))} (FORMAT parquet, KV_METADATA {metadata})", [plan.organization]
            )
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _remove_remains(directory: Path) -> None:
    """Remove what processes that were killed have left of files that they were writing: it holds rows of people."""
    for path in directory.glob(".*.part"):
        with suppress(OSError):  # Another process removes it, too.
            if _PART.fullmatch(path.name) and time.time() - path.stat().st_mtime > _LONGEST_WRITE_SECONDS:
                path.unlink()


def _name_organization(plan: Plan) -> str:
    """Return the part of a file's name that tells walks of one moment apart; a name has 255 bytes at the most."""
    digest = blake2b("\0".join(plan.scope.values()).encode(), digest_size=4).hexdigest()
    return f"{quote(plan.organization, safe='')[:_LONGEST_PART]}.{digest}"


def _literal(text: str) -> str:
    """Return a string of SQL."""
    return "'{}'".format(text.replace("'", "''"))


async def apply_parquet(  # noqa: PLR0913 - what a sync may do, by keyword
    directory: Path | str | PathLike[str],
    target: DatabaseTarget,
    *,
    max_retired: float = 0.5,
    accept_new_organization: bool = False,
    keep_history: timedelta | None = None,
    dry_run: bool = False,
) -> AsyncGenerator[SyncResult, None]:
    """Apply the files of a `ParquetTarget` to a database, the oldest first, and remove those that were applied.

    What was refused stays for another try, unless a later walk was applied already.

    Args:
        directory: The folder.
        target: The database.
        max_retired: See `sync`.
        accept_new_organization: See `sync`.
        keep_history: See `sync`.
        dry_run: See `sync`; removes no file.

    Yields:
        What became of each file.

    Raises:
        TypeError: *target* is no database.
        DatabaseError: The folder can't be read, or the database can't be used at all.
        MissingExtraError: A driver is not installed.
    """
    if not isinstance(target, DatabaseTarget):  # A folder would take the files, and lose them.
        message = f"target must be a database, not of type {type(target).__name__}"
        raise TypeError(message)
    rules = Rules(
        max_retired=max_retired,
        accept_new_organization=accept_new_organization,
        keep_history=keep_history,
        dry_run=dry_run,
    )
    async with target.open(dry_run=dry_run) as (store, thread):
        reader = await thread.run(DuckDBConnection, None, _MEMORY_LIMIT_MIB)
        try:
            for file in await thread.run(_find_files, reader, Path(directory)):
                yield await thread.run(file.apply, store, rules)
        finally:
            await thread.run(reader.close)


@frozen
class _File:
    """A file, and what it is of."""

    path: Path
    walk: _Walk
    reader: DuckDBConnection

    def apply(self, store: Database, rules: Rules) -> SyncResult:
        """Apply it, and remove it if it is of no use any more."""
        plan, start = self.walk.plan, self.walk.start
        with Spool() as spool:
            try:
                self._fill(spool)
                result = store.apply(plan, start, spool, rules)
            except SyncError as error:
                result = result_of_failure(plan, start, store.read_clock(), spool.rows, error)
                if not rules.dry_run:
                    store.note_failure(result)
        if not rules.dry_run and (result.error is None or isinstance(result.exception, ConcurrentSyncError)):
            self.path.unlink(missing_ok=True)
        return result

    def _fill(self, spool: Spool) -> None:
        columns = quoted(*staged_columns(self.walk.plan))
        table = "read_parquet(?, hive_partitioning = false)"
        rows = self.reader.stream(
            f"SELECT CAST(to_json(r) AS VARCHAR) FROM (SELECT {columns} FROM {table}) r", [str(self.path)]
        )
        try:
            for some in rows:
                spool.add(line.encode() for (line,) in some)
        except DatabaseError:
            message = f"{self.path} can't be read: it is damaged"
            raise DatabaseError(message) from None


def _find_files(reader: DuckDBConnection, directory: Path) -> list[_File]:
    """Find the files of a folder, the oldest walk first."""
    if not directory.is_dir():
        message = f"{directory} is no folder"
        raise DatabaseError(message)
    files = [_File(path, _read_walk(reader, path), reader) for path in directory.glob("*.parquet")]
    return sorted(files, key=lambda file: file.walk.start.started_at)


def _read_walk(reader: DuckDBConnection, path: Path) -> _Walk:
    try:
        found = reader.execute(
            "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = ?", [str(path), _METADATA]
        )
        return msgspec.json.decode(found[0][0], type=_Walk)
    except (DatabaseError, IndexError, msgspec.DecodeError, msgspec.ValidationError):
        message = f"{path} was not written by a sync, or is damaged"
        raise DatabaseError(message) from None
