"""Rows as lines of JSON, each with the hash of what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from types import NoneType
from typing import Any, Final, Union, get_args, get_origin

import msgspec

from contactship_async.sync._plan import CONTENTS_HASH, DATA, HASH, Column, Plan, hints_of, is_union

_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""A NUL character in JSON, which PostgreSQL can't keep."""

_UNION: Final[Any] = Union
_LIST: Final[Any] = list
_SEQUENCES: Final = frozenset({list, tuple, Sequence})
_BESIDE_STRUCTS: Final = frozenset({str, NoneType, Ellipsis})

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}".encode()


class Encoder:
    """Writes the rows of a listing as the sync keeps them.

    Fields that are None are left out, of nested objects too, so that one that a later release adds changes no row that
    lacks it, the keys of dictionaries are sorted, since their order means nothing, and times are in UTC: a server that
    writes the same moment in another zone has changed nothing.

    Args:
        plan: Of the listing.
        row_type: The class of its rows.
    """

    def __init__(self, plan: Plan, row_type: Any) -> None:
        hints = hints_of(row_type)
        contents = [column for column in plan.columns if column.name in plan.contents]
        kept = [column for column in plan.columns if column.name not in plan.contents]
        self._view = _view_of_unknown(plan.id_column) if hints is None else _view_of(kept, hints)
        self._contents = _view_of(contents, hints) if hints and contents and plan.asks_for_contents else None
        self._encode = msgspec.json.Encoder(order="deterministic").encode

    def encode(self, rows: Iterable[Any]) -> list[bytes]:
        """Return a line for each row, without its end."""
        return [self._encode_row(row) for row in rows]

    def _encode_row(self, row: Any) -> bytes:
        line = self._encode_part(self._view(row), HASH)
        if self._contents is None:
            return line
        contents = self._encode_part(self._contents(row), CONTENTS_HASH)
        return b"%b,%b" % (line[:-1], contents[1:])

    def _encode_part(self, view: Any, name: str) -> bytes:
        data = self._encode(view)
        if b"\\u0000" in data:
            data = _NUL.sub(rb"\1" + _REPLACEMENT, data)
        digest = blake2b(data, digest_size=16).hexdigest()
        separator = "," if len(data) > len("{}") else ""
        return b'%b%b"%b":"%b"}' % (data[:-1], separator.encode(), name.encode(), digest.encode())


def _view_of(columns: Sequence[Column], hints: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return what makes, of a row, an object of these fields alone that leaves out None."""
    view = _struct_of({column.name: hints[column.name] for column in columns})
    times = [column.name for column in columns if column.kind == "time"]
    with_times = [column.name for column in columns if _has_times(hints[column.name])]

    def convert(row: Any) -> Any:
        converted = msgspec.convert(row, view, from_attributes=True)
        for name in times:
            time = getattr(converted, name)
            if time is not None and time.tzinfo is not UTC:
                setattr(converted, name, _in_utc(time))
        for name in with_times:
            _set_in_utc(getattr(converted, name))
        return converted

    return convert


def _has_times(hint: Any, within: frozenset[Any] = frozenset()) -> bool:
    """Return whether objects whose fields are known are, or are in, values of a type, and have times."""
    if isinstance(hint, type) and hint not in within and (hints := hints_of(hint)) is not None:
        return any(datetime in {one, *get_args(one)} or _has_times(one, within | {hint}) for one in hints.values())
    return any(_has_times(one, within) for one in get_args(hint))


def _set_in_utc(value: Any) -> None:
    """Set the times of nested objects in UTC."""
    if isinstance(value, list | tuple):
        for item in value:
            _set_in_utc(item)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            item = getattr(value, name)
            if isinstance(item, datetime):
                setattr(value, name, _in_utc(item))
            else:
                _set_in_utc(item)


def _in_utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    try:
        return time.astimezone(UTC)
    except OverflowError:  # There it is before the year 1 or after 9999, which databases know.
        return time


def _struct_of(hints: Mapping[str, Any], within: frozenset[Any] = frozenset()) -> type[msgspec.Struct]:
    fields = [(name, _nested_view_of(hint, within), None) for name, hint in hints.items()]
    return msgspec.defstruct("View", fields, omit_defaults=True)


def _nested_view_of(hint: Any, within: frozenset[Any]) -> Any:
    """Return what a value is converted to: objects whose fields are known to such structs, and nothing else.

    Args:
        hint: The type of the value.
        within: The classes that it is in, which may be in themselves.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and hint not in within and (hints := hints_of(hint)) is not None:
        return _struct_of(hints, within | {hint})
    if not is_union(hint) and origin not in _SEQUENCES:
        return Any
    views = {one: _nested_view_of(one, within) for one in arguments}
    structs = [view for view in views.values() if view is not Any]
    others = [one for one, view in views.items() if view is Any]
    if len(structs) != 1 or not {*others} <= _BESIDE_STRUCTS:
        return Any
    return _UNION[(*others, *structs)] if is_union(hint) else _LIST[structs[0]]


def _view_of_unknown(id_field: str) -> Callable[[Any], Any]:
    def convert(row: Any) -> Any:
        data = msgspec.to_builtins(row, str_keys=True)
        return {id_field: str(data[id_field]), DATA: data}

    return convert
