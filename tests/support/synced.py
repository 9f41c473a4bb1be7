"""Runs of a sync, in the words of their tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contactship_async import ContactshipClient, ContactshipPool
from contactship_async.sync import SyncResult, Target, sync


async def run(
    source: ContactshipClient | ContactshipPool, listings: Sequence[Any], target: Target[Any], **options: Any
) -> list[SyncResult]:
    """Sync, and return what became of all."""
    return [result async for result in sync(source, listings, target, **options)]


async def run_one(source: ContactshipClient, listing: Any, target: Target[Any], **options: Any) -> SyncResult:
    """Sync a listing, and return what became of it; raise what went wrong."""
    (result,) = await run(source, [listing], target, **options)
    if result.exception is not None:
        raise result.exception
    return result


def counts(result: SyncResult) -> dict[str, int]:
    """Return what is not 0 of what a result counts."""
    names = ("new", "changed", "retired", "unchanged")
    return {name: getattr(result, name) for name in names if getattr(result, name)}
