"""Values as what `json` prints: dictionaries, lists, strings, numbers, booleans and None."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
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
    return _writer_of(type(value))(value)  # type: ignore[arg-type] # mypy: no class is hashable


@cache
def _writer_of(cl: Any) -> Callable[[Any], Any]:
    """Return what makes plain values of those of one class, found once: to_dict() is called for each of many rows."""
    for known, writer in _WRITERS.items():
        if issubclass(cl, known):
            return writer
    if not is_record(cl):
        return msgspec.to_builtins
    names = [one.name for one in record_fields(cl)]
    return lambda value: _write_items((name, getattr(value, name)) for name in names)


def _write_items(items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    return {name: item if type(item) in _PLAIN else to_plain(item) for name, item in items}


def _format_time(timestamp: datetime) -> str:
    if timestamp.tzinfo is None:
        return timestamp.isoformat()
    try:
        return f"{timestamp.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    except OverflowError:  # In UTC, it is before the year 1 or after 9999.
        return timestamp.isoformat()


_WRITERS: Final[dict[type, Callable[[Any], Any]]] = {
    Enum: lambda value: to_plain(value.value),
    datetime: _format_time,
    Mapping: lambda value: _write_items(value.items()),
    list: lambda value: [to_plain(item) for item in value],
    tuple: lambda value: [to_plain(item) for item in value],
}
