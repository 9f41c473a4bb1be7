"""telnyx: its own pager over its own phone numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telnyx import AsyncTelnyx

from benchmarks.contenders import PAGE_SIZE, Fields, Walk


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a client."""
    async with AsyncTelnyx(api_key="made-up", base_url=f"{url}/telnyx") as client:

        async def walk() -> list[Fields]:
            return [
                (number.id, number.phone_number, number.phone_number_type, number.created_at)
                async for number in client.phone_numbers.list(page_size=PAGE_SIZE)
            ]

        yield walk
