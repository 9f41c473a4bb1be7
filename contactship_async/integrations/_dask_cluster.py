"""What a fleet has on a Dask cluster: its claims on the scheduler, and a site on each of the workers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import pickle
import sqlite3
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from inspect import isawaitable
from ipaddress import ip_address
from pathlib import Path
from pkgutil import resolve_name
from tempfile import gettempdir
from threading import Thread
from typing import Any, Final, cast

from distributed import Reschedule, Scheduler, SchedulerPlugin, Worker, WorkerPlugin, get_worker
from distributed.comm.addressing import get_address_host

from contactship_async import ContactshipPool, OrganizationResult
from contactship_async.errors import (
    ClientClosedError,
    ConfigurationError,
    ContactshipError,
    OrganizationError,
    PoolError,
)

_MOST_BYTES: Final = 2**20
"""Of a result, which passes through the scheduler; 1 MiB."""

_LOGGER: Final = logging.getLogger("contactship_async")

_PRIVATE: Final = ("tls://", "wss://", "inproc://")
"""What begins the addresses of connections that are encrypted, or within a process."""


def check_is_private(address: str) -> None:
    """Raise a `ConfigurationError` unless what is sent to *address* is encrypted, or stays on its machine."""
    if address.startswith(_PRIVATE):
        return
    host = get_address_host(address)
    try:
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_loopback = False  # a name
    if not is_loopback:
        message = (
            f"{address} is not encrypted: whoever reaches it can run code where the API keys are. Give scheduler,"
            " workers and client certificates, and Security(require_encryption=True)"
        )
        raise ConfigurationError(message)


class Claims(SchedulerPlugin):
    """Lets one worker process serve each address, for one fleet at a time.

    Args:
        name: Of the fleet.
        client: The id of the Dask client that runs it.
        addresses: The names of their resources.
    """

    def __init__(self, name: str, client: str, addresses: Sequence[str]) -> None:
        self.name = name
        self._client = client
        self._addresses = addresses
        self._refused: dict[str, str] = {}

    async def start(self, scheduler: Scheduler) -> None:
        """Refuse a fleet beside another one, or whose addresses are not served by one worker process each.

        Raises:
            ConfigurationError: What is wrong.
        """
        if any(isinstance(other, Claims) for other in scheduler.plugins.values()):
            message = "another fleet is running on this cluster: each address has one budget"
            raise ConfigurationError(message)
        for address in self._addresses:
            workers = _workers_with(scheduler, address)
            if len(workers) != 1:
                served = f"{len(workers)} worker processes have" if workers else "no worker has"
                message = (
                    f"{served} the resource {address}: an address is served by one worker process, which is started"
                    f" with --nworkers 1 --resources {address}=8"
                )
                raise ConfigurationError(message)

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        """Take its addresses from a worker that must not serve them, before it is given an organization."""
        for address in self._addresses:
            workers = _workers_with(scheduler, address)
            if worker not in workers:
                continue
            try:
                check_is_private(worker)
            except ConfigurationError as error:
                reason = str(error)
            else:
                if len(workers) == 1:
                    continue
                [other] = workers - {worker}
                reason = f"{other} serves that address"
                self._refused[worker] = address
            _LOGGER.error("the worker %s gets no organizations of %s: %s", worker, address, reason)
            scheduler.add_resources(worker, {address: 0})

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:
        """Begin a worker anew that was refused, if none serves its address any more: the one that did has gone.

        It may be the one that was to take its place, and was there before the scheduler knew that.
        """
        self._refused.pop(worker, None)
        waiting = [refused for refused, address in self._refused.items() if not _workers_with(scheduler, address)]
        if waiting:
            reason = f"{self.name}-{worker}-has-gone"
            scheduler.loop.add_callback(
                scheduler.restart_workers, waiting[:1], wait_for_workers=False, on_error="return", stimulus_id=reason
            )

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """End the fleet whose program has ended without doing so."""
        if client == self._client:
            scheduler.loop.add_callback(self._end, scheduler)

    async def _end(self, scheduler: Scheduler) -> None:
        await scheduler.unregister_worker_plugin(None, name=self.name)
        scheduler.remove_plugin(self.name)


def _workers_with(scheduler: Scheduler, address: str) -> set[str]:
    return {worker for worker, amount in scheduler.resources.get(address, {}).items() if amount > 0}


class Site(WorkerPlugin):
    """The event loop of a worker process, in a thread of its own, and the pool of its address.

    Args:
        name: Of the fleet.
        addresses: The names of their resources, of which a worker has one, or none.
        sources: Where the key of each organization comes from: the name of a variable, or `module:function`.
        settings: Those of the pool; a *connector* by its name.
    """

    def __init__(
        self, name: str, addresses: Sequence[str], sources: Mapping[str, str], settings: Mapping[str, Any]
    ) -> None:
        self.name = name
        self._addresses = addresses
        self._sources = sources
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None

    async def setup(self, worker: Worker) -> None:
        """Open the pool, if the worker has one of the addresses, and let go of it if that is not possible.

        Raises:
            ConfigurationError: Another process holds the address, or the worker has several.
        """
        claimed = [address for address in self._addresses if worker.state.total_resources.get(address)]
        if not claimed:
            return
        try:
            await self._open(worker, claimed)
        except BaseException:
            # Only the scheduler is told: what it has sent here already must be able to begin, to be sent away.
            address = worker.contact_address
            await worker.scheduler.set_resources(worker=address, resources=dict.fromkeys(claimed, 0))
            raise

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - as Dask calls it
        """Cancel the jobs, close the pool and end the thread."""
        if self._loop is not None:
            loop, self._loop = self._loop, None
            loop.call_soon_threadsafe(self._ended.set)
            await asyncio.to_thread(self._thread.join)
            self._lock.close()

    async def serve(self, organization: str, job: str) -> bytes:
        """Run the job of an organization, and return its pickled `OrganizationResult`.

        Raises:
            Reschedule: This worker does not serve the address any more, or never did.
        """
        if self._loop is None:
            raise Reschedule
        future = asyncio.run_coroutine_threadsafe(self._work(organization, job), self._loop)
        return await asyncio.wrap_future(future)

    async def _open(self, worker: Worker, claimed: Sequence[str]) -> None:
        if len(claimed) > 1:
            message = f"a worker serves one address, and not {' and '.join(claimed)}"
            raise ConfigurationError(message)
        [address] = claimed
        known = (await worker.scheduler.identity())["workers"][worker.contact_address]
        if not known["resources"][address]:  # as `Claims` decided
            message = f"another worker process serves {address}: this one gets no organizations until that one has gone"
            raise ConfigurationError(message)
        pool = make_pool(self._sources, self._settings)
        self._lock = _lock(address)
        self._jobs: set[asyncio.Task[bytes]] = set()
        opened: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = Thread(target=asyncio.run, args=[self._stay_open(pool, opened)], name=address, daemon=True)
        self._thread.start()
        await asyncio.wrap_future(opened)

    async def _stay_open(self, pool: ContactshipPool, opened: concurrent.futures.Future[None]) -> None:
        self._ended = asyncio.Event()
        self._pool = pool
        async with pool:
            self._loop = asyncio.get_running_loop()
            opened.set_result(None)
            await self._ended.wait()
            for job in self._jobs:
                job.cancel()
            await asyncio.gather(*self._jobs, return_exceptions=True)

    async def _work(self, organization: str, job: str) -> bytes:
        task = cast("asyncio.Task[bytes]", asyncio.current_task())
        self._jobs.add(task)
        try:
            value = await resolve_name(job)(self._pool[organization])
            result = OrganizationResult(organization, value, None)
        except asyncio.CancelledError:
            result = OrganizationResult(organization, None, ClientClosedError("the job was cancelled"))
        # `sys.exit()` would end the event loop of all the others.
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - each is the job's result
            result = OrganizationResult(organization, None, _make_portable(organization, error))
        finally:
            self._jobs.discard(task)
        return _pickle(result)


async def serve(fleet: str, organization: str, job: str) -> bytes:
    """Run the job of an organization at the site of this worker: the task that Dask is given.

    Raises:
        Reschedule: There is no site.
    """
    site = get_worker().plugins.get(fleet)
    if not isinstance(site, Site):
        raise Reschedule
    return await site.serve(organization, job)


def make_pool(sources: Mapping[str, str], settings: Mapping[str, Any]) -> ContactshipPool:
    """Make the pool of an address; nothing is opened, and no key is read."""
    connector = settings.get("connector")
    named = {} if connector is None else {"connector": resolve_name(connector)}
    keys = {organization: partial(_fetch_key, organization, source) for organization, source in sources.items()}
    return ContactshipPool(keys, **{**settings, **named})


async def _fetch_key(organization: str, source: str) -> str:
    key: Any
    if ":" in source:
        key = await asyncio.to_thread(resolve_name(source), organization)
        return cast("str", await key if isawaitable(key) else key)
    key = os.environ.get(source)
    if not key:
        message = f"the environment variable {source}, for the API key of {organization!r}, is not set on this worker"
        raise ConfigurationError(message)
    return cast("str", key)


def _lock(address: str) -> sqlite3.Connection:
    """Hold *address* on this machine, also against other clusters, until the process ends however it may.

    Source: https://www.sqlite.org/lang_transaction.html
    """
    user = getattr(os, "getuid", int)()  # 0 on Windows, where each user has a folder for temporary files
    file = Path(gettempdir(), f"contactship-{user}-{address}.lock")
    connection = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        connection.close()
        message = f"another process on this machine serves {address}, or {file} can't be written"
        raise ConfigurationError(message) from None
    return connection


def _make_portable(organization: str, error: BaseException) -> Exception:
    """Return an error that can be pickled and says nothing but what this package says."""
    # The errors of pools carry those of others, whatever these say.
    if isinstance(error, ContactshipError) and not isinstance(error, OrganizationError | PoolError):
        return error
    portable = OrganizationError(organization, cast("Exception", error))  # of which it tells the class
    portable.__cause__ = None
    place = traceback.extract_tb(error.__traceback__)[-1]
    portable.add_note(f"raised at {Path(place.filename).name}:{place.lineno} on a worker")
    return portable


def _pickle(result: OrganizationResult[Any]) -> bytes:
    try:
        pickled = pickle.dumps(result)
        pickle.loads(pickled)  # noqa: S301 - what was pickled just now
    except Exception as error:  # noqa: BLE001 - pickling fails in any way
        kind = type(result.error or result.value).__name__
        message = f"what the job returned or raised, of type {kind}, can't be pickled ({type(error).__name__})"
        return pickle.dumps(OrganizationResult(result.organization, None, TypeError(message)))
    if len(pickled) > _MOST_BYTES:
        message = "the job returned more than 1 MiB: let it write rows into a database or a file, and return a summary"
        return pickle.dumps(OrganizationResult(result.organization, None, ValueError(message)))
    return pickled
