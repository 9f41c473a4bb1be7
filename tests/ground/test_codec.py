"""The codec: one set of rules on both paths, and problems that name places and kinds but never values.

The law over both paths, and what may escape, are in `fuzzing.laws`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import frozen
from fuzzing.inputs import ROW
from hypothesis import given
from hypothesis import strategies as st

from contactship_async import MalformedResponseError, PhoneNumber, PhoneNumberType
from contactship_async._codec import codec
from contactship_async._http.messages import Response
from contactship_async._http.responses import read_page

NUMBER = PhoneNumber(
    id="pn-1",
    phone_number="+12025550142",
    type=PhoneNumberType.INBOUND,
    organization_id="org-1",
    created_at=datetime(2026, 1, 15, 10, tzinfo=UTC),
)

texts = st.text(st.characters(codec="utf-8"), min_size=1)
numbers = st.builds(
    PhoneNumber,
    id=texts,
    phone_number=texts,
    type=st.sampled_from(PhoneNumberType) | texts.map(PhoneNumberType),
    organization_id=texts,
    created_at=st.datetimes(
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    ),
)


@given(numbers)
def test_round_trip(number: PhoneNumber) -> None:
    """What is dumped is loaded as the same value."""
    assert number == codec.loads(codec.dumps(number), PhoneNumber)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-15T10:00:00Z",
        "2026-01-15t10:00:00z",
        "2026-01-15T10:00:00.000Z",
        "2026-01-15T10:00:00+00:00",
        "2026-01-15T05:00:00-05:00",
        "2026-01-15 10:00:00Z",
        "2026-01-15 10:00:00",
        "2026-01-15T10:00:00",
        "2026-01-15 10:00:00+00",
        "20260115T100000Z",
    ],
)
def test_time_stamps(text: str) -> None:
    """All forms of ISO 8601 seen are the same time; without a zone it is UTC."""
    number = codec.loads(json.dumps(ROW | {"created_at": text}).encode(), PhoneNumber)

    assert NUMBER.created_at == number.created_at
    assert number.created_at.tzinfo is not None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"id": None}, "id: expected a non-empty string, got null"),
    ({"id": 5}, "id: expected a non-empty string, got a number"),
    ({"id": ["x"]}, "id: expected a non-empty string, got an array"),
    ({"id": ""}, "id: expected a non-empty string, got a string"),
    ({"type": None}, "type: expected a string, got null"),
    ({"type": {}}, "type: expected a string, got an object"),
    ({"created_at": None}, "created_at: expected a date and time, got null"),
    ({"created_at": 1768471200}, "created_at: expected a date and time, got a number"),
    ({"created_at": "2026-01-15T10:00:00+00:00:01"}, "created_at: expected a date and time, got a string"),
    ({"created_at": "yesterday"}, "created_at: expected a date and time, got a string"),
    ({"phone_number": True}, "phone_number: expected a non-empty string, got true or false"),
]


@pytest.mark.parametrize(("change", "issue"), WRONG)
def test_wrong_field(change: dict[str, Any], issue: str) -> None:
    """A field of the wrong kind is named by its path, with the kinds wanted and got."""
    body = json.dumps({"data": [ROW, ROW | change], "count": 2}).encode()
    page = read_page(Response(status=200, body=body), PhoneNumber)

    assert [NUMBER] == page.rows
    assert page.problem is not None
    assert (f"data[1].{issue}",) == page.problem.issues


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"null", "expected an object, got null"),
        (b"{}", "data: missing"),
        (b'{"data": {}, "count": 0}', "data: expected an array, got an object"),
        (b'{"data": "", "count": 0}', "data: expected an array, got a string"),
        (b'{"data": null, "count": 0}', "data: expected an array, got null"),
        (b'{"data": [], "count": -1}', "count: expected an integer >= 0, got a number"),
        *(
            (f'{{"data": [], "count": "{text}"}}'.encode(), "count: expected an integer >= 0, got a string")
            for text in ("", "3x", "-3", "3.0", " 3", "\u0663", "9" * 19)
        ),
        (b'{"data": [], "count": true}', "count: expected an integer >= 0, got true or false"),
        (b'{"data": [], "count": 3.5}', "count: expected an integer >= 0, got a number"),
        (b'{"data": [], "count": -3.0}', "count: expected an integer >= 0, got a number"),
        (b'{"data": [], "count": 1e300}', "count: expected an integer >= 0, got a number"),
        (
            b'{"data": [], "pagination": {"total_rows": "x"}}',
            "pagination.total_rows: expected an integer >= 0, got a string",
        ),
        (b'{"data": [], "count": NaN}', "not JSON"),
        (b'{"data": [], "pagination": {}}', "pagination.total_rows: missing"),
        (b'{"data": [], "pagination": []}', "pagination: expected an object, got an array"),
        (b"[" * 100_000, "not JSON"),
        (b'{"data": [], "x": ' + b"[" * 100_000, "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"data": [], "count": 0}', "not JSON"),
        (b'{"data": [], "count": "\\ud800"}', "count: holds a lone surrogate"),
        (b'{"data": [], "x": "\\ud800", "y": NaN}', "not JSON"),
        (b'{"data": [], "count": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_wrong_page(body: bytes, issue: str) -> None:
    """What is not a page is refused as a whole."""
    with pytest.raises(MalformedResponseError) as caught:
        read_page(Response(status=200, body=body), PhoneNumber)

    assert (issue,) == caught.value.issues
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("row", [None, 5, "x", [], {}])
def test_wrong_row(row: object) -> None:
    """What is no row at all is a problem of its place."""
    page = read_page(Response(status=200, body=json.dumps({"data": [row], "count": 1}).encode()), PhoneNumber)

    assert page.problem is not None
    assert page.problem.issues[0].startswith("data[0]")


def test_issues_hold_no_values() -> None:
    """The text of a problem quotes nothing of the response."""
    body = json.dumps({"data": [{name: ["+12025550199"] for name in ROW}], "count": "+12025550199"}).encode()
    with pytest.raises(MalformedResponseError) as caught:
        read_page(Response(status=200, body=body), PhoneNumber)

    assert 6 == len(caught.value.issues)
    assert "+12025550199" not in "".join(caught.value.issues)
    assert "+12025550199" not in str(caught.value)
    assert str(caught.value).endswith("(and 1 more)")


def test_both_envelopes() -> None:
    """The two generations of envelopes are read alike; the newer total wins, and unknown fields are ignored."""
    old = {"data": [ROW | {"x": 1}], "count": 8, "y": {"z": []}}
    new = {"statusCode": 200, "data": [ROW], "pagination": {"page": 1, "total_rows": 8, "total_pages": None}}
    both = new | {"count": 3}
    pages = [read_page(Response(status=200, body=json.dumps(body).encode()), PhoneNumber) for body in (old, new, both)]

    assert [([NUMBER], 8)] * 3 == [(page.rows, page.count) for page in pages]


@frozen
class Basics:
    """The basic types, as other resources may use them."""

    text: str
    whole: int
    part: float
    flag: bool
    names: list[str]


def test_basic_types_are_not_coerced() -> None:
    """Plain basic types are as strict as the constrained ones."""
    body = b'{"text": 1, "whole": "1", "part": "1.5", "flag": 1, "names": [2]}'
    with pytest.raises(MalformedResponseError) as caught:
        codec.loads(body, Basics)

    assert (
        "text: expected a string, got a number",
        "whole: expected a number, got a string",
        "part: expected a number, got a string",
        "flag: expected true or false, got a number",
        "names[0]: expected a string, got a number",
    ) == caught.value.issues


@given(st.text(st.characters(codec="utf-8")))
def test_unknown_type_arrives_unharmed(text: str) -> None:
    """A type that only the server knows compares, prints, hashes and dumps as its text."""
    number = codec.loads(json.dumps(ROW | {"type": text}).encode(), PhoneNumber)

    assert text == number.type
    assert text == f"{number.type}"
    assert hash(text) == hash(number.type)
    assert json.loads(codec.dumps(number))["type"] == text


def test_hostile_list_of_wrong_rows() -> None:
    """Of very many wrong rows, only the first hundred are looked at."""
    page = read_page(Response(status=200, body=b'{"data": [' + b"0," * 200_000 + b'0], "count": 1}'), PhoneNumber)

    assert page.problem is not None
    assert 100 == len(page.problem.issues)
