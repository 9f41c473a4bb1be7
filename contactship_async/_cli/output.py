"""What the command line prints on standard output: rows and objects in their formats."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NoReturn

import attrs
import msgspec
from rich.console import Console

from contactship_async._cli.streams import LineWriter, note, write_lines
from contactship_async._cli.table import draw, draw_block, draw_blocks, find_folds, lay_out
from contactship_async._cli.text import measure, printable, printable_json

_NAME: Final = re.compile(r'( *)"(?:[^"\\]|\\.)*": (?=["\d-])')
"""Of a string or a number, with the blanks before it."""

Format = Literal["table", "json", "jsonl", "csv"]


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

    Attributes:
        streams: Whether rows are printed as they come.
        printed: How many rows are out already, of each organization.
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
        self.printed = dict.fromkeys(self._rows, 0)
        self._has_begun = False
        self._left_out: set[str] = set()
        self._writer = LineWriter()

    async def add(self, rows: Iterable[object], organization: str = "") -> None:
        """Take *rows*, and print them if the format allows it; the event loop runs on meanwhile."""

        def count(printed: int) -> None:
            self.printed[organization] += printed

        self._rows[organization].extend(rows)
        if self.streams:
            await self._writer.write(self._take(), count)

    def stop(self) -> None:
        """Print nothing more, at Ctrl-C: `printed` is final."""
        self._writer.stop()

    def end(self, *, failures: int) -> None:
        """Print what is left; unless all listings are *failures*, also that there is nothing."""
        if failures < len(self._rows) or any(self._rows.values()):
            write_lines(self._take())

    def _take(self) -> list[bytes]:
        records: list[dict[str, Any]] = []
        for organization, rows in self._rows.items():
            first: dict[str, Any] = {"organization": organization} if organization else {}
            records += [first | read_record(row) | first for row in rows]
            rows.clear()
        return self._encode(records)

    def _encode(self, records: list[dict[str, Any]]) -> list[bytes]:
        if self._format == "json":
            return encode_json(records)
        if self._format == "jsonl":
            return [_show(msgspec.json.encode(record) + b"\n") for record in records]
        if self._fields is None and records:
            self._fields = [*dict.fromkeys(name for record in records for name in record)]
        if self._format == "csv":
            return self._encode_csv(records, self._fields or [])
        if not records:
            note(f"no {self._noun}")
            return []
        return _encode_table(records, self._fields or [])

    def _encode_csv(self, records: list[dict[str, Any]], fields: list[str]) -> list[bytes]:
        write = (lambda value: printable(write_cell(value))) if sys.stdout.isatty() else write_cell

        def encode(cells: Mapping[str, str]) -> bytes:
            line = io.StringIO()
            csv.DictWriter(line, fields, extrasaction="ignore", lineterminator="\n").writerow(cells)
            return line.getvalue().encode()

        lines = [encode({name: write(value) for name, value in record.items()}) for record in records]
        if fields and not self._has_begun:
            lines[:1] = [encode({name: name for name in fields}) + b"".join(lines[:1])]
            self._has_begun = True
        new = {name for record in records for name in record if name not in fields} - self._left_out
        if new:
            self._left_out |= new
            note(f"no columns for {', '.join(sorted(new))}, which the first rows lack; --format jsonl has all")
        return lines


def _show(data: bytes) -> bytes:
    """Return JSON for standard output: as it is, but for what could control a terminal."""
    return printable_json(data.decode()).encode() if sys.stdout.isatty() else data


def encode_json(value: object) -> list[bytes]:
    """Return the lines of a JSON value: indented at a terminal, where a person reads it, otherwise a single one."""
    data = msgspec.json.encode(value)
    if not sys.stdout.isatty():
        return [data + b"\n"]
    text = printable_json(msgspec.json.format(data, indent=2).decode())
    lines = [piece for line in text.split("\n") for piece in _fold_json(line, STDOUT.width)]
    return [f"{line}\n".encode(sys.stdout.encoding, "backslashreplace") for line in lines]


def _fold_json(line: str, room: int) -> Iterator[str]:
    """Break a line that has no room after the name, so that an id is in one piece."""
    name = _NAME.match(line)
    if name is None or measure(line) <= room:
        yield line
    else:
        yield name[0].rstrip()
        yield f"{name[1]}  {line.removeprefix(name[0])}"


def encode_object(value: object, format_: Literal["table", "json"]) -> list[bytes]:
    """Return what is printed of a single object: JSON, or a table with a line for each field."""
    record = read_record(value)
    if format_ == "json":
        return encode_json(record)
    pairs = [{"field": name, "value": content} for name, content in record.items()]
    return _encode_table(pairs, ["field", "value"], draw_narrow=_draw_pairs)


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


def _write_to_be_read(value: object) -> str:
    """Return what stands in a cell at a terminal: JSON with blanks to be folded at, and without what is null in it."""
    if value is None or isinstance(value, str):
        return write_cell(value)
    return msgspec.json.format(msgspec.json.encode(_without_nulls(value)), indent=0).decode()


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(content) for name, content in value.items() if content is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _draw_pairs(records: Sequence[Mapping[str, str]], _: Sequence[str], room: int) -> str:
    return draw_block([(record["field"], record["value"]) for record in records], room)


def _encode_table(
    records: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    draw_narrow: Callable[[Sequence[Mapping[str, str]], Sequence[str], int], str] = draw_blocks,
) -> list[bytes]:
    columns = {printable(name): name for name in names}
    room, write = (STDOUT.width, _write_to_be_read) if sys.stdout.isatty() else (sys.maxsize, write_cell)
    cells = [{column: printable(write(record.get(name))) for column, name in columns.items()} for record in records]
    layout = lay_out(cells, [*columns], room, find_folds(cells, [*columns]))
    if layout.note:
        note(layout.note)
    text = draw_narrow(cells, [*layout.widths], room) if layout.width > room else draw(cells, layout)
    return text.encode(sys.stdout.encoding, "backslashreplace").splitlines(keepends=True)
