from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
from paged_listing import PagedListing

from contactship_async import ContactshipClient, Listing
from contactship_async.models.calls import Call
from contactship_async.sync import DuckDBTarget, SyncResult, sync

BARE: Final[Sequence[dict[str, Any]]] = [
    {"id": f"call-{number}", "created_at": f"2026-01-0{9 - number}T00:00:00Z"} for number in range(3)
]
TALK: Final = {"chat_history": [{"role": "agent", "content": "Good morning."}]}


def with_transcripts(client: ContactshipClient) -> Listing[Call]:
    """Ask for transcripts, too."""
    return client.calls.list(include_transcript=True)


def without_transcripts(client: ContactshipClient) -> Listing[Call]:
    """Ask for calls alone."""
    return client.calls.list()


async def run(
    file: Path, rows: Sequence[dict[str, Any]], listing: Callable[[ContactshipClient], Listing[Call]]
) -> SyncResult:
    """Sync, fully."""
    async with PagedListing(rows).client() as client:
        [result] = [result async for result in sync(client, [listing], DuckDBTarget(file), full=True, max_retired=1)]
    return result


def counts_of(result: SyncResult) -> tuple[int, int, int, int]:
    """Return new, changed, retired, unchanged."""
    return result.new, result.changed, result.retired, result.unchanged


async def test_first_run_with_contents(tmp_path: Path) -> None:
    """What is new is not also changed."""
    file = tmp_path / "copy.duckdb"

    results = [counts_of(await run(file, [row | TALK for row in BARE], with_transcripts)) for _ in range(2)]

    assert [(3, 0, 0, 0), (0, 0, 0, 3)] == results


async def test_contents_that_are_not_asked_for(tmp_path: Path) -> None:
    """They are kept, in rows that change, too, and make no row changed; those of rows that have gone are not."""
    file = tmp_path / "copy.duckdb"
    await run(file, [row | TALK for row in BARE], with_transcripts)
    changed = [BARE[0] | {"call_status": "completed"}, BARE[1]]

    results = [
        counts_of(await run(file, BARE, without_transcripts)),
        counts_of(await run(file, changed, without_transcripts)),
        counts_of(await run(file, [*changed, BARE[2]], without_transcripts)),
        counts_of(await run(file, [row | TALK for row in [*changed, BARE[2]]], with_transcripts)),
    ]

    with duckdb.connect(str(file)) as connection:
        versions = connection.execute(
            "SELECT id, call_status, chat_history IS NOT NULL, valid_to IS NULL FROM calls ORDER BY id, valid_from"
        ).fetchall()
    assert [(0, 0, 0, 3), (0, 1, 1, 1), (1, 0, 0, 2), (0, 1, 0, 2)] == results
    assert [
        ("call-0", None, True, False),
        ("call-0", "completed", True, True),
        ("call-1", None, True, True),
        ("call-2", None, True, False),
        ("call-2", None, False, False),
        ("call-2", None, True, True),
    ] == versions
