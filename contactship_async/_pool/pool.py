"""Many organizations over one connection pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterator, Mapping
from functools import partial
from inspect import isawaitable, iscoroutine
from types import TracebackType
from typing import Any, Generic, NoReturn, Self, TypeVar, Unpack, cast

from attrs import frozen

from contactship_async._arguments import check_integer, check_type
from contactship_async._client import ContactshipClient, SharingClient
from contactship_async._configuration import DEFAULT_BASE_URL, ClientOptions, Settings, read_settings
from contactship_async._http.api_key import ApiKey, ApiKeySource, read_api_key
from contactship_async._http.gate import Gate
from contactship_async._http.proxy import hide_proxy
from contactship_async._http.rate_limits import Limits
from contactship_async._pagination.base import AnyListing
from contactship_async._pool.merge import Merge
from contactship_async.errors import ConfigurationError, OrganizationError, PoolError
from contactship_async.settings import RateLimit

T = TypeVar("T")


@frozen
class OrganizationResult(Generic[T]):
    """What became of one organization's job.

    Args:
        organization: Its name in the pool.
        value: What the job returned; None if it failed.
        error: What the job raised; None if it did not.
    """

    organization: str
    value: T | None
    error: Exception | None


@frozen
class _End:
    """The end of an organization's items, in the queue behind them."""

    items: int


class ContactshipPool:
    """Clients of many organizations over one connection pool, used with `async with`.

    `pool["acme"]` is the client of an organization. Each has a key and a budget of its own, and waits on its own when
    the server says that it sent too many requests; all share the connections and the budget of this machine's address,
    and wait together when the server says that this one is used up. The settings are those of `ContactshipClient`.

    Args:
        api_keys: The key of each organization, or an async function that returns it, called when its turn comes; its
            result is kept until a 401.
        max_concurrent: How many organizations `iter` and `map` work on at once, >= 1; the others have not begun.
        rate_limit: The budget of each organization; None sets none. The documented one is `RateLimit(120, 60)`.
        heavy_rate_limit: A further budget, of the heavy listings of each organization (calls and contacts); None
            sets none. The documented one is `RateLimit(20, 60)`.
        total_rate_limit: The budget they share; None sets none. The documented one of an address is
            `RateLimit(600, 60)`.
        proxy: As of `ContactshipClient`.
        options: `base_url`, `integrations_url`, `timeouts`, `retry`, `connector`, `ssl_context`, `trust_env`,
            `transport`, `trace_configs`, `max_response_bytes`, `allow_insecure_http`, `headers` and `on_wait` of
            `ContactshipClient`.

    Raises:
        ConfigurationError: A key is missing or malformed, or another setting is unusable.
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.
    """

    _base_url = DEFAULT_BASE_URL  # for the repr of a pool whose settings were refused

    def __init__(  # noqa: PLR0913 - the settings of a pool, all but the keys by keyword
        self,
        api_keys: Mapping[str, ApiKeySource],
        *,
        max_concurrent: int = 16,
        rate_limit: RateLimit | None = None,
        heavy_rate_limit: RateLimit | None = None,
        total_rate_limit: RateLimit | None = None,
        proxy: str | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        keys = _read_api_keys(api_keys)
        hidden_proxy = hide_proxy(proxy)
        del api_keys, proxy
        if isinstance(keys, Exception):
            raise keys
        self._api_keys = keys
        self._max_concurrent = check_integer("max_concurrent", max_concurrent, lowest=1)
        limits = {
            "rate_limit": rate_limit,
            "heavy_rate_limit": heavy_rate_limit,
            "total_rate_limit": total_rate_limit,
        }
        for name, limit in limits.items():
            if limit is not None:
                check_type(name, limit, RateLimit)
        self._rate_limit = rate_limit
        self._heavy_rate_limit = heavy_rate_limit
        self._settings = read_settings(proxy=hidden_proxy, **options)
        self._connection = self._settings.connection
        self._base_url = self._connection.base_url
        self._connection.is_available = False
        self._address = Gate(total_rate_limit, self._connection.max_requests)
        self._clients: dict[str, ContactshipClient] = {}
        self._merges: set[Merge[Any]] = set()

    def __repr__(self) -> str:
        return f"<ContactshipPool {self._base_url}>"

    def __getitem__(self, organization: str) -> ContactshipClient:
        """Return the client of *organization*, always the same one.

        Raises:
            KeyError: The pool has no such organization.
        """
        client = self._clients.get(organization)
        if client is None:
            limits = Limits(Gate(self._rate_limit), self._address, Gate(self._heavy_rate_limit))
            client = _OrganizationClient(organization, self._api_keys[organization], self._settings, limits)
            self._clients[organization] = client
        return client

    def __iter__(self) -> Iterator[str]:
        return iter(self._api_keys)

    def __len__(self) -> int:
        return len(self._api_keys)

    async def __aenter__(self) -> Self:
        if self._connection.is_available:
            message = "the pool is in use already"
            raise RuntimeError(message)
        self._connection.is_available = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.is_available = False
        stopped = [merge.stop() for merge in self._merges]
        self._connection.end_calls()
        try:
            await asyncio.gather(*stopped)  # Waits for all, also if it is cancelled.
        finally:
            await self._connection.close()

    def iter(
        self,
        walk: Callable[[ContactshipClient], AsyncIterable[T]],
        *,
        on_complete: Callable[[str, int], Awaitable[object]] | None = None,
    ) -> AsyncGenerator[tuple[str, T], None]:
        """Iterate over what *walk* yields for each organization, as it comes.

            async for organization, tag in pool.iter(lambda client: client.tags.list()):
                ...

        No more than *max_concurrent* organizations are walked at once, and they wait while you are busy: what
        is held is a page of each, of a listing also its next page, and *max_concurrent* items. Leave early with
        `contextlib.aclosing()`. For a time limit, put `asyncio.timeout()` around the whole loop:
        `asyncio.wait_for(anext(...), ...)` ends the generator when it times out, and what is missing would go
        unnoticed.

        Args:
            walk: Any function from a client to a listing, or to another async iterator.
            on_complete: An async function, awaited with the name of an organization and the number of its items when
                you have taken the last of them and ask for more, before you get it: a transaction is committed here,
                say. Also where there were none; not for organizations that fail, nor for those that you have left
                before. What it raises, a cancellation too, ends the iteration and is raised as it is.

        Yields:
            The name of an organization and an item of its iterator. Those of one organization come in their order.

        Raises:
            TypeError: *walk* or *on_complete* is no function, or that is not async.
            PoolError: Organizations failed; raised when all others have been delivered completely.
            ClientClosedError: The pool was closed meanwhile.
            RuntimeError: The pool is not open.
        """
        check_type("walk", walk, Callable)
        if on_complete is not None:
            check_type("on_complete", on_complete, Callable)
        self._connection.check_available()
        return self._iterate(walk, on_complete)

    def map(self, job: Callable[[ContactshipClient], Awaitable[T]]) -> AsyncGenerator[OrganizationResult[T], None]:
        """Run *job* for each organization, and yield what became of it, as each ends.

            async for result in pool.map(lambda client: client.count_phone_numbers()):
                print(result.organization, result.value, result.error)

        No more than *max_concurrent* jobs run at once. For leaving early and for time limits, see `iter`.

        Args:
            job: Any coroutine function of a client.

        Yields:
            One result for each organization; what a job raised is its `error`.

        Raises:
            TypeError: *job* is no function.
            ClientClosedError: The pool was closed meanwhile.
            RuntimeError: The pool is not open.
        """
        check_type("job", job, Callable)
        self._connection.check_available()
        return self._iterate_results(job)

    def __reduce__(self) -> NoReturn:
        self._connection.__reduce__()

    async def _iterate(
        self,
        walk: Callable[[ContactshipClient], AsyncIterable[T]],
        on_complete: Callable[[str, int], Awaitable[object]] | None,
    ) -> AsyncGenerator[tuple[str, T], None]:
        merge: Merge[T | _End] = self._merge(walk, make_end_item=None if on_complete is None else _End)
        try:
            async with merge:
                async for organization, item in merge:
                    if on_complete is not None and isinstance(item, _End):
                        await _call(on_complete, organization, item.items)
                    else:
                        yield organization, cast("T", item)
        finally:
            self._merges.discard(merge)
        if merge.failures:
            message = f"{len(merge.failures)} of {len(self)} organizations failed"
            raise PoolError(message, [OrganizationError(name, error) for name, error in merge.failures])

    async def _iterate_results(
        self, job: Callable[[ContactshipClient], Awaitable[T]]
    ) -> AsyncGenerator[OrganizationResult[T], None]:
        async def run(client: ContactshipClient) -> AsyncGenerator[OrganizationResult[T], None]:
            yield OrganizationResult(cast("str", client.organization), await job(client), None)

        def failed(organization: str, error: Exception) -> OrganizationResult[T]:
            return OrganizationResult(organization, None, error)

        merge = self._merge(run, failed)
        try:
            async with merge:
                async for _, result in merge:
                    yield result
        finally:
            self._merges.discard(merge)

    def _merge(
        self,
        begin: Callable[[ContactshipClient], AsyncIterable[T]],
        make_failure_item: Callable[[str, Exception], T] | None = None,
        make_end_item: Callable[[int], T] | None = None,
    ) -> Merge[T]:
        self._connection.check_available()
        sources = ((name, partial(self._begin, begin, name)) for name in self)
        merge = Merge(sources, min(self._max_concurrent, len(self)), make_failure_item, make_end_item)
        self._merges.add(merge)
        return merge

    def _begin(self, begin: Callable[[ContactshipClient], AsyncIterable[T]], organization: str) -> AsyncIterable[T]:
        items = begin(self[organization])
        if not isinstance(items, AsyncIterable):
            if iscoroutine(items):
                items.close()
            message = f"walk must return an async iterator, not {type(items).__name__}; for a coroutine there is map"
            raise TypeError(message)
        return _fetch_ahead(items) if isinstance(items, AnyListing) else items


async def _fetch_ahead(listing: AnyListing[T]) -> AsyncGenerator[T, None]:
    """Yield the rows of *listing*, with its next page on the way."""
    async with listing.prefetch() as ahead:
        async for row in ahead:
            yield row


class _OrganizationClient(SharingClient):
    """A client of a pool, which closes the connections of all its clients."""

    def __init__(self, organization: str, api_key: ApiKey, settings: Settings, limits: Limits) -> None:
        self.organization = organization
        self._set_up(settings, api_key, limits)


async def _call(on_complete: Callable[[str, int], Awaitable[object]], organization: str, items: int) -> None:
    awaitable = on_complete(organization, items)
    if not isawaitable(awaitable):
        message = "on_complete must be an async function"
        raise TypeError(message)
    await awaitable


def _read_api_keys(api_keys: object) -> dict[str, ApiKey] | ConfigurationError | TypeError:
    """Check the keys, and return them or the first error: raised here, it would pass a frame that holds them all."""
    if not isinstance(api_keys, Mapping):
        return TypeError(f"api_keys must be of type Mapping, not {type(api_keys).__name__}")
    keys: dict[str, ApiKey] = {}
    for organization, source in api_keys.items():
        if not isinstance(organization, str) or not organization:
            return TypeError("the names of organizations in api_keys must be non-empty strings")
        key = read_api_key(source, of=f" of {organization!r}")
        if isinstance(key, ConfigurationError):
            return key
        keys[organization] = key
    return keys
