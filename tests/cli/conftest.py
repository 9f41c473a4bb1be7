"""Two ways to run the command line: as a process of its own, and within this one, which is much faster."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from processes import started

from contactship_async._cli.app import run

_TERMINAL_SETTINGS = ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PYTHONIOENCODING", "TTY_COMPATIBLE")


@frozen
class Ended:
    """What a process left: its exit code, and what it wrote to the two streams."""

    code: int | None
    output: str
    stderr: str


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Return a function that makes an environment without the developer's own settings."""

    def make(url: str | None = None, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _TERMINAL_SETTINGS}
        server = {} if url is None else {"CONTACTSHIP_BASE_URL": url, "CONTACTSHIP_API_KEY": "sandbox-key"}
        return {**kept, "TERM": "xterm", "PYTHONUTF8": "1", **server, **variables}

    return make


@pytest.fixture
def contactship_command(forked_contactship: Path) -> tuple[str, ...]:
    """Return how `contactship` is started."""
    return (str(forked_contactship),)


@pytest.fixture
async def start(
    environment: Callable[..., dict[str, str]], contactship_command: tuple[str, ...]
) -> AsyncIterator[Callable[..., Awaitable[Process]]]:
    """Return an async function that starts Python, or another program, which ends with the test at the latest."""

    async def start_process(
        *arguments: str,
        program: str = sys.executable,
        url: str | None = None,
        variables: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> Process:
        streams = {"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE, **settings}
        command = (program, *arguments)
        if command[:3] == (sys.executable, "-m", "contactship_async"):
            command = (*contactship_command, *command[3:])
        process = started(*command, env=environment(url, **(variables or {})), **streams)
        return await ends_with_the_test.enter_async_context(process)

    async with AsyncExitStack() as ends_with_the_test:
        yield start_process


@pytest.fixture
def contactship(start: Callable[..., Awaitable[Process]]) -> Callable[..., Awaitable[Ended]]:
    """Return an async function that runs `contactship` with the given arguments to its end."""

    async def run_to_end(*arguments: str, **settings: Any) -> Ended:
        process = await start("-m", "contactship_async", *arguments, **settings)
        output, stderr = await process.communicate()
        return Ended(process.returncode, (output or b"").decode(), (stderr or b"").decode())

    return run_to_end


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], environment: Callable[..., dict[str, str]]
) -> Callable[..., Awaitable[Ended]]:
    """Return an async function that does the same within this process, in a thread beside the test's loop."""

    async def call_in_thread(
        *arguments: str, url: str | None = None, variables: Mapping[str, str] | None = None
    ) -> Ended:
        for name in _TERMINAL_SETTINGS:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment(url, **(variables or {})).items():
            monkeypatch.setenv(name, value)
        code = await asyncio.to_thread(run, arguments)
        return Ended(code, *capfd.readouterr())

    return call_in_thread
