"""What the overlapping walk does about servers and changes that would lose or repeat rows, one by one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random

import pytest
from changing_listing import EPOCH, PageResponse, Row, ids_of, make_walk

from contactship_async._pagination.overlapping import OverlappingWalk
from contactship_async._pagination.sequential import SequentialWalk
from contactship_async._pagination.walk import PageRequest, Requests, SeenIds
from contactship_async.errors import MalformedResponseError, PaginationError, ServerError, WalkPosition
from contactship_async.models.common import Page

Serve = Callable[[PageRequest], tuple[Sequence[Row], int]]
ServeCountless = Callable[[PageRequest], tuple[Sequence[Row], int | None]]


def rows_of(number: int, *, sharing: int = 1) -> list[Row]:
    """Make a listing, newest first, in which *sharing* rows each have the same date."""
    return [Row(place, EPOCH - timedelta(days=place // sharing)) for place in range(number)]


def sequential_walk(max_items: int | None = None) -> SequentialWalk[Row]:
    """Make a walk to fall back on."""
    return SequentialWalk(identify=ids_of, offset=0, page_size=10, max_items=max_items, filtered=False)


class Drive:
    """Drives a walk with an immediate response to each request, and keeps what it asked for and what came."""

    def __init__(
        self,
        walk: OverlappingWalk[Row],
        serve: ServeCountless,
        problems: Mapping[int, MalformedResponseError] | None = None,
    ) -> None:
        self.walk = walk
        self.serve = serve
        self.problems = problems or {}
        self.windows: list[Requests] = []
        self.pages: list[Page[Row]] = []

    @property
    def asked(self) -> list[PageRequest]:
        """All requests, in the order in which their responses were wanted."""
        return [window[0] for window in self.windows]

    @property
    def batches(self) -> list[tuple[int, int]]:
        """The offset and the number of pages of each window that is not the rest of the one before it."""
        pairs = zip([(), *self.windows], self.windows, strict=False)
        return [(window[0].offset, len(window)) for before, window in pairs if window != before[1:]]

    @property
    def ids(self) -> list[int]:
        """What came."""
        return [row.id for page in self.pages for row in page]

    def run(self) -> Drive:
        """Walk to the end."""
        steps = self.walk.steps()
        response: PageResponse | None = None
        while True:
            try:
                step = steps.send(response)
            except StopIteration:
                return self
            if isinstance(step, Page):
                self.pages.append(step)
                response = None
            else:
                self.windows.append(step)
                assert all(request.offset >= 0 for request in step)
                rows, count = self.serve(step[0])
                wrong = next((place for place, row in enumerate(rows) if row.id in self.problems), None)
                problem = None if wrong is None else self.problems[rows[wrong].id]
                response = PageResponse(list(rows[:wrong]), count, problem)


def slices(rows: Sequence[Row], count: int | None = None) -> Serve:
    """Serve *rows* as a correct server does, with their number or *count*."""
    return lambda asked: (
        rows[asked.offset : asked.offset + asked.limit],
        len(rows) if count is None else count,
    )


def script(*responses: tuple[Sequence[Row], int]) -> Serve:
    """Serve one response after the other, and the last one for ever."""
    remaining = list(responses)
    return lambda _: remaining.pop(0) if len(remaining) > 1 else remaining[0]


ROWS = rows_of(28)
TWICE = [row for row in ROWS for _ in range(2)]
"""Each row twice, as from a join of one row with two others."""


def shuffled(asked: PageRequest) -> tuple[Sequence[Row], int]:
    """Serve any rows at all."""
    return Random(asked.offset).sample(ROWS, asked.limit), 28


HARMLESS: dict[str, Serve] = {
    "caps at 4": lambda asked: (ROWS[asked.offset :][: min(asked.limit, 4)], 28),
    "sends two more": lambda asked: (ROWS[asked.offset :][: asked.limit + 2], 28),
    "ignores offset and limit": lambda _: (ROWS, 28),
    "counts nothing": slices(ROWS, 0),
    "counts the page": lambda asked: (page := ROWS[asked.offset :][: asked.limit], len(page)),
    "counts too few": slices(ROWS, 18),
    "sends each row twice": slices(TWICE, 28),
    "changes the cap": lambda asked: (ROWS[asked.offset :][: min(asked.limit, 9 - asked.offset // 6)], 28),
}

NO_NEW_ROW = "18 consecutive pages brought no new row; 10 came, of 28"
NOT_SORTED = "the listing is not sorted by created_at, so that a walk of it can't be verified"

DISHARMLESS: dict[str, tuple[Serve, str]] = {
    "counts too many": (slices(ROWS, 48), "the listing is said to have 48 rows, but it ends after 28"),
    "counts endlessly": (slices(ROWS, 2**63), f"the listing is said to have {2**63} rows, but it ends after 28"),
    "hides rows": (slices(ROWS[:15], 28), "the listing is said to have 28 rows, but it ends after 15"),
    "hides rows and sends others twice": (
        slices(TWICE[:30], 28),
        "the listing is said to have 28 rows, but it ends after 30",
    ),
    "is empty": (slices([], 28), "the listing is said to have 28 rows, but it ends after 0"),
    "ignores offset": (lambda asked: (ROWS[: asked.limit], 28), NO_NEW_ROW),
    "takes the offset for a page": (lambda asked: (ROWS[asked.offset * 10 :][:10], 28), NO_NEW_ROW),
    "sends nothing in the middle": (
        lambda asked: (ROWS[asked.offset :][:10] if asked.offset < 5 else [], 28),
        NO_NEW_ROW,
    ),
    "wraps around": (lambda asked: ((ROWS * 2)[asked.offset % 28 :][:10], 28), f"{NOT_SORTED}|no new row"),
    "sends anything": (shuffled, f"{NOT_SORTED}|no new row"),
}

MODES = pytest.mark.parametrize(
    ("exact", "concurrency"), [(True, 1), (True, 16), (False, 4)], ids=["exact", "exact concurrent", "concurrent"]
)


@MODES
@pytest.mark.parametrize("serve", HARMLESS.values(), ids=HARMLESS)
def test_odd_servers(serve: Serve, exact: bool, concurrency: int) -> None:
    """A cap, a limit taken lightly or a count that is too low lose nothing."""
    drive = Drive(make_walk(page_size=10, concurrency=concurrency, exact=exact), serve).run()

    assert list(range(28)) == drive.ids
    assert len(drive.windows) <= 20


def test_end_is_rechecked_three_times() -> None:
    """A proven end that the count contradicts is requested three times more."""
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True), DISHARMLESS["hides rows"][0])
    with pytest.raises(PaginationError):
        drive.run()

    assert [0, 8, 13, 13, 13, 13] == [asked.offset for asked in drive.asked]


def test_new_rows_restart_the_end_checks() -> None:
    """What end checks saw before new rows came explains nothing afterwards."""
    serve = script((ROWS[:4], 9), (ROWS[2:4], 9), (ROWS[2:9], 9), (ROWS[7:9], 20))
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True), serve)
    with pytest.raises(PaginationError, match="the listing is said to have 20 rows, but it ends after 9"):
        drive.run()

    assert list(range(9)) == drive.ids


def test_page_that_grows_while_it_leads_no_further() -> None:
    """Rows with one date, of which there is one more at every look, are no sign of a server that caps the pages."""
    growing = rows_of(8, sharing=8)
    heads: list[tuple[Sequence[Row], int]] = [(growing[:number], number) for number in range(1, 9)]
    responses = [response for head in heads for response in (head, ([], head[1]))]
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True), script(*responses, heads[-1])).run()

    assert list(range(8)) == drive.ids


def test_few_rows_that_keep_changing() -> None:
    """Three looks at a few rows of one date, of which one is another each time, are no sign of a cap either."""
    tied = rows_of(3, sharing=3)
    heads = [tied, [LATER[0], *tied[:2]], [LATER[1], *tied[:2]]]
    responses: list[tuple[Sequence[Row], int]] = [response for head in heads for response in ((head, 3), ([], 3))]
    drive = Drive(make_walk(page_size=5, concurrency=1, exact=True), script(*responses, (heads[-1], 3))).run()

    assert [0, 1, 2] == drive.ids


def test_count_that_falls_at_the_head() -> None:
    """However fast the count falls, no page is asked for from before the head."""
    tied = rows_of(5, sharing=5)
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True), script((tied, 9), ([], 9), (tied, 7), (tied, 5)))

    assert list(range(5)) == drive.run().ids


@MODES
@pytest.mark.parametrize(("serve", "reason"), DISHARMLESS.values(), ids=DISHARMLESS)
def test_lying_servers(serve: Serve, reason: str, exact: bool, concurrency: int) -> None:
    """What can't be a whole listing raises, soon, and no row came twice."""
    drive = Drive(make_walk(page_size=10, concurrency=concurrency, exact=exact), serve)
    with pytest.raises(PaginationError, match=reason):
        drive.run()

    assert len(set(drive.ids)) == len(drive.ids)
    assert len(drive.windows) <= 30


@pytest.mark.parametrize("cap", [1, 2])
def test_pages_too_small_to_overlap(cap: int) -> None:
    """An exact walk needs three rows at once, and says so after looking whether there is more."""
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True), lambda asked: (ROWS[asked.offset :][:cap], 28))
    with pytest.raises(PaginationError, match=f"the server sends {cap} at once, but only pages of 3 rows or more can"):
        drive.run()

    assert list(range(cap)) == drive.ids


@pytest.mark.parametrize("number", [2, 28])
def test_single_rows_are_walked_one_after_the_other(number: int) -> None:
    """Where the server sends single rows, a walk that is not exact is handed over to the sequential one."""
    walk = make_walk(page_size=10, concurrency=4, exact=False, fallback=sequential_walk())
    drive = Drive(walk, lambda asked: (ROWS[:number][asked.offset :][:1], number)).run()

    assert list(range(number)) == drive.ids
    assert WalkPosition(number, number) == walk.position
    assert len(drive.windows) == number + 2


def test_single_rows_noticed_too_late() -> None:
    """Where the listing had one row at first, and single rows are sent of those added, the walk can't go on."""
    walk = make_walk(page_size=10, concurrency=4, exact=False, fallback=sequential_walk())
    sizes = itertools.chain([1, 1], itertools.repeat(3))
    drive = Drive(walk, lambda asked: (ROWS[: next(sizes)][asked.offset :][:1], 3))
    with pytest.raises(PaginationError, match="the server sends 1 at once, but only pages of 2 rows or more can be"):
        drive.run()

    assert [0] == drive.ids


def test_single_row_from_an_offset() -> None:
    """From the last row on, the one row is what the count leaves, and nothing behind it is asked for."""
    walk = make_walk(page_size=10, concurrency=4, exact=False, offset=27, fallback=sequential_walk())
    drive = Drive(walk, slices(ROWS)).run()

    assert [27] == drive.ids
    assert [27] == [asked.offset for asked in drive.asked]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("sharing", [1, 5])
@pytest.mark.parametrize("number", range(6))
def test_count_of_the_whole_under_a_filter(number: int, sharing: int, exact: bool) -> None:
    """A count that ignores the filter is recognised by a request without it, however few rows there are."""
    walk = make_walk(page_size=10, concurrency=4, exact=exact, filtered=True)
    drive = Drive(walk, slices(rows_of(number, sharing=sharing), 100)).run()

    assert list(range(number)) == drive.ids
    assert PageRequest(0, 1, filtered=False) in drive.asked


def test_count_that_agrees_with_the_end_under_a_filter() -> None:
    """Where rows added in front make more than came, but the count knows of them, the filter needs no explanation."""
    listing = ROWS[:]

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset == 8:
            listing[:0] = LATER
        return slices(listing)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True, filtered=True), serve).run()

    assert list(range(28)) == drive.ids
    assert all(asked.filtered for asked in drive.asked)


def test_count_that_neither_filter_explains() -> None:
    """Under a filter too, a count that is not that of the whole listing means that rows are missing."""

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        return ROWS[asked.offset :][: asked.limit], 40 if asked.filtered else 60

    with pytest.raises(PaginationError, match="the listing is said to have 40 rows, but it ends after 28"):
        Drive(make_walk(page_size=10, concurrency=1, exact=True, filtered=True), serve).run()


@pytest.mark.parametrize("counts", [[30, 29, 28], [30, 27]])
def test_count_of_another_moment(counts: list[int]) -> None:
    """A count that disagrees with the end is requested again, until it agrees or passes the end."""
    remaining = iter([28, 28, 28, *counts])
    walk = make_walk(page_size=10, concurrency=1, exact=True)
    drive = Drive(walk, lambda asked: (ROWS[asked.offset :][:10], next(remaining))).run()

    assert list(range(28)) == drive.ids
    assert [] == list(remaining)


def tied(number: int, *, before: int = 3) -> list[Row]:
    """Make a listing in which *number* rows have the same date, the one with id 0 at offset *before*."""
    return [
        Row(place, EPOCH - timedelta(days=min(max(place, 0) // number, 1) + min(place, 0)))
        for place in range(-before, number + 2)
    ]


@pytest.mark.parametrize("page_size", [5, 20, 37, 38])
def test_more_equal_dates_than_fit_on_a_page(page_size: int) -> None:
    """The walk counts how many rows share a date, and says which page size is needed; with that it is complete."""
    rows = tied(37)
    drive = Drive(make_walk(page_size=page_size, concurrency=1, exact=True), slices(rows))
    with pytest.raises(PaginationError, match=r"^37 rows share 2026-01-15T10:00:00Z; pass page_size >= 39$"):
        drive.run()

    assert 3 == drive.walk.position.offset
    assert len(drive.windows) <= 10

    walk = make_walk(page_size=39, concurrency=1, exact=True)

    assert [row.id for row in rows] == Drive(walk, slices(rows)).run().ids


def test_more_equal_dates_than_the_server_sends_at_once() -> None:
    """Where the server sends less than asked for, a larger page size would be no help."""
    rows = tied(37)
    drive = Drive(
        make_walk(page_size=50, concurrency=4, exact=True), lambda asked: (rows[asked.offset :][:20], len(rows))
    )
    with pytest.raises(PaginationError, match=r"^37 rows share 2026-01-15T10:00:00Z; the server sends 20 at once$"):
        drive.run()


def test_order_of_the_listing_is_that_asked_for() -> None:
    """A listing in the other order proves nothing; of a single date, it has any order."""
    walk = make_walk(page_size=10, concurrency=1, exact=True, descending=False)
    with pytest.raises(PaginationError, match=NOT_SORTED):
        Drive(walk, slices(ROWS)).run()

    walk = make_walk(page_size=10, concurrency=1, exact=True, descending=False)

    assert list(range(8)) == Drive(walk, slices(rows_of(8, sharing=8))).run().ids


def test_concurrent_up_to_the_end() -> None:
    """After the first page, as many pages are wanted concurrently as allowed, but none behind the end."""
    walk = make_walk(page_size=10, concurrency=4, exact=False, fallback=sequential_walk())
    drive = Drive(walk, slices(rows_of(64))).run()

    assert [1, 4, 3, 2, 1, 3, 2, 1] == [len(window) for window in drive.windows]
    assert [0, 9, 18, 27, 36, 45, 54, 63] == [asked.offset for asked in drive.asked]
    assert list(range(64)) == drive.ids


def test_window_that_slides() -> None:
    """Where pages are fetched ahead, another one is wanted for each that came, up to the end of the listing."""
    walk = make_walk(page_size=10, concurrency=4, exact=False, slides=True)
    drive = Drive(walk, slices(rows_of(82))).run()

    assert [1, 4, 4, 4, 4, 4, 4, 3, 2, 1] == [len(window) for window in drive.windows]
    assert [0, 9, 18, 27, 36, 45, 54, 63, 72, 81] == [asked.offset for asked in drive.asked]
    assert list(range(82)) == drive.ids


@pytest.mark.parametrize("slides", [False, True], ids=["batches", "ahead"])
@pytest.mark.parametrize(("max_items", "requests"), [(0, 0), (1, 1), (10, 1), (11, 2), (19, 2), (20, 3), (64, 7)])
def test_no_page_is_wanted_that_is_not_needed(max_items: int, requests: int, slides: bool) -> None:
    """Up to a number of rows, the first page is no longer than that, and no more pages are in flight than needed."""
    fallback = sequential_walk(max_items)
    walk = make_walk(page_size=10, concurrency=16, exact=False, max_items=max_items, fallback=fallback, slides=slides)
    drive = Drive(walk, slices(rows_of(64))).run()

    assert list(range(max_items)) == drive.ids
    assert requests == len({request for window in drive.windows for request in window})
    assert [PageRequest(0, min(max_items, 10))][:requests] == drive.asked[:1]
    assert WalkPosition(max_items, max_items) == walk.position


def serve_with_a_gap() -> Callable[[PageRequest], tuple[Sequence[Row], int]]:
    """Make a server of 200 rows that sends a page from elsewhere, once."""
    rows = rows_of(200)
    moved: list[bool] = []

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset == 27 and not moved:
            moved.append(True)
            return rows[39:49], 200
        return slices(rows)(asked)

    return serve


def test_one_page_at_a_time_after_a_gap() -> None:
    """After a page that does not fit, pages are asked for one by one, then two, then as many as allowed again."""
    drive = Drive(make_walk(page_size=10, concurrency=8, exact=False), serve_with_a_gap()).run()

    assert list(range(200)) == drive.ids
    assert [(0, 1), (9, 8), (17, 1), (26, 2), (44, 4), (80, 8), (152, 6)] == drive.batches


def test_careful_ahead_after_a_surprise() -> None:
    """After a page that does not fit, the sliding window grows by one page for each that does."""
    drive = Drive(make_walk(page_size=10, concurrency=4, exact=False, slides=True), serve_with_a_gap()).run()

    assert list(range(200)) == drive.ids
    assert [1, 4, 4, 4, 1, 2, 3, 4, 4] == [len(window) for window in drive.windows][:9]
    assert [27, 17] == [window[0].offset for window in drive.windows][3:5]


@pytest.mark.parametrize("slides", [False, True], ids=["batches", "ahead"])
def test_pages_behind_one_that_leads_no_further(slides: bool) -> None:
    """Behind a page too short to go on from, those in flight are of no use: it is asked for again."""
    rows = rows_of(60)
    short = [24]

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        return rows[asked.offset :][: 2 if short and asked.offset == short[0] and short.pop() else 10], 60

    drive = Drive(make_walk(page_size=10, concurrency=4, exact=True, slides=slides), serve).run()

    assert list(range(60)) == drive.ids
    assert [0, 8, 16, 24, 24, 32] == [asked.offset for asked in drive.asked][:6]


def test_count_that_is_missing_all_at_once() -> None:
    """Where the server no longer sends a count, the pages in flight are still wanted, and then one at a time."""
    rows = rows_of(120)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int | None]:
        return rows[asked.offset :][:10], 120 if asked.offset < 20 else None

    drive = Drive(make_walk(page_size=10, concurrency=4, exact=True, slides=True), serve).run()

    assert list(range(120)) == drive.ids
    assert [1, 4, 4, 4, 3, 2, 1, 1, 1] == [len(window) for window in drive.windows][:9]


def test_position_after_a_step_back() -> None:
    """An error after a step back has the position stepped back to: rows not yielded yet have moved there."""
    rows = rows_of(60)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if len(rows) == 48:
            raise ServerError(
                status=500, method="GET", path="/", message="", body=b"", request_id=None, retry_after=None
            )
        if asked.offset == 9:
            del rows[:12]
        return slices(rows)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=False), serve)
    with pytest.raises(ServerError):
        drive.run()

    assert WalkPosition(0, 10) == drive.walk.position


def test_position_where_rows_came_and_went() -> None:
    """Rows added in front and gone again leave the position where it was, before the rows not yielded yet."""
    rows = rows_of(160)
    added = [Row(1_000 + place, EPOCH + timedelta(days=100 - place)) for place in range(100)]
    listing = rows[:60]

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if len(listing) == 160 and listing[0] is rows[0]:
            raise ServerError(
                status=500, method="GET", path="/", message="", body=b"", request_id=None, retry_after=None
            )
        if asked.offset == 8:
            listing[:0] = added
        if asked.offset == 56:
            listing[:] = rows
        return slices(listing)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True), serve)
    with pytest.raises(ServerError):
        drive.run()

    assert WalkPosition(10, 10) == drive.walk.position


def test_position_behind_rows_that_are_known() -> None:
    """Where a page shows added rows before known ones, the next row to yield is behind both."""
    rows = rows_of(60)
    added = [Row(1_000 + place, EPOCH + timedelta(days=20 - place)) for place in range(20)]
    listing = rows[:]

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset == 18 and len(listing) == 60:
            listing[:0] = added
        if asked.offset > 18:
            raise ServerError(
                status=500, method="GET", path="/", message="", body=b"", request_id=None, retry_after=None
            )
        return slices(listing)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=False), serve)
    with pytest.raises(ServerError):
        drive.run()

    assert [18, 19, 0, 1, 2, 3, 4, 5, 6, 7] == [row.id % 1_000 for row in listing[18:28]]
    assert [*range(19), 1_018, 1_019] == drive.ids
    assert WalkPosition(28, 21) == drive.walk.position


def test_steps_back_double() -> None:
    """Where the count hides that rows moved, the way back to the last known row takes ever longer steps."""
    rows = rows_of(2000)
    listing = rows[:1000]

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset == 720:
            listing[:] = rows[600:1600]
        return slices(listing)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=False), serve).run()

    assert list(range(1600)) == drive.ids
    offsets = [asked.offset for asked in drive.asked]
    assert [720, 710, 690, 650, 570, 410, 90] == offsets[offsets.index(720) :][:7]


def test_page_that_begins_in_a_gap_is_not_asked_for_again_where_it_was() -> None:
    """Of pages in flight, one that a page shorter than usual leaves a gap before is fetched from an earlier offset."""
    rows = rows_of(60)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        return rows[asked.offset :][: 6 if asked.offset == 9 else 10], 60

    drive = Drive(make_walk(page_size=10, concurrency=3, exact=False), serve).run()

    assert list(range(60)) == drive.ids
    assert [(0, 1), (9, 3), (14, 1), (23, 2), (41, 3)] == drive.batches


def test_cap_that_is_lowered() -> None:
    """Where the server begins to send shorter pages, pages are requested concurrently in shorter steps."""
    rows = rows_of(200)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        return rows[asked.offset :][: 20 if asked.offset < 50 else 5], 200

    drive = Drive(make_walk(page_size=20, concurrency=4, exact=True), serve).run()

    assert list(range(200)) == drive.ids
    assert [(0, 1), (18, 4), (57, 1), (60, 2), (66, 4), (78, 4), (90, 4)] == drive.batches[:7]


@pytest.mark.parametrize("exact", [True, False])
def test_cap_that_is_lowered_when_rows_are_removed(exact: bool) -> None:
    """Known rows on a page shorter than others were are not the end as long as the count says that more follow."""
    rows = rows_of(80)
    listing = rows[:]

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset >= 45:
            listing[:] = rows[20:60]
        return listing[asked.offset :][: 10 if len(listing) == 80 else 4], len(listing)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=exact), serve)
    with pytest.raises(PaginationError, match="the listing is said to have 40 rows, but it ends after"):
        drive.run()


def test_pages_overlap_by_the_largest_group_seen() -> None:
    """Where groups of rows share a date, neighbouring pages overlap by a whole group, so that none is fetched twice."""
    rows = rows_of(1_000, sharing=10)
    drive = Drive(make_walk(page_size=100, concurrency=4, exact=True), slices(rows)).run()

    assert list(range(1_000)) == drive.ids
    assert [(0, 1), (89, 4), (449, 4), (809, 3)] == [batch for batch in drive.batches if batch[1] > 0][:4]


def test_large_groups_do_not_make_pages_creep() -> None:
    """A group of nearly a page is walked round once; the pages after it overlap by half a page at the most."""
    rows = tied(90)
    rows += [Row(1_000 + place, EPOCH - timedelta(days=3 + place)) for place in range(900)]
    drive = Drive(make_walk(page_size=100, concurrency=4, exact=True), slices(rows)).run()

    assert [row.id for row in rows] == drive.ids
    assert len(drive.windows) <= 22


def test_all_accepted_rows_are_removed() -> None:
    """Where no row accepted so far is left, the page at the head is the one that leaves no gap."""
    rows = rows_of(60)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset > 0 and len(rows) == 60:
            del rows[:30]
        return slices(rows)(asked)

    for exact in (True, False):
        rows[:] = rows_of(60)
        drive = Drive(make_walk(page_size=10, concurrency=1, exact=exact), serve).run()

        assert [*range(10), *range(30, 60)] == drive.ids


@pytest.mark.parametrize("exact", [True, False])
def test_many_rows_are_added_at_once(exact: bool) -> None:
    """Pages that show only known rows are no reason to give up when the count says that many rows were added."""
    rows = rows_of(60)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset > 0 and len(rows) == 60:
            rows[:0] = [Row(1_000 - place, EPOCH + timedelta(days=400 - place)) for place in range(400)]
        return slices(rows)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=exact), serve).run()

    assert list(range(60)) == [identifier for identifier in drive.ids if identifier < 60]
    assert len(set(drive.ids)) == len(drive.ids)


def test_count_that_rises_for_ever() -> None:
    """While the count keeps rising, a limited number of pages without a new row is allowed."""
    counts = itertools.count(28, 10**9)
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True), lambda _: (ROWS[:10], next(counts)))
    with pytest.raises(PaginationError, match="1001 consecutive pages brought no new row"):
        drive.run()

    assert 1 + 1001 == len(drive.windows)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("place", [0, 5, 9, 10, 25, 59])
def test_malformed_row(place: int, concurrency: int, exact: bool) -> None:
    """The rows before a malformed one come first, and the position is its own."""
    problem = MalformedResponseError((f"data[{place}].id: missing",))
    drive = Drive(
        make_walk(page_size=10, concurrency=concurrency, exact=exact), slices(rows_of(60)), problems={place: problem}
    )
    with pytest.raises(MalformedResponseError) as caught:
        drive.run()

    assert problem is caught.value
    assert list(range(place)) == drive.ids
    assert WalkPosition(place, place) == drive.walk.position


def test_malformed_row_behind_a_page_that_leads_no_further() -> None:
    """A row that can't be read is a row: the page before it is not all there is, though the count says so."""
    rows = rows_of(4, sharing=4)
    problem = MalformedResponseError(("data[0].id: missing",))
    drive = Drive(
        make_walk(page_size=10, concurrency=1, exact=True),
        lambda asked: (rows[asked.offset :][:3], 3),
        problems={3: problem},
    )
    with pytest.raises(PaginationError, match="3 rows share 2026-01-15T10:00:00Z; the server sends 3 at once"):
        drive.run()


def test_malformed_row_added_behind_the_end_of_a_filtered_listing() -> None:
    """Where a row that can't be read is added while the count is asked for without the filter, the walk comes to it."""
    listing = rows_of(12)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if not asked.filtered:
            listing[:] = rows_of(13)
        return slices(listing, 100)(asked)

    problem = MalformedResponseError(("data[2].id: missing",))
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True, filtered=True), serve, problems={12: problem})
    with pytest.raises(MalformedResponseError):
        drive.run()

    assert list(range(12)) == drive.ids


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("start", [1, 9, 55, 59, 60, 70])
def test_start_inside_the_listing(start: int, concurrency: int, exact: bool) -> None:
    """From an offset on, all rows come, and each page says where it is."""
    drive = Drive(
        make_walk(page_size=10, concurrency=concurrency, exact=exact, offset=start), slices(rows_of(60))
    ).run()

    assert list(range(start, 60)) == drive.ids
    assert all(page.offset == page.data[0].id for page in drive.pages)
    assert all(page.next_offset in (None, page.data[-1].id + 1) for page in drive.pages)


@pytest.mark.parametrize("exact", [True, False])
def test_start_behind_the_end_of_a_growing_listing(exact: bool) -> None:
    """Where rows are added up to an offset behind the end and past it, those before it stay out."""
    rows = rows_of(80)
    remaining = [rows[:60]]

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        return slices(remaining.pop() if remaining else rows, 80)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=exact, offset=70), serve).run()

    assert list(range(70, 80)) == drive.ids


@pytest.mark.parametrize("exact", [True, False])
def test_rows_from_before_the_start_stay_out(exact: bool) -> None:
    """Rows that stood before the start do not come when others push them behind it."""
    rows = rows_of(60)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset > 20 and len(rows) == 60:
            rows[:0] = [Row(1_000 + place, EPOCH + timedelta(days=1)) for place in range(15)]
        return slices(rows)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=exact, offset=20), serve).run()

    assert list(range(20, 60)) == drive.ids


def test_ids_can_not_exclude_rows_from_before_the_start() -> None:
    """Where all rows accepted are gone, ids can't show which of the others were before the start; dates can."""

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset > 20 and len(rows) == 60:
            del rows[15:40]
        return slices(rows)(asked)

    rows = rows_of(60)
    with pytest.raises(PaginationError, match="more rows moved while they were walked than are known again by their"):
        Drive(make_walk(page_size=10, concurrency=1, exact=False, offset=20), serve).run()

    rows = rows_of(60)
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True, offset=20), serve).run()

    assert [*range(20, 30), *range(40, 60)] == drive.ids


def test_ids_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more rows moved than ids are remembered, the walk raises instead of yielding a row again."""
    monkeypatch.setattr(SeenIds, "capacity", 20)
    rows = rows_of(100)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset == 63 and len(rows) == 100:
            del rows[20:70], rows[:10]
        return slices(rows)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=1, exact=False), serve)
    with pytest.raises(PaginationError, match="more rows moved while they were walked than are known again by their"):
        drive.run()

    assert list(range(64)) == drive.ids


def test_first_rows_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with the first rows, long after they came, means that the server wraps around."""
    monkeypatch.setattr(SeenIds, "capacity", 20)
    rows = rows_of(100)
    drive = Drive(
        make_walk(page_size=10, concurrency=1, exact=False),
        lambda asked: ((rows * 2)[asked.offset % 100 :][: asked.limit], 1_000),
    )
    with pytest.raises(PaginationError, match="the page at offset 99 wraps around to the first rows of the listing"):
        drive.run()

    assert list(range(100)) == drive.ids


LATER = tuple(Row(-place, EPOCH + timedelta(days=place)) for place in range(4, 0, -1))
"""Rows to be added at the head."""


def test_count_that_agrees_by_chance() -> None:
    """A page with nothing new, as long as the count, is not the end: the count may be from before a change."""
    serve = script(
        (ROWS[:3], 3),  # of 4, one of which is removed before the count
        ([LATER[0], *ROWS[1:3]], 3),  # two are added behind the count
        (ROWS[1:4], 5),
        (ROWS[2:4], 5),
    )
    drive = Drive(make_walk(page_size=3, concurrency=1, exact=True), serve).run()

    assert [0, 1, 2, 3] == drive.ids


def test_count_is_trusted_on_the_first_page_only() -> None:
    """Pages by ids are trusted to end where the count says so only if the first page is the last one."""
    serve = script((ROWS[:4], 28), (ROWS[3:7], 7), (ROWS[6:10], 10), (ROWS[9:10], 10))
    drive = Drive(make_walk(page_size=10, concurrency=4, exact=False), serve).run()

    assert list(range(10)) == drive.ids


def test_head_that_is_not_the_same() -> None:
    """A head with nothing behind it is all there is only if it still shows the same rows, not if one is new for one."""
    tied = rows_of(3, sharing=3)
    serve = script((tied, 4), ([], 4), ([LATER[0], *tied[1:]], 4), ([ROWS[20]], 4), ([LATER[0], *tied[1:]], 4))
    drive = Drive(make_walk(page_size=5, concurrency=1, exact=True), serve)
    with pytest.raises(PaginationError, match="2 rows share 2026-01-15T10:00:00Z; the server sends 3 at once"):
        drive.run()


def test_head_that_moved_down() -> None:
    """Rows that had nothing behind them are all there is wherever they come again, if a row was added in front."""
    head = [ROWS[0], *(Row(place, ROWS[1].created_at) for place in (1, 2))]
    serve = script((head, 3), ([], 3), ([LATER[0], *head[:2]], 4), (head, 4))
    drive = Drive(make_walk(page_size=5, concurrency=1, exact=True), serve).run()

    assert [0, 1, 2] == drive.ids
    assert [0, 3, 0, 1] == [asked.offset for asked in drive.asked]


@pytest.mark.parametrize("start", [0, 1])
def test_page_longer_than_it_was(start: int) -> None:
    """Where rows were added behind a page that led no further, or it is the last, no cap is blamed."""
    rows = rows_of(3, sharing=3)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset == 3 and len(rows) == 3:
            rows[:0] = LATER
        return slices(rows)(asked)

    drive = Drive(make_walk(page_size=8, concurrency=1, exact=True, offset=start), serve).run()

    assert {*range(start, 3)} <= set(drive.ids)


def test_known_rows_do_not_push_the_latest_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many known rows come again, the latest ones stay remembered, and none is yielded twice."""
    monkeypatch.setattr(SeenIds, "capacity", 100)
    rows = rows_of(400)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        if asked.offset > 250 and len(rows) == 400:
            rows[:0] = [Row(1_000 + place, EPOCH + timedelta(days=400 - place)) for place in range(240)]
        return slices(rows)(asked)

    drive = Drive(make_walk(page_size=10, concurrency=4, exact=False), serve)
    with pytest.raises(PaginationError, match=r"than are known again|wraps around"):
        drive.run()

    assert len(set(drive.ids)) == len(drive.ids)


def test_equal_dates_across_the_start() -> None:
    """A row that stood before the start stays out even if it shares its date with the first row of the walk."""
    drive = Drive(make_walk(page_size=5, concurrency=1, exact=True, offset=1), slices(rows_of(2, sharing=2))).run()

    assert [1] == drive.ids


def test_equal_dates_across_the_start_behind_another() -> None:
    """It stays out too where a page that shows it begins with a row of another date."""
    rows = [LATER[-1], *rows_of(3, sharing=3)]
    drive = Drive(make_walk(page_size=5, concurrency=1, exact=True, offset=2), slices(rows)).run()

    assert [1, 2] == drive.ids


def test_equal_dates_in_another_order_from_an_offset() -> None:
    """Only rows that share the first date of a walk may be from before its start, those of later dates come."""
    tied = [Row(place, ROWS[4].created_at) for place in range(4, 7)]
    serve = script(([*ROWS[1:4], *tied[:2]], 7), ([ROWS[3], tied[2], *tied[:2]], 7))
    drive = Drive(make_walk(page_size=5, concurrency=1, exact=True, offset=1), serve).run()

    assert [1, 2, 3, 4, 5, 6] == drive.ids


def test_cap_that_is_raised_among_equal_dates() -> None:
    """From the head on, rows of the first date come whatever order the longer page has them in."""
    tied = rows_of(5, sharing=5)
    head = [*tied[3:], *tied[:3]]
    serve = script((tied[:3], 5), (tied[3:], 5), (head, 5), ([], 5), (head, 5))
    drive = Drive(make_walk(page_size=10, concurrency=1, exact=True), serve).run()

    assert [0, 1, 2, 3, 4] == drive.ids


def test_one_id_for_all() -> None:
    """Rows that share an id are one row, and no end is accepted."""
    same = [Row(7, row.created_at) for row in ROWS[:3]]
    drive = Drive(make_walk(page_size=3, concurrency=4, exact=False), lambda _: (same, 10))
    with pytest.raises(PaginationError, match=r"17 consecutive pages brought no new row; 1 came, of 10"):
        drive.run()

    assert [7] == drive.ids


def test_server_that_filters_behind_the_limit() -> None:
    """Where the server takes the filter's rows out of a page, a short page is not the last one."""

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        return [row for row in ROWS[asked.offset :][: asked.limit] if row.id % 2 == 0], 28

    drive = Drive(make_walk(page_size=5, concurrency=1, exact=True, filtered=True), serve)
    with pytest.raises(PaginationError, match="the listing is said to have 28 rows, but it ends after 3"):
        drive.run()


def test_one_row_that_was_counted_late() -> None:
    """A listing of one row whose count is newer is not taken for a server that sends single rows."""
    walk = make_walk(page_size=10, concurrency=4, exact=False, fallback=sequential_walk())
    drive = Drive(walk, script((ROWS[:1], 2), ([], 2), (ROWS[:2], 2))).run()

    assert [0, 1] == drive.ids
    assert WalkPosition(2, 2) == walk.position


@pytest.mark.parametrize(
    ("sharing", "requests", "batches"), [(1, 103, 8), (40, 170, 15), (60, 170, 170), (90, 115, 115)]
)
def test_requests_where_many_rows_share_a_date(sharing: int, requests: int, batches: int) -> None:
    """Where groups fill more than half a page, pages are fetched one by one: most concurrent ones would be wasted."""
    drive = Drive(make_walk(page_size=100, concurrency=16, exact=True), slices(rows_of(10_000, sharing=sharing))).run()
    wanted = {request for window in drive.windows for request in window}

    assert list(range(10_000)) == drive.ids
    assert len(wanted) <= requests
    assert len(drive.batches) <= batches


def test_pages_of_three() -> None:
    """The smallest pages of an exact walk are fetched concurrently too."""
    drive = Drive(make_walk(page_size=3, concurrency=8, exact=True), slices(rows_of(21))).run()

    assert list(range(21)) == drive.ids
    assert [(0, 1), (1, 8), (9, 8), (17, 3)] == drive.batches


@pytest.mark.parametrize(("concurrency", "slides"), [(1, False), (16, False), (16, True)])
def test_listing_that_keeps_losing_rows(concurrency: int, slides: bool) -> None:
    """Pages begin earlier while the count keeps falling, so that hardly any has to be asked for twice."""
    rows = rows_of(5_000)

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        del rows[0]
        return slices(rows)(asked)

    drive = Drive(make_walk(page_size=100, concurrency=concurrency, exact=True, slides=slides), serve).run()

    assert [identifier for identifier in drive.ids if identifier > 100] == list(range(101, 5_000))
    assert len(drive.windows) <= 60


def test_listing_that_loses_rows_in_bursts() -> None:
    """After each page without a loss, pages begin half as much earlier, so that a burst of that size costs no page."""
    rows = rows_of(1_000)
    bursts = itertools.chain([0, 16, 0, 0, 8, 0, 4, 0, 2], itertools.repeat(0))

    def serve(asked: PageRequest) -> tuple[Sequence[Row], int]:
        del rows[: next(bursts)]
        return slices(rows)(asked)

    drive = Drive(make_walk(page_size=100, concurrency=1, exact=True), serve).run()

    assert list(range(1_000)) == drive.ids
    assert [0, 98, 82, 164, 254, 344, 438, 532, 628] == [asked.offset for asked in drive.asked][:9]
