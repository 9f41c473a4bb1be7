"""`contactship sync`: what it prints, what it leaves in the database, and its exit codes."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from contactship_async.sandbox import Sandbox, SandboxPool, Status

SYNC = ("sync", "phone-numbers", "tags")
COLUMNS = [
    *("organization", "listing", "mode", "started_at", "finished_at"),
    *("rows", "new", "changed", "retired", "unchanged", "error", "failed_at"),
]


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return where a database may be."""
    return str(tmp_path / "contactship.duckdb")


@pytest.fixture
def organizations(tmp_path: Path) -> Callable[..., tuple[str, dict[str, str]]]:
    """Return a function that writes a file of organizations, and returns its path and the keys by their variables."""

    def write(*names: str) -> tuple[str, dict[str, str]]:
        path = tmp_path / "organizations.toml"
        path.write_text("".join(f'{name} = "{name.upper()}_KEY"\n' for name in names))
        return str(path), {f"{name.upper()}_KEY": f"sk-{name}-KEY" for name in names}

    return write


def sandbox_of(name: str, **settings: Any) -> Sandbox:
    """Make the sandbox of an organization, with numbers of its own and a key made of its name."""
    return Sandbox(4, seed=sum(name.encode()), api_key=f"sk-{name}-KEY", **settings)


def query(file: str, sql: str) -> list[tuple[Any, ...]]:
    """Ask the database."""
    with duckdb.connect(file, read_only=True) as database:
        return database.execute(sql).fetchall()


def mode_of(file: str) -> int | None:
    """Return the permissions of a file; None if there is none."""
    path = Path(file)
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


def read_table(text: str) -> list[list[str]]:
    """Return the cells of a table; blank ones are left out."""
    header, _, *rows = text.splitlines()
    return [line.split() for line in (header, *rows)]


async def test_a_first_run_and_the_next(call: Any, file: str) -> None:
    """The first brings all rows, the next one what has changed; what did not happen is blank in the table."""
    async with Sandbox(4, tags=2) as sandbox:
        first = await call(*SYNC, "--to", file, url=sandbox.url)
        sandbox.remove_phone_number(sandbox.phone_numbers[0]["id"])
        sandbox.add_phone_number()
        next_ = await call(*SYNC, "--to", file, url=sandbox.url)

    header = ["listing", "mode", "rows", "new", "changed", "retired", "unchanged", "seconds"]
    assert [(0, ""), (0, "")] == [(ended.code, ended.stderr) for ended in (first, next_)]
    assert [header, ["phone_numbers", "full", "4", "4"], ["tags", "full", "2", "2"]] == [
        row[:-1] if row[1] == "full" else row for row in read_table(first.output)
    ]
    assert [["phone_numbers", "full", "4", "1", "1", "3"], ["tags", "full", "2", "2"]] == [
        row[:-1] for row in read_table(next_.output)[1:]
    ]
    counts = (
        "SELECT organization, count(*), (SELECT count(*) FROM current_phone_numbers) FROM phone_numbers GROUP BY ALL"
    )
    assert [("default", 5, 4)] == query(file, counts)
    assert 0o600 == mode_of(file)


async def test_many_organizations(call: Any, file: str, organizations: Any) -> None:
    """Each has a row for each listing, in the order of the file; what fails has no numbers, and a line."""
    path, keys = organizations("globex", "acme")
    async with SandboxPool({name: sandbox_of(name) for name in ("acme", "globex")}) as pool:
        ended = await call(
            *(*SYNC, "--to", file, "--organizations", path), url=pool.url, variables=keys | {"ACME_KEY": "sk-wrong-KEY"}
        )

    assert [
        ["globex", "phone_numbers", "full", "4", "4"],
        ["globex", "tags", "full", "12", "12"],
        ["acme", "phone_numbers", "failed"],
        ["acme", "tags", "failed"],
    ] == [row[:5] for row in read_table(ended.output)[1:]]
    assert 1 == ended.code
    *lines, last = ended.stderr.splitlines()
    assert [f"contactship: acme: {name}: GET" for name in ("phone_numbers", "tags")] == [
        line.partition(" /")[0] for line in lines
    ]
    assert [True, True] == [line.endswith("; check ACME_KEY") for line in lines]
    assert "contactship: 2 of 4 failed: nothing of them was changed" == last
    assert "sk-" not in ended.output + ended.stderr


async def test_says_how_far_a_listing_came(call: Any, file: str) -> None:
    """A failure on a later page names the offset at which it came; with -v, each request is told."""
    async with Sandbox(9) as sandbox:
        sandbox.script(None, None, Status(403))
        options = ("--page-size", "3", "--concurrency", "1", "-v", "--to", file)
        ended = await call("sync", "phone-numbers", "tags", *options, url=sandbox.url)

    assert 1 == ended.code
    assert "contactship: GET /v1/phone-numbers 403 after " in ended.stderr
    assert " (at offset 3)\ncontactship: 1 of 2 failed: nothing of it was changed\n" in ended.stderr


async def test_a_dry_run(call: Any, file: str) -> None:
    """It prints what would be, says that nothing was written, and leaves no file."""
    ended = await call("sync", "tags", "--sandbox", "--dry-run", "--to", file)

    assert (0, "contactship: dry run: nothing was written\n") == (ended.code, ended.stderr)
    assert ["tags", "full", "12", "12"] == read_table(ended.output)[1][:4]
    assert mode_of(file) is None


async def test_what_is_refused_until_it_is_allowed(call: Any, file: str) -> None:
    """Rows of another organization, or more that are gone than allowed: the line names the option that allows it."""
    arguments = ("sync", "phone-numbers", "--to", file)
    async with Sandbox(4, seed=1) as acme, Sandbox(3, seed=2) as globex:
        await call(*arguments, url=acme.url)
        for number in [*acme.phone_numbers][:3]:
            acme.remove_phone_number(number["id"])
        too_many = await call(*arguments, "--max-retired", "50%", url=acme.url)
        allowed = await call(*arguments, "--max-retired", "75%", url=acme.url)
        other = await call(*arguments, url=globex.url)
        accepted = await call(*arguments, "--accept-new-organization", url=globex.url)

    assert "phone_numbers: 3 of 4 rows would be retired, and --max-retired allows 50%\n" in too_many.stderr
    assert ["phone_numbers", "full", "1", "3", "1"] == read_table(allowed.output)[1][:-1]
    assert "accept the new one with --accept-new-organization; the key is that of CONTACTSHIP_API_KEY\n" in other.stderr
    assert ["phone_numbers", "full", "3", "3", "1"] == read_table(accepted.output)[1][:-1]
    assert [1, 0, 1, 0] == [ended.code for ended in (too_many, allowed, other, accepted)]


async def test_status(call: Any, file: str) -> None:
    """It shows the last runs without a key: what failed, and when it last succeeded; --format json has all columns."""
    async with Sandbox(4) as sandbox:
        await call(*SYNC, "--to", file, url=sandbox.url)
        well = await call("sync", "--status", "--to", file)
        sandbox.script(None, Status(403))
        await call("sync", "tags", "--to", file, url=sandbox.url)
    ended = await call("sync", "--status", "--to", file)
    data = await call("sync", "--status", "--to", file, "--format", "json")

    header = ["organization", "listing", "mode", "finished_at", "rows", "new", "changed", "retired", "unchanged"]
    assert [header, [*header, "error", "succeeded_at"]] == [read_table(each.output)[0] for each in (well, ended)]
    numbers, tags = json.loads(data.output)
    assert [*COLUMNS, "succeeded_at"] == [*numbers]
    assert (None, numbers["finished_at"]) == (numbers["error"], numbers["succeeded_at"])
    assert ("PermissionDeniedError", True) == (tags["error"], tags["succeeded_at"] < tags["finished_at"])
    assert (0, "", 0, "") == (ended.code, ended.stderr, data.code, data.stderr)
    times = [f"{text[:19]}Z" for text in (tags["finished_at"], tags["succeeded_at"])]
    assert ["default", "tags", "failed", times[0], "PermissionDeniedError", times[1]] == read_table(ended.output)[2]


async def test_forget(call: Any, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All versions of the rows go after a yes, and it says how many these are, without what they hold."""
    questions: list[str] = []

    def answer(question: str, **_: object) -> bool:
        questions.append(question)
        return len(questions) > 1

    async with Sandbox(4) as sandbox:
        number = sandbox.phone_numbers[0]["phone_number"]
        await call(*SYNC, "--to", file, url=sandbox.url)
    forget = ("sync", "--to", file, "--forget")
    ended = [
        await call(*forget, number),
        await call(*forget, number, "--yes"),
        await call(*forget, number, "--yes"),
    ]
    monkeypatch.setattr("contactship_async._cli.sync.stored.confirm", answer)
    ended += [await call("sync", "--to", file, "--forget-organization", "default") for _ in range(2)]

    assert [
        (2, "1 row of phone_numbers would be deleted for good: add --yes to do it without being asked"),
        (0, "deleted 1 row of phone_numbers"),
        (0, "nothing to forget: there is no such row"),
        (1, "nothing was deleted"),
        (0, "deleted 3 rows of phone_numbers, 12 rows of tags"),
    ] == [(each.code, each.stderr.removeprefix("contactship: ").removesuffix("\n")) for each in ended]
    assert "phone_numbers   3\ntags            12\ndelete these rows for good?" == questions[0]
    assert [(0, 0)] == query(file, "SELECT (SELECT count(*) FROM tags), (SELECT count(*) FROM syncs)")


async def test_parquet(call: Any, file: str, tmp_path: Path, organizations: Any) -> None:
    """Machines write what they have walked, each a share of the organizations; one command applies it all."""
    path, keys = organizations("acme", "globex", "initech")
    folder = str(tmp_path / "walks")
    shares: list[list[str]] = []
    async with SandboxPool({name: sandbox_of(name) for name in ("acme", "globex", "initech")}) as pool:
        for number in (1, 2):
            ended = await call(
                *("sync", "tags", "--to-parquet", folder, "--organizations", path, "--shard", f"{number}/2"),
                url=pool.url,
                variables=keys,
            )
            assert (0, "") == (ended.code, ended.stderr)
            shares.append([row[0] for row in read_table(ended.output)[1:]])
    applied = await call("sync", "--from-parquet", folder, "--to", file)
    again = await call("sync", "--from-parquet", folder, "--to", file, "--dry-run")

    assert ["acme", "globex", "initech"] == sorted(shares[0] + shares[1])
    assert all(shares)
    assert [[name, "tags", "full", "12", "12"] for name in ("acme", "globex", "initech")] == sorted(
        row[:5] for row in read_table(applied.output)[1:]
    )
    told = "contactship: no walks to apply\ncontactship: dry run: nothing was written\n"
    assert (0, told) == (again.code, again.stderr)


async def test_transcripts(call: Any, file: str) -> None:
    """They come if asked for, with the calls alone."""
    async with Sandbox(calls=9) as sandbox:
        ended = await call("sync", "calls", "tags", "--with", "transcripts", "--to", file, url=sandbox.url)
        asked = {(request.path, request.params.get("include_transcript")) for request in sandbox.requests}

    assert (0, "") == (ended.code, ended.stderr)
    assert {("/v1/calls", "true"), ("/v1/tags", None)} <= asked
    assert ("/v1/calls", None) not in asked
    assert 0 < query(file, "SELECT count(chat_history) FROM current_calls")[0][0]
