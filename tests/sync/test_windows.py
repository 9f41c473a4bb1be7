"""When calls are asked for by a window of days, and by which, on each database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from databases import Database
from served_rows import CALLS, ServedRows, call
from synced import counts, run, run_one

from contactship_async.sync import SyncResult

DAY = timedelta(days=1)


def days_asked(served: ServedRows) -> list[str | None]:
    """Return the beginnings of the windows that were asked for, each once."""
    return [*dict.fromkeys(query.get("date_from") for query in served.queries(CALLS))]


def day_of(moment: datetime) -> str:
    """Return a day as it is asked for."""
    return moment.astimezone(UTC).date().isoformat()


async def test_window_of_some_days(database: Database) -> None:
    """A second walk begins three days before the first one began, less a day; it retires nothing."""
    served = ServedRows({"key": {CALLS: [call(1), call(2)]}})
    async with served.client() as client:
        first = await run_one(client, "calls", database.target)
        lately = first.started_at.isoformat()
        served.rows["key"][CALLS] = [call(3, created_at=lately)]
        second = await run_one(client, "calls", database.target)

    assert ["full", "window"] == [first.mode, second.mode]
    assert [None, day_of(first.started_at - 4 * DAY)] == days_asked(served)
    assert ({"new": 1}, 1) == (counts(second), second.rows)
    assert [(3,)] == database.query("SELECT count(*) FROM current_calls")
    assert [("full",), ("window",)] == database.query("SELECT mode FROM syncs ORDER BY started_at")


@pytest.mark.parametrize(
    ("fields", "is_open"),
    [
        pytest.param({"call_status": "scheduled", "finished_at": None}, True, id="scheduled"),
        pytest.param({"call_status": None, "finished_at": None}, True, id="without status"),
        pytest.param({"call_status": "a new one", "finished_at": None}, True, id="unknown status"),
        pytest.param({"call_status": "in-progress", "finished_at": "2026-05-04T09:30:00Z"}, False, id="with an end"),
        pytest.param({"call_status": "busy", "finished_at": None}, False, id="final status"),
    ],
)
async def test_calls_that_have_not_ended(schema: Database, fields: dict[str, Any], is_open: bool) -> None:
    """The window begins a day before the oldest call that may still change was created, in UTC."""
    served = ServedRows({"key": {CALLS: [call(1), call(2, created_at="2026-05-03T23:30:00-02:00", **fields)]}})
    async with served.client() as client:
        first = await run_one(client, "calls", schema.target)
        second = await run_one(client, "calls", schema.target)

    assert [None, "2026-05-03" if is_open else day_of(first.started_at - 4 * DAY)] == days_asked(served)
    assert ("window", {"unchanged": 2} if is_open else {}) == (second.mode, counts(second))


async def test_a_call_that_ended_later(schema: Database) -> None:
    """A call that was scheduled in the first run and ended twenty days later is right after the next."""
    scheduled = call(1, call_status="scheduled", finished_at=None)
    served = ServedRows({"key": {CALLS: [scheduled, *(call(place) for place in range(2, 40))]}})
    async with served.client() as client:
        await run_one(client, "calls", schema.target, full_every=30 * DAY)
        schema.query("UPDATE syncs SET started_at = started_at - INTERVAL '20 days'")
        served.rows["key"][CALLS][0] = call(1)
        result = await run_one(client, "calls", schema.target, full_every=30 * DAY)

    assert ("window", 1) == (result.mode, result.changed)
    assert [("call-1", 1, False), ("call-1", 2, True)] == [
        version for version in schema.versions("calls") if version[0] == "call-1"
    ]


async def test_a_call_that_has_ended_lately(schema: Database) -> None:
    """What is known of how a call went may come days after its end, however long ago it was scheduled."""
    served = ServedRows({"key": {CALLS: [call(1), call(2, finished_at=datetime.now(UTC).isoformat())]}})
    async with served.client() as client:
        await run_one(client, "calls", schema.target)
        served.rows["key"][CALLS][1]["call_analysis"] = {"call_summary": "They will come."}
        result = await run_one(client, "calls", schema.target)

    assert ("window", 1, 1) == (result.mode, result.changed, result.unchanged)


async def test_calls_without_a_creation_date(schema: Database) -> None:
    """Where it is not known when a call that may still change was created, only a full walk finds it."""
    served = ServedRows({"key": {CALLS: [call(1), call(2, call_status="scheduled", finished_at=None)]}})
    async with served.client() as client:
        await run_one(client, "calls", schema.target)
        schema.query("UPDATE calls SET created_at = NULL")
        result = await run_one(client, "calls", schema.target)

    assert "full" == result.mode


async def test_date_that_stands_for_none(schema: Database) -> None:
    """A call that may still change and was created in the year 1, says the server, is found by a full walk."""
    zero = call(1, created_at="0001-01-01T00:00:00Z", call_status=None, finished_at=None)
    served = ServedRows({"key": {CALLS: [zero]}})
    async with served.client() as client:
        results = [await run_one(client, "calls", schema.target) for _ in range(2)]

    assert ["full", "full"] == [result.mode for result in results]


async def age(database: Database, mode: str, days: int) -> None:
    """Let the runs of a mode have begun earlier."""
    database.query("UPDATE syncs SET started_at = started_at - ? * INTERVAL '1 day' WHERE mode = ?", days, mode)


async def modes_after(database: Database, days: int, **options: Any) -> list[SyncResult]:
    """Sync, let days pass, and sync again twice."""
    served = ServedRows({"key": {CALLS: [call(1), call(2)]}})
    async with served.client() as client:
        first = await run_one(client, "calls", database.target)
        await age(database, "full", days)
        others = [await run_one(client, "calls", database.target, **options) for _ in range(2)]
    return [first, *others]


@pytest.mark.parametrize(
    ("days", "options", "modes"),
    [
        pytest.param(6, {}, ["window", "window"], id="6 days"),
        pytest.param(8, {}, ["full", "window"], id="8 days"),
        pytest.param(8, {"full_every": timedelta(days=9)}, ["window", "window"], id="8 of 9 days"),
        pytest.param(8, {"full_every": timedelta.max}, ["window", "window"], id="never"),
        pytest.param(1, {"full_every": timedelta(hours=1)}, ["full", "window"], id="a day of an hour"),
        pytest.param(0, {"full_every": timedelta(0)}, ["full", "full"], id="always"),
        pytest.param(0, {"full": True}, ["full", "full"], id="full"),
    ],
)
async def test_full_every(schema: Database, days: int, options: dict[str, Any], modes: list[str]) -> None:
    """A full walk is taken when the last one is too old, or when it is asked for."""
    results = await modes_after(schema, days, **options)

    assert ["full", *modes] == [result.mode for result in results]


async def test_window_counts_as_complete(schema: Database) -> None:
    """The next window begins by the last complete walk, whether that was full or a window."""
    served = ServedRows({"key": {CALLS: [call(1)]}})
    async with served.client() as client:
        await run_one(client, "calls", schema.target)
        await age(schema, "full", 6)
        second = await run_one(client, "calls", schema.target)
        await run_one(client, "calls", schema.target)

    assert [day_of(second.started_at - 10 * DAY), day_of(second.started_at - 4 * DAY)] == days_asked(served)[1:]


async def test_clock_that_was_ahead(schema: Database) -> None:
    """A run that began by a clock that was years ahead neither moves the window there nor puts the full walk off."""
    served = ServedRows({"key": {CALLS: [call(1)]}})
    async with served.client() as client:
        await run_one(client, "calls", schema.target)
        schema.query("UPDATE syncs SET started_at = started_at + INTERVAL '10 years'")
        served.rows["key"][CALLS].append(call(2))
        second = await run_one(client, "calls", schema.target)
        third = await run_one(client, "calls", schema.target)

    assert ("full", {"new": 1, "unchanged": 1}) == (second.mode, counts(second))
    assert [None, day_of(second.started_at - 4 * DAY)] == days_asked(served)
    assert "window" == third.mode


async def test_other_walks_do_not_count(schema: Database) -> None:
    """Neither a failure nor a filtered walk is complete."""
    served = ServedRows({"key": {}})
    async with served.client() as client:
        await run(client, ["calls"], schema.target)
        served.rows["key"][CALLS] = [call(1)]
        filtered = await run_one(client, lambda client: client.calls.list(call_status="completed"), schema.target)
        again = await run_one(client, lambda client: client.calls.list(call_status="completed"), schema.target)
        full = await run_one(client, "calls", schema.target)

    assert ["filtered", "filtered", "full"] == [filtered.mode, again.mode, full.mode]


async def test_new_organization_is_walked_wholly(schema: Database) -> None:
    """Where another organization is accepted, its calls are walked wholly, and those of the other one retired."""
    served = ServedRows({"key": {CALLS: [call(1)]}})
    async with served.client() as client:
        await run_one(client, "calls", schema.target)
        served.rows["key"][CALLS] = [call(2)]
        result = await run_one(client, "calls", schema.target, accept_new_organization=True)

    assert ("full", {"new": 1, "retired": 1}) == (result.mode, counts(result))
