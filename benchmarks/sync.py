"""How long does a sync into a database take, next to the walk alone, dlt, and an upsert written by hand?

Command: python -m benchmarks sync

Setting: 100,000 phone numbers of one organization in pages of 1000, 4 in flight; the server waits 50 ms before each
response. Time on the wall, from the opening of the client to the end, imports apart: into a new database, and then
again into the same one, nothing having changed. DuckDB into a file, PostgreSQL over a socket, both on this machine,
PostgreSQL without `fsync`. 15 rounds; dlt, which takes most of the time, is in every fifth. After each run the database
must have each row once. `syncs/` has the ways to load; the walk alone is an exact one, as a sync makes it.

By hand, a page is upserted as it comes: there is no history, rows that are gone stay, and after an error half of the
rows are new. dlt keeps a history, of pages of dictionaries, with its settings as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from attrs import frozen

from benchmarks._measure import SECONDS, Answer, Finding, Line, ratio, rotated, spread
from benchmarks._server import served
from benchmarks._sync_runs import Worker, new_job, postgresql_served, started
from benchmarks._targets import DUCKDB, POSTGRESQL, judged

ROWS = 100_000
DLT_EVERY = 5


@frozen
class Way:
    """One entry of the comparison: a module of `syncs/`, and which database it loads."""

    module: str
    database: str


@frozen
class Runs:
    """What one round took, in seconds: the first run, and the second, which changes nothing."""

    first: float
    second: float


OURS, BY_HAND, DLT = "contactship_async.sync", "by hand", "dlt"
WALK = Way("walk", DUCKDB)
WAYS: Mapping[tuple[str, str], Way] = {
    (OURS, DUCKDB): Way("contactship_sync", DUCKDB),
    (OURS, POSTGRESQL): Way("contactship_sync", POSTGRESQL),
    (BY_HAND, DUCKDB): Way("upsert_duckdb", DUCKDB),
    (BY_HAND, POSTGRESQL): Way("upsert_postgresql", POSTGRESQL),
    (DLT, DUCKDB): Way("dlt_history", DUCKDB),
    (DLT, POSTGRESQL): Way("dlt_history", POSTGRESQL),
}

Measured = Mapping[Way, Mapping[int, Runs]]
"""By way and round."""


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Let all ways load in turn; a tenth of the rows when quick."""
    rows, rounds = (ROWS // 10, 1) if quick else (ROWS, 15)
    measured = _measure(rows, rounds)
    result = Answer()
    for database in (DUCKDB, POSTGRESQL):
        result.findings.extend(_findings(measured, database))
    for (name, database), way in WAYS.items():
        for label, seconds in (("first run", _firsts(measured[way])), ("unchanged", _seconds(measured[way]))):
            result.lines.append(Line(f"into {database}", f"{name}, {label}", spread(seconds), SECONDS))
    return result


def _measure(rows: int, rounds: int) -> Measured:
    """Let all take turns; a round before the first one, which does not count, warms up all but dlt."""
    ways = [WALK, *WAYS.values()]
    measured: dict[Way, dict[int, Runs]] = {way: {} for way in ways}
    with served(rows=rows, latency=0.05) as url, postgresql_served() as conninfo, ExitStack() as stack:
        workers = {way: stack.enter_context(started(way.module)) for way in ways}
        for turn, places in enumerate(rotated(rounds + 1, [str(place) for place in range(len(ways))])):
            for way in (ways[int(place)] for place in places):
                if way.module == WAYS[DLT, DUCKDB].module and turn % DLT_EVERY != 1:
                    continue
                runs = _load(workers[way], url, rows, conninfo if way.database == POSTGRESQL else None)
                if turn > 0:
                    measured[way][turn] = runs
    return measured


def _load(worker: Worker, url: str, rows: int, conninfo: str | None) -> Runs:
    with new_job(url, "phone_numbers", conninfo) as job:
        return Runs(worker.load(job, rows).wall, worker.load(job, rows).wall)


def _firsts(runs: Mapping[int, Runs]) -> list[float]:
    return [each.first for each in runs.values()]


def _seconds(runs: Mapping[int, Runs]) -> list[float]:
    return [each.second for each in runs.values()]


def _findings(measured: Measured, database: str) -> list[Finding]:
    ours, walk = measured[WAYS[OURS, database]], measured[WALK]
    firsts, seconds, walks = _firsts(ours), _seconds(ours), _firsts(walk)
    first, second = SECONDS(spread(firsts).median), SECONDS(spread(seconds).median)
    alone = f"the walk alone: {SECONDS(spread(walks).median)}"
    findings = [
        judged(f"into {database}", first, alone, ratio(firsts, walks)),
        judged(f"into {database}, unchanged", second, f"the first run: {first}", ratio(seconds, firsts)),
        judged(f"into {database}, unchanged", second, alone, ratio(seconds, walks)),
    ]
    for name in (BY_HAND, DLT):
        theirs = measured[WAYS[name, database]]
        beside = {turn: ours[turn] for turn in theirs}
        for label, pick in (("", _firsts), (", unchanged", _seconds)):
            findings.append(
                judged(
                    f"into {database}{label}: times faster",
                    SECONDS(spread(pick(beside)).median),
                    f"{name}: {SECONDS(spread(pick(theirs)).median)}",
                    ratio(pick(theirs), pick(beside)),
                )
            )
    return findings
