"""Databases that `contactship sync` can't use: one line each, exit code 1, and nothing half applied."""

from __future__ import annotations

import asyncio
import resource
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from contactship_async.sandbox import Sandbox

LOCK = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a database may be."""
    return tmp_path / "contactship.duckdb"


@pytest.fixture
def no_database(tmp_path: Path) -> Path:
    """Return a file of something else."""
    path = tmp_path / "contacts.csv"
    path.write_text("to_number,full_name\n")
    return path


def write(path: Path, text: str) -> None:
    """Write a file."""
    path.write_text(text)


def read(path: Path) -> str:
    """Return what is in a file."""
    return path.read_text()


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file become larger than *size*, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def count_numbers(file: Path) -> list[tuple[Any, ...]]:
    """Count the versions and the current rows of phone numbers."""
    with duckdb.connect(str(file), read_only=True) as database:
        return database.execute("SELECT count(*), count(*) - count(valid_to) FROM phone_numbers").fetchall()


async def test_a_file_that_is_no_database(call: Any, no_database: Path) -> None:
    """It stays as it was."""
    before = read(no_database)
    ended = await call("sync", "tags", "--sandbox", "--to", str(no_database))

    told = f"contactship: {no_database} is no DuckDB database\n"
    assert (1, "", told, before) == (ended.code, ended.output, ended.stderr, read(no_database))


@pytest.mark.parametrize("path", ["/dev/full", "/nowhere/contactship.duckdb", "/dev"])
async def test_a_place_for_no_database(call: Any, path: str) -> None:
    """A full disk, a folder that is not there and a folder are told in a line that names them."""
    ended = await call("sync", "tags", "--sandbox", "--to", path)

    assert (1, "", 1) == (ended.code, ended.output, ended.stderr.count("\n"))
    assert ended.stderr.startswith(f"contactship: {path} ")


async def test_a_disk_that_becomes_full(call: Any, file: Path, tmp_path: Path) -> None:
    """What is there stays as it was, and the next run with room is right."""
    name = "a" * 1000  # which each row in the database has
    organizations = tmp_path / "organizations.toml"
    write(organizations, f'{name} = "CONTACTSHIP_API_KEY"\n')
    arguments = ("sync", "phone-numbers", "--to", str(file), "--organizations", str(organizations), "--format", "jsonl")
    async with Sandbox(4) as sandbox:
        await call(*arguments, url=sandbox.url)
        for _ in range(8):
            sandbox.add_phone_number()
        sandbox.remove_phone_number(sandbox.phone_numbers[-1]["id"])
        with full_disk(5000):
            ended = await call(*arguments, url=sandbox.url)
        before = count_numbers(file)
        again = await call(*arguments, url=sandbox.url)

    assert (1, 0, "") == (ended.code, again.code, again.stderr)
    assert f"{file} can't be written: the disk is full" in ended.stderr
    assert [(4, 4)] == before
    assert [(12, 11)] == count_numbers(file)


async def test_a_file_that_another_program_has_open(call: Any, start: Any, file: Path) -> None:
    """Without a time to wait, the process that has it is named at once."""
    await call("sync", "tags", "--sandbox", "--to", str(file))
    process = await start("-S", "-c", LOCK, str(file), stdin=PIPE)
    await process.stdout.readline()
    ended = await call("sync", "tags", "--sandbox", "--to", str(file), "--wait", "0s")

    told = f"contactship: {file} is open in another program: process {process.pid} ("
    assert (1, "", told) == (ended.code, ended.output, ended.stderr[: len(told)])


async def test_a_file_is_waited_for(call: Any, start: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows what for, since it looks like a program that hangs; it goes on when the other one has left."""
    loop = asyncio.get_running_loop()
    told: list[str] = []
    monkeypatch.setattr("contactship_async.sync._target._POLL_SECONDS", 0.01)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    await call("sync", "tags", "--sandbox", "--to", str(file), "--format", "csv")
    process = await start("-S", "-c", LOCK, str(file), stdin=PIPE)
    await process.stdout.readline()

    def note(text: str) -> None:
        told.append(text)
        loop.call_soon_threadsafe(process.stdin.close)

    monkeypatch.setattr("contactship_async._cli.sync.destination.note", note)
    ended = [await call("sync", "--status", "--to", str(file), "--format", "csv") for _ in range(2)]

    assert [(0, ""), (0, "")] == [(each.code, each.stderr) for each in ended]
    assert ended[0].output == ended[1].output
    [(who, end)] = [text.split(" (", 1) for text in told]
    assert f"{file} is open in another program: process {process.pid}" == who
    assert end.endswith("): waiting for it, 60 s at the most")


async def test_tables_of_a_newer_release(call: Any, file: Path) -> None:
    """They are left alone."""
    arguments = ("sync", "tags", "--sandbox", "--to", str(file))
    await call(*arguments)
    with duckdb.connect(str(file)) as database:
        database.execute("UPDATE sync_version SET version = version + 1")
    ended = await call(*arguments)

    assert (1, "") == (ended.code, ended.output)
    assert ended.stderr.startswith("contactship: a newer release of contactship_async has written the tables")


async def test_a_server_that_is_not_there(call: Any) -> None:
    """The line says so, without the password of the URL."""
    ended = await call(
        *("sync", "tags", "--sandbox", "--to-env", "DATABASE_URL"),
        variables={"DATABASE_URL": "postgresql://me:s3cret@127.0.0.1:9/contactship"},
    )

    assert (1, "") == (ended.code, ended.output)
    assert ended.stderr.startswith("contactship: PostgreSQL: ")
    assert "Connection refused\n" in ended.stderr
    assert "s3cret" not in ended.stderr


async def test_a_driver_that_is_not_installed(call: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is the command that installs it."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    ended = await call("sync", "tags", "--sandbox", "--to", str(file))

    assert (1, "") == (ended.code, ended.output)
    assert 'contactship: DuckDB is not installed: pip install "contactship-async[duckdb]"\n' == ended.stderr
