"""By hand, into PostgreSQL: for each page `executemany` of an `INSERT … ON CONFLICT`, and a commit.

It keeps no history, and never learns what is no longer there.
"""

from __future__ import annotations

import psycopg

from benchmarks.syncs import API_KEY, CONCURRENCY, ORGANIZATION, PAGE_SIZE, Job
from contactship_async import ContactshipClient

CURRENT = "SELECT count(*), count(DISTINCT id) FROM phone_numbers"

CREATE = """
CREATE TABLE IF NOT EXISTS phone_numbers (
    organization text, id text, phone_number text, type text, organization_id text,
    created_at timestamptz, PRIMARY KEY (organization, id)
)
"""
UPSERT = """
INSERT INTO phone_numbers VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (organization, id) DO UPDATE SET
    phone_number = excluded.phone_number, type = excluded.type,
    organization_id = excluded.organization_id, created_at = excluded.created_at
"""


async def load(job: Job) -> None:
    """Upsert page by page."""
    async with (
        await psycopg.AsyncConnection.connect(job.database) as connection,
        ContactshipClient(API_KEY, base_url=job.url) as client,
    ):
        await connection.execute(CREATE)
        listing = client.phone_numbers.list()
        async with (
            connection.cursor() as cursor,
            listing.prefetch(page_size=PAGE_SIZE, concurrency=CONCURRENCY) as ahead,
        ):
            async for page in ahead.pages():
                rows = [
                    (ORGANIZATION, row.id, row.phone_number, row.type, row.organization_id, row.created_at)
                    for row in page
                ]
                await cursor.executemany(UPSERT, rows)
                await connection.commit()
