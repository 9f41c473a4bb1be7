"""Rows of one resource, sorted by their creation: a page is a slice, also of the rows with a certain type.

A row is the JSON that listings show, written once: a million phone numbers take 450 MiB so.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final, TypeAlias

from attrs import define

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SERIAL_BITS: Final = 40
_KEY: Final = attrgetter("key")

Period: TypeAlias = tuple[datetime | None, datetime | None]
"""The first and the last moment; None is without end."""

ALWAYS: Final[Period] = (None, None)


@define(eq=False)
class Row:
    """A row, and what it is found by.

    Args:
        key: The microseconds from 1970 to its creation, and in the lowest bits a serial number: sorts by creation,
            equal ones in the order in which they were added, and is no other row's.
        values: Those of the indexed fields, in the order in which the store names them.
        json: What listings show.
    """

    key: int
    values: tuple[str, ...]
    json: bytes

    def to_dict(self) -> dict[str, Any]:
        """Return a copy of what listings show."""
        row: dict[str, Any] = json.loads(self.json)
        return row


class Store:
    """Rows sorted by their creation, ascending.

    Args:
        indexed: The fields whose values select rows without a scan; their values are strings.
    """

    def __init__(self, *indexed: str) -> None:
        self._indexed = indexed
        self._serial = 0
        self._by_id: dict[str, Row] = {}
        self._all: list[Row] = []
        self._by_value: tuple[dict[str, list[Row]], ...] = tuple({} for _ in indexed)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._by_id

    def __getitem__(self, id_: str) -> Row:
        return self._by_id[id_]

    def get(self, id_: str) -> Row | None:
        """Return the row with an id; None if there is none."""
        return self._by_id.get(id_)

    def add(self, id_: str, created_at: datetime, row: bytes, values: tuple[str, ...] = ()) -> None:
        """Add a row under a new *id_*; of equal creation times, the one added last counts as newer."""
        self._serial += 1
        key = _first_key_of(created_at) | self._serial
        added = self._by_id[id_] = Row(key, values, row)
        is_newest = not self._all or self._all[-1].key < key
        for rows in self._lists_of(values):
            if is_newest:
                rows.append(added)
            else:
                _insert(rows, added)

    def replace(self, id_: str, row: bytes, values: tuple[str, ...] = ()) -> None:
        """Let a row show something else at the same place in the order, or raise `KeyError`."""
        replaced = self._by_id[id_]
        for rows in self._lists_of(replaced.values)[1:]:
            _take_out(rows, replaced)
        replaced.json, replaced.values = row, values
        for rows in self._lists_of(values)[1:]:
            _insert(rows, replaced)

    def remove(self, id_: str) -> None:
        """Remove a row, or raise `KeyError`."""
        removed = self._by_id.pop(id_)
        for rows in self._lists_of(removed.values):
            _take_out(rows, removed)

    def select(self, equal: Mapping[str, str], containing: Mapping[str, str], within: Period = ALWAYS) -> Sequence[Row]:
        """Return the rows that meet all conditions, ascending: do not change the list, which may be the store's own.

        Args:
            equal: Indexed fields and what they must be; a single one costs no scan.
            containing: Fields and a part of what they must be, in upper or lower case; costs a scan.
            within: When they were created, both ends included.
        """
        conditions = [(self._indexed.index(name), value) for name, value in equal.items()]
        lists = [self._by_value[index].get(value, []) for index, value in conditions]
        rows = _cut(min(lists, key=len, default=self._all), *within)
        if len(conditions) > 1:
            rows = [row for row in rows if all(row.values[index] == value for index, value in conditions)]
        if containing:
            parts = [(name, part.casefold()) for name, part in containing.items()]
            rows = [row for row in rows if _contains(row.to_dict(), parts)]
        return rows

    def _lists_of(self, values: tuple[str, ...]) -> list[list[Row]]:
        """Return the list of all rows, then those of the indexed values."""
        lists = [self._all]
        for by_value, value in zip(self._by_value, values, strict=True):
            lists.append(by_value.setdefault(value, []))
        return lists


def _first_key_of(time: datetime) -> int:
    """Return what no key of a row that was created then is below."""
    return (time - _EPOCH) // _MICROSECOND << _SERIAL_BITS


def _cut(rows: list[Row], first: datetime | None, last: datetime | None) -> list[Row]:
    if last is not None:
        rows = rows[: bisect_left(rows, _first_key_of(last) + (1 << _SERIAL_BITS), key=_KEY)]
    return rows if first is None else rows[bisect_left(rows, _first_key_of(first), key=_KEY) :]


def _insert(rows: list[Row], row: Row) -> None:
    rows.insert(bisect_left(rows, row.key, key=_KEY), row)


def _take_out(rows: list[Row], row: Row) -> None:
    del rows[bisect_left(rows, row.key, key=_KEY)]


def _contains(row: Mapping[str, Any], parts: Sequence[tuple[str, str]]) -> bool:
    return all(part in str(row.get(name) or "").casefold() for name, part in parts)
