"""Runs of the ways to load a listing, each in a process of its own, into new databases that are checked afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import duckdb
import psycopg
from attrs import asdict
from psycopg.conninfo import conninfo_to_dict

from benchmarks.syncs import Cost, Job

_SERVER = Path(__file__).parents[1] / "tests" / "support" / "postgresql_server.py"


class Worker:
    """The other end of a way's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def load(self, job: Job, rows: int) -> Cost:
        """Do a job.

        Raises:
            RuntimeError: It failed, or the database does not have *rows* current rows afterwards, each once.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            message = "its process has ended"
            raise RuntimeError(message)
        cost = Cost(**json.loads(answer))
        if cost.current and (counted := _count(job, cost.current.format(listing=job.listing))) != (rows, rows):
            message = f"{counted[0]} rows are current, with {counted[1]} different ids, instead of {rows}"
            raise RuntimeError(message)
        return cost


def _count(job: Job, query: str) -> tuple[int, ...]:
    if job.is_postgresql:
        with psycopg.connect(job.database) as connection:
            return connection.execute(query.encode()).fetchone() or ()
    with duckdb.connect(job.database) as database:
        return database.execute(query).fetchone() or ()


@contextmanager
def started(contender: str) -> Iterator[Worker]:
    """Start the process of a way, a module of `syncs/`; it ends at the end of the block."""
    command = [sys.executable, "-m", "benchmarks._sync_worker", contender]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Worker(process)


@contextmanager
def postgresql_served() -> Iterator[str]:
    """Run a PostgreSQL server (without `fsync`) to the end of the block, and tell how to connect to it.

    Raises:
        RuntimeError: It is not installed.
    """
    command = [sys.executable, str(_SERVER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise TypeError
        conninfo = process.stdout.readline().strip()
        if not conninfo:
            message = "PostgreSQL's server does not start: is it installed (apt-get install postgresql)?"
            raise RuntimeError(message)
        yield conninfo


@contextmanager
def new_job(url: str, listing: str, conninfo: str | None = None) -> Iterator[Job]:
    """Make a new database, for as long as the block: a file of DuckDB, or with *conninfo* one of PostgreSQL."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        if conninfo is None:
            yield Job(url, listing, f"{folder}/copy.duckdb", folder)
            return
        options = conninfo_to_dict(conninfo)
        # There is a password only since dlt refuses a URL without one; the server asks for none.
        server = f"postgresql://{options['user']}:none@{quote(str(options['host']), safe='')}:{options['port']}"
        name = Path(folder).name.replace("-", "_")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
            try:
                yield Job(url, listing, f"{server}/{name}", folder)
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
