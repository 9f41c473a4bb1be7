"""A file of contacts to call: what each of its lines says, and what is wrong with it. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final, Literal, TypeAlias

from attrs import field, frozen

from contactship_async.contact_files import Remark, Row, find_fault, name_wrong_separator, read_number, read_rows

ContactColumn: TypeAlias = Literal["to_number", "contact_id"]
IdentityColumn: TypeAlias = Literal["key", "to_number", "contact_id"]

_OF_NUMBERS: Final = ("full_name", "email", "country")
"""The columns that go with `to_number`: a contact of the organization has them already."""

_HEADER: Final = "the first line must name the columns: to_number and full_name, or contact_id"


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
    columns, rows = read_rows(file, wanted=_HEADER, check=_check_columns)
    contact: ContactColumn = "contact_id" if "contact_id" in columns else "to_number"
    header = Header(columns, contact, "key" if "key" in columns else contact)
    return header, _read_each(header, rows)


def _read_each(header: Header, rows: Iterable[Row | Remark]) -> Iterator[Contact | Remark]:
    for row in rows:
        if isinstance(row, Remark):
            yield row
        else:
            yield from _read_contact(header, row)


def _read_contact(header: Header, row: Row) -> Iterator[Contact | Remark]:
    cells = dict(row.cells)
    own = [header.contact, *(_OF_NUMBERS if header.contact == "to_number" else ()), "key"]
    required = [name for name in own if name in cells and name not in {"email", "country"}]
    if fault := find_fault(row, names=own, required=required):
        yield Remark(row.line, fault)
        return
    if header.contact == "to_number":
        written = cells["to_number"]
        try:
            number = cells["to_number"] = read_number(written)
        except ValueError as error:
            yield Remark(row.line, str(error))
            return
        if number != written:
            yield Remark(row.line, f"has the number {written}, which is dialled as {number}", is_problem=False)
    arguments: dict[str, str | Mapping[str, str]] = {
        name: cells[name] for name in own if name != "key" and cells.get(name)
    }
    if data := {name: value for name, value in cells.items() if value and name not in own}:
        arguments["additional_data"] = data
    yield Contact(row.line, cells[header.identity], arguments)


def _check_columns(names: Sequence[str]) -> str:
    """Return what is wrong with the columns of a file; an empty string if nothing is."""
    columns = {*names}
    if columns >= {"to_number", "contact_id"}:
        return "a file has to_number or contact_id, not both"
    if "contact_id" in columns:
        also = [name for name in _OF_NUMBERS if name in columns]
        return f"{also[0]} goes with to_number: a contact of the organization has it already" if also else ""
    if "to_number" not in columns:
        return _HEADER + name_wrong_separator(names)
    return "" if "full_name" in columns else "to_number needs a column full_name"
