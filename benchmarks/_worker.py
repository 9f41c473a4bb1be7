"""One contender in a process of its own, which walks when told to and says what it cost.

A process each, because what one library leaves behind (modules, caches, objects for the garbage collector to visit)
would slow down the others. Commands and answers are lines of JSON on the standard streams.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import yarl
from attrs import frozen

from benchmarks import _rows
from benchmarks._processor import stay_on
from benchmarks.contenders import Contender, Fields, Walk

_MEMORY_IS_KEPT = {"MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20)}
"""For glibc. It would else move these by what was freed before: depending on what a process did earlier, the same walk
takes each buffer from the system and gives it back, or not, which is worth up to a fifth of the bare loop's time."""


@frozen
class Sample:
    """What one walk cost, in seconds: of the clock on the wall, and of the processor, in the contender's process."""

    wall: float
    cpu: float


class Worker:
    """The other end of the process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def walk(self, options: Mapping[str, Any], rows: int) -> Sample:
        """Walk once.

        Args:
            options: Keyword arguments of the contender's walk.
            rows: How many rows it has to bring, from the newest on.

        Raises:
            RuntimeError: It failed, or did not bring exactly those rows.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError
        self._process.stdin.write(json.dumps({"options": options, "rows": rows}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"problem": "its process has ended"}')
        if "problem" in answer:
            raise RuntimeError(answer["problem"])
        return Sample(**answer)


@contextmanager
def started(contender: str, url: str) -> Iterator[Worker]:
    """Start the process of a contender, a module of `contenders/`; it ends at the end of the block."""
    command = [sys.executable, "-m", "benchmarks._worker", contender, url]
    environment = os.environ | _MEMORY_IS_KEPT
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Worker(process)


def _problem_of(read: list[Fields], rows: int) -> str | None:
    """Say what is wrong with what a walk read; a benchmark must not be fast because it is broken."""
    if [(row[0], row[1]) for row in read] != [
        (_rows.row_id(index), _rows.phone_number(index)) for index in range(rows)
    ]:
        return f"read {len(read)} rows, which are not the first {rows} of the listing"
    moments = {row[3] for row in read if isinstance(row[3], datetime)}
    if moments and moments != {_rows.created_at(index) for index in range(rows)}:
        return "read dates that are not those of the listing"
    return None


async def _measure(walk: Walk, options: Mapping[str, Any], rows: int) -> Mapping[str, Any]:
    """Time a walk, after a garbage collection; the collector stays on, and what was read is checked afterwards."""
    yarl.cache_clear()  # A program rarely walks a listing twice: no URL should be known from the last round.
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    read = await walk(**options)
    cost = Sample(time.perf_counter() - wall, time.process_time() - cpu)
    problem = _problem_of(read, rows)
    return {"wall": cost.wall, "cpu": cost.cpu} if problem is None else {"problem": problem}


async def _obey(name: str, url: str) -> None:
    contender = cast("Contender", importlib.import_module(f"benchmarks.contenders.{name}"))
    async with contender.opened(url) as walk:
        # The loop stands still while this waits for a command: there is nothing else to do.
        for line in sys.stdin:
            command = json.loads(line)
            sys.stdout.write(json.dumps(await _measure(walk, command["options"], command["rows"])) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    stay_on(0)
    asyncio.run(_obey(*sys.argv[1:]))
