"""What requests may hold and rows show, each value declared once: checked by it, and described by it in OpenAPI.

A declaration is written in the words of JSON Schema that are read here: `type` (also with `null`), `enum`, `minLength`,
`pattern` (of the whole string, with both anchors), `format` (`date` and `uuid`), `minimum`, `maximum`, `items`,
`properties`, `required` and `default`. In a query there are strings, integers and booleans.

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

_ALLOWED: Final = {
    "integer": "an integer >= {minimum}",
    "number": "a number from {minimum} to {maximum}",
    "boolean": "true or false",
}


@frozen
class Field:
    """A parameter of a query, or a field of a body or of a row.

    Args:
        name: As the API spells it.
        schema: What the value may be.
        description: A sentence.
        example: A value that is allowed.
        required: Whether a body must hold it, or a row always shows it; parameters of a query never are.
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
        return all(conforms(schema["items"], item) for item in value if "items" in schema)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return all(name in value for name in schema.get("required", ())) and all(
            conforms(properties[name], value[name]) for name in properties if name in value
        )
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def describe_allowed(schema: Mapping[str, Any], example: object) -> str:
    """Return what a value may be, for a message that begins with `... must be`."""
    kind = _type_of(schema)
    if "enum" in schema:
        return f"one of: {', '.join(schema['enum'])}"
    if kind in _ALLOWED:
        return _ALLOWED[kind].format_map(schema)
    if kind in {"array", "object"}:
        return f"an {kind} such as {json.dumps(example)}"
    return _describe_text(schema, example)


def _describe_text(schema: Mapping[str, Any], example: object) -> str:
    if schema.get("format") == "uuid":
        return "a UUID"
    kind = "a date" if "format" in schema else "a non-empty string" if schema.get("minLength") else "a string"
    like = f" such as {example}" if "pattern" in schema or "format" in schema else ""
    return f"{kind}{like}{' or null' if _may_be_null(schema) else ''}"


def _is_of_type(schema: Mapping[str, Any], value: object) -> bool:
    kind = _type_of(schema)
    return isinstance(value, _PYTHON_TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _type_of(schema: Mapping[str, Any]) -> str:
    kind: str = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    return kind


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    return "null" in schema["type"]


def _is_allowed_text(schema: Mapping[str, Any], text: str) -> bool:
    is_long_enough = len(text) >= schema.get("minLength", 0)
    has_pattern = re.fullmatch(schema.get("pattern", ".*"), text, re.DOTALL) is not None
    return is_long_enough and has_pattern and _has_format(schema.get("format"), text)


def _has_format(format_: str | None, text: str) -> bool:
    if format_ == "uuid":
        return _UUID.fullmatch(text) is not None
    if format_ == "date":
        with suppress(ValueError):
            return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
        return False
    return True
