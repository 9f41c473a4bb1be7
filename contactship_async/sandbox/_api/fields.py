"""What requests may hold and rows show, each value declared once: checked by it, and described by it in OpenAPI.

A declaration is written in the words of JSON Schema that are read here: `type` (`string`, also with `null`; `integer`
in a query), `enum`, `minLength`, `pattern` (of the whole string, with both anchors), `minimum` and `default`.

Source: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from contactship_async._arguments import check_choice


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
        if "enum" in self.schema:
            return f"one of: {', '.join(self.schema['enum'])}"
        if self.schema["type"] == "integer":
            return f"an integer >= {self.schema['minimum']}"
        kind = "a non-empty string" if self.schema.get("minLength") else "a string"
        like = f" such as {self.example}" if "pattern" in self.schema else ""
        return f"{kind}{like}{' or null' if self._may_be_null else ''}"

    def accepts(self, value: object) -> bool:
        """Return whether *value* is allowed."""
        if value is None:
            return self._may_be_null
        if not isinstance(value, str):
            return False
        is_long_enough = len(value) >= self.schema.get("minLength", 0)
        return is_long_enough and re.fullmatch(self.schema.get("pattern", ".*"), value, re.DOTALL) is not None

    def check(self, value: object) -> None:
        """Check the argument of a function, which may be None for 'made up'.

        Raises:
            TypeError: It is not a string.
            ValueError: It is not allowed.
        """
        if value is None:
            return
        if "enum" in self.schema:
            check_choice(self.name, value, self.schema["enum"])
        elif not isinstance(value, str):
            message = f"{self.name} must be {self.allowed}, not {type(value).__name__}"
            raise TypeError(message)
        elif not self.accepts(value):
            message = f"{self.name} must be {self.allowed}, not {value!r}"
            raise ValueError(message)

    @property
    def _may_be_null(self) -> bool:
        return "null" in self.schema["type"]


@frozen
class Schema:
    """An object of the API: its name in the OpenAPI document, and its fields in the order in which rows show them."""

    name: str
    fields: tuple[Field, ...]


def optional(*fields: Field) -> tuple[Field, ...]:
    """Return the same fields, none of which is required."""
    return tuple(evolve(field, required=False) for field in fields)
