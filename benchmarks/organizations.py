"""How long does a pool take for many organizations, and what do the unhealthy and the waiting ones cost?

Command: python -m benchmarks organizations

Setting: 200 organizations of 300 phone numbers in pages of 100; the server waits 50 ms before each response; 32 of them
at once. Time on the wall of `pool.iter`, connections included, of a new pool each time; every row is kept, and checked
afterwards. Then the same with four unhealthy organizations, the first to begin: one that never responds, one that takes
a second for each response, one that fails for good (500), and one whose key is refused (401). What counts there is when
the last row of the other 196 arrives. 15 rounds. Then 10,000 organizations, of which 32 have begun and got no response:
what is allocated for each, its name and its key apart.

The ideal is the number of trips times what one request takes, which is a third of the bare loop's walk through 300
numbers, the median of five walks in the same round. 600 pages, 32 at once, are 19 trips, the last one not full. No pool
that walks 32 organizations at once reaches that: of 200, one of the 32 places gets seven, and seven times three pages
one after the other are 21 trips. The target counts from the 19 all the same; the 21 stand beside it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from statistics import median
from time import perf_counter

from attrs import frozen

from benchmarks import _rows
from benchmarks._measure import (
    KIBIBYTES,
    MILLISECONDS,
    ROWS,
    SECONDS,
    Answer,
    Finding,
    Line,
    ratio,
    rotated,
    spread,
)
from benchmarks._organizations import Health, Organization
from benchmarks._processor import stay_on
from benchmarks._server import served
from benchmarks._targets import judged
from benchmarks.contenders import PAGE_SIZE, Walk, bare
from contactship_async import ContactshipClient, ContactshipPool, PhoneNumber, Request, Response

ORGANIZATIONS = 200
NUMBERS = 300
AT_ONCE = 32
PAGES = NUMBERS // PAGE_SIZE
TRIPS = math.ceil(ORGANIZATIONS * PAGES / AT_ONCE)
TRIPS_OF_WHOLE_ORGANIZATIONS = math.ceil(ORGANIZATIONS / AT_ONCE) * PAGES
UNHEALTHY = (Health.SILENT, Health.SLOW, Health.FAILING, Health.REFUSED)
OTHERS = range(len(UNHEALTHY), ORGANIZATIONS)
WAITING = 10_000

MAX_SECONDS = 30
"""What has not arrived by then is lost."""

REQUEST = "one request of the bare loop"
HEALTHY = "all healthy: last row of all"
HEALTHY_OTHERS = "all healthy: last row of 196"
OTHERS_OF_UNHEALTHY = "four unhealthy: last row of the other 196"
LOST = "rows lost"


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Measure how long healthy organizations take, alone and beside unhealthy ones, and what waiting ones hold."""
    with served(rows=NUMBERS, latency=0.05) as url:
        figures: dict[str, list[float]] = json.loads(_run("time", url, str(2 if quick else 15)))
    lost = sum(figures.pop(LOST))
    bytes_each = [float(_run("memory")) / WAITING for _ in range(1 if quick else 3)]
    findings = [
        _times_ideal(figures, TRIPS),
        _times_ideal(figures, TRIPS_OF_WHOLE_ORGANIZATIONS),
        judged(
            OTHERS_OF_UNHEALTHY,
            SECONDS(median(figures[OTHERS_OF_UNHEALTHY])),
            f"all healthy: {SECONDS(median(figures[HEALTHY_OTHERS]))}",
            ratio(figures[OTHERS_OF_UNHEALTHY], figures[HEALTHY_OTHERS]),
        ),
        judged(
            "rows of healthy organizations lost, in all rounds",
            ROWS(lost),
            f"all {len(OTHERS) * NUMBERS:,} rows of each round",
            spread([lost]),
            ROWS,
        ),
        judged(
            "memory for each of 10,000 organizations, before its turn",
            KIBIBYTES(median(bytes_each)),
            "its name and its key",
            spread(bytes_each),
            KIBIBYTES,
        ),
    ]
    lines = [
        Line("50 ms per response, 32 at once", label, spread(seconds), MILLISECONDS if label == REQUEST else SECONDS)
        for label, seconds in figures.items()
    ]
    return Answer(findings, lines)


def _times_ideal(figures: dict[str, list[float]], trips: int) -> Finding:
    ideal = [seconds * trips for seconds in figures[REQUEST]]
    name = "the ideal" if trips == TRIPS else "whole organizations"
    return judged(
        "all healthy",
        SECONDS(median(figures[HEALTHY])),
        f"{name}, {trips} trips: {SECONDS(median(ideal))}",
        ratio(figures[HEALTHY], ideal),
    )


def _run(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.organizations", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@frozen
class Arrivals:
    """When the last row of the others arrived, and when the iteration ended, in seconds; how many rows were lost."""

    others: float
    end: float
    lost: int


async def _measure(url: str, rounds: int) -> dict[str, list[float]]:
    """Let the bare loop and the pools take turns; a round before the first one warms up all of them."""
    measured = [REQUEST, HEALTHY, OTHERS_OF_UNHEALTHY]
    figures: dict[str, list[float]] = {name: [] for name in (*measured, HEALTHY_OTHERS, LOST)}
    async with bare.opened(url) as walk:
        for turn, names in enumerate(rotated(rounds + 1, measured)):
            of_round: dict[str, float] = {}
            for name in names:
                gc.collect()
                if name == REQUEST:
                    of_round[REQUEST] = await _time_request(walk)
                elif name == HEALTHY:
                    arrivals = await _time_pool(url, ())
                    of_round |= {HEALTHY: arrivals.end, HEALTHY_OTHERS: arrivals.others}
                else:
                    arrivals = await _time_pool(url, UNHEALTHY)
                    of_round |= {OTHERS_OF_UNHEALTHY: arrivals.others, LOST: arrivals.lost}
            if turn > 0:
                for name, figure in of_round.items():
                    figures[name].append(figure)
    return figures


async def _time_request(walk: Walk) -> float:
    seconds = []
    for _ in range(5):
        start = perf_counter()
        read = await walk()
        seconds.append((perf_counter() - start) / PAGES)
        if len(read) != NUMBERS:
            message = f"the bare loop read {len(read)} rows instead of {NUMBERS}"
            raise RuntimeError(message)
    return median(seconds)


async def _time_pool(url: str, unhealthy: Sequence[Health]) -> Arrivals:
    """Read all organizations, those in *unhealthy* first; with any, until the others are complete."""
    health = dict(enumerate(unhealthy))
    organizations = [Organization(number, health.get(number, Health.GOOD)) for number in range(ORGANIZATIONS)]
    read: dict[str, list[PhoneNumber]] = {_name(number): [] for number in range(ORGANIZATIONS)}
    keys = {_name(organization.number): organization.api_key for organization in organizations}
    incomplete = {_name(number) for number in OTHERS}
    others = end = math.inf
    async with ContactshipPool(keys, base_url=url, max_concurrent=AT_ONCE) as pool:
        start = perf_counter()
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_SECONDS), aclosing(pool.iter(_walk)) as items:
                async for name, number in items:
                    read[name].append(number)
                    if len(read[name]) == NUMBERS:
                        incomplete.discard(name)
                        if not incomplete and others == math.inf:
                            others = perf_counter() - start
                            if unhealthy:
                                break
                end = perf_counter() - start
    lost = sum(_count_lost(number, read[_name(number)]) for number in OTHERS)
    return Arrivals(others, end, lost)


def _name(number: int) -> str:
    return f"organization {number}"


def _walk(client: ContactshipClient) -> AsyncGenerator[PhoneNumber, None]:
    return client.iter_phone_numbers(page_size=PAGE_SIZE)


def _count_lost(number: int, read: Sequence[PhoneNumber]) -> int:
    """Tell how many rows of an organization are missing at the end; a benchmark must not be fast because it is broken.

    Raises:
        RuntimeError: Those before are not its own.
    """
    first = number * NUMBERS
    if [row.id for row in read] != [_rows.row_id(index) for index in range(first, first + len(read))]:
        message = f"what came for {_name(number)} are not its first {len(read)} rows"
        raise RuntimeError(message)
    return NUMBERS - len(read)


async def _measure_memory() -> int:
    """Tell how many bytes a pool has allocated when the first organizations wait for their responses."""
    keys = {_name(number): Organization(number).api_key for number in range(WAITING)}
    begun = 0
    all_begun = asyncio.Event()

    async def never_respond(_: Request) -> Response:
        nonlocal begun
        begun += 1
        if begun == AT_ONCE:
            all_begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    gc.collect()
    tracemalloc.start()
    async with (
        ContactshipPool(keys, transport=never_respond, max_concurrent=AT_ONCE) as pool,
        aclosing(pool.iter(_walk)) as items,
    ):
        first = asyncio.ensure_future(anext(items))
        await all_begun.wait()
        gc.collect()
        allocated, _ = tracemalloc.get_traced_memory()
        first.cancel()
        await asyncio.wait([first])
    return allocated


if __name__ == "__main__":
    if sys.argv[1] == "time":
        stay_on(0)
        sys.stdout.write(json.dumps(asyncio.run(_measure(sys.argv[2], int(sys.argv[3])))))
    else:
        sys.stdout.write(str(asyncio.run(_measure_memory())))
