"""contactship_async: `iter_phone_numbers`, or with *by_page* its twin, with whatever options the question is about.

With *cold*, each walk opens a client of its own.
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

        async def walk(*, cold: bool = False, by_page: bool = False, **options: Any) -> list[Fields]:
            if cold:
                async with opened(url) as walk_anew:
                    return await walk_anew(by_page=by_page, **options)
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
