"""The command `contacts import`: brings the contacts of a file to the organization, however often it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import CycloptsError, Parameter

from contactship_async._cli import event_loop
from contactship_async._cli.commands import KEY
from contactship_async._cli.confirmation import confirm
from contactship_async._cli.contacts.lines import OPTIONAL, REQUIRED, Line, read_lines
from contactship_async._cli.contacts.running import Running
from contactship_async._cli.options import PositiveInt, make_command
from contactship_async._cli.output import Format, Output
from contactship_async._cli.streams import note
from contactship_async._cli.target import Target, options_for_one
from contactship_async._cli.text import printable
from contactship_async.contact_files import ContactFileError, Remark

_HELP: Final = f"""Import the contacts of a csv file: create those that are new, and update those that differ.

The first line names the columns: phone_number and full_name, perhaps country and email. The phone number tells a
contact from others. A contact that is there already keeps what the file does not have: an empty cell changes nothing.

The whole file is checked before anything is sent. It is safe to run again, after a crash or Ctrl-C too: it ends in the
same contacts. It prints what became of each line.

{KEY}"""

_REFUSAL: Final = "this creates and changes contacts: add --yes to do it without being asked"

_DRY_FIELDS: Final = ("line", "phone_number", "full_name", "country", "email", "additional_data")


def import_file(  # noqa: PLR0913 - the options of a command
    file: Path,
    *,
    additional_data: Annotated[list[str] | None, Parameter()] = None,
    concurrency: PositiveInt = 8,
    dry_run: bool = False,
    yes: bool = False,
    format: Format = "table",  # noqa: A002 - the name of the option
    **target: Any,
) -> int:
    """Import the contacts of a file, and return the exit code.

    Args:
        file: A csv file in UTF-8.
        additional_data: A column that becomes a field of additional data, as COLUMN, or as COLUMN=TYPE where it is no
            text but a number or a date, say; give the option once for each. Other columns are not imported.
        concurrency: How many contacts to import concurrently.
        dry_run: Only check the file, and print its contacts.
        yes: Import them without asking.
        format: json is one array, jsonl one object per line, csv has a header. jsonl and csv are printed as the
            contacts are imported.
        target: Those of `Target` that one organization has.

    Raises:
        CycloptsError: An argument or the file can't be used, or nobody said yes.
        ContactshipError: What ends the import, such as a wrong key.
    """
    organization = Target(**target)
    if not dry_run:
        organization.check_key()
    lines = _read(file, _read_fields(additional_data or []))
    if dry_run:
        return _print_lines(lines, format)
    question = f"create these contacts, or update those that are there: {len(lines)} of {printable(str(file))}?"
    if not confirm(question, yes=yes or organization.sandbox, refusal=_REFUSAL):
        note("nothing was imported")
        return 1
    return Running(lines, format, organization, concurrency).run()


import_: Final = make_command(import_file, "import", options_for_one(import_file), _HELP)
"""The command."""


def _read_fields(texts: Sequence[str]) -> dict[str, str]:
    """Return the columns that become additional data, with their types."""
    fields: dict[str, str] = {}
    for text in texts:
        name, equals, kind = text.partition("=")
        if not name or (equals and not kind):
            message = f"--additional-data must be COLUMN or COLUMN=TYPE, such as since=date, not {text!r}"
            raise CycloptsError(message)
        if name in {*REQUIRED, *OPTIONAL}:
            message = f"--additional-data must be another column than {name}, which is imported as it is"
            raise CycloptsError(message)
        if name in fields:
            message = f"--additional-data has {name!r} twice"
            raise CycloptsError(message)
        fields[name] = kind or "text"
    return fields


def _read(path: Path, fields: Mapping[str, str]) -> list[Line]:
    """Read a whole file, and tell of its lines what there is to say.

    Raises:
        CycloptsError: A line can't be used.
    """
    lines: list[Line] = []
    problems = 0
    try:
        with path.open("rb") as file:
            left_out, rows = read_lines(file, fields)
            for row in rows:
                if isinstance(row, Remark):
                    note(f"line {row.line} {row.text}")
                    problems += row.is_problem
                else:
                    lines.append(row)
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}"
        raise CycloptsError(message) from None
    except ContactFileError as error:
        message = f"nothing was sent: {error}"
        raise CycloptsError(message) from None
    if problems:
        message = f"nothing was sent: {problems} {'lines' if problems > 1 else 'line'} can't be used as told above"
        raise CycloptsError(message)
    if not lines:
        message = "nothing was sent: the file has no contacts"
        raise CycloptsError(message)
    if left_out:
        note(f"not imported, as no --additional-data names them: {', '.join(left_out)}")
    return lines


def _print_lines(lines: Sequence[Line], format_: Format) -> int:
    output = Output(format_, fields=_DRY_FIELDS, noun="contacts")
    rows = [
        {
            "line": each.line,
            "phone_number": each.contact.phone_number,
            "full_name": each.contact.full_name,
            "country": each.contact.country,
            "email": each.contact.email,
            "additional_data": [field.to_dict() for field in each.contact.additional_data or ()] or None,
        }
        for each in lines
    ]
    event_loop.run(output.add(rows))
    output.end(failures=0)
    return 0
