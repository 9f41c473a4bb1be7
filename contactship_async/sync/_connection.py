"""One connection to a database, as the sync needs it: the same SQL for all, and what each does in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, TypeAlias

from contactship_async.sync._errors import DatabaseError
from contactship_async.sync._plan import Kind
from contactship_async.sync._spool import Spool

Row: TypeAlias = tuple[Any, ...]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Connection(ABC):
    """A connection, used by one thread at a time. All its methods raise `DatabaseError`.

    In SQL, `?` stands for a parameter, and names are in double quotes.

    Attributes:
        types: The SQL type of each `Kind` of column.
        clock: An expression for the time: with a zone, the same in all of a transaction or later in it.
    """

    types: ClassVar[Mapping[str, str]]
    clock: ClassVar[str]

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Execute a statement and return its rows."""

    @abstractmethod
    def lock(self, *names: str) -> None:
        """Let no other transaction that locks the same names begin before this one has ended."""

    @abstractmethod
    def stage(self, columns: Mapping[str, Kind], spool: Spool) -> None:
        """Make the temporary table `sync_staged` of these columns, and fill it with the lines of *spool*."""

    def columns_of(self, table: str) -> dict[str, bool]:
        """Return the columns of a table, and whether each must have a value; none if there is no such table."""
        rows = self.execute(
            """SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = ?
            AND table_schema = current_schema() AND table_catalog = current_database() ORDER BY ordinal_position""",
            [table],
        )
        return {name: is_nullable == "NO" for name, is_nullable in rows}

    @abstractmethod
    def create_index(self, table: str, columns: Sequence[str]) -> None:
        """Let no row of a table be current twice, if the database can; these columns identify rows."""

    @abstractmethod
    def microseconds(self, time: str) -> str:
        """Return an expression for a time as the microseconds since 1970."""

    @abstractmethod
    def interrupt(self) -> None:
        """End the statement that another thread executes."""

    @abstractmethod
    def close(self) -> None:
        """Close it; what was not committed is rolled back."""

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[None]:
        """Commit what the block did in the transaction that has begun, or roll it back: also if it raised."""
        try:
            yield
        except BaseException:
            with suppress(DatabaseError):  # The connection is lost, and the transaction with it.
                self.execute("ROLLBACK")
            raise
        self.execute("COMMIT" if keep else "ROLLBACK")


def time_of(microseconds: int) -> datetime:
    """Return the time so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def quoted(*names: str) -> str:
    """Return names for SQL, with commas between them."""
    return ", ".join('"{}"'.format(name.replace('"', '""')) for name in names)
