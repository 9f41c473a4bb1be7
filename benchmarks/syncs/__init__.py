"""The ways to bring a listing into a database, each as its user would write it, and the walk alone.

Each module has one function, `load`: it opens a client, walks, and leaves the database with each row as it is now; and
`CURRENT`, by which the worker counts these rows afterwards. All walk with `CONCURRENCY` pages of `PAGE_SIZE` rows in
flight.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from attrs import frozen

PAGE_SIZE = 1000
CONCURRENCY = 4
API_KEY = "sk-made-up"
ORGANIZATION = "acme"


@frozen
class Job:
    """What is to be loaded from where, and into what.

    Args:
        url: Of the server.
        listing: `phone_numbers` or `calls`.
        database: The file of a DuckDB database, or the URL of a PostgreSQL one.
        folder: Empty before the first run into that database, and kept for the second.
    """

    url: str
    listing: str
    database: str
    folder: Path

    @property
    def is_postgresql(self) -> bool:
        """Whether *database* is a PostgreSQL one."""
        return self.database.startswith("postgresql:")


class Contender(Protocol):
    """What each module offers."""

    CURRENT: str
    """Selects how many rows are current, and how many different ids they have; empty where nothing is stored."""

    async def load(self, job: Job) -> None:
        """Do the job."""
