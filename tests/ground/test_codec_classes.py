"""The classes that rows may have: with renamed fields and nullable ones, nested, and users' own of any kind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, Required, TypedDict, TypeVar, get_origin
from uuid import UUID

import attrs
import msgspec
import pytest
from attrs import NOTHING, define, evolve, frozen
from cattrs.preconf.msgspec import MsgspecJsonConverter
from hypothesis import given
from hypothesis import strategies as st

from contactship_async import MalformedResponseError
from contactship_async._codec import codec, python_codec
from contactship_async._codec.json_names import with_twins
from contactship_async._codec.slow_path import MismatchError
from contactship_async._http.messages import Response
from contactship_async._http.responses import read_page
from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum, json_field

T = TypeVar("T")


class Direction(OpenEnum):
    """Which side called."""

    OUTBOUND = "outbound"


@frozen
class Entry:
    """A line of a transcript, with a field renamed."""

    id: NonEmptyText = json_field("entryId", default=NOTHING)
    said_at: AwareDatetime | None = json_field("saidAt")
    words: list[str] | None = None


@frozen
class Call(Model):
    """A call, with all kinds of fields."""

    id: NonEmptyText
    from_number: str | None = json_field("from")
    direction: Direction | None = None
    created_at: AwareDatetime | None = None
    duration: float | None = None
    analysis: dict[str, Any] | None = None
    first: Entry | None = None
    by_speaker: dict[str, Entry] | None = None
    history: str | list[Entry] | None = None
    parent: Call | None = None
    tools: Any = None


ENTRY = {"entryId": "e-1", "saidAt": "2026-01-15T10:00:00Z", "words": ["hello"]}
ROW: dict[str, Any] = {
    "id": "c-1",
    "from": "+12025550142",
    "direction": "outbound",
    "created_at": "2026-01-15T10:00:00Z",
    "duration": 98,
    "analysis": {"summary": "x", "scores": [1, None]},
    "first": ENTRY,
    "by_speaker": {"agent": ENTRY},
    "history": [ENTRY, ENTRY],
    "parent": {"id": "c-0", "from": "+12025550143"},
    "tools": [{"name": "y"}],
}
TIMESTAMP = datetime(2026, 1, 15, 10, tzinfo=UTC)
LINE = Entry(id="e-1", said_at=TIMESTAMP, words=["hello"])
CALL = Call(
    id="c-1",
    from_number="+12025550142",
    direction=Direction.OUTBOUND,
    created_at=TIMESTAMP,
    duration=98.0,
    analysis={"summary": "x", "scores": [1, None]},
    first=LINE,
    by_speaker={"agent": LINE},
    history=[LINE, LINE],
    parent=Call(id="c-0", from_number="+12025550143"),
    tools=[{"name": "y"}],
)


def test_renamed_fields_are_read_on_all_ways() -> None:
    """The names of the JSON are read on all ways; the objects are of the class itself."""
    body = json.dumps(ROW).encode()
    slow = json.dumps(ROW | {"created_at": "2026-01-15 10:00:00"}).encode()

    assert [CALL] * 4 == [
        codec.loads(body, Call),
        codec.loads(slow, Call),
        codec.convert(ROW, Call),
        codec.structure(ROW, Call),
    ]
    found = codec.loads(body, Call)
    assert (Call, Entry, Call) == (type(found), type(found.first), type(found.parent))


@frozen
class Aged(Model):
    """An object whose id had another name."""

    id: NonEmptyText = json_field("id", default=NOTHING, older_name="agent_id")
    name: str | None = None


def test_older_names_of_fields() -> None:
    """A field is read under its older name where it is missing under the newer, and problems name what was there."""
    newer, older = Aged("a", "b"), {"agent_id": "a", "name": "b", "tomorrow": 1}
    for fields in (older, {"id": "a", "agent_id": "z", "name": "b"}):
        assert newer == codec.loads(json.dumps(fields).encode(), Aged)
    assert {"id": "a", "name": "b"} == newer.to_dict() == json.loads(codec.dumps(newer))

    with pytest.raises(MismatchError, match=r"^\.?id: missing$"):
        python_codec.structure(older, Aged)
    for wrong, issue in (
        ({}, "id: missing"),
        ({"agent_id": ""}, "agent_id: expected a non-empty string, got a string"),
        ({"agent_id": "a", "id": None}, "id: expected a non-empty string, got null"),
    ):
        with pytest.raises(MalformedResponseError) as caught:
            codec.loads(json.dumps(wrong).encode(), Aged)
        assert (issue,) == caught.value.issues


def test_renamed_fields_are_dumped_under_their_json_names() -> None:
    """What was read is dumped as it came, but for fields that had none; anywhere within other values, too."""
    whole = {field.name: None for field in attrs.fields(Call)} | {"from": None}
    del whole["from_number"]
    expected = ROW | {"parent": whole | ROW["parent"]}

    assert expected == json.loads(codec.dumps(CALL))
    assert [{"x": expected}] == json.loads(codec.dumps([{"x": CALL}]))


def test_python_names() -> None:
    """The other codec reads and dumps the same classes by the names of Python."""
    row = {"id": "c-1", "from_number": "+1", "first": {"id": "e-1"}, "history": [{"id": "e-2"}]}
    call = Call(id="c-1", from_number="+1", first=Entry(id="e-1"), history=[Entry(id="e-2")])

    assert call == python_codec.convert(row, Call)
    assert call == python_codec.convert(row | {"created_at": None, "first": Entry(id="e-1")}, Call)
    assert row | {"first": None, "history": None} == {
        name: value
        for name, value in json.loads(python_codec.dumps(evolve(call, first=None, history=None))).items()
        if name in row
    }
    with pytest.raises(MalformedResponseError) as caught:
        python_codec.convert({"from_number": 1, "first": Entry(id="e-1"), "history": [{"entryId": "e-1"}, LINE]}, Call)
    assert (
        "id: missing",
        "from_number: expected a string, got a number",
        "history[0].id: missing",
    ) == caught.value.issues


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"from": 1}, "from: expected a string, got a number"),
        ({"id": None}, "id: expected a non-empty string, got null"),
        ({"direction": 1}, "direction: expected a string, got a number"),
        ({"created_at": "soon"}, "created_at: expected a date and time, got a string"),
        ({"duration": "98"}, "duration: expected a number, got a string"),
        ({"analysis": []}, "analysis: expected an object, got an array"),
        ({"analysis": 1}, "analysis: expected an object, got a number"),
        ({"first": []}, "first: expected an object, got an array"),
        ({"first": {}}, "first.entryId: missing"),
        ({"first": ENTRY | {"saidAt": 1}}, "first.saidAt: expected a date and time, got a number"),
        ({"first": ENTRY | {"words": ["x", 1]}}, "first.words[1]: expected a string, got a number"),
        ({"by_speaker": {"+12025550199": []}}, "by_speaker[...]: expected an object, got an array"),
        ({"by_speaker": {"+12025550199": {}}}, "by_speaker[...].entryId: missing"),
        ({"history": 1}, "history: expected a string or an array, got a number"),
        ({"history": {}}, "history: expected a string or an array, got an object"),
        ({"history": [ENTRY, 1]}, "history[1]: expected an object, got a number"),
        ({"history": [ENTRY | {"entryId": ""}]}, "history[0].entryId: expected a non-empty string, got a string"),
        ({"parent": {"id": "c-0", "from": []}}, "parent.from: expected a string, got an array"),
    ],
)
def test_problems_of_renamed_and_nullable_fields(change: dict[str, Any], issue: str) -> None:
    """A field is named by its path in the JSON, with the kinds wanted and got."""
    body = json.dumps({"data": [ROW, ROW | change], "count": 2}).encode()
    page = read_page(Response(status=200, body=body), Call)

    assert [CALL] == page.rows
    assert page.problem is not None
    assert (f"data[1].{issue}",) == page.problem.issues


def test_problems_of_a_value_begin_with_its_place() -> None:
    """What is converted from the middle of a response has the paths of the response."""
    cases: list[tuple[Any, Any, str]] = [
        ({"id": 1}, Call, "data.id: expected a non-empty string, got a number"),
        ([{"id": "c-1"}, {}], list[Call], "data[1].id: missing"),
        ("x", Call, "data: expected an object, got a string"),
        (None, Call, "data: expected an object, got null"),
    ]
    for value, cl, issue in cases:
        with pytest.raises(MalformedResponseError) as caught:
            codec.convert(value, cl, place="data")
        assert (issue,) == caught.value.issues
        assert caught.value.__context__ is None
    with pytest.raises(MalformedResponseError) as caught:
        codec.convert({}, Call)
    assert ("id: missing",) == caught.value.issues


def test_values_nested_too_deeply() -> None:
    """A value that no stack has room for is malformed like any other."""
    value: dict[str, Any] = {"id": 1}
    for _ in range(10_000):
        value = {"id": "x", "children": [value]}
    with pytest.raises(MalformedResponseError) as caught:
        codec.convert(value, Cyclic)

    assert ("nested too deeply",) == caught.value.issues


def test_nullable_fields() -> None:
    """Each field but the identifier may be null or missing."""
    empty = Call(id="c-1")

    assert empty == codec.convert({"id": "c-1"}, Call)
    assert empty == codec.convert(dict.fromkeys(ROW) | {"id": "c-1"}, Call)
    with pytest.raises(MismatchError) as caught:
        codec.structure(dict.fromkeys(ROW), Call)
    assert [(".id", "expected a non-empty string, got null")] == caught.value.problems


class Typed(TypedDict):
    """A row as a dictionary."""

    id: str
    count: NotRequired[int | None]


class Loose(TypedDict, total=False):
    """A row as a dictionary, of which one key is required."""

    id: Required[str]
    count: int | None


@dataclass
class Data:
    """A row as a dataclass."""

    id: str
    count: int | None = None
    names: list[str] = dataclass_field(default_factory=list)


class Record(msgspec.Struct):
    """A row as a Struct."""

    id: str
    count: int | None = None


class Renamed(msgspec.Struct, rename="camel"):
    """A row as a Struct whose fields have other names in JSON."""

    row_id: str
    row_count: int | None = None


@define
class Plain:
    """A row of a user's own attrs class."""

    id: str
    count: int | None = None


@frozen
class Box(Generic[T]):
    """A generic class, with a renamed field of the type of its argument."""

    id: str
    held: T | None = json_field("heldValue")
    others: list[T] | None = None


@pytest.mark.parametrize("cl", [Typed, Loose, Data, Record, Plain, Box[int]])
def test_problems_of_users_classes(cl: Any) -> None:
    """Rows of any class that msgspec decodes are read up to the first malformed one, whose problems are named."""
    rows = [{"id": "x", "new": 1}, {"id": "y", "count": 2}, {"count": "+1", "heldValue": "+1"}]
    page = read_page(Response(status=200, body=json.dumps({"data": rows, "count": 3}).encode()), cl)
    field = "heldValue" if cl == Box[int] else "count"

    assert ["x", "y"] == [row["id"] if isinstance(row, dict) else row.id for row in page.rows]
    assert page.problem is not None
    assert ("data[2].id: missing", f"data[2].{field}: expected a number, got a string") == page.problem.issues


def test_problems_of_renamed_structs() -> None:
    """Structs are named by their names in JSON."""
    with pytest.raises(MalformedResponseError) as caught:
        codec.loads(b'[{"rowId": "x"}, {"rowCount": "+1"}]', list[Renamed])

    assert ("[1].rowId: missing", "[1].rowCount: expected a number, got a string") == caught.value.issues
    assert Renamed("x", 2) == codec.convert({"rowId": "x", "rowCount": 2}, Renamed)


def test_dictionaries_as_rows() -> None:
    """A row may stay what JSON is decoded into."""
    body = json.dumps({"data": [ROW, 1], "count": 2}).encode()
    page = read_page(Response(status=200, body=body), dict)

    assert [ROW] == page.rows
    assert page.problem is not None
    assert ("data[1]: expected an object, got a number",) == page.problem.issues


@frozen
class Wrapper(Generic[T]):
    """A generic class, with a field of the very type of its argument."""

    held: T
    count: int


def test_problems_within_generic_classes() -> None:
    """A generic class is as strict as its argument; without one, anything goes."""
    with pytest.raises(MalformedResponseError) as caught:
        codec.convert({"held": {}, "count": "+1"}, Wrapper[Entry])
    assert ("held.entryId: missing", "count: expected a number, got a string") == caught.value.issues
    with pytest.raises(MalformedResponseError) as caught:
        codec.convert({"held": {}, "count": "+1"}, Wrapper)
    assert ("count: expected a number, got a string",) == caught.value.issues


class Point(NamedTuple):
    """A row as an array."""

    x: int
    y: int


class Listed(msgspec.Struct, array_like=True):
    """A Struct as an array."""

    x: int
    y: int


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    """A Struct that takes no other fields."""

    x: int


class Cat(msgspec.Struct, tag="cat"):
    """One of two that differ by their tag."""

    lives: int


class Dog(msgspec.Struct, tag="dog"):
    """The other one."""

    name: str


@dataclass
class Positive:
    """A class that refuses some values itself."""

    x: int

    def __post_init__(self) -> None:
        if self.x < 0:
            message = f"{self.x} is negative"
            raise ValueError(message)


@pytest.mark.parametrize(
    ("value", "cl", "issue"),
    [
        ([1, "+1"], Point, "[1]: expected a number, got a string"),
        (5, Point, "expected an array, got a number"),
        ([1], Listed, "not as expected"),
        ({}, Listed, "expected an array, got an object"),
        ({"x": 1, "+12025550199": 2}, Closed, "not as expected"),
        ({"x": 1, "y` - at `$.+12025550199": 2}, Closed, "not as expected"),
        ([{"x": "+12025550199"}], list[Closed], "[0].x: expected a number, got a string"),
        ({"type": "cat", "lives": "+1"}, Cat | Dog, "lives: expected a number, got a string"),
        ({"type": "+12025550199"}, Cat | Dog, "type: not as expected"),
        ("x", Cat | Dog, "expected an object, got a string"),
        ({"x": -1}, Positive, "not as expected"),
        ("+12025550199", UUID, "not as expected"),
        (5, UUID, "expected a string, got a number"),
        ("+12025550199", Literal["a", "b"], "not as expected"),
        (5, Literal["a", "b"], "not as expected"),
        (["+12025550199"], tuple[int, ...], "[0]: expected a number, got a string"),
        ({"+12025550199": 1}, dict[int, int], "[...]: expected a number, got a string"),
        ("+12025550199", int | float, "expected a number, got a string"),
        ({"x": []}, dict[str, int | str], "[...]: expected a number or a string, got an array"),
        ("x", datetime, "expected a date and time, got a string"),
    ],
)
def test_problems_of_other_types(value: Any, cl: Any, issue: str) -> None:
    """What msgspec decodes in its own way is explained as far as that can be done without quoting a value."""
    with pytest.raises(MalformedResponseError) as caught:
        codec.loads(json.dumps(value).encode(), cl)

    assert (issue,) == caught.value.issues


@frozen
class Cyclic:
    """A class that holds itself, and no renamed field."""

    id: str
    children: list[Cyclic] | None = None


@define
class Checked:
    """A class that refuses some values itself, with a renamed field."""

    value: int = json_field("theValue")

    def __attrs_post_init__(self) -> None:
        if self.value < 0:
            message = f"{self.value} is negative"
            raise ValueError(message)


@frozen
class Swapped:
    """Two fields, each with the name of the other."""

    a: int = json_field("b")
    b: int = json_field("a")


@frozen(slots=False)
class Slotless:
    """A class with a renamed field and no slots for it."""

    value: int = json_field("theValue")


@dataclass
class Holder:
    """A dataclass that holds a class with a renamed field."""

    entry: Entry


@frozen(slots=False)
class Outer:
    """A class without slots that only holds one with a renamed field."""

    entry: Entry


def test_renamed_fields_anywhere() -> None:
    """Classes may hold themselves, be generic, check themselves, swap names, and hold others in any way."""
    entry = {"entryId": "e-1"}
    annotated: Any = Annotated[Entry, "some note"]

    assert Cyclic("x", [Cyclic("y", [])]) == codec.convert(
        {"id": "x", "children": [{"id": "y", "children": []}]}, Cyclic
    )
    assert Box("x", 5) == codec.loads(b'{"id": "x", "heldValue": 5}', Box[int])
    assert Box("x", Entry("e-1")) == codec.convert({"id": "x", "heldValue": entry}, Box[Entry])
    assert Checked(5) == codec.convert({"theValue": 5}, Checked)
    assert Entry("e-1") == codec.convert(entry, annotated)
    assert Swapped(a=1, b=2) == codec.convert({"b": 1, "a": 2}, Swapped)
    assert Outer(Entry("e-1")) == codec.convert({"entry": entry}, Outer)
    assert (Entry("e-1"), Entry("e-1")) == codec.convert([entry, entry], tuple[Entry, ...])
    with pytest.raises(MalformedResponseError, match="not as expected"):
        codec.convert({"theValue": -5}, Checked)
    with pytest.raises(MalformedResponseError, match=r"\[0\].entryId: missing"):
        codec.convert([{}], tuple[Entry, ...])
    with pytest.raises(MalformedResponseError, match=r"\[1\].entryId: missing"):
        codec.convert([5, {}], tuple[int, Entry])


@pytest.mark.parametrize(
    ("cl", "message"),
    [
        (Slotless, "Slotless must have slots: it has fields with other names in JSON"),
        (Holder, "Holder must be an attrs class: a class in it has fields with other names in JSON"),
        (list[Holder | None], "Holder must be an attrs class: a class in it has fields with other names in JSON"),
    ],
)
def test_classes_whose_names_would_not_be_read(cl: Any, message: str) -> None:
    """Where the names of the JSON can't be read, nothing is, instead of a value without them."""
    for read in (codec.reader, lambda cl: codec.convert({}, cl)):
        with pytest.raises(TypeError, match=f"^{message}$"):
            read(cl)


ANY_JSON = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, 2**70, "", "x", "2026-01-15T10:00:00Z", "outbound", "cat"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "from", "entryId", "count", "heldValue", "x", "y", "type", "lives", "name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    "cl",
    [
        *(Call, Entry, Typed, Loose, Data, Record, Renamed, Plain, Box[int], Wrapper[Entry], Wrapper, Point, Listed),
        *(Closed, Positive, Cyclic, Checked, Swapped, Cat, Cat | Dog, list[Entry] | None, dict[str, Entry], dict, list),
        *(tuple[int, ...], tuple[int, Entry], set[str], frozenset[int], dict[int, int], dict[str, Any], Any, object),
        *(str | int, int | float, str | list[Entry] | None, UUID, Literal["x", "y"], Literal[0], bool, NonEmptyText),
    ],
)
@given(value=ANY_JSON | st.fixed_dictionaries(dict.fromkeys(("id", "entryId", "x"), ANY_JSON)))
def test_the_slow_path_refuses_what_msgspec_refuses(cl: Any, value: Any) -> None:
    """The hooks find nothing wrong where msgspec decodes, something where it does not, and say so without the value."""
    checked: Any = None
    issues: tuple[str, ...] = ()
    try:
        checked = MsgspecJsonConverter.structure(codec, value, cl)
    except MismatchError as error:
        issues = error.issues()
    try:
        msgspec.convert(value, with_twins(cl))
    except msgspec.ValidationError:
        assert issues or is_refused_by_class(cl, value)
        with pytest.raises(MismatchError):
            codec.structure(value, cl)
    else:
        assert () == issues
        assert value == checked or cl in (Call, Entry)  # whose times became datetimes


def is_refused_by_class(cl: Any, value: Any) -> bool:
    """Return whether only the class itself, its options or its keys' types refuse a value."""
    return cl in (Closed, Cat, Positive, Checked, dict[int, int]) or (get_origin(cl) or cl) is Wrapper
