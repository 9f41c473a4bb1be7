"""What a database of syncs holds: its last runs, and what of it is to be forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from cyclopts import CycloptsError

from contactship_async._cli import event_loop
from contactship_async._cli.confirmation import confirm
from contactship_async._cli.output import Format, Output
from contactship_async._cli.streams import note
from contactship_async._cli.sync.destination import Database, Destination, tell_of_wait
from contactship_async._cli.sync.report import COLUMNS, COUNTS, columns_of, describe_row, write_moment
from contactship_async.sync import SyncResult

T = TypeVar("T")


def show_status(
    *,
    status: bool = False,  # noqa: ARG001 - what it was chosen by
    format: Format = "table",  # noqa: A002 - the name of the option
    destination: Destination,
) -> int:
    """Print the last run of each organization and listing, and return the exit code.

    Args:
        status: Show the last run of each organization and listing, and the last one that succeeded. Needs no key, and
            asks no server.
        format: As of `walk`.
        destination: The database.

    Raises:
        ContactshipError: The database can't be used.
    """
    database = destination.open_database(must_exist=True)
    runs = [*_find_last(_ask(database, database.runs))]
    fields: Sequence[str] = (*COLUMNS, "succeeded_at")
    rows = [columns_of(run) | {"succeeded_at": success and write_moment(success)} for run, success in runs]
    if format == "table":
        fields = ("organization", "listing", "mode", "finished_at", "rows", *COUNTS)
        rows = [_describe_run(run, success) for run, success in runs]
        if any(run.error for run, _ in runs):
            fields = (*fields, "error", "succeeded_at")
    output = Output(format, fields=fields, noun="runs")
    event_loop.run(output.add(rows))
    output.end(failures=0)
    return 0


def forget_rows(
    *,
    forget: str | None = None,
    forget_organization: str | None = None,
    yes: bool = False,
    destination: Destination,
) -> int:
    """Delete what the database holds of a person or an organization, and return the exit code.

    Args:
        forget: Delete each row that holds this id, number or e-mail address, with all its versions. Says how many these
            are, and asks. What Contactship still has comes again with the next sync: delete it there first.
        forget_organization: Delete all rows of the organization of this name. Says how many these are, and asks.
        yes: Delete without asking.
        destination: The database.

    Raises:
        CycloptsError: An argument is wrong, or nobody said yes.
        ContactshipError: The database can't be used.
    """
    if "" in {forget, forget_organization}:
        message = "what to forget must not be empty"
        raise CycloptsError(message)
    database = destination.open_database(must_exist=True)
    if forget is not None:
        delete = partial(database.forget, forget)
    else:
        delete = partial(database.forget_organization, forget_organization or "")
    found = _drop_zeros(_ask(database, partial(delete, dry_run=True)))
    if not found:
        note("nothing to forget: there is no such row")
        return 0
    question = "\n".join([*(f"{table:16}{count:,}" for table, count in found.items()), "delete these rows for good?"])
    refusal = f"{_describe_rows(found)} would be deleted for good: add --yes to do it without being asked"
    if not confirm(question, yes=yes, refusal=refusal, interrupted="nothing was deleted"):
        note("nothing was deleted")
        return 1
    note(f"deleted {_describe_rows(_drop_zeros(_ask(database, delete)))}")
    return 0


def _ask(database: Database, ask: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        await tell_of_wait(database)
        return await ask()

    return event_loop.run(run())


def _drop_zeros(rows: Mapping[str, int]) -> dict[str, int]:
    return {table: count for table, count in rows.items() if count}


def _describe_rows(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} row{'s' if count > 1 else ''} of {table}" for table, count in rows.items())


def _find_last(runs: Sequence[SyncResult]) -> Iterator[tuple[SyncResult, datetime | None]]:
    """Find the last run of each organization and listing, and when the last one that succeeded was."""
    last = {(run.organization, run.listing): run for run in sorted(runs, key=lambda run: run.finished_at)}
    successes = {(run.organization, run.listing): run.finished_at for run in runs if run.error is None}
    for key in sorted(last):
        yield last[key], successes.get(key)


def _describe_run(run: SyncResult, success: datetime | None) -> dict[str, Any]:
    """Return a run as a person reads it: when it last succeeded stands only where it failed since."""
    row = describe_row(run) | {"finished_at": write_moment(run.finished_at, "seconds"), "error": run.error}
    if run.error is None or success is None:
        return row
    return row | {"succeeded_at": write_moment(success, "seconds")}
