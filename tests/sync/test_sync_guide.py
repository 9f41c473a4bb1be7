"""The guide to sync: its blocks run one after the other, as by who reads it, and print what stands below them."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import pytest
from databases import Database, DuckDBFile, PostgreSQLSchema
from guides import FRONT_PAGE, SYNC_GUIDE, Block, blocks_of, outputs_of, run, run_script
from nightly_copy import show, sync_four_nights
from psycopg.conninfo import conninfo_to_dict

from contactship_async.sandbox import Sandbox, SandboxPool
from contactship_async.sync import PostgresTarget, sync

BLOCKS = blocks_of(SYNC_GUIDE)
OUTPUTS = outputs_of(SYNC_GUIDE)

COPIES = [block for block in BLOCKS if block.language in {"bash", "cron", "ini", "python", "toml"}]
QUERIES = [block for block in BLOCKS if block.language == "sql" and not block.code.startswith("--")]
STARTED = re.compile(r"^(?:ExecStart=|15 2 \* \* \* )(.+)$", re.MULTILINE)
"""What systemd and cron start."""

DIALECTS = [block for block in BLOCKS if re.match(r"-- \w+\nSELECT ", block.code)]
"""Queries that one database alone understands, which is named in the first line."""


def steady(text: str) -> str:
    """Return output without what is another thing each time: times, and how wide they make a table."""
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)?", "(time)", text)
    text = re.sub(r"\b\d+\.\d+\b", "(seconds)", text)
    return "\n".join(re.sub(r"[ ─]+", " ", line).rstrip() for line in text.splitlines())


async def run_blocks(
    blocks: list[Block],
    settings: Mapping[str, str],
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run blocks one after the other in a directory; each prints what stands below it."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(directory)
    (directory / ".venv").symlink_to(sys.prefix)
    for place, language, code in blocks:
        if code.startswith("# ") and language != "ini":  # a file
            (directory / code.split()[1]).write_text(code, encoding="utf-8")
            continue
        command = code if language == "bash" else " && ".join(STARTED.findall(code)).replace("%h", str(directory))
        status: int | None = 0
        if language == "python":
            await asyncio.to_thread(run_script, code)
            printed = "".join(capsys.readouterr())
        else:
            status, *streams = await run("bash", "-e", "-c", command, settings=settings, directory=directory)
            printed = "".join(streams)
        assert (place, 0) == (place, status), printed
        if place in OUTPUTS:
            assert (place, steady(OUTPUTS[place])) == (place, steady(printed))


@pytest.mark.timeout(600)  # A block starts Python up to four times.
@pytest.mark.parametrize("is_postgresql", [False, True], ids=["files", "postgresql"])
async def test_guide(
    *,
    is_postgresql: bool,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever types what stands there sees what stands there."""
    blocks = [block for block in COPIES if block.language == "toml" or ("DATABASE_URL" in block.code) == is_postgresql]
    sandboxes = SandboxPool({"acme": Sandbox(), "globex": Sandbox(40, seed=1)})
    programs = (request.getfixturevalue("forked_contactship"), Path(sys.executable))
    async with sandboxes:
        settings = {
            "PATH": os.pathsep.join([*(str(program.parent) for program in programs), os.environ["PATH"]]),
            "CONTACTSHIP_BASE_URL": sandboxes.url,
            "CONTACTSHIP_API_KEY": sandboxes.api_keys["acme"],
            **{f"{name.upper()}_CONTACTSHIP_KEY": key for name, key in sandboxes.api_keys.items()},
        }
        if is_postgresql:
            schema: PostgreSQLSchema = request.getfixturevalue("schema")
            settings["DATABASE_URL"] = schema.url()
        await run_blocks(blocks, settings, tmp_path, monkeypatch, capsys)

    assert len(blocks) > 1


async def test_queries(database: Database) -> None:
    """Each query shows the same on both databases, which is what stands below it; each has one more of its own."""
    await sync_four_nights(database.target)
    name = "DuckDB" if isinstance(database, DuckDBFile) else "PostgreSQL"
    [own] = [block.code for block in DIALECTS if block.code.startswith(f"-- {name}\n")]

    assert len(QUERIES) > 10
    assert {block.place: OUTPUTS[block.place] for block in QUERIES} == {
        block.place: show(database, block.code) for block in QUERIES
    }
    assert 2 == len(DIALECTS)
    assert "agent | Hello Noor, I am calling" in show(database, own)


async def test_rights(postgresql: str) -> None:
    """The roles of the guide can do what it says: one syncs into its schema, the other one reads what there is."""
    [code] = [block.code for block in BLOCKS if "CREATE ROLE" in block.code]
    url = "postgresql:///?" + urlencode(conninfo_to_dict(f"{postgresql} user=contactship"), quote_via=quote)
    with psycopg.connect(postgresql, autocommit=True) as administrator:
        administrator.execute(code.encode())
        try:
            async with Sandbox(3) as sandbox, sandbox.client() as client:
                errors = [result.error async for result in sync(client, ["phone_numbers"], PostgresTarget(url))]
            with psycopg.connect(f"{postgresql} user=analyst") as reader:
                found = reader.execute("SELECT count(*), min(current_schema()) FROM current_phone_numbers").fetchall()
        finally:
            for statement in ("SCHEMA contactship CASCADE", "OWNED BY analyst", "OWNED BY contactship"):
                administrator.execute(f"DROP {statement}".encode())
            administrator.execute("DROP ROLE contactship, analyst")

    assert ([None], [(3, "contactship")]) == (errors, found)


def test_front_page() -> None:
    """The front page has the first command of the guide, for a fresh clone, and its output."""
    command = BLOCKS[0]
    [(place, code)] = [(place, code) for place, _, code in blocks_of(FRONT_PAGE) if "contactship sync" in code]

    assert code.endswith(f".venv/bin/{command.code}")
    assert steady(OUTPUTS[command.place]) == steady(outputs_of(FRONT_PAGE)[place])


async def test_options(tmp_path: Path) -> None:
    """Each option in the guide is one of the command's."""
    options = set(re.findall(r"`(--[a-z-]+)", SYNC_GUIDE.read_text(encoding="utf-8")))
    _, printed, _ = await run("contactship", "sync", "--help", settings={"COLUMNS": "200"}, directory=tmp_path)

    assert set() == options - set(re.findall(r"--[a-z-]+", printed))
