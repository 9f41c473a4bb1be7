"""What a sync writes to, as a value: a database, or a folder of Parquet files."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

from contactship_async.sync._database import Database
from contactship_async.sync._errors import DatabaseBusyError
from contactship_async.sync._results import SyncResult
from contactship_async.sync._store import Store
from contactship_async.sync._thread import DatabaseThread

S = TypeVar("S", bound=Store)

_POLL_SECONDS: Final = 0.5


class Target(ABC, Generic[S]):
    """What a sync writes to. It is a value: it opens nothing by itself.

    Attributes:
        wait: For how many seconds to wait while another program has it open.
    """

    wait: float = 0.0

    @abstractmethod
    def make_store(self, *, dry_run: bool = False) -> S:
        """Return what opens it; nothing is opened yet, and for a dry run nothing is made that is not there."""

    @asynccontextmanager
    async def open(self, *, dry_run: bool = False) -> AsyncIterator[tuple[S, DatabaseThread]]:
        """Open it in a thread of its own, and close both at the end.

        Raises:
            DatabaseError: It can't be opened.
            MissingExtraError: Its driver is not installed.
        """
        store = self.make_store(dry_run=dry_run)
        thread = DatabaseThread(store.interrupt)
        try:
            await self._open(store, thread)
            yield store, thread
        finally:
            await thread.close(store.close)

    async def _open(self, store: Store, thread: DatabaseThread) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self.wait
        while True:
            try:
                return await thread.run(store.open)
            except DatabaseBusyError:
                left = end - loop.time()
                if left <= 0:
                    raise
            await asyncio.sleep(min(_POLL_SECONDS, left))


class DatabaseTarget(Target[Database]):
    """A database that a sync writes to."""

    async def runs(self) -> tuple[SyncResult, ...]:
        """Read the last run of each organization and listing, and before it the last one that succeeded.

        Raises:
            DatabaseError: The database can't be read.
        """
        async with self.open(dry_run=True) as (store, thread):  # Makes no file.
            return await thread.run(store.runs)

    async def forget(self, value: str, *, dry_run: bool = False) -> Mapping[str, int]:
        """Delete all versions of each row that holds a value in some field, nested ones too.

        What Contactship still has comes again with the next sync: delete it there first.

        Args:
            value: The whole value, such as an id, a phone number or an e-mail address.
            dry_run: Only count.

        Returns:
            How many versions of rows were deleted, by the names of the tables.

        Raises:
            ValueError: The value is empty.
            DatabaseError: The database refuses.
        """
        if not value:
            message = "value must not be empty"
            raise ValueError(message)
        async with self.open(dry_run=True) as (store, thread):
            return await thread.run(store.forget, value, dry_run=dry_run)

    async def forget_organization(self, name: str, *, dry_run: bool = False) -> Mapping[str, int]:
        """Delete all rows of an organization, and what became of its runs.

        Args:
            name: As it was called when it was synced.
            dry_run: Only count.

        Returns:
            How many versions of rows were deleted, by the names of the tables.

        Raises:
            DatabaseError: The database refuses.
        """
        async with self.open(dry_run=True) as (store, thread):
            return await thread.run(store.forget_organization, name, dry_run=dry_run)
