"""What the command line prints: rows and objects in their formats on standard output, notes on standard error."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import Any, Final, Literal, NoReturn, TextIO

import attrs
import msgspec
from rich.console import Console

from contactship_async._cli.table import draw, find_folds, lay_out

Format = Literal["table", "json", "jsonl", "csv"]

_FULL_PIPE_PAUSE: Final = 0.01  # seconds


class _Console(Console):
    """Standard output for help and tables."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError  # rich would exit with code 1


STDOUT = _Console()


class Output:
    """Prints rows to standard output: page by page where the format allows it, otherwise at the end.

    Args:
        format_: What they are printed as.
        organizations: The names of many organizations, which become the first field; what is printed at the end is in
            their order. Empty for one organization without a name.
        fields: The names of the fields; None if they are not known: then they are those of the first rows.
        noun: What the rows are, in the plural.
    """

    def __init__(
        self,
        format_: Format,
        organizations: Collection[str] = (),
        *,
        fields: Sequence[str] | None = None,
        noun: str = "rows",
    ) -> None:
        self.streams = format_ in {"jsonl", "csv"}
        self._format = format_
        self._noun = noun
        self._fields = None if fields is None else [*(["organization"] if organizations else []), *fields]
        self._rows: dict[str, list[object]] = {name: [] for name in organizations or [""]}
        self._has_begun = False
        self._left_out: set[str] = set()

    async def add(self, rows: Iterable[object], organization: str = "") -> None:
        """Take *rows*, and print them if the format allows it; the event loop runs on meanwhile."""
        self._rows[organization].extend(rows)
        if self.streams:
            await _write_in_thread(self._take())

    def end(self, *, failures: int) -> None:
        """Print what is left; unless all listings are *failures*, also that there is nothing."""
        if failures < len(self._rows) or any(self._rows.values()):
            write(self._take())

    def _take(self) -> bytes:
        records: list[dict[str, Any]] = []
        for organization, rows in self._rows.items():
            first: dict[str, Any] = {"organization": organization} if organization else {}
            records += [first | read_record(row) | first for row in rows]
            rows.clear()
        return self._encode(records)

    def _encode(self, records: list[dict[str, Any]]) -> bytes:
        if self._format == "json":
            return msgspec.json.encode(records) + b"\n"
        if self._format == "jsonl":
            return msgspec.json.Encoder().encode_lines(records)
        if self._fields is None and records:
            self._fields = [*dict.fromkeys(name for record in records for name in record)]
        if self._format == "csv":
            return self._encode_csv(records, self._fields or [])
        if not records:
            note(f"no {self._noun}")
            return b""
        return _encode_table(records, self._fields or [])

    def _encode_csv(self, records: list[dict[str, Any]], fields: list[str]) -> bytes:
        lines = io.StringIO()
        writer = csv.DictWriter(lines, fields, extrasaction="ignore", lineterminator="\n")
        if fields and not self._has_begun:
            writer.writeheader()
            self._has_begun = True
        writer.writerows({name: write_cell(value) for name, value in record.items()} for record in records)
        new = {name for record in records for name in record if name not in fields} - self._left_out
        if new:
            self._left_out |= new
            note(f"no columns for {', '.join(sorted(new))}, which the first rows lack; --format jsonl has all")
        return lines.getvalue().encode()


def encode_object(value: object, format_: Literal["table", "json"]) -> bytes:
    """Return what is printed of a single object: JSON, or a table with a line for each field."""
    record = read_record(value)
    if format_ == "json":
        return msgspec.json.encode(record) + b"\n"
    return _encode_table([{"field": name, "value": content} for name, content in record.items()], ["field", "value"])


def find_fields(kind: type[Any]) -> Sequence[str] | None:
    """Find the names of the fields of a class; None if it is none of attrs."""
    return [field.name for field in attrs.fields(kind)] if attrs.has(kind) else None


def read_record(row: object) -> dict[str, Any]:
    """Return the fields of a model, or a dictionary as it is."""
    record: dict[str, Any] = row if isinstance(row, dict) else row.to_dict()  # type: ignore[attr-defined] # of models
    return record


def write_cell(value: object) -> str:
    """Return what stands in a cell of a table or csv: nothing for null, a string as it is, JSON for all else."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _encode_table(records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    columns = {printable(name): name for name in names}
    values = [{column: record.get(name) for column, name in columns.items()} for record in records]
    cells = [{column: printable(write_cell(value)) for column, value in each.items()} for each in values]
    room = STDOUT.width if sys.stdout.isatty() else sys.maxsize
    layout = lay_out(cells, [*columns], room, find_folds(values, [*columns]))
    if layout.note:
        note(layout.note)
    return draw(cells, layout).encode(sys.stdout.encoding, "backslashreplace")


def printable(text: str) -> str:
    """Escape what could control a terminal or break the line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write(data: bytes, stream: TextIO | None = None) -> None:
    # Bytes, so that neither the locale nor the platform changes the data. Past the buffer: what is written is out, and
    # no thread holds the buffer's lock, which Python wants at its exit.
    buffer = (stream or sys.stdout).buffer
    raw = getattr(buffer, "raw", buffer)
    rest = memoryview(data)
    while rest:
        written = raw.write(rest)
        if written is None:  # from a pipe that is full and does not block
            time.sleep(_FULL_PIPE_PAUSE)
        rest = rest[written or 0 :]


async def _write_in_thread(data: bytes) -> None:
    # A reader may be slow, as a pager is. If the event loop waited for it, the time limits of other organizations'
    # requests would run out, and Ctrl-C would not be noticed. The end of the process does not wait for a daemon.
    written: Future[None] = Future()
    Thread(target=_write_and_notify, args=(data, written), daemon=True).start()
    await asyncio.wrap_future(written)


def _write_and_notify(data: bytes, written: Future[None]) -> None:
    written.set_running_or_notify_cancel()
    try:
        write(data)
    except OSError as error:
        written.set_exception(error)
    else:
        written.set_result(None)


def note(text: str) -> None:
    sys.stderr.write(f"contactship: {printable(text)}\n")
