"""`contactship sync` of organizations: their listings walked, and applied to a database or written as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from cyclopts import CycloptsError, Parameter

from contactship_async import ContactshipClient
from contactship_async._cli.failures import KEY_VARIABLE
from contactship_async._cli.listing import MIN_EXACT_PAGE_SIZE
from contactship_async._cli.options import PositiveInt, wrong_usage
from contactship_async._cli.output import Format
from contactship_async._cli.resources import find_listings
from contactship_async._cli.streams import note
from contactship_async._cli.sync.destination import Destination, refuse_url, tell_of_wait
from contactship_async._cli.sync.report import Report
from contactship_async._cli.sync.running import Results, Running
from contactship_async._cli.sync.shards import ShardTarget
from contactship_async._cli.sync.values import DurationOption, PercentageOption
from contactship_async.sync import apply_parquet, sync

Contents: TypeAlias = Literal["transcripts"]

_CONTENTS: Final = {"transcripts": "include_transcript"}
"""What rows may hold besides, and the argument of the listing that asks for it."""

_DRY_RUN: Final = "dry run: nothing was written"


def walk(  # noqa: PLR0913 - the options of a command
    *listings: str,
    with_: Annotated[list[Contents] | None, Parameter()] = None,
    full: bool = False,
    full_every: Annotated[DurationOption, Parameter(show_default="7d")] = None,
    max_retired: Annotated[PercentageOption, Parameter(show_default="50%")] = None,
    accept_new_organization: bool = False,
    keep_history: DurationOption = None,
    dry_run: bool = False,
    page_size: PositiveInt | None = None,
    concurrency: PositiveInt = 4,
    format: Format = "table",  # noqa: A002 - the name of the option
    destination: Destination,
    target: ShardTarget,
) -> int:
    """Sync listings of one organization or of many, and return the exit code.

    Args:
        listings: Which, such as phone-numbers, tags and calls. What is listed for one contact or one channel, such as
            its tags, is synced by programs only.
        with_: What calls hold besides: transcripts. Pages are then of 25 calls, which takes longer.
        full: Ask for all calls, and not only for the newest ones and those that had not ended.
        full_every: Do so by itself when the last time is longer ago, such as 12h or 30d.
        max_retired: Change nothing of a listing if more than this share of its rows is not there any more.
        accept_new_organization: Go on although the rows are those of another organization than last time, or hardly any
            is left.
        keep_history: Delete versions of rows that were replaced or retired longer ago than this, such as 90d. All are
            kept if not given.
        dry_run: Print what would change, and write nothing.
        page_size: How many rows to ask the server for at once; what suits the listing if not given.
        concurrency: How many pages of a listing to fetch concurrently.
        format: json is one array, jsonl one object per line, csv has a header; these have all columns of the table
            `syncs`. jsonl and csv are printed as each listing ends.
        destination: The database.
        target: The organizations.

    Raises:
        CycloptsError: An argument is wrong, or there is no key.
        ContactshipError: The database can't be used.
    """
    asked = _read_listings(listings, with_ or [])
    if page_size is not None and page_size < MIN_EXACT_PAGE_SIZE:
        message = (
            f"--page-size must be {MIN_EXACT_PAGE_SIZE} or more: pages overlap, which proves that nothing is missing"
        )
        raise CycloptsError(message)
    if target.shard is not None and not destination.is_shared:
        message = "--shard goes with --to-env and --to-parquet: no two machines share a DuckDB file"
        raise CycloptsError(message)
    if target.shard is not None and not target.variables:
        note(f"shard {target.shard} has none of the organizations; nothing to do")
        return 0
    database = destination.open()
    variable = "" if target.sandbox else KEY_VARIABLE
    report = Report(format, target.variables, names_organizations=bool(target.variables), key_variable=variable)
    names = [name.replace("-", "_") for name in listings]
    running = Running(report, names, len(target.variables), is_verbose=target.verbose)
    source = (target.open_pool if target.variables else target.open_client)(running.notices.on_wait)
    options = {
        "full": full,
        "accept_new_organization": accept_new_organization,
        "dry_run": dry_run,
        "page_size": page_size,
        "concurrency": concurrency,
        "on_progress": running.on_progress,
        **_without_missing(full_every=full_every, max_retired=max_retired, keep_history=keep_history),
    }

    async def results() -> Results:
        await tell_of_wait(database, is_verbose=target.verbose)
        async with source:
            with wrong_usage():
                each = sync(source, asked, database, **options)
            async with aclosing(each):
                async for result in each:
                    yield result

    return _run(running, results(), dry_run=dry_run)


def apply(  # noqa: PLR0913 - the options of a command
    *,
    from_parquet: Path | None = None,
    max_retired: PercentageOption = None,
    accept_new_organization: bool = False,
    keep_history: DurationOption = None,
    dry_run: bool = False,
    format: Format = "table",  # noqa: A002 - the name of the option
    destination: Destination,
) -> int:
    """Apply what workers wrote as Parquet, and return the exit code.

    Args:
        from_parquet: A folder that --to-parquet has written: apply what is in it, and ask no server.
        max_retired: As of `walk`.
        accept_new_organization: As of `walk`.
        keep_history: As of `walk`.
        dry_run: As of `walk`.
        format: As of `walk`.
        destination: The database.

    Raises:
        CycloptsError: An argument is wrong.
        ContactshipError: The folder or the database can't be used.
    """
    refuse_url(from_parquet or "")
    database = destination.open_database()
    running = Running(
        Report(format, {}, names_organizations=True, key_variable="", noun="walks to apply", shows_time=False)
    )

    async def results() -> Results:
        await tell_of_wait(database)
        with wrong_usage():
            each = apply_parquet(
                from_parquet or Path(),
                database,
                accept_new_organization=accept_new_organization,
                dry_run=dry_run,
                **_without_missing(max_retired=max_retired, keep_history=keep_history),
            )
        async with aclosing(each):
            async for result in each:
                yield result

    return _run(running, results(), dry_run=dry_run)


def _run(running: Running, results: Results, *, dry_run: bool) -> int:
    code = running.run(results)
    if dry_run:
        note(_DRY_RUN)
    return code


def _without_missing(**options: Any) -> dict[str, Any]:
    """Return the arguments that were given: the library has the defaults of the others."""
    return {name: value for name, value in options.items() if value is not None}


def _read_listings(names: Sequence[str], contents: Sequence[Contents]) -> list[Callable[[ContactshipClient], Any]]:
    """Return functions that make the listings, and ask for *contents* in the rows that have them.

    Raises:
        CycloptsError: One is none, or is there twice; or none of them has such contents.
    """
    known = dict(find_listings(ContactshipClient))
    choices = ", ".join(name.replace("_", "-") for name in known)
    if not names:
        message = f"what to sync must be given: {choices}"
        raise CycloptsError(message)
    asked = [name.replace("-", "_") for name in names]
    for name, listing in zip(names, asked, strict=True):
        refuse_url(name)
        if listing not in known:
            message = f'"{name}" is no listing: choose from {choices}'
            raise CycloptsError(message)
        if asked.count(listing) > 1:
            message = f"{name} is there twice"
            raise CycloptsError(message)
    parameters = {_CONTENTS[content]: f"--with {content}" for content in contents}
    taken = {name: parameters.keys() & {option.name for option in known[name].options} for name in asked}
    for parameter, option in parameters.items():
        if not any(parameter in some for some in taken.values()):
            message = f"{option} is for calls, which are not among the listings"
            raise CycloptsError(message)
    return [known[name].bind((), dict.fromkeys(taken[name], True)) for name in asked]
