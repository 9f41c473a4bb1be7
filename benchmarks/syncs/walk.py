"""Nobody's sync: the walk that `contactship_async.sync` proves complete, of which nothing is kept."""

from __future__ import annotations

from benchmarks.syncs import API_KEY, CONCURRENCY, PAGE_SIZE, Job
from contactship_async import ContactshipClient

CURRENT = ""


async def load(job: Job) -> None:
    """Walk, page by page."""
    async with ContactshipClient(API_KEY, base_url=job.url) as client:
        listing = getattr(client, job.listing).list()
        async with listing.prefetch(exact=True, page_size=PAGE_SIZE, concurrency=CONCURRENCY) as ahead:
            async for _ in ahead.pages():
                pass
