"""contactship_async: `prefetch`, or with *ahead* false `pages`, by a consumer who is *busy* for some seconds a page.

With *cold*, each walk opens a client of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.contenders import PAGE_SIZE, Fields, Walk
from contactship_async import ContactshipClient, Page, PhoneNumber


async def _read(pages: AsyncIterable[Page[PhoneNumber]], busy: float) -> list[Fields]:
    read: list[Fields] = []
    async for page in pages:
        read += [(number.id, number.phone_number, number.type, number.created_at) for number in page]
        if busy:
            await asyncio.sleep(busy)
    return read


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a client."""
    async with ContactshipClient("sk-made-up", base_url=url) as client:
        listing = client.phone_numbers.list()

        async def walk(*, cold: bool = False, busy: float = 0, ahead: bool = True, **options: Any) -> list[Fields]:
            if cold:
                async with opened(url) as walk_anew:
                    return await walk_anew(busy=busy, ahead=ahead, **options)
            if not ahead:
                return await _read(listing.pages(page_size=PAGE_SIZE, **options), busy)
            async with listing.prefetch(page_size=PAGE_SIZE, **options) as fetched:
                return await _read(fetched.pages(), busy)

        yield walk
