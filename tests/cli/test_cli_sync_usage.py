"""Wrong usage of `contactship sync`: one line that says what is allowed, and nothing that may be a password."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contactship_async.sync import DuckDBTarget, SyncResult, sync

SYNC = ("sync", "tags", "--sandbox")
URL = "postgresql://me:s3cret@db.example/contactship"

NO_URL = (
    "a URL on a command line would show its password in the shell's history and to other users: put it into an "
    "environment variable, and name that with --to-env"
)
DURATION = "must be a whole number and its unit, such as 60s, 30m, 12h or 7d"
PERCENTAGE = "must be a percentage from 0% to 100%, such as 50%"

LISTINGS = "phone-numbers, tags, calls, channels, contacts, agents, agents-voices, tasks"

WRONG: Mapping[tuple[str, ...], str] = {
    ("sync", "--sandbox", "--to", "a.duckdb"): f"what to sync must be given: {LISTINGS}",
    (*SYNC, "credits", "--to", "a.duckdb"): f'"credits" is no listing: choose from {LISTINGS}',
    (*SYNC, "tags", "--to", "a.duckdb"): "tags is there twice",
    SYNC: "where to must be given: --to FILE.duckdb, --to-env DATABASE_URL or --to-parquet FOLDER",
    ("sync", "tags", "--to", "a.duckdb"): (
        "no API key: set the environment variable CONTACTSHIP_API_KEY, or try it out with --sandbox"
    ),
    (*SYNC, "--to", "a.duckdb", "--to-parquet", "b"): (
        "--to and --to-parquet do not go together: one sync has one destination"
    ),
    (*SYNC, "--to", URL): NO_URL,
    (*SYNC, "--to-env", URL): NO_URL,
    (*SYNC, "--to-parquet", URL): NO_URL,
    ("sync", "--from-parquet", URL, "--to", "a.duckdb"): NO_URL,
    ("sync", URL, "--sandbox", "--to", "a.duckdb"): NO_URL,
    (*SYNC, f"--to-evn={URL}"): "Unknown option: --to-evn=...",
    (*SYNC, "--to-env", "password=s3cret"): (
        "--to-env takes the name of an environment variable, such as DATABASE_URL"
    ),
    (*SYNC, "--to-env", "LOST_URL"): "the environment variable LOST_URL is not set",
    (*SYNC, "--to-env", "EMPTY_URL"): "the environment variable EMPTY_URL is empty",
    (*SYNC, "--to-env", "MYSQL_URL"): "the environment variable MYSQL_URL holds no URL that begins with postgresql://",
    (*SYNC, "--to", "a.duckdb", "--with", "transcripts"): (
        "--with transcripts is for calls, which are not among the listings"
    ),
    (*SYNC, "--to", "a.duckdb", "--page-size", "2"): (
        "--page-size must be 3 or more: pages overlap, which proves that nothing is missing"
    ),
    (*SYNC, "--to-parquet", "a", "--wait", "1s"): "--wait is for a DuckDB file, and goes with --to",
    (*SYNC, "--to-parquet", "a", "--max-retired", "1%"): "sync --to-parquet takes no --max-retired",
    (*SYNC, "--to", "a.duckdb", "--yes"): "sync takes no --yes",
    (*SYNC, "--to", "a.duckdb", "--keep-history", "90"): f'Invalid value for --keep-history: "90" {DURATION}',
    (*SYNC, "--to", "a.duckdb", "--full-every", "1.5d"): f'Invalid value for --full-every: "1.5d" {DURATION}',
    (*SYNC, "--to", "a.duckdb", "--full-every", "36501d"): (
        'Invalid value for --full-every: "36501d" is longer than 36500d'
    ),
    (*SYNC, "--to", "a.duckdb", "--max-retired", "0.5"): f'Invalid value for --max-retired: "0.5" {PERCENTAGE}',
    (*SYNC, "--to", "a.duckdb", "--max-retired", "101%"): f'Invalid value for --max-retired: "101%" {PERCENTAGE}',
    (*SYNC, "--to-parquet", "a", "--shard", "6/5"): (
        'Invalid value for --shard: "6/5" must be one of how many shares, such as 2/5'
    ),
    (*SYNC, "--to-parquet", "a", "--shard", "2"): (
        'Invalid value for --shard: "2" must be one of how many shares, such as 2/5'
    ),
    (*SYNC, "--to-parquet", "a", "--shard", "1/2"): "--shard is for many organizations, and goes with --organizations",
    ("sync", "--status", "--full", "--to", "a.duckdb"): "sync --status takes no --full",
    ("sync", "--status", "tags", "--to", "a.duckdb"): "sync --status takes no listings, such as tags",
    ("sync", "--status", "--to", "lost.duckdb"): "lost.duckdb does not exist",
    ("sync", "--status", "--to-parquet", "a"): "this needs a database: --to FILE.duckdb or --to-env DATABASE_URL",
    ("sync", "--forget", "x", "--to", "lost.duckdb"): "lost.duckdb does not exist",
    ("sync", "--forget", "", "--to", "a.duckdb"): "what to forget must not be empty",
    ("sync", "--status", "--forget", "x", "--to", "a.duckdb"): (
        "--status, --forget do not go together: each is a command of its own"
    ),
}


@pytest.mark.parametrize(("arguments", "text"), WRONG.items(), ids=[" ".join(arguments) for arguments in WRONG])
async def test_says_what_is_allowed(call: Any, arguments: tuple[str, ...], text: str) -> None:
    """It is exit code 2 and one line, in which no URL and no password is repeated."""
    ended = await call(*arguments, variables={"EMPTY_URL": "", "MYSQL_URL": "mysql://me:s3cret@db.example/a"})

    assert (2, "") == (ended.code, ended.output)
    assert f"contactship: {text}\n" == ended.stderr
    assert "s3cret" not in ended.stderr


async def test_every_listing_that_needs_no_identifier(call: Any, tmp_path: Path) -> None:
    """Each can be named, and its name is that of its table but for the hyphens."""
    names = LISTINGS.split(", ")

    ended = await call("sync", *names, "--sandbox", "--to", str(tmp_path / "a.duckdb"), "--format", "json")

    assert (0, names) == (ended.code, [row["listing"].replace("_", "-") for row in json.loads(ended.output)])


async def test_a_shard_needs_its_own_keys_only(call: Any, tmp_path: Path) -> None:
    """A machine needs the keys of its share; one that is missing is told by the organization's name."""
    path = tmp_path / "organizations.toml"
    path.write_text('acme = "ACME_KEY"\n')
    arguments = ("sync", "tags", "--to-parquet", str(tmp_path / "walks"), "--organizations", str(path))
    ended = [await call(*arguments, "--shard", f"{number}/2") for number in (1, 2)]
    with_sandbox = await call(*arguments, "--shard", "1/2", "--sandbox")
    into_file = await call(
        *arguments[:2], "--to", "a.duckdb", *arguments[4:], "--shard", "1/1", variables={"ACME_KEY": "k"}
    )

    assert {
        (0, "contactship: shard {}/2 has none of the organizations; nothing to do\n"),
        (2, f"contactship: organization 'acme' of {path}: its environment variable is not set or empty\n"),
    } == {(each.code, each.stderr.replace("1/2", "{}/2").replace("2/2", "{}/2")) for each in ended}
    assert "--sandbox is an organization of its own, and does not go with --organizations" in with_sandbox.stderr
    told = "contactship: --shard goes with --to-env and --to-parquet: no two machines share a DuckDB file\n"
    assert (2, told) == (into_file.code, into_file.stderr)


async def test_the_help(call: Any) -> None:
    """It begins with examples, and has the options in groups."""
    ended = await call("sync", "--help")

    lines = ended.output.splitlines()
    assert (0, "") == (ended.code, ended.stderr)
    assert "Keep a copy of listings in a database, with their history." in lines[2]
    assert "contactship sync phone-numbers calls tags --to contactship.duckdb" in lines[4]
    titles = [line.strip("╭─╮ ") for line in lines if line.startswith("╭")]
    assert [
        *("Listings", "Database", "What may change", "Organizations"),
        *("What the database holds", "Output and requests"),
    ] == titles


@pytest.mark.parametrize("function", ["sync", "apply_parquet"])
async def test_options_reach_the_library(
    call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, function: str
) -> None:
    """Each is an argument there, and what is not given is left to it."""
    taken: list[dict[str, Any]] = []

    async def results(*_: object, **options: Any) -> AsyncGenerator[SyncResult, None]:
        taken.append({name: value for name, value in options.items() if name != "on_progress"})
        for _ in ():
            yield _

    monkeypatch.setattr(f"contactship_async._cli.sync.walk.{function}", results)
    of_both = ("--to", "a.duckdb", "--max-retired", "10%", "--keep-history", "90d")
    flags = ("--accept-new-organization", "--dry-run")
    of_walks = ("tags", "--sandbox", "--full", "--full-every", "12h", "--page-size", "9", "--concurrency", "2")
    alone = {"sync": of_walks, "apply_parquet": ("--from-parquet", str(tmp_path))}[function]
    given = await call("sync", *alone, *of_both, *flags)
    bare = await call("sync", *alone[:2], *of_both[:2])

    expected: dict[str, Any] = {"accept_new_organization": True, "dry_run": True, "max_retired": 0.1}
    expected |= {"keep_history": timedelta(days=90)}
    defaults: dict[str, Any] = {"accept_new_organization": False, "dry_run": False}
    if function == "sync":
        expected |= {"full": True, "full_every": timedelta(hours=12), "page_size": 9, "concurrency": 2}
        defaults |= {"full": False, "page_size": None, "concurrency": 4}
    assert [0, 0] == [given.code, bare.code]
    assert [expected, defaults] == taken


async def test_defaults_are_those_of_the_library(call: Any) -> None:
    """The help says in its own words what the arguments in Python have."""
    ended = await call("sync", "--help")

    arguments = inspect.signature(sync).parameters
    names = ("full_every", "max_retired", "concurrency")
    assert (timedelta(days=7), 0.5, 4, 60) == (
        *(arguments[name].default for name in names),
        DuckDBTarget("a").wait,
    )
    shown = " ".join(ended.output.replace("│", "").split())
    assert [] == [text for text in ("7d", "50%", "4", "60s") if f"[default: {text}]" not in shown]
