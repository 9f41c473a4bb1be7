"""Runs syncs in children of one process, which has imported everything once, and kills them, anywhere.

A child kills itself before or after any call that the sync makes, into a driver for instance, or is killed from outside
after any time, in the middle of what a driver does. Reads pickled orders from its input, and writes for each the
numbers of calls that the child made, 0 if it was killed.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from subprocess import PIPE
from tempfile import TemporaryDirectory, gettempdir
from types import CodeType, FrameType
from typing import Any, Final

import duckdb  # noqa: F401 - imported once, for all children
import psycopg  # noqa: F401 - as above
from attrs import define, field, frozen
from sync_runs import Run
from sync_tables import Database
from sync_world import World

from contactship_async.sync import DuckDBTarget, PostgresTarget

_LENGTH: Final = struct.Struct("<I")
_OUTCOME: Final = struct.Struct("<Id")
_COUNTED: Final = (f"contactship_async{os.sep}sync{os.sep}", f"{os.sep}psycopg{os.sep}")
"""Where calls are counted: what is made from the files whose path holds one of these."""


@frozen
class _Order:
    """A sync that is to be killed.

    Args:
        world: What is synced.
        run: The sync.
        place: The file or the URL of the database.
        calls: With which call it is killed; None for not at all by that.
        seconds: After which time it is killed; None for not at all by that.
    """

    world: World
    run: Run
    place: str
    calls: int | None = None
    seconds: float | None = None


@define
class Killer:
    """Has syncs run in processes, and killed.

    Args:
        process: Which forks them.
        folder: Where they may leave temporary files, and should not.
        chance: How many syncs are killed for 20 that are left alone.
        calls: How many calls those made that ended, the first of them for certain.
        seconds: How long they took.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    chance: int = 4
    calls: list[int] = field(factory=list)
    seconds: list[float] = field(factory=list)

    def run(self, world: World, run: Run, database: Database, random: Random) -> bool:
        """Run a sync, and return whether it was killed."""
        calls = seconds = None
        if self.calls and random.random() < 0.6:  # often enough
            calls = random.randrange(1, random.choice(self.calls) + 2)
        elif self.calls:
            seconds = random.uniform(0, random.choice(self.seconds))
        order = pickle.dumps(_Order(world, run, database.place, calls, seconds))
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(_LENGTH.pack(len(order)) + order)
        self.process.stdin.flush()
        done, took = _OUTCOME.unpack(self.process.stdout.read(_OUTCOME.size))
        assert done != 1, "the sync failed in its process"
        left = [file.name for file in self.folder.iterdir()]
        assert not left, f"a killed sync has left {left}"
        if done:
            self.calls.append(done)
            self.seconds.append(took)
        return not done


@contextmanager
def killer(chance: int = 4) -> Iterator[Killer]:
    """Start what runs and kills syncs: *chance* for 20 that are left alone."""
    with TemporaryDirectory(prefix="killed-") as folder:
        environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, __file__]
        with subprocess.Popen(command, env=environment, stdin=PIPE, stdout=PIPE) as process:  # noqa: S603 - ours
            yield Killer(process, Path(folder), chance)


def _serve() -> None:
    """Run one sync after the other."""
    gettempdir()  # It tries the folder with a file without rows, which a child that is killed just then would leave.
    while length := sys.stdin.buffer.read(_LENGTH.size):
        order = pickle.loads(sys.stdin.buffer.read(*_LENGTH.unpack(length)))  # of our own tests
        reader, writer = os.pipe()
        began = time.monotonic()
        child = os.fork()
        if not child:
            _run(order, writer)
        os.close(writer)
        if order.seconds is not None:
            time.sleep(order.seconds)  # real time: another process has no other
            os.kill(child, signal.SIGKILL)
        with os.fdopen(reader, "rb") as pipe:
            calls = pipe.read()
        _, status = os.waitpid(child, 0)
        is_killed = os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        done = 0 if is_killed else int(calls or 1)
        sys.stdout.buffer.write(_OUTCOME.pack(done, time.monotonic() - began))
        sys.stdout.buffer.flush()


def _run(order: _Order, writer: int) -> None:
    try:
        counted = _Counter(order.calls)
        target = PostgresTarget(order.place) if "://" in order.place else DuckDBTarget(order.place)
        threading.setprofile(counted)
        sys.setprofile(counted)
        asyncio.run(order.run.start(order.world, target))
        sys.setprofile(None)
        os.write(writer, str(counted.calls + 2).encode())
    except BaseException:  # noqa: BLE001 - it is told, and the process ends in any case
        traceback.print_exc()
    finally:
        os._exit(0)


@cache
def _is_counted(code: CodeType) -> bool:
    return any(part in code.co_filename for part in _COUNTED)


class _Counter:
    """Counts the calls that a sync makes, and the returns from them, and kills its process at one of them."""

    def __init__(self, last: int | None) -> None:
        self.calls = 0
        self._last = last

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:  # noqa: ARG002 - as Python calls it
        if _is_counted(frame.f_code):
            self.calls += 1
            if self.calls == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _serve()
