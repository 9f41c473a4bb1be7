"""What a user of aiohttp, json and cattrs would write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
from attrs import frozen
from cattrs.preconf.json import make_converter

from benchmarks.contenders import PAGE_SIZE, Fields, Walk


@frozen
class Number:
    """A row."""

    id: str
    phone_number: str
    type: str
    organization_id: str
    created_at: datetime


@frozen
class Answer:
    """A page."""

    data: list[Number]
    count: int


converter = make_converter()
"""Its datetimes are in ISO 8601."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a session."""
    async with aiohttp.ClientSession(headers={"x-api-key": "sk-made-up"}) as session:

        async def walk() -> list[Fields]:
            read: list[Fields] = []
            offset, count = 0, 1
            while offset < count:
                params = {"limit": str(PAGE_SIZE), "offset": str(offset), "order": "desc"}
                async with session.get(f"{url}/v1/phone-numbers", params=params) as response:
                    response.raise_for_status()
                    answer = converter.structure(await response.json(), Answer)
                read += [(row.id, row.phone_number, row.type, row.created_at) for row in answer.data]
                count = answer.count
                offset += len(answer.data)
            return read

        yield walk
