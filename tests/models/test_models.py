"""The models of all resources: plain values, read and dumped whatever a server leaves out or adds."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import pkgutil
import types
import typing
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import attrs
import msgspec
import pytest
from attrs import evolve, frozen
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from contactship_async import MalformedResponseError, Page, PhoneNumber, PhoneNumberType, models
from contactship_async._codec import codec, python_codec
from contactship_async._codec.json_names import json_name
from contactship_async.models.calls import (
    CallAnalysis,
    EvaluationResult,
    LiveCall,
    PlacedCall,
    StoppedCall,
    TranscriptEntry,
)
from contactship_async.models.common import (
    AwareDatetime,
    Count,
    Model,
    NonEmptyText,
    OpenEnum,
    Seconds,
    Timestamp,
    json_field,
)
from contactship_async.models.contacts import CallHistory, ContactCallHistory, ContactField, PastCall
from contactship_async.models.credits import CreditBalance
from contactship_async.models.events import EventResult, EventSummary, IdentifiedSession, SentEvents
from contactship_async.models.tags import Tag
from contactship_async.models.webhooks import (
    FinishedCall,
    FinishedCallAgent,
    FinishedCallCampaign,
    FinishedCallContact,
    FinishedCallDetails,
    FinishedCallOrganization,
    FollowUpClosed,
    FollowUpContact,
    InboundContact,
    InboundContext,
    InboundNumbers,
)
from contactship_async.models.whatsapp import SentMessage, TemplateComponent

MODULES = [
    importlib.import_module(found.name) for found in pkgutil.iter_modules(models.__path__, f"{models.__name__}.")
]
MODELS = sorted(
    {
        found
        for module in MODULES
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Model) and found is not Model
    },
    key=lambda cl: cl.__name__,
)
REQUIRED: dict[type[Model], AbstractSet[str]] = {
    PhoneNumber: {"id", "phone_number", "type", "organization_id", "created_at"},
    **dict.fromkeys((LiveCall, PlacedCall, StoppedCall, FinishedCallDetails), frozenset({"call_id"})),
    InboundContext: {"agent_id"},
    FollowUpClosed: {"thread_id"},
    **dict.fromkeys((CallAnalysis, CreditBalance, EvaluationResult, TranscriptEntry), frozenset()),
    **dict.fromkeys((FinishedCall, FinishedCallAgent, FinishedCallCampaign), frozenset()),
    **dict.fromkeys((FinishedCallContact, FinishedCallOrganization), frozenset()),
    **dict.fromkeys((FollowUpContact, InboundContact, InboundNumbers), frozenset()),
    **dict.fromkeys((CallHistory, ContactCallHistory, ContactField, PastCall), frozenset()),
    **dict.fromkeys((SentMessage, TemplateComponent), frozenset()),
    **dict.fromkeys((EventResult, EventSummary, IdentifiedSession), frozenset()),
    SentEvents: {"results"},
}
"""The fields that a page shows to be there always, or that tell what it is about; of other models, `id`."""

texts = st.text(st.characters(codec="utf-8"))
times = st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))))


class Status(OpenEnum):
    """A state, to which the server may add others."""

    DONE = "done"


@frozen
class Part(Model):
    """An object within another one."""

    part_id: NonEmptyText = json_field("partId", default=attrs.NOTHING)
    said_at: AwareDatetime | None = json_field("saidAt")


@frozen
class Whole(Model):
    """An object with a field of each kind that models have.

    More about it.

    Args:
        id: Opaque.
        from_number: Who calls;
            on two lines.
    """

    id: NonEmptyText
    from_number: str | None = json_field("from")
    status: Status | None = None
    created_at: AwareDatetime | None = None
    duration: float | None = None
    is_done: bool | None = None
    count: int | None = None
    part: Part | None = None
    history: str | list[Part] | None = None
    extra: dict[str, Any] | None = None
    rest: Any = None


ALL = [*MODELS, Part, Whole]


BASIC: dict[Any, st.SearchStrategy[Any]] = {
    NonEmptyText: texts.filter(bool),
    AwareDatetime: times,
    Timestamp: times,
    Seconds: st.floats(allow_nan=False, allow_infinity=False),
    Count: st.integers(-(2**63), 2**63 - 1),
    str: texts,
    float: st.floats(allow_nan=False, allow_infinity=False),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    type(None): st.none(),
    Any: st.recursive(st.none() | st.booleans() | texts, lambda inner: st.lists(inner, max_size=2), max_leaves=4),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Make values of the type of a field."""
    if hint in BASIC:
        return BASIC[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*map(values_of, arguments))
    if origin in (list, tuple):
        return st.lists(values_of(arguments[0]), max_size=2).map(origin)
    if origin is dict:
        return st.dictionaries(texts, values_of(arguments[1]), max_size=2)
    return instances_of(hint) if attrs.has(hint) else st.sampled_from(hint) | texts.map(hint)


@cache
def instances_of(cl: Any) -> st.SearchStrategy[Any]:
    """Make objects of a model; kept, as most of the time would go by in making strategies."""
    hints = typing.get_type_hints(cl, include_extras=True)
    return st.builds(cl, **{field.name: values_of(hints[field.name]) for field in attrs.fields(cl)})


def row_of(cl: type[Any]) -> dict[str, Any]:
    """Make the JSON of an object with the required fields only."""
    known = {"created_at": "2026-01-15T10:00:00Z", "results": []}
    return {
        json_name(field): known.get(field.name, "x") for field in attrs.fields(cl) if field.default is attrs.NOTHING
    }


def test_models_are_found() -> None:
    """What this file tests are the models of the package."""
    assert {CreditBalance, PhoneNumber, Tag} <= {*MODELS}


@pytest.mark.parametrize("cl", MODELS)
def test_only_identifiers_are_required(cl: type[Any]) -> None:
    """A field may be missing unless it identifies the object, or its page shows that it is always there."""
    assert REQUIRED.get(cl, {"id"}) == {field.name for field in attrs.fields(cl) if field.default is attrs.NOTHING}


@pytest.mark.parametrize("cl", ALL)
@given(data=st.data())
def test_round_trips(cl: Any, data: st.DataObject) -> None:
    """What is dumped, pickled or copied is the same object again; `to_dict` is what `json` prints."""
    value = data.draw(instances_of(cl))
    plain = value.to_dict()

    assert value == codec.loads(codec.dumps(value), cl)
    assert value == codec.convert(json.loads(codec.dumps(value)), cl)
    assert value == python_codec.convert(json.loads(json.dumps(plain)), cl)
    assert [field.name for field in attrs.fields(cl)] == list(plain)
    assert plain == json.loads(json.dumps(plain))
    assert value == pickle.loads(pickle.dumps(value)) == copy.copy(value) == copy.deepcopy(value)


@pytest.mark.parametrize("cl", ALL)
def test_null_missing_and_unknown_fields(cl: type[Any]) -> None:
    """Fields that may be missing may be null, one by one and all together; what is unknown is ignored."""
    row = row_of(cl)
    optional = [json_name(field) for field in attrs.fields(cl) if field.default is not attrs.NOTHING]
    value = codec.convert(row, cl)

    assert all(getattr(value, field.name) is None for field in attrs.fields(cl) if json_name(field) in optional)
    for nulls in ([], optional, *([name] for name in optional)):
        body = json.dumps(row | dict.fromkeys(nulls) | {"new": {"x": [1]}}).encode()
        assert value == codec.loads(body, cl)
    for name in row:
        with pytest.raises(MalformedResponseError) as caught:
            codec.convert(row | {name: None}, cl)
        assert [name] == [issue.partition(":")[0] for issue in caught.value.issues]


@pytest.mark.parametrize("cl", ALL)
def test_unknown_enum_values(cl: type[Any]) -> None:
    """All enums are open."""
    hints = typing.get_type_hints(cl)
    for field in attrs.fields(cl):
        for member in typing.get_args(hints[field.name]) or (hints[field.name],):
            if isinstance(member, type) and issubclass(member, str) and member is not str:
                value = codec.convert(row_of(cl) | {json_name(field): "invented"}, cl)
                assert "invented" == getattr(value, field.name)
                assert issubclass(member, OpenEnum)


@pytest.mark.parametrize("cl", ALL)
def test_models_are_values(cl: type[Any]) -> None:
    """Models are frozen, hashable where their values are, compared by value, evolved, and shown with their fields."""
    value = codec.convert(row_of(cl), cl)
    first = attrs.fields(cl)[0].name
    changed = evolve(value, **{first: "y"})

    assert value != changed
    assert value == evolve(changed, **{first: getattr(value, first)})
    assert hash(value) == hash(copy.deepcopy(value))
    assert f"{cl.__name__}({first}=" in repr(value)
    assert not hasattr(value, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(value, first, "y")
    assert {field.name for field in attrs.fields(cl)} == typing.get_type_hints(cl).keys()


WHOLE = Whole(
    id="w-1",
    from_number="+12025550142",
    status=Status("new"),
    created_at=datetime(2026, 1, 15, 10, 0, 0, 500_000, timezone(timedelta(hours=2))),
    duration=1.5,
    part=Part(part_id="p-1", said_at=datetime(2026, 1, 15, tzinfo=UTC)),
    history=[Part(part_id="p-2")],
    extra={"x": [None]},
)
PLAIN = {
    "id": "w-1",
    "from_number": "+12025550142",
    "status": "new",
    "created_at": "2026-01-15T08:00:00.500000Z",
    "duration": 1.5,
    "is_done": None,
    "count": None,
    "part": {"part_id": "p-1", "said_at": "2026-01-15T00:00:00Z"},
    "history": [{"part_id": "p-2", "said_at": None}],
    "extra": {"x": [None]},
    "rest": None,
}


def test_to_dict() -> None:
    """A dictionary has all fields under their Python names, null for None, times in UTC, and enums as strings."""
    plain = WHOLE.to_dict()

    assert json.dumps(PLAIN) == json.dumps(plain)
    assert str is type(plain["status"])
    assert {"credits": None} == CreditBalance().to_dict()


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "0001-01-01T00:00:00+05:00"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), "9999-12-31T23:00:00-05:00"),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "9999-12-31T23:00:00Z"),
    ],
)
def test_times_that_utc_has_no_year_for(timestamp: datetime, text: str) -> None:
    """A time at the ends of the calendar keeps its zone, if it has no form in UTC."""
    assert text == evolve(WHOLE, created_at=timestamp).to_dict()["created_at"]


class Record(msgspec.Struct, rename="camel"):
    """A row of a user's own class, with its own names in JSON."""

    row_id: str
    seen_at: datetime | None = None


def test_to_dict_of_pages() -> None:
    """A page has its rows as dictionaries, whatever they are, and what it knows of the listing."""
    rows = (
        WHOLE,
        {"id": 1, "when": WHOLE.created_at, "status": PhoneNumberType.INBOUND, "x": (1, 2)},
        Record("r", datetime(2026, 1, 15)),  # noqa: DTZ001 - a user's class may have such times
    )
    page: Page[Any] = Page(rows, 3, 0, None)
    plain = page.to_dict()

    assert {
        "data": [
            PLAIN,
            {"id": 1, "when": PLAIN["created_at"], "status": "inbound", "x": [1, 2]},
            {"row_id": "r", "seen_at": "2026-01-15T00:00:00"},
        ],
        "count": 3,
        "offset": 0,
        "limit": None,
    } == json.loads(json.dumps(plain))
    assert ["data", "count", "offset", "limit"] == list(plain)


def test_pages_are_encoded_by_msgspec() -> None:
    """Msgspec encodes a page of models, too, for users who have it."""
    number = codec.convert(row_of(PhoneNumber), PhoneNumber)
    encoded = json.loads(msgspec.json.encode(Page((number,), 1, 0, 20)))

    assert {"data": [number.to_dict()], "count": 1, "offset": 0, "limit": 20} == encoded
