"""What the commands of all resources do: print a listing, a count or an object, of one organization or of many."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar

import attrs
from attrs import frozen
from cyclopts import CycloptsError

from contactship_async import (
    ContactshipClient,
    ContactshipError,
    ContactshipPool,
    Page,
    PoolError,
    Prefetch,
    WalkPosition,
)
from contactship_async._cli.event_loop import run
from contactship_async._cli.failures import Listed, describe, describe_each, describe_interrupt, describe_interrupts
from contactship_async._cli.notices import Display, Notices
from contactship_async._cli.options import NonNegativeInt, PositiveInt, wrong_usage
from contactship_async._cli.output import Format, Output, encode_object
from contactship_async._cli.streams import note, write_lines
from contactship_async._cli.target import Target

MIN_EXACT_PAGE_SIZE: Final = 3  # see `rows` of a listing

T = TypeVar("T")

ObjectFormat: TypeAlias = Literal["table", "json"] | None

_Pages: TypeAlias = AsyncGenerator[Page[Any], None]
_NamedPages: TypeAlias = AsyncGenerator[tuple[str, Page[Any]], None]


class Listing(Protocol):
    """What the commands need of a listing; `prefetch` takes more where the listing has offsets."""

    @property
    def prefetch(self) -> Callable[..., Prefetch[Any]]: ...

    async def count(self) -> int: ...


@frozen(kw_only=True)
class Walk:
    """How much of a listing is printed, and how it is fetched, as the options say.

    Args:
        limit: How many rows at the most; all of them if not given.
        offset: How many rows to skip.
        page_size: How many rows to ask the server for at once; what suits the listing if not given.
        concurrency: How many pages to fetch concurrently.
        exact: Accept only what proves to be complete, while rows come and go; needs a page size of 3 or more.
    """

    limit: NonNegativeInt | None = None
    offset: NonNegativeInt = 0
    page_size: PositiveInt | None = None
    concurrency: PositiveInt = 1
    exact: bool = False

    def __attrs_post_init__(self) -> None:
        if self.exact and self.page_size is not None and self.page_size < MIN_EXACT_PAGE_SIZE:
            message = f"--exact needs a --page-size of {MIN_EXACT_PAGE_SIZE} or more"
            raise CycloptsError(message)


ARGUMENTS: Final = {"limit": "max_items"}
"""The options of a walk that have another name than the arguments of `prefetch`."""


@frozen
class Subject:
    """What a command is about.

    Args:
        noun: What its rows are, in the plural.
        fields: Of a row, in order; None if they are not known.
        options: Those of `Walk` that mean something for the listing.
    """

    noun: str
    fields: Sequence[str] | None = None
    options: Sequence[str] = ()


def print_listing(
    subject: Subject,
    ask: Callable[[ContactshipClient], Listing],
    walk: Walk,
    target: Target,
    *,
    format: Format = "table",  # noqa: A002 - the name of the option
) -> int:
    """Print the rows of a listing, and return the exit code.

    Args:
        subject: What the command is about.
        ask: Makes the listing.
        walk: The options of the walk.
        target: The organizations to ask.
        format: json is one array, jsonl one object per line, csv has a header. jsonl and csv are printed page by page.
    """
    given = attrs.asdict(walk)
    options = {ARGUMENTS.get(name, name): given[name] for name in subject.options}

    def fetch(client: ContactshipClient) -> _Pages:
        return _pages_of(ask(client).prefetch(**options))

    return _print_pages(subject, fetch, target, format, check=fetch, walk=walk)


def print_count(
    subject: Subject,
    ask: Callable[[ContactshipClient], Listing],
    target: Target,
    *,
    format: Format = "table",  # noqa: A002 - the name of the option
) -> int:
    """Print how many rows there are, and return the exit code.

    Args:
        subject: What the command is about.
        ask: Makes the listing.
        target: The organizations to ask.
        format: Of the rows with --organizations; one number is the same in all of them.
    """

    async def count(client: ContactshipClient) -> int:
        return await ask(client).count()

    async def fetch(client: ContactshipClient) -> _Pages:
        yield _page_of({"count": await count(client)})

    if target.variables:
        return _print_pages(subject, fetch, target, format, check=ask)
    write_lines([b"%d\n" % run_alone(count, target)])
    return 0


def print_object(
    subject: Subject,
    ask: Callable[[ContactshipClient], Awaitable[object]],
    target: Target,
    *,
    format: ObjectFormat = None,  # noqa: A002 - the name of the option
) -> int:
    """Print a single object, and return the exit code; of many organizations, it is a row for each.

    Args:
        subject: What the command is about.
        ask: Calls the method.
        target: The organizations to ask.
        format: table at a terminal and json elsewhere, if not given.
    """

    async def fetch(client: ContactshipClient) -> _Pages:
        yield _page_of(await ask(client))

    form = format or ("table" if sys.stdout.isatty() else "json")
    if target.variables:
        return _print_pages(subject, fetch, target, form)
    write_lines(encode_object(run_alone(ask, target), form))
    return 0


def _print_pages(  # noqa: PLR0913 - what is printed, of whom, and how
    subject: Subject,
    fetch: Callable[[ContactshipClient], _Pages],
    target: Target,
    format_: Format,
    *,
    check: Callable[[ContactshipClient], object] | None = None,
    walk: Walk = Walk(),
) -> int:
    """Print pages as they come, and return the exit code.

    Args:
        subject: What the command is about.
        fetch: Makes the pages of an organization.
        target: The organizations to ask.
        format_: What rows are printed as.
        check: Raises what is wrong with the arguments, and sends nothing; they are the same for all organizations.
        walk: How the pages are fetched, for the progress.
    """
    listed = Listed(subject.noun, "offset" in subject.options, walk.limit)
    output = Output(format_, target.variables, fields=subject.fields, noun=subject.noun)
    progress = open_progress(output, len(target.variables))
    notices = Notices(is_verbose=target.verbose, display=progress)
    so_far = _SoFar(output)

    def watch(client: ContactshipClient) -> _Pages:
        pages = fetch(client)
        if progress is not None:
            pages = progress.watch(client.organization, pages, noun=subject.noun, offset=walk.offset, limit=walk.limit)
        return so_far.watch(client.organization or "", pages)

    if target.variables:
        pool = target.open_pool(notices.on_wait)
        first = pool[next(iter(pool))]
        pages = _walk_each(pool, watch)
    else:
        first = target.open_client(notices.on_wait)
        pages = _walk_alone(first, watch)
    if check is not None:
        with wrong_usage():
            check(first)
    try:
        with notices:
            # Around no more than this: without an event loop, Ctrl-C ends at once whatever runs.
            run(so_far.print(pages, progress or nullcontext()))
    except PoolError as error:
        output.end(failures=len(error.exceptions))
        for text in describe_each(error, target.variables, listed):
            note(text)
        return 1
    except ContactshipError as error:
        output.end(failures=1)
        note(describe(error, listed))
        return 1
    except KeyboardInterrupt:
        output.stop()
        for text in so_far.describe(listed, target.variables):
            note(text)
        raise
    output.end(failures=0)
    return 0


class _SoFar:
    """Prints pages as they come, and knows how far that is.

    Args:
        output: Where they are printed.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._skipped: dict[str, int] = {}  # how many rows of a listing are before those printed
        self._complete: set[str] = set()

    async def watch(self, organization: str, pages: _Pages) -> _Pages:
        """Yield *pages*, and note when they have ended."""
        async with aclosing(pages):
            async for page in pages:
                yield page
        self._complete.add(organization)

    async def print(self, pages: _NamedPages, progress: AbstractContextManager[object]) -> None:
        """Print *pages*, while *progress* is shown."""
        with progress:
            async with aclosing(pages):
                async for organization, page in pages:
                    self._skipped[organization] = page.offset - self._output.printed[organization]
                    await self._output.add(page, organization)

    def describe(self, listed: Listed, organizations: Collection[str]) -> Iterator[str]:
        """Describe how far it is, of one listing or of those of *organizations*."""
        positions = {
            name: WalkPosition(self._skipped[name] + printed, printed)
            for name, printed in self._output.printed.items()
            if printed
        }
        if not organizations:
            yield describe_interrupt(listed, positions.get(""))
            return
        complete = self._complete if self._output.streams else ()
        partial = {name: position for name, position in positions.items() if name not in complete}
        rest = [name for name in organizations if name not in complete and name not in partial]
        yield from describe_interrupts(listed, len(complete), partial, rest)


async def _pages_of(prefetch: Prefetch[Any]) -> _Pages:
    async with prefetch as ahead:
        async for page in ahead.pages():
            yield page


async def _walk_alone(client: ContactshipClient, watch: Callable[[ContactshipClient], _Pages]) -> _NamedPages:
    async with client, aclosing(watch(client)) as pages:
        async for page in pages:
            yield "", page


async def _walk_each(pool: ContactshipPool, watch: Callable[[ContactshipClient], _Pages]) -> _NamedPages:
    async with pool, aclosing(pool.iter(watch)) as pages:
        async for organization, page in pages:
            yield organization, page


def open_progress(output: Output, organizations: int) -> Any:
    """Return the display of the progress, or None where nobody sees it, or rows come between its lines.

    Args:
        output: Where the rows are printed.
        organizations: How many there are; 0 for one without a name.
    """
    if not sys.stderr.isatty() or (output.streams and sys.stdout.isatty()):
        return None
    from contactship_async._cli.progress import ProgressDisplay  # noqa: PLC0415 - takes time to import

    return ProgressDisplay(organizations=organizations)


def _page_of(row: T) -> Page[T]:
    return Page((row,), 1, 0, None)


def run_alone(ask: Callable[[ContactshipClient], Awaitable[T]], target: Target, *, display: Display | None = None) -> T:
    """Return what a call of the one organization returns.

    Args:
        ask: Makes the call.
        target: The organization to ask.
        display: Shows its waits.
    """
    notices = Notices(is_verbose=target.verbose, display=display)

    async def call(client: ContactshipClient) -> T:
        async with client:
            with wrong_usage():
                return await ask(client)

    with notices:
        return run(call(target.open_client(notices.on_wait)))
