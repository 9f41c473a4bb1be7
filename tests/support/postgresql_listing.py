"""The listing of phone numbers as many servers write it: over PostgreSQL, sorted by the creation date and nothing else.

The count and the page are two statements, rows change before and between them, and the dates arrive in milliseconds,
while the table has microseconds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from types import TracebackType
from typing import Final, LiteralString, Self

import psycopg
from aiohttp import web
from aiohttp.test_utils import TestServer

from contactship_async import ContactshipClient, RetryPolicy

_TABLE: Final = """
    DROP TABLE IF EXISTS phone_numbers;
    CREATE TABLE phone_numbers (id text PRIMARY KEY, created_at timestamptz NOT NULL, calls integer NOT NULL DEFAULT 0)
"""
_PAGES: Final[dict[str, LiteralString]] = {
    "desc": "SELECT id, created_at FROM phone_numbers ORDER BY created_at DESC LIMIT %s OFFSET %s",
    "asc": "SELECT id, created_at FROM phone_numbers ORDER BY created_at ASC LIMIT %s OFFSET %s",
}


class PostgresqlListing:
    """A server of `GET /v1/phone-numbers` over a table of its own, in which nothing changes.

    Args:
        conninfo: How to connect to the database.
        seed: Of the rows and their changes. Concurrent requests meet the changes in an order of their own.
        groups: The sizes of the groups of rows that share a `created_at`, as after an import.
        cap: The largest page.
        indexed: Whether the table has an index in the order of the listing.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        seed: int = 0,
        groups: Sequence[int],
        cap: int = 100,
        indexed: bool = False,
    ) -> None:
        self._conninfo = conninfo
        self._random = random.Random(seed)
        self._groups = groups
        self._cap = cap
        self._indexed = indexed
        self._numbers = count()
        self._clock = datetime(2026, 1, 15, 10, tzinfo=UTC)
        self._present: list[str] = []
        self._created_at: dict[str, datetime] = {}
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
            self._database = await starting.enter_async_context(connection)
            await self._database.execute(_TABLE)
            if self._indexed:
                await self._database.execute("CREATE INDEX ON phone_numbers (created_at)")
            await self._import()
            app = web.Application()
            app.router.add_get("/v1/phone-numbers", self._respond)
            self._server = await starting.enter_async_context(TestServer(app))
            self._running = starting.pop_all()
        self.initial = frozenset(self._present)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._running.aclose()

    @property
    def stable(self) -> frozenset[str]:
        """The ids of the rows that have been there all the time."""
        return self.initial.intersection(self._present)

    def client(self) -> ContactshipClient:
        """Make a client of this server, which does not hide its failures."""
        base_url = str(self._server.make_url("/")).rstrip("/")
        return ContactshipClient("made-up-key", base_url=base_url, retry=RetryPolicy(max_attempts=1))

    async def _respond(self, request: web.Request) -> web.Response:
        limit, offset = min(int(request.query["limit"]), self._cap), int(request.query["offset"])
        await self._before_count()
        counted = await (await self._database.execute("SELECT count(*) FROM phone_numbers")).fetchone()
        await self._before_rows()
        rows = await (await self._database.execute(_PAGES[request.query["order"]], (limit, offset))).fetchall()
        assert counted is not None
        return web.json_response({"data": [_to_json(*row) for row in rows], "count": counted[0]})

    async def _import(self) -> None:
        timestamps = []
        for size in self._groups:
            first = self._now()
            # Every fourth group shares no more than the millisecond.
            apart = timedelta(microseconds=int(self._random.random() < 0.25))
            timestamps += [first + place * apart for place in range(size)]
        await self._insert(timestamps)

    def _now(self) -> datetime:
        self._clock += timedelta(milliseconds=1)
        return self._clock

    async def _insert(self, timestamps: Sequence[datetime]) -> None:
        rows = [(f"pn-{next(self._numbers)}", timestamp) for timestamp in timestamps]
        async with self._database.cursor() as cursor:
            await cursor.executemany("INSERT INTO phone_numbers (id, created_at) VALUES (%s, %s)", rows)
        self._created_at.update(rows)
        self._present += [identifier for identifier, _ in rows]

    async def _before_count(self) -> None:
        """Change nothing."""

    async def _before_rows(self) -> None:
        """Change nothing."""

    async def _delete(self, identifiers: Sequence[str]) -> None:
        self._present = [row for row in self._present if row not in identifiers]
        await self._database.execute("DELETE FROM phone_numbers WHERE id = ANY(%s)", (list(identifiers),))


class ChurningListing(PostgresqlListing):
    """Rows are added, imported, touched and removed, before each count and before each page."""

    async def _before_count(self) -> None:
        for _ in range(self._random.choice((0, 0, 1, 2))):
            change = self._random.choice(
                (self._add, self._add_batch, self._add_late, self._update, self._remove, self._remove_group)
            )
            await change()

    _before_rows = _before_count

    async def _add(self) -> None:
        await self._insert([self._now()])

    async def _add_batch(self) -> None:
        await self._insert([self._now()] * 5)

    async def _add_late(self) -> None:
        """Import a row into a group of rows that have long been there."""
        await self._insert([self._created_at[self._random.choice(self._present)]])

    async def _update(self) -> None:
        """Touch what is not listed: it moves the rows within the table, and so among their equals."""
        touched = self._random.sample(self._present, 10)
        await self._database.execute("UPDATE phone_numbers SET calls = calls + 1 WHERE id = ANY(%s)", (touched,))

    async def _remove(self) -> None:
        await self._delete(self._random.sample(self._present, 3))

    async def _remove_group(self) -> None:
        created_at = self._created_at[self._random.choice(self._present)]
        await self._delete([row for row in self._present if self._created_at[row] == created_at])


class ReplacingListing(PostgresqlListing):
    """Some of the newest rows are gone when they are counted, and others have taken their place when rows are read."""

    _missing = 0

    async def _before_count(self) -> None:
        self._missing = self._random.choice((0, 0, 1, 2, 3))
        newest_first = sorted(self._present, key=self._created_at.__getitem__, reverse=True)
        await self._delete(newest_first[: self._missing])

    async def _before_rows(self) -> None:
        await self._insert([self._now() for _ in range(self._missing)])


def _to_json(identifier: str, created_at: datetime) -> dict[str, str]:
    return {
        "id": identifier,
        "phone_number": "+12025550142",
        "type": "inbound",
        "organization_id": "org-1",
        "created_at": created_at.isoformat(timespec="milliseconds"),
    }
