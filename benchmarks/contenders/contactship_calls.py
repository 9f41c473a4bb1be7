"""contactship_async: a walk over all calls, row by row or page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.contenders import PAGE_SIZE, Fields, Walk
from contactship_async import ContactshipClient


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a client."""
    async with ContactshipClient("sk-made-up", base_url=url) as client:
        calls = client.calls.list()

        async def walk(*, by_page: bool = False) -> list[Fields]:
            if by_page:
                return [
                    (call.id, call.from_number, call.type, call.created_at)
                    async for page in calls.pages(page_size=PAGE_SIZE)
                    for call in page
                ]
            return [
                (call.id, call.from_number, call.type, call.created_at)
                async for call in calls.rows(page_size=PAGE_SIZE)
            ]

        yield walk
