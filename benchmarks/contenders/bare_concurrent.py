"""The floor with several requests in flight: aiohttp and msgspec, with no check, retry, deadline or error of its own.

The first page tells the count; then *in_flight* tasks fetch the others, and none waits for the pages before its own.
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
from contactship_async import PhoneNumber


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a session."""
    decoder = msgspec.json.Decoder(Answer)

    async with _open_session() as kept:

        async def walk(*, in_flight: int, cold: bool = False) -> list[Fields]:
            if not cold:
                return await _walk(kept, url, decoder, in_flight)
            async with _open_session() as session:
                return await _walk(session, url, decoder, in_flight)

        yield walk


def _open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"x-api-key": "sk-made-up"})


async def _walk(
    session: aiohttp.ClientSession, url: str, decoder: msgspec.json.Decoder[Answer], in_flight: int
) -> list[Fields]:
    pages: dict[int, list[PhoneNumber]] = {}

    async def fetch(offset: int) -> int:
        target = f"{url}/v1/phone-numbers?limit={PAGE_SIZE}&offset={offset}&order=desc"
        async with session.get(target) as response:
            answer = decoder.decode(await response.read())
        pages[offset] = answer.data
        return answer.count

    offsets = iter(range(PAGE_SIZE, await fetch(0), PAGE_SIZE))

    async def fetch_rest() -> None:
        for offset in offsets:
            await fetch(offset)

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(fetch_rest())
    rows = (row for _, page in sorted(pages.items()) for row in page)
    return [(row.id, row.phone_number, row.type, row.created_at) for row in rows]
