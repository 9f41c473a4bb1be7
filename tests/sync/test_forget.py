"""What a database is made to forget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from databases import Database, DuckDBFile
from served_rows import CALLS, NUMBERS, TAGS, ServedRows, call, number, numbers, tag
from synced import run, run_one

from contactship_async.sync import ParquetTarget, apply_parquet

NUMBER = "+12025550001"


async def fill(database: Database) -> None:
    """Sync two organizations twice, so that rows have several versions."""
    calls = [
        call(1, call_record=NUMBER),
        call(2, contact={"id": "c", "phone_number": NUMBER}),
        call(3, call_analysis={"custom_analysis_data": {"numbers": ["x", NUMBER]}}),
        call(4, call_record=f"about {NUMBER}", contact={"id": "c", "full_name": f"{NUMBER} or so"}),
    ]
    served = ServedRows({key: {NUMBERS: numbers([1, 2]), CALLS: calls, TAGS: [tag(1)]} for key in ("a", "b")})
    async with served.pool({"acme": "a", "tag 1": "b"}) as pool:
        await run(pool, ["phone_numbers", "calls", "tags"], database.target)
        for rows in served.rows.values():
            rows[NUMBERS] = [number(1, phone_number="+1999"), number(2)]
            rows[CALLS] = [{**calls[0], "call_record": "other"}, *calls[1:]]
        await run(pool, ["phone_numbers", "calls"], database.target, full=True)


def count(database: Database) -> dict[str, int]:
    """Count the versions in each table."""
    return {
        table: database.query(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 - ours
        for table in ("calls", "phone_numbers", "tags")
    }


async def test_value(database: Database) -> None:
    """All versions of each row that holds a value somewhere go, also those that no longer do; others stay."""
    await fill(database)
    before = count(database)
    tried = await database.target.forget(NUMBER, dry_run=True)
    assert before == count(database)
    forgotten = await database.target.forget(NUMBER)

    assert {"calls": 10, "phone_numbers": 6, "tags": 2} == before
    assert {"calls": 8, "phone_numbers": 4, "tags": 0} == tried == forgotten
    assert {"calls": 2, "phone_numbers": 2, "tags": 2} == count(database)
    assert [("call-4",)] == database.query("SELECT DISTINCT id FROM calls")
    assert {"calls": 0, "phone_numbers": 0, "tags": 0} == await database.target.forget(NUMBER)


async def test_values_that_are_names_of_organizations(schema: Database) -> None:
    """A value that is the name of an organization, too, is only looked for in its rows."""
    await fill(schema)

    assert {"calls": 0, "phone_numbers": 0, "tags": 2} == await schema.target.forget("tag 1")
    assert {"calls": 0, "phone_numbers": 0, "tags": 0} == await schema.target.forget("acme")


VALUES = ['"', "\\", "a\0b", "ü\N{GRINNING FACE}", "%", "_", "?", "'; --", "line\n", "\x7f"]


async def test_any_value(database: Database) -> None:
    """A value may be anything, alone or within an object."""
    rows = [call(place, call_record=value, contact={"id": value}) for place, value in enumerate(VALUES)]
    rows += [call(50 + place, contact={"id": value}) for place, value in enumerate(VALUES)]
    served = ServedRows({"key": {CALLS: [*rows, call(99, call_record="other")]}})
    async with served.client() as client:
        await run_one(client, "calls", database.target)

    assert [{"calls": 2}] * len(VALUES) == [await database.target.forget(value) for value in VALUES]
    assert [("call-99",)] == database.query("SELECT id FROM calls")


async def test_value_that_came_through_a_file(tmp_path: Path, database: Database) -> None:
    """It is found as well, though another program has written its control characters."""
    value = "\x0b\x1f\\u001f"
    served = ServedRows({"key": {CALLS: [call(1, contact={"id": value}), call(2, contact={"id": "other"})]}})
    async with served.client() as client:
        await run(client, ["calls"], ParquetTarget(tmp_path / "walks"))
    _ = [result async for result in apply_parquet(tmp_path / "walks", database.target)]

    assert {"calls": 1} == await database.target.forget(value)
    assert [("call-2",)] == database.query("SELECT id FROM calls")


async def test_organization(schema: Database) -> None:
    """All rows and runs of an organization go, and those of others stay; then it is synced as a new one."""
    await fill(schema)
    target = schema.target
    tried = await target.forget_organization("acme", dry_run=True)
    forgotten = await target.forget_organization("acme")

    assert {"calls": 5, "phone_numbers": 3, "tags": 1} == tried == forgotten == count(schema)
    assert {"tag 1"} == {result.organization for result in await target.runs()}
    assert [("tag 1",)] == schema.query("SELECT DISTINCT organization FROM sync_organizations")
    assert {"calls": 0, "phone_numbers": 0, "tags": 0} == await target.forget_organization("acme")


async def test_empty_value(duckdb_file: DuckDBFile) -> None:
    """There is no empty value to forget."""
    with pytest.raises(ValueError, match=r"^value must not be empty$"):
        await duckdb_file.target.forget("")


async def test_nothing_to_forget(schema: Database) -> None:
    """An empty database has nothing to forget."""
    assert {} == await schema.target.forget("x")
    assert {} == await schema.target.forget_organization("x")


async def test_no_file(duckdb_file: DuckDBFile) -> None:
    """Where there is no file, there is nothing to forget or to tell, and none is made."""
    target = duckdb_file.target

    assert ({}, {}, ()) == (await target.forget("x"), await target.forget_organization("x"), await target.runs())
    assert not duckdb_file.path.exists()


async def test_tables_of_others(tmp_path: Path) -> None:
    """A table that no sync has made is not searched, though a sync has failed at it."""
    file = DuckDBFile(tmp_path / "x.duckdb")
    with duckdb.connect(file.path) as connection:
        connection.execute("CREATE TABLE phone_numbers (id VARCHAR NOT NULL)")
        connection.execute("INSERT INTO phone_numbers VALUES ('number-1')")
    served = ServedRows({"key": {NUMBERS: numbers([1]), TAGS: [tag(1)]}})
    async with served.client() as client:
        results: list[Any] = await run(client, ["tags", "phone_numbers"], file.target)

    assert [None, "DatabaseError"] == [result.error for result in results]
    assert {"tags": 0} == await file.target.forget("number-1")
    assert {"tags": 1} == await file.target.forget_organization("default")
    assert [("number-1",)] == file.query("SELECT * FROM phone_numbers")
