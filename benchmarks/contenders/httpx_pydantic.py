"""What a user of httpx and pydantic would write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import httpx
import pydantic

from benchmarks.contenders import PAGE_SIZE, Fields, Walk


class Number(pydantic.BaseModel):
    """A row."""

    id: str
    phone_number: str
    type: str
    organization_id: str
    created_at: datetime


class Answer(pydantic.BaseModel):
    """A page."""

    data: list[Number]
    count: int


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a client."""
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": "sk-made-up"}) as client:

        async def walk() -> list[Fields]:
            read: list[Fields] = []
            offset, count = 0, 1
            while offset < count:
                params = {"limit": str(PAGE_SIZE), "offset": str(offset), "order": "desc"}
                response = await client.get("/v1/phone-numbers", params=params)
                response.raise_for_status()
                answer = Answer.model_validate_json(response.content)
                read += [(row.id, row.phone_number, row.type, row.created_at) for row in answer.data]
                count = answer.count
                offset += len(answer.data)
            return read

        yield walk
