from __future__ import annotations

import asyncio
import csv
import json
import math
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from terminals_and_pipes import AT_ONCE, STYLING, closed_pipe, run_in_terminal
from turns import pass_turns

from contactship_async import PhoneNumber, PhoneNumberType
from contactship_async._cli.output import Output
from contactship_async.sandbox import Body, Sandbox, SandboxPool, Slow, Status

LIST = ("phone-numbers", "list")
FIELDS = ["organization", "id", "phone_number", "type", "organization_id", "created_at"]
FORMATS = ("json", "jsonl", "csv", "table")

ESCAPE = "\x1b]0;owned\x07"


def sandbox_of(name: str, numbers: int = 0, **settings: Any) -> Sandbox:
    """Make the sandbox of an organization, with numbers of its own and a key made of its name."""
    return Sandbox(numbers, seed=sum(name.encode()), api_key=f"sk-{name}-KEY", **settings)


def keys_of(*names: str) -> dict[str, str]:
    """Set a variable for the key of each organization."""
    return {f"{name.upper()}_KEY": f"sk-{name}-KEY" for name in names}


@asynccontextmanager
async def serve_all(**sandboxes: Sandbox) -> AsyncIterator[str]:
    """Serve the sandboxes of organizations at one URL."""
    async with SandboxPool(sandboxes) as pool:
        yield pool.url


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a file of the given organizations, and returns its path."""

    def write(*names: str) -> str:
        file = tmp_path / f"{len(names)}-{names[0]}.toml"
        file.write_text("".join(f'{name} = "{name.upper()}_KEY"\n' for name in names))
        return str(file)

    return write


def expected_of(name: str, sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the numbers of an organization as they are to be printed."""
    return [{"organization": name, **number} for number in sandbox.phone_numbers]


def read(ended: Any, format_: str) -> list[dict[str, Any]]:
    """Read what was printed in any of the formats."""
    if format_ == "json":
        return list(json.loads(ended.output))
    if format_ == "jsonl":
        return [json.loads(line) for line in ended.output.splitlines()]
    if format_ == "csv":
        return list(csv.DictReader(ended.output.splitlines()))
    header, _, *rows = ended.output.splitlines()
    return [dict(zip(header.split(), row.split(), strict=True)) for row in rows]


@pytest.mark.parametrize("format_", FORMATS)
async def test_prints_the_numbers_of_all_with_their_names(call: Any, write_file: Any, format_: str) -> None:
    """Arrays and tables are in the order of the file; lines and csv are in the order in which the pages come."""
    acme, globex = sandbox_of("acme", 5), sandbox_of("globex", 7)
    acme.script(Slow(0.3))  # real seconds, in which the command gets the others' pages
    command = (*LIST, "--organizations", write_file("acme", "globex"), "--page-size", "3", "--format", format_)

    async with serve_all(acme=acme, globex=globex) as url:
        ended = await call(*command, url=url, variables=keys_of("acme", "globex"))

    expected = [*expected_of("acme", acme), *expected_of("globex", globex)]
    in_order = format_ in {"json", "table"}
    rows = read(ended, format_)
    assert (0, "") == (ended.code, ended.stderr)
    assert (expected if in_order else expected[5:] + expected[:5]) == rows
    assert [FIELDS] * 12 == [[*row] for row in rows]


async def test_options_hold_for_each_organization(call: Any, write_file: Any) -> None:
    """Limit, offset, order, type and page size are those of each listing, not of all together."""
    acme, globex = sandbox_of("acme", 30), sandbox_of("globex", 30)
    selection = ("--limit", "4", "--offset", "2", "--order", "asc", "--type", "inbound", "--page-size", "3")
    command = (*LIST, "--organizations", write_file("acme", "globex"), *selection)

    async with serve_all(acme=acme, globex=globex) as url:
        ended = await call(*command, "--format", "json", url=url, variables=keys_of("acme", "globex"))
        exact = await call(*command, "--exact", "--concurrency", "2", url=url, variables=keys_of("acme", "globex"))

    expected = [
        [row for row in reversed(expected_of(name, sandbox)) if row["type"] == "inbound"][2:6]
        for name, sandbox in (("acme", acme), ("globex", globex))
    ]
    assert (0, "") == (ended.code, ended.stderr)
    assert [*expected[0], *expected[1]] == json.loads(ended.output) == read(exact, "table")
    for sandbox in (acme, globex):
        plain, proven = [[request.params["offset"] for request in sandbox.requests][place] for place in (1, 3)]
        assert ("5", "3") == (plain, proven)  # Pages of an exact walk overlap by two.


@pytest.mark.parametrize(("options", "most"), [((), 16), (("--max-concurrent", "3"), 3)])
async def test_lists_a_few_at_once_and_ctrl_c_ends_it(
    start: Any, write_file: Any, options: tuple[str, ...], most: int
) -> None:
    """No more than asked for are begun, the rows of the others are out at once, and Ctrl-C says what is missing."""
    names = [f"org{number}" for number in range(20)]
    sandboxes = {name: sandbox_of(name, 3) for name in names}
    begun: list[str] = []
    all_begun = asyncio.Event()

    def note(name: str) -> None:
        begun.append(name)
        if len(begun) == most + 1:  # The first has ended, and made room for another.
            all_begun.set()

    for name, sandbox in sandboxes.items():
        sandbox.on_request = lambda _, name=name: note(name)
    for name in names[1:]:
        sandboxes[name].script(Slow(math.inf))
    command = ("-m", "contactship_async", *LIST, "--organizations", write_file(*names), "--format", "jsonl", *options)

    async with serve_all(**sandboxes) as url:
        process = await start(*command, url=url, variables=keys_of(*names))
        lines = [await process.stdout.readline() for _ in range(3)]
        await all_begun.wait()
        await asyncio.sleep(0.1)  # real time, in which another process does not begin another
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(AT_ONCE):
            rest, stderr = await process.communicate()

    assert (130, b"") == (process.returncode, rest)
    assert (
        "contactship: interrupted, with 1 of 20 organizations complete\n"
        "contactship: nothing printed of org1, org2, org3, org4, org5 and 14 more\n"
    ) == stderr.decode()
    assert expected_of("org0", sandboxes["org0"]) == [json.loads(line) for line in lines]
    assert names[: most + 1] == sorted(begun, key=names.index)


@pytest.mark.parametrize("format_", FORMATS)
async def test_failures_come_after_all_numbers(call: Any, write_file: Any, format_: str) -> None:
    """Each failing organization gets a line, in the order of the file; the others' numbers are complete."""
    acme, globex, hooli = sandbox_of("acme", 5), Sandbox(5, api_key="another"), sandbox_of("hooli", 5)
    hooli.script(None, Status(500, retry_after=600, message="out of order"))
    command = (*LIST, "--page-size", "3", "--format", format_, "--organizations")
    variables = keys_of("acme", "globex", "hooli")

    async with serve_all(acme=acme, globex=globex, hooli=hooli) as url:
        ended = await call(*command, write_file("hooli", "globex", "acme"), url=url, variables=variables)
        rest = await call(*command, write_file("hooli"), "--offset", "3", url=url, variables=variables)

    rows = {name: [*group] for name, group in groupby(read(ended, format_), key=lambda row: row["organization"])}
    assert (1, 0) == (ended.code, rest.code)
    assert {"acme": expected_of("acme", acme), "hooli": expected_of("hooli", hooli)[:3]} == rows
    assert expected_of("hooli", hooli)[3:] == read(rest, format_)
    assert (
        "contactship: hooli: GET /v1/phone-numbers failed: 500 Internal Server Error; the server asks to wait"
        " 600 s: out of order (request id sandbox-000002); to go on after its 3 phone numbers printed, list it alone"
        " with --offset 3\n"
        "contactship: globex: GET /v1/phone-numbers failed: 401 Unauthorized: Invalid or missing API key"
        " (request id sandbox-000001); check GLOBEX_KEY\n"
    ) == ended.stderr


async def test_leads_past_a_malformed_row_of_an_organization(call: Any, write_file: Any) -> None:
    """The hint for one of many organizations goes behind the row, too."""
    acme, globex = sandbox_of("acme", 3), sandbox_of("globex", 2)
    page = {"data": [*[dict(number) for number in acme.phone_numbers][:1], {}], "count": 2}
    acme.script(Body(json.dumps(page).encode()))
    command = (*LIST, "--organizations", write_file("acme", "globex"))

    async with serve_all(acme=acme, globex=globex) as url:
        ended = await call(*command, url=url, variables=keys_of("acme", "globex"))

    assert 1 == ended.code
    assert ended.stderr.endswith("; to go on behind that row, list it alone with --offset 2\n")


async def test_prints_nothing_if_all_failed_and_something_empty_otherwise(call: Any, write_file: Any) -> None:
    """An empty array or a header says that an organization has no numbers, not that none could be asked."""
    good, bad = sandbox_of("good"), Sandbox(5, api_key="another")
    variables = keys_of("good", "bad")

    async with serve_all(good=good, bad=bad) as url:
        failed, partly = [
            [
                await call(*LIST, "--organizations", file, "--format", form, url=url, variables=variables)
                for form in FORMATS
            ]
            for file in (write_file("bad"), write_file("good", "bad"))
        ]

    assert [(1, "")] * 4 == [(ended.code, ended.output) for ended in failed]
    assert [1] * 4 == [ended.code for ended in partly]
    assert ["[]\n", "", ",".join(FIELDS) + "\n", ""] == [ended.output for ended in partly]


async def test_no_key_is_printed(contactship: Any, write_file: Any) -> None:
    """Neither a good key nor a refused one is anywhere in the output of a process."""
    acme, globex = sandbox_of("acme", 2), Sandbox(api_key="another")

    async with serve_all(acme=acme, globex=globex) as url:
        file = write_file("acme", "globex")
        ended = await contactship(*LIST, "--organizations", file, url=url, variables=keys_of("acme", "globex"))

    assert 1 == ended.code
    assert 4 == len(ended.output.splitlines())
    assert 1 == len(ended.stderr.splitlines())
    assert "sk-" not in ended.output + ended.stderr


KEY = "cs_live_5ecRetKEY"
NO_LINE = (
    'is not valid TOML, at its line {}: each line must be like acme = "ACME_CONTACTSHIP_KEY", each name there once'
)
NO_NAME = "what follows must be the name of an environment variable, in quotes; the key itself belongs in that"
A_TABLE = "it is a table, and must be the name of an environment variable; names with dots go into quotes"

WRONG: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", 'FILE names no organization: a line such as acme = "ACME_CONTACTSHIP_KEY" does'),
    "comment": ("# nothing yet\n", 'FILE names no organization: a line such as acme = "ACME_CONTACTSHIP_KEY" does'),
    "unquoted": (f'good = "GOOD_KEY"\n\nacme = {KEY}\n', f"FILE {NO_LINE.format(3)}"),
    "open": (f'acme = "{KEY}', "FILE is not valid TOML, at its end: each line must be like"),
    "twice": (f'{KEY} = "GOOD_KEY"\n{KEY} = "GOOD_KEY"\n', f"FILE {NO_LINE.format(2)}"),
    "inline twice": (f'a = {{ {KEY} = "a", {KEY} = "b" }}', f"FILE {NO_LINE.format(1)}"),
    "namespace": (f"a.b = 1\n[a]\n{KEY} = 1\n[a.{KEY}]\n[a.{KEY}]\n", f"FILE {NO_LINE.format(2)}"),
    "not UTF-8": (b'acme = "\xff"', "FILE is not valid TOML: it is not in UTF-8"),
    "deep": ("a = " + "[" * 100_000, "FILE is not TOML"),
    "number": ("acme = 1", f"organization 'acme' of FILE: {NO_NAME}"),
    "list": (f'acme = ["{KEY}"]', f"organization 'acme' of FILE: {NO_NAME}"),
    "key with dashes": (f'acme = "{KEY}-1"', f"organization 'acme' of FILE: {NO_NAME}"),
    "no variable": ('acme = ""', f"organization 'acme' of FILE: {NO_NAME}"),
    "key": (f'acme = "{KEY}"', "organization 'acme' of FILE: the environment variable named there is not set"),
    "key in capitals": (f'acme = "{KEY.upper().replace("_", "")}"', "the environment variable named there is not set"),
    "table": (f'[acme]\nkey = "{KEY}"', f"organization 'acme' of FILE: {A_TABLE}"),
    "dot": ('acme.eu = "GOOD_KEY"', f"organization 'acme' of FILE: {A_TABLE}"),
    "no name": ('" " = "GOOD_KEY"', "organization ' ' of FILE: its name is empty"),
    "not set": ('"a\\nb" = "A_B_KEY"', "organization 'a\\nb' of FILE: the environment variable A_B_KEY is not set"),
    "set empty": ('acme = "EMPTY_KEY"', "organization 'acme' of FILE: the environment variable EMPTY_KEY is empty"),
    "malformed key": (
        'good = "GOOD_KEY"\nacme = "BAD_KEY"',
        "the API key of 'acme' must be a string of 1 to 512 visible ASCII characters",
    ),
}


@pytest.mark.parametrize(("content", "stderr"), WRONG.values(), ids=[*WRONG])
async def test_names_what_is_wrong_with_the_file(call: Any, tmp_path: Path, content: str | bytes, stderr: str) -> None:
    """It is exit code 2 and one line, which never quotes what may be a key."""
    file = tmp_path / "organizations.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    variables = {"GOOD_KEY": KEY, "EMPTY_KEY": "", "BAD_KEY": f"{KEY} {KEY}"}

    ended = await call(*LIST, "--organizations", str(file), variables=variables)

    assert (2, "") == (ended.code, ended.output)
    assert ended.stderr.startswith("contactship: ")
    assert stderr in ended.stderr.replace(str(file), "FILE")
    assert ended.stderr[:-1].isprintable()
    assert KEY.replace("_", "").lower() not in ended.stderr.replace("_", "").lower()


async def test_names_a_file_that_cannot_be_read(call: Any, tmp_path: Path) -> None:
    """A missing file and a folder are wrong usage."""
    missing = await call(*LIST, "--organizations", str(tmp_path / "missing.toml"))
    folder = await call(*LIST, "--organizations", str(tmp_path))

    assert (2, "", 2, "") == (missing.code, missing.output, folder.code, folder.output)
    assert f"contactship: {tmp_path}/missing.toml can't be read: No such file or directory\n" == missing.stderr
    assert f"contactship: {tmp_path} can't be read: Is a directory\n" == folder.stderr


async def test_names_an_unusable_server_as_such(call: Any, write_file: Any) -> None:
    """It is the setting that is at fault, not the file."""
    file = write_file("acme")

    ended = await call(*LIST, "--organizations", file, url="api.contactship.ai", variables=keys_of("acme"))

    assert 2 == ended.code
    assert ended.stderr.startswith("contactship: CONTACTSHIP_BASE_URL must be an http(s) URL")


async def test_takes_names_and_files_as_they_come(call: Any, tmp_path: Path) -> None:
    """A byte order mark is no error; names of any kind are exact in data, and harmless in tables and error messages."""
    name = f"{ESCAPE}[red]ü\n"
    file = tmp_path / "organizations.toml"
    toml = r'"\u001b]0;owned\u0007[red]ü\n" = "ACME_KEY"' + '\n"[bold]b[/bold]" = "BAD_KEY"\n'
    file.write_text(toml, encoding="utf-8-sig")
    acme = sandbox_of("acme", 1)

    async with serve_all(acme=acme, bad=Sandbox(api_key="another")) as url:
        table, lines, sheet = [
            await call(
                *LIST, "--organizations", str(file), "--format", format_, url=url, variables=keys_of("acme", "bad")
            )
            for format_ in ("table", "jsonl", "csv")
        ]

    assert [1, 1, 1] == [ended.code for ended in (table, lines, sheet)]
    assert table.stderr.startswith("contactship: [bold]b[/bold]: GET /v1/phone-numbers failed: 401")
    assert r"\x1b]0;owned\x07[red]ü\n" == table.output.splitlines()[2].split()[0]
    assert name == json.loads(lines.output)["organization"]
    assert name == next(csv.DictReader(sheet.output.splitlines(keepends=True)))["organization"]


async def test_shows_at_a_terminal_which_are_under_way(start: Any, contactship: Any, write_file: Any) -> None:
    """A bar counts organizations; each has a bar as long as it is listed; elsewhere there is no progress."""
    names = ["acme", "globex", "hooli"]
    sandboxes = {name: sandbox_of(name, 5, latency=0.25) for name in names}
    command = (*LIST, "--organizations", write_file(*names), "--format", "csv", "--offset", "1", "--page-size", "2")

    async with serve_all(**sandboxes) as url:
        settings: dict[str, Any] = {"url": url, "variables": keys_of(*names)}
        shown, rows, ended = await asyncio.gather(
            run_in_terminal(start, *command, "--max-concurrent", "1", shows_output=False, **settings),
            run_in_terminal(start, *command, **settings),
            contactship(*command, **settings),
        )

    frames = [STYLING.sub("", frame).strip().splitlines() for frame in shown.split("organizations")[1:]]
    seen = {line.split()[0] for frame in frames for line in frame[1:]}
    assert set(names) == seen
    assert {0, 1} == {len(frame) - 1 for frame in frames}  # the lines below that of all
    assert "3/3" in frames[-1][0]
    assert "2/4" in shown
    assert shown.endswith("\x1b[2K")
    assert 13 == len(rows.splitlines())
    assert "━" not in rows
    assert (0, "") == (ended.code, ended.stderr)


async def test_progress_shows_any_name_harmlessly(start: Any, tmp_path: Path) -> None:
    """What looks like markup stays, and control characters are escapes."""
    file = tmp_path / "organizations.toml"
    file.write_text(r'"[red]\u001b[9m" = "ACME_KEY"')
    command = (*LIST, "--organizations", str(file), "--format", "csv")

    async with serve_all(acme=sandbox_of("acme", 1, latency=0.3)) as url:
        shown = await run_in_terminal(start, *command, shows_output=False, url=url, variables=keys_of("acme"))

    assert r"[red]\x1b[9m" in shown
    assert "\x1b[9m" not in shown


async def test_table_of_organizations_fits_a_terminal(start: Any, write_file: Any) -> None:
    """Where the organizations' ids have no room, they are left out, and a line says where they are."""
    acme, globex = sandbox_of("acme", 2), sandbox_of("globex", 2)
    command = (*LIST, "--organizations", write_file("acme", "globex"))
    variables = keys_of("acme", "globex")

    async with serve_all(acme=acme, globex=globex) as url:
        wide, narrow = await asyncio.gather(
            run_in_terminal(start, *command, columns=160, url=url, variables=variables),
            run_in_terminal(start, *command, columns=80, url=url, variables=variables),
        )

    expected = [[*row.values()] for row in expected_of("acme", acme) + expected_of("globex", globex)]
    assert expected == [line.split() for line in STYLING.sub("", wide).partition("─\n")[2].splitlines()]
    assert "no room" not in wide
    assert "contactship: no room for organization_id; --format csv has it\n" in narrow
    blocks = STYLING.sub("", narrow).partition("csv has it\n")[2].rstrip().split("\n\n")
    assert [row[:4] + row[5:] for row in expected] == [
        [line.split()[1] for line in block.splitlines()] for block in blocks
    ]


async def test_a_reader_that_leaves_ends_it_silently(start: Any, write_file: Any) -> None:
    """A closed pipe is exit code 0, whatever is under way."""
    acme, globex = sandbox_of("acme", 500), sandbox_of("globex", 500)
    globex.script(None, Slow(math.inf))
    command = ("-m", "contactship_async", *LIST, "--organizations", write_file("acme", "globex"))

    with closed_pipe() as pipe:
        async with serve_all(acme=acme, globex=globex) as url:
            variables = keys_of("acme", "globex")
            process = await start(*command, "--format", "csv", stdout=pipe, url=url, variables=variables)
            async with asyncio.timeout(AT_ONCE * 2):
                _, stderr = await process.communicate()

    assert (0, b"") == (process.returncode, stderr)


async def test_a_slow_reader_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limits of requests under way would run out if the event loop waited for the reader."""
    number = PhoneNumber("pn-1", "+12025550100", PhoneNumberType.INBOUND, "org-1", datetime(2026, 1, 15, tzinfo=UTC))
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "w") as stdout:

        def read_late() -> list[bytes]:
            has_waited.wait(AT_ONCE)
            return [reader.readline() for _ in range(5000)]

        monkeypatch.setattr("sys.stdout", stdout)
        has_waited = threading.Event()
        lines = asyncio.create_task(asyncio.to_thread(read_late))
        adding = asyncio.create_task(Output("jsonl").add([number] * 5000))
        await pass_turns()
        had_to_wait = not adding.done()
        has_waited.set()
        await asyncio.gather(lines, adding)

    assert had_to_wait
    assert {"pn-1"} == {json.loads(line)["id"] for line in lines.result()}
