"""What servers send that is a little odd: halves of characters, byte order marks, counts as text.

That what is read is never replaced, and that what is not JSON stays none, are laws of the fuzzing, too.
"""

from __future__ import annotations

import json
import pickle
import time
from typing import Any

import pytest
from fuzzing.inputs import ROW
from hypothesis import given
from hypothesis import strategies as st

from contactship_async import ContactshipClient, MalformedResponseError, PhoneNumber, Request, Response, StatusError
from contactship_async._codec import codec
from contactship_async._codec.lone_surrogates import replace_lone_surrogates
from contactship_async._http.responses import DecodedPage, read_object, read_page
from contactship_async.models.tags import Tag

BOM = b"\xef\xbb\xbf"
MANY = 60_000


def page_of(*rows: Any, count: object = 9, **more: object) -> bytes:
    """Write a page."""
    return json.dumps({"data": rows, "count": count, **more}).encode()


def read(body: bytes, row_type: type[Any] = PhoneNumber) -> DecodedPage[Any]:
    """Read a page."""
    return read_page(Response(status=200, body=body), row_type)


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        (r"\ud83d", True),
        (r"\udc00", True),
        (r"\uD83D x", True),
        (r"\ud83d\ud83d", True),
        (r"\ude00\ud83d", True),
        (r"\ud83d\u0041", True),
        (r"\n\"\\\ud83d", True),
        (r"\ud83d\ude00", False),
        (r"\\ud83d", False),
        (r"\\\\ud83d\ud7ff\ue000", False),
        ("\ufdd0", False),
    ],
)
def test_lone_surrogates_alone_are_replaced(text: str, replaced: bool) -> None:
    """Pairs, other escapes, and what only looks like an escape, stay as they are."""
    body = f'{{"x": "{text}"}}'.encode()
    mended = replace_lone_surrogates(body)

    assert replaced is (mended is not body)
    assert (
        json.loads(body)["x"].encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\ufffd", "\ufdd0")
        == json.loads(mended)["x"]
    )


@given(st.text())
def test_any_text(text: str) -> None:
    """What is replaced is what has no form in UTF-8, whatever stands around it."""
    mended = json.loads(replace_lone_surrogates(json.dumps(text).encode()))

    assert [one if one.encode("utf-8", "ignore") else "\ufdd0" for one in json.loads(json.dumps(text))] == [*mended]


@pytest.mark.parametrize("body", [b"", b"\\", b'"\\u', b'"\\ud8', b"\\x\\ud83"])
def test_cut_escapes(body: bytes) -> None:
    """What is cut within an escape is left alone."""
    assert body is replace_lone_surrogates(body)


ODD_TEXTS = ["\ud83d", "cut \udc00 in two", "\ud83d" * 3]


@pytest.mark.parametrize("text", ODD_TEXTS)
@pytest.mark.parametrize(
    "field", [lambda text: {"note": text}, lambda text: {text: 1}, lambda text: {"more": [{"deep": text}]}], ids="vkd"
)
def test_in_what_nobody_reads(text: str, field: Any) -> None:
    """Half of a character in an unknown field, in its name or deep within it, costs neither the page nor the row."""
    rows = [ROW | {"id": f"pn-{place}"} for place in range(10)]
    plain = read(page_of(*rows))
    rows[3] |= field(text)

    assert plain == read(page_of(*rows))
    assert plain.rows == read(json.dumps(rows).encode()).rows
    assert plain == read(page_of(*rows, more=text))


@pytest.mark.parametrize("text", ODD_TEXTS)
@pytest.mark.parametrize("field", ["id", "phone_number", "type"])
def test_in_what_is_read(text: str, field: str) -> None:
    """In a field that is read it is malformed: the rows before it come, and the error says which row and field."""
    rows = [ROW, ROW | {field: text, "note": "\ud83d"}, ROW]
    page = read(page_of(*rows))

    assert [codec.loads(json.dumps(ROW).encode(), PhoneNumber)] == page.rows
    assert page.problem is not None
    assert (f"data[1].{field}: holds a lone surrogate",) == page.problem.issues
    assert page.problem.row is not None
    assert (1, rows[1]) == (page.problem.row.index, page.problem.row.value)


def test_beside_another_fault() -> None:
    """A row with another fault is told as such, and those before it come, also where the page is an array."""
    rows = [ROW | {"note": "\ud83d"}, ROW | {"created_at": None, "note": "\ud83d"}]
    for body, place in ((page_of(*rows), "data"), (json.dumps(rows).encode(), "")):
        page = read(body)
        assert 1 == len(page.rows)
        assert page.problem is not None
        assert (f"{place}[1].created_at: expected a date and time, got null",) == page.problem.issues


@pytest.mark.parametrize(
    ("value", "place"),
    [("\ud83d", "data[0][...]"), ([1, "\ud83d"], "data[0][...][1]"), ({"\ud83d": 1}, "data[0][...][...]")],
)
def test_in_rows_that_are_dictionaries(value: object, place: str) -> None:
    """All of a dictionary is read, and so is none of it replaced; its keys come from the server, and are not told."""
    page = read(page_of(ROW | {"note": value}), dict)

    assert [] == page.rows
    assert page.problem is not None
    assert (f"{place}: holds a lone surrogate",) == page.problem.issues


def test_noncharacter_that_was_sent() -> None:
    """What takes the place of half a character may be sent as well: without any, it is a text like others."""
    odd = {"phone_number": "\ufdd0", "created_at": "2026-01-15 10:00:00"}  # the slow path

    assert "\ufdd0" == read(page_of(ROW | odd)).rows[0].phone_number


async def test_any_json() -> None:
    """All that `request()` returns is read; `send()` keeps the bytes, which `json` takes."""

    async def transport(_: Request) -> Response:
        return Response(status=200, body=b'{"a": ["\\ud83d"]}')

    client = ContactshipClient("key", transport=transport)
    with pytest.raises(MalformedResponseError, match=r"\[\.\.\.\]\[0\]: holds a lone surrogate") as caught:
        await client.request("GET", "/v1/x")
    assert caught.value.row is None
    assert {"a": ["\ud83d"]} == json.loads((await client.send("GET", "/v1/x")).body)


@pytest.mark.parametrize("envelope", [{"statusCode": 200}, {"success": True, "message": "\ud83d"}, None])
def test_in_an_object(envelope: dict[str, Any] | None) -> None:
    """The same goes for single objects, in an envelope or not."""

    def read_tag(tag: dict[str, Any]) -> Tag:
        body = json.dumps(tag if envelope is None else {**envelope, "data": tag}).encode()
        return read_object(Response(status=200, body=body), Tag)

    assert "t-1" == read_tag({"id": "t-1", "name": "x", "note": "\ud83d"}).id
    with pytest.raises(MalformedResponseError, match="name: holds a lone surrogate"):
        read_tag({"id": "t-1", "name": "\ud83d"})


def test_large_page() -> None:
    """It does not matter how large a page is; beyond 10,000 of them, it is no JSON, which is soon told."""
    rows = [ROW | {"id": f"pn-{place}", "note": "x" * 99} for place in range(MANY // 3)]
    rows[-1]["note"] = "\ud83d"
    body = page_of(*rows)
    assert len(body) > 4 * 2**20
    assert len(rows) == len(read(body).rows)

    began = time.process_time()
    with pytest.raises(MalformedResponseError, match="not JSON"):
        codec.loads(b'{"id": "t-1", "x": "' + rb"\ud83d" * MANY + b'"}', Tag)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("body", [page_of(ROW), json.dumps([ROW]).encode(), b"\n" + page_of(ROW)])
def test_byte_order_mark(body: bytes) -> None:
    """A mark before a page, an array or an object is skipped, whatever is wrong besides."""
    assert read(body) == read(BOM + body)
    odd = body.replace(b"2026-01-15T10:00:00Z", b"2026-01-15 10:00:00")
    assert read(odd) == read(BOM + odd)
    broken = read(BOM + body.replace(b'"pn-1"', b"null"))
    assert broken.problem is not None
    assert ([], 0) == (broken.rows, None if broken.problem.row is None else broken.problem.row.index)


def test_byte_order_mark_before_an_object_and_any_json() -> None:
    """The same for single objects, JSON of any kind, and what a server says about an error."""
    tag = BOM + b'{"statusCode": 200, "data": {"id": "t-1", "name": "x"}}'
    assert "t-1" == read_object(Response(status=200, body=tag), Tag).id
    assert [1] == Response(status=200, body=BOM + b"[1]").json()
    with pytest.raises(MalformedResponseError, match="not JSON"):
        Response(status=200, body=BOM).json()


@pytest.mark.parametrize(
    ("count", "expected"),
    [(12, 12), (12.0, 12), ("12", 12), ("012", 12), (0.0, 0), ("0", 0), (2**70, 2**70), (2.0**53, 2**53), (None, None)],
)
def test_counts(count: object, expected: int | None) -> None:
    """A count that is written as a float or a string is one, in both envelopes, also beside a malformed row."""
    newer = json.dumps({"data": [ROW], "pagination": {"total_rows": count or 0}}).encode()

    assert expected == read(page_of(ROW, count=count)).count
    assert (expected or 0) == read(newer).count
    assert expected == read(page_of(ROW, {}, count=count)).count


def test_row_is_told_to_nobody() -> None:
    """The raw row is in neither text nor repr nor pickle, and a copy of the error has none."""
    problem = read(page_of(ROW, {"phone_number": "+12025550199"})).problem

    assert problem is not None
    assert problem.row is not None
    assert {"phone_number": "+12025550199"} == problem.row.value
    assert "MalformedRow(index=1)" == repr(problem.row)
    assert "2025550199" not in f"{problem} {problem!r} {vars(problem)} {pickle.dumps(problem)!r}"
    twin = pickle.loads(pickle.dumps(problem))
    assert (problem.issues, None) == (twin.issues, twin.row)


def test_row_where_more_is_wrong() -> None:
    """Where it is not only rows that are wrong, no row is to be skipped."""
    with pytest.raises(MalformedResponseError) as caught:
        read(page_of(ROW, {}, count="many"))

    assert caught.value.row is None
    assert "count: expected an integer >= 0, got a string" == caught.value.issues[-1]
    assert not hasattr(StatusError(status=400, method="GET", path="/"), "row")
