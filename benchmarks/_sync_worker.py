"""One way to load a listing, in a process of its own, which does so when told to and says what it cost.

Commands and answers are lines of JSON on the standard streams; the answers' stream is out of the reach of libraries
that print.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import duckdb
import psycopg
from attrs import asdict, frozen

from benchmarks._memory import peak_bytes
from benchmarks.syncs import Contender, Job


@frozen
class Cost:
    """What one run cost in the contender's process.

    Args:
        wall: Seconds of the clock on the wall.
        cpu: Seconds of the processor.
        peak: The most memory that was resident until its end, since the process began, in bytes.
    """

    wall: float
    cpu: float
    peak: int


class Worker:
    """The other end of the process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def load(self, job: Job, rows: int) -> Cost:
        """Do a job.

        Raises:
            RuntimeError: It failed, or the database does not have *rows* current rows afterwards, each once.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError
        self._process.stdin.write(json.dumps({**asdict(job), "folder": str(job.folder), "rows": rows}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"problem": "its process has ended"}')
        if "problem" in answer:
            raise RuntimeError(answer["problem"])
        return Cost(**answer)


@contextmanager
def started(contender: str) -> Iterator[Worker]:
    """Start the process of a contender, a module of `syncs/`; it ends at the end of the block."""
    command = [sys.executable, "-m", "benchmarks._sync_worker", contender]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Worker(process)


def _count(job: Job, query: str) -> list[int]:
    if job.is_postgresql:
        with psycopg.connect(job.database) as connection:
            return list(connection.execute(query.encode()).fetchone() or ())
    with duckdb.connect(job.database) as connection:
        return list(connection.execute(query).fetchone() or ())


def _measure(contender: Contender, command: dict[str, Any]) -> dict[str, Any]:
    rows = command.pop("rows")
    job = Job(**{**command, "folder": Path(command["folder"])})
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    asyncio.run(contender.load(job))
    cost = Cost(time.perf_counter() - wall, time.process_time() - cpu, peak_bytes())
    if contender.CURRENT:
        counted = _count(job, contender.CURRENT.format(listing=job.listing))
        if counted != [rows, rows]:
            return {"problem": f"{counted[0]} rows are current, with {counted[1]} different ids, instead of {rows}"}
    return asdict(cost)


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        module = cast("Contender", importlib.import_module(f"benchmarks.syncs.{sys.argv[1]}"))
        for line in sys.stdin:
            answers.write(json.dumps(_measure(module, json.loads(line))) + "\n")
            answers.flush()
