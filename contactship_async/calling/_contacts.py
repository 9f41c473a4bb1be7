"""A file of contacts to call: what each of its lines says, and what is wrong with it. Nothing is guessed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final, Literal, TypeAlias
from unicodedata import category

from attrs import field, frozen

from contactship_async.errors import ContactshipError

ContactColumn: TypeAlias = Literal["to_number", "contact_id"]
IdentityColumn: TypeAlias = Literal["key", "to_number", "contact_id"]

NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A phone number as it is dialled (E.164). Source: https://www.itu.int/rec/T-REC-E.164"""

_OF_NUMBERS: Final = ("full_name", "email", "country")
"""The columns that go with `to_number`: a contact of the organization has them already."""

_DROPPED: Final = re.compile(r"[ \t\u00a0\u2007\u2009\u202f().\[\]\u2010-\u2015\u2212-]")
_SHORT_FORM: Final = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_TRUNK_PREFIX: Final = re.compile(r"[(\[]\s*0")
_FRACTION: Final = re.compile(r"[.,]0+$")

_MAX_LINE_BYTES: Final = 2**20
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF_8_MARK: Final = b"\xef\xbb\xbf"

_HEADER: Final = "the first line must name the columns: to_number and full_name, or contact_id"


class ContactFileError(ContactshipError, ValueError):
    """A file of contacts can't be used as it is; nobody was called because of it."""


@frozen
class Remark:
    """What there is to say about a line of a file.

    Args:
        line: Its number, from 1.
        text: The rest of a sentence that begins with the line. It may quote a phone number that was written in
            another form than it is dialled.
        is_problem: Whether nobody is called as long as the line is as it is.
    """

    line: int
    text: str = field(repr=False)
    is_problem: bool = True


@frozen
class Contact:
    """A line of a file: whom to call.

    Args:
        line: The number of its first line, from 1.
        identity: Its key, else its number or its contact id: what makes it the same contact in another run.
        arguments: Those of `calls.make_phone_call`, or of `calls.make_contact_call`, that the line has.
    """

    line: int
    identity: str = field(repr=False)
    arguments: Mapping[str, str | Mapping[str, str]] = field(repr=False)


@frozen
class Header:
    """The first line of a file.

    Args:
        columns: Their names.
        contact: The column that says whom to call.
        identity: The column that tells a contact from others.
    """

    columns: Sequence[str]
    contact: ContactColumn
    identity: IdentityColumn


def read_contacts(file: BinaryIO) -> tuple[Header, Iterator[Contact | Remark]]:
    """Read a csv file (RFC 4180, UTF-8) whose first line names its columns.

    They are `to_number` and `full_name`, and perhaps `email` and `country`; or `contact_id`. A `key`, if there is one,
    is what tells a contact from others. Every other column becomes `additional_data`, by its name. Blanks around a
    value are dropped, and a cell without a value is left out.

    No more than a line is kept in memory.

    Args:
        file: Open for reading bytes, at its beginning.

    Returns:
        The header, and each contact or what keeps it from being called, in order; where the number of a contact was
        written in another form, a remark comes before the contact.

    Raises:
        ContactFileError: There is no header, or none that says whom to call.
    """
    lines = _Lines(file)
    records = _read_records(lines)
    first = next(records, None)
    if first is None:
        message = f"the file is empty: {_HEADER}"
        raise ContactFileError(message)
    if isinstance(first, Remark):
        message = f"line {first.line} {first.text}"
        raise ContactFileError(message)
    line, names = first
    header = _read_header(line, [name.strip() for name in names])
    return header, _read_rows(header, records)


def _read_rows(header: Header, records: Iterable[_Record]) -> Iterator[Contact | Remark]:
    for record in records:
        if isinstance(record, Remark):
            yield record
            continue
        line, values = record
        if len(values) != len(header.columns):
            yield Remark(line, f"has {len(values)} values, but the header {len(header.columns)} columns")
            continue
        cells = {name: value.strip() for name, value in zip(header.columns, values, strict=True)}
        if not any(cells.values()):
            yield Remark(line, "is empty")
        else:
            yield from _read_contact(header, line, cells)


def _read_contact(header: Header, line: int, cells: dict[str, str]) -> Iterator[Contact | Remark]:
    own = [header.contact, *(_OF_NUMBERS if header.contact == "to_number" else ()), "key"]
    required = [name for name in own if name in cells and name not in {"email", "country"}]
    if missing := [name for name in required if not cells[name]]:
        yield Remark(line, f"has no {' and no '.join(missing)}")
        return
    if odd := [name for name in own if any(category(c) == "Cc" for c in cells.get(name, ""))]:
        yield Remark(line, f"has a line break or another control character in its {odd[0]}: is a quote missing?")
        return
    if header.contact == "to_number":
        written = cells["to_number"]
        number = _read_number(written)
        if isinstance(number, _Refused):
            yield Remark(line, number.text)
            return
        if number != written:
            yield Remark(line, f"has the number {written}, which is dialled as {number}", is_problem=False)
        cells["to_number"] = number
    arguments: dict[str, str | Mapping[str, str]] = {
        name: cells[name] for name in own if name != "key" and cells.get(name)
    }
    if data := {name: value for name, value in cells.items() if value and name not in own}:
        arguments["additional_data"] = data
    yield Contact(line, cells[header.identity], arguments)


@frozen
class _Refused:
    text: str


def _read_number(text: str) -> str | _Refused:
    """Drop what only separates digits; whatever could make another number of it is refused."""
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
    return _Refused(f"has a number {fault}")


def _name_character(character: str) -> str:
    return repr(character) if character.isascii() and character.isprintable() else f"U+{ord(character):04X}"


def _read_header(line: int, names: list[str]) -> Header:
    columns = {*names}
    fault = ""
    if columns >= {"to_number", "contact_id"}:
        fault = "a file has to_number or contact_id, not both"
    elif "contact_id" in columns:
        if also := [name for name in _OF_NUMBERS if name in columns]:
            fault = f"{also[0]} goes with to_number: a contact of the organization has it already"
    elif "to_number" not in columns:
        only = names[0] if len(names) == 1 else ""
        fault = f"{_HEADER}{', separated by commas' if ';' in only or chr(9) in only else ''}"
    elif "full_name" not in columns:
        fault = "to_number needs a column full_name"
    if not fault and "" in columns:
        fault = f"column {names.index('') + 1} has no name"
    if not fault and len(columns) < len(names):
        fault = f"two columns are named {next(name for name in names if names.count(name) > 1)!r}"
    if fault:
        message = f"line {line}: {fault}"
        raise ContactFileError(message)
    contact: ContactColumn = "contact_id" if "contact_id" in columns else "to_number"
    return Header(tuple(names), contact, "key" if "key" in columns else contact)


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
