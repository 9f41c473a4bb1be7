"""How much faster is a fleet on Dask through several addresses, where the budget of an address is what one waits for?

Command: python -m benchmarks fleet

Setting: 16 organizations of 100 phone numbers each, walked in pages of 5: 320 requests. Each address may send 20
requests a second (2 in each tenth, so that none begins with a burst); the server, in a process of its own, waits 5 ms
before each response and sets no limit. A Dask scheduler and a worker process for each of 4 addresses, which serves 4
organizations at once; the fleet is given 1, 2 and 4 of them in turn, and the organizations are dealt out evenly. Time
on the wall from the first step to the last result, pools opened and closed included; the start of the cluster, and a
fleet before the first round, do not count. 3 rounds. Beside it a pool in one process, with the same budget.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final

from distributed import Client, Nanny, Scheduler, SpecCluster

from benchmarks._measure import SECONDS, Answer, Finding, ratio, rotated, spread
from benchmarks._organizations import Organization
from benchmarks._processor import stay_on
from benchmarks._server import served
from benchmarks._targets import judged
from contactship_async import ContactshipClient, ContactshipPool, RateLimit
from contactship_async.integrations.dask import run_fleet

ORGANIZATIONS: Final = 16
NUMBERS: Final = 100
PAGE_SIZE: Final = 5
LATENCY: Final = 0.005
AT_ONCE: Final = 4
BUDGET: Final = RateLimit(2, 0.1)

ADDRESSES: Final = ("benchmark-1", "benchmark-2", "benchmark-3", "benchmark-4")
POOL: Final = "a pool in one process"
FLEETS: Final = {"1 address": ADDRESSES[:1], "2 addresses": ADDRESSES[:2], "4 addresses": ADDRESSES}


async def count_rows(client: ContactshipClient) -> int:
    """Walk through the numbers of an organization: the job."""
    return len([number async for number in client.iter_phone_numbers(page_size=PAGE_SIZE)])


def key_of(organization: str) -> str:
    """Return the key of an organization, by its number."""
    return Organization(int(organization)).api_key


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Run the fleets and the pool in rotating order, and compare their times."""
    numbers, rounds = (PAGE_SIZE * 4, 1) if quick else (NUMBERS, 3)
    with served(rows=numbers, latency=LATENCY) as url:
        stay_on(0)
        seconds = asyncio.run(_measure(url, numbers, rounds))
    return Answer([*_find(seconds)])


def _find(seconds: dict[str, list[float]]) -> list[Finding]:
    def of(name: str) -> str:
        return SECONDS(spread(seconds[name]).median)

    one, pool = seconds["1 address"], seconds[POOL]
    findings = [
        judged(f"{name}: times faster", of(name), f"1 address: {of('1 address')}", ratio(one, seconds[name]))
        for name in ("2 addresses", "4 addresses")
    ]
    return [*findings, judged("1 address", of("1 address"), f"{POOL}: {of(POOL)}", ratio(one, pool))]


async def _measure(url: str, numbers: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each round, by what was run."""
    seconds: dict[str, list[float]] = {name: [] for name in (*FLEETS, POOL)}
    local: dict[str, Any] = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    serving = {**local, "nthreads": AT_ONCE, "silence_logs": logging.ERROR}
    workers = {
        address: {"cls": Nanny, "options": {**serving, "resources": {address: AT_ONCE}}} for address in ADDRESSES
    }
    scheduler = {"cls": Scheduler, "options": {**local, "port": 0}}
    async with (
        SpecCluster(workers, scheduler, asynchronous=True, silence_logs=logging.ERROR) as cluster,  # type: ignore[no-untyped-call] # as Dask has it
        Client(cluster, asynchronous=True) as client,  # type: ignore[no-untyped-call] # as Dask has it
    ):
        await _run_fleet(client, url, ADDRESSES)
        for names in rotated(rounds, list(seconds)):
            for name in names:
                began = time.perf_counter()
                counts = await (_run_pool(url) if name == POOL else _run_fleet(client, url, FLEETS[name]))
                seconds[name].append(time.perf_counter() - began)
                if counts != [numbers] * ORGANIZATIONS:
                    message = f"{name}: not all rows have come"
                    raise RuntimeError(message)
    return seconds


async def _run_fleet(client: Client, url: str, addresses: tuple[str, ...]) -> list[int | None]:
    organizations = dict.fromkeys(map(str, range(ORGANIZATIONS)), key_of)
    fleet = run_fleet(client, organizations, count_rows, addresses=addresses, total_rate_limit=BUDGET, base_url=url)
    return [result.value async for result in fleet]


async def _run_pool(url: str) -> list[int | None]:
    keys = {str(number): Organization(number).api_key for number in range(ORGANIZATIONS)}
    async with ContactshipPool(keys, base_url=url, total_rate_limit=BUDGET, max_concurrent=AT_ONCE) as pool:
        return [result.value async for result in pool.map(count_rows)]
