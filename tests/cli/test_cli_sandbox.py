"""The command `contactship sandbox`: what it prints for a shell, its log on standard error, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import aiohttp
import pytest
from terminals_and_pipes import AT_ONCE, full_pipe

from contactship_async._cli.sandbox import RequestLog, prepare
from contactship_async.sandbox import Sandbox

LIST = ("phone-numbers", "list")
COMMAND = ("-m", "contactship_async", *LIST)
SERVE = ("-m", "contactship_async", "sandbox")

FILE = """
acme = "ACME_CONTACTSHIP_KEY"
"G l\\u001bobex" = "GLOBEX_CONTACTSHIP_KEY"
"""


def requests_in(log: bytes) -> list[str]:
    """Return the lines of a log without the times, and without what is logged after them."""
    return [re.sub(r" \d+\.\d ms.*", "", line) for line in log.decode().splitlines()]


async def ask(url: str, *, times: int = 1, key: str = "") -> list[int]:
    """Send requests one after the other, and return the statuses of their responses."""
    statuses = []
    async with aiohttp.ClientSession(headers={"x-api-key": key}) as session:
        for _ in range(times):
            async with session.get(f"{url}/v1/phone-numbers?limit=0&x={'x' * 7_000}") as response:
                statuses.append(response.status)
    return statuses


@asynccontextmanager
async def served(
    start: Any, *options: str, command: tuple[str, ...] = SERVE, **settings: Any
) -> AsyncIterator[tuple[Any, str]]:
    """Start the command, and yield the process and the URL that it serves."""
    process = await start(*command, *options, **settings)
    yield process, (await process.stdout.readline()).decode().strip().partition("=")[2]
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(AT_ONCE):
            await process.wait()


async def test_serves_a_sandbox_for_a_shell(start: Any, contactship: Any) -> None:
    """What it prints points a shell to it; its port is taken until SIGTERM ends it, which background jobs need."""
    options = ("--phone-numbers", "7", "--seed", "3", "--envelope", "pagination", "--max-limit", "2")
    more = ("--latency", "0.001", "--rate-limit", "30", "--no-count-follows-filter")
    serve = shlex.join([sys.executable, "-m", "contactship_async", "sandbox", *options, *more])
    # Shells start background jobs with Ctrl-C ignored.
    server = await start("-c", f"trap '' INT; exec {serve}", program="bash")
    note = await server.stderr.readline()
    lines = [(await server.stdout.readline()).decode() for _ in range(2)]
    server.send_signal(signal.SIGINT)
    port = lines[0].strip().rpartition(":")[2]

    listing = shlex.join([sys.executable, *COMMAND, "--format", "json"])
    shell = await start("-c", f"{''.join(lines)}{listing}", program="bash")
    output, _ = await shell.communicate()
    async with aiohttp.request(
        "GET",
        f"http://127.0.0.1:{port}/v1/phone-numbers",
        params={"limit": 5, "type": "outbound"},
        headers={"x-api-key": "sandbox-key"},
    ) as response:
        page = await response.json()
        allowance = response.headers["x-ratelimit-limit"]
    second = await contactship("sandbox", "--port", port)
    server.terminate()
    async with asyncio.timeout(AT_ONCE):
        rest, stderr = await server.communicate()

    assert b"contactship: serving 7 phone numbers; Ctrl-C ends it\n" == note
    assert [
        f"export CONTACTSHIP_BASE_URL=http://127.0.0.1:{port}\n",
        "export CONTACTSHIP_API_KEY=sandbox-key\n",
    ] == lines
    assert Sandbox(7, seed=3).phone_numbers == json.loads(output)
    assert (2, 7, "30") == (len(page["data"]), page["pagination"]["total_rows"], allowance)
    assert (1, "") == (second.code, second.output)
    assert re.fullmatch(r"contactship: .*address already in use.*\n", second.stderr)
    assert (0, b"") == (server.returncode, rest)
    assert [
        "GET /v1/phone-numbers?limit=100&offset=0&order=desc 200",
        *(f"GET /v1/phone-numbers?limit=100&offset={offset}&order=desc 200" for offset in (2, 4, 6)),
        "GET /v1/phone-numbers?limit=5&type=outbound 200",
    ] == requests_in(stderr)


async def test_serves_other_machines(start: Any, contactship: Any) -> None:
    """At all addresses, as in a container, it says who may come, and points the shell of this machine to itself."""
    server = await start(*SERVE, "--host", "0.0.0.0", "--phone-numbers", "3")  # noqa: S104 - on purpose
    note = await server.stderr.readline()
    lines = [(await server.stdout.readline()).decode().strip() for _ in range(2)]
    listed = await contactship("phone-numbers", "count", url=lines[0].partition("=")[2])
    server.terminate()
    await server.communicate()

    assert b"contactship: serving 3 phone numbers to anybody who reaches this machine; Ctrl-C ends it\n" == note
    assert ["export CONTACTSHIP_BASE_URL=http://127.0.0.1", "export CONTACTSHIP_API_KEY=sandbox-key"] == [
        lines[0].rpartition(":")[0],
        lines[1],
    ]
    assert (0, "3\n") == (listed.code, listed.output)


async def test_points_a_shell_to_a_sandbox_that_is_not_on_a_loopback_address(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What clients would refuse as clear text is allowed by what the shell reads; other clients are not touched."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo("127.0.0.1", 0)
    monkeypatch.setattr(loop, "getaddrinfo", AsyncMock(return_value=addresses[:1]))
    running = asyncio.create_task(prepare(host="sandbox.example").run())
    output = ""
    while output.count("\n") < 3:
        await asyncio.sleep(0)
        output += capfd.readouterr().out
    running.cancel()
    await asyncio.wait([running])

    assert [
        "export CONTACTSHIP_BASE_URL=http://sandbox.example",
        "export CONTACTSHIP_API_KEY=sandbox-key",
        "export CONTACTSHIP_ALLOW_INSECURE_HTTP=1",
    ] == re.sub(r":\d+", "", output).splitlines()


async def test_ctrl_c_ends_a_sandbox_amid_a_request(start: Any) -> None:
    """The sandbox ends at once with code 130, whatever is under way."""
    server = await start("-m", "contactship_async", "sandbox", "--latency", "600")
    url = (await server.stdout.readline()).decode().strip().partition("=")[2]
    _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(b"GET /v1/phone-numbers HTTP/1.1\r\nHost: sandbox\r\n\r\n")
    await writer.drain()
    for _ in range(2):  # The description comes at once; by then the request before it is under way.
        async with aiohttp.request("GET", f"{url}/openapi.json") as response:
            assert response.status == 200

    server.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, stderr = await server.communicate()
    writer.close()

    assert 130 == server.returncode
    assert time.monotonic() - started < AT_ONCE
    assert [
        "contactship: serving 250 phone numbers; Ctrl-C ends it",
        "GET /openapi.json 200",
        "GET /openapi.json 200",
        "GET /v1/phone-numbers -",
    ] == requests_in(stderr)


async def test_serves_the_organizations_of_a_file(start: Any, contactship: Any, tmp_path: Path) -> None:
    """The file is that of the listing; a shell that reads what is printed lists all of them with it."""
    file = tmp_path / "organizations.toml"
    file.write_text(FILE)
    options = ("--organizations", str(file), "--phone-numbers", "3", "--seed", "7")
    # A key that is set already is a real one, which a sandbox must not see.
    server = await start(*SERVE, *options, variables={"ACME_CONTACTSHIP_KEY": "sk-live-SECRET"})
    exports = [(await server.stdout.readline()).decode() for _ in range(3)]
    url = exports[0].strip().partition("=")[2]

    listing = shlex.join([sys.executable, *COMMAND, "--organizations", str(file), "--format", "json"])
    shell = await start("-c", f"{''.join(exports)}{listing}", program="bash")
    output, _ = await shell.communicate()
    refused = await ask(url, key="sk-live-SECRET")
    server.send_signal(signal.SIGINT)
    rest, log = await server.communicate()

    assert [
        f"export CONTACTSHIP_BASE_URL={url}\n",
        "export ACME_CONTACTSHIP_KEY=sandbox-key-acme\n",
        "export GLOBEX_CONTACTSHIP_KEY=sandbox-key-G%20l%1Bobex\n",
    ] == exports
    expected = [
        {"organization": name, **number}
        for name, seed in (("acme", 7), ("G l\x1bobex", 8))
        for number in Sandbox(3, seed=seed).phone_numbers
    ]
    assert expected == json.loads(output)
    assert ([401], b"", 130) == (refused, rest, server.returncode)
    first, *requests = requests_in(log)
    assert "contactship: serving 3 phone numbers of each of 2 organizations; Ctrl-C ends it" == first
    page = "GET /v1/phone-numbers?limit=100&offset=0&order=desc 200"
    assert {f"acme: {page}", rf"G l\x1bobex: {page}"} == {*requests[:2]}
    assert 3 == len(requests)
    assert requests[2].endswith("xxx 401")
    assert b"sandbox-key" not in log
    assert b"SECRET" not in log


async def test_names_what_is_wrong_with_the_file(call: Any, tmp_path: Path) -> None:
    """It is wrong usage, as for the listing, but for keys that are not set; each needs a variable of its own."""
    file = tmp_path / "organizations.toml"
    command = ("sandbox", "--organizations", str(file))

    missing = await call(*command)
    file.write_text('acme = "A_KEY"\nglobex = "A_KEY"\n')
    same = await call(*command)

    assert (2, "", f"contactship: {file} can't be read: No such file or directory\n") == (
        missing.code,
        missing.output,
        missing.stderr,
    )
    assert (2, "", "contactship: organizations 'acme' and 'globex' must differ in the variables of their keys\n") == (
        same.code,
        same.output,
        same.stderr,
    )


async def test_describes_what_it_serves(start: Any) -> None:
    """The description needs no key, and knows the options."""
    options = ("--envelope", "pagination", "--max-limit", "7", "--rate-limit", "9")
    async with served(start, *options) as (_, url), aiohttp.request("GET", f"{url}/openapi.json") as response:
        document = await response.json()

    page = document["paths"]["/v1/phone-numbers"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert ["statusCode", "data", "pagination"] == page["required"]
    assert 7 == page["properties"]["data"]["maxItems"]
    assert "TooManyRequests" in document["components"]["responses"]


async def test_prints_what_it_would_serve(start: Any, call: Any, tmp_path: Path) -> None:
    """With --openapi, it prints the description that it would serve with the other options, and serves nothing."""
    file = tmp_path / "organizations.toml"
    file.write_text(FILE)
    options = ("--envelope", "pagination", "--rate-limit", "9", "--organizations", str(file))
    async with served(start, *options) as (_, url), aiohttp.request("GET", f"{url}/openapi.json") as response:
        document = await response.json()
        port = url.rpartition(":")[2]
        printed = await call("sandbox", "--openapi", *options, "--port", port)
    older = await call("sandbox", "--openapi")
    wrong = await call("sandbox", "--openapi", "--envelope", "new")

    assert (0, "") == (printed.code, printed.stderr)
    assert json.dumps(document, indent=2) + "\n" == printed.output
    assert (0, Sandbox().openapi()) == (older.code, json.loads(older.output))
    assert (2, "") == (wrong.code, wrong.output)


async def test_serves_on_without_a_reader_of_its_log(start: Any) -> None:
    """Closed standard error, and a reader that leaves after the first line, cost no request."""
    reading, writing = os.pipe()
    closed = shlex.join([sys.executable, *SERVE])
    async with (
        served(start, stderr=writing) as (left, first),
        served(start, command=("-c", f"exec {closed} 2>&-"), program="bash") as (silent, second),
    ):
        os.close(writing)
        note = os.read(reading, 1000)
        os.close(reading)
        statuses = [await ask(url, times=3) for url in (first, second)]

    assert b"contactship: serving 250 phone numbers; Ctrl-C ends it\n" == note
    assert [[401] * 3] * 2 == statuses
    assert [130, 130] == [left.returncode, silent.returncode]


@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "non-blocking"])
async def test_a_full_pipe_stops_no_request(start: Any, *, blocks: bool) -> None:
    """If the log is not read, requests get their responses all the same, and the end is at once."""
    with full_pipe() as (pipe, count_bytes, _):
        os.set_blocking(pipe, blocks)
        async with served(start, stderr=pipe) as (process, url):
            assert [401] * 30 == await ask(url, times=30)
            filled = count_bytes()

    assert filled > 50_000
    assert 130 == process.returncode


async def test_log_says_what_it_dropped(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Up to 1,000 lines wait for a reader; those beyond are counted, and others than requests are a line each."""
    caplog.set_level(logging.DEBUG, "contactship_async.sandbox")
    logger = logging.getLogger("contactship_async.sandbox")
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "w") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        with RequestLog() as log:
            for number in range(1_200):
                logger.debug("%s\x1b %d", "x" * 5_000, number)
            lines = [await asyncio.to_thread(reader.readline)]
            while not log._lines.empty():
                lines.append(await asyncio.to_thread(reader.readline))
            try:
                raise KeyError("SECRET")  # noqa: EM101, TRY301 - as something else in the process might
            except KeyError:
                logging.getLogger("another").exception("it broke")
            while not lines[-1].startswith(b"it broke"):
                lines.append(await asyncio.to_thread(reader.readline))

    *logged, missing, last = lines
    dropped = int(missing.partition(b" ")[0])
    assert b"%d lines are missing: they were not read in time\n" % dropped == missing
    assert [*range(1_200 - dropped)] == [int(line.rpartition(b" ")[2]) for line in logged]
    assert 1_000 <= len(logged) <= 1_020  # the pipe holds some
    assert {rb"x\x1b"} == {line.split()[0][-5:] for line in logged}
    assert b"it broke (KeyError)\n" == last
