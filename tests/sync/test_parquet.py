"""Parquet: files that some processes write and one applies."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from databases import Database, DuckDBFile
from hostile_texts import HOSTILE
from served_rows import CALLS, NUMBERS, TAGS, ServedRows, call, number, numbers
from synced import counts, run, run_one

from contactship_async import Request, Response
from contactship_async.sync import (
    DatabaseError,
    MissingExtraError,
    ParquetTarget,
    SyncResult,
    TooManyRetiredError,
    apply_parquet,
)
from contactship_async.sync import _duckdb as duckdb_module
from contactship_async.sync._parquet import _ParquetStore


async def apply(folder: Path, database: Database, **options: Any) -> list[SyncResult]:
    """Apply the files of a folder."""
    return [result async for result in apply_parquet(folder, database.target, **options)]


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder."""
    return sorted(folder.iterdir())


async def write(folder: Path, *states: Sequence[int], name: str = "acme") -> None:
    """Leave a file for each state of the numbers of an organization."""
    served = ServedRows({"key": {}})
    async with served.pool({name: "key"}) as pool:
        for places in states:
            served.rows["key"][NUMBERS] = numbers(places)
            (result,) = await run(pool, ["phone_numbers"], ParquetTarget(folder))
            assert (None, len(places), {}) == (result.error, result.rows, counts(result))


async def test_files_become_history(tmp_path: Path, schema: Database) -> None:
    """Walks are applied in the order in which they were taken, and their files removed."""
    folder = tmp_path / "walks"
    await write(folder, [1, 2], [1], [1, 2])
    for place, file in enumerate(files_in(folder)):  # Their names say nothing.
        file.rename(folder / f"{9 - place}.parquet")
    results = await apply(folder, schema)

    assert [{"new": 2}, {"retired": 1, "unchanged": 1}, {"new": 1, "unchanged": 1}] == [
        counts(result) for result in results
    ]
    assert [("acme", "phone_numbers", "full", None)] * 3 == [
        (result.organization, result.listing, result.mode, result.error) for result in results
    ]
    assert [("number-1", 1, True), ("number-2", 1, False), ("number-2", 3, True)] == schema.versions()
    assert [] == files_in(folder)
    assert [] == await apply(folder, schema)


async def test_the_same_as_directly(tmp_path: Path, database: Database) -> None:
    """What comes through a file is what comes directly, whatever the texts and the kinds of columns."""
    calls = [
        call(place, call_record=text, duration=0.1 + place, call_analysis={"custom_analysis_data": {text: [1, None]}})
        for place, text in enumerate(HOSTILE)
    ]
    served = ServedRows({"key": {CALLS: calls, "/v1/things": [{"id": 1, "x": [None, {"y": "\0"}]}], TAGS: []}})
    listings = [
        lambda client: client.calls.list(include_transcript=True),
        lambda client: client.list("/v1/things", sort_key=None),
        "tags",
    ]
    async with served.client() as client:
        await run(client, listings, ParquetTarget(tmp_path))
        first = await apply(tmp_path, database)
        second = await run(client, listings, database.target, full=True)

    assert {"new": len(HOSTILE)} in [counts(result) for result in first]
    assert [{"unchanged": len(HOSTILE)}, {"unchanged": 1}, {}] == [counts(result) for result in second]


async def test_killed_before_a_file_is_removed(tmp_path: Path, schema: Database) -> None:
    """A file that was applied already is not applied again, and removed."""
    folder = tmp_path / "walks"
    await write(folder, [1, 2])
    shutil.copytree(folder, tmp_path / "copy")
    await apply(folder, schema)
    (again,) = await apply(tmp_path / "copy", schema)

    assert ("ConcurrentSyncError", {}) == (again.error, counts(again))
    assert [] == files_in(tmp_path / "copy")
    assert [("number-1", 1, True), ("number-2", 1, True)] == schema.versions()


async def test_late_file(tmp_path: Path, schema: Database) -> None:
    """A walk that is older than one that was applied is dropped."""
    await write(tmp_path / "early", [1])
    await write(tmp_path / "late", [1, 2])
    await apply(tmp_path / "late", schema)
    (result,) = await apply(tmp_path / "early", schema)

    assert "ConcurrentSyncError" == result.error
    assert [] == files_in(tmp_path / "early")
    assert [(2,)] == schema.query("SELECT count(*) FROM current_phone_numbers")


async def test_file_of_the_future(tmp_path: Path, schema: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk by a clock that is years ahead is refused: all that are taken until then would seem older, and dropped."""
    ahead = datetime.now(UTC) + timedelta(days=3650)
    with monkeypatch.context() as patched:
        patched.setattr(_ParquetStore, "read_clock", lambda _: ahead)
        await write(tmp_path, [1])
    (future,) = files_in(tmp_path)
    await write(tmp_path, [1, 2])
    applied, refused = await apply(tmp_path, schema)

    assert "the walk began in the future: the clock of the machine that took it is wrong" == str(refused.exception)
    assert ({"new": 2}, [future]) == (counts(applied), files_in(tmp_path))


async def test_refused_file(tmp_path: Path, schema: Database) -> None:
    """A walk that is refused stays for another try; the failure is written down."""
    folder = tmp_path / "walks"
    await write(folder, [1, 2, 3])
    await apply(folder, schema)
    await write(folder, [1])
    (refused,) = await apply(folder, schema)
    assert isinstance(refused.exception, TooManyRetiredError)
    assert 1 == len(files_in(folder))
    dry = await apply(folder, schema, max_retired=1, dry_run=True)
    assert ([{"retired": 2, "unchanged": 1}], 1) == ([counts(one) for one in dry], len(files_in(folder)))
    (allowed,) = await apply(folder, schema, max_retired=1)

    assert {"retired": 2, "unchanged": 1} == counts(allowed)
    assert [] == files_in(folder)
    assert [(None,), ("TooManyRetiredError",), (None,)] == schema.query("SELECT error FROM syncs ORDER BY finished_at")


async def test_file_of_another_organization(tmp_path: Path, schema: Database) -> None:
    """The rows of another organization are refused here, too, until they are accepted."""
    await write(tmp_path, [1])
    await apply(tmp_path, schema)
    served = ServedRows({"acme": {NUMBERS: [number(2, organization_id="b")]}})
    async with served.pool() as pool:
        await run(pool, ["phone_numbers"], ParquetTarget(tmp_path))
    (refused,) = await apply(tmp_path, schema)
    (dry,) = await apply(tmp_path, schema, dry_run=True)
    (accepted,) = await apply(tmp_path, schema, accept_new_organization=True)

    assert ["OrganizationChangedError"] * 2 == [refused.error, dry.error]
    assert {"new": 1, "retired": 1} == counts(accepted)


async def test_history_is_dropped(tmp_path: Path, schema: Database) -> None:
    """History is kept as long as is asked for."""
    await write(tmp_path, [1, 2], [1], [1, 3])
    await apply(tmp_path, schema, keep_history=timedelta(0))

    assert [("number-1", 1, True), ("number-3", 2, True)] == schema.versions()


@pytest.mark.parametrize("content", [b"", b"no Parquet" * 99, None], ids=["empty", "text", "of another program"])
async def test_foreign_files(tmp_path: Path, duckdb_file: DuckDBFile, content: bytes | None) -> None:
    """A file that no sync has written is told, and nothing is applied."""
    folder = tmp_path / "walks"
    await write(folder, [1])
    path = folder / "foreign.parquet"
    if content is None:
        with duckdb.connect() as connection:
            connection.execute(f"COPY (SELECT 1 AS x) TO '{path}' (FORMAT parquet)")
    else:
        path.write_bytes(content)
    with pytest.raises(DatabaseError) as raised:
        await apply(folder, duckdb_file)

    assert f"{path} was not written by a sync, or is damaged" == str(raised.value)
    assert 2 == len(files_in(folder))


async def test_damaged_file(tmp_path: Path, duckdb_file: DuckDBFile) -> None:
    """A file whose rows can't be read fails, stays, and keeps no other from being applied."""
    folder = tmp_path / "walks"
    await write(folder, [1, 2])
    (damaged,) = files_in(folder)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:4] + bytes(200) + content[204:])
    await write(folder, [3], name="globex")
    failed, applied = await apply(folder, duckdb_file)

    assert ("acme", "DatabaseError", None) == (failed.organization, failed.error, applied.error)
    assert f"{damaged} can't be read: it is damaged" == str(failed.exception)
    assert [damaged] == files_in(folder)


async def test_other_files_are_left_alone(tmp_path: Path, duckdb_file: DuckDBFile) -> None:
    """Files with other names, and those that are being written, are not touched."""
    folder = tmp_path / "walks"
    folder.mkdir()
    for name in ("README.txt", ".phone_numbers.acme.1.part"):
        (folder / name).write_text("x")

    assert [] == await apply(folder, duckdb_file)
    assert 2 == len(files_in(folder))


async def test_what_killed_processes_left(tmp_path: Path) -> None:
    """A file that was being written a day ago is removed by the next sync: it holds rows; others are not touched."""
    await write(tmp_path, [1])
    (file,) = files_in(tmp_path)
    left = [tmp_path / f".{file.stem}.{process}.part" for process in (1, 2)]
    other = tmp_path / ".other.part"
    for path in (*left, other):
        path.touch()
    for path in (left[0], other):
        os.utime(path, (0, 0))
    file.unlink()
    async with ParquetTarget(tmp_path).open(dry_run=True):
        assert sorted([*left, other]) == files_in(tmp_path)
    async with ParquetTarget(tmp_path).open():
        assert sorted([left[1], other]) == files_in(tmp_path)


async def test_no_folder(tmp_path: Path, duckdb_file: DuckDBFile) -> None:
    """A folder that is not there can't be applied, and one that can't be made can't be written to."""
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match=r"/nowhere is no folder$"):
        await apply(tmp_path / "nowhere", duckdb_file)
    served = ServedRows({"key": {NUMBERS: []}})
    async with served.client() as client:
        with pytest.raises(DatabaseError, match=r"/file/walks can't be made: Not a directory$"):
            await run(client, ["phone_numbers"], ParquetTarget(tmp_path / "file" / "walks"))


async def test_files_are_private(tmp_path: Path) -> None:
    """Files and folder are for their owner alone, and nothing else is left."""
    folder = tmp_path / "deep" / "walks"
    umask = os.umask(0o022)
    await write(folder, [1], name="a/b ü.." + "x" * 300)
    assert 0o022 == os.umask(umask)

    (file,) = files_in(folder)
    assert (0o600, 0o700) == (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777)
    assert file.name.startswith("phone_numbers.a%2Fb%20%C3%BC..xxx")


async def test_folder_with_any_name(tmp_path: Path, duckdb_file: DuckDBFile) -> None:
    """A folder may be named like a pattern, or like a part of a data set."""
    folder = tmp_path / "walks [1-3]*?'" / "organization=x"
    await write(folder, [1, 2])
    await apply(folder, duckdb_file)

    assert [("acme", 2)] == duckdb_file.query("SELECT organization, count(*) FROM phone_numbers GROUP BY 1")


async def test_files_are_applied_to_a_database(tmp_path: Path) -> None:
    """A folder is refused, and keeps its files."""
    await write(tmp_path, [1])
    with pytest.raises(TypeError, match=r"^target must be a database, not of type ParquetTarget$"):
        _ = [result async for result in apply_parquet(tmp_path, ParquetTarget(tmp_path))]  # type: ignore[arg-type] # that is the test

    assert 1 == len(files_in(tmp_path))


async def test_dry_run(tmp_path: Path) -> None:
    """A dry run makes neither a folder nor a file."""
    served = ServedRows({"key": {NUMBERS: numbers([1])}})
    async with served.client() as client:
        result = await run_one(client, "phone_numbers", ParquetTarget(tmp_path / "walks"), dry_run=True)

    assert (1, False) == (result.rows, (tmp_path / "walks").exists())


async def test_walks_are_whole(tmp_path: Path, duckdb_file: DuckDBFile) -> None:
    """There is no window, as nobody knows what is there; a walk that fails leaves no file, and what failed is told."""
    served = ServedRows({"key": {CALLS: [call(1)]}})

    async def fail(request: Request) -> Response | None:
        return Response(status=500) if request.path == TAGS and ("limit", "100") in request.query else None

    served.on_request = fail
    async with served.client() as client:
        for _ in range(2):
            calls, tags = await run(client, ["calls", "tags"], ParquetTarget(tmp_path))

    assert ("full", None, "full", "ServerError") == (calls.mode, calls.error, tags.mode, tags.error)
    assert 2 == len(files_in(tmp_path))


async def test_cancelled_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync that is cancelled while a file is written leaves none, and no thread."""
    loop = asyncio.get_running_loop()
    original = duckdb_module.DuckDBConnection.stage

    def take_long(self: Any, *arguments: Any) -> None:
        loop.call_soon_threadsafe(lambda: loop.call_later(0.02, task.cancel))
        self.execute("SELECT sum(a.range + b.range) FROM range(1000000) a, range(1000000) b")
        original(self, *arguments)

    monkeypatch.setattr(duckdb_module.DuckDBConnection, "stage", take_long)
    task = asyncio.create_task(write(tmp_path, [1]))
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [] == files_in(tmp_path)
    assert [] == [thread for thread in threading.enumerate() if thread.name.startswith("contactship")]


def test_interrupted_before_it_is_open(tmp_path: Path) -> None:
    """What has not begun needs no end."""
    store = ParquetTarget(tmp_path / "walks").make_store()
    store.interrupt()
    store.close()

    assert [] == files_in(tmp_path)


async def test_driver_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DuckDB, there is no Parquet."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError):
        await write(tmp_path, [1])


@pytest.mark.parametrize("options", [{"max_retired": 2}, {"keep_history": timedelta(-1)}])
async def test_wrong_options(tmp_path: Path, duckdb_file: DuckDBFile, options: dict[str, Any]) -> None:
    """An option that is out of range is refused."""
    with pytest.raises(ValueError, match=next(iter(options))):
        await apply(tmp_path, duckdb_file, **options)
