"""Checks of what a caller gives; each error names the argument and what is allowed. Booleans are no numbers."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Any, Final, TypeVar

E = TypeVar("E", bound=StrEnum)

_LARGEST: Final = sys.float_info.max
"""Integers may be larger than that, and NaN is not comparable."""


def check_type(name: str, value: object, expected: Any) -> None:
    """Raise a `TypeError` that names the argument, unless *value* is of the type *expected*."""
    if not isinstance(value, expected):
        message = f"{name} must be of type {expected.__name__}, not {type(value).__name__}"
        raise TypeError(message)


def check_seconds(name: str, value: object, *, may_be_zero: bool) -> None:
    """Raise a `TypeError` or `ValueError` unless *value* is a finite number above zero, or zero where it may be."""
    allowed = f"a finite number of seconds {'>=' if may_be_zero else '>'} 0"
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    if not -_LARGEST <= value <= _LARGEST or value < 0 or (value == 0 and not may_be_zero):
        message = f"{name} must be {allowed}"
        raise ValueError(message)


def check_integer(name: str, value: object, *, lowest: int) -> int:
    """Return *value* if it is an integer of at least *lowest*.

    Raises:
        TypeError: It is not an integer; booleans are none.
        ValueError: It is lower.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{name} must be an integer >= {lowest}, not {type(value).__name__}"
        raise TypeError(message)
    if value < lowest:
        message = f"{name} must be an integer >= {lowest}, not {value}"
        raise ValueError(message)
    return value


def check_choice(name: str, value: object, choices: type[E]) -> E:
    """Return *value*, a member of *choices* or its text, as the member.

    Raises:
        TypeError: It is not a text.
        ValueError: It is no member; for an open enum, values that only the server knows are none.
    """
    allowed = " or ".join(repr(choice.value) for choice in choices)
    if not isinstance(value, str):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    for choice in choices:
        if choice == value:
            return choice
    message = f"{name} must be {allowed}, not {value!r}"
    raise ValueError(message)
