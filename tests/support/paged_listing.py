"""A server of one listing that comes in pages by limit and offset, as a transport that keeps the requests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from attrs import define, field

from contactship_async import ContactshipClient, Request, Response, RetryPolicy

SIZE_IF_NOT_ASKED: Final = 5
"""How many rows a page has whose size is left to the server."""

MODES: Final[Sequence[Mapping[str, Any]]] = [
    {},
    {"concurrency": 4},
    {"exact": True},
    {"exact": True, "concurrency": 4},
]
"""The ways in which a listing can be walked."""


def _each(modes: Sequence[Mapping[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("mode", modes, ids=lambda mode: "-".join(mode) or "default")


each_mode = _each(MODES)
"""Run a test in each of the ways in which a listing can be walked."""

each_mode_with_sort_key = _each(MODES[1:])
"""Run it in those that need a sort key."""

each_exact_mode = _each(MODES[2:])
"""Run it in those that prove to be complete."""


@define
class PagedListing:
    """Returns a part of its rows, as the query asks for it.

    Args:
        rows: The newest first.
        envelope: `F` and `D` have a count, `bare` has none.
        filters: What the query must have for all rows to match; without it, `others` match too.
        others: How many more rows there are than those that match the filters.
        count_follows_filters: Whether the count is that of the rows that match.
        ascending: The parameter of the query, and its value, that asks for the oldest first.
        headers: Of each response.
        arriving: Rows that are yet to come, the newest first: one after each response.
    """

    rows: Sequence[Mapping[str, Any]]
    envelope: str = "F"
    filters: Mapping[str, str] = field(factory=dict)
    others: int = 0
    count_follows_filters: bool = True
    ascending: tuple[str, str] = ("order", "asc")
    headers: Mapping[str, str] = field(factory=dict)
    arriving: list[Mapping[str, Any]] = field(factory=list)
    requests: list[Request] = field(factory=list)

    def client(self) -> ContactshipClient:
        """Make a client that talks to this server, once for each call."""
        return ContactshipClient("key", transport=self.transport, retry=RetryPolicy(max_attempts=1))

    @property
    def queries(self) -> list[dict[str, str]]:
        """The queries that came."""
        return [dict(request.query) for request in self.requests]

    async def transport(self, request: Request) -> Response:
        """Return a page; a limit without an offset is refused, and the other way round, as some listings do."""
        self.requests.append(request)
        query = dict(request.query)
        if ("limit" in query) != ("offset" in query) or len(query) != len(request.query):
            return Response(status=400)
        matches = self.filters.items() <= query.items()
        rows = self.rows[::-1] if query.get(self.ascending[0]) == self.ascending[1] else self.rows
        start = int(query.get("offset", 0))
        page = [*rows][start : start + int(query.get("limit", SIZE_IF_NOT_ASKED))]
        count = len(self.rows) + (0 if matches and self.count_follows_filters else self.others)
        if self.arriving:
            self.rows = [self.arriving.pop(), *self.rows]
        bodies = {
            "F": {"statusCode": 200, "data": page, "pagination": {"page": 1, "total_rows": count, "total_pages": 1}},
            "D": {"data": page, "count": count},
            "bare": page,
        }
        return Response(status=200, headers=self.headers, body=json.dumps(bodies[self.envelope]).encode())
