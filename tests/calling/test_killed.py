"""The command is killed, anywhere, and run again: nobody is called twice, and nobody is forgotten."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from random import Random

from calls_server import AGENT, FROM_NUMBER, CallsServer, refuse, write_contacts
from processes import ForkedCommands, kill
from volume import Volume

from contactship_async.calling import Journal

CONTACTS = 12
MAX_STARTS = 4


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
        self._process = -1
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
        kill(self._process)

    async def watch(self, process: int) -> None:
        """Have the process of a descriptor killed: after some time, if that is how it ends."""
        self._process = process
        if self._events is None:
            await asyncio.sleep(self._seconds)  # real time: another process has no other
            self._kill()


async def test_nobody_is_called_twice(tmp_path: Path, volume: Volume) -> None:
    """Each contact was called once, or is told to be unknown; of these there are no more than starts under way."""
    file = tmp_path / "contacts.csv"
    file.write_text(write_contacts(CONTACTS))
    killed = unknown_in_all = 0
    async with CallsServer() as server:
        settings = {"CONTACTSHIP_API_KEY": "sandbox-key", "CONTACTSHIP_BASE_URL": server.url}
        async with ForkedCommands.start(settings) as commands:
            for seed in range(200 if volume.is_full else 8):
                random = Random(f"{volume.seed} {seed}")
                journal = tmp_path / f"{seed}.db"
                server.starts.clear()
                server.calls.clear()
                command = (
                    *("calls", "make", "--from-file", str(file), "--journal", str(journal), "--yes"),
                    *("--agent-id", AGENT, "--from-number", FROM_NUMBER, "--max-live", "8"),
                )
                code = await commands.run(*command, meanwhile=Murder(server, random).watch)
                killed += code == -signal.SIGKILL
                under_way = 0
                if journal.exists():
                    with Journal(journal) as left:
                        under_way = len(left.unknown())
                server.is_lagging = random.random() < 0.3
                server.reply = lambda _: None
                await commands.run(*command)
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

    assert killed > 0
    volume.drawn.append(("runs killed", f"{killed}, which left {unknown_in_all} unknown"))
