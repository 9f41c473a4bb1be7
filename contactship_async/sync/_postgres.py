"""PostgreSQL, through psycopg.

Source: https://www.postgresql.org/docs/current/, https://www.psycopg.org/psycopg3/docs/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeVar

from attrs import field, frozen

from contactship_async import Secret
from contactship_async.sync._connection import Connection, Row, quoted
from contactship_async.sync._database import Database
from contactship_async.sync._errors import DatabaseError, MissingExtraError
from contactship_async.sync._plan import Kind
from contactship_async.sync._spool import Spool
from contactship_async.sync._target import DatabaseTarget

T = TypeVar("T")

_SCHEMES: Final = ("postgresql://", "postgres://")

_ADMINISTRATIVE: Final = ("08", "25", "28", "3D", "3F", "42501", "53", "55", "57")
"""Of SQLSTATE: classes whose messages are about the server and not about rows.

Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

_REFUSALS: Final = (re.compile(r"FATAL: +(.+)"), re.compile(r".*failed: (.+)"))
"""Of a connection that is not made: what the server says, or else the system.

The rest quotes the URL; a part of the password is taken for the host where it holds an `@` that is not encoded.
"""
_UNKNOWN_HOST: Final = "failed to resolve host"

_OPTIONS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "application_name": "contactship-async",
        "connect_timeout": 30,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
)
"""Of connections, unless the URL says otherwise; a server that has gone is noticed after a minute."""


def _hide(url: str | Secret) -> Secret:
    if isinstance(url, Secret):
        return url
    if not isinstance(url, str):
        message = f"url must be a string, not {type(url).__name__}"
        raise TypeError(message)
    return Secret(url)


@frozen
class PostgresTarget(DatabaseTarget):
    """A database of PostgreSQL. Needs the extra `postgres`.

        async for result in sync(pool, ["phone_numbers"], PostgresTarget(os.environ["DATABASE_URL"])):
            ...

    The tables are made in the first schema of the search path; `?options=-csearch_path%3Dcontactship` at the end of the
    URL names another one. Any number of processes may sync at once; each has one connection.

    Args:
        url: Such as `postgresql://user:password@host/database`; what it lacks is read from variables such as
            `PGPASSWORD`, and from the password file. It is shown nowhere.

    Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
    """

    _url: Secret = field(converter=_hide, alias="url")

    def __attrs_post_init__(self) -> None:
        if not self._url.reveal().startswith(_SCHEMES):
            message = "url must begin with postgresql://"
            raise ValueError(message)

    def __reduce__(self) -> NoReturn:
        message = "a PostgresTarget is not pickled, as it may hold a password: make it where it is needed"
        raise TypeError(message)

    def make_store(self, *, dry_run: bool = False) -> Database:
        """Return what connects to the server."""
        del dry_run
        return Database(lambda: PostgresConnection(self._url))


class PostgresConnection(Connection):
    """A connection to PostgreSQL.

    Args:
        url: Of the database.
    """

    types = MappingProxyType(
        {
            "text": "text",
            "time": "timestamptz",
            "float": "double precision",
            "integer": "bigint",
            "boolean": "boolean",
            "json": "jsonb",
        }
    )
    clock = "clock_timestamp()"

    def __init__(self, url: Secret) -> None:
        self._driver = _import_driver()
        self._connection = self._try(lambda: self._connect(url.reveal()))
        try:
            self.execute("SET TimeZone = 'UTC'")
            # Others would see what was there before they waited for a lock.
            self.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED")
        except DatabaseError:
            self.close()
            raise

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""
        return self._try(lambda: self._execute(sql.replace("?", "%s"), parameters))

    def lock(self, *names: str) -> None:
        """See `Connection`."""
        key = "/".join(("contactship_async", *names))
        self.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", [key])

    def stage(self, columns: Mapping[str, Kind], spool: Spool) -> None:
        """See `Connection`."""
        self.execute('CREATE TEMP TABLE "sync_lines" ("line" json NOT NULL) ON COMMIT DROP')
        self._try(lambda: self._copy(spool))
        types = ", ".join(f"{quoted(name)} {self.types[kind]}" for name, kind in columns.items())
        records = f'"sync_lines", json_to_record("line") AS r({types})'
        self.execute(f'CREATE TEMP TABLE "sync_staged" ON COMMIT DROP AS SELECT r.* FROM {records}')
        self.execute('DROP TABLE "sync_lines"')
        self.execute('ANALYZE "sync_staged"')
        # Right after a first load the other table has no statistics, and comparing row by row would take minutes.
        self.execute("SET LOCAL enable_nestloop = off")

    def columns_of(self, table: str) -> dict[str, bool]:
        """See `Connection`. Of tables that the user must not read, too: `information_schema` would hide them."""
        rows = self.execute(
            """SELECT attname, attnotnull FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
            AND attrelid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident(?)) ORDER BY attnum""",
            [table],
        )
        return dict(rows)

    def create_index(self, table: str, columns: Sequence[str]) -> None:
        """See `Connection`."""
        name = quoted(f"{table}_one_current")
        self.execute(f'CREATE UNIQUE INDEX {name} ON {quoted(table)} ({quoted(*columns)}) WHERE "valid_to" IS NULL')

    def microseconds(self, time: str) -> str:
        """See `Connection`."""
        return f"(extract(epoch FROM {time}) * 1000000)::bigint"

    def interrupt(self) -> None:
        """See `Connection`."""
        with suppress(self._driver.Error):
            self._connection.cancel_safe(timeout=5)

    def close(self) -> None:
        """See `Connection`."""
        self._connection.close()

    def _connect(self, url: str) -> Any:
        given = self._driver.conninfo.conninfo_to_dict(url)
        options = {name: value for name, value in _OPTIONS.items() if name not in given}
        # Rows are copied as bytes, which are UTF-8 whatever the database, the URL or `PGCLIENTENCODING` name.
        return self._driver.connect(url, autocommit=True, client_encoding="utf8", **options)

    def _execute(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, [*parameters], prepare=False)
            return cursor.fetchall() if cursor.description else []

    def _copy(self, spool: Spool) -> None:
        with self._connection.cursor() as cursor, cursor.copy('COPY "sync_lines" FROM STDIN') as copy:
            for chunk in spool.chunks():
                copy.write(chunk.replace(b"\\", rb"\\"))

    def _try(self, act: Callable[[], T]) -> T:
        """Return what *act* returns, and raise what goes wrong as ours: the driver's texts may quote rows."""
        try:
            return act()
        except self._driver.Error as error:
            fault = _describe(error)
        raise fault  # Out here, it does not lead to the driver's.


def _describe(error: Any) -> DatabaseError:
    state = error.sqlstate or ""
    if not state:
        return DatabaseError(f"PostgreSQL{_describe_connecting(error)}")
    if state.startswith(_ADMINISTRATIVE) and error.diag.message_primary:
        return DatabaseError(f"PostgreSQL: {' '.join(error.diag.message_primary.split())}")
    return DatabaseError(f"PostgreSQL refused a statement (SQLSTATE {state})")


def _describe_connecting(error: Exception) -> str:
    """Say why there is no connection, or none any more."""
    text = str(error)
    for refusal in _REFUSALS:
        if found := refusal.search(text):
            return f": {found[1].strip()}"
    if _UNKNOWN_HOST in text:
        return ": there is no such host"
    if type(error).__name__ == "ProgrammingError":
        return ": the URL of the database can't be read"
    return " can't be reached, or the connection was lost"


def _import_driver() -> Any:
    try:
        return import_module("psycopg")
    except ImportError:
        message = 'psycopg is not installed: pip install "contactship-async[postgres]"'
        raise MissingExtraError(message) from None
