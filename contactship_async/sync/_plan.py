"""A listing as a table: its columns, and what may be retired after which walk."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec
from attrs import frozen

from contactship_async import AnyListing, ContactshipClient, CursorListing, WholeListing
from contactship_async.sync._results import Mode

Kind: TypeAlias = Literal["text", "time", "float", "integer", "boolean", "json"]

Ask: TypeAlias = Callable[[ContactshipClient], AnyListing[Any]]

ORGANIZATION: Final = "organization"
VALID_FROM: Final = "valid_from"
VALID_TO: Final = "valid_to"
HASH: Final = "content_hash"
CONTENTS_HASH: Final = "contents_hash"
DATA: Final = "data"
"""The column of rows whose fields are not known."""

OWN_COLUMNS: Final = frozenset({ORGANIZATION, VALID_FROM, VALID_TO, HASH, CONTENTS_HASH})
_RESERVED_TABLES: Final = re.compile(r"sync(s|_.*)|current_.*")
_VERSION: Final = re.compile(r"v\d+")
_LONGEST_NAME: Final = 63
"""Of a table or column of PostgreSQL, in bytes, which cuts the rest off.

Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
"""
_NO_NAME_PART: Final = re.compile(r"\W+", re.ASCII)

_KINDS: Final[Mapping[type, Kind]] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "text",
    datetime: "time",
}


WRONG_LISTING: Final = "listings must be names, or functions such as lambda client: client.tags.list(), not {}"


@frozen
class Column:
    """A column of a table.

    Args:
        name: Of the field in Python.
        kind: What it holds.
    """

    name: str
    kind: Kind


@frozen
class Plan:
    """How a listing of an organization is kept in a table: a value that can be written down.

    Args:
        table: Its name.
        organization: Whose rows they are.
        identifiers: What stands in the path of the listing.
        columns: The fields of the rows.
        id_column: The one that identifies rows of the listing.
        sort_column: When rows were created; None where that is not known.
        contents: The columns that only come where they are asked for, and are else kept as they were.
        asks_for_contents: Whether they are.
        may_retire: Whether its rows are all there are, so that what is missing has gone.
        cap: How many rows may be cut off; None where none are.
    """

    table: str
    organization: str
    identifiers: dict[str, str]
    columns: tuple[Column, ...]
    id_column: str
    sort_column: str | None
    contents: tuple[str, ...]
    asks_for_contents: bool
    may_retire: bool
    cap: int | None

    @classmethod
    def of(cls, listing: AnyListing[Any], organization: str) -> Plan:
        """Make the plan of a listing.

        Raises:
            TypeError: It is no listing.
            ValueError: It can't be kept in a table, for the reason given.
        """
        if not isinstance(listing, AnyListing):
            raise TypeError(WRONG_LISTING.format(type(listing).__name__))
        declaration = listing.declaration
        columns = _columns_of(declaration.row_type, declaration.id_field)
        names = {column.name for column in columns}
        _check_names([*OWN_COLUMNS, *listing.identifiers], [column.name for column in columns])
        parameters = declaration.content_parameters
        contents = {name for fields in parameters.values() for name in fields}
        return cls(
            table=_name_table(declaration.path),
            organization=organization,
            identifiers=dict(listing.identifiers),
            columns=columns,
            id_column=declaration.id_field,
            sort_column=declaration.sort_key if declaration.sort_key in names else None,
            contents=tuple(column.name for column in columns if column.name in contents),
            asks_for_contents=any(listing.filters.get(name) for name in parameters),
            may_retire=_may_retire(listing),
            cap=declaration.largest_page if isinstance(listing, WholeListing) else None,
        )

    @property
    def scope(self) -> dict[str, str]:
        """What tells its rows from the others in the table: the organization, and what stands in the path."""
        return {ORGANIZATION: self.organization, **self.identifiers}

    @property
    def mode(self) -> Mode:
        """How it is walked, if nothing is known of it yet."""
        return "full" if self.may_retire else "filtered"


def _may_retire(listing: AnyListing[Any]) -> bool:
    """Return whether a complete walk shows all rows there are, and proves it."""
    if listing.is_filtered or isinstance(listing, CursorListing):
        return False
    return isinstance(listing, WholeListing) or listing.declaration.sort_key is not None


def _name_table(path: str) -> str:
    """Return `phone_numbers` for `/v1/phone-numbers`, and `contacts_tags` for `/v1/contacts/{contact_id}/tags`."""
    parts = [part for part in path.strip("/").split("/") if not (part.startswith("{") or _VERSION.fullmatch(part))]
    name = _NO_NAME_PART.sub("_", "_".join(parts)).strip("_").lower()
    is_too_long = len(name) > _LONGEST_NAME - len("current_")
    if not name or name[0].isdigit() or is_too_long or _RESERVED_TABLES.fullmatch(name):
        message = f"no table can be named after {path}"
        raise ValueError(message)
    return name


def _check_names(known: Sequence[str], fields: Sequence[str]) -> None:
    """Check that fields can be columns beside *known* ones. To DuckDB, upper and lower case are the same."""
    taken = {name.lower() for name in known}
    for name in sorted(fields):
        if name.lower() in taken:
            message = f"a field of the rows has the name of another column, or one of the sync: {name}"
            raise ValueError(message)
        if len(name.encode()) > _LONGEST_NAME:
            message = f"a field of the rows has a name that is too long for a column: {name}"
            raise ValueError(message)
        taken.add(name.lower())


def _columns_of(row_type: Any, id_field: str) -> tuple[Column, ...]:
    hints = hints_of(row_type)
    if hints is None:
        return Column(id_field, "text"), Column(DATA, "json")
    return tuple(Column(name, _kind_of(hint)) for name, hint in hints.items())


def hints_of(row_type: Any) -> dict[str, Any] | None:
    """Return the types of the fields, in their order; None where they are not known."""
    if attrs.has(row_type):
        names = [one.name for one in attrs.fields(row_type)]
    elif isinstance(row_type, type) and issubclass(row_type, msgspec.Struct):
        names = [one.name for one in msgspec.structs.fields(row_type)]
    elif dataclasses.is_dataclass(row_type):
        names = [one.name for one in dataclasses.fields(row_type)]
    else:
        return None
    hints = get_type_hints(row_type)
    return {name: hints[name] for name in names}


def _kind_of(hint: Any) -> Kind:
    kinds = [kind for kind in get_args(hint) if kind is not NoneType] if is_union(hint) else [hint]
    if len(kinds) != 1:
        return "json"
    if is_union(hint):
        return _kind_of(kinds[0])
    if get_origin(hint) is Literal:
        return "text" if {type(value) for value in get_args(hint)} == {str} else "json"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "text" if issubclass(hint, str) else "json"
    return _KINDS.get(hint, "json")


def is_union(hint: Any) -> bool:
    """Return whether a type is a union."""
    return get_origin(hint) in {Union, UnionType}
