"""contactship_async: `sync`, into either database."""

from __future__ import annotations

from benchmarks.syncs import API_KEY, CONCURRENCY, ORGANIZATION, PAGE_SIZE, Job
from contactship_async import ContactshipPool
from contactship_async.sync import DuckDBTarget, PostgresTarget, sync

CURRENT = 'SELECT count(*), count(DISTINCT id) FROM "current_{listing}"'


async def load(job: Job) -> None:
    """Sync the listing of one organization, in full."""
    target = PostgresTarget(job.database) if job.is_postgresql else DuckDBTarget(job.database)
    async with ContactshipPool({ORGANIZATION: API_KEY}, base_url=job.url) as pool:
        async for result in sync(pool, [job.listing], target, page_size=PAGE_SIZE, concurrency=CONCURRENCY, full=True):
            if result.exception is not None:
                raise result.exception
