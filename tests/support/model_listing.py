"""A listing that changes while it is walked, and a driver that walks it without I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from attrs import define, field, frozen

from contactship_async._pagination.sequential import SequentialWalk
from contactship_async._pagination.walk import PageRequest
from contactship_async.errors import MalformedResponseError
from contactship_async.models.common import Page


@frozen
class Row:
    """A row of the listing."""

    id: str
    kind: str = "inbound"


@define
class PageResponse:
    """What came back for a `PageRequest`."""

    rows: list[Row]
    count: int
    problem: MalformedResponseError | None = None


@define
class Listing:
    """Rows in the order of the listing; each page is a snapshot."""

    rows: list[Row]
    cap: int | None = None
    asked: list[PageRequest] = field(factory=list)
    fresh_ids: Iterator[int] = field(factory=count)

    @classmethod
    def of(cls, number: int, *, cap: int | None = None) -> Listing:
        """Make a listing of *number* old rows; *cap* is the largest page."""
        return cls([Row(f"old-{place}") for place in range(number)], cap)

    def respond(self, request: PageRequest) -> PageResponse:
        """Respond to one request."""
        self.asked.append(request)
        limit = request.limit if self.cap is None else min(request.limit, self.cap)
        return PageResponse(self.rows[request.offset : request.offset + limit], len(self.rows))

    def insert_at_head(self) -> None:
        """Add the newest row."""
        self.rows.insert(0, Row(f"new-{next(self.fresh_ids)}"))

    def delete(self, place: int) -> None:
        """Remove the row at *place*, counted round and round."""
        if self.rows:
            del self.rows[place % len(self.rows)]


def make_walk(
    *, offset: int = 0, page_size: int = 100, max_items: int | None = None, filtered: bool = False
) -> SequentialWalk[Row]:
    """Make a walk over rows."""
    return SequentialWalk(
        identify=lambda rows: [row.id for row in rows],
        offset=offset,
        page_size=page_size,
        max_items=max_items,
        filtered=filtered,
    )


def drive(walk: SequentialWalk[Row], respond: Callable[[PageRequest], PageResponse]) -> Iterator[Page[Row]]:
    """Yield the pages of *walk*, with an immediate response to each request."""
    steps = walk.steps()
    response: PageResponse | None = None
    try:
        while True:
            step = steps.send(response)
            if isinstance(step, Page):
                response = None
                yield step
            else:
                response = respond(step[0])
    except StopIteration:
        return
