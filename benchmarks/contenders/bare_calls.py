"""The floor for calls: a loop of aiohttp and msgspec, which makes objects of equal classes, none of them renamed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from benchmarks._calls import OlderCallPage
from benchmarks.contenders import PAGE_SIZE, Fields, Walk


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a session."""
    decoder = msgspec.json.Decoder(OlderCallPage)
    async with aiohttp.ClientSession(headers={"x-api-key": "sk-made-up"}) as session:

        async def walk() -> list[Fields]:
            read: list[Fields] = []
            offset, count = 0, 1
            while offset < count:
                target = f"{url}/python-names/v1/calls?limit={PAGE_SIZE}&offset={offset}&order=desc"
                async with session.get(target) as response:
                    body = await response.read()
                page = decoder.decode(body)
                read += [(row.id, row.from_number, row.type, row.created_at) for row in page.data]
                count = page.count
                offset += len(page.data)
            return read

        yield walk
