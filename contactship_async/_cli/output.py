"""What the command line prints: phone numbers in their formats on standard output, notes on standard error."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
import time
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from threading import Thread
from typing import Final, Literal, NoReturn, TextIO

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contactship_async import PhoneNumber

Format = Literal["table", "json", "jsonl", "csv"]

FIELDS: Final = ("id", "phone_number", "type", "organization_id", "created_at")
_ID_FIELDS: Final = ("id", "organization_id")
_NARROWEST_ID: Final = 10  # columns of a terminal; an id is not folded to less
_FULL_PIPE_PAUSE: Final = 0.01  # seconds


class _Console(Console):
    """Standard output for help and tables."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError  # rich would exit with code 1


STDOUT = _Console()


class Output:
    """Prints phone numbers to standard output: page by page where the format allows it, otherwise at the end.

    Args:
        format_: What they are printed as.
        organizations: The names of many organizations, which become the first field; what is printed at the end is in
            their order. Empty for one organization without a name.
    """

    def __init__(self, format_: Format, organizations: Collection[str] = ()) -> None:
        self.streams = format_ in {"jsonl", "csv"}
        self._format = format_
        self._fields = ("organization", *FIELDS) if organizations else FIELDS
        self._rows: dict[str, list[PhoneNumber]] = {name: [] for name in organizations or [""]}
        self._has_begun = False

    async def add(self, rows: Iterable[PhoneNumber], organization: str = "") -> None:
        """Take *rows*, and print them if the format allows it; the event loop runs on meanwhile."""
        self._rows[organization].extend(rows)
        if self.streams:
            await _write_in_thread(self._take())

    def end(self, *, failures: int) -> None:
        """Print what is left; unless all listings are *failures*, also that there is nothing."""
        if failures < len(self._rows) or any(self._rows.values()):
            write(self._take())

    def _take(self) -> bytes:
        records = []
        for organization, rows in self._rows.items():
            first: dict[str, object] = {"organization": organization} if organization else {}
            records += [first | {name: getattr(row, name) for name in FIELDS} for row in rows]
            rows.clear()
        data = self._encode(records)
        self._has_begun = True
        return data

    def _encode(self, records: list[dict[str, object]]) -> bytes:
        if self._format == "table":
            return _encode_table(msgspec.to_builtins(records), self._fields)
        if self._format == "json":
            return msgspec.json.encode(records) + b"\n"
        if self._format == "jsonl":
            return msgspec.json.Encoder().encode_lines(records)
        lines = io.StringIO()
        writer = csv.DictWriter(lines, self._fields, lineterminator="\n")
        if not self._has_begun:
            writer.writeheader()
        writer.writerows(msgspec.to_builtins(records))
        return lines.getvalue().encode()


def _encode_table(records: list[dict[str, str]], names: tuple[str, ...]) -> bytes:
    if not records:
        note("no phone numbers")
        return b""
    records = [{name: printable(text) for name, text in record.items()} for record in records]
    width = _natural_width(_build_table(records, names))
    if sys.stdout.isatty() and width > STDOUT.width:
        names, width = _fit(records, names, width)
    console = _Console(width=width)
    with console.capture() as capture:
        console.print(_build_table(records, names))
    return capture.get().encode(sys.stdout.encoding, "backslashreplace")


def _fit(records: list[dict[str, str]], names: tuple[str, ...], width: int) -> tuple[tuple[str, ...], int]:
    """Choose columns and width for a terminal narrower than *width*, so that nothing is lost and little is folded."""
    ids = {(record.get("organization"), record["organization_id"]) for record in records}
    if len(ids) == len({organization for organization, _ in ids}):
        note(_describe_left_out(sorted({organization_id for _, organization_id in ids})))
        names = tuple(name for name in names if name != "organization_id")
        width = _natural_width(_build_table(records, names))
    folded = [name for name in names if name in _ID_FIELDS]
    id_width = sum(max(cell_len(record[name]) for record in records) for name in folded)
    # A terminal shows long lines on several of its own, which is right for one too narrow to fold the ids.
    can_fold = STDOUT.width - (width - id_width) >= len(folded) * _NARROWEST_ID
    return names, STDOUT.width if can_fold else width


def _describe_left_out(organization_ids: list[str]) -> str:
    if len(organization_ids) == 1:
        return f"all of organization {organization_ids[0]}"
    return "no room for organization_id; --format csv has it"


def _build_table(records: list[dict[str, str]], names: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names:
        table.add_column(name, no_wrap=name not in _ID_FIELDS, overflow="fold")
    for record in records:
        table.add_row(*(Text(record[name]) for name in names))  # as Text, in which rich sees no markup
    return table


def _natural_width(table: Table) -> int:
    return _Console(width=sys.maxsize).measure(table).maximum


def printable(text: str) -> str:
    """Escape what could steer a terminal or break the line."""
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
    Thread(target=_write_and_tell, args=(data, written), daemon=True).start()
    await asyncio.wrap_future(written)


def _write_and_tell(data: bytes, written: Future[None]) -> None:
    written.set_running_or_notify_cancel()
    try:
        write(data)
    except OSError as error:
        written.set_exception(error)
    else:
        written.set_result(None)


def note(text: str) -> None:
    sys.stderr.write(f"contactship: {printable(text)}\n")
