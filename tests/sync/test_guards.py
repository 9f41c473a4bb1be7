"""What a sync refuses to retire, on each database: rows of another organization, and too many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from databases import Database
from served_rows import CALLS, NUMBERS, TAGS, ServedRows, call, number, numbers, tag
from synced import counts, run, run_one

from contactship_async import Request, Response
from contactship_async.sync import (
    ConcurrentSyncError,
    OrganizationChangedError,
    SyncResult,
    TooManyRetiredError,
    sync,
)

CHANGED = (
    "the key is that of another organization than last time: check it,"
    " or accept the new one with accept_new_organization=True"
)
NONE_AGAIN = (
    "none of 20 rows came again, and nothing says whose they are: check the key,"
    " or accept another organization with accept_new_organization=True"
)


async def test_rows_of_another_organization(database: Database) -> None:
    """The rows of another organization are refused before any is asked for, and what is there stays."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2]), TAGS: [tag(1)]}})
    async with served.client() as client:
        await run(client, ["phone_numbers", "tags"], database.target)
        served.rows["key"] = {NUMBERS: numbers([1, 2], organization_id="b"), TAGS: []}
        served.asked.clear()
        results = await run(client, ["phone_numbers", "tags"], database.target)

    assert [(OrganizationChangedError, CHANGED)] * 2 == [
        (type(result.exception), str(result.exception)) for result in results
    ]
    assert [("default", "full", 0, None)] * 2 == [
        (result.organization, result.mode, result.rows, result.failed_at) for result in results
    ]
    assert [(("limit", "1"), ("offset", "0"))] == [request.query for request in served.asked]
    assert [("number-1", 1, True), ("number-2", 1, True)] == database.versions()
    assert [("tag-1", 1, True)] == database.versions("tags")


async def test_first_sync_of_a_listing_of_another_organization(schema: Database) -> None:
    """What the other listings know guards a listing that is synced for the first time."""
    served = ServedRows({"key": {NUMBERS: numbers([1])}})
    rows = served.rows["key"]
    async with served.client() as client:
        await run(client, ["phone_numbers"], schema.target)
        rows[NUMBERS], rows[TAGS] = numbers([2], organization_id="b"), [tag(2, organization_id="b")]
        (refused,) = await run(client, ["tags"], schema.target)
        accepted = await run_one(client, "tags", schema.target, accept_new_organization=True)
        rows[CALLS] = [call(1)]
        either = await run_one(client, "calls", schema.target)

    assert CHANGED == str(refused.exception)
    assert ({"new": 1}, {"new": 1}) == (counts(accepted), counts(either))


async def test_another_organization_is_accepted(schema: Database) -> None:
    """Where another organization is accepted, all listings get its rows, and from then on it is the known one."""
    served = ServedRows({"key": {NUMBERS: numbers(range(25)), TAGS: [tag(place) for place in range(25)]}})
    rows = served.rows["key"]
    async with served.client() as client:
        await run(client, ["phone_numbers", "tags"], schema.target)
        rows[NUMBERS], rows[TAGS] = numbers([50], organization_id="b"), [tag(50, organization_id="b")]
        accepted = await run(client, ["phone_numbers", "tags"], schema.target, accept_new_organization=True)
        after = await run(client, ["phone_numbers", "tags"], schema.target)

    assert [{"new": 1, "retired": 25}] * 2 == [counts(result) for result in accepted]
    assert [{"unchanged": 1}] * 2 == [counts(result) for result in after]
    assert [("phone_numbers", "b"), ("tags", "b")] == schema.query(
        "SELECT listing, organization_id FROM sync_organizations ORDER BY 1"
    )


async def test_accepting_the_same_organization_guards_as_ever(schema: Database) -> None:
    """Accepting another organization lets nothing through where it is the same."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2])}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", schema.target)
        served.rows["key"][NUMBERS] = numbers([3])
        with pytest.raises(TooManyRetiredError):
            await run_one(client, "phone_numbers", schema.target, accept_new_organization=True)


@pytest.mark.parametrize("listing", ["tags", "calls"])
async def test_unknown_organization(schema: Database, listing: str) -> None:
    """Where nothing says whose rows they are, a walk that shares none with the twenty known ones is refused."""
    path, row = {"tags": (TAGS, tag), "calls": (CALLS, call)}[listing]
    nobody: dict[str, Any] = {"organization_id": ""}
    served = ServedRows({"key": {path: [row(place, **nobody) for place in range(20)]}})
    async with served.client() as client:
        await run_one(client, listing, schema.target)
        served.rows["key"][path] = [row(place, **nobody) for place in range(50, 70)]
        with pytest.raises(OrganizationChangedError, match=NONE_AGAIN):
            await run_one(client, listing, schema.target, max_retired=1, full=True)
        result = await run_one(client, listing, schema.target, full=True, accept_new_organization=True)

    assert {"new": 20, "retired": 20} == counts(result)
    assert [] == schema.query("SELECT * FROM sync_organizations")


async def test_nobody_is_accepted(schema: Database) -> None:
    """Where nothing says any more whose rows they are, that is accepted, too, and guarded as such from then on."""
    served = ServedRows({"key": {NUMBERS: numbers([1]), TAGS: [tag(1)]}})
    async with served.client() as client:
        await run(client, ["tags"], schema.target)
        served.rows["key"] = {NUMBERS: [], TAGS: [tag(2, organization_id=None)]}
        result = await run_one(client, "tags", schema.target, accept_new_organization=True)

    assert {"new": 1, "retired": 1} == counts(result)
    assert [] == schema.query("SELECT * FROM sync_organizations")


@pytest.mark.parametrize(("before", "after"), [(20, [0, 50]), (19, [50])], ids=["one came again", "few rows"])
async def test_unknown_organization_that_may_be_the_same(schema: Database, before: int, after: list[int]) -> None:
    """One row that came again is enough, and of fewer than twenty none needs to."""
    served = ServedRows({"key": {CALLS: [call(place) for place in range(before)]}})
    async with served.client() as client:
        await run_one(client, "calls", schema.target)
        served.rows["key"][CALLS] = [call(place) for place in after]
        result = await run_one(client, "calls", schema.target, max_retired=1, full=True)

    assert {"new": 1, "retired": 19, "unchanged": len(after) - 1} == {"unchanged": 0} | counts(result)


async def test_unknown_organization_by_a_window(schema: Database) -> None:
    """In a window, rows that were there in its days must come again, of which there may be fewer than of all."""
    calls = [call(place) for place in range(30)]
    served = ServedRows({"key": {CALLS: calls}})
    async with served.client() as client:
        await run_one(client, "calls", schema.target)
        served.rows["key"][CALLS] = []
        none_lately = await run_one(client, "calls", schema.target)
        schema.query("UPDATE calls SET created_at = (SELECT max(started_at) FROM syncs)")
        (refused,) = await run(client, ["calls"], schema.target)

    assert ("window", {}) == (none_lately.mode, counts(none_lately))
    assert ("OrganizationChangedError", "window") == (refused.error, refused.mode)
    assert "none of 30 rows" in str(refused.exception)


@pytest.mark.parametrize(
    ("phone_numbers", "tags", "known"),
    [
        pytest.param([number(1, organization_id="a")], [tag(1, organization_id="b")], "a", id="a phone number"),
        pytest.param([], [tag(1, organization_id="b")], "b", id="a tag"),
        pytest.param(None, [tag(1, organization_id="b")], "b", id="no phone numbers for the key"),
        pytest.param([{"id": 1}], [tag(1, organization_id="b")], "b", id="a phone number that can't be read"),
        pytest.param([], [tag(1, organization_id=None)], None, id="nothing"),
        pytest.param(None, None, None, id="nothing for the key"),
    ],
)
async def test_how_the_organization_is_known(
    schema: Database,
    phone_numbers: list[dict[str, Any]] | None,
    tags: list[dict[str, Any]] | None,
    known: str | None,
) -> None:
    """The organization is known by the first phone number, else by the first tag; it is asked for once."""
    found = {NUMBERS: phone_numbers, TAGS: tags, CALLS: [], "/v1/channels": []}
    served = ServedRows({"key": {path: rows for path, rows in found.items() if rows is not None}})
    async with served.client() as client:
        await run(client, ["calls", "channels"], schema.target)

    questions = [request.path for request in served.asked if ("limit", "1") in request.query]
    assert sorted({*questions}) == sorted(questions)
    kept = [] if known is None else [("calls", known), ("channels", known)]
    assert kept == schema.query("SELECT listing, organization_id FROM sync_organizations ORDER BY 1")


async def test_organization_can_not_be_asked_for(schema: Database) -> None:
    """A failure of that question is the failure of the listing, and the next listing asks again."""
    answers = [Response(status=500)]

    async def fail_once(request: Request) -> Response | None:
        return answers.pop() if answers else None

    served = ServedRows({"key": {NUMBERS: [], TAGS: [], CALLS: []}}, on_request=fail_once)
    async with served.client() as client:
        results = await run(client, ["calls", "tags"], schema.target)

    assert ["ServerError", None] == [result.error for result in results]
    assert results[0].started_at == results[0].finished_at


@pytest.mark.parametrize(
    ("max_retired", "left", "is_allowed"),
    [(0.5, 2, True), (0.5, 1, False), (0, 3, False), (0, 4, True), (1, 0, True), (0.99, 0, False)],
)
async def test_max_retired(schema: Database, max_retired: float, left: int, is_allowed: bool) -> None:
    """No more than the given part of the current rows is retired."""
    served = ServedRows({"key": {NUMBERS: numbers(range(4)), TAGS: [tag(1)]}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", schema.target)
        served.rows["key"][NUMBERS] = numbers(range(left))
        (result,) = await run(client, ["phone_numbers"], schema.target, max_retired=max_retired)

    current = schema.query("SELECT count(*) FROM current_phone_numbers")
    if is_allowed:
        assert (None, 4 - left, [(left,)]) == (result.error, result.retired, current)
    else:
        assert ("TooManyRetiredError", 0, [(4,)]) == (result.error, result.retired, current)
        assert f"{4 - left} of 4 rows would be retired, and max_retired allows {max_retired:.0%}" == str(
            result.exception
        )


async def test_versions_that_have_ended_do_not_count(schema: Database) -> None:
    """The part is that of the current rows."""
    served = ServedRows({"key": {NUMBERS: numbers(range(4))}})
    async with served.client() as client:
        for left in (4, 2, 1):
            served.rows["key"][NUMBERS] = numbers(range(left))
            await run_one(client, "phone_numbers", schema.target)
        served.rows["key"][NUMBERS] = []
        with pytest.raises(TooManyRetiredError, match="1 of 1 rows"):
            await run_one(client, "phone_numbers", schema.target)


async def test_another_sync_came_first(database: Database) -> None:
    """A walk during which another one was applied is not: the other may know more."""
    is_first = True

    async def sync_meanwhile(request: Request) -> None:
        nonlocal is_first
        if is_first and ("limit", "100") in request.query:
            is_first = False
            async with other.client() as other_client:
                others.append(await run_one(other_client, "phone_numbers", database.target))

    others: list[SyncResult] = []
    other = ServedRows({"key": {NUMBERS: numbers([2, 3])}})
    served = ServedRows({"key": {NUMBERS: numbers([1, 2])}}, on_request=sync_meanwhile)
    async with served.client() as client:
        (result,) = await run(client, ["phone_numbers"], database.target)

    assert ("ConcurrentSyncError", {"new": 2}) == (result.error, counts(others[0]))
    assert isinstance(result.exception, ConcurrentSyncError)
    assert [("number-2", 1, True), ("number-3", 1, True)] == database.versions()


async def test_two_syncs_at_once(database: Database) -> None:
    """Of two syncs in one program at the same time, no row is doubled, and one at least is applied."""
    served = ServedRows({"key": {NUMBERS: numbers(range(10))}})

    async def collect(target: Any) -> list[SyncResult]:
        return [result async for result in sync(client, ["phone_numbers"], target)]

    async with served.client() as client:
        both = await asyncio.gather(*(collect(database.target) for _ in range(2)))

    errors = {result.error for results in both for result in results}
    assert errors in [{None, "ConcurrentSyncError"}, {None}]
    assert [(10, 10)] == database.query("SELECT count(*), count(DISTINCT id) FROM current_phone_numbers")
