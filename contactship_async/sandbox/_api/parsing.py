"""Reads queries and bodies by their declarations; what is not allowed is refused with 400.

What no declaration names is ignored. A parameter that one names must be given once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

from contactship_async.sandbox._api.fields import Field
from contactship_async.sandbox._api.replies import Refusal

MAX_DIGITS: Final = 18
"""Of an integer in a query."""

_BOOLEANS: Final = {"true": True, "false": False}


def read_query(fields: Iterable[Field], query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the values of the parameters by their names: those sent, and those that have a default.

    Args:
        fields: The parameters that there are.
        query: Names and values, decoded, in the order in which they arrived.
    """
    values: dict[str, Any] = {}
    for field in fields:
        sent = [value for name, value in query if name == field.name]
        if len(sent) > 1:
            raise Refusal(400, f"{field.name} must be given once")
        if sent:
            values[field.name] = _parse(field, sent[0])
        elif "default" in field.schema:
            values[field.name] = field.schema["default"]
        elif field.required:
            raise Refusal(400, f"{field.name} is required")
    return values


def read_body(fields: Sequence[Field], body: bytes | None) -> dict[str, Any]:
    """Return those fields of the JSON object in *body* that are declared; none are without declarations."""
    if not fields:
        return {}
    try:
        sent = json.loads(body or b"", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise Refusal(400, "The body must be a JSON object")
    for field in fields:
        if field.name not in sent:
            if field.required:
                raise Refusal(400, f"{field.name} is required")
        elif not field.accepts(sent[field.name]):
            raise Refusal(400, f"{field.name} must be {field.allowed}")
    return {field.name: sent[field.name] for field in fields if field.name in sent}


def _parse(field: Field, text: str) -> object:
    if field.schema["type"] == "integer":
        if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS and field.accepts(number := int(text)):
            return number
    elif field.schema["type"] == "boolean":
        if text in _BOOLEANS:
            return _BOOLEANS[text]
    elif field.accepts(text):
        return text
    raise Refusal(400, f"{field.name} must be {field.allowed}")


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON (RFC 8259, 6)"
    raise ValueError(message)
