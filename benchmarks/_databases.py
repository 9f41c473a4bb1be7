"""New, empty databases: files of DuckDB, and databases of a PostgreSQL server that lasts as long as the benchmark."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.syncs import Job

_SERVER = Path(__file__).parents[1] / "tests" / "support" / "postgresql_server.py"


@contextmanager
def postgresql_served() -> Iterator[str]:
    """Run a PostgreSQL server (without `fsync`) to the end of the block, and tell how to connect to it."""
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
    with TemporaryDirectory(prefix="benchmark-") as directory:
        folder = Path(directory)
        if conninfo is None:
            yield Job(url, listing, str(folder / "copy.duckdb"), folder)
            return
        options = conninfo_to_dict(conninfo)
        name = folder.name.replace("-", "_")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
            try:
                # There is a password only since dlt refuses a URL without one; the server asks for none.
                address = f"{quote(str(options['host']), safe='')}:{options['port']}"
                yield Job(url, listing, f"postgresql://{options['user']}:none@{address}/{name}", folder)
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
