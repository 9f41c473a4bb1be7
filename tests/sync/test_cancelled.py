"""Nothing is left of a sync that is cancelled or left early, wherever it is, on both databases."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest
from databases import Database, DuckDBFile, PostgreSQLSchema
from served_rows import NUMBERS, TAGS, ServedRows, numbers, tag
from synced import counts, run
from turns import pass_turns

from contactship_async import ClientClosedError, Request
from contactship_async.sync import PostgresTarget, sync
from contactship_async.sync._database import Database as Store
from contactship_async.sync._duckdb import DuckDBConnection
from contactship_async.sync._postgres import PostgresConnection
from contactship_async.sync._target import DatabaseTarget
from contactship_async.sync._thread import DatabaseThread

ENDLESS = {
    "duckdb": "SELECT sum(a.range + b.range) FROM range(1000000) a, range(1000000) b",
    "postgresql": "SELECT pg_sleep(1000)",
}
STATEMENTS = {
    "making the tables": "CREATE TABLE",
    "staging": "CREATE OR REPLACE TEMP TABLE|CREATE TEMP TABLE",
    "inserting": 'INSERT INTO "phone_numbers"',
    "committing": "COMMIT",
}


@pytest.fixture(params=["duckdb_file", "schema"], ids=["duckdb", "postgresql"])
def left(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Be each database, and find it left: without threads, files, connections and a strange umask."""
    database: Database = request.getfixturevalue(request.param)
    umask = os.umask(0o022)
    files = open_files()
    yield database
    assert 0o022 == os.umask(umask)
    assert [] == threads_of_syncs()
    assert files == open_files()
    if isinstance(database, PostgreSQLSchema):
        while connections_of(database):
            pass


def open_files() -> list[str]:
    """Return the files that are open, without sockets and what is of the loop."""
    names = []
    for number in Path("/dev/fd").iterdir():
        with suppress(OSError):  # That of the listing itself.
            names.append(str(number.readlink()))
    return sorted(name for name in names if name.startswith("/") and "/fd" not in name)


def threads_of_syncs() -> list[threading.Thread]:
    """Return the threads that syncs have begun."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("contactship")]


def target_of(database: Database) -> DatabaseTarget:
    """Return a target whose connections can be told from others."""
    if isinstance(database, PostgreSQLSchema):
        return PostgresTarget(database.url(application_name=database.name))
    return database.target


def connections_of(schema: PostgreSQLSchema) -> list[Any]:
    """Return the connections that syncs have to a server."""
    return schema.query("SELECT pid FROM pg_stat_activity WHERE application_name = ?", schema.name)


def kind_of(database: Database) -> str:
    """Name the kind of a database."""
    return "duckdb" if isinstance(database, DuckDBFile) else "postgresql"


@pytest.mark.parametrize("place", STATEMENTS)
async def test_cancelled_within_a_statement(left: Database, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that takes long is ended when the sync is cancelled, and the next sync is right."""
    loop = asyncio.get_running_loop()
    running: list[str] = []
    kind = DuckDBConnection if isinstance(left, DuckDBFile) else PostgresConnection
    execute = kind.execute

    def take_long(self: Any, sql: str, parameters: Any = ()) -> Any:
        if not running and sql.startswith(tuple(STATEMENTS[place].split("|"))):
            running.append(sql)
            loop.call_soon_threadsafe(lambda: loop.call_later(0.02, task.cancel))
            execute(self, ENDLESS[kind_of(left)], [])
        return execute(self, sql, parameters)

    served = ServedRows({"acme": {NUMBERS: numbers(range(3)), TAGS: [tag(1)]}, "globex": {NUMBERS: numbers([7])}})
    async with served.pool() as pool:
        with monkeypatch.context() as patch:
            patch.setattr(kind, "execute", take_long)
            task = asyncio.create_task(run(pool, ["phone_numbers"], target_of(left)))
            with pytest.raises(asyncio.CancelledError):
                await task
        results = await run(pool, ["phone_numbers"], target_of(left))

    assert 1 == len(running)
    assert {None} == {result.error for result in results}
    assert [("acme", 3), ("globex", 1)] == left.query(
        "SELECT organization, count(*) FROM current_phone_numbers GROUP BY 1 ORDER BY 1"
    )


@pytest.mark.every_event_loop
async def test_cancelled_while_walking(left: Database) -> None:
    """A sync that is cancelled while rows come ends their requests."""

    async def wait(request: Request) -> None:
        if ("limit", "100") in request.query:
            waiting.set()
            await asyncio.Event().wait()

    waiting = asyncio.Event()
    served = ServedRows({"acme": {NUMBERS: numbers(range(3))}, "globex": {NUMBERS: []}}, on_request=wait)
    async with served.pool() as pool:
        task = asyncio.create_task(run(pool, ["phone_numbers"], target_of(left)))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.every_event_loop
async def test_left_early(left: Database) -> None:
    """A sync that is left after its first result, closed or not, is ended."""
    served = ServedRows({"key": {NUMBERS: numbers(range(3)), TAGS: [tag(1)]}})
    async with served.client() as client:
        async with aclosing(sync(client, ["phone_numbers", "tags"], target_of(left))) as results:
            first = await anext(results)
        second = await anext(sync(client, ["phone_numbers", "tags"], target_of(left)))
        gc.collect()
        for thread in threads_of_syncs():
            await asyncio.to_thread(thread.join)

    assert [{"new": 3}, {"unchanged": 3}] == [counts(result) for result in (first, second)]


async def test_never_begun(left: Database) -> None:
    """A sync that is never iterated over opens nothing."""
    served = ServedRows({"key": {NUMBERS: []}})
    async with served.client() as client:
        await sync(client, ["phone_numbers"], target_of(left)).aclose()

    assert set() == left.tables()


@pytest.mark.parametrize("source", ["pool", "client"])
async def test_closed_meanwhile(left: Database, source: str) -> None:
    """A pool or a client that is closed meanwhile ends the sync."""

    async def wait(request: Request) -> None:
        if ("limit", "100") in request.query:
            waiting.set()
            await asyncio.Event().wait()

    waiting = asyncio.Event()
    served = ServedRows({"key": {NUMBERS: numbers(range(3))}}, on_request=wait)
    async with served.pool() if source == "pool" else served.client() as opened:
        task = asyncio.create_task(run(opened, ["phone_numbers"], target_of(left)))
        await waiting.wait()
    with pytest.raises(ClientClosedError):
        await task


async def test_cancelled_while_opening(left: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was being made when the sync was cancelled is closed."""
    loop = asyncio.get_running_loop()
    original = Store.open

    def open_slowly(self: Store) -> None:
        loop.call_soon_threadsafe(opening.set)
        cancelled.wait()
        original(self)

    opening, cancelled = asyncio.Event(), threading.Event()
    served = ServedRows({"key": {NUMBERS: []}})
    async with served.client() as client:
        monkeypatch.setattr(Store, "open", open_slowly)
        task = asyncio.create_task(run(client, ["phone_numbers"], target_of(left)))
        await opening.wait()
        for _ in range(2):
            task.cancel()
            await pass_turns()
        assert not task.done()
        cancelled.set()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_thread_is_closed_though_cancelled() -> None:
    """A cancellation while the thread closes is raised when it has closed."""
    may_close, closed = threading.Event(), []
    thread = DatabaseThread(lambda: None)

    def close() -> None:
        may_close.wait()
        closed.append(True)

    task = asyncio.create_task(thread.close(close))
    for _ in range(3):
        await pass_turns()
        task.cancel()
    await pass_turns()
    assert not task.done()
    may_close.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [True] == closed


async def test_call_that_has_not_begun() -> None:
    """A call that waits for another one is given up when it is cancelled, and nothing is interrupted."""
    interrupted: list[bool] = []
    called: list[str] = []
    may_end = threading.Event()
    thread = DatabaseThread(lambda: interrupted.append(True))
    first = asyncio.create_task(thread.run(may_end.wait))
    second = asyncio.create_task(thread.run(called.append, "second"))
    await pass_turns()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    may_end.set()
    await first
    await thread.close(lambda: None)

    assert ([], []) == (interrupted, called)
