"""The lines of a file of contacts to import: what each of them says, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from attrs import field, frozen

from contactship_async.contact_files import Remark, Row, find_fault, name_wrong_separator, read_number, read_rows
from contactship_async.models.contact_import import ContactInput
from contactship_async.models.contacts import ContactField

REQUIRED: Final = ("phone_number", "full_name")
OPTIONAL: Final = ("country", "email")

_HEADER: Final = "the first line must name the columns: phone_number and full_name, perhaps country and email"


@frozen
class Line:
    """A line of a file.

    Args:
        line: The number of its first line, from 1.
        contact: As it is to be.
    """

    line: int
    contact: ContactInput = field(repr=False)


def read_lines(file: BinaryIO, fields: Mapping[str, str]) -> tuple[Sequence[str], Iterator[Line | Remark]]:
    """Read a csv file of contacts.

    A cell without a value is left out, so that a contact that is there already keeps what it has. Where the number of
    a contact was written in another form, or an earlier line has it, a remark comes before the contact.

    Args:
        file: Open for reading bytes, at its beginning.
        fields: The columns that become additional data, with their types.

    Returns:
        The columns that are not imported, and each contact or what keeps it from being imported, in order.

    Raises:
        ContactFileError: The first line can't be used.
    """
    known = {*REQUIRED, *OPTIONAL, *fields}

    def check(names: Sequence[str]) -> str:
        missing = [name for name in REQUIRED if name not in names]
        if len(missing) == len(REQUIRED):
            return _HEADER + name_wrong_separator(names)
        if missing:
            return f"there is no column {missing[0]}"
        absent = [name for name in fields if name not in names]
        return f"there is no column {absent[0]!r}, which --additional-data names" if absent else ""

    columns, rows = read_rows(file, wanted=_HEADER, check=check)
    own = [name for name in columns if name in known]
    return [name for name in columns if name not in known], _read_each(rows, own, fields)


def _read_each(rows: Iterable[Row | Remark], own: Sequence[str], fields: Mapping[str, str]) -> Iterator[Line | Remark]:
    lines: dict[str, int] = {}
    for row in rows:
        if isinstance(row, Remark):
            yield row
            continue
        if fault := find_fault(row, names=[name for name in own if name not in fields], required=REQUIRED):
            yield Remark(row.line, fault)
            continue
        written = row.cells["phone_number"]
        try:
            number = read_number(written)
        except ValueError as error:
            yield Remark(row.line, str(error))
            continue
        if number != written:
            yield Remark(row.line, f"has the number {written}, which is kept as {number}", is_problem=False)
        if number in lines:
            text = f"has the phone_number of line {lines[number]}: both are one contact, and this line comes last"
            yield Remark(row.line, text, is_problem=False)
        lines[number] = row.line
        yield Line(row.line, _make_contact(number, row.cells, fields))


def _make_contact(number: str, cells: Mapping[str, str], fields: Mapping[str, str]) -> ContactInput:
    data = [ContactField(kind, name, cells[name]) for name, kind in fields.items() if cells[name]]
    given = {name: cells[name] for name in OPTIONAL if cells.get(name)}
    return ContactInput(phone_number=number, full_name=cells["full_name"], additional_data=data or None, **given)
