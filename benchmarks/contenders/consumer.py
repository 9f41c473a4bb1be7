"""Nobody's walk: a consumer who has all rows before it, and is *busy* for some seconds with each page of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks import _rows
from benchmarks.contenders import Fields, Walk

_ROWS = 10_000


@asynccontextmanager
async def opened(_url: str) -> AsyncIterator[Walk]:
    """Lay out the rows."""
    rows: list[Fields] = [(_rows.row_id(index), _rows.phone_number(index), None, None) for index in range(_ROWS)]

    async def walk(*, pages: int, busy: float) -> list[Fields]:
        for _ in range(pages):
            await asyncio.sleep(busy)
        return rows

    yield walk
