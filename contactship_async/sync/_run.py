"""The run of a sync: organizations concurrently, each listing of theirs walked, spooled and applied."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

from attrs import evolve, frozen

from contactship_async import (
    AnyListing,
    ClientClosedError,
    ContactshipClient,
    ContactshipPool,
    CursorListing,
    Listing,
    MalformedResponseError,
    NotFoundError,
    PermissionDeniedError,
    PhoneNumber,
    Prefetch,
)
from contactship_async.models.tags import Tag
from contactship_async.sync._errors import DatabaseError
from contactship_async.sync._plan import WRONG_LISTING, Ask, Column, Plan
from contactship_async.sync._results import SyncProgress, SyncResult
from contactship_async.sync._rows import Encoder
from contactship_async.sync._spool import Spool
from contactship_async.sync._store import Rules, Start, Store, result_of_failure
from contactship_async.sync._target import Target
from contactship_async.sync._thread import DatabaseThread

_WITHOUT_NAME: Final = "default"
"""The organization of a client that has no name for it."""

T = TypeVar("T")

OnProgress = Callable[[SyncProgress], object]


def sync(  # noqa: PLR0913 - what a sync may do, by keyword
    source: ContactshipPool | ContactshipClient,
    listings: Sequence[str | Ask],
    target: Target[Any],
    *,
    full: bool = False,
    full_every: timedelta = timedelta(days=7),
    max_retired: float = 0.5,
    accept_new_organization: bool = False,
    keep_history: timedelta | None = None,
    dry_run: bool = False,
    page_size: int | None = None,
    concurrency: int = 4,
    on_progress: OnProgress | None = None,
) -> AsyncGenerator[SyncResult, None]:
    """Bring the copy of listings in a database up to date, with their history, and yield what became of each.

        async for result in sync(pool, ["phone_numbers", "calls"], DuckDBTarget("contactship.duckdb")):
            print(result.organization, result.listing, result.new, result.changed, result.retired)

    Each listing of each organization is walked exactly (`exact=True`), and applied in one transaction when it proved
    to be complete: rows that are new or changed become versions with `valid_from`, and versions that have changed or
    gone get their `valid_to`. Whatever fails leaves that listing as it was, is the `error` of its result, and keeps
    nothing else from being synced. A run that ended early, or was killed, is begun again as if it had not been.

    A listing with filters brings and changes rows, and retires none. Calls are asked for by a window of some days,
    unless their last full walk is older than *full_every*: what they showed before may still change while they are not
    ended, and the window begins before the oldest such call.

    Args:
        source: Of all organizations, or a client of one; without a name, it is called `default`.
        listings: Each by its name, an attribute of the client such as `phone_numbers`, or as a function from a client
            to any listing, such as `lambda client: client.tags.list(label="vip")`.
        target: What to write to.
        full: Whether to walk listings wholly that would be walked by a window.
        full_every: How old the last full walk may be.
        max_retired: Which part of the current rows of a listing may be retired at once, 0 to 1; more is an error.
        accept_new_organization: Whether the rows may be those of another organization than last time, whose rows are
            retired then.
        keep_history: How long versions are kept that have ended; None for ever.
        dry_run: Whether to roll everything back, and only tell what would be.
        page_size: How many rows to ask for at once; None is what suits the listing.
        concurrency: How many pages of a listing to fetch concurrently, >= 1.
        on_progress: Is told of each page.

    Yields:
        What became of each listing of each organization, as each ends.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: There is no such listing, it can't be kept in a table, or an argument is out of range.
        DatabaseError: The target can't be used at all.
        MissingExtraError: Its driver is not installed.
        ClientClosedError: The client or the pool was closed meanwhile.
        RuntimeError: The pool is not open.
    """
    _check("source", source, ContactshipPool | ContactshipClient)
    _check("target", target, Target)
    if isinstance(listings, str) or callable(listings) or not listings:
        message = "listings must be a sequence of at least one name or function"
        raise TypeError(message)
    if on_progress is not None and not callable(on_progress):
        message = f"on_progress must be a function, not {type(on_progress).__name__}"
        raise TypeError(message)
    clients = [source] if isinstance(source, ContactshipClient) else [source[name] for name in source]
    for client in clients:
        _check_name(_name_of(client))
    asks = [_read_listing(listing) for listing in listings]
    first = [(ask, ask(client)) for client in clients[:1] for ask in asks]
    run = _Run(
        asks=[(ask, Plan.of(listing, _WITHOUT_NAME)) for ask, listing in first],
        rules=Rules(
            full=full,
            full_every=full_every,
            max_retired=max_retired,
            accept_new_organization=accept_new_organization,
            keep_history=keep_history,
            dry_run=dry_run,
        ),
        page_size=page_size,
        concurrency=concurrency,
        on_progress=on_progress,
    )
    _check_tables(plan for _, plan in run.asks)
    for _, listing in first:
        run.walk(listing)
    return _sync(source, run, target)


@frozen(kw_only=True)
class _Run:
    """What is synced, and how.

    Args:
        asks: For the listings of each organization, with the plans of those of the first one.
    """

    asks: Sequence[tuple[Ask, Plan]]
    rules: Rules
    page_size: int | None
    concurrency: int
    on_progress: OnProgress | None

    def walk(self, listing: AnyListing[Any]) -> Prefetch[Any]:
        """Return the walk of a listing, which sends nothing yet."""
        if isinstance(listing, Listing):
            if listing.declaration.sort_key is None:  # Nothing can be proved then.
                return listing.prefetch(page_size=self.page_size)
            return listing.prefetch(page_size=self.page_size, concurrency=self.concurrency, exact=True)
        if isinstance(listing, CursorListing):
            return listing.prefetch(page_size=self.page_size)
        return listing.prefetch()

    async def sync_organization(
        self, client: ContactshipClient, store: Store, thread: DatabaseThread
    ) -> AsyncGenerator[SyncResult, None]:
        """Sync the listings of an organization, one after the other."""
        identity = _Identity(client)
        for ask, plan in self.asks:
            plan = evolve(plan, organization=identity.name)  # noqa: PLW2901 - the same for another organization
            yield await _Job(self, ask, plan, identity=identity, store=store, thread=thread).run()


class _Identity:
    """Which organization a client is of: asked for once, when it is needed."""

    def __init__(self, client: ContactshipClient) -> None:
        self.name = _name_of(client)
        self.client = client
        self._is_known = False
        self._organization_id: str | None = None

    async def find(self) -> str | None:
        """Return the id that the first phone number or tag names; None if there is neither."""
        if not self._is_known:
            self._organization_id = await self._ask()
            self._is_known = True
        return self._organization_id

    async def _ask(self) -> str | None:
        listings: tuple[Listing[PhoneNumber] | Listing[Tag], ...]
        listings = (self.client.phone_numbers.list(), self.client.tags.list())
        for listing in listings:
            # A key need not be allowed to see them, and a row that can't be read is the failure of its own listing.
            with suppress(NotFoundError, PermissionDeniedError, MalformedResponseError):
                for row in await listing.page(limit=1):
                    if row.organization_id:
                        return row.organization_id
        return None


class _Job:
    """The sync of a listing of an organization."""

    def __init__(  # noqa: PLR0913 - what it is made of
        self, run: _Run, ask: Ask, plan: Plan, *, identity: _Identity, store: Store, thread: DatabaseThread
    ) -> None:
        self._run = run
        self._ask = ask
        self._plan = plan
        self._identity = identity
        self._store = store
        self._thread = thread
        self._start: Start | None = None
        self._rows = 0

    async def run(self) -> SyncResult:
        """Walk, spool and apply it; return what became of it.

        Raises:
            ClientClosedError: The client was closed.
            DatabaseError: The database can't even keep that it failed.
        """
        try:
            with Spool() as spool:
                return await self._sync(spool)
        except ClientClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the failure of this listing alone
            return await self._fail(error)

    async def _sync(self, spool: Spool) -> SyncResult:
        rules, listing = self._run.rules, self._ask(self._identity.client)
        plan = self._plan = Plan.of(listing, self._identity.name)
        organization_id = await self._identity.find()
        window = listing.declaration.window if isinstance(listing, Listing) else None
        start = self._start = await self._thread.run(self._store.start, plan, window, organization_id, rules)
        if start.since is not None and isinstance(listing, Listing):
            listing = listing.since(start.since)
        encoder = Encoder(plan, listing.declaration.row_type)
        async with self._run.walk(listing) as ahead:
            async for page in ahead.pages():
                spool.add(encoder.encode(page))
                self._rows = spool.rows
                self._tell(start, page.count)
        if plan.cap is not None and spool.rows >= plan.cap:  # There may be more.
            start = evolve(start, mode="filtered")
        return await self._thread.run(self._store.apply, plan, start, spool, rules)

    def _tell(self, start: Start, count: int | None) -> None:
        if self._run.on_progress is not None:
            plan = self._plan
            progress = SyncProgress(
                organization=plan.organization, listing=plan.table, mode=start.mode, rows=self._rows, count=count
            )
            self._run.on_progress(progress)

    async def _fail(self, error: Exception) -> SyncResult:
        try:
            now = await self._thread.run(self._store.read_clock)
            result = result_of_failure(self._plan, self._start, now, self._rows, error)
            if not self._run.rules.dry_run:
                await self._thread.run(self._store.note_failure, result)
        except DatabaseError as second:
            raise (error if isinstance(error, DatabaseError) else second) from None
        return result


async def _sync(
    source: ContactshipPool | ContactshipClient, run: _Run, target: Target[Any]
) -> AsyncGenerator[SyncResult, None]:
    async with target.open(dry_run=run.rules.dry_run) as (store, thread):

        async def begin(client: ContactshipClient) -> AsyncGenerator[SyncResult | Exception, None]:
            try:
                async for result in run.sync_organization(client, store, thread):
                    yield result
            except (ClientClosedError, DatabaseError) as error:  # Nothing else can succeed.
                yield error

        async with aclosing(_results_of(source, begin)) as results:
            async for result in results:
                if isinstance(result, Exception):
                    raise result
                yield result


async def _results_of(
    source: ContactshipPool | ContactshipClient, begin: Callable[[ContactshipClient], AsyncGenerator[T, None]]
) -> AsyncGenerator[T, None]:
    if isinstance(source, ContactshipClient):
        async with aclosing(begin(source)) as results:
            async for result in results:
                yield result
    else:
        async with aclosing(source.iter(begin)) as named:
            async for _, result in named:
                yield result


def _check(name: str, value: object, expected: Any) -> None:
    if not isinstance(value, expected):
        message = f"{name} must not be of type {type(value).__name__}"
        raise TypeError(message)


def _check_name(organization: str) -> None:
    if "\0" in organization or any("\ud800" <= character <= "\udfff" for character in organization):
        message = f"no database can keep the name of the organization {organization!a}"
        raise ValueError(message)


def _read_listing(listing: str | Ask) -> Ask:
    if callable(listing):
        return listing
    if not isinstance(listing, str):
        raise TypeError(WRONG_LISTING.format(type(listing).__name__))

    def ask(client: ContactshipClient) -> AnyListing[Any]:
        resource: Any = getattr(client, listing, None) if listing.isidentifier() else None
        if not hasattr(resource, "list"):
            message = f"there is no listing named {listing!r}: there are {_name_listings(client)}"
            raise ValueError(message)
        found: AnyListing[Any] = resource.list()
        return found

    return ask


def _name_listings(client: ContactshipClient) -> str:
    names = [name for name in dir(client) if not name.startswith("_") and hasattr(getattr(client, name), "list")]
    return ", ".join(map(repr, names))


def _check_tables(plans: Iterable[Plan]) -> None:
    """Raise if two listings would be kept in one table in two ways."""
    columns: dict[str, Sequence[Column]] = {}
    for plan in plans:
        if columns.setdefault(plan.table, plan.columns) != plan.columns:
            message = f"two of the listings are kept in the table {plan.table}, with other columns: sync one of them"
            raise ValueError(message)


def _name_of(client: ContactshipClient) -> str:
    return client.organization or _WITHOUT_NAME
