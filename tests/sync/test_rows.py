"""What rows are kept as: as lines with the hash of what they hold, and as what databases make of these."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

import msgspec
import pytest
from attrs import frozen
from databases import Database
from hostile_texts import HOSTILE
from served_rows import CALLS, NUMBERS, ServedRows, call, number
from synced import counts, run, run_one

from contactship_async import ContactshipClient, Listing, ListingDeclaration
from contactship_async.models.calls import Call, CallAnalysis, CallContact, EvaluationResult, TranscriptEntry
from contactship_async.models.common import Model, NonEmptyText
from contactship_async.sync._plan import Plan
from contactship_async.sync._rows import Encoder

CLIENT = ContactshipClient("key")
MOMENT = datetime(2026, 5, 4, 9, tzinfo=UTC)
WIDE = timezone(timedelta(hours=14))
NARROW = timezone(-timedelta(hours=12))


@frozen
class Inner:
    """A nested object."""

    value: int


@frozen
class EarlierRow(Model):
    """A row of this release."""

    id: NonEmptyText
    inner: Annotated[Inner | None, "something"] = None
    items: tuple[Inner, ...] | None = None


@frozen
class Moment:
    """A nested object with a time."""

    moment: datetime | None = None


@frozen
class Part:
    """A nested object with such objects, and a time."""

    parts: Sequence[Moment] | None = None
    moment: datetime | None = None


@frozen
class Timed(Model):
    """A row with times deep within."""

    id: NonEmptyText
    parts: tuple[Part, ...] | None = None


@frozen
class LaterInner(Inner):
    """A nested object with a field more."""

    other: str | None = None


@frozen
class LaterRow(Model):
    """A row of a later release."""

    id: NonEmptyText
    new: str | None = None
    inner: LaterInner | None = None
    items: tuple[LaterInner, ...] | str | None = None


def lines_of(*rows: Any, row_type: Any = None, **asked: Any) -> list[dict[str, Any]]:
    """Return rows as they are kept; those of no other class are calls."""
    listing = CLIENT.calls.list(**asked)
    if row_type is not None:
        listing = Listing(ListingDeclaration("/v1/things", row_type, sort_key=None), CLIENT._caller)
    encoder = Encoder(Plan.of(listing, "o"), listing.declaration.row_type)
    return [json.loads(line) for line in encoder.encode(rows)]


def hashes_of(*rows: Any, row_type: Any = None) -> set[str]:
    """Return the hashes of rows."""
    return {line["content_hash"] for line in lines_of(*rows, row_type=row_type)}


def test_nothing_changes_by_the_order_of_keys() -> None:
    """Dictionaries with the same keys in another order are the same, however deep they are."""
    rows = [
        Call("a", call_analysis=CallAnalysis(custom_analysis_data={"x": {"p": 1, "q": [{"r": 1, "s": 2}]}, "y": 2})),
        Call("a", call_analysis=CallAnalysis(custom_analysis_data={"y": 2, "x": {"q": [{"s": 2, "r": 1}], "p": 1}})),
    ]

    assert 1 == len(hashes_of(*rows))
    assert 1 == len(hashes_of({"id": 1, "x": {"a": 1, "b": 2}}, {"x": {"b": 2, "a": 1}, "id": 1}, row_type=dict))


def test_nothing_changes_by_a_field_that_is_none() -> None:
    """A field that a later release adds changes no row without it, in nested objects neither."""
    before = hashes_of(EarlierRow("a", Inner(1), (Inner(2),)), row_type=EarlierRow)
    after = hashes_of(LaterRow("a", None, LaterInner(1), (LaterInner(2),)), row_type=LaterRow)
    changed = hashes_of(LaterRow("a", None, LaterInner(1), (LaterInner(2, "x"),)), row_type=LaterRow)

    assert before == after != changed


def test_what_changes() -> None:
    """Each other value is another content: texts with and without spaces, 1 and true, an empty list and nothing."""

    @frozen
    class Row(Model):
        id: NonEmptyText
        value: Any

    values = [None, "", " ", "a", 1, 1.5, True, False, 0, [], {}, [None], {"a": None}, "null", "1"]

    assert len(values) == len(hashes_of(*(Row("a", value) for value in values), row_type=Row))


def test_forms_of_a_moment() -> None:
    """The same moment in another zone has changed nothing; without a zone, it is in UTC."""

    @frozen
    class Row(Model):
        id: NonEmptyText
        moment: datetime

    odd = timezone(timedelta(hours=5, minutes=53, seconds=28))
    moments = [MOMENT, MOMENT.astimezone(WIDE), MOMENT.astimezone(odd), MOMENT.replace(tzinfo=None)]

    assert ["2026-05-04T09:00:00Z"] * 4 == [
        line["moment"] for line in lines_of(*(Row("a", moment) for moment in moments), row_type=Row)
    ]
    assert ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"] == [
        line["moment"]
        for line in lines_of(
            Row("a", datetime(1, 1, 1, tzinfo=WIDE)),
            Row("a", datetime(9999, 12, 31, 23, 59, 59, tzinfo=NARROW)),
            row_type=Row,
        )
    ]


def test_forms_of_a_moment_within_objects() -> None:
    """They change nothing in nested objects either, nor in those within these."""
    moments = [MOMENT, MOMENT.astimezone(WIDE)]
    rows = [Timed("a", (Part(), Part([Moment(moment)]))) for moment in moments]

    assert [[{}, {"parts": [{"moment": "2026-05-04T09:00:00Z"}]}]] * 2 == [
        line["parts"] for line in lines_of(*rows, row_type=Timed)
    ]
    assert 1 == len(hashes_of(*rows, row_type=Timed))


def test_contents_have_a_hash_of_their_own() -> None:
    """Transcripts change another hash than the rest, and are left out where they were not asked for."""
    quiet, spoken = Call("a"), Call("a", chat_history=(TranscriptEntry(content="Hello"),))
    (without,) = lines_of(spoken)
    silent, loud = lines_of(quiet, spoken, include_transcript=True)

    assert {"id", "content_hash"} == set(without)
    assert {"id", "content_hash", "contents_hash"} == set(silent)
    assert [{"content": "Hello"}] == loud["chat_history"]
    assert without["content_hash"] == silent["content_hash"] == loud["content_hash"]
    assert silent["contents_hash"] != loud["contents_hash"]


def test_nul_characters() -> None:
    """A NUL character becomes U+FFFD, and a backslash before the text `u0000` stays what it is."""
    texts = ["a\0b", r"a\u0000b", "\\\0", r"\\u0000", "\0\0", "\\\\\0"]
    lines = lines_of(*({"id": "a", "text": text} for text in texts), row_type=dict)

    assert [text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in texts] == [
        line["data"]["text"] for line in lines
    ]
    assert 1 == len(hashes_of(*({"id": "a", "text": text} for text in ["\0", "\ufffd"]), row_type=dict))


def test_rows_of_dictionaries() -> None:
    """A dictionary is kept whole beside its id, which is a text."""
    (line,) = lines_of({"id": 7, "x": None, "data": {"1": [1]}}, row_type=dict)

    assert ("7", {"id": 7, "x": None, "data": {"1": [1]}}) == (line["id"], line["data"])


def test_a_field_named_data() -> None:
    """A class may have a field that is named like the column of dictionaries."""
    row_type = msgspec.defstruct("Row", [("id", str), ("data", dict[str, Any] | None), ("name", str)])

    assert [("id", "text"), ("data", "json"), ("name", "text")] == [
        (column.name, column.kind)
        for column in Plan.of(
            Listing(ListingDeclaration("/v1/x", row_type, sort_key=None), CLIENT._caller), "o"
        ).columns
    ]
    (line,) = lines_of(row_type("a", {"x": 1}, "b"), row_type=row_type)
    assert ({"x": 1}, "b") == (line["data"], line["name"])


class Node(msgspec.Struct):
    """An object that may be in itself."""

    id: str
    parent: Node | None = None
    children: list[Node] = []


def test_objects_within_themselves() -> None:
    """A class that is in itself is kept as it is."""
    (line,) = lines_of(Node("a", Node("b", Node("c")), [Node("d")]), row_type=Node)

    assert ("b", "c", "d") == (line["parent"]["id"], line["parent"]["parent"]["id"], line["children"][0]["id"])


async def test_hostile_texts(database: Database) -> None:
    """Whatever texts look like, they come back as they were, but for NUL characters; a second run changes nothing."""
    rows = [number(place, phone_number=text or "-", type=text or "-") for place, text in enumerate(HOSTILE)]
    calls = [
        call(place, call_record=text, call_analysis={"call_summary": text, "custom_analysis_data": {text: [text]}})
        for place, text in enumerate(HOSTILE)
    ]
    served = ServedRows({"key": {NUMBERS: rows, CALLS: calls}})
    async with served.client() as client:
        first = await run(client, ["phone_numbers", "calls"], database.target)
        second = await run(client, ["phone_numbers", "calls"], database.target, full=True)

    kept = [text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in HOSTILE]
    assert [None, None] == [result.error for result in first]
    assert [{"unchanged": len(HOSTILE)}] * 2 == [counts(result) for result in second]
    assert [(text or "-", text or "-") for text in kept] == database.query(
        "SELECT phone_number, type FROM phone_numbers ORDER BY created_at"
    )
    found = database.query("SELECT call_record, CAST(call_analysis AS VARCHAR) FROM calls ORDER BY created_at")
    assert [(text, text, {text: [text]}) for text in kept] == [
        (record, json.loads(analysis)["call_summary"], json.loads(analysis)["custom_analysis_data"])
        for record, analysis in found
    ]


async def test_hostile_ids_and_names(database: Database) -> None:
    """Ids and names of organizations may be anything."""
    names = ["it's %s ?", 'a"b/c\\ü\N{GRINNING FACE}', "x" * 5000]
    served = ServedRows({str(key): {NUMBERS: [number(1, id=name), number(2)]} for key, name in enumerate(names)})
    async with served.pool({name: str(key) for key, name in enumerate(names)}) as pool:
        first = await run(pool, ["phone_numbers"], database.target)
        for rows in served.rows.values():
            rows[NUMBERS].pop()
        second = await run(pool, ["phone_numbers"], database.target)

    assert {None} == {result.error for result in first}
    assert [{"retired": 1, "unchanged": 1}] * len(names) == [counts(result) for result in second]
    assert {(name, name) for name in names} == {*database.query("SELECT organization, id FROM current_phone_numbers")}
    assert sorted(names) == sorted(result.organization for result in await database.target.runs())


async def test_hostile_names_of_fields(schema: Database) -> None:
    """Fields may have names that mean something to SQL."""
    names = ["select", "table", "user", "order", "rowid", "ü", "staged", "line", "s", "o", "r", "End"]
    row_type = msgspec.defstruct("Row", [("id", str), *((name, str | None, None) for name in names)])
    row = {"id": "a"} | dict.fromkeys(names, "value")
    served = ServedRows({"key": {"/v1/select": [row]}})
    async with served.client() as client:
        for _ in range(2):
            (result,) = await run(
                client, [lambda client: client.list("/v1/select", row_type, sort_key=None)], schema.target
            )

    assert (None, {"unchanged": 1}) == (result.error, counts(result))


async def test_extreme_numbers_and_times(database: Database) -> None:
    """Numbers and times at their ends are kept, and a number that no column can hold is a failure in one line."""

    @frozen
    class Row(Model):
        id: NonEmptyText
        whole: int | None = None
        real: float | None = None
        moment: datetime | None = None
        anything: Any = None

    def listing(client: ContactshipClient) -> Listing[Row]:
        return Listing(ListingDeclaration("/v1/rows", Row, sort_key=None), client._caller)

    kept: list[dict[str, Any]] = [
        {"id": "a", "whole": 2**63 - 1, "real": 1.7976931348623157e308, "moment": "9999-12-31T23:59:59.999999Z"},
        {"id": "b", "whole": -(2**63), "real": 5e-324, "moment": "0001-01-01T00:00:00Z"},
        {"id": "c", "moment": "0001-01-01T00:00:00+14:00"},
        {"id": "d", "moment": "9999-12-31T23:59:59-12:00", "anything": [2**64 - 1, 1e300, "\0"]},
    ]
    served = ServedRows({"key": {"/v1/rows": kept}})
    async with served.client() as client:
        first = await run_one(client, listing, database.target)
        second = await run_one(client, listing, database.target)
        served.rows["key"]["/v1/rows"] = [*kept, {"id": "e", "whole": 2**64 - 1}]
        (failed,) = await run(client, [listing], database.target)

    assert ({"new": 4}, {"unchanged": 4}) == (counts(first), counts(second))
    assert [(2**63 - 1, 1.7976931348623157e308), (-(2**63), 5e-324), (None, None), (None, None)] == database.query(
        "SELECT whole, real FROM rows ORDER BY id"
    )
    assert [("a", 9999), ("b", 1), ("d", 10000)] == [
        (id_, int(year))
        for id_, year in database.query("SELECT id, extract(year FROM moment) FROM rows WHERE id <> 'c' ORDER BY id")
    ]
    assert "DatabaseError" == failed.error
    assert "18446744073709551615" not in str(failed.exception)
    assert "\n" not in str(failed.exception)


async def test_large_rows(database: Database) -> None:
    """Transcripts of some MiB are kept, and found to be unchanged."""
    entry = {"role": "agent", "content": "The quick brown fox. " * 5000}
    served = ServedRows({"key": {CALLS: [call(1, chat_history=[entry] * 50), call(2)]}})
    async with served.client() as client:
        for _ in range(2):
            result = await run_one(
                client, lambda client: client.calls.list(include_transcript=True), database.target, full=True
            )

    assert {"unchanged": 2} == counts(result)
    ((length,),) = database.query("SELECT length(CAST(chat_history AS VARCHAR)) FROM calls WHERE id = 'call-1'")
    assert length > 5_000_000


async def test_unknown_values(schema: Database) -> None:
    """A value that this release does not know is kept as it came."""
    served = ServedRows({"key": {NUMBERS: [number(1, type="both ways")]}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", schema.target)

    assert [("both ways",)] == schema.query("SELECT type FROM phone_numbers")


def test_nested_objects_of_calls() -> None:
    """Each nested object of a call is kept with the fields that it has."""
    call_ = Call("a", contact=CallContact("c"), call_analysis=CallAnalysis(evaluation_results=(EvaluationResult("k"),)))
    (line,) = lines_of(call_)

    assert ({"id": "c"}, {"evaluation_results": [{"key": "k"}]}) == (line["contact"], line["call_analysis"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none(value: float) -> None:
    """What JSON has no number for is null."""

    @frozen
    class Row(Model):
        id: NonEmptyText
        real: float

    (line,) = lines_of(Row("a", value), row_type=Row)
    assert None is line["real"]
