"""Made-up arguments, rows and objects, from what the documentation says of each field and what a model says of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, cached_property
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs
from attrs import define
from endpoints import Field, python_name

from contactship_async._codec import python_codec
from contactship_async.models.contacts import ContactField
from contactship_async.models.events import Event, EventIdentity
from contactship_async.models.tasks import TaskFilter
from contactship_async.models.whatsapp import FilledComponent, TemplateParameter

Place = tuple[str | int, ...]
"""The keys and indices that lead to a value within a payload."""

WRONG: Final = "wrong-5551234"
"""Part of every wrong value, and of no error text."""

_FORMATS: Final = {
    "E.164": "+12025550142",
    "#RRGGBB": "#1A73E8",
    "ISO 8601": "2026-05-04",
    "IANA zone": "UTC",
    "ISO 4217": "USD",
    "yyyy-MM-dd HH:mm:ss": "2126-07-02 16:45:00",
}

_VALUES: Final[Mapping[str, Any]] = {
    "webhook_url": "https://example.com/ü?a=b",
    "filters": '[{"field":"status","operator":"EQUAL","value":"ü&=+"}]',
    "post_call_analysis_data": [{"type": "enum", "name": "mood", "choices": ["ü", "&=+"], "tomorrow": 1}],
    "tools": [{"type": "end_call", "name": "end_call", "tomorrow": {"a": [1]}}],
    "event_id": "purchase-ü&=+",
    "session_id": "visit-ü&=+",
    "occurred_at": "2026-05-04T09:12:03.250000Z",
    "phone": "+12025550142",
    "url": "https://example.com/ü?a=b",
}
"""The values of fields whose form is told in words, by their names."""

_NEWEST: Final = datetime(2026, 5, 4, 9, 12, tzinfo=UTC)


def value_of(field: Field) -> Any:
    """Make up a value of a field, as it is in JSON."""
    if field.enum:
        return field.enum[-1]
    if field.name in _VALUES:
        return deepcopy(_VALUES[field.name])
    if (field.name, field.type) == ("duration", "string"):
        return "98.5"
    kind = field.type.split("|")[0]
    inside = {one.name: value_of(one) for one in field.fields}
    values = {
        "string": _FORMATS.get(field.format or "", f"{field.name} ü&=+"),
        "datetime": "2026-05-04T09:12:03.250000Z",
        "number": 12 if field.min is None else field.min,
        "integer": 12,
        "boolean": True,
        "any": f"{field.name} of any type",
        "array": [inside or f"{field.name} item"],
        "object": inside or {f"{field.name} key": f"{field.name} value"},
    }
    return values[kind]


_ARGUMENTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "filters": lambda text: [TaskFilter(**condition) for condition in json.loads(text)],
    "events": lambda events: [python_codec.structure(event, Event) for event in events],
    "contact": lambda identity: python_codec.structure(identity, EventIdentity),
    "components": lambda parts: [
        FilledComponent(part["type"], [TemplateParameter(**parameter) for parameter in part["parameters"]])
        for part in parts
    ],
    "schedule": lambda time: datetime.fromisoformat(time["scheduled_call_time"]).replace(tzinfo=UTC),
    "key, value": lambda pairs: {pair["key"]: pair["value"] for pair in pairs},
    "type, field, value": lambda fields: [ContactField(**each) for each in fields],
}
"""What makes the argument of a value in JSON, by the name of its field, or by those of the fields within."""


def argument_of(field: Field) -> Any:
    """Make up what a method is given for a parameter or a field of a body, which is sent as `value_of` it."""
    value = value_of(field)
    inside = ", ".join(one.name for one in field.fields)
    make = _ARGUMENTS.get(field.name) or _ARGUMENTS.get(inside)
    return value if make is None else make(value)


def payload_of(fields: Iterable[Field]) -> dict[str, Any]:
    """Make up an object that has all *fields*."""
    return {field.name: value_of(field) for field in fields}


def rows_of(fields: Iterable[Field], number: int, *, id_field: str, sort_key: str) -> list[dict[str, Any]]:
    """Make up rows of a listing, the newest first; two neighbours share each creation date."""
    row = payload_of(fields)
    timestamps = [_NEWEST - timedelta(minutes=place // 2) for place in range(number)]
    return [
        row | {id_field: f"row-{place}", sort_key: in_json(timestamp)} for place, timestamp in enumerate(timestamps)
    ]


def in_json(value: Any) -> Any:
    """Return what was read as it is in JSON, but with the names that fields have in Python."""
    if value is None or isinstance(value, str):
        return value.value if isinstance(value, Enum) else value
    if names := _names_of(type(value)):  # type: ignore[arg-type] # mypy: no class is hashable
        return {name: in_json(getattr(value, name)) for name in names}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list | tuple):
        return [in_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: in_json(item) for key, item in value.items()}
    return value


@cache
def _names_of(cl: Hashable) -> Sequence[str]:
    """Return the names of the fields of a class of attrs; none of another."""
    return [one.name for one in attrs.fields(cl)] if isinstance(cl, type) and attrs.has(cl) else []


@define(frozen=True, slots=False)
class Shape:
    """The class that an endpoint's object or row is read into, and what the documentation says of it.

    Args:
        model: The class.
        fields: The documented fields.
    """

    model: type[Any]
    fields: Sequence[Field]

    @cached_property
    def required(self) -> set[str]:
        """The names in Python of the fields that the class can't do without."""
        return {one.name for one in attrs.fields(self.model) if one.default is attrs.NOTHING}

    @property
    def identifiers(self) -> set[str]:
        """The name of the object's own id, which the documentation names first; nothing if it may have none."""
        return {one.name for one in self.fields[:1] if _is_identifier(one)}

    def all(self) -> Iterator[Shape]:
        """Yield this shape, and those of the objects within."""
        yield self
        for field in self.fields:
            inner = self.inner(field)
            if inner is not None:
                yield from inner.all()

    def inner(self, field: Field) -> Shape | None:
        """Return the shape of an object, or of the items of an array, if the class has a class for it."""
        return self._inner[field.name]

    @cached_property
    def _inner(self) -> Mapping[str, Shape | None]:
        """The shape within each field; kept, as each row is read by them."""
        classes = {one.name: _class_in(self._hints[python_name(one.name)]) for one in self.fields}
        return {
            one.name: Shape(inner, one.fields) if (inner := classes[one.name]) is not None and one.fields else None
            for one in self.fields
        }

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.model)

    def read(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return what *payload* should be read as, as `in_json` has it: of what is missing, the default."""
        values = {one.name: None for one in attrs.fields(self.model)}
        for field in self.fields:
            value = payload.get(field.name)
            inner = self.inner(field)
            if inner is not None and isinstance(value, list):
                value = [inner.read(item) for item in value]
            elif inner is not None and isinstance(value, dict):
                value = inner.read(value)
            elif isinstance(value, str) and float in get_args(self._hints[python_name(field.name)]):
                value = float(value)
            values[python_name(field.name)] = value
        return values

    def places(self, within: Place = ()) -> Iterator[tuple[Place, Field, bool]]:
        """Yield where each field is in a payload, the field, and whether the class can do without it."""
        for field in self.fields:
            place = (*within, field.name)
            yield place, field, python_name(field.name) not in self.required
            inner = self.inner(field)
            if inner is not None:
                yield from inner.places((*place, 0) if field.type.startswith("array") else place)


@cache
def _class_in(hint: Hashable) -> type[Any] | None:
    """Return the class in a hint that has fields, if there is one."""
    cl = get_origin(hint) or hint
    if isinstance(cl, type) and attrs.has(cl):
        return cl
    return next(filter(None, map(_class_in, get_args(hint))), None)


def _is_identifier(field: Field) -> bool:
    return field.is_never_missing and (field.name == "id" or field.name.endswith("_id"))


def path_of(place: Place, prefix: str = "") -> str:
    """Return the JSON path of a place, such as `data[0].contact.id`."""
    path = prefix + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return path.removeprefix(".")


def changed(payload: Mapping[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """Return *payload* with another value at *place*."""
    return _edited(payload, place, lambda holder: holder.__setitem__(place[-1], value))


def without(payload: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return *payload* with nothing at *place*."""
    return _edited(payload, place, lambda holder: holder.__delitem__(place[-1]))


def _edited(payload: Mapping[str, Any], place: Place, edit: Callable[[Any], object]) -> dict[str, Any]:
    """Return a copy that is edited at *place*, and shares all that does not lead there with *payload*."""
    copy = dict(payload)
    holder: Any = copy
    for step in place[:-1]:
        holder[step] = holder[step].copy()
        holder = holder[step]
    edit(holder)
    return copy


def wrong_value_of(field: Field) -> Any:
    """Return a value that no field of this type can have."""
    if "|" in field.type:
        return {"array|string": {WRONG: 1}, "object|string": [WRONG]}[field.type]
    return WRONG if field.type in {"array", "object"} else [WRONG]
