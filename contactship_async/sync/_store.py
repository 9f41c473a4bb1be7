"""Where a sync puts what it walks: what a run needs to know before, the apply, and what became of runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date, datetime, timedelta

from attrs import frozen

from contactship_async import ContactshipError, ListingWindow
from contactship_async.sync._plan import Plan
from contactship_async.sync._results import Mode, SyncResult
from contactship_async.sync._spool import Spool


@frozen(kw_only=True)
class Rules:
    """What a run may do, as the arguments of `sync` say.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: It is out of range.
    """

    full: bool = False
    full_every: timedelta = timedelta(days=7)
    max_retired: float = 0.5
    accept_new_organization: bool = False
    keep_history: timedelta | None = None
    dry_run: bool = False

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.max_retired, int | float):
            message = f"max_retired must be a number from 0 to 1, not {type(self.max_retired).__name__}"
            raise TypeError(message)
        if not 0 <= self.max_retired <= 1:
            message = f"max_retired must be from 0 to 1, not {self.max_retired}"
            raise ValueError(message)
        _check_age("full_every", self.full_every)
        _check_age("keep_history", timedelta(0) if self.keep_history is None else self.keep_history)


def _check_age(name: str, value: object) -> None:
    if not isinstance(value, timedelta):
        message = f"{name} must be of type timedelta, not {type(value).__name__}"
        raise TypeError(message)
    if value < timedelta(0):
        message = f"{name} must not be negative"
        raise ValueError(message)


@frozen(kw_only=True)
class Start:
    """How a walk begins.

    Args:
        started_at: By the clock of the database.
        mode: Of the walk.
        since: The day from which on rows are asked for; None for all.
        organization_id: Whose rows they are; None if that is not known.
        runs: How many successful runs there were before; None where that is not known.
    """

    started_at: datetime
    mode: Mode
    since: date | None = None
    organization_id: str | None = None
    runs: int | None = None


def result_of_failure(plan: Plan, start: Start | None, now: datetime, rows: int, error: Exception) -> SyncResult:
    """Return what became of a listing that failed.

    Args:
        plan: Of the listing.
        start: Of the walk; None if it had not begun.
        now: By the clock of the database.
        rows: How many had come.
        error: What went wrong.
    """
    position = error.position if isinstance(error, ContactshipError) else None
    return SyncResult(
        organization=plan.organization,
        listing=plan.table,
        mode=plan.mode if start is None else start.mode,
        started_at=now if start is None else start.started_at,
        finished_at=now,
        rows=rows,
        error=type(error).__name__,
        failed_at=None if position is None else position.offset,
        exception=error,
    )


class Store(ABC):
    """What a run writes to, used by one thread at a time."""

    @abstractmethod
    def open(self) -> None:
        """Open it, if it is not open.

        Raises:
            DatabaseBusyError: Another program has it open.
            DatabaseError: It can't be opened.
        """

    @abstractmethod
    def start(self, plan: Plan, window: ListingWindow | None, organization_id: str | None, rules: Rules) -> Start:
        """Decide how to walk.

        Raises:
            OrganizationChangedError: The rows would be those of another organization.
            DatabaseError: The database can't be used.
        """

    @abstractmethod
    def apply(self, plan: Plan, start: Start, spool: Spool, rules: Rules) -> SyncResult:
        """Apply a complete walk, wholly or not at all.

        Raises:
            SyncError: It was refused, or the database failed.
        """

    @abstractmethod
    def note_failure(self, result: SyncResult) -> None:
        """Write down a run that failed."""

    @abstractmethod
    def read_clock(self) -> datetime:
        """Return the time."""

    @abstractmethod
    def interrupt(self) -> None:
        """End what another thread does."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""
