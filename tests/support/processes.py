"""Processes that a test starts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from attrs import define, field

_FORKED_COMMANDS: Final = Path(__file__).with_name("forked_commands.py")


@asynccontextmanager
async def started(*command: str, **settings: Any) -> AsyncIterator[Process]:
    """Start a process, which ends with the block at the latest, however that is left."""
    process = await asyncio.create_subprocess_exec(*command, **settings)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _pass(_: int) -> None:
    pass


class ForkedCommands:
    """Runs commands in processes that start in no time to speak of, one after the other.

    Args:
        process: That of `forked_commands`.
    """

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def start(cls, settings: Mapping[str, str]) -> AsyncIterator[ForkedCommands]:
        """Start the process, with environment variables besides those of this one."""
        environment = {**os.environ, **settings}
        command = (sys.executable, str(_FORKED_COMMANDS))
        async with started(*command, env=environment, stdin=PIPE, stdout=PIPE) as process:
            yield cls(process)
            process.stdin.close()  # type: ignore[union-attr] # it is a pipe

    async def run(self, *arguments: str, meanwhile: Callable[[int], Awaitable[object]] = _pass) -> int:
        """Run a command to its end, whichever that is, and return its exit code.

        Args:
            arguments: Of the command.
            meanwhile: Takes a descriptor of its process, which can't become another one's, and is awaited.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments).encode() + b"\n")
        process = os.pidfd_open(int(await self._process.stdout.readline()))
        await meanwhile(process)
        code = int(await self._process.stdout.readline())
        os.close(process)
        return code


@define
class Held:
    """What a server holds back, while a process that waits for it is sent signals."""

    arrived: asyncio.Event = field(factory=asyncio.Event, init=False)
    goes_on: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def hold(self) -> None:
        """Hold a request back until the process has ended, or has been sent its only signal."""
        self.arrived.set()
        await self.goes_on.wait()

    async def interrupt(self, process: Process, number: int, *, times: int) -> str:
        """Send a signal so many times while a request is held back, let the process end, and return what it told."""
        assert process.stderr is not None
        await self.arrived.wait()
        told = b""
        for _ in range(times):
            process.send_signal(number)
            told += await process.stderr.readline() if not told else b""
        if times == 1:
            self.goes_on.set()
        _, rest = await process.communicate()
        self.goes_on.set()
        return (told + rest).decode()


def kill(process: int) -> None:
    """End a process that a descriptor is of, amid whatever it does, unless it has ended by itself."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, signal.SIGKILL)
