"""Walks through a listing that changes at every chance; all decisions of the model are drawn from one function.

Drawn at random, this is a simulation; drawn in all ways one after the other, an exhaustive test of small listings.
From the root of the project, `PYTHONPATH=tests/support python -m changing_listing 100000` walks that often at random,
with proof and by ids, and fails if a row was lost, came twice, or a walk did not end.
"""

from __future__ import annotations

import re
import sys
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, groupby
from operator import attrgetter
from random import Random
from typing import Literal

from attrs import define, field, frozen

from contactship_async._pagination.anchors import IdAnchor, KeyAnchor
from contactship_async._pagination.overlapping import OverlappingWalk
from contactship_async._pagination.rows import SortKey
from contactship_async._pagination.walk import PageRequest, Walk
from contactship_async.errors import MalformedResponseError, PaginationError
from contactship_async.models.common import Page

Choose = Callable[[int], int]
"""Draws a number from 0 up to, but not including, the one given."""

EPOCH = datetime(2026, 1, 15, 10, tzinfo=UTC)
SORT_KEY = SortKey("created_at", attrgetter("created_at"))


@frozen
class Row:
    """A row of the listing; it never changes."""

    id: int
    created_at: datetime


@define
class PageResponse:
    """What came back for a `PageRequest`."""

    rows: list[Row]
    count: int | None
    problem: MalformedResponseError | None = None


@define
class ChangingListing:
    """Rows sorted by creation date, which change before and while a page is served.

    Args:
        choose: Makes all decisions.
        descending: Whether the newest row comes first.
        dates: How many different creation dates there are, so that rows share them and come in any order on each page;
            None gives each row a date of its own.
        cap: The largest page.
        more: How many rows a page has beyond those asked for.
        changes: How many rows are still to be added or removed.
        at_once: How many of them between two requests, at the most.
        counts: What the count is: that of the rows "now", from before or after a change ("another"), of the "page",
            always "zero", or "none" at all.
        others: How many rows the count includes that the filter leaves out.
    """

    choose: Choose
    descending: bool = True
    dates: int | None = None
    cap: int | None = None
    more: int = 0
    changes: int = 0
    at_once: int = 1
    counts: Literal["now", "another", "page", "zero", "none"] = "now"
    others: int = 0
    rows: list[Row] = field(factory=list)
    deleted: set[int] = field(factory=set)
    asked: int = 0
    first_seen: list[Row] = field(factory=list)
    ids: Iterator[int] = field(factory=count)

    def add(self, day: float) -> None:
        """Add a row created on *day*."""
        row = Row(next(self.ids), EPOCH + timedelta(days=day))
        insort(self.rows, row, key=lambda row: (row.created_at - EPOCH) * (-1 if self.descending else 1))

    def add_anywhere(self) -> None:
        """Add a row at one of several dates, or between any two others."""
        if self.dates is not None:
            self.add(self.choose(self.dates))
            return
        days = sorted((row.created_at - EPOCH) / timedelta(days=1) for row in self.rows)
        ends = [days[0] - 1, *days, days[-1] + 1] if days else [0.0, 0.0]
        place = self.choose(len(ends) - 1)
        self.add((ends[place] + ends[place + 1]) / 2)

    def remove(self) -> None:
        """Remove any row."""
        self.deleted.add(self.rows.pop(self.choose(len(self.rows))).id)

    def change(self) -> None:
        """Add or remove some rows, or none."""
        for _ in range(self.at_once):
            if self.changes == 0 or self.choose(2) == 0:
                return
            self.changes -= 1
            if self.rows and self.choose(2) == 0:
                self.remove()
            else:
                self.add_anywhere()

    def respond(self, request: PageRequest) -> PageResponse:
        """Respond to one request."""
        self.asked += 1
        self.change()
        counted = len(self.rows)
        is_counted_first = self.counts == "another" and self.changes > 0 and self.choose(2) == 0
        if is_counted_first:
            self.change()
        limit = request.limit + self.more if self.cap is None else min(request.limit, self.cap)
        listing = self._in_some_order()
        if self.asked == 1:
            self.first_seen = list(listing)
        page = listing[request.offset : request.offset + limit]
        if self.counts == "another" and not is_counted_first:
            self.change()
            counted = len(self.rows)
        if self.counts == "none":
            return PageResponse(page, None)
        number = {"page": len(page), "zero": 0}.get(self.counts, counted)
        return PageResponse(page, number + self.others)

    def _in_some_order(self) -> list[Row]:
        if self.dates is None:
            return self.rows
        rows: list[Row] = []
        for _, group in groupby(self.rows, key=lambda row: row.created_at):
            tied = list(group)
            while tied:
                rows.append(tied.pop(self.choose(len(tied))))
        return rows


def ids_of(rows: Sequence[Row]) -> list[int]:
    """Return the ids of rows."""
    return [row.id for row in rows]


def make_walk(  # noqa: PLR0913 - the settings of a walk, all by keyword
    *,
    page_size: int,
    concurrency: int,
    exact: bool,
    descending: bool = True,
    offset: int = 0,
    max_items: int | None = None,
    filtered: bool = False,
    slides: bool = False,
    fallback: Walk[Row] | None = None,
) -> OverlappingWalk[Row]:
    """Make a walk, as a client would."""
    by_key = KeyAnchor[Row](ids_of, SORT_KEY, offset, descending=descending)
    return OverlappingWalk(
        anchor=by_key if exact else IdAnchor(ids_of, offset),
        offset=offset,
        page_size=page_size,
        max_items=max_items,
        filtered=filtered,
        concurrency=concurrency,
        trusts_count=not exact,
        fallback=fallback,
        slides=slides,
    )


def walk_through(walk: OverlappingWalk[Row], listing: ChangingListing, *, slides: bool = False) -> Iterator[Row]:
    """Yield the rows of a walk; requests that are in flight together are responded to in any order.

    Where the window slides, requests are in flight as soon as they are wanted, and any of them get their response
    before the first one. Else the next ones are sent when all have theirs.

    Raises:
        AssertionError: The walk does not end.
    """
    steps = walk.steps()
    in_flight: list[PageRequest] = []
    responses: dict[PageRequest, PageResponse] = {}
    response: PageResponse | None = None
    with suppress(StopIteration):
        while True:
            step = steps.send(response)
            if isinstance(step, Page):
                response = None
                yield from step
                continue
            if slides or step[0] not in responses:
                responses = {request: responses[request] for request in step if slides and request in responses}
                in_flight = [request for request in step if request not in responses]
            while step[0] not in responses if slides else in_flight:
                request = in_flight.pop(listing.choose(len(in_flight)))
                responses[request] = listing.respond(request)
            response = responses.pop(step[0])
            assert listing.asked < 10_000, "the walk does not end"


def check_walk(  # noqa: PLR0913 - the settings of a walk, all by keyword
    listing: ChangingListing,
    *,
    rows: int,
    page_size: int,
    concurrency: int,
    exact: bool,
    slides: bool = False,
    offset: int = 0,
    max_items: int | None = None,
) -> str:
    """Fill *listing*, walk it, and return how that ended: with nothing, or the reason why it raised.

    Raises:
        AssertionError: A row was lost, came twice or out of order, or the walk does not end.
    """
    for place in range(rows):
        listing.add(place if listing.dates is None else place % listing.dates)
    walk = make_walk(
        page_size=page_size,
        concurrency=concurrency,
        exact=exact,
        descending=listing.descending,
        offset=offset,
        max_items=max_items,
        filtered=listing.others > 0,
        slides=slides,
    )
    came: list[Row] = []
    reason = ""
    try:
        came.extend(walk_through(walk, listing, slides=slides))
    except PaginationError as error:
        reason = str(error)
    ids = [row.id for row in came]
    start = {row.created_at for row in listing.first_seen[offset : offset + 1]}
    kept_out = {row.id for row in listing.first_seen[:offset] if start and row.created_at not in start}
    present_throughout = {row.id for row in listing.first_seen[offset:]} - listing.deleted
    assert not kept_out & set(ids), "a row from before the start came"
    assert len(set(ids)) == len(ids), "a row came twice"
    assert len(ids) == walk.position.yielded
    if exact:
        dates = [row.created_at for row in came]
        assert dates == sorted(dates, reverse=listing.descending), "rows came out of order"
    if max_items is not None and len(ids) >= max_items:
        assert len(ids) == max_items
    elif not reason:
        assert present_throughout <= set(ids), "a row was lost"
    return reason


def walk_at_random(random: Random, *, exact: bool) -> str:
    """Walk a listing with settings and changes drawn by *random*, and return how that ended."""
    cap = random.choice([None, None, *range(2, 12)])
    # A walk that is not exact trusts a first page that is shorter than asked for when the count agrees.
    counts: list[Literal["now", "another", "page", "zero", "none"]] = ["now", "another", "page", "zero", "none"]
    listing = ChangingListing(
        random.randrange,
        descending=random.random() < 0.5,
        dates=random.choice([None, 2, 5, 20, 200]) if exact else None,
        cap=cap,
        more=random.choice([0, 0, 0, 1, 3]),
        changes=random.choice([0, 1, 3, 10, 60]),
        at_once=random.choice([1, 1, 2, 5]),
        counts=random.choice(counts if exact or cap is None else ["now", "none"]),
        others=random.choice([0, 0, 0, 7]),
    )
    rows = random.randrange(random.choice([8, 60]))
    return check_walk(
        listing,
        rows=rows,
        page_size=random.choice([3, 4, 5, random.randrange(3, 14)]),
        concurrency=random.choice([1, 2, 3, 5, 16]),
        exact=exact,
        offset=random.choice([0, 0, 0, random.randrange(rows + 2)]),
        max_items=random.choice([None, None, None, random.randrange(60)]),
        slides=random.random() < 0.5,
    )


def _follow(script: list[tuple[int, int]], made: list[tuple[int, int]], number: int) -> int:
    made.append(script[len(made)] if len(made) < len(script) else (0, number))
    return made[-1][0]


def in_all_ways(run: Callable[[Choose], object]) -> int:
    """Call *run* with every sequence of choices there is, one after the other, and return how many there were."""
    script: list[tuple[int, int]] = []
    runs = 0
    while True:
        made: list[tuple[int, int]] = []
        run(partial(_follow, script, made))
        runs += 1
        while made and made[-1][0] + 1 == made[-1][1]:
            made.pop()
        if not made:
            return runs
        script = [*made[:-1], (made[-1][0] + 1, made[-1][1])]


def in_some_ways(run: Callable[[Choose], object], ways: int) -> None:
    """Call *run* that often, each time with other choices, and the same ones each time this is called."""
    for seed in range(ways):
        run(Random(seed).randrange)


def main(walks: int) -> int:
    """Walk *walks* times with proof and as often by ids, print how they ended, and return how many went wrong."""
    wrong = 0
    for exact in (True, False):
        endings: Counter[str] = Counter()
        for seed in range(walks):
            try:
                reason = walk_at_random(Random(seed), exact=exact)
            except AssertionError as error:
                reason = f"WRONG: {error}, as with seed {seed}"
                wrong += 1
            endings[reason if "WRONG" in reason else re.sub(r"\S*\d\S*", "N", reason) or "complete"] += 1
        sys.stdout.writelines(f"{times:8} {reason}\n" for reason, times in endings.most_common())
        sys.stdout.write(f"{walks:8} {'exact walks' if exact else 'walks concurrently'}, half of them ahead\n")
    sys.stdout.write(f"{wrong} of {2 * walks} walks lost a row, repeated one, or did not end\n")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(int(sys.argv[1])) else 0)
