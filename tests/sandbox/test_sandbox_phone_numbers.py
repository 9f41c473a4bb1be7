from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from contactship_async._http.messages import Response
from contactship_async.sandbox import Sandbox

Get = Callable[..., Awaitable[Response]]


def read(response: Response) -> Any:
    """Take the JSON out of a response that must be a normal one."""
    assert response.status == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    return json.loads(response.body)


async def walk(get: Get, sandbox: Sandbox, **params: object) -> list[dict[str, str]]:
    """Collect all rows of a listing, page by page."""
    rows: list[dict[str, str]] = []
    while page := read(await get(sandbox, offset=len(rows), **params))["data"]:
        rows += page
    return rows


async def test_default_page_is_the_five_newest(get: Get) -> None:
    """Without parameters, the response holds the five newest numbers and the count of all."""
    sandbox = Sandbox(12)

    response = read(await get(sandbox))

    assert {"data": sandbox.phone_numbers[:5], "count": 12} == response


async def test_pages_add_up_to_the_whole_listing(get: Get) -> None:
    """Pages of any size hold every row once, in the order of the listing."""
    sandbox = Sandbox(23)

    assert sandbox.phone_numbers == await walk(get, sandbox, limit=7)
    assert sandbox.phone_numbers[::-1] == await walk(get, sandbox, limit=7, order="asc")


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_offset_past_the_end_gives_no_rows(get: Get, order: str) -> None:
    """An offset at or past the end gives empty data and the true count."""
    sandbox = Sandbox(3)

    assert {"data": [], "count": 3} == read(await get(sandbox, offset=3, order=order))
    assert {"data": [], "count": 3} == read(await get(sandbox, offset=10**17, limit=10**17, order=order))


async def test_limit_zero_gives_the_count_alone(get: Get) -> None:
    """limit=0 is allowed and gives empty data and the count."""
    assert {"data": [], "count": 3} == read(await get(Sandbox(3), limit=0))


async def test_large_limit_is_lowered(get: Get) -> None:
    """A limit above max_limit is silently lowered to it."""
    sandbox = Sandbox(9, max_limit=4)

    assert sandbox.phone_numbers[:4] == read(await get(sandbox, limit=100))["data"]
    assert len(read(await get(Sandbox(1200), limit=5000))["data"]) == 1000


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "", " 5", "1_0", "٣", "9" * 19])
async def test_sizes_must_be_counting_numbers(get: Get, name: str, value: str) -> None:
    """A limit or offset that is not an integer >= 0 is refused with 400."""
    response = await get(Sandbox(3), **{name: value})

    assert response.status == 400
    assert {"statusCode": 400, "message": f"{name} must be an integer >= 0"} == json.loads(response.body)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [("order", "newest", "asc, desc"), ("order", "", "asc, desc"), ("type", "sms", "inbound, outbound")],
)
async def test_choices_must_be_documented(get: Get, name: str, value: str, allowed: str) -> None:
    """An unknown order or type is refused with 400."""
    response = await get(Sandbox(3), **{name: value})

    assert response.status == 400
    assert {"statusCode": 400, "message": f"{name} must be one of: {allowed}"} == json.loads(response.body)


@pytest.mark.parametrize("type_", ["inbound", "outbound"])
async def test_type_filters_rows_and_count(get: Get, type_: str) -> None:
    """A type keeps the rows of that type; the count follows it by default."""
    sandbox = Sandbox(20)
    expected = [row for row in sandbox.phone_numbers if row["type"] == type_]

    assert 0 < len(expected) < 20
    assert expected == await walk(get, sandbox, type=type_, limit=3)
    assert len(expected) == read(await get(sandbox, type=type_))["count"]


async def test_count_may_ignore_the_filter(get: Get) -> None:
    """With count_follows_filter=False, the count is that of all rows."""
    response = read(await get(Sandbox(20, count_follows_filter=False), type="inbound", limit=100))

    assert response["count"] == 20
    assert len(response["data"]) == 6


@pytest.mark.parametrize(
    ("params", "page", "total_pages"),
    [
        ({}, 1, 3),
        ({"offset": 5}, 2, 3),
        ({"offset": 4}, 1, 3),
        ({"limit": 4, "offset": 8}, 3, 3),
        ({"limit": 12}, 1, 1),
        ({"limit": 5000}, 1, 1),
        ({"limit": 0}, None, None),
    ],
)
async def test_pagination_envelope(get: Get, params: dict[str, int], page: int | None, total_pages: int | None) -> None:
    """The newer envelope says which page this is and how many there are; limit=0 makes none."""
    sandbox = Sandbox(12, envelope="pagination")
    begin, limit = params.get("offset", 0), params.get("limit", 5)

    response = read(await get(sandbox, **params))

    assert {
        "statusCode": 200,
        "data": sandbox.phone_numbers[begin : begin + limit],
        "pagination": {"page": page, "total_rows": 12, "total_pages": total_pages},
    } == response


async def test_pagination_counts_pages_of_the_lowered_limit(get: Get) -> None:
    """Pages are counted by the limit that was used, not by the one asked for."""
    response = read(await get(Sandbox(12, envelope="pagination", max_limit=4), limit=100, offset=4))

    assert {"page": 2, "total_rows": 12, "total_pages": 3} == response["pagination"]


async def test_empty_organization(get: Get) -> None:
    """Without numbers, both envelopes hold empty data and zero."""
    assert {"data": [], "count": 0} == read(await get(Sandbox(0)))
    assert {"page": 1, "total_rows": 0, "total_pages": 0} == read(await get(Sandbox(0, envelope="pagination")))[
        "pagination"
    ]


def test_rows_look_as_documented() -> None:
    """A row has the documented fields, with prefixed UUIDs, E.164 and UTC."""
    sandbox = Sandbox(100)
    for row in sandbox.phone_numbers:
        assert ["id", "phone_number", "type", "organization_id", "created_at"] == list(row)
        assert row["id"] == f"pn-{UUID(row['id'].removeprefix('pn-'))}"
        assert row["organization_id"] == f"org-{UUID(row['organization_id'].removeprefix('org-'))}"
        assert re.fullmatch(r"\+1[2-9]\d\d55501\d\d", row["phone_number"])

    assert len({row["organization_id"] for row in sandbox.phone_numbers}) == 1
    assert len({row["id"] for row in sandbox.phone_numbers}) == 100


def test_rows_follow_the_documented_rule() -> None:
    """Number i is i hours younger than the beginning of 2024, and every third is inbound."""
    rows = Sandbox(30).phone_numbers[::-1]

    assert rows[0]["created_at"] == "2024-01-01T00:00:00Z"
    assert rows[1]["created_at"] == "2024-01-01T01:00:00Z"
    assert rows[29]["created_at"] == "2024-01-02T05:00:00Z"
    assert ["outbound", "outbound", "inbound"] * 10 == [row["type"] for row in rows]


def test_numbers_are_distinct_as_long_as_possible() -> None:
    """All 268 area codes with 100 lines each are used up before a number comes again."""
    numbers = [row["phone_number"] for row in Sandbox(26_803).phone_numbers[::-1]]

    assert len(set(numbers[:26_800])) == 26_800
    assert numbers[:3] == numbers[26_800:]


def test_same_seed_makes_the_same_rows() -> None:
    """The rows depend on the seed alone, and added ones too."""
    one, same, other = Sandbox(10), Sandbox(10), Sandbox(10, seed=1)
    for sandbox in (one, same, other):
        sandbox.add_phone_number()

    assert one.phone_numbers == same.phone_numbers
    assert not {row["id"] for row in one.phone_numbers} & {row["id"] for row in other.phone_numbers}


def test_phone_numbers_is_a_copy() -> None:
    """Changing rows that phone_numbers gave away changes nothing in the sandbox."""
    sandbox = Sandbox(2)
    sandbox.phone_numbers.rows.pop()["id"] = "changed"
    sandbox.phone_numbers[0]["id"] = "changed"

    assert len(sandbox.phone_numbers) == 2
    assert "changed" not in {row["id"] for row in sandbox.phone_numbers}


async def test_added_number_is_the_newest(get: Get) -> None:
    """A number added without arguments heads a descending listing, an hour after the newest so far."""
    sandbox = Sandbox(3)

    row = sandbox.add_phone_number()

    assert row["created_at"] == "2024-01-01T03:00:00Z"
    assert row["type"] == "outbound"
    assert row == read(await get(sandbox))["data"][0]
    assert read(await get(sandbox))["count"] == 4


def test_added_number_is_newer_than_removed_ones() -> None:
    """A creation time is not used again after its number was removed."""
    sandbox = Sandbox(1)
    sandbox.remove_phone_number(sandbox.phone_numbers[0]["id"])

    assert sandbox.add_phone_number()["created_at"] == "2024-01-01T01:00:00Z"


async def test_added_number_takes_its_fields(get: Get) -> None:
    """What is given is shown as given, characters that JSON escapes included."""
    sandbox = Sandbox(0)

    row = sandbox.add_phone_number(
        type="inbound", created_at='2026-01-15"10:00:00.5', phone_number='+1 "555"\n', id='ü\\"'
    )

    assert row["type"] == "inbound"
    assert row["created_at"] == '2026-01-15"10:00:00.5'
    assert row["phone_number"] == '+1 "555"\n'
    assert row["id"] == 'ü\\"'
    assert {"data": [row], "count": 1} == read(await get(sandbox, type="inbound"))


@pytest.mark.parametrize(
    ("created_at", "shown"),
    [
        (datetime(2023, 5, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2023-05-01T10:00:00Z"),
        (datetime(2023, 5, 1, 12, microsecond=7, tzinfo=UTC), "2023-05-01T12:00:00.000007Z"),
        ("2023-05-01 12:00:00", "2023-05-01 12:00:00"),
        ("2023-05-01T12:00:00+02:00", "2023-05-01T12:00:00+02:00"),
    ],
)
def test_created_at_forms(created_at: datetime | str, shown: str) -> None:
    """A datetime is shown in UTC, a string as it is; both take their place in the order."""
    sandbox = Sandbox(2)

    row = sandbox.add_phone_number(created_at=created_at)

    assert row["created_at"] == shown
    assert row == sandbox.phone_numbers[-1]


def test_old_numbers_do_not_turn_back_time() -> None:
    """After a number from long ago, the next one is still the newest."""
    sandbox = Sandbox(2)
    sandbox.add_phone_number(created_at="2023-05-01T12:00:00Z")

    assert sandbox.add_phone_number()["created_at"] == "2024-01-01T02:00:00Z"


def test_text_without_zone_is_utc() -> None:
    """Strings are ordered by the time they name, UTC unless they say otherwise."""
    sandbox = Sandbox(0)
    early = sandbox.add_phone_number(created_at="2026-01-15T10:30:00+01:00")
    late = sandbox.add_phone_number(created_at="2026-01-15T10:00:00")

    assert [late, early] == sandbox.phone_numbers


async def test_ties_are_listed_in_the_order_added(get: Get) -> None:
    """Of equal creation times, the number added last counts as newer, and any of them can be removed."""
    sandbox = Sandbox(0)
    first, second, third = (sandbox.add_phone_number(created_at="2026-01-15T10:00:00Z") for _ in range(3))

    assert [third, second, first] == read(await get(sandbox))["data"]
    assert [first, second, third] == read(await get(sandbox, order="asc"))["data"]

    sandbox.remove_phone_number(second["id"])

    assert [third, first] == read(await get(sandbox))["data"]


async def test_removed_number_is_gone(get: Get) -> None:
    """A removed number is in no listing and no count; removing it again is a KeyError."""
    sandbox = Sandbox(6)
    row = next(row for row in sandbox.phone_numbers if row["type"] == "inbound")

    sandbox.remove_phone_number(row["id"])

    assert row not in await walk(get, sandbox)
    assert read(await get(sandbox, type="inbound"))["count"] == 1
    assert read(await get(sandbox))["count"] == 5
    with pytest.raises(KeyError):
        sandbox.remove_phone_number(row["id"])


async def test_numbers_change_while_a_walk_runs(get: Get) -> None:
    """on_request may add and remove numbers between two pages; rows shift as they would at the real thing."""
    sandbox = Sandbox(6)
    before = sandbox.phone_numbers.rows

    def change(_: object) -> None:
        if len(sandbox.requests) == 1:
            sandbox.add_phone_number()
        if len(sandbox.requests) == 2:
            sandbox.remove_phone_number(before[0]["id"])
            sandbox.remove_phone_number(before[1]["id"])

    sandbox.on_request = change
    pages = [read(await get(sandbox, limit=2, offset=offset)) for offset in (0, 2, 4)]

    assert [before[0:2], before[1:3], before[5:6]] == [page["data"] for page in pages]
    assert [6, 7, 5] == [page["count"] for page in pages]


def test_many_rows_come_back_in_order() -> None:
    """Ten thousand rows, added in a scrambled order, are kept in the order of creation."""
    sandbox = Sandbox(0)
    for minute in range(0, 10_000 * 7, 7):
        sandbox.add_phone_number(created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute % 10_000))
    timestamps = [row["created_at"] for row in sandbox.phone_numbers]

    assert sorted(timestamps, reverse=True) == timestamps
