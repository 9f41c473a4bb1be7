"""The file of contacts: what is read, and what is told of each line that can't be."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactship_async.calling import Contact, ContactFileError, Header, Remark, read_contacts

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def read(text: str | bytes) -> tuple[Header, list[Contact | Remark]]:
    """Read a whole file."""
    data = text.encode() if isinstance(text, str) else text
    header, rows = read_contacts(io.BytesIO(data))
    return header, [*rows]


def remarks_of(text: str | bytes) -> list[tuple[int, str]]:
    """Return the remarks of a file, with their lines."""
    return [(row.line, row.text) for row in read(text)[1] if isinstance(row, Remark)]


def test_reads_numbers() -> None:
    """Known columns are arguments of the call, all others data; a cell without a value is left out."""
    header, rows = read(
        "to_number,full_name,email,country,order,note\n"
        "+12025550142,Noor Haddad,noor@example.com,US,A-1881,\n"
        '+14155550137,"Doe, ""Jo""",,,,"two\nlines"\n'
        "\n"
        "+14155550138, Max ,,,,\n"
    )

    assert ("to_number", "to_number") == (header.contact, header.identity)
    first = {"to_number": "+12025550142", "full_name": "Noor Haddad", "email": "noor@example.com", "country": "US"}
    assert rows == [
        Contact(2, "+12025550142", {**first, "additional_data": {"order": "A-1881"}}),
        Contact(
            3,
            "+14155550137",
            {"to_number": "+14155550137", "full_name": 'Doe, "Jo"', "additional_data": {"note": "two\nlines"}},
        ),
        Contact(6, "+14155550138", {"to_number": "+14155550138", "full_name": "Max"}),
    ]


def test_reads_contacts_of_the_organization() -> None:
    """They have an id, and a key where there is one."""
    header, rows = read("key,contact_id,order\n7,5b8e1d6a,A-1881\n")

    assert ("contact_id", "key") == (header.contact, header.identity)
    assert [Contact(2, "7", {"contact_id": "5b8e1d6a", "additional_data": {"order": "A-1881"}})] == rows


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_line_ends(mark: bytes, end: str) -> None:
    """UTF-8 with or without a mark, and the line ends of each system."""
    text = f"to_number,full_name{end}+12025550142,Zoë{end}"

    assert [Contact(2, "+12025550142", {"to_number": "+12025550142", "full_name": "Zoë"})] == read(
        mark + text.encode()
    )[1]


@pytest.mark.parametrize(
    "written",
    [
        "+1 202 555 0142",
        "+1-202-555-0142",
        "+1 (202) 555.0142",
        "+1[202]5550142",
        "+1\u00a0202\u202f555\u20110142",
        "+1 202 555 \u2013 0142",
    ],
)
def test_what_separates_digits_is_dropped_and_shown(written: str) -> None:
    """Spaces, dashes, dots and brackets are no part of a number."""
    _, rows = read(f"to_number,full_name\n{written},Max\n")

    assert [
        Remark(2, f"has the number {written}, which is dialled as +12025550142", is_problem=False),
        Contact(2, "+12025550142", {"to_number": "+12025550142", "full_name": "Max"}),
    ] == rows


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("12025550142", "without a plus"),
        ("0012025550142", "without a plus"),
        ("202 555 0142", "without a plus"),
        ("1.2E+10", "short form"),
        ('"1,2E+10"', "short form"),
        ("+1.2025550142E+10", "short form"),
        ("12025550142.0", "with a fraction"),
        ("+12025550142.0", "with a fraction"),
        ("+44 (0)20 7946 0018", "a 0 in brackets"),
        ("+44 ( 020) 7946 0018", "a 0 in brackets"),
        ("'+12025550142", "without a plus"),
        ("+1202555O142", "with 'O', which is no digit"),
        ("+12025550142 x7", "with 'x', which is no digit"),
        ("+\u0661\u0662\u0660\u0662\u0665\u0665\u0665", "with U+0661, which is no digit"),
        ("\u202a+12025550142", "without a plus"),
        ("+12025550142\u202c", "with U+202C, which is no digit"),
        ("+02025550142", "must be a plus and 7 to 15 digits"),
        ("+120255", "must be a plus and 7 to 15 digits"),
        ("+1202555014212025", "must be a plus and 7 to 15 digits"),
        ("+", "must be a plus and 7 to 15 digits"),
    ],
)
def test_nothing_is_guessed(written: str, told: str) -> None:
    """What may be another number than the one that was meant is refused."""
    [(line, text)] = remarks_of(f"to_number,full_name\n{written},Max\n")

    assert 2 == line
    assert told in text
    assert "2025550142" not in text.replace("+12025550142: which country", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("+12025550142,Max\n", "line 1: the first line must name the columns: to_number and full_name, or contact_id"),
        ("to_number;full_name\n", "or contact_id, separated by commas"),
        ("to_number\tfull_name\n", "or contact_id, separated by commas"),
        ("to_number,name\n", "line 1: to_number needs a column full_name"),
        ("to_number,contact_id,full_name\n", "line 1: a file has to_number or contact_id, not both"),
        ("contact_id,email\n", "line 1: email goes with to_number"),
        ("to_number,full_name,\n", "line 1: column 3 has no name"),
        ("\nto_number,full_name,a,a\n", "line 2: two columns are named 'a'"),
        ('"to_number,full_name\n', "line 1 has a quote that is not closed"),
        ("to_number,full_name\n".encode("utf-16"), "line 1 is UTF-16 text, or none: save the file as UTF-8"),
        ("to_number,full_name\n".encode("utf-16-be"), "line 1 is UTF-16 text, or none: save the file as UTF-8"),
        ("to_number,full_name,größe\n".encode("latin-1"), "line 1 is not UTF-8"),
        ("to_number,full_name\r+12025550142,Max\r", "line 1 has a carriage return (CR) that ends no line"),
    ],
)
def test_no_header(text: str | bytes, told: str) -> None:
    """Without one that says whom to call, nothing else of the file is read."""
    with pytest.raises(ContactFileError) as caught:
        read(text)

    assert told in str(caught.value)


def test_each_line_is_told_of() -> None:
    """What is wrong with one line does not hide what is wrong with others, and lines are those of the file."""
    text = (
        b"to_number,full_name,key\n"
        b"+12025550142,Max\n"
        b"+12025550142,Max,7,8\n"
        b",,\n"
        b"+12025550142,,\n"
        b"+12025550142,Zo\xeb,7\n"
        b'+12025550142,"Max\nMoritz",7\n'
        b'+12025550142,"Max"imum,7\n'
        b"+12025550142,Max,7\n"
        b'+12025550142,"Max,7\n'
    )

    assert [
        (2, "has 2 values, but the header 3 columns"),
        (3, "has 4 values, but the header 3 columns"),
        (4, "is empty"),
        (5, "has no full_name and no key"),
        (6, "is not UTF-8: save the file as UTF-8 (CSV UTF-8 in Excel)"),
        (7, "has a line break or another control character in its full_name: is a quote missing?"),
        (9, "has a quote amid a value: a value with quotes stands in quotes, and each of its own is doubled"),
        (11, "has a quote that is not closed"),
    ] == remarks_of(text)


class Endless(io.RawIOBase):
    """A file that repeats pieces up to a size, and is never in memory."""

    def __init__(self, pieces: Iterator[bytes], size: int) -> None:
        self._pieces = pieces
        self._left = size
        self._rest = b""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give the next bytes."""
        if not self._rest and self._left > 0:
            self._rest = next(self._pieces)
            self._left -= len(self._rest)
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize(
    ("piece", "size", "most"),
    [
        (b"+12025550142,Max\n" * 500, 2**17, 2**16),
        (b"x" * 8000, 2**24, 2**23),
        (b'+12025550142,"' + b"x" * 500 + b"\n", 2**23, 2**22),
    ],
    ids=["lines", "one line", "quotes"],
)
def test_memory_is_bounded(piece: bytes, size: int, most: int) -> None:
    """Files of any size are read line by line, whatever is wrong with them."""
    file = io.BufferedReader(Endless(chain([b"to_number,full_name\n"], repeat(piece)), size))
    tracemalloc.start()
    _, rows = read_contacts(file)
    count = sum(1 for _ in rows)
    _, used = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count > 0
    assert used < most


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    """Whatever a file holds, each contact has a number that can be dialled, and lines only go on."""
    for start in (b"", b"to_number,full_name,x\n"):
        try:
            _, rows = read(start + data)
        except ContactFileError:
            continue
        lines = [row.line for row in rows]
        assert sorted(lines) == lines
        assert all(E164.fullmatch(str(row.arguments["to_number"])) for row in rows if isinstance(row, Contact))


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
            st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
            st.text(st.characters(codec="utf-8", exclude_characters="\r\0")),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read(rows: list[tuple[str, str, str]]) -> None:
    """What Python's csv module writes comes back, but for blanks around a value."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("to_number", "full_name", "x"), *rows])
    _, found = read(text.getvalue())

    assert [
        {"to_number": number, "full_name": name, **({"additional_data": {"x": data.strip()}} if data.strip() else {})}
        for number, name, data in rows
    ] == [row.arguments for row in found if isinstance(row, Contact)]
    assert len(rows) == len(found)


@given(
    st.text("+0123456789 -().[]\u00a0eE,'xO", max_size=20)  # hardly any is a number
    | st.text("0123456789 -().[]\u00a0", min_size=7, max_size=24).map("+".__add__)
)
def test_a_number_has_the_digits_that_were_written(written: str) -> None:
    """Whatever is dropped, the digits are those of the file, in order, and the plus was written."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("to_number", "full_name"), (written, "Max")])
    for row in read(text.getvalue())[1]:
        if isinstance(row, Contact):
            assert written.strip(" -().[]\u00a0").startswith("+")
            assert [c for c in written if c.isdigit()] == [*str(row.arguments["to_number"])[1:]]
