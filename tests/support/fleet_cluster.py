"""Dask clusters for the tests: one within this process, which starts in a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from attrs import define, field
from distributed import Client, Scheduler, Worker

ANY_PORT: Final = "127.0.0.1:0"


@define
class Cluster:
    """A scheduler, its workers by their addresses, and a client, in this process."""

    scheduler: Scheduler
    client: Client
    workers: dict[str, Worker] = field(factory=dict)
    _stack: AsyncExitStack = field(factory=AsyncExitStack)

    async def add(self, *addresses: str, amount: int = 4) -> Worker:
        """Start one more worker."""
        worker = Worker(
            self.scheduler.address,
            nthreads=4,
            resources=dict.fromkeys(addresses, amount),
            dashboard_address=ANY_PORT,
        )
        await self._stack.enter_async_context(worker)
        self.workers[addresses[0]] = worker
        return worker


def connect(scheduler: Scheduler) -> Client:
    """Make a client."""
    return Client(scheduler.address, asynchronous=True)  # type: ignore[no-untyped-call] # as Dask has it


@asynccontextmanager
async def cluster(*addresses: str) -> AsyncIterator[Cluster]:
    """Start a cluster with a worker for each of *addresses*."""
    async with (
        AsyncExitStack() as stack,
        Scheduler(protocol="inproc://", dashboard_address=ANY_PORT, port=0) as scheduler,
        connect(scheduler) as client,
        stack,
    ):
        started = Cluster(scheduler, client, stack=stack)
        for address in addresses:
            await started.add(address)
        yield started
