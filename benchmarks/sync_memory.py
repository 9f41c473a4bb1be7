"""How much memory does a sync of a large listing take, over that of the walk alone?

Command: python -m benchmarks sync_memory

Setting: 100,000 calls of one organization in pages of 1000, 4 pages in flight, into a new database, each time in a
process of its own. What counts is the peak of resident memory, that of the walk alone subtracted. DuckDB, which works
within the process, has its own limit of 56 MiB, as `DuckDBTarget` sets it; PostgreSQL is a process of its own. 5
rounds. Linux only: the peak is read from `/proc`.
"""

from __future__ import annotations

from benchmarks._measure import MEBIBYTES, Answer, Line, rotated, spread
from benchmarks._server import served
from benchmarks._sync_runs import new_job, postgresql_served, started
from benchmarks._targets import DUCKDB, POSTGRESQL, judged

ROWS = 100_000
WALK = "the walk alone"
WAYS = {WALK: "walk", DUCKDB: "contactship_sync", POSTGRESQL: "contactship_sync"}


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Measure the walk and both databases; a tenth of the rows when quick."""
    rows, rounds = (ROWS // 10, 1) if quick else (ROWS, 5)
    peaks: dict[str, list[float]] = {name: [] for name in WAYS}
    with served(rows=rows, latency=0) as url, postgresql_served() as conninfo:
        for names in rotated(rounds, list(WAYS)):
            for name in names:
                database = conninfo if name == POSTGRESQL else None
                with started(WAYS[name]) as worker, new_job(url, "calls", database) as job:
                    peaks[name].append(worker.load(job, rows).peak)
    alone = spread(peaks[WALK]).median
    findings = [
        judged(
            f"calls into {database}",
            MEBIBYTES(spread(peaks[database]).median),
            f"{WALK}: {MEBIBYTES(alone)}",
            spread([peak - walk for peak, walk in zip(peaks[database], peaks[WALK], strict=True)]),
            MEBIBYTES,
        )
        for database in (DUCKDB, POSTGRESQL)
    ]
    lines = [Line("peak", name, spread(peaks[name]), MEBIBYTES) for name in WAYS]
    return Answer(findings, lines)
