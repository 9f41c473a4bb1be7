"""The rows of one resource as a test sees and changes them: the one shape of all collections of a `Sandbox`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final, Literal, overload

from contactship_async._arguments import check_text
from contactship_async.sandbox._api.fields import Field
from contactship_async.sandbox._api.pages import CursorPage, Page, Rows
from contactship_async.sandbox._api.paging import CursorPaging, Paging
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call
from contactship_async.sandbox._resources.organization import Organization, make_uuid
from contactship_async.sandbox._resources.store import ALWAYS, Period, Row, Store

_INTERVAL: Final = timedelta(hours=1)
_BEGINNING: Final = datetime(2024, 1, 1, tzinfo=UTC)

ID: Final = Field("id", {"type": "string", "minLength": 1}, "Opaque.", example="3c0a7a52-6a1e-4f0e-9d55-0d2f6b1c8e47")
ORGANIZATION_ID: Final = Field(
    "organization_id",
    {"type": "string", "minLength": 1},
    "Of the organization that owns it.",
    example="org-81c7e2f4-2b7d-4d0a-8a6b-5f9e0c3d1b20",
)
CREATED_AT: Final = Field(
    "created_at", {"type": "string", "format": "date-time"}, "When it was added.", example="2026-01-15T10:00:00Z"
)


class Collection(Sequence[dict[str, Any]]):
    """Rows of a sandbox as listings show them, the newest first; each row that it returns is a copy.

    It reads like a list that always shows what there is now; `rows` is a list of what there is at the time of the
    call. Its methods may be called while another thread handles requests.

    Args:
        organization: Whose rows they are.
        name: Of the resource, such as `phone_numbers`: names its random stream.
        noun: Of one row, such as `phone number`.
        prefix: Of made-up ids, such as `pn-`; without one they are UUIDs.
        default_limit: See `Paging`.
        indexed: The fields by which rows are selected without a scan.
        shows_organization: Whether rows show its id.
    """

    def __init__(  # noqa: PLR0913 - what makes one resource differ from another, by keyword
        self,
        organization: Organization,
        *,
        name: str,
        noun: str,
        prefix: str,
        default_limit: int | None,
        indexed: tuple[str, ...] = (),
        shows_organization: bool = True,
    ) -> None:
        self._organization = organization
        self._owner = {"organization_id": organization.id} if shows_organization else {}
        self._noun = noun
        self._prefix = prefix
        self._paging = Paging(default_limit, organization.max_limit)
        self._random = organization.random(name)
        self._store = Store(*indexed)
        self._newest_so_far = _BEGINNING - _INTERVAL
        self._made = 0  # rows that were ever added

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A copy of all rows, the newest first."""
        return self[:]

    def remove(self, id: str) -> None:  # noqa: A002 - the API's word
        """Remove one row.

        Args:
            id: Of the row.

        Raises:
            KeyError: There is none.
        """
        with self._organization.lock:
            self._store.remove(id)

    def __len__(self) -> int:
        return len(self._store)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        with self._organization.lock:
            self._organization.agenda.catch_up()
            ascending = self._store.select({}, {})
            places = range(len(ascending))[::-1][index]
            if isinstance(places, int):
                return self._read(ascending[places])
            return [self._read(ascending[place]) for place in places]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        return self.rows == (other.rows if isinstance(other, Collection) else other)

    __hash__ = None  # type: ignore[assignment] # its rows change, as those of a list

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)}>"

    def _add(
        self,
        id_: str | None,
        created_at: datetime | str | None,
        fields: Mapping[str, Any],
        values: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Add a row and return a copy of it; what is None is made up, `created_at` newer than all rows so far.

        Args:
            id_: A new one.
            created_at: See `PhoneNumbers.add`.
            fields: What the row shows between its id and its organization.
            values: Of the indexed fields.
        """
        if id_ is not None and check_text("id", id_) in self._store:
            message = f"id must be new, but there is a {self._noun} {id_!r}"
            raise ValueError(message)
        timestamp, shown = self._read_created_at(created_at)
        self._made += 1
        self._newest_so_far = max(self._newest_so_far, timestamp)
        id_ = id_ or f"{self._prefix}{make_uuid(self._random)}"
        row = {"id": id_, **fields, **self._owner, "created_at": shown}
        self._store.add(id_, timestamp, self._write(row), values)
        return row

    def _read_created_at(self, created_at: datetime | str | None) -> tuple[datetime, str]:
        """Return the timestamp to sort by and the string to show; None is an hour after the newest row so far."""
        return read_created_at(self._newest_so_far + _INTERVAL if created_at is None else created_at)

    def _replace(self, row: Mapping[str, Any], values: tuple[str, ...] = (), *, noted_in: str | None = None) -> str:
        """Let a row show something else, and return the time at which it does: an hour after the newest so far.

        Args:
            row: All that it shows.
            values: Of the indexed fields.
            noted_in: The field that shows the time; None shows it nowhere.
        """
        self._newest_so_far += _INTERVAL
        time = show_time(self._newest_so_far)
        self._store.replace(row["id"], self._write(row if noted_in is None else {**row, noted_in: time}), values)
        return time

    def _write(self, row: Mapping[str, Any]) -> bytes:
        """Write a row as JSON."""
        return json.dumps(row, separators=(",", ":")).encode()

    def _read(self, row: Row) -> dict[str, Any]:
        """Return a copy of what listings show of a row."""
        return row.to_dict()

    def _cut_page(
        self,
        call: Call,
        *,
        equal: tuple[str, ...] = (),
        containing: tuple[str, ...] = (),
        within: Period = ALWAYS,
        show: Callable[[Row], bytes] = attrgetter("json"),
    ) -> Page:
        """Return the page that a request asks for.

        Args:
            call: The request.
            equal: The filters that select rows by an indexed field.
            containing: The filters that select rows by a part of a field.
            within: Selects rows by their creation.
            show: Writes a row as the page is to have it.
        """
        selected = self._store.select(
            {name: call.query[name] for name in equal if name in call.query},
            {name: call.query[name] for name in containing if name in call.query},
            within,
        )
        window = self._paging.read_window(call.query)
        total = len(selected if self._organization.count_follows_filter else self._store)
        return Page([show(row) for row in window.cut(selected)], total, window)

    def _show_all(self) -> Rows:
        """Return all rows, the newest first."""
        return Rows([row.json for row in reversed(self._store.select({}, {}))])

    def _cut_cursor_page(self, call: Call, paging: CursorPaging) -> CursorPage:
        """Return the page that the cursor of a request asks for, the newest rows first."""
        selected = self._store.select({}, {})[::-1]
        return paging.cut([row.json for row in selected], [row.key for row in selected], call.query)

    def _find(self, id_: str) -> Row:
        """Return the row that a request names, or refuse with 404."""
        if id_ not in self._store:
            raise Refusal(404, f"There is no such {self._noun}")
        return self._store[id_]

    def _delete(self, call: Call) -> Literal[True]:
        """Remove the row that the path of a request names."""
        [id_] = call.path.values()
        self._find(id_)
        self._store.remove(id_)
        return True


def show_time(time: datetime) -> str:
    """Return an aware time as rows show it."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_created_at(created_at: object) -> tuple[datetime, str]:
    """Return the timestamp to sort by and the string to show: a given string as it is, and without a zone as UTC."""
    if isinstance(created_at, datetime):
        if created_at.tzinfo is None:
            message = "created_at must be an aware datetime, or an ISO 8601 string"
            raise ValueError(message)
        return created_at, show_time(created_at)
    if not isinstance(created_at, str):
        message = f"created_at must be an aware datetime or an ISO 8601 string, not {type(created_at).__name__}"
        raise TypeError(message)
    try:
        timestamp = datetime.fromisoformat(created_at)
    except ValueError:
        message = "created_at must be an aware datetime or an ISO 8601 string such as '2026-01-15T10:00:00Z'"
        raise ValueError(message) from None
    return (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)), created_at
