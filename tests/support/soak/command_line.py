"""The command line as a job of a soak: as a process, with each format, each way to end, and many organizations."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import shlex
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from contactship_async.sandbox import Sandbox, Slow, Status
from soak.servers import PASSING, Servers

_COMMAND: Final = (sys.executable, "-m", "contactship_async", "phone-numbers", "list")
_MAX_SECONDS: Final = 60.0


async def _start(sandbox_url: str, key: str, *arguments: str, **variables: str) -> Process:
    settings = {"CONTACTSHIP_BASE_URL": sandbox_url, "CONTACTSHIP_API_KEY": key, "PYTHONUTF8": "1"}
    return await asyncio.create_subprocess_exec(
        *arguments, env=os.environ | settings | variables, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )


async def _end(process: Process) -> tuple[int | None, str, str]:
    try:
        async with asyncio.timeout(_MAX_SECONDS):
            output, stderr = await process.communicate()
    except BaseException:
        process.kill()
        await process.communicate()
        raise
    return process.returncode, output.decode(), stderr.decode()


def _options(random: Random) -> list[str]:
    size, concurrency = random.choice(("50", "100")), random.choice(("1", "4"))
    return ["--page-size", size, "--concurrency", concurrency, *["--exact"] * random.randrange(2)]


def _read_ids(output: str, format_: str) -> list[str]:
    if format_ == "json":
        return [row["id"] for row in json.loads(output)]
    if format_ == "jsonl":
        return [json.loads(line)["id"] for line in output.splitlines()]
    if format_ == "csv":
        return [row["id"] for row in csv.DictReader(output.splitlines())]
    return [line.split()[0] for line in output.splitlines() if line.startswith("pn-")]


async def _list_all(servers: Servers, random: Random) -> None:
    sandbox = servers.command
    sandbox.script(None, random.choice(PASSING))
    format_ = random.choice(("table", "json", "jsonl", "csv"))
    process = await _start(sandbox.url, sandbox.api_key, *_COMMAND, "--format", format_, *_options(random))
    code, output, stderr = await _end(process)
    assert (0, "") == (code, stderr), stderr
    assert _ids(sandbox) == _read_ids(output, format_), f"{format_} is not complete"


def _ids(sandbox: Sandbox) -> list[str]:
    return [number["id"] for number in sandbox.phone_numbers]


async def _list_many(servers: Servers, random: Random) -> None:
    names = [*servers.organizations]
    variables = {f"KEY_{place}": name for place, name in enumerate(names)}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "organizations.toml"
        file.write_text("".join(f'{name} = "{variable}"\n' for variable, name in variables.items()))
        options = ("--organizations", str(file), "--format", "csv", *_options(random))
        code, output, _ = await _end(await _start(servers.url, "none", *_COMMAND, *options, **variables))
    assert code in {0, 1}
    rows = [(row["organization"], row["id"]) for row in csv.DictReader(output.splitlines())]
    assert len(set(rows)) == len(rows), "a row came twice"
    for name, sandbox in servers.organizations.items():
        if not name.startswith("broken"):
            assert _ids(sandbox) == [identifier for owner, identifier in rows if owner == name], f"{name} is incomplete"


async def _interrupt(servers: Servers, random: Random) -> None:
    servers.command.script(None, Slow(float("inf")), times=1)
    process = await _start(
        servers.command.url,
        servers.command.api_key,
        *_COMMAND,
        "--page-size",
        random.choice(("1", "50")),
        "--format",
        "jsonl",
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    code, _, stderr = await _end(process)
    assert (130, 1) == (code, stderr.count("\n")), stderr
    assert "interrupted" in stderr
    assert json.loads(first)["id"] == _ids(servers.command)[0]


async def _read_one_line(servers: Servers, _: Random) -> None:
    servers.command.clear_script()
    command = f"{shlex.join([*_COMMAND, '--page-size', '50', '--format', 'csv'])} | head -1; echo ${{PIPESTATUS[0]}}"
    process = await _start(servers.command.url, servers.command.api_key, "bash", "-c", command)
    assert (0, "id,phone_number,type,organization_id,created_at\n0\n", "") == await _end(process)


async def _be_refused(servers: Servers, _: Random) -> None:
    servers.command.script(Status(403), times=None)
    code, output, stderr = await _end(await _start(servers.command.url, servers.command.api_key, *_COMMAND))
    assert (1, "", 1) == (code, output, stderr.count("\n")), stderr


_WAYS: Final[Sequence[Callable[[Servers, Random], Awaitable[Any]]]] = (
    _list_all, _interrupt, _list_many, _list_all, _read_one_line, _be_refused,
)  # fmt: skip


async def use_command_line(servers: Servers, random: Random, turn: int) -> None:
    """Run one process to its end; each *turn* another one."""
    await _WAYS[turn % len(_WAYS)](servers, random)
