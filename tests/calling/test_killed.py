"""The command is killed, anywhere, and run again: nobody is called twice, and nobody is forgotten."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from random import Random

from calls_server import AGENT, FROM_NUMBER, CallsServer, refuse, write_contacts
from processes import started
from volume import Volume

from contactship_async.calling import Journal

CONTACTS = 12
MAX_STARTS = 4
COMMANDS = Path(__file__).parents[1] / "support" / "forked_commands.py"


class Murder:
    """Kills a process when the server has seen so much, or after some time; starts under way may be lost then.

    Args:
        server: What the process talks to.
        random: Draws when.
    """

    def __init__(self, server: CallsServer, random: Random) -> None:
        self._random = random
        self._events = random.randint(1, 3 * CONTACTS) if random.random() < 0.8 else None
        self._seconds = random.uniform(0, 0.3)
        self._loses = random.random() < 0.5
        self._is_done = False
        self.process = -1
        server.at = self._look
        server.reply = lambda _: refuse(500) if self._is_done and self._loses else None

    async def _look(self, _: str) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.005))  # real time: so that several are under way
        if self._events is not None:
            self._events -= 1
            if self._events == 0:
                self._kill()

    def _kill(self) -> None:
        self._is_done = True
        with suppress(ProcessLookupError):  # It has ended by itself.
            signal.pidfd_send_signal(self.process, signal.SIGKILL)

    async def wait(self) -> None:
        """Kill it after some time, if that is how it ends."""
        if self._events is None:
            await asyncio.sleep(self._seconds)  # real time: another process has no other
            self._kill()


async def run(commands: Process, *arguments: str, murder: Murder | None = None) -> int:
    """Run a command to its end, whichever that is, and return its code."""
    assert commands.stdin is not None
    assert commands.stdout is not None
    commands.stdin.write(json.dumps(arguments).encode() + b"\n")
    process = os.pidfd_open(int(await commands.stdout.readline()))  # which can't become another one's
    if murder is not None:
        murder.process = process
        await murder.wait()
    code = int(await commands.stdout.readline())
    os.close(process)
    return code


async def test_nobody_is_called_twice(tmp_path: Path, volume: Volume) -> None:
    """Each contact was called once, or is told to be unknown; of these there are no more than starts under way."""
    file = tmp_path / "contacts.csv"
    file.write_text(write_contacts(CONTACTS))
    killed = unknown_in_all = 0
    async with CallsServer() as server:
        settings = {"CONTACTSHIP_API_KEY": "sandbox-key", "CONTACTSHIP_BASE_URL": server.url}
        environment = {**os.environ, **settings}
        async with started(sys.executable, str(COMMANDS), env=environment, stdin=PIPE, stdout=PIPE) as commands:
            for seed in range(200 if volume.is_full else 8):
                random = Random(f"{volume.seed} {seed}")
                journal = tmp_path / f"{seed}.db"
                server.starts.clear()
                server.calls.clear()
                command = (
                    *("calls", "make", "--from-file", str(file), "--journal", str(journal), "--yes"),
                    *("--agent-id", AGENT, "--from-number", FROM_NUMBER, "--max-live", "8"),
                )
                code = await run(commands, *command, murder=Murder(server, random))
                killed += code == -signal.SIGKILL
                under_way = 0
                if journal.exists():
                    with Journal(journal) as left:
                        under_way = len(left.unknown())
                server.is_lagging = random.random() < 0.3
                server.reply = lambda _: None
                await run(commands, *command)
                with Journal(journal) as left:
                    lines = [*left.lines()]

                assert under_way <= MAX_STARTS
                unknown = [line.identity for line in lines if line.outcome == "unknown"]
                assert len(unknown) <= under_way
                assert {"placed"} == {line.outcome for line in lines if line.identity not in unknown}
                assert CONTACTS == len(lines)
                assert all(server.starts[line.identity] == 1 for line in lines if line.identity not in unknown)
                assert all(server.starts[identity] <= 1 for identity in unknown)
                assert {line.call_id for line in lines} - {None} <= {call["id"] for call in server.calls}
                unknown_in_all += len(unknown)
            commands.stdin.close()  # type: ignore[union-attr] # it is a pipe

    assert killed > 0
    volume.drawn.append(("runs killed", f"{killed}, which left {unknown_in_all} unknown"))
