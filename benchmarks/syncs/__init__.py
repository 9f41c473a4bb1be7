"""The ways to bring a listing into a database, each as its user would write it, and the walk alone.

Each module has one function, `load`: it opens a client, walks, and leaves the database with each row as it is now; and
`CURRENT`, by which these rows are counted afterwards. All have `CONCURRENCY` pages of `PAGE_SIZE` rows in flight.
"""

from __future__ import annotations

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
        folder: For what a way keeps from one run into that database to the next.
    """

    url: str
    listing: str
    database: str
    folder: str

    @property
    def is_postgresql(self) -> bool:
        """Whether *database* is a PostgreSQL one."""
        return self.database.startswith("postgresql:")


@frozen
class Cost:
    """What a run cost in the way's process.

    Args:
        wall: Seconds of the clock on the wall.
        cpu: Seconds of the processor.
        peak: The most memory that was resident since the process began, in bytes.
        current: The way's `CURRENT`.
    """

    wall: float
    cpu: float
    peak: int
    current: str


class Contender(Protocol):
    """What each module offers."""

    CURRENT: str
    """Selects how many rows are current, and how many different ids they have; empty where nothing is stored."""

    async def load(self, job: Job) -> None:
        """Do the job."""
