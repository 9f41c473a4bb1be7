"""Organizations whose listings change from one sync to the next, and the server of these, which fails where it is told.

It answers in memory, as a transport. The same row comes in many forms: other orders of keys, None or nothing, times in
any zone. None of that is a change.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any, Final
from urllib.parse import unquote

from attrs import define, evolve, field, frozen
from sync_rows import CALLS, ENDED_STATUSES, EPOCH, KINDS, MICROSECOND, OPEN_STATUSES, TEMPLATES, Kind, Row

from contactship_async import ConnectionFailedError, Request, Response

Failure = str
"""How a page fails: a status, or the name of one of the ways below."""

FAILURES: Final[Mapping[Failure, frozenset[str]]] = {
    "500": frozenset({"ServerError"}),
    "404": frozenset({"NotFoundError"}),
    "401": frozenset({"AuthenticationError"}),
    "429": frozenset({"RateLimitError"}),
    "cut": frozenset({"ConnectionFailedError"}),
    "reset": frozenset({"ConnectionFailedError"}),
    "no JSON": frozenset({"MalformedResponseError"}),
    "half a page": frozenset({"MalformedResponseError"}),
    "no id": frozenset({"MalformedResponseError", "PaginationError"}),
    "no rows": frozenset({"PaginationError"}),
}
"""The ways in which pages fail, with the classes of the errors that come of it."""

_END: Final = "no rows"
"""Which is an end where rows come by cursor: the API does not say what else is."""

_LARGEST_PAGE: Final = 1000


@define
class Organization:
    """An organization, as it is now.

    Args:
        id: Opaque; what its rows name.
        rows: Of each path.
        gone: Those that were removed, and may return.
        made: How many rows have been made.
    """

    id: str
    rows: dict[str, dict[str | int, Row]] = field(factory=lambda: defaultdict(dict))
    gone: dict[str, list[Row]] = field(factory=lambda: defaultdict(list))
    earlier: dict[str, list[Row]] = field(factory=lambda: defaultdict(list))
    made: int = 0

    def add(self, kind: Kind, path: str, random: Random, created: int) -> Row:
        """Add a row."""
        self.made += 1
        row = kind.draw(random, self.made, created, self.id)
        if kind is CALLS and random.random() < 0.4:  # often enough
            row = evolve(row, values={**row.values, "call_status": random.choice(OPEN_STATUSES), "finished_at": None})
        self.rows[path][row.id] = row
        return row

    def change(self, kind: Kind, path: str, random: Random, now: int) -> None:
        """Change a row; a call that is open ends now."""
        row = random.choice([*self.rows[path].values()])
        changed = kind.change(random, row)
        if row.values.get("call_status") in OPEN_STATUSES and kind is CALLS:
            ended = {"call_status": random.choice(ENDED_STATUSES), "finished_at": now}
            changed = evolve(changed, values={**changed.values, **ended})
        self.earlier[path].append(row)
        self.rows[path][row.id] = changed

    def change_back(self, path: str, random: Random) -> None:
        """Make a row what it was at some time, if it is still there."""
        if self.earlier[path]:
            row = random.choice(self.earlier[path])
            if row.id in self.rows[path]:
                self.rows[path][row.id] = row

    def remove(self, path: str, random: Random) -> None:
        """Remove a row."""
        row = self.rows[path].pop(random.choice([*self.rows[path]]))
        self.gone[path].append(row)

    def bring_back(self, path: str, random: Random) -> None:
        """Bring back a row that was removed."""
        row = self.gone[path].pop(random.randrange(len(self.gone[path])))
        self.rows[path][row.id] = row

    def empty(self, path: str) -> None:
        """Remove all rows."""
        self.gone[path] += self.rows[path].values()
        self.rows[path].clear()


@frozen
class Fault:
    """A page that fails.

    Args:
        page: Which request for a page of the walk, from 1 on.
        failure: How.
    """

    page: int
    failure: Failure


@define
class World:
    """Organizations, and a server of them.

    Args:
        random: Draws the form of what is sent.
        organizations: By their keys.
        zone: In which days of `date_from` begin: the API does not say.
        faults: By key and path.
        queries: Those of each page of a walk since the beginning of the run, without window and order, by key and path.
        on_page: Awaited before a page of a walk is served, with the key and the path.
    """

    random: Random
    organizations: dict[str, Organization] = field(factory=dict)
    zone: timezone = UTC
    faults: dict[tuple[str, str], Fault] = field(factory=dict)
    queries: dict[tuple[str, str], list[dict[str, str]]] = field(factory=dict)
    on_page: Callable[[str, str], Awaitable[None]] | None = None

    def begin(self, faults: Mapping[tuple[str, str], Fault]) -> None:
        """Forget what was asked for, and fail where *faults* say."""
        self.faults = dict(faults)
        self.queries = {}

    def asked(self, key: str, path: str) -> list[dict[str, str]]:
        """Return the queries of a walk, without what chooses contents."""
        return [
            {name: value for name, value in query.items() if name != "include_transcript"}
            for query in self.queries.get((key, path), [])
        ]

    def rows(self, key: str, kind: Kind, path: str, query: Mapping[str, str]) -> list[Row]:
        """Return the rows of a listing that match a query, as they are served: the newest first."""
        rows = [row for row in self.organizations[key].rows[path].values() if self._matches(kind, row, query)]
        if kind.sort_key is None:
            return sorted(rows, key=lambda row: str(row.id))
        return sorted(rows, key=lambda row: row.created, reverse=query.get("order") != "asc")

    def _matches(self, kind: Kind, row: Row, query: Mapping[str, str]) -> bool:
        for name, (_, column) in kind.filters.items():
            if name in query and row.values[column] != query[name]:
                return False
        day = query.get("date_from")
        return day is None or self.day_of(row) >= date.fromisoformat(day)

    def day_of(self, row: Row) -> date:
        """Return the day on which a row was created, as the server sees it."""
        return (EPOCH + row.created * MICROSECOND).astimezone(self.zone).date()

    async def transport(self, request: Request) -> Response:
        """Serve a page."""
        key = request.api_key.reveal()
        path = unquote(request.path)
        kind = next(kind for kind in KINDS if re.fullmatch(kind.path.replace("{}", "[^/]+"), path))
        query = dict(request.query)
        offset, limit = int(query.pop("offset", 0)), min(int(query.pop("limit", _LARGEST_PAGE)), _LARGEST_PAGE)
        after = query.pop("after", None)
        offset = offset if after is None else int(after)
        failure = None
        if limit != 1:  # which a question for the identity is
            failure = await self._note_page(key, path, query)
        rows = self.rows(key, kind, path, query)
        page = rows[offset : offset + limit]
        if kind.sort_key is None and not query and kind.path.endswith("agents"):
            page = rows
        with_contents = query.get("include_transcript") == "true"
        written = [kind.write(row, self.random, with_contents=with_contents) for row in page]
        if failure is not None:
            return _fail(failure, written, len(rows))
        cursors = {}
        if kind.path.endswith("templates") and offset + limit < len(rows):
            cursors = {"paging": {"cursors": {"after": str(offset + limit)}}}
        if kind.path.endswith("templates"):
            return _respond({"success": True, "data": written, **cursors})
        if self.random.random() < 0.5:  # both forms are documented
            return _respond({"data": written, "count": len(rows)})
        return _respond({"statusCode": 200, "data": written, "pagination": {"total_rows": len(rows)}})

    async def _note_page(self, key: str, path: str, query: dict[str, str]) -> Failure | None:
        queries = self.queries.setdefault((key, path), [])
        queries.append({name: value for name, value in query.items() if name != "order"})
        number = len(queries)
        if self.on_page is not None:
            await self.on_page(key, path)
        fault = self.faults.get((key, path))
        return fault.failure if fault is not None and fault.page == number else None


def failures_of(kind: Kind) -> list[Failure]:
    """Return the ways in which pages of a listing fail."""
    return [one for one in FAILURES if one != _END or kind is not TEMPLATES]


def _respond(body: Any) -> Response:
    return Response(status=200, body=json.dumps(body).encode())


def _fail(failure: Failure, rows: list[dict[str, Any]], count: int) -> Response:
    if failure.isdigit():
        return Response(status=int(failure), body=b'{"message": "no"}')
    if failure == "cut":
        message = "the connection ended"
        raise ConnectionFailedError(message)
    if failure == "reset":
        raise ConnectionResetError
    if failure == "no JSON":
        return Response(status=200, body=b"<html>")
    if failure == "half a page":
        return Response(status=200, body=json.dumps({"data": rows, "count": count}).encode()[:-9])
    if failure == "no rows":
        return _respond({"data": [], "count": count + 1000})
    return _respond({"data": [*rows, {"id": None}], "count": count + 1})


def at(moment: datetime) -> int:
    """Return a time in microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def days(number: float) -> int:
    """Return a number of days in microseconds."""
    return timedelta(days=number) // MICROSECOND
