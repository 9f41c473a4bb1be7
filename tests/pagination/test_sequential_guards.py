"""What sequential pagination makes of servers that count wrong, repeat, cap or invent (hazards of offset pages, 3)."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest
from model_listing import Listing, PageResponse, Row, drive, make_walk

from contactship_async._pagination import sequential
from contactship_async._pagination.driver import walk_rows
from contactship_async._pagination.walk import MAX_PAGES_WITHOUT_NEW_ROWS, PageRequest, SeenIds
from contactship_async.errors import MalformedResponseError, PaginationError, WalkPosition
from contactship_async.models.common import Page

ROWS = [Row(f"row-{place}") for place in range(15)]
IDS = [row.id for row in ROWS]


def window(asked: PageRequest) -> list[Row]:
    """Return the rows that a correct server would."""
    return ROWS[asked.offset : asked.offset + asked.limit]


def walked(respond: Callable[[PageRequest], PageResponse], **settings: bool) -> list[str]:
    """Walk in pages of four."""
    return [row.id for page in drive(make_walk(page_size=4, **settings), respond) for row in page]


@pytest.mark.parametrize(
    "respond",
    [
        pytest.param(lambda asked: PageResponse(window(asked), 15), id="correct"),
        pytest.param(lambda asked: PageResponse(ROWS, 15), id="ignores offset and limit"),
        pytest.param(lambda asked: PageResponse(window(asked)[:3], 15), id="caps the limit"),
        pytest.param(lambda asked: PageResponse(window(asked)[:1], 15), id="caps the limit at one"),
        pytest.param(
            lambda asked: PageResponse(ROWS[asked.offset : asked.offset + asked.limit + 2], 15), id="adds two rows"
        ),
        pytest.param(lambda asked: PageResponse(window(asked), 0), id="counts nothing"),
        pytest.param(lambda asked: PageResponse(window(asked), 2), id="counts less than it sends"),
        pytest.param(lambda asked: PageResponse(ROWS[asked.offset % 15 :][: asked.limit], 15), id="wraps around"),
    ],
)
def test_right_rows(respond: Callable[[PageRequest], PageResponse]) -> None:
    """These servers are odd, but the rows come right."""
    assert walked(respond) == IDS


RANDOM = random.Random(7)


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        pytest.param(lambda asked: PageResponse(ROWS[: asked.limit], 15), "already yielded", id="ignores the offset"),
        pytest.param(
            lambda asked: PageResponse(ROWS[: asked.limit], 8), "already yielded", id="ignores it and counts two pages"
        ),
        pytest.param(
            lambda asked: PageResponse(ROWS[: asked.limit], 0), "already yielded", id="ignores it and counts nothing"
        ),
        pytest.param(lambda asked: PageResponse(window(asked), 20), "empty", id="counts too many"),
        pytest.param(
            lambda asked: PageResponse(ROWS[asked.offset * 4 :][: asked.limit], 15),
            "empty",
            id="takes offset for a page number",
        ),
        pytest.param(
            lambda asked: PageResponse(window(asked) if asked.offset != 4 else [], 15),
            "empty",
            id="sends an empty page early",
        ),
        pytest.param(
            lambda asked: PageResponse(RANDOM.sample(ROWS, asked.limit), 15),
            "never came|already yielded",
            id="random rows",
        ),
        pytest.param(
            lambda asked: PageResponse([Row("row-0")] * len(window(asked)), 15),
            "already yielded",
            id="the same id for all",
        ),
        pytest.param(
            lambda asked: PageResponse(ROWS[: asked.offset][-3:] + window(asked)[:1], 15),
            "never came",
            id="shows old rows again",
        ),
    ],
)
def test_raises(respond: Callable[[PageRequest], PageResponse], reason: str) -> None:
    """From these servers the rows can't be had, and the walk says so instead of ending short."""
    with pytest.raises(PaginationError, match=reason):
        walked(respond)


def test_filter_ignored_by_the_count() -> None:
    """Under a filter, an empty page before the count is the end if the unfiltered count is the same."""
    asked_for: list[PageRequest] = []

    def respond(asked: PageRequest) -> PageResponse:
        asked_for.append(asked)
        return PageResponse(window(asked)[: max(0, 6 - asked.offset)], 15)

    assert walked(respond, filtered=True) == IDS[:6]
    assert [PageRequest(0, 1, filtered=False), PageRequest(6, 4)] == asked_for[-2:]


def test_filter_followed_by_the_count() -> None:
    """Under a filter that the count follows, an empty page before the count raises."""
    with pytest.raises(PaginationError, match="empty"):
        walked(
            lambda asked: PageResponse(window(asked)[: 6 - asked.offset], 15 if asked.filtered else 40), filtered=True
        )


def test_pages_without_new_rows_are_limited() -> None:
    """A walk of a server that always announces more rows and sends none of them ends with an error."""
    pages = iter(range(10 * MAX_PAGES_WITHOUT_NEW_ROWS))

    with pytest.raises(PaginationError, match="no new row"):
        walked(lambda asked: PageResponse(ROWS[:4], 100 * next(pages) + 100))


def test_falling_count_does_not_loop() -> None:
    """A count that falls with each request leads back to the start, and then to an error, not round for ever."""
    counts = iter(range(10**6, 0, -1))

    with pytest.raises(PaginationError):
        walked(lambda asked: PageResponse(window(asked), next(counts)))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids kept are those of the last rows, at most twice as many as promised, and of the first page."""
    monkeypatch.setattr(SeenIds, "capacity", 100)
    walk = make_walk(page_size=10)
    most = 0
    for _ in drive(walk, Listing.of(1000).respond):
        most = max(most, len(walk._seen._recent) + len(walk._seen._older))

    assert 100 <= most <= 200


def test_malformed_row() -> None:
    """The rows before a malformed one come first, and the position is that of the row itself."""
    problem = MalformedResponseError(("data[2].id: missing",))
    walk = make_walk(page_size=4)
    pages = drive(
        walk,
        lambda asked: PageResponse(window(asked)[:2], 15, problem) if asked.offset else PageResponse(window(asked), 15),
    )

    assert IDS[:4] == [row.id for row in next(pages)]
    assert IDS[4:6] == [row.id for row in next(pages)]
    with pytest.raises(MalformedResponseError) as caught:
        next(pages)
    assert problem is caught.value
    assert WalkPosition(offset=6, yielded=6) == walk.position


def test_malformed_row_that_is_not_wanted() -> None:
    """A malformed row after the last one wanted does not matter."""
    problem = MalformedResponseError(("data[2].id: missing",))
    walk = make_walk(page_size=4, max_items=2)

    assert [IDS[:2]] == [
        [row.id for row in page] for page in drive(walk, lambda asked: PageResponse(ROWS[:2], 15, problem))
    ]


def test_malformed_first_row() -> None:
    """A page that begins with a malformed row yields nothing and raises."""
    problem = MalformedResponseError(("data[0].id: missing",))

    with pytest.raises(MalformedResponseError):
        walked(lambda asked: PageResponse([], 15, problem))


def test_count_that_was_wrong_is_never_believed_again() -> None:
    """Once a page held more rows than counted, only an empty page is the end, whatever is counted later."""
    counts = {0: 2, 4: 8, 8: 7, 12: 15}

    assert walked(lambda asked: PageResponse(window(asked), counts.get(asked.offset, 20))) == IDS


def test_count_that_was_wrong_is_not_followed_back() -> None:
    """A count that is wrong means nothing when it falls."""
    counts = iter([2, 1, 0, 0, 0])

    assert walked(lambda asked: PageResponse(window(asked), next(counts))) == IDS


def test_inserts_seen_in_the_count_need_no_further_question() -> None:
    """Rows that never came are not asked about if the count rose by as many."""
    listing = Listing.of(10)

    def respond(asked: PageRequest) -> PageResponse:
        if asked.offset == 4:
            listing.insert_at_head()
        return listing.respond(asked)

    assert [f"old-{place}" for place in range(10)] == walked(respond)
    assert [0, 4, 8] == [asked.offset for asked in listing.asked]


def test_inserts_hidden_by_deletes_are_looked_for_at_the_head() -> None:
    """As many rows are asked for as never came, from where the walk began."""
    listing = Listing.of(16)

    def respond(asked: PageRequest) -> PageResponse:
        if asked.offset == 12 and len(listing.asked) == 2:
            for _ in range(2):
                listing.delete(-1)
            for _ in range(2):
                listing.insert_at_head()
        return listing.respond(asked)

    walk = make_walk(offset=4, page_size=4)

    assert [f"old-{place}" for place in range(4, 14)] == [row.id for page in drive(walk, respond) for row in page]
    assert PageRequest(4, 2) == listing.asked[-1]


def test_empty_head() -> None:
    """A listing without a head explains nothing."""
    pages = iter([ROWS[:4], ROWS[:4], []])

    with pytest.raises(PaginationError, match="already yielded"):
        walked(lambda asked: PageResponse(next(pages), 15))


def test_repeated_page_of_a_listing_longer_than_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows at the head that were yielded too long ago to be remembered are still no new ones."""
    monkeypatch.setattr(SeenIds, "capacity", 4)
    rows = [Row(f"row-{place}") for place in range(30)]

    def respond(asked: PageRequest) -> PageResponse:
        start = asked.offset if asked.offset != 20 else 16
        return PageResponse(rows[start : start + asked.limit], 30)

    with pytest.raises(PaginationError, match="the page at offset 20 holds only rows already yielded"):
        walked(respond)


def test_fewer_rows_than_the_total() -> None:
    """Where more rows are missing than a page holds, a page of the head is asked for; to go on is to start over."""
    rows = [Row(f"row-{place}") for place in range(27)]
    asked_for: list[PageRequest] = []

    def respond(asked: PageRequest) -> PageResponse:
        asked_for.append(asked)
        return PageResponse(rows[3 + (asked.offset - 3) // 2 :][: asked.limit], 27)

    walk = make_walk(offset=3, page_size=4)
    with pytest.raises(PaginationError, match="never came"):
        list(drive(walk, respond))

    assert PageRequest(3, 4) == asked_for[-1]
    assert 3 == walk.position.offset


@pytest.mark.parametrize(
    ("first", "second", "moved"),
    [((20, 9), None, 9), ((20, -9), None, 9), ((16, 5), (20, 9), 10), ((16, -5), (11, -5), 10)],
)
def test_more_changes_than_can_be_remembered(
    first: tuple[int, int], second: tuple[int, int] | None, moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that moved further than the ids reach back, at once or bit by bit, could come twice: the walk raises."""
    monkeypatch.setattr(SeenIds, "capacity", 8)
    listing = Listing.of(60)
    changes = dict(change for change in (first, second) if change is not None)

    def respond(asked: PageRequest) -> PageResponse:
        change = changes.pop(asked.offset, 0)
        for _ in range(change):
            listing.insert_at_head()
        for _ in range(-change):
            listing.delete(-1)
        return listing.respond(asked)

    with pytest.raises(PaginationError, match=f"{moved} rows moved"):
        walked(respond)


def test_changes_while_all_rows_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as no id was forgotten, any number of new rows is distinguished from the old ones."""
    monkeypatch.setattr(SeenIds, "capacity", 8)
    listing = Listing.of(8)

    def respond(asked: PageRequest) -> PageResponse:
        if asked.offset == 4 and len(listing.asked) == 1:
            for _ in range(5):
                listing.insert_at_head()
        return listing.respond(asked)

    assert [f"old-{place}" for place in range(8)] == [row for row in walked(respond) if row.startswith("old")]


@pytest.mark.parametrize("change", [9, -9])
def test_rows_before_the_start_are_not_yielded(change: int) -> None:
    """A walk from an offset raises when more rows moved than it has yielded."""
    listing = Listing.of(60)

    def respond(asked: PageRequest) -> PageResponse:
        if asked.offset == 25 and len(listing.asked) == 1:
            for _ in range(change):
                listing.insert_at_head()
            for _ in range(-change):
                listing.delete(-1)
        return listing.respond(asked)

    walk = make_walk(offset=20, page_size=5)
    with pytest.raises(PaginationError, match="9 rows moved"):
        list(drive(walk, respond))

    assert WalkPosition(offset=25 + min(change, 0), yielded=5) == walk.position


def test_count_falls_again_at_the_start() -> None:
    """A page from the start is taken as it is: there is nothing to step back to."""
    listing = Listing.of(6)

    def respond(asked: PageRequest) -> PageResponse:
        for _ in range({1: 4, 2: 1}.get(len(listing.asked), 0)):
            listing.delete(0)
        return listing.respond(asked)

    assert [f"old-{place}" for place in (0, 1, 2, 3, 5)] == walked(respond)
    assert [0, 4, 0] == [asked.offset for asked in listing.asked]


def test_steps_back_are_pages_without_new_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count that falls with each request does not lead all the way back."""
    monkeypatch.setattr(sequential, "MAX_PAGES_WITHOUT_NEW_ROWS", 3)
    counts = [100, 100, 100, *range(99, 0, -1)]

    with pytest.raises(PaginationError, match="4 consecutive pages"):
        walked(lambda asked: PageResponse(window(asked), counts.pop(0)))

    assert 95 == counts[0]


def test_consecutive_pages_without_new_rows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with new rows restarts the count."""
    monkeypatch.setattr(sequential, "MAX_PAGES_WITHOUT_NEW_ROWS", 1)
    listing = Listing.of(40)

    def respond(asked: PageRequest) -> PageResponse:
        if len(listing.asked) in (2, 5):
            for _ in range(4):
                listing.insert_at_head()
        return listing.respond(asked)

    assert [f"old-{place}" for place in range(40)] == walked(respond)


def test_position_after_a_cut() -> None:
    """Where more rows came than were wanted, the walk goes on after the last one wanted."""
    walk = make_walk(page_size=4, max_items=2)

    assert [IDS[:2]] == [[row.id for row in page] for page in drive(walk, lambda asked: PageResponse(ROWS, 15))]
    assert WalkPosition(offset=2, yielded=2) == walk.position


def test_pages_after_an_insert() -> None:
    """A page from which a known row was dropped begins after it; the last limit is what is still wanted."""
    listing = Listing.of(20)

    def respond(asked: PageRequest) -> PageResponse:
        if asked.offset == 4:
            listing.insert_at_head()
        return listing.respond(asked)

    pages = list(drive(make_walk(page_size=4, max_items=9), respond))

    assert [(0, 4, 4), (5, 3, 4), (8, 2, 2)] == [(page.offset, len(page), page.limit) for page in pages]
    assert [4, 8, 10] == [page.next_offset for page in pages]


def test_same_id_twice_on_a_page() -> None:
    """Of rows that share an id, the first one counts."""
    rows = [Row("a", "first"), Row("b"), Row("a", "second"), Row("c")]

    assert [[rows[0], rows[1], rows[3]]] == [
        list(page) for page in drive(make_walk(max_items=3), lambda asked: PageResponse(rows, 4))
    ]


@pytest.mark.parametrize("counted", [30, 31, 60])
def test_wrapping_listing_longer_than_the_memory(counted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing that begins again after its last row is recognised, though the first rows are long forgotten."""
    monkeypatch.setattr(SeenIds, "capacity", 4)
    rows = [Row(f"row-{place}") for place in range(30)] * 4
    seen: list[str] = []
    with pytest.raises(PaginationError, match="wraps around"):
        for page in drive(
            make_walk(page_size=4), lambda asked: PageResponse(rows[asked.offset : asked.offset + asked.limit], counted)
        ):
            seen.extend(row.id for row in page)

    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("after", [8, 12, 16, 20])
def test_rows_are_known_again_at_any_moment(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last rows are remembered also right after older ones were forgotten."""
    monkeypatch.setattr(SeenIds, "capacity", 8)
    listing = Listing.of(40)

    def respond(asked: PageRequest) -> PageResponse:
        if asked.offset == after and len(listing.asked) == after // 4:
            for _ in range(8):
                listing.insert_at_head()
        return listing.respond(asked)

    assert [f"old-{place}" for place in range(40)] == walked(respond)


def test_empty_page_that_is_not_there_again() -> None:
    """Under a filter, an empty page is asked for again, so that a single lapse does not end the walk early."""
    lapses = iter([True])

    def respond(asked: PageRequest) -> PageResponse:
        lapsed = asked.offset == 4 and next(lapses, False)
        return PageResponse([] if lapsed else window(asked), 15)

    with pytest.raises(PaginationError, match="empty"):
        walked(respond, filtered=True)


def test_empty_page_that_is_malformed_when_asked_for_again() -> None:
    """A row that can't be read is no empty page."""
    pages = iter([PageResponse(ROWS[:4], 15), PageResponse([], 15), PageResponse(ROWS[:1], 15)])
    problem = MalformedResponseError(("data[0].id: missing",))

    with pytest.raises(PaginationError, match="empty"):
        walked(lambda asked: next(pages, PageResponse([], 15, problem)), filtered=True)


def test_count_of_the_whole_listing_that_moves() -> None:
    """A count that ignores the filter may change between the questions, as long as two responses agree."""
    pages = iter([PageResponse(ROWS[:4], 15), PageResponse([], 15), PageResponse(ROWS[:1], 16), PageResponse([], 16)])

    assert IDS[:4] == walked(lambda asked: next(pages), filtered=True)


async def test_rows_close_their_pages() -> None:
    """Leaving the rows early closes the pages as well."""
    closed: list[bool] = []

    async def pages() -> AsyncGenerator[Page[Row], None]:
        try:
            yield Page((Row("a"), Row("b")), 2, 0, 2)
        finally:
            closed.append(True)

    async with aclosing(walk_rows(pages())) as rows:
        async for _ in rows:
            break

    assert [True] == closed
