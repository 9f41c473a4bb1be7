"""A database as the store of a sync, and what else is asked of it: what became of runs, and to forget."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from typing import Any, Final

import msgspec

from contactship_async import ListingWindow
from contactship_async.sync._apply import Apply, note_run
from contactship_async.sync._connection import Connection, Row, quoted, time_of
from contactship_async.sync._errors import DatabaseError
from contactship_async.sync._plan import HASH, ORGANIZATION, OWN_COLUMNS, VALID_FROM, Plan
from contactship_async.sync._results import COLUMNS, SyncResult
from contactship_async.sync._schema import ORGANIZATIONS, SYNCS, find_version, is_of_sync, prepare
from contactship_async.sync._spool import Spool
from contactship_async.sync._start import decide_start, read_clock
from contactship_async.sync._store import Rules, Start, Store

_VERSION: Final = frozenset({VALID_FROM, HASH})
"""What each version of a row has, besides what identifies the row."""

_TIMES: Final = frozenset({"started_at", "finished_at"})

_ESCAPE: Final = re.compile(r"\\(?:u(00[0-9a-f]{2})|.)")
"""In JSON; the group is a control character."""


class Database(Store):
    """A database, over a connection that is made anew where it was lost.

    Args:
        connect: Makes a connection.
        turn: What each transaction begins and ends in, where the database would let two of them insert the same rows.
    """

    def __init__(self, connect: Callable[[], Connection], turn: AbstractContextManager[object] | None = None) -> None:
        self._connect = connect
        self._turn = nullcontext() if turn is None else turn
        self._connection: Connection | None = None

    def open(self) -> None:
        """See `Store`."""
        self._connection = self._connection or self._connect()

    def start(self, plan: Plan, window: ListingWindow | None, organization_id: str | None, rules: Rules) -> Start:
        """See `Store`."""
        with self._transaction(keep=not rules.dry_run) as connection:
            prepare(connection, plan)
            return decide_start(connection, plan, window, organization_id, rules)

    def apply(self, plan: Plan, start: Start, spool: Spool, rules: Rules) -> SyncResult:
        """See `Store`."""
        with self._transaction(keep=not rules.dry_run) as connection:
            prepare(connection, plan)
            return Apply(connection, plan, start, rules).apply(spool)

    def note_failure(self, result: SyncResult) -> None:
        """See `Store`."""
        with self._transaction() as connection:
            prepare(connection)
            note_run(connection, result)

    def read_clock(self) -> datetime:
        """See `Store`."""
        with self._transaction() as connection:
            return read_clock(connection)

    def runs(self) -> tuple[SyncResult, ...]:
        """Return the last run of each organization and listing, and before it the last one that succeeded."""
        with self._transaction() as connection:
            if not find_version(connection):
                return ()
            columns = [connection.microseconds(quoted(name)) if name in _TIMES else quoted(name) for name in COLUMNS]
            last, last_success = (
                f"""("organization", "listing", "finished_at") IN (SELECT "organization", "listing", max("finished_at")
                FROM "syncs" WHERE {which} GROUP BY "organization", "listing")"""
                for which in ("true", '"error" IS NULL')
            )
            rows = connection.execute(
                f"""SELECT {", ".join(columns)} FROM "syncs" WHERE {last} OR {last_success}
                ORDER BY "organization", "listing", "finished_at" """
            )
        return tuple(_read_run(row) for row in rows)

    def forget(self, value: str, *, dry_run: bool) -> dict[str, int]:
        """Delete all versions of each row that holds a value in some field, nested ones too.

        Returns:
            How many versions were deleted, by the names of the tables.
        """
        value = value.replace("\0", "\N{REPLACEMENT CHARACTER}")  # as it is kept
        nested = msgspec.json.encode(value).decode()
        # What came through a Parquet file has control characters with capital letters.
        capital = _ESCAPE.sub(lambda found: rf"\u{found[1].upper()}" if found[1] else found[0], nested)
        forms = {nested, capital}
        deleted: dict[str, int] = {}
        with self._transaction(keep=not dry_run) as connection:
            for table, columns in _find_tables(connection):
                texts = [f"CAST({quoted(name)} AS VARCHAR)" for name in columns if name not in OWN_COLUMNS]
                holds = " OR ".join(f"{text} = ?" + f" OR position(? IN {text}) > 0" * len(forms) for text in texts)
                key = quoted(*(name for name, is_required in columns.items() if is_required and name not in _VERSION))
                where = f"({key}) IN (SELECT {key} FROM {quoted(table)} WHERE {holds})"
                deleted[table] = _delete(connection, table, where, [value, *forms] * len(texts))
        return deleted

    def forget_organization(self, name: str, *, dry_run: bool) -> dict[str, int]:
        """Delete all that there is of an organization; return how many versions that were, by table."""
        with self._transaction(keep=not dry_run) as connection:
            if not find_version(connection):
                return {}
            tables = [table for table, _ in _find_tables(connection)]
            deleted = {
                table: _delete(connection, table, f'"{ORGANIZATION}" = ?', [name])
                for table in (*tables, SYNCS, ORGANIZATIONS)
            }
        return {table: deleted[table] for table in tables}

    def interrupt(self) -> None:
        """See `Store`."""
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    def close(self) -> None:
        """See `Store`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _transaction(self, *, keep: bool = True) -> Iterator[Connection]:
        with self._turn:
            connection = self._begin()
            with connection.transaction(keep=keep):
                yield connection

    def _begin(self) -> Connection:
        """Begin a transaction, over a new connection if the last one is of no use any more."""
        if self._connection is not None:
            with suppress(DatabaseError):
                self._connection.execute("BEGIN")
                return self._connection
            self.close()
        self._connection = connection = self._connect()
        connection.execute("BEGIN")
        return connection


def _find_tables(connection: Connection) -> Iterator[tuple[str, dict[str, bool]]]:
    """Find the tables of listings, with their columns."""
    if find_version(connection):
        names = connection.execute('SELECT DISTINCT "listing" FROM "syncs" ORDER BY 1')
        for (name,) in names:
            columns = connection.columns_of(name)
            if is_of_sync(columns):
                yield name, columns


def _delete(connection: Connection, table: str, where: str, values: list[str]) -> int:
    """Delete rows, and return how many."""
    condition = f"FROM {quoted(table)} WHERE {where}"
    count: int = connection.execute(f"SELECT count(*) {condition}", values)[0][0]
    connection.execute(f"DELETE {condition}", values)
    return count


def _read_run(row: Row) -> SyncResult:
    named = zip(COLUMNS, row, strict=True)
    values: dict[str, Any] = {name: time_of(value) if name in _TIMES else value for name, value in named}
    return SyncResult(**values)
