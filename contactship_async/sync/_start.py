"""How a walk begins: whole or by a window, and of whose rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve

from contactship_async import ListingWindow
from contactship_async.sync._connection import Connection, quoted, time_of
from contactship_async.sync._errors import OrganizationChangedError
from contactship_async.sync._plan import VALID_TO, Plan
from contactship_async.sync._schema import ORGANIZATIONS, SYNCS
from contactship_async.sync._store import Rules, Start

_LATE_CHANGES: Final = timedelta(days=3)
"""How long after its end a call may still change: its recording, analysis and transcript come later. Also how long
before the last run a call may have been created without having been listed by then."""

_DAY: Final = timedelta(days=1)

CLOCKS_DIFFER: Final = timedelta(days=1)
"""By no more than this, where they are right: what began later than that from now did so by a wrong one."""
"""By how much a day may begin elsewhere: in which time zone it does is not documented."""


def decide_start(
    connection: Connection, plan: Plan, window: ListingWindow | None, organization_id: str | None, rules: Rules
) -> Start:
    """Decide how to walk a listing.

    Raises:
        OrganizationChangedError: The rows would be those of another organization.
    """
    is_accepted = accept_organization(connection, plan, organization_id, rules)
    start = Start(
        started_at=read_clock(connection),
        mode=plan.mode,
        organization_id=organization_id,
        runs=count_runs(connection, plan),
    )
    if window is None or start.mode == "filtered" or is_accepted or rules.full:
        return start
    oldest = _find_oldest_that_may_change(connection, plan, window, start.started_at, rules)
    if oldest is None:
        return start
    return evolve(start, mode="window", since=(oldest - _DAY).astimezone(UTC).date())


def accept_organization(connection: Connection, plan: Plan, organization_id: str | None, rules: Rules) -> bool:
    """Return whether the rows may be those of another organization than last time, and that is accepted.

    Args:
        connection: In a transaction.
        plan: Of the listing.
        organization_id: Whose rows they are; None if that is not known.
        rules: Of the run.

    Raises:
        OrganizationChangedError: They are those of another, and may not.
    """
    known = find_organization(connection, plan)
    expected = _find_organizations(connection, plan) if known is None else {known}
    differs = organization_id is not None and bool(expected) and organization_id not in expected
    if differs and not rules.accept_new_organization:
        message = (
            "the key is that of another organization than last time: check it,"
            " or accept the new one with accept_new_organization=True"
        )
        raise OrganizationChangedError(message)
    return rules.accept_new_organization and (differs or None in {known, organization_id})


def find_organization(connection: Connection, plan: Plan) -> str | None:
    """Return the id of the organization whose rows the listing had last time; None if it is not known."""
    found = connection.execute(
        f'SELECT "organization_id" FROM "{ORGANIZATIONS}" WHERE "organization" = ? AND "listing" = ?',
        [plan.organization, plan.table],
    )
    return found[0][0] if found else None


def _find_organizations(connection: Connection, plan: Plan) -> set[str]:
    """Find the ids of the organizations whose rows the other listings have: a new one must not be of another."""
    found = connection.execute(
        f'SELECT "organization_id" FROM "{ORGANIZATIONS}" WHERE "organization" = ?', [plan.organization]
    )
    return {organization_id for (organization_id,) in found}


def count_runs(connection: Connection, plan: Plan) -> int:
    """Count the successful runs of a listing."""
    count: int = connection.execute(
        f'SELECT count(*) FROM "{SYNCS}" WHERE "organization" = ? AND "listing" = ? AND "error" IS NULL',
        [plan.organization, plan.table],
    )[0][0]
    return count


def read_clock(connection: Connection) -> datetime:
    """Return the time of the database."""
    return time_of(connection.execute(f"SELECT {connection.microseconds(connection.clock)}")[0][0])


def _find_oldest_that_may_change(
    connection: Connection, plan: Plan, window: ListingWindow, now: datetime, rules: Rules
) -> datetime | None:
    """Return when the oldest row that may still change was created, or None if only a full walk finds out.

    Args:
        connection: In a transaction.
        plan: Of the listing.
        window: How it is asked for its newest rows.
        now: When the walk begins.
        rules: Of the run.
    """
    began = connection.microseconds('"started_at"')
    full, complete = connection.execute(
        f"""SELECT max(CASE WHEN "mode" = 'full' THEN {began} END), max({began}) FROM "{SYNCS}"
        WHERE "organization" = ? AND "listing" = ? AND "error" IS NULL AND "mode" <> 'filtered'
        AND "started_at" <= ?""",
        [plan.organization, plan.table, now + CLOCKS_DIFFER],
    )[0]
    if full is None or now - time_of(full) > rules.full_every:
        return None
    latest = time_of(complete) - _LATE_CHANGES
    key, status, end = (quoted(name) for name in (plan.sort_column or "", window.status_field, window.end_field))
    final = sorted(map(str, window.final_statuses))
    scope = " AND ".join(f"{quoted(name)} = ?" for name in plan.scope)
    unknown, oldest = connection.execute(
        f"""SELECT count(*) - count({key}), min({connection.microseconds(key)}) FROM {quoted(plan.table)}
        WHERE {scope} AND "{VALID_TO}" IS NULL AND ({end} >= ?
        OR ({end} IS NULL AND ({status} IS NULL OR {status} NOT IN ({", ".join("?" * len(final))}))))""",
        [*plan.scope.values(), latest, *final],
    )[0]
    if unknown or (oldest or 0) < 0:  # Before 1970: a date that stands for none.
        return None
    return latest if oldest is None or oldest > complete else min(latest, time_of(oldest))
