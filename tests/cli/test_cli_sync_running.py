"""`contactship sync` under way: its progress, what ends it early, and what nobody reads."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from attrs import define, field
from terminals_and_pipes import STYLING, run_in_terminal

from contactship_async import ContactshipError
from contactship_async._cli.app import run
from contactship_async._cli.output import Output
from contactship_async._cli.progress import ProgressDisplay
from contactship_async.sandbox import Sandbox, SandboxPool, Status
from contactship_async.sync import ConcurrentSyncError, DatabaseError, OrganizationChangedError, SyncResult

NOW = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)

Results = Callable[[], AsyncGenerator[SyncResult, None]]


@define
class Shown:
    """A display that remembers what it was told."""

    told: list[tuple[Any, ...]] = field(factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.told.append(("closed",))

    def show(self, organization: str | None, title: str, *, rows: int, total: int | None, outcome: str) -> None:
        """Remember how far a listing is."""
        self.told.append((organization, title, rows, total, outcome))

    def wait(self, organization: str | None, reason: str, seconds: float) -> None:
        """Remember a wait."""
        self.told.append((organization, reason, seconds > 0))

    def end(self, organization: str, outcome: str) -> None:
        """Remember an end."""
        self.told.append((organization, "ended", outcome))


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return where a database may be."""
    return str(tmp_path / "contactship.duckdb")


@pytest.fixture
def organizations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Return the options for two organizations, whose keys are set."""
    path = tmp_path / "organizations.toml"
    path.write_text('acme = "ACME_KEY"\nglobex = "GLOBEX_KEY"\n')
    for name in ("acme", "globex"):
        monkeypatch.setenv(f"{name.upper()}_KEY", f"sk-{name}")
    return ("--organizations", str(path))


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Return the display of a terminal."""
    shown = Shown()
    monkeypatch.setattr("contactship_async._cli.sync.running.open_progress", lambda *_: shown)
    return shown


@pytest.fixture
def handlers() -> Iterator[None]:
    """Have the handlers of signals that a process begins with."""
    begins: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in begins.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def touch(path: Path) -> None:
    """Make a file."""
    path.touch()


def mode_of(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def result_of(listing: str, error: Exception | None = None, organization: str = "default", **counts: int) -> SyncResult:
    """Make the result of a listing."""
    return SyncResult(
        organization=organization,
        listing=listing,
        mode="full",
        started_at=NOW,
        finished_at=NOW,
        error=None if error is None else type(error).__name__,
        exception=error,
        **counts,
    )


@pytest.fixture
def sync_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[Results], None]:
    """Return a function that puts results in the place of those of a sync."""

    def replace(results: Results) -> None:
        monkeypatch.setattr("contactship_async._cli.sync.walk.sync", lambda *_, **__: results())

    return replace


def test_ctrl_c(
    file: str, handlers: None, display: Shown, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is synced stays, and one line says how many listings that are; the table comes to nothing."""
    with Sandbox(4, tags=2) as sandbox:
        monkeypatch.setenv("CONTACTSHIP_BASE_URL", sandbox.url)
        monkeypatch.setenv("CONTACTSHIP_API_KEY", sandbox.api_key)
        sandbox.on_request = lambda request: os.kill(os.getpid(), signal.SIGINT) if "tags" in request.path else None
        with pytest.raises(KeyboardInterrupt):
            run(("sync", "phone-numbers", "tags", "--to", file))
    output, stderr = capfd.readouterr()
    run(("sync", "--status", "--to", file, "--format", "csv"))

    told = "contactship: interrupted, with 1 of 2 listings synced; the others are as they were\n"
    assert ("", told, ("closed",)) == (output, stderr, display.told[-1])
    assert ["default,phone_numbers"] == re.findall("^default,[a-z_]*", capfd.readouterr().out, re.MULTILINE)


def test_sigterm(
    handlers: None,
    sync_is: Any,
    organizations: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It is taken as Ctrl-C is, nothing is printed any more, and the exit code tells it."""
    stopped: list[bool] = []
    monkeypatch.setattr(Output, "stop", lambda _: stopped.append(True))

    async def results() -> AsyncGenerator[SyncResult, None]:
        yield result_of("tags", organization="acme")
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    sync_is(results)
    code = run(("sync", "tags", "calls", *organizations, "--to", "a.duckdb", "--format", "csv"))

    told = "contactship: interrupted, with 1 of 4 listings synced; the others are as they were\n"
    assert (143, told, [True]) == (code, capfd.readouterr().err, stopped)


def test_a_second_ctrl_c(
    handlers: None, sync_is: Any, display: Shown, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It ends the process at once, whatever the database does; the terminal is as it was since the first one."""
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)

    async def results() -> AsyncGenerator[SyncResult, None]:
        yield result_of("tags", ContactshipError("refused"))
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            display.told.append(("interrupted again",))
            os.kill(os.getpid(), signal.SIGINT)

    sync_is(results)
    with pytest.raises(KeyboardInterrupt):
        run(("sync", "tags", "calls", "channels", "--sandbox", "--to", "a.duckdb"))

    assert [130] == codes
    assert [("closed",), ("interrupted again",), ("closed",)] == display.told
    told = "contactship: interrupted, with 0 of 3 listings synced, 1 failed; the others are as they were\n"
    assert told == capfd.readouterr().err


def test_ctrl_c_of_somebody_else(handlers: None, sync_is: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """One that the event loop raises is told in the same way, and a cancellation that nobody asked for is none."""

    async def interrupted() -> AsyncGenerator[SyncResult, None]:
        yield result_of("tags")
        raise KeyboardInterrupt

    async def cancelled() -> AsyncGenerator[SyncResult, None]:
        yield result_of("tags")
        raise asyncio.CancelledError

    for results, error in ((interrupted, KeyboardInterrupt), (cancelled, asyncio.CancelledError)):
        sync_is(results)
        with pytest.raises(error):
            run(("sync", "tags", "--sandbox", "--to", "a.duckdb"))

    told = "contactship: interrupted, with 1 of 1 listings synced; the others are as they were\n"
    assert told == capfd.readouterr().err


async def test_a_connection_that_is_lost(call: Any, sync_is: Any) -> None:
    """What was synced before is printed, and one line says what happened."""
    loss = DatabaseError("PostgreSQL: the connection is lost")
    denial = DatabaseError("PostgreSQL: permission denied for schema public")

    async def results() -> AsyncGenerator[SyncResult, None]:
        yield result_of("tags", new=2)
        raise loss

    async def nothing() -> AsyncGenerator[SyncResult, None]:
        for _ in ():
            yield result_of("tags")
        raise denial

    sync_is(results)
    lost = await call("sync", "tags", "calls", "--sandbox", "--to", "a.duckdb")
    sync_is(nothing)
    denied = await call("sync", "tags", "--sandbox", "--to", "a.duckdb")

    assert (1, "contactship: PostgreSQL: the connection is lost\n") == (lost.code, lost.stderr)
    assert ["tags", "full", "0", "2", "0.0"] == lost.output.splitlines()[2].split()
    told = "contactship: PostgreSQL: permission denied for schema public\n"
    assert (1, "", told) == (denied.code, denied.output, denied.stderr)


async def test_failures_that_are_no_calls(call: Any, sync_is: Any) -> None:
    """Of two syncs at once, the later is refused; what is no error of ours is told without its text."""

    async def results() -> AsyncGenerator[SyncResult, None]:
        yield result_of("tags", ConcurrentSyncError("another sync was applied meanwhile: nothing was changed"))
        yield result_of("calls", OSError(28, "No space left on device"), failed_at=0)
        yield result_of("channels", ValueError("+14155550137"))
        yield result_of("phone_numbers", OrganizationChangedError("the key is that of another organization"))
        yield result_of("credits", rows=1)

    sync_is(results)
    ended = await call("sync", "tags", "calls", "channels", "phone-numbers", "--sandbox", "--to", "a.duckdb")

    assert 1 == ended.code
    assert [
        "tags: another sync was applied meanwhile: nothing was changed",
        "calls: No space left on device",
        "channels: ValueError",
        "phone_numbers: the key is that of another organization",
        "4 of 5 failed: nothing of them was changed",
    ] == [line.removeprefix("contactship: ") for line in ended.stderr.splitlines()]


@pytest.mark.parametrize("format_", ["json", "jsonl", "csv"])
async def test_data_has_the_columns_of_the_table_of_runs(call: Any, sync_is: Any, format_: str) -> None:
    """A program reads all that is stored of a run, with the organization's name, in each of the formats."""

    async def results() -> AsyncGenerator[SyncResult, None]:
        yield result_of("tags", rows=2, new=1, unchanged=1)

    sync_is(results)
    ended = await call("sync", "tags", "--sandbox", "--to", "a.duckdb", "--format", format_)

    time = "2026-01-15T02:00:00Z"
    expected: dict[str, Any] = {"organization": "default", "listing": "tags", "mode": "full"}
    expected |= {"started_at": time, "finished_at": time}
    expected |= {"rows": 2, "new": 1, "changed": 0, "retired": 0, "unchanged": 1, "error": None, "failed_at": None}
    data = json.dumps(expected, separators=(",", ":"))
    text = {
        "json": f"[{data}]",
        "jsonl": data,
        "csv": f"{','.join(expected)}\n{','.join('' if value is None else str(value) for value in expected.values())}",
    }[format_]
    assert (0, f"{text}\n", "") == (ended.code, ended.output, ended.stderr)


async def test_a_reader_that_leaves_does_not_end_it(call: Any, sync_is: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All listings are synced, and the exit code tells of those that failed."""
    seen: list[str] = []

    async def results() -> AsyncGenerator[SyncResult, None]:
        for listing in ("tags", "calls"):
            yield result_of(listing, ContactshipError("refused"))
            seen.append(listing)

    def refuse(*_: object, **__: object) -> None:
        raise BrokenPipeError

    sync_is(results)
    monkeypatch.setattr(Output, "add", refuse)
    monkeypatch.setattr(Output, "end", refuse)
    ended = await call("sync", "tags", "calls", "--sandbox", "--to", "a.duckdb", "--format", "jsonl")

    assert (1, ["tags", "calls"]) == (ended.code, seen)
    assert 3 == ended.stderr.count("\n")


async def test_failures_are_in_the_order_of_the_file(
    call: Any, sync_is: Any, organizations: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the rows of the table are, whichever failed first."""

    async def results() -> AsyncGenerator[SyncResult, None]:
        yield result_of("tags", ContactshipError("second"), organization="globex")
        yield result_of("tags", ContactshipError("first"), organization="acme")

    sync_is(results)
    ended = await call("sync", "tags", *organizations, "--to", "a.duckdb")

    assert ["acme", "globex"] == [line.split()[0] for line in ended.output.splitlines()[2:]]
    assert ["acme: tags: first", "globex: tags: second", "2 of 2 failed: nothing of them was changed"] == [
        line.removeprefix("contactship: ") for line in ended.stderr.splitlines()
    ]


async def test_all_files_are_for_their_owner_alone(call: Any, sync_is: Any, tmp_path: Path) -> None:
    """Whatever makes them, such as the driver of a database; the umask is as it was before afterwards."""
    made = tmp_path / "made"

    async def results() -> AsyncGenerator[SyncResult, None]:
        touch(made)
        yield result_of("tags")

    sync_is(results)
    before = os.umask(0o022)
    try:
        await call("sync", "tags", "--sandbox", "--to", "a.duckdb")
        after = os.umask(0o022)
    finally:
        os.umask(before)

    assert (0o600, 0o022) == (mode_of(made), after)


async def test_shows_one_organization(call: Any, file: str, display: Shown) -> None:
    """Each listing has rows and their number, what the others have brought, and waits from the first request on."""
    async with Sandbox(5, tags=2) as sandbox:
        sandbox.script(Status(429, retry_after=0.01), Status(429, retry_after=0.01))
        await call("sync", "phone-numbers", "tags", "--page-size", "3", "--to", file, url=sandbox.url)

    assert [
        (None, "phone_numbers", 0, None, ""),
        (None, "rate limit", True),
        (None, "rate limit", True),
        (None, "phone_numbers", 3, 5, ""),
        (None, "phone_numbers", 4, 5, ""),
        (None, "phone_numbers", 5, 5, ""),
        (None, "tags", 2, 2, "5 new"),
        ("closed",),
    ] == display.told


async def test_shows_many_organizations(call: Any, file: str, display: Shown, organizations: tuple[str, ...]) -> None:
    """Each is named, and with its end comes what has become of all so far."""
    sandboxes = {"acme": Sandbox(2, tags=2, api_key="sk-acme"), "globex": Sandbox(2, seed=1, api_key="sk-globex")}
    sandboxes["globex"].script(None, Status(403), times=None)
    async with SandboxPool(sandboxes) as pool:
        await call(
            *("sync", "phone-numbers", "tags", "--to", file, *organizations, "--max-concurrent", "1"),
            url=pool.url,
        )

    assert [
        ("acme", "acme: phone_numbers", 2, 2, ""),
        ("acme", "acme: tags", 2, 2, "2 new"),
        ("acme", "ended", "4 new"),
    ] == [told for told in display.told if told[0] == "acme"]
    assert ("globex", "ended", "2 failed, 4 new") == display.told[-2]


def test_an_organization_that_ends_unseen(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """It is counted all the same."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with ProgressDisplay(organizations=2) as display:
        display.end("acme", "1 failed")

    assert re.search(r"organizations +[━╺]+ 1/2 +0:00 1 failed", STYLING.sub("", capfd.readouterr().err))


async def test_the_progress_at_a_terminal(start: Any, file: str, organizations: tuple[str, ...]) -> None:
    """At 60 columns, bars show rows, waits and changes, and the table comes after them."""
    sandboxes = {"acme": Sandbox(20, api_key="sk-acme"), "globex": Sandbox(20, seed=1, api_key="sk-globex")}
    sandboxes["globex"].script(Status(429, retry_after=1.1))
    async with SandboxPool(sandboxes) as pool:
        shown = await run_in_terminal(
            start,
            *("sync", "phone-numbers", "tags", "--to", file, *organizations),
            columns=60,
            url=pool.url,
        )

    shown = STYLING.sub("", shown)
    assert re.search(r"globex +[━╺]+ 0/\? +waiting 2 s: rate limit", shown)
    assert re.search(r"organizations +[━╺]+ 1/2 +0:0\d 32 new", shown)
    assert re.search(r"\nglobex +tags +full +12 +12 ", shown.rpartition("organization ")[2])
