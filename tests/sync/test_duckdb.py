"""DuckDB: what may be wrong with a file, and what its files show to others."""

from __future__ import annotations

import asyncio
import os
import pwd
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from databases import DuckDBFile
from served_rows import NUMBERS, TAGS, ServedRows, numbers, tag
from synced import counts, run, run_one

from contactship_async.sync import (
    DatabaseBusyError,
    DatabaseError,
    DuckDBTarget,
    MissingExtraError,
    SyncError,
    SyncResult,
)
from contactship_async.sync import _duckdb as duckdb_module
from contactship_async.sync._connection import Row
from contactship_async.sync._duckdb import DuckDBConnection, _private_files

USUAL_UMASK = 0o022


async def sync_into(path: Path | str, *, wait: float = 0, **options: Any) -> SyncResult:
    """Sync three numbers into a file."""
    served = ServedRows({"key": {NUMBERS: numbers(range(3))}})
    async with served.client() as client:
        return await run_one(client, "phone_numbers", DuckDBTarget(path, wait=wait), **options)


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """Have a usual umask, and find it again."""
    before = os.umask(USUAL_UMASK)
    yield
    assert USUAL_UMASK == os.umask(before)


async def test_no_database(tmp_path: Path) -> None:
    """A file that is no database, or damaged, is told as such in one line, and stays as it is."""
    with duckdb.connect(tmp_path / "whole.duckdb") as connection:
        connection.execute("CREATE TABLE t AS SELECT range FROM range(100000)")
    whole = (tmp_path / "whole.duckdb").read_bytes()
    files = {
        "text": (b"This is no database. " * 500, "is no DuckDB database"),
        "empty": (b"", "is no DuckDB database"),
        "sqlite": (b"SQLite format 3\0" + bytes(5000), "is no DuckDB database"),
        "cut": (whole[:20_000], "is damaged"),
        "rows.csv": (b"a,b\n1,2\n", "is no DuckDB database"),
        "changed": (whole[:4100] + b"\xff" * 9 + whole[4109:], "is damaged"),
    }
    for name, (content, fault) in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DatabaseError) as raised:
            await sync_into(path)

        assert f"{path} {fault}" == str(raised.value)
        assert (None, None) == (raised.value.__cause__, raised.value.__context__)
        assert content == path.read_bytes()


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("folder", "is a folder"),
        ("pipe", "is no file"),
        ("nowhere/x.duckdb", "can't be made: its folder does not exist"),
        ("file/x.duckdb", "can't be made: its folder does not exist"),
        ("x" * 300, "can't be used: DuckDB raised IOException"),
    ],
)
async def test_no_place_for_a_file(tmp_path: Path, place: str, fault: str) -> None:
    """A path at which there can be no file is told."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(DatabaseError) as raised:
        await sync_into(tmp_path / place)

    assert f"{tmp_path / place} {fault}" == str(raised.value)


@contextmanager
def as_another_user() -> Iterator[Path]:
    """Be a user without rights, if one is root, and yield a folder of that user."""
    with TemporaryDirectory() as directory:
        nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)
        user = os.geteuid()
        os.seteuid(nobody.pw_uid)
        try:
            yield Path(directory)
        finally:
            os.seteuid(user)


async def test_no_rights() -> None:
    """A file that can't be read or written, and a folder in which none can be made, are told."""
    with as_another_user() as folder:
        path = folder / "contactship.duckdb"
        await sync_into(path)
        for mode in (0o400, 0o000):
            path.chmod(mode)
            with pytest.raises(DatabaseError) as raised:
                await sync_into(path)
            assert f"{path} can't be opened or written: permission denied" == str(raised.value)
        folder.chmod(0o500)
        with pytest.raises(DatabaseError, match=r"/new\.duckdb can't be opened or written: permission denied$"):
            await sync_into(folder / "new.duckdb")
        folder.chmod(0o700)


@contextmanager
def largest_file(length: int) -> Iterator[None]:
    """Let files be no longer than some bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_full_disk(tmp_path: Path) -> None:
    """On a full disk the sync of a listing fails in one line, nothing is half applied, and the next one is right."""
    path = tmp_path / "contactship.duckdb"
    name = "a long name, which is in the database with each row " * 20
    served = ServedRows({"key": {NUMBERS: numbers(range(100)), TAGS: [tag(1)]}})
    async with served.pool({name: "key"}) as pool:
        await run(pool, ["tags"], DuckDBTarget(path))
        with largest_file(60_000):
            (failed,) = await run(pool, ["phone_numbers"], DuckDBTarget(path))
        assert [(0,)] == DuckDBFile(path).query("SELECT count(*) FROM phone_numbers")
        (result,) = await run(pool, ["phone_numbers"], DuckDBTarget(path))

    assert ("DatabaseError", 100) == (failed.error, failed.rows)
    assert f"{path} can't be written: the disk is full" == str(failed.exception)
    assert {"new": 100} == counts(result)


async def test_full_disk_for_the_file(tmp_path: Path) -> None:
    """Where not even the file can be made, nothing can be synced."""
    with largest_file(1000), pytest.raises(DatabaseError) as raised:
        await sync_into(tmp_path / "x.duckdb")

    assert f"{tmp_path / 'x.duckdb'} can't be written: the disk is full" == str(raised.value)


async def test_full_disk_for_the_rows(tmp_path: Path) -> None:
    """The temporary file for the rows may find the disk full, too."""
    path = tmp_path / "contactship.duckdb"
    served = ServedRows({"key": {NUMBERS: numbers(range(3000)), TAGS: [tag(1)]}})
    async with served.client() as client:
        await run(client, ["tags"], DuckDBTarget(path))
        with largest_file(300_000):
            failed, other = await run(client, ["phone_numbers", "tags"], DuckDBTarget(path), page_size=500)

    assert (SyncError, None) == (type(failed.exception), other.error)
    assert "the rows can't be kept in a temporary file: File too large" == str(failed.exception)


HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Let another process have a file open."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate()


async def test_file_that_another_program_has_open(tmp_path: Path) -> None:
    """Who has it is told."""
    path = tmp_path / "contactship.duckdb"
    with held(path) as process, pytest.raises(DatabaseBusyError) as raised:
        await DuckDBTarget(path, wait=0).runs()

    said = str(raised.value)
    assert said.startswith(f"{path} is open in another program: process {process} (")
    assert "python" in said.rpartition("(")[2]


async def test_waits_for_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program has the file, it is tried twice a second, until the time is up."""
    now = 1000.0
    slept: list[float] = []
    busy = 3

    class Busy(DuckDBConnection):
        def __init__(self, path: Path | None, memory_limit_mib: int) -> None:
            nonlocal busy
            busy -= 1
            if busy >= 0:
                raise DatabaseBusyError
            super().__init__(path, memory_limit_mib)

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        slept.extend([seconds] if seconds else [])

    monkeypatch.setattr(duckdb_module, "DuckDBConnection", Busy)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    await sync_into(tmp_path / "x.duckdb", wait=60)
    assert [0.5] * 3 == slept
    slept.clear()
    busy = 9
    with pytest.raises(DatabaseBusyError):
        await sync_into(tmp_path / "x.duckdb", wait=1.25)

    assert [0.5, 0.5, 0.25] == slept


async def test_file_that_this_program_has_open(tmp_path: Path) -> None:
    """A connection of the same program, of a notebook say, is told as well."""
    path = tmp_path / "contactship.duckdb"
    with duckdb.connect(path), pytest.raises(DatabaseBusyError) as raised:
        await DuckDBTarget(path, wait=0).runs()

    assert f"{path} is open in this program already, with other settings" == str(raised.value)


@pytest.mark.parametrize("name", ["phone_numbers", "Phone_Numbers"])
async def test_table_of_another_program(tmp_path: Path, name: str) -> None:
    """A table that no sync has made is left alone, whatever the case of its name."""
    path = tmp_path / "contactship.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE TABLE {name} (id VARCHAR)")

    with pytest.raises(DatabaseError, match=r"^the database has a table phone_numbers that is not of a sync: use"):
        await sync_into(path)
    assert [("id",)] == DuckDBFile(path).query(
        "SELECT column_name FROM information_schema.columns WHERE table_name = ?", name
    )


@pytest.mark.parametrize("sql", ["CREATE TABLE syncs (x INT)", "CREATE TABLE sync_version (version INT)"])
async def test_tables_like_our_own(tmp_path: Path, sql: str) -> None:
    """A file with other tables of the names of our own can't be used."""
    with duckdb.connect(tmp_path / "x.duckdb") as connection:
        connection.execute(sql)

    with pytest.raises(DatabaseError, match=r"x\.duckdb can't be used: DuckDB raised CatalogException$"):
        await sync_into(tmp_path / "x.duckdb")


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        (":memory:", {}, "path must be that of a file: "),
        ("x.duckdb", {"wait": -1}, "wait must be a number of seconds >= 0, not -1"),
        ("x.duckdb", {"wait": float("nan")}, "wait must be a number of seconds >= 0, not nan"),
        ("x.duckdb", {"memory_limit_mib": 15}, "memory_limit_mib must be at least 16, not 15"),
    ],
)
def test_wrong_targets(path: str, options: dict[str, Any], message: str) -> None:
    """What no target can be is refused at once."""
    with pytest.raises(ValueError, match=f"^{message}"):
        DuckDBTarget(path, **options)


async def test_dry_run_makes_no_file(tmp_path: Path) -> None:
    """A dry run of a file that is not there makes none."""
    result = await sync_into(tmp_path / "contactship.duckdb", dry_run=True)

    assert {"new": 3} == counts(result)
    assert [] == [file.name for file in files_in(tmp_path)]


def files_in(folder: Path) -> list[Path]:
    """Return all that is in a folder, and in folders there."""
    return [*folder.rglob("*")]


async def test_files_are_private(tmp_path: Path) -> None:
    """The file, its log and what does not fit into memory are readable for their owner alone; the umask stays."""
    path = tmp_path / "contactship.duckdb"
    await sync_into(path)
    connection = DuckDBConnection(path, 32)
    connection.execute(
        "CREATE TEMP TABLE large AS SELECT range AS i, repeat('x', 200) || range AS x FROM range(250000)"
    )
    umask = os.umask(USUAL_UMASK)
    modes = {file.name: file.stat().st_mode & 0o777 for file in files_in(tmp_path)}
    connection.close()

    assert USUAL_UMASK == umask
    assert (0o600, 0o700) == (modes.pop(path.name), modes.pop(f"{path.name}.tmp"))
    assert {0o600} == {*modes.values()}
    assert [path.name] == [file.name for file in files_in(tmp_path)]


def test_log_is_private(tmp_path: Path) -> None:
    """The log that a killed process leaves is readable for its owner alone."""
    path = tmp_path / "contactship.duckdb"
    child = os.fork()
    if not child:
        try:
            connection = DuckDBConnection(path, 64)
            connection.execute("CREATE TABLE t AS SELECT 1 AS x")
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert {"contactship.duckdb": 0o600, "contactship.duckdb.wal": 0o600} == {
        file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()
    }


def test_umask_of_two_threads() -> None:
    """While two threads need private files at once, files are private until the last one has ended."""
    seen: list[int] = []
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with _private_files():
            first_in.set()
            second_in.wait()
        seen.append(umask())
        first_out.set()

    def second() -> None:
        first_in.wait()
        with _private_files():
            second_in.set()
            first_out.wait()
            seen.append(umask())

    def umask() -> int:
        current = os.umask(0o077)
        os.umask(current)
        return current

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ([0o077, 0o077], USUAL_UMASK) == (seen, umask())


async def test_driver_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the driver, what to install is told."""
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(MissingExtraError) as raised:
        await sync_into(tmp_path / "x.duckdb")

    assert 'DuckDB is not installed: pip install "contactship-async[duckdb]"' == str(raised.value)


async def test_database_that_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that DuckDB has given up is opened anew for what comes next."""
    made: list[DuckDBConnection] = []
    lost: list[DuckDBConnection] = []
    execute = DuckDBConnection.execute

    def lose_the_first(self: DuckDBConnection, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        if self not in made:
            made.append(self)
        if self in lost or (len(made) == 1 and sql.startswith('INSERT INTO "phone_numbers"')):
            lost.append(self)
            self._try(give_up)
        return execute(self, sql, parameters)

    def give_up() -> None:
        message = "a row +12025550001"
        raise duckdb.FatalException(message)

    monkeypatch.setattr(DuckDBConnection, "execute", lose_the_first)
    served = ServedRows({"key": {NUMBERS: numbers(range(3)), TAGS: [tag(1)]}})
    async with served.client() as client:
        failed, other = await run(client, ["phone_numbers", "tags"], DuckDBTarget(tmp_path / "x.duckdb"))

    assert ("DatabaseError", {"new": 1}) == (failed.error, counts(other))
    assert f"{tmp_path / 'x.duckdb'} can't be used: DuckDB raised FatalException" == str(failed.exception)
    assert 2 == len(made)
