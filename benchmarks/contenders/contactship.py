"""contactship_async: `iter_phone_numbers`, with whatever options the question is about.

With *by_page* it is its twin, with *prefetch* the listing's form for bulk work; with *cold*, each walk opens its own
client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.contenders import PAGE_SIZE, Fields, Walk
from contactship_async import ContactshipClient


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a client."""
    async with ContactshipClient("sk-made-up", base_url=url) as client:

        async def walk(
            *, cold: bool = False, prefetch: bool = False, by_page: bool = False, **options: Any
        ) -> list[Fields]:
            if cold:
                async with opened(url) as walk_anew:
                    return await walk_anew(prefetch=prefetch, by_page=by_page, **options)
            if prefetch:
                listing = client.phone_numbers.list(order="desc")
                async with listing.prefetch(page_size=PAGE_SIZE, **options) as ahead:
                    return [(number.id, number.phone_number, number.type, number.created_at) async for number in ahead]
            if by_page:
                return [
                    (number.id, number.phone_number, number.type, number.created_at)
                    async for page in client.iter_phone_number_pages(page_size=PAGE_SIZE, **options)
                    for number in page
                ]
            return [
                (number.id, number.phone_number, number.type, number.created_at)
                async for number in client.iter_phone_numbers(page_size=PAGE_SIZE, **options)
            ]

        yield walk
