"""What requests may hold and rows show, each value declared once: checked by it, and described by it in OpenAPI.

A declaration is written in the words of JSON Schema that are read here: `type` (one, several, or none for anything),
`enum`, `minLength`, `maxLength`, `pattern` (of the whole string, with both anchors), `format` (`date` and `uuid`),
`minimum`, `maximum`, `items`, `minItems`, `maxItems`, `properties`, `required`, `anyOf` (with nothing but `required`)
and `default`. In a query there are strings, integers and booleans.

Source: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Final

from attrs import evolve, frozen

from contactship_async._arguments import check_choice

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_PYTHON_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}

ANSWERED_SINGLY: Final = "x-answered-singly"
"""Of objects in an array whose endpoint says itself what is wrong with each: the schema describes, and refuses none."""

LARGEST_INTEGER: Final = 10**18 - 1
"""A `maximum` that goes without saying."""


@frozen
class Field:
    """A parameter of a query, or a field of a body or of a row.

    Args:
        name: As the API spells it.
        schema: What the value may be.
        description: A sentence.
        example: A value that is allowed.
        required: Whether a request must hold it, or a row always shows it.
    """

    name: str
    schema: Mapping[str, Any]
    description: str
    example: object
    required: bool = True

    @property
    def allowed(self) -> str:
        """What the value may be, for a message that begins with `... must be`."""
        return describe_allowed(self.schema, self.example)

    def accepts(self, value: object) -> bool:
        """Return whether *value* is allowed."""
        return conforms(self.schema, value)

    def check(self, value: object) -> None:
        """Check the argument of a function, which may be None for 'made up'.

        Raises:
            TypeError: It is of another type.
            ValueError: It is not allowed.
        """
        if value is None:
            return
        if "enum" in self.schema:
            check_choice(self.name, value, self.schema["enum"])
        elif not _is_of_type(self.schema, value):
            message = f"{self.name} must be {self.allowed}, not {type(value).__name__}"
            raise TypeError(message)
        elif not self.accepts(value):
            message = f"{self.name} must be {self.allowed}, not {value!r}"
            raise ValueError(message)


@frozen
class Schema:
    """An object of the API: its name in the OpenAPI document, and its fields in the order in which rows show them."""

    name: str
    fields: tuple[Field, ...]


def optional(*fields: Field) -> tuple[Field, ...]:
    """Return the same fields, none of which is required."""
    return tuple(evolve(field, required=False) for field in fields)


def as_object(*fields: Field) -> dict[str, Any]:
    """Return the schema of an object that has these fields."""
    return {
        "type": "object",
        "properties": {field.name: {**field.schema, "description": field.description} for field in fields},
        "required": [field.name for field in fields if field.required],
    }


def example_of(*fields: Field) -> dict[str, Any]:
    """Return the example of an object that has these fields."""
    return {field.name: field.example for field in fields}


def conforms(schema: Mapping[str, Any], value: object) -> bool:
    """Return whether *value* is what a schema allows."""
    if value is None:
        return _may_be_null(schema)
    if not _is_of_type(schema, value) or value not in schema.get("enum", (value,)):
        return False
    if isinstance(value, str):
        return _is_allowed_text(schema, value)
    if isinstance(value, list | tuple):
        return _is_between(len(value), schema.get("minItems"), schema.get("maxItems")) and all(
            conforms(schema["items"], item) for item in value if "items" in schema
        )
    if isinstance(value, dict):
        return ANSWERED_SINGLY in schema or _has_allowed_fields(schema, value)
    return _is_between(value, schema.get("minimum"), schema.get("maximum"))


def _has_allowed_fields(schema: Mapping[str, Any], value: Mapping[str, object]) -> bool:
    properties = schema.get("properties", {})
    has_required = all(name in value for name in schema.get("required", ())) and any(
        value.keys() >= {*one["required"]} for one in schema.get("anyOf", ({"required": ()},))
    )
    return has_required and all(conforms(properties[name], value[name]) for name in properties if name in value)


def describe_allowed(schema: Mapping[str, Any], example: object) -> str:
    """Return what a value may be, for a message that begins with `... must be`."""
    if "enum" in schema:
        return f"one of: {', '.join('null' if value is None else value for value in schema['enum'])}"
    kinds = [_describe_kind(kind, schema, example) for kind in _types_of(schema)]
    return " or ".join([*kinds, *(["null"] if _may_be_null(schema) else [])])


def _describe_kind(kind: str, schema: Mapping[str, Any], example: object) -> str:
    if kind == "boolean":
        return "true or false"
    if kind in {"integer", "number"}:
        return f"{'an integer' if kind == 'integer' else 'a number'}{_describe_range(schema)}"
    if kind in {"array", "object"}:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        length = f" of {least} to {most} items" if kind == "array" and most is not None else ""
        return f"an {kind}{length} such as {json.dumps(example)}"
    return _describe_text(schema, example)


def _describe_range(schema: Mapping[str, Any]) -> str:
    lowest, highest = schema.get("minimum"), schema.get("maximum", LARGEST_INTEGER)
    if lowest is None:
        return ""
    return f" >= {lowest}" if highest == LARGEST_INTEGER else f" from {lowest} to {highest}"


def _describe_text(schema: Mapping[str, Any], example: object) -> str:
    if schema.get("format") == "uuid":
        return "a UUID"
    kind = "a date" if "format" in schema else "a non-empty string" if schema.get("minLength") else "a string"
    length = f" of at most {schema['maxLength']} characters" if "maxLength" in schema else ""
    like = f" such as {example}" if "pattern" in schema or "format" in schema else ""
    return f"{kind}{length}{like}"


def _is_of_type(schema: Mapping[str, Any], value: object) -> bool:
    kinds = _types_of(schema)
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, _PYTHON_TYPES[kind]) for kind in kinds)


def _types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a value may be besides null."""
    types = schema.get("type", tuple(_PYTHON_TYPES))
    return tuple(kind for kind in ((types,) if isinstance(types, str) else types) if kind != "null")


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    return "type" not in schema or "null" in schema["type"]


def _is_between(value: Any, lowest: float | None, highest: float | None) -> bool:
    return (lowest is None or value >= lowest) and (highest is None or value <= highest)


def _is_allowed_text(schema: Mapping[str, Any], text: str) -> bool:
    has_length = _is_between(len(text), schema.get("minLength"), schema.get("maxLength"))
    has_pattern = re.fullmatch(schema.get("pattern", ".*"), text, re.DOTALL) is not None
    return has_length and has_pattern and _has_format(schema.get("format"), text)


def _has_format(format_: str | None, text: str) -> bool:
    if format_ == "uuid":
        return _UUID.fullmatch(text) is not None
    if format_ == "date":
        with suppress(ValueError):
            return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
        return False
    return True
