"""Values as what `json` prints: dictionaries, lists, strings, numbers, booleans and None."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import Any, Final

import msgspec

from contactship_async._codec.json_names import is_record, record_fields

_PLAIN: Final = frozenset({str, int, float, bool, NoneType})


def to_plain(value: Any) -> Any:
    """Turn a value that msgspec can encode into what `json` prints.

    Classes become dictionaries with the names and the order that their fields have in Python, each of them. Enums
    become their values, times ISO 8601: those with a zone in UTC, with `Z`.

    Raises:
        TypeError: msgspec can't encode *value*.
    """
    cl: Any = type(value)
    if cl in _PLAIN:
        return value
    if isinstance(value, datetime):
        return _format_time(value)
    if isinstance(value, Mapping):
        return {name: to_plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if is_record(cl):
        return {name: to_plain(getattr(value, name)) for name in _field_names(cl)}
    return msgspec.to_builtins(value)  # Of enums, their values.


@cache
def _field_names(cl: Any) -> tuple[str, ...]:
    return tuple(one.name for one in record_fields(cl))


def _format_time(moment: datetime) -> str:
    if moment.tzinfo is None:
        return moment.isoformat()
    try:
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    except OverflowError:  # In UTC, it is before the year 1 or after 9999.
        return moment.isoformat()
