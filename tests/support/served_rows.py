"""Organizations whose rows a test changes as it likes, and what serves them: in memory, as a transport."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import define, field

from contactship_async import ContactshipClient, ContactshipPool, Request, Response, RetryPolicy

Row = dict[str, Any]

NUMBERS: Final = "/v1/phone-numbers"
CALLS: Final = "/v1/calls"
TAGS: Final = "/v1/tags"

FIRST: Final = datetime(2026, 5, 4, 9, tzinfo=UTC)
"""When the first row was created."""

_LARGEST_PAGE: Final = 1000
_NOT_FILTERS: Final = frozenset({"limit", "offset", "order", "date_from"})


def number(place: int, **fields: Any) -> Row:
    """Make a phone number, created some minutes after the first."""
    return {
        "id": f"number-{place}",
        "phone_number": f"+1202555{place:04}",
        "type": "inbound",
        "organization_id": "organization-a",
        "created_at": at(place),
    } | fields


def numbers(places: Iterable[int], **fields: Any) -> list[Row]:
    """Make phone numbers."""
    return [number(place, **fields) for place in places]


def call(place: int, **fields: Any) -> Row:
    """Make a call that has ended."""
    return {
        "id": f"call-{place}",
        "call_status": "completed",
        "created_at": at(place),
        "finished_at": at(place + 1),
    } | fields


def tag(place: int, **fields: Any) -> Row:
    """Make a tag."""
    return {
        "id": f"tag-{place}",
        "name": f"tag {place}",
        "organization_id": "organization-a",
        "created_at": at(place),
    } | fields


def at(minutes: float) -> str:
    """Return the time so many minutes after the first."""
    return (FIRST + timedelta(minutes=minutes)).isoformat()


@define
class ServedRows:
    """Serves the rows of each key and path, the newest first; those of an unknown path with a 404.

    Args:
        rows: By key and path; a test changes them.
        on_request: Is awaited with each request before it is served; what it returns, if anything, is the response.
        asked: The requests that came.
    """

    rows: dict[str, dict[str, list[Row]]]
    on_request: Callable[[Request], Awaitable[Response | None]] | None = None
    asked: list[Request] = field(factory=list)

    async def __call__(self, request: Request) -> Response:
        """Serve one request."""
        self.asked.append(request)
        if self.on_request is not None:
            response = await self.on_request(request)
            if response is not None:
                return response
        rows = self.rows[request.api_key.reveal()].get(request.path)
        if rows is None:
            return Response(status=404)
        query = dict(request.query)
        filters = {name: value for name, value in query.items() if name not in _NOT_FILTERS | {"include_transcript"}}
        matching = [
            row
            for row in rows
            if all(row.get(name) == value for name, value in filters.items())
            and row.get("created_at", "") >= query.get("date_from", "")
        ]
        matching.sort(key=lambda row: row.get("created_at", ""), reverse=query.get("order") != "asc")
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", _LARGEST_PAGE))
        return serve({"data": matching[offset : offset + limit], "count": len(matching)})

    def client(self, key: str = "key", **options: Any) -> ContactshipClient:
        """Make a client of a key, which asks here and tries once."""
        return ContactshipClient(key, transport=self, retry=RetryPolicy(max_attempts=1), **options)

    def pool(self, keys: Mapping[str, str] | None = None, **options: Any) -> ContactshipPool:
        """Make a pool of organizations by their names; without any, of all keys, which are their names."""
        return ContactshipPool(
            keys or {name: name for name in self.rows}, transport=self, retry=RetryPolicy(max_attempts=1), **options
        )

    def queries(self, path: str) -> list[dict[str, str]]:
        """Return what was asked of a path, without the questions for a single row."""
        asked = [dict(request.query) for request in self.asked if request.path == path]
        return [query for query in asked if query.get("limit") != "1"]


def serve(content: Any) -> Response:
    """Respond with JSON."""
    return Response(status=200, body=json.dumps(content).encode())
