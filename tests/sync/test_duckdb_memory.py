from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest
from paged_listing import PagedListing

from contactship_async.sync import DuckDBTarget, sync

NEWEST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rows", "width"),
    [(2_500, 2_000), pytest.param(2_500, 40_000, marks=pytest.mark.volume)],
    ids=["a long summary", "a long transcript"],
)
async def test_rows_may_be_wide(rows: int, width: int, tmp_path: Path) -> None:
    """The memory that DuckDB may take is enough for rows of any usual size, of which it works on 2,048 at once."""
    random = Random(width)
    summaries = {f"call-{number}": f"{random.getrandbits(4 * width):x}" for number in range(rows)}
    calls = [
        {"id": name, "created_at": (NEWEST - timedelta(minutes=age)).isoformat(), "call_analysis": {"summary": summary}}
        for age, (name, summary) in enumerate(summaries.items())
    ]
    file = tmp_path / "copy.duckdb"

    for expected in ((rows, 0), (0, rows)):
        async with PagedListing(calls).client() as client:
            [result] = [
                result async for result in sync(client, ["calls"], DuckDBTarget(file), full=True, page_size=100)
            ]
        assert (None, *expected) == (result.exception, result.new, result.unchanged)

    with duckdb.connect(str(file)) as connection:
        kept = connection.execute("SELECT id, call_analysis->>'summary' FROM current_calls").fetchall()
    assert summaries == dict(kept)
