"""Fleets on Dask distributed: a job for each of many organizations, through several addresses (the extra `dask`).

Nothing but names travels: of organizations, environment variables, functions and addresses, and plain settings. The
scheduler keeps a `_Claims`, which lets one worker process serve an address; each worker process holds a `_Site`, an
event loop in a thread of its own and a pool with the budget of its address; a task is an organization.
"""

from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from inspect import iscoroutinefunction
from pkgutil import resolve_name
from typing import Any, Final, Generic, TypedDict, TypeVar, Unpack
from uuid import uuid4

import aiohttp
from attrs import frozen
from distributed import Client, KilledWorker

from contactship_async import ContactshipClient, OrganizationResult
from contactship_async.errors import OrganizationError
from contactship_async.integrations._dask_cluster import Claims, Site, check_is_private, make_pool, serve
from contactship_async.settings import RateLimit, RetryPolicy, Timeouts

__all__ = ["FleetOptions", "KeySource", "run_fleet"]

T = TypeVar("T")

KeySource = str | Callable[[str], str | Awaitable[str]]
"""Where a worker finds the key of an organization: never the key itself."""

_VARIABLE: Final = re.compile(r"[A-Z]+(_[A-Z0-9]{1,20})+")
"""The name of a variable that is surely no key."""

_REFERENCE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", re.ASCII)

_ADDRESS: Final = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
"""What is a name to `dask worker --resources`, and to every file system."""

_TRIES: Final = 5
"""How often an organization is given to the cluster. Each time ends when more than
`distributed.scheduler.allowed-failures` workers, by default 3, have died with it: perhaps of another one's job."""


class FleetOptions(TypedDict, total=False):
    """The plain settings of `ContactshipPool`, which says what they mean; *connector* is an importable function."""

    base_url: str | None
    integrations_url: str | None
    timeouts: Timeouts
    retry: RetryPolicy
    connector: Callable[[], aiohttp.BaseConnector]
    trust_env: bool
    max_response_bytes: int
    allow_insecure_http: bool | None


def run_fleet(  # noqa: PLR0913 - the settings of a fleet, all but the first three by keyword
    dask_client: Client,
    organizations: Mapping[str, KeySource],
    job: Callable[[ContactshipClient], Awaitable[T]],
    *,
    addresses: Sequence[str] | Mapping[str, str],
    rate_limit: RateLimit | None = None,
    heavy_rate_limit: RateLimit | None = None,
    total_rate_limit: RateLimit | None = None,
    **options: Unpack[FleetOptions],
) -> AsyncGenerator[OrganizationResult[T], None]:
    """Run *job* for each organization on the workers of a Dask cluster, and yield what became of it, as each ends.

        async with Client("tcp://127.0.0.1:8786", asynchronous=True) as dask_client:
            variables = read_organizations("organizations.toml", with_keys=False)
            async for result in run_fleet(dask_client, variables, jobs.sync_one, addresses=["contactship-address-1"]):
                print(result.organization, result.value, result.error)

    Each organization is served from one address: by the worker process that was started with it as a resource, `dask
    worker --resources contactship-address-1=8`, which serves as many organizations at once as it has of it, and as it
    has threads (`--nthreads`). A second process with the same address gets none. When a worker dies, its organizations
    begin anew on the one that takes its place. So a job must be harmless if it runs twice, also from the middle of the
    first time: its rows go into one transaction, or into a file that is renamed when it is complete.

    Nothing is left on the cluster when you leave early: use `contextlib.aclosing()`.

    Args:
        dask_client: A client with `asynchronous=True`. Everything but loopback must be encrypted (`tls://`): whoever
            reaches a scheduler can run code on its workers, which hold the keys.
        organizations: Where the workers find the key of each organization: the name of an environment variable, in
            capital letters and with an underscore; or an importable function, async or plain, which is called with the
            name of the organization, as itself or as `"module:function"`.
        job: An importable async function of a client, as for `ContactshipPool.map`. What it returns is pickled, at
            most 1 MiB: rows belong into a database or a file.
        addresses: The names of the resources, to which the organizations are dealt out in turn, in the order of their
            names; or which organization belongs to which.
        rate_limit: As of `ContactshipPool`.
        heavy_rate_limit: As of `ContactshipPool`.
        total_rate_limit: The budget of each address. The documented one is `RateLimit(600, 60)`. It is counted in the
            memory of the worker: one that begins anew may send it twice in that minute.
        options: `base_url`, `integrations_url`, `timeouts`, `retry`, `connector` (an importable function),
            `trust_env`, `max_response_bytes` and `allow_insecure_http` of `ContactshipClient`. Without a *base_url*,
            the workers read theirs from their own environment.

    Yields:
        One result for each organization. An error of a job that is no `ContactshipError` may say anything, so only its
        class comes back, in an `OrganizationError` that has a note where it was raised. Failures of the cluster are
        such errors, too, with the cause.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range, a function can't be imported by workers, or a key was passed.
        ConfigurationError: At the first step: the cluster is not encrypted, an address has no worker or several, or
            another fleet is running. Nothing was sent then.

    Source: https://distributed.dask.org/en/stable/resources.html
    """
    sources = _read_sources(organizations)
    del organizations
    if isinstance(sources, Exception):
        raise sources
    if not isinstance(dask_client, Client):
        message = f"dask_client must be of type Client, not {type(dask_client).__name__}"
        raise TypeError(message)
    if not dask_client.asynchronous:
        message = "dask_client must have been made with asynchronous=True"
        raise ValueError(message)
    if unknown := options.keys() - FleetOptions.__annotations__.keys():
        message = f"there is no option {min(unknown)!r}: a fleet has {', '.join(FleetOptions.__annotations__)}"
        raise TypeError(message)
    if not iscoroutinefunction(job):
        message = "job must be an async function"
        raise TypeError(message)
    settings: dict[str, Any] = {
        **options,
        "rate_limit": rate_limit,
        "heavy_rate_limit": heavy_rate_limit,
        "total_rate_limit": total_rate_limit,
    }
    if "connector" in settings:
        settings["connector"] = _refer_to("connector", settings["connector"])
    make_pool(sources, settings)  # refuses what is wrong here, and not on each worker
    bound = _deal_out(sources, addresses)
    fleet: _Fleet[T] = _Fleet(dask_client, f"contactship-fleet-{uuid4().hex[:8]}", _refer_to("job", job), bound)
    return fleet.run(Site(fleet.name, sorted({*bound.values()}), sources, settings))


@frozen
class _Fleet(Generic[T]):
    """The program's side of a fleet.

    Args:
        client: A `distributed.Client`, most of which has no types.
        name: Of the fleet, on scheduler and workers.
        job: `module:function`.
        bound: The address of each organization.
    """

    client: Any
    name: str
    job: str
    bound: Mapping[str, str]

    async def run(self, site: Site) -> AsyncGenerator[OrganizationResult[T], None]:
        """Bring what is needed to the cluster, run the jobs, and take it away again."""
        await self._check_encryption()
        await self._claim()
        try:
            await self.client.register_plugin(site)
            tasks = [asyncio.create_task(self._follow(name, address)) for name, address in self.bound.items()]
            try:
                for ended in asyncio.as_completed(tasks):
                    yield await ended
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await asyncio.shield(self._withdraw())

    async def _check_encryption(self) -> None:
        known = await self.client.scheduler.identity()
        check_is_private(self.client.scheduler.address)
        check_is_private(known["address"])
        for address, worker in known["workers"].items():
            check_is_private(address)
            check_is_private(worker["nanny"] or address)

    async def _claim(self) -> None:
        claims = Claims(self.name, self.client.id, sorted({*self.bound.values()}))
        try:
            await self.client.register_plugin(claims)
        except asyncio.CancelledError:
            await asyncio.shield(self._withdraw())
            raise

    async def _withdraw(self) -> None:
        if self.client.status != "running":
            return  # The scheduler sees that, and ends the fleet itself.
        # A scheduler that has gone has left nothing behind.
        with suppress(OSError, ValueError):
            await self.client.unregister_worker_plugin(self.name)
        with suppress(OSError, ValueError):
            await self.client.unregister_scheduler_plugin(self.name)

    async def _follow(self, organization: str, address: str) -> OrganizationResult[T]:
        failure: Exception
        for attempt in range(_TRIES):
            future = self.client.submit(
                *(serve, self.name, organization, self.job),
                key=f"{self.name}-{organization}-{attempt}",
                resources={address: 1},
                pure=False,
            )
            try:
                result: OrganizationResult[T] = pickle.loads(await future)  # noqa: S301 - of our own workers
            except KilledWorker as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - a cluster fails in any way
                failure = error
                break
            else:
                return result
            finally:
                future.release()
        return OrganizationResult(organization, None, OrganizationError(organization, failure))


def _read_sources(organizations: object) -> dict[str, str] | TypeError | ValueError:
    """Check where keys come from, and return their names or the first error: raised here, it would pass a key by."""
    if not isinstance(organizations, Mapping):
        return TypeError(f"organizations must be of type Mapping, not {type(organizations).__name__}")
    sources = {}
    for organization, source in organizations.items():
        if not isinstance(organization, str) or not organization:
            return TypeError("the names of organizations must be non-empty strings")
        name = _read_source(source)
        if name is None:
            return ValueError(
                f"the key of {organization!r} must be given by the name of an environment variable of the workers,"
                " in capital letters and with an underscore, such as ACME_CONTACTSHIP_KEY, or by a function that they"
                " can import, as itself or as 'module:function'"
            )
        sources[organization] = name
    return sources


def _read_source(source: object) -> str | None:
    if callable(source):
        return _name_of(source)
    if not isinstance(source, str):
        return None
    return source if _VARIABLE.fullmatch(source) or callable(_find(source)) else None


def _find(reference: str) -> object:
    """Return what `module:function` names; None if there is no such thing."""
    if not _REFERENCE.fullmatch(reference):
        return None
    try:
        return resolve_name(reference)
    except (ImportError, AttributeError):
        return None


def _name_of(function: Callable[..., object]) -> str | None:
    """Name a function that others can import, and that is not only in the program that was started."""
    module = getattr(function, "__module__", None)
    reference = f"{module}:{getattr(function, '__qualname__', None)}"
    return None if module == "__main__" or _find(reference) is not function else reference


def _refer_to(argument: str, function: Callable[..., object]) -> str:
    reference = _name_of(function)
    if reference is None:
        message = (
            f"{argument} must be a function that the workers can import: of a module, and not of the program that is"
            " started, no lambda, no partial, none within another"
        )
        raise ValueError(message)
    return reference


def _deal_out(organizations: Mapping[str, str], addresses: object) -> dict[str, str]:
    """Bind each organization to an address."""
    names = sorted(organizations)
    if isinstance(addresses, Mapping):
        if addresses.keys() != organizations.keys():
            message = "addresses must have an address for each of the organizations, and for no other"
            raise ValueError(message)
        bound = {name: addresses[name] for name in names}
    elif not isinstance(addresses, Sequence) or isinstance(addresses, str):
        message = f"addresses must be of type Sequence or Mapping, not {type(addresses).__name__}"
        raise TypeError(message)
    elif not addresses or len({*addresses}) != len(addresses):
        message = "addresses must name one at least, each once"
        raise ValueError(message)
    else:
        bound = {name: addresses[place % len(addresses)] for place, name in enumerate(names)}
    for address in bound.values():
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            message = "an address must be a string of letters, digits, -, _ and ., such as contactship-address-1"
            raise ValueError(message)
    return bound
