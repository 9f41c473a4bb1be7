"""Properties of sequential pagination: whatever the sizes, caps, starts and changes, no row is lost or comes twice."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from model_listing import Listing, PageResponse, Row, drive, make_walk

from contactship_async._pagination.walk import PageRequest
from contactship_async.errors import PaginationError

Change = tuple[str, int]

sizes = st.integers(1, 12)
change = st.tuples(st.sampled_from(["insert", "delete"]), st.integers(0, 250))


def walk_while_it_changes(listing: Listing, schedule: Sequence[Sequence[Change]], page_size: int) -> list[str]:
    """Walk *listing*, applying one entry of *schedule* before each request; new rows come at the head."""
    remaining = iter(schedule)

    def respond(request: PageRequest) -> PageResponse:
        for kind, place in next(remaining, ()):
            if kind == "insert":
                listing.insert_at_head()
            else:
                listing.delete(place)
        return listing.respond(request)

    return [row.id for page in drive(make_walk(page_size=page_size), respond) for row in page]


def assert_complete(before: list[Row], listing: Listing, walked: list[str]) -> None:
    """Check that rows present for the whole iteration came once and in order, and nothing else twice."""
    stable = [row.id for row in before if row in listing.rows]

    assert len(set(walked)) == len(walked)
    assert stable == [identifier for identifier in walked if identifier in set(stable)]


@given(number=st.integers(0, 40), page_size=sizes, cap=st.none() | sizes, offset=st.integers(0, 45), data=st.data())
def test_static_listing(number: int, page_size: int, cap: int | None, offset: int, data: st.DataObject) -> None:
    """A listing that stands still comes whole and in order, from any offset, up to any number of rows."""
    max_items = data.draw(st.none() | st.integers(0, 45))
    listing = Listing.of(number, cap=cap)
    walk = make_walk(offset=offset, page_size=page_size, max_items=max_items)
    walked = [row for page in drive(walk, listing.respond) for row in page]

    assert listing.rows[offset:][:max_items] == walked
    assert offset + len(walked) == walk.position.offset
    assert len(walked) == walk.position.yielded


@given(number=st.integers(1, 40), page_size=sizes, offset=st.integers(0, 40), data=st.data())
def test_no_needless_request(number: int, page_size: int, offset: int, data: st.DataObject) -> None:
    """As many pages are asked for as the rows wanted need, and no more rows than wanted."""
    max_items = data.draw(st.none() | st.integers(0, 45))
    listing = Listing.of(number)
    walked = sum(
        len(page) for page in drive(make_walk(offset=offset, page_size=page_size, max_items=max_items), listing.respond)
    )
    needed = -(-walked // page_size) if walked or max_items == 0 else 1

    assert needed == len(listing.asked)
    assert max_items is None or sum(asked.limit for asked in listing.asked) <= max_items


@given(number=st.integers(0, 40), page_size=sizes, cap=st.none() | sizes, schedule=st.lists(change.map(lambda c: [c])))
def test_newest_first_with_a_change_before_each_request(
    number: int, page_size: int, cap: int | None, schedule: list[list[Change]]
) -> None:
    """A new row at the head or a row deleted anywhere, before each request, neither loses nor repeats a row."""
    listing = Listing.of(number, cap=cap)
    before = list(listing.rows)

    assert_complete(before, listing, walk_while_it_changes(listing, schedule, page_size))


@given(
    number=st.integers(0, 40), page_size=sizes, cap=st.none() | sizes, schedule=st.lists(st.lists(change, max_size=4))
)
def test_newest_first_with_many_changes_at_once(
    number: int, page_size: int, cap: int | None, schedule: list[list[Change]]
) -> None:
    """Several at once, as many as a page has rows, lose and repeat nothing either, unless the walk says so."""
    listing = Listing.of(number, cap=cap)
    before = list(listing.rows)
    with suppress(PaginationError):
        assert_complete(before, listing, walk_while_it_changes(listing, schedule, page_size))


@given(page_size=st.integers(10, 30), pages_before=st.integers(1, 8), data=st.data())
def test_newest_first_with_a_burst_of_changes(page_size: int, pages_before: int, data: st.DataObject) -> None:
    """Inserts that as many deletes hide in the count are no sign of a lying server: the walk ends without an error."""
    inserts = data.draw(st.integers(0, page_size))
    deletes = data.draw(st.lists(st.integers(0, 250), max_size=page_size))
    burst: list[Change] = [("insert", 0)] * inserts + [("delete", place) for place in deletes]
    listing = Listing.of(200)
    before = list(listing.rows)

    assert_complete(before, listing, walk_while_it_changes(listing, [[]] * pages_before + [burst], page_size))


@given(
    number=st.integers(0, 40), page_size=sizes, deletes=st.lists(st.lists(st.integers(0, 60), max_size=4), max_size=40)
)
def test_oldest_first_with_deletes(number: int, page_size: int, deletes: list[list[int]]) -> None:
    """Deletes alone are harmless in either order."""
    listing = Listing.of(number)
    before = list(listing.rows)
    schedule = [[("delete", place) for place in places] for places in deletes]

    assert_complete(before, listing, walk_while_it_changes(listing, schedule, page_size))


@given(number=st.integers(0, 40), page_size=sizes, cap=st.none() | sizes)
def test_pages_know_their_place(number: int, page_size: int, cap: int | None) -> None:
    """No page is empty, and each begins where the one before it says that the next does."""
    listing = Listing.of(number, cap=cap)
    pages = list(drive(make_walk(page_size=page_size), listing.respond))
    starts: list[int | None] = [page.offset for page in pages]

    assert all(len(page) > 0 for page in pages)
    assert [*starts, None] == [0 if pages else None, *(page.next_offset for page in pages)]


@given(
    number=st.integers(0, 30),
    page_size=sizes,
    responses=st.lists(st.tuples(st.lists(st.integers(0, 40), max_size=14), st.integers(0, 60)), max_size=60),
)
def test_lying_server(number: int, page_size: int, responses: list[tuple[list[int], int]]) -> None:
    """Against arbitrary pages and counts a walk ends, repeats no row, and raises nothing but PaginationError."""
    script = iter(responses)
    listing = Listing.of(number)

    def respond(request: PageRequest) -> PageResponse:
        pretended = next(script, None)
        if pretended is None:
            return listing.respond(request)
        return PageResponse([Row(f"old-{place}") for place in pretended[0]], pretended[1])

    walked: list[str] = []
    with suppress(PaginationError):
        walked.extend(row.id for page in drive(make_walk(page_size=page_size), respond) for row in page)

    assert len(set(walked)) == len(walked)
