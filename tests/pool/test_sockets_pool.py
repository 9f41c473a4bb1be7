"""Limits and merged walks over real sockets: queues, deadlines, Ctrl-C, and what is left open."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest
from processes import started
from raw_server import RawServer, pause, response, stall
from turns import pass_turns

from contactship_async import ContactshipClient, ContactshipPool, PoolError, RequestTimeoutError, RetryPolicy, Timeouts
from contactship_async.sandbox import Sandbox
from contactship_async.sandbox._api import rate_limit

TOLERANCE = 2.0  # for a busy machine


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_waiting_for_a_connection_counts(method: str) -> None:
    """The total limit spans the wait for a connection of the pool; what waited was never sent."""
    async with RawServer(stall) as server, aiohttp.TCPConnector(limit=1) as connector:
        client = server.client(connector=connector, timeouts=Timeouts(total=None, attempt=None))
        async with client:
            first = asyncio.create_task(client.request("GET", "/v1/credits"))
            await server.is_asked()
            hasty = server.client(connector=connector, timeouts=Timeouts(total=0.1))
            hasty._caller.attempts.limits.address.max_in_flight = 0  # as if its own calls held the connection
            began = time.monotonic()
            with pytest.raises(
                RequestTimeoutError, match="its turn in its own client's queue did not come within"
            ) as caught:
                await hasty.request(method, "/v1/calls")
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await hasty.close()

    assert "total" == caught.value.limit
    assert 0.1 <= time.monotonic() - began < 0.1 + TOLERANCE
    assert 1 == len(server.requests)


@pytest.mark.parametrize("limits", [{"limit": 2}, {"limit_per_host": 2}, {"limit": 0, "limit_per_host": 2}], ids=repr)
async def test_calls_beyond_the_connections_wait_without_a_limit_of_their_own(limits: dict[str, Any]) -> None:
    """Calls that wait for a connection do so at the gate: neither the attempt's limit nor the connect limit runs."""
    slow = [pause(0.05), response({})]  # real seconds, since aiohttp's limits go by them
    async with RawServer(slow) as server, aiohttp.TCPConnector(**limits) as connector:
        once = RetryPolicy(max_attempts=1)
        timeouts = Timeouts(connect=0.3, attempt=0.6)
        async with server.client(connector=connector, timeouts=timeouts, retry=once) as client:
            await asyncio.gather(*(client.request("GET", "/v1/credits") for _ in range(26)))

    assert 26 == len(server.requests)
    assert server.connections <= 2


@pytest.mark.volume  # the windows of sockets are of real seconds; tests/client has the same in seconds that jump
@pytest.mark.parametrize("clients", [1, 20])
async def test_hammering(monkeypatch: pytest.MonkeyPatch, clients: int) -> None:
    """Over sockets too, twenty callers use up each window (of a second here), and no call fails.

    The windows are so small that a busy machine fills them, too.
    """
    monkeypatch.setattr(rate_limit, "WINDOW_SECONDS", 1)
    async with Sandbox(3, rate_limit=40) as sandbox:
        made = [ContactshipClient(sandbox.api_key, base_url=sandbox.url) for _ in range(clients)]
        loop = asyncio.get_running_loop()
        end = loop.time() + 3.5
        done = 0

        async def hammer(client: ContactshipClient) -> None:
            nonlocal done
            while loop.time() < end:
                await client.count_phone_numbers()
                done += 1

        async with asyncio.TaskGroup() as group:
            for caller in range(20):
                group.create_task(hammer(made[caller % clients]))
        for client in made:
            await client.close()
        refused = len(sandbox.requests) - done

    assert done >= 0.95 * 40 * 3
    assert refused <= 20 * 5


@pytest.mark.parametrize("taken", [0, 1, 99, 100, 101, 250])
async def test_merged_walk_left_anywhere(taken: int) -> None:
    """A merged walk that is left leaves no request under way; one connection pool serves all organizations."""
    async with Sandbox(100, latency=0.001) as sandbox:
        keys = {f"org{index}": sandbox.api_key for index in range(30)}
        async with ContactshipPool({**keys, "unknown": "wrong"}, base_url=sandbox.url, max_concurrent=8) as pool:
            numbers = pool.iter(lambda client: client.iter_phone_numbers(page_size=50))
            seen = 0
            async with aclosing(numbers):
                async for _ in numbers:
                    seen += 1
                    if seen > taken:
                        break
            before = len(sandbox.requests)
            await pass_turns()
            assert before == len(sandbox.requests)


async def test_one_stalled_organization() -> None:
    """While one organization is silent, all others arrive; its own limit ends it."""
    async with Sandbox(250) as sandbox, RawServer(stall) as silent:
        keys = {f"org{index}": sandbox.api_key for index in range(20)}
        once = RetryPolicy(max_attempts=1)
        pool = ContactshipPool({**keys, "stalled": "key"}, base_url=sandbox.url, max_concurrent=4, retry=once)
        async with pool:
            stalled = silent.client(timeouts=Timeouts(attempt=0.5), retry=once)
            pool._clients["stalled"] = stalled
            names: list[str] = []
            with pytest.raises(PoolError) as caught:
                async for name, _ in pool.iter(lambda client: client.iter_phone_numbers()):
                    names.append(name)
            await stalled.close()

    assert {name: names.count(name) for name in names} == dict.fromkeys(keys, 250)
    (failure,) = caught.value.exceptions
    assert isinstance(failure.__cause__, RequestTimeoutError)


JOB = """
import asyncio, sys
from contactship_async import ContactshipPool

async def main():
    keys = {f"org{index}": "key" for index in range(50)}
    async with ContactshipPool(keys, base_url=sys.argv[1]) as pool:
        async for _ in pool.iter(lambda client: client.iter_phone_numbers()):
            pass

asyncio.run(main())
"""


async def test_ctrl_c_in_a_job() -> None:
    """Ctrl-C ends a job at once, without a warning about tasks, sessions or connections."""
    async with RawServer(stall) as server:
        command = (sys.executable, "-X", "dev", "-c", JOB, server.url)
        path = {"PYTHONPATH": os.pathsep.join(sys.path)}
        async with started(*command, stderr=PIPE, env=os.environ | path) as job:
            await server.is_asked(16)
            began = time.monotonic()
            job.send_signal(signal.SIGINT)
            _, stderr = await job.communicate()
            seconds = time.monotonic() - began

    assert b"KeyboardInterrupt" in stderr.splitlines()[-1]
    assert [] == [word for word in (b"Warning", b"Unclosed", b"never retrieved", b"destroyed") if word in stderr]
    assert seconds < 5
    gc.collect()
