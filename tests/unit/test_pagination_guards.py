"""What the default walk makes of servers that count wrong, repeat, cap or invent (hazards of offset pages, 3)."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from model_listing import Answer, Listing, Row, drive, make_walk

from contactship_async import _pagination
from contactship_async._pagination import MOST_FRUITLESS_PAGES, PageRequest
from contactship_async.errors import MalformedResponseError, PaginationError, WalkPosition

ROWS = [Row(f"row-{place}") for place in range(15)]
IDS = [row.id for row in ROWS]


def window(asked: PageRequest) -> list[Row]:
    """Return the rows an honest server would."""
    return ROWS[asked.offset : asked.offset + asked.limit]


def walked(answer: Callable[[PageRequest], Answer], **settings: bool) -> list[str]:
    """Walk in pages of four."""
    return [row.id for page in drive(make_walk(page_size=4, **settings), answer) for row in page]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda asked: Answer(window(asked), 15), id="honest"),
        pytest.param(lambda asked: Answer(ROWS, 15), id="ignores offset and limit"),
        pytest.param(lambda asked: Answer(window(asked)[:3], 15), id="caps the limit"),
        pytest.param(lambda asked: Answer(window(asked)[:1], 15), id="caps the limit at one"),
        pytest.param(lambda asked: Answer(ROWS[asked.offset : asked.offset + asked.limit + 2], 15), id="adds two rows"),
        pytest.param(lambda asked: Answer(window(asked), 0), id="counts nothing"),
        pytest.param(lambda asked: Answer(window(asked), 2), id="counts less than it sends"),
        pytest.param(lambda asked: Answer(ROWS[asked.offset % 15 :][: asked.limit], 15), id="wraps around"),
    ],
)
def test_right_rows(answer: Callable[[PageRequest], Answer]) -> None:
    """These servers are odd, but the rows come right."""
    assert walked(answer) == IDS


RANDOM = random.Random(7)  # noqa: S311 - a server without a plan, the same in each run


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(lambda asked: Answer(ROWS[: asked.limit], 15), "already yielded", id="ignores the offset"),
        pytest.param(
            lambda asked: Answer(ROWS[: asked.limit], 8), "already yielded", id="ignores it and counts two pages"
        ),
        pytest.param(
            lambda asked: Answer(ROWS[: asked.limit], 0), "already yielded", id="ignores it and counts nothing"
        ),
        pytest.param(lambda asked: Answer(window(asked), 20), "empty", id="counts too many"),
        pytest.param(
            lambda asked: Answer(ROWS[asked.offset * 4 :][: asked.limit], 15),
            "empty",
            id="takes offset for a page number",
        ),
        pytest.param(
            lambda asked: Answer(window(asked) if asked.offset != 4 else [], 15),
            "empty",
            id="sends an empty page early",
        ),
        pytest.param(
            lambda asked: Answer(RANDOM.sample(ROWS, asked.limit), 15), "never came|already yielded", id="random rows"
        ),
        pytest.param(
            lambda asked: Answer([Row("row-0")] * len(window(asked)), 15), "already yielded", id="the same id for all"
        ),
        pytest.param(
            lambda asked: Answer(ROWS[: asked.offset][-3:] + window(asked)[:1], 15),
            "never came",
            id="shows old rows again",
        ),
    ],
)
def test_raises(answer: Callable[[PageRequest], Answer], reason: str) -> None:
    """From these servers the rows can't be had, and the walk says so instead of ending short."""
    with pytest.raises(PaginationError, match=reason):
        walked(answer)


def test_filter_ignored_by_the_count() -> None:
    """Under a filter, an empty page before the count is the end if the unfiltered count is the same."""
    asked_for: list[PageRequest] = []

    def answer(asked: PageRequest) -> Answer:
        asked_for.append(asked)
        return Answer(window(asked)[: max(0, 6 - asked.offset)], 15)

    assert walked(answer, filtered=True) == IDS[:6]
    assert [True, True, True, False, True] == [asked.filtered for asked in asked_for]


def test_filter_followed_by_the_count() -> None:
    """Under a filter that the count follows, an empty page before the count raises."""
    with pytest.raises(PaginationError, match="empty"):
        walked(lambda asked: Answer(window(asked)[: 6 - asked.offset], 15 if asked.filtered else 40), filtered=True)


def test_fruitless_pages_are_limited() -> None:
    """A server that promises more rows for ever and sends none of them is given up."""
    pages = iter(range(10 * MOST_FRUITLESS_PAGES))

    with pytest.raises(PaginationError, match="no new row"):
        walked(lambda asked: Answer(ROWS[:4], 100 * next(pages) + 100))


def test_falling_count_does_not_loop() -> None:
    """A count that falls with each request leads back to the start, and then to an error, not round for ever."""
    counts = iter(range(10**6, 0, -1))

    with pytest.raises(PaginationError):
        walked(lambda asked: Answer(window(asked), next(counts)))


def test_more_changes_than_can_be_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a jump of the count is larger than the memory for ids, rows can't be known again, and the walk raises."""
    monkeypatch.setattr(_pagination, "REMEMBERED_ROWS", 8)
    listing = Listing.of(40)

    def answer(asked: PageRequest) -> Answer:
        if asked.offset == 20:
            for _ in range(9):
                listing.insert_at_head()
        return listing.answer(asked)

    with pytest.raises(PaginationError, match="9 rows moved"):
        walked(answer)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids kept are those of the last rows, at most twice as many as promised, and of the first page."""
    monkeypatch.setattr(_pagination, "REMEMBERED_ROWS", 100)
    walk = make_walk(page_size=10)
    most = 0
    for _ in drive(walk, Listing.of(1000).answer):
        most = max(most, len(walk._seen._recent) + len(walk._seen._older))

    assert 100 <= most <= 200


def test_malformed_row() -> None:
    """The rows before a malformed one come first, and the position is that of the row itself."""
    problem = MalformedResponseError(("data[2].id: missing",))
    walk = make_walk(page_size=4)
    pages = drive(
        walk, lambda asked: Answer(window(asked)[:2], 15, problem) if asked.offset else Answer(window(asked), 15)
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

    assert [IDS[:2]] == [[row.id for row in page] for page in drive(walk, lambda asked: Answer(ROWS[:2], 15, problem))]


def test_malformed_first_row() -> None:
    """A page that begins with a malformed row yields nothing and raises."""
    problem = MalformedResponseError(("data[0].id: missing",))

    with pytest.raises(MalformedResponseError):
        walked(lambda asked: Answer([], 15, problem))
