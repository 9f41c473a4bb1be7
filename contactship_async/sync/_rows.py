"""Rows as lines of JSON, each with the hash of what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from contactship_async.sync._plan import CONTENTS_HASH, DATA, HASH, Column, Plan

_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""A NUL character in JSON, which PostgreSQL can't keep."""

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}".encode()


class Encoder:
    """Writes the rows of a listing as the sync keeps them.

    Fields that are None are left out, so that a field that a later release adds changes no row that lacks it, and the
    keys of dictionaries are sorted: their order means nothing.

    Args:
        plan: Of the listing.
    """

    def __init__(self, plan: Plan) -> None:
        is_known = not any(column.name == DATA for column in plan.columns)
        contents = [column for column in plan.columns if column.name in plan.contents]
        kept = [column for column in plan.columns if column.name not in plan.contents]
        self._view = _view_of(kept) if is_known else _view_of_unknown(plan.id_column)
        self._contents = _view_of(contents) if contents and plan.asks_for_contents else None
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


def _view_of(columns: Sequence[Column]) -> Callable[[Any], Any]:
    """Return what makes, of a row, an object of these fields alone that leaves out None."""
    view = msgspec.defstruct("View", [(column.name, Any, None) for column in columns], omit_defaults=True)

    def convert(row: Any) -> Any:
        return msgspec.convert(row, view, from_attributes=True)

    return convert


def _view_of_unknown(id_field: str) -> Callable[[Any], Any]:
    def convert(row: Any) -> Any:
        data = msgspec.to_builtins(row, str_keys=True)
        return {id_field: str(data[id_field]), DATA: data}

    return convert
