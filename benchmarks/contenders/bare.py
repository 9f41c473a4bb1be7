"""The floor: a loop of aiohttp and msgspec, with no check, no retry, no deadline and no error of its own.

It does the same work as contactship_async when it makes the same objects; with *structs*, it makes msgspec's own,
which is what msgspec does fastest. With *guarded*, it does what no walk can do without that yields row by row, each
once, and has a time limit: what lies between it and contactship_async could be saved, the rest could not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
import msgspec

from benchmarks.contenders import PAGE_SIZE, Fields, Walk
from contactship_async import PhoneNumber


class Number(msgspec.Struct):
    """A row, unchecked, its type a string."""

    id: str
    phone_number: str
    type: str
    organization_id: str
    created_at: datetime


class Answer(msgspec.Struct):
    """A page of contactship_async's rows."""

    data: list[PhoneNumber]
    count: int


class AnswerOfStructs(msgspec.Struct):
    """A page of msgspec's rows."""

    data: list[Number]
    count: int


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a session."""
    same_objects = msgspec.json.Decoder(Answer)
    own_objects = msgspec.json.Decoder(AnswerOfStructs)
    async with aiohttp.ClientSession(headers={"x-api-key": "sk-made-up"}) as session:

        async def guarded_rows() -> AsyncGenerator[PhoneNumber, None]:
            seen: set[str] = set()
            offset, count = 0, 1
            while offset < count:
                target = f"{url}/v1/phone-numbers?limit={PAGE_SIZE}&offset={offset}&order=desc"
                async with asyncio.timeout(30), session.get(target) as response:
                    body = await response.read()
                answer = same_objects.decode(body)
                new = [row for row in answer.data if row.id not in seen]
                seen.update([row.id for row in new])
                count = answer.count
                offset += len(answer.data)
                for row in new:
                    yield row

        async def walk(*, structs: bool = False, guarded: bool = False) -> list[Fields]:
            if guarded:
                return [(row.id, row.phone_number, row.type, row.created_at) async for row in guarded_rows()]
            read: list[Fields] = []
            offset, count = 0, 1
            while offset < count:
                target = f"{url}/v1/phone-numbers?limit={PAGE_SIZE}&offset={offset}&order=desc"
                async with session.get(target) as response:
                    body = await response.read()
                answer = own_objects.decode(body) if structs else same_objects.decode(body)
                read += [(row.id, row.phone_number, row.type, row.created_at) for row in answer.data]
                count = answer.count
                offset += len(answer.data)
            return read

        yield walk
