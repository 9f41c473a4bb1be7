"""Properties of overlapping pages: whatever changes between its requests, no row is lost and none comes twice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from changing_listing import (
    ChangingListing,
    Choose,
    PageResponse,
    Row,
    check_walk,
    in_all_ways,
    in_some_ways,
    make_walk,
    walk_at_random,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from volume import Volume

from contactship_async._pagination.walk import PageRequest, Requests, Steps
from contactship_async.errors import PaginationError
from contactship_async.models.common import Page


def first_of(_: int) -> int:
    """Choose the first of everything: the listing stands still."""
    return 0


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "concurrent"])
def test_random_walks(volume: Volume, *, exact: bool) -> None:
    """Of random listings under random changes, no walk loses or repeats a row, and each ends."""
    for seed in volume.seeds("exact walks" if exact else "concurrent walks", sample=500):
        walk_at_random(Random(seed), exact=exact)


EXACT = {"exact": True, "page_size": 3, "concurrency": 1}
BY_ID = {"exact": False, "page_size": 2, "concurrency": 2}
AHEAD = {"slides": True, "concurrency": 2}
ANOTHER = {"changes": 2, "counts": "another"}
SCHEDULES_OF_A_SAMPLE = 300


@pytest.mark.parametrize(
    ("settings", "listing", "schedules"),
    [
        pytest.param({**EXACT, "rows": 4}, ANOTHER, 18_346, id="exact"),
        pytest.param({**EXACT, "rows": 5, "concurrency": 3}, {"changes": 2}, 12_789, id="exact concurrent"),
        pytest.param({**EXACT, "rows": 5}, {"changes": 2, "counts": "zero"}, 1_194, id="no count"),
        pytest.param({**EXACT, "rows": 5}, {"changes": 2, "counts": "page"}, 1_131, id="count of the page"),
        pytest.param({**EXACT, "rows": 5, "page_size": 4}, {"changes": 2, "cap": 3}, 1_095, id="cap"),
        pytest.param({**EXACT, "rows": 3, "page_size": 5}, {"changes": 2, "cap": 3, "others": 2}, 724, id="filter"),
        pytest.param({**EXACT, "rows": 4, "page_size": 5}, {"changes": 1, "dates": 2}, 7_864, id="ties"),
        pytest.param({**EXACT, "rows": 6, "page_size": 4, "concurrency": 2}, {"dates": 3}, 8_192, id="ties concurrent"),
        pytest.param({**EXACT, "rows": 3, "offset": 1}, {"changes": 2}, 251, id="from an offset"),
        pytest.param({**BY_ID, "rows": 4, "concurrency": 3}, {"changes": 2}, 9_865, id="by id"),
        pytest.param({**BY_ID, "rows": 3}, {**ANOTHER, "changes": 1}, 334, id="by id with another count"),
        pytest.param({**EXACT, "rows": 5}, {"changes": 2, "counts": "none"}, 1_194, id="exact without a count"),
        pytest.param(
            {**EXACT, "rows": 6}, {"changes": 2, "counts": "page", "more": 1}, 976, id="a row more than the limit"
        ),
        pytest.param({**BY_ID, "rows": 4}, {"changes": 2, "counts": "none"}, 818, id="by id without a count"),
        pytest.param(
            {**BY_ID, "rows": 4, "page_size": 5}, {"changes": 2, "counts": "none", "cap": 2}, 933, id="no count, cap"
        ),
        pytest.param({**EXACT, **AHEAD, "rows": 6}, {"changes": 2}, 23_577, id="exact ahead"),
        pytest.param({**EXACT, **AHEAD, "rows": 5}, {**ANOTHER, "changes": 1}, 2_118, id="exact ahead, another count"),
        pytest.param({**EXACT, **AHEAD, "rows": 6, "page_size": 4}, {"dates": 3}, 98_304, id="ties ahead"),
        pytest.param({**BY_ID, **AHEAD, "rows": 5}, {"changes": 2}, 18_341, id="by id ahead"),
    ],
)
def test_all_schedules_of_small_listings(
    settings: Mapping[str, Any], listing: Mapping[str, Any], schedules: int, volume: Volume
) -> None:
    """Of all schedules of changes, counts, ties and completions, none loses or repeats a row, and none raises."""

    def run(choose: Choose) -> None:
        assert "" == check_walk(ChangingListing(choose, **listing), **settings)

    if volume.is_full:
        assert schedules == in_all_ways(run)
    else:
        in_some_ways(run, SCHEDULES_OF_A_SAMPLE)


def test_all_schedules_with_groups_that_may_outgrow_a_page(volume: Volume) -> None:
    """Where an added row makes a group of equal dates too large for a page, the walk says so or is complete."""
    endings: Counter[str] = Counter()

    def run(choose: Choose) -> None:
        listing = ChangingListing(choose, dates=3, changes=1)
        endings[check_walk(listing, rows=5, page_size=4, concurrency=2, exact=True)] += 1

    days = ("15", "16", "17")
    if volume.is_full:
        in_all_ways(run)
        assert (13_896, 10_248) == (endings.total(), endings[""])
    else:
        in_some_ways(run, SCHEDULES_OF_A_SAMPLE)

    assert {"", *(f"3 rows share 2026-01-{day}T10:00:00Z; pass page_size >= 5" for day in days)} >= set(endings)
    assert endings[""]


@given(
    rows=st.integers(0, 60),
    page_size=st.integers(3, 12),
    cap=st.none() | st.integers(3, 12),
    concurrency=st.integers(1, 5),
    exact=st.booleans(),
    slides=st.booleans(),
    data=st.data(),
)
def test_listing_that_stands_still(  # noqa: PLR0913, PLR0917 - drawn
    rows: int, page_size: int, cap: int | None, concurrency: int, exact: bool, slides: bool, data: st.DataObject
) -> None:
    """A listing that stands still, whatever order equal dates come in, is complete if groups of them fit on a page."""
    page = min(page_size, cap or page_size)
    largest_group = data.draw(st.integers(1, page - 2)) if exact else 1
    dates = max(math.ceil(rows / largest_group), 1) if largest_group > 1 else None
    random = Random(data.draw(st.integers()))
    listing = ChangingListing(random.randrange, descending=random.random() < 0.5, dates=dates, cap=cap)
    ending = check_walk(
        listing,
        rows=rows,
        page_size=page_size,
        concurrency=concurrency,
        exact=exact,
        slides=slides,
        max_items=data.draw(st.none() | st.integers(0, 60)),
    )

    assert "" == ending


REQUESTS = {0: 1, 1: 3, 2: 3, 3: 2, 99: 2, 100: 2, 101: 2, 197: 2, 198: 3, 1_000: 11, 10_000: 103}


@pytest.mark.parametrize(("rows", "requests"), REQUESTS.items())
@pytest.mark.parametrize("slides", [False, True], ids=["batches", "ahead"])
@pytest.mark.parametrize("concurrency", [1, 16])
def test_requests_of_an_exact_walk(rows: int, requests: int, concurrency: int, slides: bool) -> None:
    """The proof costs two rows of each page and, at the end, a look at what is behind it if no page was longer."""
    listing = ChangingListing(first_of)
    check_walk(listing, rows=rows, page_size=100, concurrency=concurrency, exact=True, slides=slides)

    assert requests == listing.asked


@pytest.mark.parametrize(("rows", "requests"), {0: 1, 1: 1, 99: 1, 100: 2, 101: 2, 1_000: 11, 10_000: 102}.items())
@pytest.mark.parametrize("slides", [False, True], ids=["batches", "ahead"])
def test_requests_of_a_concurrent_walk(rows: int, requests: int, slides: bool) -> None:
    """Without the proof, a page that is shorter than asked for is the last one if the count agrees."""
    listing = ChangingListing(first_of)
    check_walk(listing, rows=rows, page_size=100, concurrency=16, exact=False, slides=slides)

    assert requests == listing.asked


class WalkWhileTheListingChanges(RuleBasedStateMachine):
    """A walk that gets its responses one by one, in any order, while rows come and go in between."""

    @initialize(
        rows=st.integers(0, 20),
        dates=st.none() | st.integers(1, 10),
        cap=st.none() | st.integers(2, 8),
        page_size=st.integers(3, 8),
        concurrency=st.integers(1, 4),
        exact=st.booleans(),
        descending=st.booleans(),
        slides=st.booleans(),
    )
    def begin(  # noqa: PLR0913, PLR0917 - drawn
        self,
        rows: int,
        dates: int | None,
        cap: int | None,
        page_size: int,
        concurrency: int,
        exact: bool,
        descending: bool,
        slides: bool,
    ) -> None:
        """Begin a walk, and ask for its first page."""
        self.listing = ChangingListing(first_of, dates=dates if exact else None, cap=cap, descending=descending)
        for place in range(rows):
            self.listing.add(place if self.listing.dates is None else place % self.listing.dates)
        self.before = {row.id for row in self.listing.rows}
        self.concurrency = concurrency
        self.walk = make_walk(
            page_size=page_size, concurrency=concurrency, exact=exact, descending=descending, slides=slides
        )
        self.steps: Steps[Row] = self.walk.steps()
        self.came: list[int] = []
        self.responses: dict[PageRequest, PageResponse] = {}
        self.wanted: Requests = ()
        self.ending: str | None = None
        self.go_on(None)

    def go_on(self, response: PageResponse | None) -> None:
        """Send the walk a response, and take what it makes of it."""
        try:
            step = self.steps.send(response)
            while isinstance(step, Page):
                self.came.extend(row.id for row in step)
                step = next(self.steps)
        except StopIteration:
            self.ending, self.wanted = "", ()
        except PaginationError as error:
            self.ending, self.wanted = str(error), ()
        else:
            self.wanted = step
            self.responses = {request: self.responses[request] for request in step if request in self.responses}

    def is_going_on(self) -> bool:
        """Return whether the walk wants more."""
        return bool(self.wanted)

    @rule(place=st.integers(0, 40))
    def add(self, place: int) -> None:
        """Add a row somewhere."""
        self.listing.choose = lambda number: place % number
        self.listing.add_anywhere()

    @precondition(lambda self: bool(self.listing.rows))
    @rule(place=st.integers(0, 40))
    def remove(self, place: int) -> None:
        """Remove a row somewhere."""
        self.listing.choose = lambda number: place % number
        self.listing.remove()

    @precondition(is_going_on)
    @rule(place=st.integers(0, 3), seed=st.integers(), count_of_before=st.booleans())
    def respond(self, place: int, seed: int, count_of_before: bool) -> None:
        """Respond to one of the requests in flight, and go on with the walk if it was the first."""
        self.listing.choose = Random(seed).randrange
        open_requests = [request for request in self.wanted if request not in self.responses]
        request = open_requests[place % len(open_requests)]
        self.responses[request] = self.listing.respond(request)
        if count_of_before:
            self.responses[request].count = len(self.before)
        while self.wanted and self.wanted[0] in self.responses:
            self.go_on(self.responses.pop(self.wanted[0]))

    @invariant()
    def no_row_comes_twice(self) -> None:
        """No row was yielded twice, and no more are in flight than allowed."""
        assert len(set(self.came)) == len(self.came)
        assert len(self.wanted) <= self.concurrency

    def teardown(self) -> None:
        """Let the walk end, and look for rows that were present for the whole iteration."""
        if not hasattr(self, "walk"):
            return
        while self.is_going_on():
            self.respond(0, 0, count_of_before=False)
        if self.ending == "":
            assert self.before - self.listing.deleted <= set(self.came)
        else:
            assert self.ending


WalkWhileTheListingChanges.TestCase.settings = settings(stateful_step_count=40)
TestWalkWhileTheListingChanges = WalkWhileTheListingChanges.TestCase
