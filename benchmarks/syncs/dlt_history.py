"""dlt: pages of dictionaries with a history (`scd2`), its settings as they are, but that it sends no telemetry."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt

from benchmarks.syncs import API_KEY, CONCURRENCY, ORGANIZATION, PAGE_SIZE, Job
from contactship_async import ContactshipClient

CURRENT = "SELECT count(*), count(DISTINCT id) FROM contactship.phone_numbers WHERE _dlt_valid_to IS NULL"


async def walk(job: Job) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield pages."""
    async with ContactshipClient(API_KEY, base_url=job.url) as client:
        async for page in client.phone_numbers.list().pages(page_size=PAGE_SIZE, concurrency=CONCURRENCY):
            yield [{"organization": ORGANIZATION, **number.to_dict()} for number in page]


async def load(job: Job) -> None:
    """Run the pipeline, which blocks: it has an event loop of its own, in a thread."""
    history = {"disposition": "merge", "strategy": "scd2"}
    destination = dlt.destinations.postgres if job.is_postgresql else dlt.destinations.duckdb
    pipeline = dlt.pipeline(
        "contactship",
        pipelines_dir=job.folder,
        destination=destination(job.database),
        dataset_name="contactship",
    )
    pipeline.run(dlt.resource(walk, name="phone_numbers", merge_key="organization", write_disposition=history)(job))
