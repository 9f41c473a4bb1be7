"""What a walk reads of rows: their ids, and the key that the listing is sorted by, whatever class the rows have.

Rows of this package's models are trusted, since the codec has checked them. Those of other classes, and dictionaries,
are not: an id may be anything, and a time may still be a string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from operator import attrgetter, itemgetter
from typing import Any, Final, Generic, Literal, TypeVar, get_origin

import msgspec
from attrs import frozen

from contactship_async.errors import MalformedResponseError, PaginationError

_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]")
"""How a date with a time begins. A date alone sorts as the string it is, among names for instance."""

T_contra = TypeVar("T_contra", contravariant=True)


@frozen
class RowIds(Generic[T_contra]):
    """Reads the ids of rows, of all of a page at once: a call for each row would take twice as long.

    Args:
        field: The name of the field that holds the id.
        get: Reads it from a row.
        is_trusted: Whether the codec has made sure that each row has an id of a sensible type.
    """

    field: str
    get: Callable[[T_contra], Any]
    is_trusted: bool = True

    def __call__(self, rows: Sequence[T_contra]) -> Sequence[Hashable]:
        """Return the ids of *rows*.

        Raises:
            PaginationError: A row has none.
        """
        if self.is_trusted:
            return [*map(self.get, rows)]
        ids = _read(self.get, rows, self.field)
        if not all(isinstance(identifier, str | int) for identifier in ids):
            message = f"a row has no {self.field} that is a string or an integer, so it can't be identified"
            raise PaginationError(message)
        return ids


@frozen
class SortKey(Generic[T_contra]):
    """Reads what rows are sorted by.

    Args:
        field: The name of the field that holds the key.
        get: Reads it from a row.
        is_trusted: Whether the codec has made sure that all keys are of one type, or None.
    """

    field: str
    get: Callable[[T_contra], Any]
    is_trusted: bool = True

    def read(self, rows: Sequence[T_contra]) -> Sequence[Any]:
        """Return the keys of *rows*, which compare with each other.

        Raises:
            PaginationError: A row has none.
        """
        if not self.is_trusted:
            return [self._comparable(value) for value in _read(self.get, rows, self.field)]
        keys = [*map(self.get, rows)]
        if None in keys:
            raise self._missing()
        return keys

    def _comparable(self, value: object) -> tuple[Literal["number", "string", "time"], Any]:
        """Read *value* as a time, a number or a string, and put its kind before it: kinds don't compare."""
        if isinstance(value, datetime):
            return "time", value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return "number", value
        if not isinstance(value, str):
            raise self._missing()
        try:
            timestamp = datetime.fromisoformat(value) if _TIMESTAMP.match(value) else None
        except ValueError:
            timestamp = None
        if timestamp is None:
            return "string", value
        return "time", timestamp if timestamp.tzinfo is not None else timestamp.replace(tzinfo=UTC)

    def _missing(self) -> PaginationError:
        return PaginationError(f"a row has no {self.field} to be sorted by, so a walk of the listing can't be verified")


def tell_to_skip(problem: MalformedResponseError, offset: int) -> MalformedResponseError:
    """Note on the error of the row at *offset* how a walk goes on behind it, and return it."""
    problem.add_note(f"To go on behind the malformed row, pass offset={offset + 1}.")
    return problem


def describe_key(key: object) -> str:
    """Name a sort key in an error text: a time as it is; anything else is not shown, as it may be personal."""
    timestamp = key[1] if isinstance(key, tuple) else key
    return timestamp.isoformat().replace("+00:00", "Z") if isinstance(timestamp, datetime) else "one sort key"


def _read(get: Callable[[Any], Any], rows: Sequence[Any], field: str) -> list[Any]:
    try:
        return [*map(get, rows)]
    except (LookupError, AttributeError):
        message = f"a row has no {field}"
    raise PaginationError(message)


def read_rows_of(
    row_type: Any, id_field: str, sort_key: str | None, *, is_trusted: bool
) -> tuple[RowIds[Any], SortKey[Any] | None]:
    """Return what reads the ids and the sort keys of rows of *row_type*.

    Raises:
        TypeError: *row_type* is neither `dict` nor a class with fields that msgspec decodes.
        ValueError: It has no such fields.
    """
    names = None if is_trusted else _field_names(row_type)
    for name, value in (("id_field", id_field), ("sort_key", sort_key)):
        if value is not None and names is not None and value not in names:
            message = f"{name} must be a field of {row_type.__name__}: {', '.join(names)}"
            raise ValueError(message)
    getter: Callable[[str], Callable[[Any], Any]] = itemgetter if _is_mapping(row_type) else attrgetter
    key = None if sort_key is None else SortKey(sort_key, getter(sort_key), is_trusted)
    return RowIds(id_field, getter(id_field), is_trusted), key


def _is_mapping(row_type: Any) -> bool:
    return issubclass(get_origin(row_type) or row_type, dict)


def _field_names(row_type: Any) -> Sequence[str] | None:
    """Name the fields of a class; None for a dictionary, which may have any."""
    if (get_origin(row_type) or row_type) is dict:
        return None
    try:
        described = msgspec.inspect.type_info(row_type)
    except TypeError:
        described = None
    if not isinstance(
        described, msgspec.inspect.StructType | msgspec.inspect.DataclassType | msgspec.inspect.TypedDictType
    ):
        message = (
            "row_type must be dict, or a class with fields: of attrs, dataclasses, msgspec.Struct or TypedDict,"
            f" not {row_type!r}"
        )
        raise TypeError(message)
    return [field.name for field in described.fields]
