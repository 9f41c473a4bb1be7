"""Models, open enums and pages as fields of pydantic's models."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal, TypedDict
from uuid import UUID

import pytest
from attrs import NOTHING, fields, frozen
from pydantic import BaseModel, TypeAdapter, ValidationError

from contactship_async import Page, PhoneNumber, PhoneNumberType, SortOrder
from contactship_async.models.calls import Call, CallContact
from contactship_async.models.common import AwareDatetime, Model, json_field
from contactship_async.models.events import EventResult
from contactship_async.models.tags import Tag
from contactship_async.models.tasks import Task
from contactship_async.models.threads import Thread

NUMBER = PhoneNumber(
    id="pn-1",
    phone_number="+12025550142",
    type=PhoneNumberType("both"),
    organization_id="org-1",
    created_at=datetime(2026, 1, 15, tzinfo=UTC),
)
TAG = Tag(id="t-1", created_at=datetime(2026, 1, 15, tzinfo=UTC))

IMPORT_ALL = """
import importlib, pkgutil, sys
import contactship_async
for found in pkgutil.walk_packages(contactship_async.__path__, "contactship_async."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
print(*(name for name in sys.modules if name.split(".")[0].startswith("pydantic")))
"""


class Color(Enum):
    """A user's own enum."""

    RED = "red"


class Typed(TypedDict):
    """A user's own row."""

    id: str


@dataclass
class Data:
    """Another one, of which the docstring names no arguments."""

    id: str
    size: int = 0


@frozen
class Kinds(Model):
    """A model with a field of each kind.

    All of them.

    Args:
        from_number: Who calls;
            on two lines.
        other: Not a field.
    """

    from_number: str | None = json_field("from")
    number: float | None = None
    flag: bool | None = None
    times: list[AwareDatetime] | None = None
    color: Color | None = None
    order: SortOrder | None = None
    mixed: str | list[Tag] | None = None
    pair: tuple[int, str] | None = None
    names: tuple[str, ...] | None = None
    anything: dict[str, Any] | None = None
    by_name: dict[str, Tag] | None = None
    bare: dict | list | None = None  # type: ignore[type-arg] # as users write it
    key: UUID | None = None
    choice: Literal["a"] | None = None
    rest: Any = None
    inner: Kinds | None = None


class Holder(BaseModel):  # type: ignore[misc] # pydantic is not followed, see pyproject.toml
    """A user's model that holds ours."""

    number: PhoneNumber
    tags: list[Tag] = []
    type: PhoneNumberType | None = None
    page: Page[Tag] | None = None


class Repeating(BaseModel):  # type: ignore[misc] # as above
    """A user's model with one class in several fields."""

    page: Page[Tag]
    first: Tag
    second: Tag | None
    by_name: dict[str, list[Tag]]


HOLDER = Holder(number=NUMBER, tags=[TAG], type=PhoneNumberType.INBOUND, page=Page((TAG,), 1, 0, None))


def test_package_does_not_import_pydantic() -> None:
    """Nothing of the package imports pydantic before pydantic asks for it."""
    command = [sys.executable, "-c", IMPORT_ALL]

    assert "" == subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603 - our own


def test_instances_pass() -> None:
    """Instances are valid as they are."""
    assert HOLDER.number is NUMBER
    assert HOLDER.tags[0] is TAG
    assert HOLDER.page is not None
    assert HOLDER.page.data[0] is TAG


def test_dumps_are_dictionaries_that_are_valid() -> None:
    """What is dumped is what `to_dict` returns, as JSON too, and is read as the same values, with no warning."""
    dumped = HOLDER.model_dump()

    assert {
        "number": NUMBER.to_dict(),
        "tags": [TAG.to_dict()],
        "type": "inbound",
        "page": Page((TAG,), 1, 0, None).to_dict(),
    } == dumped
    assert dumped == json.loads(HOLDER.model_dump_json())
    assert HOLDER == Holder.model_validate(dumped)
    assert HOLDER == Holder.model_validate_json(HOLDER.model_dump_json())
    assert isinstance(Holder.model_validate(dumped).tags[0], Tag)
    assert [NUMBER.to_dict()] == TypeAdapter(list[PhoneNumber]).dump_python([NUMBER])
    assert HOLDER == Holder.model_validate(dumped | {"number": NUMBER, "tags": (TAG,)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": {}}, "Value error, id: missing; phone_number: missing; type: missing; organization_id: missing;"),
        ({"number": 5}, "Value error, expected an object, got a number"),
        ({"tags": [{"id": 5}]}, "Value error, id: expected a non-empty string, got a number"),
        ({"tags": [{"id": "x", "created_at": "soon"}]}, "created_at: expected a date and time, got a string"),
        ({"type": 5}, "5 is not a valid PhoneNumberType"),
        ({"page": {"data": [{"id": 5}], "count": "1", "offset": 0, "limit": 5}}, "Value error, data"),
        ({"page": {"data": [{"id": "x"}], "count": "1"}}, "count: expected a number, got a string; offset: missing;"),
    ],
)
def test_refused_values(change: dict[str, Any], message: str) -> None:
    """Dictionaries are as strict as the API's rows, and their problems are named."""
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate(HOLDER.model_dump() | change)

    assert message in str(caught.value)
    assert 1 == caught.value.error_count()


def test_refused_values_in_python() -> None:
    """What is no JSON at all is refused in the same words."""
    with pytest.raises(ValidationError, match="expected an object, got another type"):
        TypeAdapter(Tag).validate_python(object())


def nullable(title: str, *schemas: dict[str, Any]) -> dict[str, Any]:
    """Describe a field that may be null."""
    return {"anyOf": [*schemas, {"type": "null"}], "title": title}


TEXT, TIME, TAG_REF = {"type": "string"}, {"type": "string", "format": "date-time"}, {"$ref": "#/$defs/Tag"}
OBJECT = {"type": "object", "additionalProperties": True}
KINDS = {
    "from_number": nullable("From Number", TEXT) | {"description": "Who calls; on two lines."},
    "number": nullable("Number", {"type": "number"}),
    "flag": nullable("Flag", {"type": "boolean"}),
    "times": nullable("Times", {"type": "array", "items": TIME}),
    "color": nullable("Color", {"type": "string", "const": "red"}),
    "order": nullable("Order", {"type": "string", "enum": ["asc", "desc"]}),
    "mixed": nullable("Mixed", TEXT, {"type": "array", "items": TAG_REF}),
    "pair": nullable("Pair", {}),
    "names": nullable("Names", {"type": "array", "items": TEXT}),
    "anything": nullable("Anything", OBJECT),
    "by_name": nullable("By Name", {"type": "object", "additionalProperties": TAG_REF}),
    "bare": nullable("Bare", OBJECT, {"type": "array", "items": {}}),
    "key": nullable("Key", {}),
    "choice": nullable("Choice", {}),
    "rest": {"title": "Rest"},
    "inner": nullable("Inner", {"$ref": "#/$defs/Kinds"}),
}


def test_schema() -> None:
    """The schema says what each field is in the dictionaries, and that all are there in what is dumped."""
    schema = TypeAdapter(Kinds).json_schema(mode="serialization")
    described = schema["$defs"]["Kinds"]

    assert KINDS == described["properties"]
    assert list(KINDS) == described["required"]
    assert ("Kinds", "A model with a field of each kind.\n\nAll of them.") == (
        described["title"],
        described["description"],
    )
    assert [] == TypeAdapter(Kinds).json_schema()["$defs"]["Kinds"].get("required")
    assert ["id"] == TypeAdapter(Tag).json_schema()["required"]


def test_all_kinds_of_values_are_dumped() -> None:
    """Values of all kinds are dumped as `to_dict` has them, with no warning, and read as the same values."""
    whole = Kinds(
        from_number="x",
        number=1.5,
        flag=True,
        times=[datetime(2026, 1, 15, tzinfo=UTC)],
        color=Color.RED,
        order=SortOrder.ASC,
        mixed=[TAG],
        pair=(1, "x"),
        names=("x",),
        anything={"x": [TAG.to_dict()]},
        by_name={"x": TAG},
        bare=[1],
        key=UUID(int=1),
        choice="a",
        rest={"x": 1},
        inner=Kinds(mixed="x"),
    )
    adapter = TypeAdapter(Kinds)

    for value in (whole, Kinds()):
        assert value.to_dict() == adapter.dump_python(value)
        assert value == adapter.validate_json(adapter.dump_json(value))


def test_class_in_several_fields() -> None:
    """A class that comes again is read and dumped like the first time, also with fields left out."""
    value = {
        "page": {"data": [{"id": "t-1"}], "count": 1, "offset": 0, "limit": None},
        "first": {"id": "t-1"},
        "second": {"id": "t-1"},
        "by_name": {"x": [{"id": "t-1"}]},
    }
    tag = Tag(id="t-1")
    instances = Repeating(page=Page((tag,), 1, 0, None), first=tag, second=tag, by_name={"x": [tag]})

    assert instances == Repeating.model_validate(value)
    assert instances == Repeating.model_validate_json(instances.model_dump_json())
    assert {"Page_Tag_", "Tag"} == Repeating.model_json_schema()["$defs"].keys()


def test_fields_that_are_not_to_be_dumped() -> None:
    """What is excluded from a dump is not in it, however deep it is, and neither is what is not included."""
    adapter = TypeAdapter(Call | None)
    call = Call(id="c-1", contact=CallContact(id="ct-1", phone_number="+14155550137"))
    excluded = {"contact": {"phone_number"}}

    assert {"id": "c-1", "contact": {"id": "ct-1"}} == adapter.dump_python(call, exclude=excluded, exclude_none=True)
    assert b'{"contact":{"id":"ct-1"}}' == adapter.dump_json(call, include={"contact": {"id"}})
    assert {"page": {"data": [{"id": "t-1"}]}} == HOLDER.model_dump(include={"page": {"data": {"__all__": {"id"}}}})


@pytest.mark.parametrize("value", [PhoneNumberType("both"), 3, True, None, [1], TAG])
def test_open_enum_in_a_union(value: object) -> None:
    """What another type of a union takes is dumped by that type, not as the string that the enum would make of it."""
    adapter: TypeAdapter[Any] = TypeAdapter(PhoneNumberType | bool | int | list[int] | Tag | None)

    assert (TAG.to_dict() if value is TAG else value) == adapter.dump_python(value)
    assert value == adapter.validate_json(adapter.dump_json(value))


@pytest.mark.parametrize("cl", [Call, EventResult, Task, Thread])
def test_missing_values_are_dumped_as_null(cl: type[Model]) -> None:
    """What is None is dumped as null, an open enum too, as a handler of FastAPI returns it."""
    sparse = cl(**{one.name: "x" for one in fields(cl) if one.default is NOTHING})
    adapter = TypeAdapter(cl)

    assert sparse.to_dict() == json.loads(adapter.dump_json(sparse))
    assert sparse == adapter.validate_json(adapter.dump_json(sparse))


def test_schema_of_open_enums() -> None:
    """An open enum is any string, with the known ones as examples."""
    assert {
        "type": "string",
        "title": "PhoneNumberType",
        "description": "The direction of the calls a number serves; the server may add values, see `OpenEnum`.",
        "examples": ["inbound", "outbound"],
    } == TypeAdapter(PhoneNumberType).json_schema()


@pytest.mark.parametrize("row_type", [Tag, Data, Typed, dict, dict[str, Any], Any])
def test_pages(row_type: Any) -> None:
    """A page of any rows is dumped and read, and its schema names it."""
    adapter: TypeAdapter[Page[Any]] = TypeAdapter(Page[row_type])
    dumped = adapter.dump_python(Page(({"id": "x"},), 1, 0, None))
    read = adapter.validate_python(dumped)

    assert {"data": [{"id": "x"}], "count": 1, "offset": 0, "limit": None} == dumped
    assert isinstance(read, Page)
    assert dumped["data"][0].items() <= read.to_dict()["data"][0].items()
    assert type(read.data[0]) is (row_type if row_type in (Tag, Data) else dict)
    schema = adapter.json_schema(mode="serialization")
    assert ["data", "count", "offset", "limit"] == schema["required"]
    assert schema["title"].startswith("Page[")
    assert "array" == schema["properties"]["data"]["type"]


def test_page_of_unknown_rows() -> None:
    """Without an argument, a page holds anything."""
    assert {"type": "array", "items": {}} == {
        name: value
        for name, value in TypeAdapter(Page).json_schema()["properties"]["data"].items()
        if name in ("type", "items")
    }
