"""A listing as a table: its columns, and what may be retired after which walk."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec
from attrs import evolve, frozen

from contactship_async import AnyListing, ContactshipClient, CursorListing, Listing, WholeListing
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

_OWN: Final = frozenset({ORGANIZATION, VALID_FROM, VALID_TO, HASH, CONTENTS_HASH})
_RESERVED_TABLES: Final = re.compile(r"sync(s|_.*)|current_.*")
_VERSION: Final = re.compile(r"v\d+")
_NO_NAME_PART: Final = re.compile(r"\W+", re.ASCII)

_KINDS: Final[Mapping[type, Kind]] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "text",
    datetime: "time",
}


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
    """How a listing of an organization is kept in a table.

    Args:
        table: Its name.
        listing: What is walked.
        organization: Its name.
        columns: The fields of the rows.
        id_column: The one that identifies rows of the listing.
        contents: Those that only come where they are asked for, and are else kept as they were.
        may_retire: Whether its rows are all there are, so that what is missing has gone.
    """

    table: str
    listing: AnyListing[Any]
    organization: str
    columns: Sequence[Column]
    id_column: str
    contents: frozenset[str]
    may_retire: bool

    @classmethod
    def of(cls, listing: AnyListing[Any], organization: str) -> Plan:
        """Make the plan of a listing.

        Raises:
            TypeError: It is no listing.
            ValueError: It can't be kept in a table, for the reason given.
        """
        if not isinstance(listing, AnyListing):
            message = f"listings must be names or functions that return a listing, not {type(listing).__name__}"
            raise TypeError(message)
        declaration = listing.declaration
        columns = _columns_of(declaration.row_type, declaration.id_field)
        names = {column.name for column in columns}
        taken = names & (_OWN | set(listing.identifiers))
        if taken:
            message = f"a field of the rows has the name of a column of the sync: {', '.join(sorted(taken))}"
            raise ValueError(message)
        fields = declaration.content_parameters.values()
        return cls(
            table=_name_table(declaration.path),
            listing=listing,
            organization=organization,
            columns=columns,
            id_column=declaration.id_field,
            contents=frozenset(name for group in fields for name in group if name in names),
            may_retire=_may_retire(listing),
        )

    @property
    def scope(self) -> dict[str, str]:
        """What tells its rows from the others in the table: the organization, and what stands in the path."""
        return {ORGANIZATION: self.organization, **self.listing.identifiers}

    @property
    def mode(self) -> Mode:
        """How it is walked, if nothing is known of it yet."""
        return "full" if self.may_retire else "filtered"

    def since(self, day: date | None) -> Plan:
        """Return the plan of the rows created on *day* or later; of all rows for None."""
        listing = self.listing
        return self if day is None or not isinstance(listing, Listing) else evolve(self, listing=listing.since(day))

    @property
    def asks_for_contents(self) -> bool:
        """Whether rows come with contents."""
        parameters = self.listing.declaration.content_parameters
        return any(self.listing.filters.get(name) for name in parameters)


def _may_retire(listing: AnyListing[Any]) -> bool:
    """Return whether a complete walk shows all rows there are, and proves it."""
    if listing.is_filtered or isinstance(listing, CursorListing):
        return False
    return isinstance(listing, WholeListing) or listing.declaration.sort_key is not None


def is_whole(plan: Plan, rows: int) -> bool:
    """Return whether so many rows of a listing that comes whole can be all: no cap may have cut them off."""
    cap = plan.listing.declaration.largest_page
    return isinstance(plan.listing, Listing) or cap is None or rows < cap


def _name_table(path: str) -> str:
    """Return `phone_numbers` for `/v1/phone-numbers`, and `contacts_tags` for `/v1/contacts/{contact_id}/tags`."""
    parts = [part for part in path.strip("/").split("/") if not (part.startswith("{") or _VERSION.fullmatch(part))]
    name = _NO_NAME_PART.sub("_", "_".join(parts)).strip("_").lower()
    if not name or name[0].isdigit() or _RESERVED_TABLES.fullmatch(name):
        message = f"no table can be named after {path}"
        raise ValueError(message)
    return name


def _columns_of(row_type: Any, id_field: str) -> tuple[Column, ...]:
    hints = _hints_of(row_type)
    if hints is None:
        return Column(id_field, "text"), Column(DATA, "json")
    if id_field not in hints:
        message = f"{row_type.__name__} has no field {id_field}"
        raise ValueError(message)
    return tuple(Column(name, _kind_of(hint)) for name, hint in hints.items())


def _hints_of(row_type: Any) -> dict[str, Any] | None:
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
    if get_origin(hint) is Annotated:
        return _kind_of(get_args(hint)[0])
    kinds = [kind for kind in get_args(hint) if kind is not NoneType] if _is_union(hint) else [hint]
    if len(kinds) != 1:
        return "json"
    if _is_union(hint):
        return _kind_of(kinds[0])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "text" if issubclass(hint, str) else "json"
    return _KINDS.get(hint, "json")


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in {Union, UnionType}
