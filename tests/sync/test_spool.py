"""The temporary file for the rows of a walk."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir

import pytest
from served_rows import NUMBERS, ServedRows, numbers

from contactship_async import Request
from contactship_async.sync import DuckDBTarget, SyncError, sync
from contactship_async.sync._spool import Spool


def names_in(folder: Path) -> set[str]:
    """Name the files of a folder."""
    return {file.name for file in folder.iterdir()}


async def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While rows come, there is no file of them that others could see, or that a killed process would leave."""

    async def look(request: Request) -> None:
        seen.append(names_in(tmp_path))

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert str(tmp_path) == gettempdir()
    seen: list[set[str]] = []
    served = ServedRows({"key": {NUMBERS: numbers(range(9))}}, on_request=look)
    async with served.client() as client:
        results = [result async for result in sync(client, ["phone_numbers"], DuckDBTarget(tmp_path / "x.duckdb"))]

    assert [9] == [result.new for result in results]
    assert len(seen) > 2
    assert {"x.duckdb", "x.duckdb.wal"} >= set.union(*seen)


def test_lines() -> None:
    """What was added is read in pieces, and in files that follow each other at one path."""
    lines = [b"1" * 700_000, b"2" * 700_000, b"3"]
    with Spool() as spool:
        spool.add(lines[:2])
        spool.add([])
        spool.add(lines[2:])
        chunks = [*spool.chunks()]
        parts = [(part.rows, part.size, Path(part.path).read_bytes()) for part in spool.parts(700_000)]

        assert (3, 700_000, 2) == (spool.rows, spool.longest_line, len(chunks))
        assert b"".join(line + b"\n" for line in lines) == b"".join(chunks)
        assert [(1, len(line) + 1, line + b"\n") for line in lines] == parts


def test_files_with_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system can't do without a name, that is the path."""
    monkeypatch.setattr("tempfile.TemporaryFile", NamedTemporaryFile)
    with Spool() as spool:
        spool.add([b"1"])
        (found,) = [(Path(part.path), Path(part.path).read_bytes()) for part in spool.parts(9)]

    assert (gettempdir(), b"1\n", False) == (str(found[0].parent), found[1], found[0].exists())


def test_no_place_for_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no temporary file can be made, that is told in one line."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))

    with pytest.raises(SyncError, match=r"^the rows can't be kept in a temporary file: No such file or directory$"):
        Spool()
