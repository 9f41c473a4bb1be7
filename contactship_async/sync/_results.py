"""What a sync tells: how far it is, and what became of each listing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import attrs
from attrs import field, frozen

Mode: TypeAlias = Literal["full", "window", "filtered"]


@frozen(kw_only=True)
class SyncProgress:
    """How far the walk of a listing is.

    Args:
        organization: Its name in the pool.
        listing: The name of the table.
        mode: As in `SyncResult`.
        rows: How many rows have come.
        count: How many there are, as the server says; None where it does not.
    """

    organization: str
    listing: str
    mode: Mode
    rows: int
    count: int | None


@frozen(kw_only=True)
class SyncResult:
    """What became of a listing of an organization: a row of the table `syncs`.

    Args:
        organization: Its name in the pool.
        listing: The name of the table.
        mode: `full`: all rows, and those that are no longer there were retired. `window`: those created in the last
            days. `filtered`: those that were asked for. Nothing is retired in the last two.
        started_at: When it began, by the clock of the database.
        finished_at: When it was applied, which is `valid_from` of the rows that it brought, or when it failed.
        rows: How many rows came.
        new: How many of them were not current: they are new, or have returned.
        changed: How many were current with other contents.
        retired: How many rows that were current did not come.
        unchanged: How many rows were current as they are.
        error: The name of the class of the error; None for success.
        failed_at: The position in the listing at which it failed; None if it did not fail there.
        exception: The error itself; None for success, and for runs of the past.
    """

    organization: str
    listing: str
    mode: Mode
    started_at: datetime
    finished_at: datetime
    rows: int = 0
    new: int = 0
    changed: int = 0
    retired: int = 0
    unchanged: int = 0
    error: str | None = None
    failed_at: int | None = None
    exception: Exception | None = field(default=None, eq=False, repr=False)


COLUMNS = tuple(one.name for one in attrs.fields(SyncResult) if one.name != "exception")
"""Those of `syncs`, in order."""


def columns_of(result: SyncResult) -> dict[str, Any]:
    """Return a result as a row of `syncs`."""
    return {name: getattr(result, name) for name in COLUMNS}
