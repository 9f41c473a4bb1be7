"""What became of a sync: a row for each organization and listing, and a line for each that failed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from attrs import define, field

from contactship_async import ContactshipError
from contactship_async._cli.failures import KEY_VARIABLE, describe_failure
from contactship_async._cli.output import Format, Output, find_fields
from contactship_async._cli.streams import note
from contactship_async.sync import OrganizationChangedError, SyncResult

COLUMNS: Final = tuple(name for name in find_fields(SyncResult) or () if name != "exception")
"""Of a result, which are those of the table `syncs`."""

COUNTS: Final = ("new", "changed", "retired", "unchanged")

_TABLE: Final = ("listing", "mode", "rows", *COUNTS, "seconds")
"""What a person is shown of it."""


@define
class Report:
    """Prints what became of each listing, and knows how many there were.

    Args:
        format_: What the rows are printed as. json, jsonl and csv have the columns of the table `syncs`.
        variables: The environment variables of the keys by the names of the organizations; empty for one without a
            name, and where the names are not known before.
        names_organizations: Whether a table says whose listing it is.
        key_variable: The environment variable of the key of those without a name; empty if none has been asked.
        noun: What the rows are, in the plural.
        shows_time: Whether a table says how long each took: walks that were written down did so elsewhere.
    """

    format_: Format
    variables: Mapping[str, str]
    names_organizations: bool
    key_variable: str = KEY_VARIABLE
    noun: str = "listings"
    shows_time: bool = True
    output: Output = field(init=False)
    synced: int = field(default=0, init=False)
    counts: dict[str, int] = field(factory=lambda: dict.fromkeys(COUNTS, 0), init=False)
    failed: list[SyncResult] = field(factory=list, init=False)

    @output.default
    def _make_output(self) -> Output:
        is_known = bool(self.variables)
        fields = _TABLE if self.format_ == "table" else COLUMNS
        if not self.shows_time:
            fields = tuple(name for name in fields if name != "seconds")
        if self.format_ == "table" and self.names_organizations and not is_known:
            fields = ("organization", *fields)
        if self.format_ != "table" and is_known:
            fields = tuple(name for name in fields if name != "organization")
        return Output(self.format_, self.variables, fields=fields, noun=self.noun)

    async def add(self, result: SyncResult) -> None:
        """Take a result, and print it if the format allows it."""
        if result.error is None:
            self.synced += 1
            for name in COUNTS:
                self.counts[name] += getattr(result, name)
        else:
            self.failed.append(result)
        row = describe_row(result) if self.format_ == "table" else columns_of(result)
        with suppress(BrokenPipeError):  # Nobody reads on, which is no reason to end a sync.
            await self.output.add([row], result.organization if self.variables else "")

    def end(self, *, is_cut_short: bool = False) -> int:
        """Print what is left, tell of the failures in the order of the organizations, and return the exit code.

        Args:
            is_cut_short: Whether there would have been more: then it is not told that there is nothing.
        """
        with suppress(BrokenPipeError):
            self.output.end(failures=len(self.output.printed) if is_cut_short else 0)
        places = {name: place for place, name in enumerate(self.variables)}
        for result in sorted(self.failed, key=lambda result: places.get(result.organization, 0)):
            note(self._describe_failure(result))
        if self.failed:
            failed = len(self.failed)
            note(f"{failed} of {self.synced + failed} failed: nothing of {'it' if failed == 1 else 'them'} was changed")
        return int(bool(self.failed))

    def stop(self) -> None:
        """Print nothing more."""
        self.output.stop()

    def _describe_failure(self, result: SyncResult) -> str:
        whose = f"{result.organization}: " if self.names_organizations else ""
        position = f" (at offset {result.failed_at})" if result.failed_at else ""
        variable = self.variables.get(result.organization, self.key_variable)
        return f"{whose}{result.listing}: {_describe(result, variable)}{position}"


def _describe(result: SyncResult, variable: str) -> str:
    error = result.exception
    if not isinstance(error, ContactshipError):  # whose text may hold anything
        return (isinstance(error, OSError) and error.strerror) or result.error or "failed"
    text = describe_failure(error, variable)
    is_told = variable and isinstance(error, OrganizationChangedError)
    return f"{text}; the key is that of {variable}" if is_told else text


def columns_of(result: SyncResult) -> dict[str, Any]:
    """Return a result as a row of the table `syncs`."""
    row = {name: getattr(result, name) for name in COLUMNS}
    return row | {name: write_moment(row[name]) for name in ("started_at", "finished_at")}


def describe_row(result: SyncResult) -> dict[str, Any]:
    """Return a result as a person reads it: what did not happen is left blank, and where it failed, all is."""
    row: dict[str, Any] = {"organization": result.organization, "listing": result.listing}
    if result.error is not None:
        return row | {"mode": "failed"}
    seconds = (result.finished_at - result.started_at).total_seconds()
    counts = {name: getattr(result, name) or None for name in COUNTS}
    return row | {"mode": result.mode, "rows": result.rows, **counts, "seconds": round(seconds, 2)}


def describe_counts(counts: Mapping[str, int]) -> str:
    """Write what has changed, such as "3 new, 1 retired"; nothing if nothing has."""
    return ", ".join(f"{counts[name]:,} {name}" for name in ("new", "changed", "retired") if counts[name])


def write_moment(moment: datetime, timespec: str = "auto") -> str:
    """Write a moment as the API does, by default with all digits."""
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
