"""A copy of listings in a database, with their history: DuckDB (a file) or PostgreSQL.

    async with ContactshipPool(api_keys) as pool:
        async for result in sync(pool, ["phone_numbers", "calls"], DuckDBTarget("contactship.duckdb")):
            print(result.organization, result.listing, result.new, result.changed, result.retired)

Each organization and listing is one transaction, after its walk proved to be complete. The command `contactship sync`
is made of it.
"""

from contactship_async.sync._duckdb import DuckDBTarget
from contactship_async.sync._errors import (
    ConcurrentSyncError,
    DatabaseBusyError,
    DatabaseError,
    DatabaseVersionError,
    MissingExtraError,
    OrganizationChangedError,
    SyncError,
    TooManyRetiredError,
)
from contactship_async.sync._parquet import ParquetTarget, apply_parquet
from contactship_async.sync._postgres import PostgresTarget
from contactship_async.sync._results import Mode, SyncProgress, SyncResult
from contactship_async.sync._run import sync
from contactship_async.sync._shards import organizations_of_shard
from contactship_async.sync._target import Target

__all__ = [
    "ConcurrentSyncError",
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseVersionError",
    "DuckDBTarget",
    "MissingExtraError",
    "Mode",
    "OrganizationChangedError",
    "ParquetTarget",
    "PostgresTarget",
    "SyncError",
    "SyncProgress",
    "SyncResult",
    "Target",
    "TooManyRetiredError",
    "apply_parquet",
    "organizations_of_shard",
    "sync",
]
