"""Files of contacts: the rows of a csv file, its phone numbers, and what is wrong with a line. Nothing is guessed."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final, TypeAlias
from unicodedata import category

from attrs import field, frozen

from contactship_async.errors import ContactshipError

__all__ = [
    "NUMBER",
    "ContactFileError",
    "Remark",
    "Row",
    "find_fault",
    "name_wrong_separator",
    "read_number",
    "read_rows",
]

NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A phone number as it is dialled (E.164). Source: https://www.itu.int/rec/T-REC-E.164"""

_DROPPED: Final = re.compile(r"[ \t\u00a0\u2007\u2009\u202f().\[\]\u2010-\u2015\u2212-]")
_SHORT_FORM: Final = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_TRUNK_PREFIX: Final = re.compile(r"[(\[]\s*0")
_FRACTION: Final = re.compile(r"[.,]0+$")

_MAX_LINE_BYTES: Final = 2**20
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF_8_MARK: Final = b"\xef\xbb\xbf"


class ContactFileError(ContactshipError, ValueError):
    """A file of contacts can't be used as it is; nothing was sent because of it."""


@frozen
class Remark:
    """What there is to say about a line of a file.

    Args:
        line: Its number, from 1.
        text: The rest of a sentence that begins with the line. It may quote a phone number that was written in
            another form than it is dialled.
        is_problem: Whether the file can't be used as long as the line is as it is.
    """

    line: int
    text: str = field(repr=False)
    is_problem: bool = True


@frozen
class Row:
    """What a line says.

    Args:
        line: The number of its first line, from 1.
        cells: Its values by the names of their columns, without blanks around them; one at least is not empty.
    """

    line: int
    cells: Mapping[str, str] = field(repr=False)


def read_rows(
    file: BinaryIO, *, wanted: str, check: Callable[[Sequence[str]], str]
) -> tuple[Sequence[str], Iterator[Row | Remark]]:
    """Read a csv file (RFC 4180, UTF-8) whose first line names its columns.

    No more than a line is kept in memory.

    Args:
        file: Open for reading bytes, at its beginning.
        wanted: Says of what the first line must consist, for an empty file.
        check: Takes the names of the columns, and returns what is wrong with them; an empty string if nothing is.

    Returns:
        The names of the columns, and each row or what keeps it from being used, in order.

    Raises:
        ContactFileError: The first line can't be used.
    """
    lines = _Lines(file)
    records = _read_records(lines)
    first = next(records, None)
    if first is None:
        message = f"the file is empty: {wanted}"
        raise ContactFileError(message)
    if isinstance(first, Remark):
        message = f"line {first.line} {first.text}"
        raise ContactFileError(message)
    line, written = first
    names = tuple(name.strip() for name in written)
    fault = check(names)
    if not fault and "" in names:
        fault = f"column {names.index('') + 1} has no name"
    if not fault and len({*names}) < len(names):
        fault = f"two columns are named {next(name for name in names if names.count(name) > 1)!r}"
    if fault:
        message = f"line {line}: {fault}"
        raise ContactFileError(message)
    return names, _read_rows(names, records)


def name_wrong_separator(names: Sequence[str]) -> str:
    """Return what to add to a complaint about the columns where they are not separated by commas."""
    only = names[0] if len(names) == 1 else ""
    return ", separated by commas" if ";" in only or "\t" in only else ""


def find_fault(row: Row, *, names: Sequence[str], required: Iterable[str]) -> str:
    """Return what is wrong with some values of a row, as the text of a remark; an empty string if nothing is.

    Args:
        row: The row.
        names: The columns whose values are read.
        required: Those of them that must have a value.
    """
    if missing := [name for name in required if not row.cells[name]]:
        return f"has no {' and no '.join(missing)}"
    if odd := [name for name in names if any(category(c) == "Cc" for c in row.cells.get(name, ""))]:
        return f"has a line break or another control character in its {odd[0]}: is a quote missing?"
    return ""


def read_number(text: str) -> str:
    """Return a phone number in E.164: what only separates digits is dropped, and nothing is guessed.

    Raises:
        ValueError: It may be another number than the one that was meant; the error is the text of a remark.
    """
    number = _DROPPED.sub("", text)
    odd = [c for c in number[1:] if c not in "0123456789"]
    if _SHORT_FORM.fullmatch(text):
        fault = "in a spreadsheet's short form, such as 1.2E+10, which lacks digits: format that column as text"
    elif _FRACTION.search(text):
        fault = "with a fraction, such as .0, from a spreadsheet: format that column as text"
    elif _TRUNK_PREFIX.search(text):
        fault = "with a 0 in brackets, which may or may not be dialled: write it as it is dialled from abroad"
    elif NUMBER.fullmatch(number):
        return number
    elif not number.startswith("+"):
        fault = "without a plus, as in +12025550142: which country it is in is not guessed"
    elif odd:
        fault = f"with {_name_character(odd[0])}, which is no digit"
    else:
        fault = "that is none: it must be a plus and 7 to 15 digits, the first of them not 0"
    message = f"has a number {fault}"
    raise ValueError(message)


def _read_rows(names: Sequence[str], records: Iterable[_Record]) -> Iterator[Row | Remark]:
    for record in records:
        if isinstance(record, Remark):
            yield record
            continue
        line, values = record
        if len(values) != len(names):
            yield Remark(line, f"has {len(values)} values, but the header {len(names)} columns")
            continue
        cells = {name: value.strip() for name, value in zip(names, values, strict=True)}
        yield Row(line, cells) if any(cells.values()) else Remark(line, "is empty")


def _name_character(character: str) -> str:
    return repr(character) if character.isascii() and character.isprintable() else f"U+{ord(character):04X}"


_Record: TypeAlias = tuple[int, list[str]] | Remark
"""The number of its first line and its values, or what is wrong with it."""


def _read_records(lines: _Lines) -> Iterator[_Record]:
    reader = csv.reader(lines, strict=True)
    while True:
        first = lines.count + 1
        values: list[str] = []
        fault = ""
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = _describe(error)
        if fault or lines.faults:
            yield Remark(first, lines.faults[0] if lines.faults else fault)
        elif values:
            yield first, values
        lines.faults.clear()


def _describe(error: csv.Error) -> str:
    text = str(error)
    if "new-line" in text:
        return "has a carriage return (CR) that ends no line: save the file with the line ends of this system"
    if "field larger" in text or "end of data" in text:
        return "has a quote that is not closed"
    return "has a quote amid a value: a value with quotes stands in quotes, and each of its own is doubled"


class _Lines:
    """The lines of a file as strings.

    Attributes:
        count: How many there were so far.
        faults: What is wrong with those since the last record.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0
        self.faults: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        data = self._file.readline(_MAX_LINE_BYTES)
        if not data:
            raise StopIteration
        self.count += 1
        if len(data) == _MAX_LINE_BYTES and not data.endswith(b"\n"):
            self.faults.append(f"is longer than {_MAX_LINE_BYTES} bytes")
            rest = data
            while rest and not rest.endswith(b"\n"):
                rest = self._file.readline(_MAX_LINE_BYTES)
            return "\n"
        if self.count == 1:
            if data.startswith(_UTF_16) or b"\0" in data:
                self.faults.append("is UTF-16 text, or none: save the file as UTF-8")
                return "\n"
            data = data.removeprefix(_UTF_8_MARK)
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.faults.append("is not UTF-8: save the file as UTF-8 (CSV UTF-8 in Excel)")
            return data.decode(errors="replace")
