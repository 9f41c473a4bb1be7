"""Values shared by all resources: pages, sort order, and what fields are made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Self, TypeVar

from attrs import frozen
from msgspec import Meta, Struct

from contactship_async._codec.json_names import json_field
from contactship_async._codec.odd_forms import OddForm, read_number, read_unix_milliseconds, read_whole_number
from contactship_async._codec.plain import to_plain
from contactship_async.models._pydantic import enum_json_schema, enum_schema, record_schema

__all__ = [
    "AwareDatetime",
    "Count",
    "Model",
    "NonEmptyText",
    "OpenEnum",
    "Page",
    "Seconds",
    "SortOrder",
    "Timestamp",
    "json_field",
]

T = TypeVar("T")

NonEmptyText = Annotated[str, Meta(min_length=1, description="a non-empty string")]
"""A string that is not empty. Ids are no more than that: documented as UUIDs, but prefixed in the API's examples."""

AwareDatetime = Annotated[datetime, Meta(tz=True, description="a date and time")]
"""A timestamp with a zone. One of a response that has none is taken as UTC."""

Seconds = Annotated[float, Meta(description="a number of seconds"), OddForm(read_number)]
"""A duration. Some come as text, `"98"`; a text that is no number is None, so fields are `Seconds | None`."""

Count = Annotated[int, Meta(description="a whole number"), OddForm(read_whole_number)]
"""How many. Takes `"12"` and `12.0` for 12; what is no whole number is None, so fields are `Count | None`."""

Timestamp = Annotated[datetime, Meta(tz=True, description="a time"), OddForm(read_unix_milliseconds)]
"""A timestamp with a zone, as webhooks have it: Unix milliseconds, also as text, or ISO 8601. 0, which stands for a
time that is not known, and what is no time are None, so fields are `Timestamp | None`."""


@frozen
class Model:
    """An object of the API.

    Identifiers are required; any other field may be None, unless the API's documentation shows that it can't be.
    Fields that this release does not know are ignored. A field that has another name in the API's JSON, because Python
    forbids that one, is declared with `json_field`.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by their Python names, as `json.dumps` and web frameworks take them.

        Returns:
            Each field, None included: nested objects as dictionaries, enums as strings, and times as strings of
            ISO 8601 in UTC, with `Z`.
        """
        fields: dict[str, Any] = to_plain(self)
        return fields

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return record_schema(source, handler)


class OpenEnum(StrEnum):
    """Strings with known values, to which the server may add: a value it invents later arrives as it came.

    A new value is an instance that iterating over the class does not show. It equals its string, prints, pickles and
    dumps like the known ones; compare it with `==`, since each time it is an object of its own.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_ = value
        unknown._value_ = value
        return unknown

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return enum_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        return enum_json_schema(cls, schema, handler)


class SortOrder(StrEnum):
    """The direction of a listing, by creation date."""

    ASC = "asc"
    DESC = "desc"


class Page(Struct, Generic[T], frozen=True):  # as those of `_http.messages`: each page makes one
    """Rows of a listing, as one request returned them. Iterable and sized.

    Args:
        data: The rows, in the order of the listing. The pages of a walk hold only rows not yielded before.
        count: How many rows the server says the listing has; None where the endpoint does not say.
        offset: How many rows of the listing come before the first of *data*.
        limit: How many rows were asked for; None when that was left to the server.
    """

    data: tuple[T, ...]
    count: int | None
    offset: int
    limit: int | None

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    @property
    def next_offset(self) -> int | None:
        """The offset of the row after this page; None when *data* is empty, and at the end by *count*."""
        end = self.offset + len(self.data)
        if not self.data or (self.count is not None and end >= self.count):
            return None
        return end

    def to_dict(self) -> dict[str, Any]:
        """Return the page as `json.dumps` and web frameworks take it.

        Returns:
            `{"data": [...], "count": ..., "offset": ..., "limit": ...}`, with the rows as `Model.to_dict` makes them.
            Rows of other classes become dictionaries in the same way.
        """
        fields: dict[str, Any] = to_plain(self)
        return fields

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return record_schema(source, handler)
