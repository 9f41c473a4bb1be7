"""The lines of a file of contacts to import: what is read, and what is told of each that can't be."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest

from contactship_async._cli.contacts.lines import Line, read_lines
from contactship_async.contact_files import ContactFileError, Remark
from contactship_async.models.contact_import import ContactInput
from contactship_async.models.contacts import ContactField


def read(text: str, fields: Mapping[str, str] | None = None) -> tuple[list[str], list[Line | Remark]]:
    """Read a whole file."""
    left_out, rows = read_lines(io.BytesIO(text.encode()), fields or {})
    return [*left_out], [*rows]


def test_columns_by_name() -> None:
    """Those of the API are read, others where they are asked for, with their types; an empty cell is left out."""
    left_out, rows = read(
        "segment,email,phone_number,note,since,full_name,country\n"
        "retail,noor@example.com,+12025550142,hi,2026-05-04, Noor Haddad ,US\n"
        ',,+14155550137,,,"Doe, ""Jo""",\n',
        {"since": "date", "segment": "text"},
    )

    assert ["note"] == left_out
    since = ContactField("date", "since", "2026-05-04")
    segment = ContactField("text", "segment", "retail")
    assert [
        Line(
            2,
            ContactInput(
                phone_number="+12025550142",
                full_name="Noor Haddad",
                country="US",
                email="noor@example.com",
                additional_data=[since, segment],
            ),
        ),
        Line(3, ContactInput(phone_number="+14155550137", full_name='Doe, "Jo"')),
    ] == rows


def test_each_line_is_told_of() -> None:
    """As for calls; but a number twice is one contact, and its last line comes last. A field may have line breaks."""
    _, rows = read(
        "phone_number,full_name,note\n"
        "+1 (202) 555-0142,Max,\n"
        "2025550142,Max,\n"
        "+12025550142,,\n"
        '+12025550142,"Ma\nx",\n'
        "+12025550142,Noor,7,8\n"
        '+12025550142,Noor,"a\nb"\n'
        "+12025550142,Ada,\n",
        {"note": "text"},
    )

    assert [
        (2, "has the number +1 (202) 555-0142, which is kept as +12025550142", False),
        (3, "has a number without a plus, as in +12025550142: which country it is in is not guessed", True),
        (4, "has no full_name", True),
        (5, "has a line break or another control character in its full_name: is a quote missing?", True),
        (7, "has 4 values, but the header 3 columns", True),
        (8, "has the phone_number of line 2: both are one contact, and this line comes last", False),
        (10, "has the phone_number of line 8: both are one contact, and this line comes last", False),
    ] == [(row.line, row.text, row.is_problem) for row in rows if isinstance(row, Remark)]
    assert [(2, "Max", None), (8, "Noor", "a\nb"), (10, "Ada", None)] == [
        (row.line, row.contact.full_name, row.contact.additional_data and row.contact.additional_data[0].value)
        for row in rows
        if isinstance(row, Line)
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty: the first line must name the columns: phone_number and full_name, perhaps"),
        ("Noor,+12025550142\n", "line 1: the first line must name the columns: phone_number and full_name, perhaps"),
        ("phone_number;full_name\n", "country and email, separated by commas"),
        ("to_number,full_name\n", "line 1: there is no column phone_number"),
        ("phone_number,name\n", "line 1: there is no column full_name"),
        ("phone_number,full_name\n", "line 1: there is no column 'since', which --additional-data names"),
        ("phone_number,full_name,since,\n", "line 1: column 4 has no name"),
        ("phone_number,full_name,since,since\n", "line 1: two columns are named 'since'"),
    ],
)
def test_no_header(text: str, told: str) -> None:
    """Without one that has what is needed, nothing else of the file is read."""
    with pytest.raises(ContactFileError) as caught:
        read(text, {"since": "date"})

    assert told in str(caught.value)
