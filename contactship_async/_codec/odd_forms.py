"""Other forms in which the values of some types come: numbers as text, times as Unix milliseconds.

A type says so itself, by an `OddForm` in its `Annotated`. msgspec passes that over, so the usual form stays on the fast
path; the others take the slow one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, get_args, get_origin

from attrs import field, frozen

_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class OddForm:
    """What reads the values of a type in their other forms. Numbers and strings that are none become None.

    Args:
        read: Turns a number or a string into a value of the type, or into None; returns what it does not know.
    """

    read: Callable[[Any], Any] = field(repr=lambda function: function.__name__)


def odd_form_of(cl: Any) -> OddForm | None:
    """Return the mark of a type, None without one."""
    notes = get_args(cl)[1:] if get_origin(cl) is Annotated else ()
    return next((note for note in notes if isinstance(note, OddForm)), None)


def read_number(value: Any) -> Any:
    """Read a number that may be text, such as `"98.5"`."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def read_whole_number(value: Any) -> Any:
    """Read a whole number that may be text, `"12"`, or `12.0`."""
    is_whole = value.is_integer() if isinstance(value, float) else _WHOLE_NUMBER.fullmatch(str(value))
    return int(value) if is_whole else value


def read_unix_milliseconds(value: Any) -> Any:
    """Read the milliseconds since 1970 as a time in UTC; 0, less, and more than the calendar has are no time."""
    milliseconds = read_number(value)
    if isinstance(milliseconds, str):
        return value
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds > 0 else None
    except OverflowError:
        return None
