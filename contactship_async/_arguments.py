"""Checks of what a caller gives; each error names the argument and what is allowed. Booleans are no numbers."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

S = TypeVar("S", bound=str)

Check: TypeAlias = Callable[[str, object], object]
"""Takes the name of an argument and its value, and returns what is sent, or raises a `TypeError` or `ValueError`."""

Checks: TypeAlias = Mapping[str, Check]
"""The check of each field of a body, by its name."""

UNSET: Final = msgspec.UNSET
"""An argument that is not given, where None is a value: what is not given is not sent, None is sent as null."""

_LARGEST: Final = sys.float_info.max
"""Integers may be larger than that, and NaN is not comparable."""

_PHONE_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164, with the plus that it is written with."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_type(name: str, value: object, expected: Any) -> None:
    """Raise a `TypeError` that names the argument, unless *value* is of the type *expected*."""
    if not isinstance(value, expected):
        message = f"{name} must be of type {expected.__name__}, not {type(value).__name__}"
        raise TypeError(message)


def check_seconds(name: str, value: object, *, may_be_zero: bool, may_be_infinite: bool = False) -> None:
    """Raise a `TypeError` or `ValueError` unless *value* is a finite number above zero, or what else it may be."""
    allowed = f"a {'' if may_be_infinite else 'finite '}number of seconds {'>=' if may_be_zero else '>'} 0"
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    is_allowed = 0 < value <= _LARGEST or (value == 0 and may_be_zero) or (value == math.inf and may_be_infinite)
    if not is_allowed:
        message = f"{name} must be {allowed}, not {value}"
        raise ValueError(message)


def check_integer(name: str, value: object, *, lowest: int, highest: int | None = None) -> int:
    """Return *value* if it is an integer of at least *lowest*, and at most *highest* where there is one.

    Raises:
        TypeError: It is not an integer; booleans are none.
        ValueError: It is out of range.
    """
    allowed = f"an integer >= {lowest}" if highest is None else f"an integer from {lowest} to {highest}"
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    if value < lowest or (highest is not None and value > highest):
        message = f"{name} must be {allowed}, not {value}"
        raise ValueError(message)
    return value


def check_choice(name: str, value: object, choices: Iterable[S]) -> S:
    """Return that one of *choices* which equals *value*: of an enum, the member whose string it is.

    Raises:
        TypeError: It is not a string.
        ValueError: It is none of them; for an open enum, values that only the server knows are none.
    """
    choices = tuple(choices)
    allowed = " or ".join(repr(str(choice)) for choice in choices)
    if not isinstance(value, str):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    for choice in choices:
        if choice == value:
            return choice
    message = f"{name} must be {allowed}, not {value!r}"
    raise ValueError(message)


def choice_or_none(name: str, value: object, choices: Iterable[S]) -> S | None:
    """Return `check_choice` of *value*, and None for None: an argument that is not given."""
    return None if value is None else check_choice(name, value, choices)


def build_body(checks: Checks, **fields: object) -> dict[str, object]:
    """Return the body of a request: each of the fields as its check returns it."""
    return {name: checks[name](name, value) for name, value in fields.items()}


def without_none(**fields: object) -> dict[str, object]:
    """Return those of the fields of a body that are not None: the optional ones of something that is created."""
    return {name: value for name, value in fields.items() if value is not None}


def without_unset(**fields: object) -> dict[str, object]:
    """Return those of the fields of a body that are not `UNSET`: the changes of something that is there."""
    return {name: value for name, value in fields.items() if value is not UNSET}


def text_or_none(name: str, value: object) -> str | None:
    """Return `check_text` of *value*, and None for None."""
    return None if value is None else check_text(name, value)


def check_number(name: str, value: object, *, lowest: float = -_LARGEST, highest: float = _LARGEST) -> float:
    """Return *value* if it is a finite number, of at least *lowest* and at most *highest*.

    Raises:
        TypeError: It is not a number; booleans are none.
        ValueError: It is out of range.
    """
    allowed = f"a number from {lowest:g} to {highest:g}" if highest < _LARGEST else "a finite number"
    if highest == _LARGEST and lowest > -_LARGEST:
        allowed += f" >= {lowest:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    if not lowest <= value <= highest:
        message = f"{name} must be {allowed}, not {value}"
        raise ValueError(message)
    return value


def check_text(name: str, value: object) -> str:
    """Return *value* if it is a string of at least one character.

    Raises:
        TypeError: It is not a string.
        ValueError: It is empty.
    """
    if not isinstance(value, str):
        message = f"{name} must be a non-empty string, not {type(value).__name__}"
        raise TypeError(message)
    if not value:
        message = f"{name} must be a non-empty string, not {value!r}"
        raise ValueError(message)
    return value


def check_length(name: str, value: object, *, shortest: int = 0, longest: int | None = None) -> str:
    """Return *value* if it is a string of at least *shortest* characters, and at most *longest*; no error quotes it.

    Raises:
        TypeError: It is not a string.
        ValueError: It is shorter, or longer.
    """
    length = f"at least {shortest}" if longest is None else f"{shortest} to {longest}"
    allowed = f"a string of {length} characters"
    if not isinstance(value, str):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    if len(value) < shortest or (longest is not None and len(value) > longest):
        message = f"{name} must be {allowed}, not of {len(value)}"
        raise ValueError(message)
    return value


def check_sequence(name: str, value: object) -> Sequence[object]:
    """Return *value* if it is a sequence such as a list, and no string.

    Raises:
        TypeError: It is not.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        message = f"{name} must be a sequence such as a list, not {type(value).__name__}"
        raise TypeError(message)
    return value


def check_texts(name: str, value: object) -> list[str]:
    """Return *value* as a list if it is a sequence of strings of at least one character each.

    Raises:
        TypeError: It is no sequence, or holds something else than strings.
        ValueError: A string is empty.
    """
    return [check_text(f"{name}[{index}]", item) for index, item in enumerate(check_sequence(name, value))]


def check_flag(name: str, value: object) -> bool:
    """Return *value* if it is True or False.

    Raises:
        TypeError: It is neither.
    """
    if not isinstance(value, bool):
        message = f"{name} must be True or False, not {type(value).__name__}"
        raise TypeError(message)
    return value


def flag_or_none(name: str, value: object) -> bool | None:
    """Return `check_flag` of *value*, and None for None."""
    return None if value is None else check_flag(name, value)


def check_phone_number(name: str, value: object) -> str:
    """Return *value* if it is a phone number in E.164; nothing is guessed or dropped, and no error quotes it.

    Raises:
        TypeError: It is not a string.
        ValueError: It has another form.

    Source: https://www.itu.int/rec/T-REC-E.164
    """
    allowed = "a phone number with a plus, the country code and no blanks, such as '+12025550142'"
    if not isinstance(value, str):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    if not _PHONE_NUMBER.fullmatch(value):
        message = f"{name} must be {allowed}"
        raise ValueError(message)
    return value


def phone_number_or_none(name: str, value: object) -> str | None:
    """Return `check_phone_number` of *value*, and None for None."""
    return None if value is None else check_phone_number(name, value)


def check_moment(name: str, value: object) -> datetime:
    """Return *value* in UTC if it is a date and time with a time zone, from 1970 on.

    Raises:
        TypeError: It is not a `datetime`.
        ValueError: It has no time zone, or is outside of what UTC has a form for.
    """
    allowed = "a datetime with a time zone, such as 2026-07-02T16:45:00+02:00, from 1970 to 9999"
    if not isinstance(value, datetime):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    if value.utcoffset() is None:
        message = f"{name} must be {allowed}: it has no time zone"
        raise ValueError(message)
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        moment = None
    if moment is None or moment < _EPOCH:
        message = f"{name} must be {allowed}"
        raise ValueError(message)
    return moment
