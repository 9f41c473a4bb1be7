"""One apply: a complete walk becomes versions of rows, in one transaction. What may be retired is decided here.

The rows of the walk are staged in a temporary table `s`, and compared with the current versions `o` by the hash of what
they hold.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from contactship_async.sync._connection import EPOCH, Connection, quoted, time_of
from contactship_async.sync._errors import (
    ConcurrentSyncError,
    OrganizationChangedError,
    SyncError,
    TooManyRetiredError,
)
from contactship_async.sync._plan import CONTENTS_HASH, HASH, ORGANIZATION, VALID_FROM, VALID_TO, Plan
from contactship_async.sync._results import COLUMNS, SyncResult, columns_of
from contactship_async.sync._schema import ORGANIZATIONS, SYNCS, staged_columns
from contactship_async.sync._spool import Spool
from contactship_async.sync._start import CLOCKS_DIFFER, accept_organization, count_runs, find_organization, read_clock
from contactship_async.sync._store import Rules, Start

_MANY_ROWS: Final = 20
"""Of so many current rows, at least one should come again."""

_MICROSECOND: Final = timedelta(microseconds=1)


class Apply:
    """The apply of one walk.

    Args:
        connection: In a transaction, which the caller ends.
        plan: Of the listing.
        start: Of the walk.
        rules: Of the run.
    """

    def __init__(self, connection: Connection, plan: Plan, start: Start, rules: Rules) -> None:
        self._connection = connection
        self._plan = plan
        self._start = start
        self._rules = rules
        self._table = quoted(plan.table)
        self._id = quoted(plan.id_column)
        scope = " AND ".join(f"o.{quoted(name)} = ?" for name in plan.scope)
        self._current = f'{scope} AND o."{VALID_TO}" IS NULL'
        self._scope = [*plan.scope.values()]
        self._differs = f's."{HASH}" <> o."{HASH}"'
        self._kept = () if plan.asks_for_contents or not plan.contents else (*plan.contents, CONTENTS_HASH)
        if plan.asks_for_contents:
            self._differs = f'({self._differs} OR s."{CONTENTS_HASH}" IS DISTINCT FROM o."{CONTENTS_HASH}")'

    def apply(self, spool: Spool) -> SyncResult:
        """Apply the rows of *spool*.

        Raises:
            SyncError: It was refused.
            DatabaseError: The database failed.
        """
        plan, start = self._plan, self._start
        self._connection.lock(plan.organization, plan.table)
        self._check_sequence()
        is_accepted = accept_organization(self._connection, plan, start.organization_id, self._rules)
        self._connection.stage(staged_columns(plan), spool)
        moment = self._find_moment()
        counts = self._compare()
        if not is_accepted:
            self._check(counts)
        if counts["changed"] or counts["gone"]:
            self._retire(moment)
        if counts["new"] or counts["changed"]:
            self._insert(moment)
        if self._rules.keep_history is not None:
            self._drop_history(moment - min(self._rules.keep_history, moment - EPOCH))
        if is_accepted or start.organization_id is not None:
            self._note_organization(start.organization_id)
        result = SyncResult(
            organization=plan.organization,
            listing=plan.table,
            mode=start.mode,
            started_at=start.started_at,
            finished_at=moment,
            rows=spool.rows,
            new=counts["new"],
            changed=counts["changed"],
            retired=counts["gone"],
            unchanged=counts["unchanged"],
        )
        note_run(self._connection, result)
        return result

    def _check_sequence(self) -> None:
        """Raise if another run was applied since this one began, or one that began later, or this one is yet to."""
        if self._start.runs is None:
            if self._start.started_at > read_clock(self._connection) + CLOCKS_DIFFER:  # All later walks would be older.
                message = "the walk began in the future: the clock of the machine that took it is wrong"
                raise SyncError(message)
            newer = self._execute(
                f'SELECT count(*) FROM "{SYNCS}" o WHERE o."organization" = ? AND o."listing" = ?'
                ' AND o."error" IS NULL AND o."started_at" >= ?',
                self._plan.organization,
                self._plan.table,
                self._start.started_at,
            )[0][0]
        else:
            newer = count_runs(self._connection, self._plan) != self._start.runs
        if newer:
            message = "another sync of this listing was applied meanwhile, which may know more: nothing was changed"
            raise ConcurrentSyncError(message)

    def _find_moment(self) -> datetime:
        """Return the time, but later than any version of the organization in the table: clocks are set back."""
        bounds = [self._connection.microseconds(f'max("{name}")') for name in (VALID_FROM, VALID_TO)]
        found = self._execute(
            f'SELECT {", ".join(bounds)} FROM {self._table} WHERE "{ORGANIZATION}" = ?', self._plan.organization
        )
        known = [time_of(value) + _MICROSECOND for value in found[0] if value is not None]
        return max([read_clock(self._connection), *known])

    def _compare(self) -> dict[str, int]:
        rows, ids, new, changed = self._execute(
            f"""SELECT count(*), count(DISTINCT s.{self._id}), count(CASE WHEN o.{self._id} IS NULL THEN 1 END),
            count(CASE WHEN o.{self._id} IS NOT NULL AND {self._differs} THEN 1 END)
            FROM "sync_staged" s LEFT JOIN {self._table} o ON o.{self._id} = s.{self._id} AND {self._current}""",
            *self._scope,
        )[0]
        if ids < rows:
            message = f"rows of the listing have the same {self._plan.id_column}"
            raise SyncError(message)
        current = self._count_current()
        unchanged = rows - new - changed
        gone = current - changed - unchanged if self._start.mode == "full" else 0
        return {"current": current, "new": new, "changed": changed, "unchanged": unchanged, "gone": gone}

    def _count_current(self, created_from: datetime | None = None) -> int:
        later, values = "", list[Any](self._scope)
        if created_from is not None:
            later = f" AND o.{quoted(self._plan.sort_column or '')} >= ?"
            values.append(created_from)
        count: int = self._execute(
            f"SELECT count(*) FROM {self._table} o WHERE {self._current}{later}",
            *values,
        )[0][0]
        return count

    def _check(self, counts: dict[str, int]) -> None:
        """Raise where the walk looks like that of another organization, or like a mistake."""
        start = self._start
        shared = counts["changed"] + counts["unchanged"]
        known = find_organization(self._connection, self._plan)
        if None in {known, start.organization_id} and not shared and start.mode != "filtered":
            # Whatever its time zone, the window's second day is within it.
            begin = None if start.since is None else datetime.combine(start.since, time(), UTC) + timedelta(days=2)
            expected = self._count_current(begin)
            if expected >= _MANY_ROWS:
                message = (
                    f"none of {expected} rows came again, and nothing says whose they are: check the key,"
                    " or accept another organization with accept_new_organization=True"
                )
                raise OrganizationChangedError(message)
        if counts["gone"] > self._rules.max_retired * counts["current"]:
            message = (
                f"{counts['gone']} of {counts['current']} rows would be retired,"
                f" and max_retired allows {self._rules.max_retired:.0%}"
            )
            raise TooManyRetiredError(message)

    def _retire(self, moment: datetime) -> None:
        """End the versions that are not those of the walk; those that it can't have seen go on."""
        same_row = f'SELECT 1 FROM "sync_staged" s WHERE s.{self._id} = o.{self._id}'
        ended = (
            f"NOT EXISTS ({same_row} AND NOT {self._differs})"
            if self._start.mode == "full"
            else f"EXISTS ({same_row} AND {self._differs})"
        )
        self._execute(
            f'UPDATE {self._table} AS o SET "{VALID_TO}" = ? WHERE {self._current} AND {ended}',
            moment,
            *self._scope,
        )

    def _insert(self, moment: datetime) -> None:
        """Begin the versions of the walk. Contents that were not asked for are those of the version that has ended."""
        staged = [*staged_columns(self._plan)]
        columns = quoted(*self._plan.scope, *staged, VALID_FROM)
        values = [f"{'p' if name in self._kept else 's'}.{quoted(name)}" for name in staged]
        last, last_values = "", list[Any]()
        if self._kept:
            scope = " AND ".join(f"p.{quoted(name)} = ?" for name in self._plan.scope)
            last = f'LEFT JOIN {self._table} p ON p.{self._id} = s.{self._id} AND {scope} AND p."{VALID_TO}" = ?'
            last_values = [*self._scope, moment]
        self._execute(
            f"""INSERT INTO {self._table} ({columns}) SELECT {", ".join(["?"] * len(self._scope) + values + ["?"])}
            FROM "sync_staged" s {last} WHERE NOT EXISTS
            (SELECT 1 FROM {self._table} o WHERE {self._current} AND o.{self._id} = s.{self._id})""",
            *self._scope,
            moment,
            *last_values,
            *self._scope,
        )

    def _drop_history(self, before: datetime) -> None:
        scope = self._current.rpartition(" AND ")[0]
        self._execute(
            f'DELETE FROM {self._table} AS o WHERE {scope} AND o."{VALID_TO}" < ?',
            *self._scope,
            before,
        )

    def _note_organization(self, name: str | None) -> None:
        if name == find_organization(self._connection, self._plan):
            return
        key = [self._plan.organization, self._plan.table]
        self._execute(f'DELETE FROM "{ORGANIZATIONS}" WHERE "organization" = ? AND "listing" = ?', *key)
        if name is not None:
            self._execute(f'INSERT INTO "{ORGANIZATIONS}" VALUES (?, ?, ?)', *key, name)

    def _execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters)


def note_run(connection: Connection, result: SyncResult) -> None:
    """Write down what became of a run."""
    values = columns_of(result)
    connection.execute(
        f'INSERT INTO "{SYNCS}" ({quoted(*COLUMNS)}) VALUES ({", ".join("?" * len(values))})',
        [*values.values()],
    )
