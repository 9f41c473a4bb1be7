"""What the command line prints: phone numbers in their formats on standard output, notes on standard error."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable
from typing import Final, Literal, NoReturn

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


class _Console(Console):
    """Standard output for help and tables."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError  # rich would exit with code 1


STDOUT = _Console()


class Output:
    """Prints phone numbers to standard output: page by page where the format allows it, otherwise at the end."""

    def __init__(self, format_: Format) -> None:
        self.streams = format_ in {"jsonl", "csv"}
        self._format = format_
        self._rows: list[PhoneNumber] = []
        self._has_begun = False

    def add(self, rows: Iterable[PhoneNumber]) -> None:
        self._rows.extend(rows)
        if self.streams:
            self._print()

    def end(self, *, complete: bool) -> None:
        """Print what is left; of a *complete* listing also that it is empty."""
        if self._rows or complete:
            self._print()

    def _print(self) -> None:
        write(self._encode([{name: getattr(row, name) for name in FIELDS} for row in self._rows]))
        self._rows.clear()
        self._has_begun = True

    def _encode(self, records: list[dict[str, object]]) -> bytes:
        if self._format == "table":
            return _encode_table(msgspec.to_builtins(records))
        if self._format == "json":
            return msgspec.json.encode(records) + b"\n"
        if self._format == "jsonl":
            return msgspec.json.Encoder().encode_lines(records)
        lines = io.StringIO()
        writer = csv.DictWriter(lines, FIELDS, lineterminator="\n")
        if not self._has_begun:
            writer.writeheader()
        writer.writerows(msgspec.to_builtins(records))
        return lines.getvalue().encode()


def _encode_table(records: list[dict[str, str]]) -> bytes:
    if not records:
        note("no phone numbers")
        return b""
    records = [{name: _printable(text) for name, text in record.items()} for record in records]
    names: tuple[str, ...] = FIELDS
    width = _natural_width(_build_table(records, names))
    if sys.stdout.isatty() and width > STDOUT.width:
        names, width = _fit(records, width)
    console = _Console(width=width)
    with console.capture() as capture:
        console.print(_build_table(records, names))
    return capture.get().encode(sys.stdout.encoding, "backslashreplace")


def _fit(records: list[dict[str, str]], width: int) -> tuple[tuple[str, ...], int]:
    """Choose columns and width for a terminal narrower than *width*, so that nothing is lost and little is folded."""
    names: tuple[str, ...] = FIELDS
    organizations = {record["organization_id"] for record in records}
    if len(organizations) == 1:
        note(f"all of organization {organizations.pop()}")
        names = tuple(name for name in FIELDS if name != "organization_id")
        width = _natural_width(_build_table(records, names))
    folded = [name for name in names if name in _ID_FIELDS]
    id_width = sum(max(cell_len(record[name]) for record in records) for name in folded)
    # A terminal shows long lines on several of its own, which is right for one too narrow to fold the ids.
    can_fold = STDOUT.width - (width - id_width) >= len(folded) * _NARROWEST_ID
    return names, STDOUT.width if can_fold else width


def _build_table(records: list[dict[str, str]], names: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names:
        table.add_column(name, no_wrap=name not in _ID_FIELDS, overflow="fold")
    for record in records:
        table.add_row(*(Text(record[name]) for name in names))  # as Text, in which rich sees no markup
    return table


def _natural_width(table: Table) -> int:
    return _Console(width=sys.maxsize).measure(table).maximum


def _printable(text: str) -> str:
    """Escape what could steer a terminal or break the line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write(data: bytes) -> None:
    # Bytes, so that neither the locale nor the platform changes the data, and at once, so that no row is cut in two.
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    sys.stderr.write(f"contactship: {_printable(text)}\n")
