"""What may go wrong with a sync, besides what may with calls."""

from __future__ import annotations

from contactship_async.errors import ContactshipError

__all__ = [
    "ConcurrentSyncError",
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseVersionError",
    "MissingExtraError",
    "OrganizationChangedError",
    "SyncError",
    "TooManyRetiredError",
]


class SyncError(ContactshipError):
    """A listing could not be synced; nothing of it was changed in the database."""


class DatabaseError(SyncError):
    """The database can't be used, or failed. The text holds no URL, password or row."""


class DatabaseBusyError(DatabaseError):
    """Another program has the file open."""


class DatabaseVersionError(DatabaseError):
    """A newer release of this package has written the tables."""


class MissingExtraError(SyncError):
    """The driver of the database is not installed."""


class OrganizationChangedError(SyncError):
    """The rows are those of another organization than last time: the key of another one, most likely."""


class TooManyRetiredError(SyncError):
    """More rows would be retired than is allowed."""


class ConcurrentSyncError(SyncError):
    """Another sync of the same listing was applied after this one began, which may know more."""
