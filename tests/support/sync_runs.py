"""One call of `sync`, as a value that another process can be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from attrs import field, frozen
from sync_rows import KINDS, Kind
from sync_world import World

from contactship_async import AnyListing, ContactshipClient, ContactshipPool, RetryPolicy
from contactship_async.sync import SyncProgress, SyncResult, Target, sync

SINGLE = "default"
"""What the organization of a client without a pool is called."""


@frozen
class Ask:
    """A listing that is synced.

    Args:
        table: Of the listing.
        filters: By the API's names.
        owner: What stands in the path.
        with_contents: Whether contents are asked for.
        by_name: Whether it is named, and not a function.
    """

    table: str
    filters: Mapping[str, str] = field(factory=dict)
    owner: str = ""
    with_contents: bool = False
    by_name: bool = False

    @property
    def kind(self) -> Kind:
        """What the listing is."""
        return next(kind for kind in KINDS if kind.table == self.table)

    @property
    def path(self) -> str:
        """Of the listing."""
        return self.kind.path.format(self.owner)

    @property
    def scope(self) -> tuple[str, ...]:
        """What stands in the path."""
        return (self.owner,) if self.kind.identifier else ()

    def listing(self, client: ContactshipClient) -> AnyListing[Any]:
        """Return the listing."""
        contents = {"include_transcript": True} if self.with_contents else {}
        return self.kind.ask(client, {**self.filters, **contents}, self.owner)

    def __str__(self) -> str:
        parts = [
            self.table,
            *(["of", self.owner] if self.owner else []),
            *(f"{k}={v}" for k, v in self.filters.items()),
        ]
        return " ".join([*parts, "with contents"] if self.with_contents else parts)


@frozen
class Run:
    """A call of `sync`.

    Args:
        keys: Of the organizations that are synced, by their names.
        asks: The listings.
        options: Of `sync`.
        max_concurrent: How many organizations at once.
    """

    keys: Mapping[str, str]
    asks: Sequence[Ask]
    options: Mapping[str, Any]
    max_concurrent: int = 4

    async def start(self, world: World, target: Target[Any]) -> list[SyncResult]:
        """Sync a world into a target, and return what came of it."""
        settings: dict[str, Any] = {"transport": world.transport, "retry": RetryPolicy(max_attempts=1)}
        progress: list[SyncProgress] = []
        listings = [ask.table if ask.by_name else partial(Ask.listing, ask) for ask in self.asks]
        async with AsyncExitStack() as stack:
            source: ContactshipPool | ContactshipClient
            if [*self.keys] == [SINGLE]:
                source = await stack.enter_async_context(ContactshipClient(self.keys[SINGLE], **settings))
            else:
                pool = ContactshipPool(self.keys, max_concurrent=self.max_concurrent, **settings)
                source = await stack.enter_async_context(pool)
            run = sync(source, listings, target, on_progress=progress.append, **self.options)
            results = [result async for result in run]
        for result in results:
            rows = [
                one.rows for one in progress if (one.organization, one.listing) == (result.organization, result.listing)
            ]
            assert result.rows <= max(rows, default=0) or result.rows == 0, "there was no progress"
        return results

    def __str__(self) -> str:
        options = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{', '.join(map(str, self.asks))} of {dict(self.keys)} {options}"
