"""apify-client: its pager over the items of a dataset, which it leaves as dictionaries, dates as texts.

It asks for one page more than there are: it trusts no total, and ends on an empty page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apify_client import ApifyClientAsync

from benchmarks.contenders import PAGE_SIZE, Fields, Walk


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a client."""
    dataset = ApifyClientAsync("made-up", api_url=f"{url}/apify").dataset("numbers")

    async def walk() -> list[Fields]:
        return [
            (item["id"], item["phone_number"], item["type"], item["created_at"])
            async for item in dataset.iterate_items(chunk_size=PAGE_SIZE)
        ]

    yield walk
