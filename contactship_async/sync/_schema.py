"""The tables of a sync: those of its own, with their versions, and one for each listing, which follows its model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Final

from contactship_async.sync._connection import Connection, quoted
from contactship_async.sync._errors import DatabaseError, DatabaseVersionError
from contactship_async.sync._plan import (
    CONTENTS_HASH,
    HASH,
    ORGANIZATION,
    VALID_FROM,
    VALID_TO,
    Kind,
    Plan,
)

SYNCS: Final = "syncs"
ORGANIZATIONS: Final = "sync_organizations"
_VERSION: Final = "sync_version"

_MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    (
        f"""CREATE TABLE "{SYNCS}" ("organization" {{text}} NOT NULL, "listing" {{text}} NOT NULL,
        "mode" {{text}} NOT NULL, "started_at" {{time}} NOT NULL, "finished_at" {{time}} NOT NULL,
        "rows" {{integer}} NOT NULL,
        "new" {{integer}} NOT NULL, "changed" {{integer}} NOT NULL, "retired" {{integer}} NOT NULL,
        "unchanged" {{integer}} NOT NULL, "error" {{text}}, "failed_at" {{integer}})""",
        f"""CREATE TABLE "{ORGANIZATIONS}" ("organization" {{text}} NOT NULL, "listing" {{text}} NOT NULL,
        "organization_id" {{text}} NOT NULL, PRIMARY KEY ("organization", "listing"))""",
    ),
)
"""What makes each version of our own tables of the one before; a release adds to the end."""

_LOCK: Final = "schema"


def prepare(connection: Connection, plan: Plan | None = None) -> None:
    """Make or migrate the tables of our own and that of a listing, where need be; a transaction must have begun.

    Raises:
        DatabaseVersionError: A newer release has written them.
        DatabaseError: The database refuses.
    """
    if not _is_prepared(connection, plan):
        connection.lock(_LOCK)
        _migrate(connection)
        if plan is not None:
            _prepare_table(connection, plan)


def _is_prepared(connection: Connection, plan: Plan | None) -> bool:
    if find_version(connection) < len(_MIGRATIONS):
        return False
    if plan is None:
        return True
    existing = connection.columns_of(plan.table)
    return existing.keys() >= _kinds_of(plan).keys() and _identifying(existing) == _identified_by(plan)


def find_version(connection: Connection) -> int:
    """Return the version of our own tables; 0 if there are none.

    Raises:
        DatabaseVersionError: A newer release has written them.
    """
    if not connection.columns_of(_VERSION):
        return 0
    version: int = connection.execute(f'SELECT max("version") FROM "{_VERSION}"')[0][0] or 0
    if version > len(_MIGRATIONS):
        message = (
            f"a newer release of contactship_async has written the tables (version {version},"
            f" and this one knows {len(_MIGRATIONS)}): upgrade it"
        )
        raise DatabaseVersionError(message)
    return version


def is_of_sync(columns: Iterable[str]) -> bool:
    """Return whether a table with these columns was made by a sync."""
    return {*columns} >= {ORGANIZATION, VALID_FROM, VALID_TO, HASH}


def staged_columns(plan: Plan) -> dict[str, Kind]:
    """Return the columns of the rows of a walk, with the hashes of what they hold."""
    columns: dict[str, Kind] = {column.name: column.kind for column in plan.columns}
    return columns | dict.fromkeys((HASH, *([CONTENTS_HASH] if plan.contents else [])), "text")


def _migrate(connection: Connection) -> None:
    version = find_version(connection)
    if not version:
        connection.execute(f'CREATE TABLE "{_VERSION}" ("version" {connection.types["integer"]} NOT NULL)')
        connection.execute(f'INSERT INTO "{_VERSION}" VALUES (0)')
    for statements in _MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement.format(**connection.types))
    if version < len(_MIGRATIONS):
        connection.execute(f'UPDATE "{_VERSION}" SET "version" = ?', [len(_MIGRATIONS)])


def _kinds_of(plan: Plan) -> dict[str, Kind]:
    """Return all columns of the table of a listing, in order."""
    fields: dict[str, Kind] = {column.name: column.kind for column in plan.columns}
    period: dict[str, Kind] = {VALID_FROM: "time", VALID_TO: "time"}
    return {**dict.fromkeys(map(str, plan.scope), "text"), **fields, **period, **staged_columns(plan)}


def _identified_by(plan: Plan) -> set[str]:
    return {*plan.scope, plan.id_column}


def _identifying(columns: Mapping[str, bool]) -> set[str]:
    """Return what identifies the rows of a table: what they must have before their period."""
    return {name for name in takewhile(VALID_FROM.__ne__, columns) if columns[name]}


def _prepare_table(connection: Connection, plan: Plan) -> None:
    kinds = _kinds_of(plan)
    identified_by = _identified_by(plan)
    required = {*identified_by, VALID_FROM, HASH}
    types = {
        name: f"{quoted(name)} {connection.types[kind]}{' NOT NULL' * (name in required)}"
        for name, kind in kinds.items()
    }
    existing = connection.columns_of(plan.table)
    if existing and not is_of_sync(existing):
        message = f"the database has a table {plan.table} that is not of a sync: use another schema or file"
        raise DatabaseError(message)
    if existing and _identifying(existing) != identified_by:
        known, asked = (", ".join(sorted(names)) for names in (_identifying(existing), identified_by))
        message = (
            f"the table {plan.table} is that of another listing, whose rows are told apart by {known}, not {asked}"
        )
        raise DatabaseError(message)
    table = quoted(plan.table)
    current = f"current_{plan.table}"
    if not existing:
        view_columns = connection.columns_of(current)
        if view_columns and not is_of_sync(view_columns):
            message = f"the database has a {current} that is not of a sync: use another schema or file"
            raise DatabaseError(message)
        period = f'CHECK ("{VALID_TO}" > "{VALID_FROM}")'
        connection.execute(f"CREATE TABLE {table} ({', '.join([*types.values(), period])})")
        connection.create_index(plan.table, (*plan.scope, plan.id_column))
    missing = [name for name in types if name not in existing] if existing else []
    for name in missing:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {types[name]}")
    if missing or not existing:
        connection.execute(
            f'CREATE OR REPLACE VIEW {quoted(current)} AS SELECT * FROM {table} WHERE "{VALID_TO}" IS NULL'
        )
