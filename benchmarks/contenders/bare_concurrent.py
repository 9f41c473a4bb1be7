"""The floor with many pages in flight: the bare loop, which asks for all pages that the first one says there are.

With *cold*, each walk opens a session of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from benchmarks.contenders import PAGE_SIZE, Fields, Walk
from benchmarks.contenders.bare import Answer


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a session."""
    decoder = msgspec.json.Decoder(Answer)
    async with aiohttp.ClientSession(headers={"x-api-key": "sk-made-up"}) as session:

        async def fetch(offset: int, slots: asyncio.Semaphore) -> Answer:
            target = f"{url}/v1/phone-numbers?limit={PAGE_SIZE}&offset={offset}&order=desc"
            async with slots, session.get(target) as response:
                return decoder.decode(await response.read())

        async def walk(*, concurrency: int, cold: bool = False) -> list[Fields]:
            if cold:
                async with opened(url) as walk_anew:
                    return await walk_anew(concurrency=concurrency)
            slots = asyncio.Semaphore(concurrency)
            first = await fetch(0, slots)
            others = await asyncio.gather(
                *(fetch(offset, slots) for offset in range(PAGE_SIZE, first.count, PAGE_SIZE))
            )
            pages = [first, *others]
            return [(row.id, row.phone_number, row.type, row.created_at) for page in pages for row in page.data]

        yield walk
