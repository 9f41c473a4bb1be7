"""The history that syncs keep, on each database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import frozen
from databases import Database
from served_rows import CALLS, NUMBERS, TAGS, ServedRows, call, number, numbers, tag
from synced import counts, run, run_one

from contactship_async import (
    ContactshipClient,
    CursorListing,
    Listing,
    ListingDeclaration,
    Request,
    Response,
    WholeListing,
)
from contactship_async.models.common import Model, NonEmptyText
from contactship_async.sync import SyncProgress
from contactship_async.sync import _apply as apply_module


@frozen
class Agent(Model):
    """A row of a listing that comes whole, or by cursor."""

    id: NonEmptyText
    name: str | None = None


@frozen
class Thing(Agent):
    """A row of a listing that this release does not know."""

    created_at: str | None = None


AGENTS = ListingDeclaration("/v1/agents", Agent, sort_key=None, page_size=3, largest_page=3)


async def test_new_changed_gone_and_returned(database: Database) -> None:
    """Rows that change or go end, and what they are then, or when they return, is another version."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2, 3])}})
    rows = served.rows["key"]
    async with served.client() as client:
        first = await run_one(client, "phone_numbers", database.target)
        rows[NUMBERS] = [number(1), number(2, type="outbound")]
        second = await run_one(client, "phone_numbers", database.target)
        rows[NUMBERS] = numbers([1, 2, 3])
        third = await run_one(client, "phone_numbers", database.target)

    assert [{"new": 3}, {"changed": 1, "retired": 1, "unchanged": 1}, {"new": 1, "changed": 1, "unchanged": 1}] == [
        counts(result) for result in (first, second, third)
    ]
    assert [
        ("number-1", 1, True),
        ("number-2", 1, False),
        ("number-3", 1, False),
        ("number-2", 2, False),
        ("number-2", 3, True),
        ("number-3", 3, True),
    ] == database.versions()
    assert [("number-1", "inbound"), ("number-2", "inbound"), ("number-3", "inbound")] == database.query(
        "SELECT id, type FROM current_phone_numbers ORDER BY id"
    )
    assert [(first.finished_at,), (second.finished_at,), (third.finished_at,)] == database.query(
        "SELECT DISTINCT valid_from FROM phone_numbers ORDER BY 1"
    )
    assert [(second.finished_at,), (third.finished_at,)] == database.query(
        "SELECT DISTINCT valid_to FROM phone_numbers WHERE valid_to IS NOT NULL ORDER BY 1"
    )


async def test_columns(schema: Database) -> None:
    """A row has its organization, the fields of the model, and how long it was so."""
    served = ServedRows({"key": {NUMBERS: [number(1, unknown=1)]}})
    async with served.client() as client:
        result = await run_one(client, "phone_numbers", schema.target)

    ((hash_, *row),) = schema.query(
        """SELECT content_hash, organization, id, phone_number, type, organization_id, created_at, valid_from, valid_to
        FROM phone_numbers"""
    )
    assert [
        "default",
        "number-1",
        "+12025550001",
        "inbound",
        "organization-a",
        datetime(2026, 5, 4, 9, 1, tzinfo=UTC),
        result.finished_at,
        None,
    ] == row
    assert 32 == len(hash_)
    assert {"phone_numbers", "current_phone_numbers", "syncs", "sync_organizations", "sync_version"} == (
        schema.tables()
    )


async def test_runs_are_written_down(schema: Database) -> None:
    """The table `syncs` has a row for each run, which is the result."""
    served = ServedRows({"key": {NUMBERS: numbers(range(3))}})
    async with served.client() as client:
        result = await run_one(client, "phone_numbers", schema.target)

    assert [
        ("default", "phone_numbers", "full", result.started_at, result.finished_at, 3, 3, 0, 0, 0, None, None)
    ] == schema.query("SELECT * FROM syncs")
    assert (result,) == await schema.target.runs()
    assert result.started_at < result.finished_at


async def test_no_rows(schema: Database) -> None:
    """An organization without rows is synced as any other."""
    served = ServedRows({"key": {NUMBERS: []}})
    async with served.client() as client:
        result = await run_one(client, "phone_numbers", schema.target)

    assert {} == counts(result)
    assert [] == schema.versions()


async def test_organizations_are_apart(schema: Database) -> None:
    """The same ids of two organizations are two rows; one that fails keeps its rows, and the other goes on."""
    served = ServedRows({"acme": {NUMBERS: numbers([1, 2]), TAGS: [tag(1)]}, "globex": {NUMBERS: numbers([1])}})
    async with served.pool(max_concurrent=1) as pool:
        first = await run(pool, ["phone_numbers", "tags"], schema.target)
        served.rows["globex"][TAGS] = [tag(1)]
        del served.rows["acme"][NUMBERS]
        second = await run(pool, ["phone_numbers", "tags"], schema.target)

    assert [
        ("acme", "phone_numbers", None),
        ("acme", "tags", None),
        ("globex", "phone_numbers", None),
        ("globex", "tags", "NotFoundError"),
    ] == [(result.organization, result.listing, result.error) for result in first]
    assert ["NotFoundError", None, None, None] == [result.error for result in second]
    assert [("acme", "number-1"), ("acme", "number-2"), ("globex", "number-1")] == schema.query(
        "SELECT organization, id FROM current_phone_numbers ORDER BY 1, 2"
    )


async def test_failure_is_written_down(schema: Database) -> None:
    """What fails has its error and where it failed, changes nothing, and is told of together with the last success."""

    async def fail(request: Request) -> Response | None:
        return Response(status=500) if ("offset", "5") in request.query or ("offset", "4") in request.query else None

    served = ServedRows({"key": {NUMBERS: numbers(range(12))}})
    async with served.client() as client:
        success = await run_one(client, "phone_numbers", schema.target, page_size=6)
        served.rows["key"][NUMBERS] = numbers(range(20))
        served.on_request = fail
        (failure,) = await run(client, ["phone_numbers"], schema.target, page_size=6, concurrency=1)

    assert "ServerError" == failure.error == type(failure.exception).__name__
    assert (6, 6, {}, "full") == (failure.failed_at, failure.rows, counts(failure), failure.mode)
    assert failure.started_at < failure.finished_at
    assert [(12,)] == schema.query("SELECT count(*) FROM current_phone_numbers")
    assert (success, failure) == await schema.target.runs()


async def test_runs_tells_the_last(schema: Database) -> None:
    """Of several runs of a listing, the last is told, and no failure before it."""
    served = ServedRows({"key": {}})
    async with served.client() as client:
        await run(client, ["phone_numbers"], schema.target)
        served.rows["key"][NUMBERS] = []
        success = await run_one(client, "phone_numbers", schema.target)

    assert (success,) == await schema.target.runs()
    assert [(2,)] == schema.query("SELECT count(*) FROM syncs")


async def test_runs_of_an_empty_database(schema: Database) -> None:
    """Before the first sync there are no runs."""
    assert () == await schema.target.runs()


async def test_filtered(schema: Database) -> None:
    """A listing with filters adds and changes rows, and retires none."""
    served = ServedRows({"key": {NUMBERS: [number(1), number(2, type="outbound"), number(3)]}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", schema.target)
        served.rows["key"][NUMBERS] = [number(1), number(3, phone_number="+1"), number(4)]
        result = await run_one(client, lambda client: client.phone_numbers.list(type="inbound"), schema.target)

    assert ("filtered", {"new": 1, "changed": 1, "unchanged": 1}) == (result.mode, counts(result))
    assert [(1,), (2,), (3,), (4,)] == [
        (int(id_[-1]),) for (id_,) in schema.query("SELECT id FROM current_phone_numbers ORDER BY id")
    ]


async def test_without_a_sort_key(schema: Database) -> None:
    """A listing that can't be proved to be complete retires nothing."""
    served = ServedRows({"key": {TAGS: [tag(1), tag(2)]}})
    async with served.client() as client:
        for places in ([1, 2], [1]):
            served.rows["key"][TAGS] = [tag(place) for place in places]
            result = await run_one(client, lambda client: client.list("/v1/tags", sort_key=None), schema.target)

    assert ("filtered", {"unchanged": 1}) == (result.mode, counts(result))
    assert [("tag-1",), ("tag-2",)] == schema.query("SELECT id FROM current_tags ORDER BY id")


@pytest.mark.parametrize(("rows", "mode"), [(2, "full"), (3, "filtered")], ids=["below the cap", "at the cap"])
async def test_whole(schema: Database, rows: int, mode: str) -> None:
    """A listing that comes whole is full, unless so many rows came that more may have been cut off."""
    served = ServedRows({"key": {"/v1/agents": [{"id": f"agent-{place}"} for place in range(rows)]}})
    async with served.client() as client:
        result = await run_one(client, lambda client: WholeListing(AGENTS, client._caller), schema.target)

    assert (mode, {"new": rows}) == (result.mode, counts(result))
    assert [(mode,)] == schema.query("SELECT mode FROM syncs")


async def test_cursor(schema: Database) -> None:
    """A listing by cursor retires nothing."""
    served = ServedRows({"key": {"/v1/agents": [{"id": "a"}, {"id": "b"}]}})
    async with served.client() as client:
        await run_one(client, lambda client: CursorListing(AGENTS, client._caller), schema.target)
        served.rows["key"]["/v1/agents"].pop()
        result = await run_one(client, lambda client: CursorListing(AGENTS, client._caller), schema.target)

    assert ("filtered", {"unchanged": 1}) == (result.mode, counts(result))
    assert [("a",), ("b",)] == schema.query("SELECT id FROM current_agents ORDER BY id")


async def test_identifiers_of_the_path(schema: Database) -> None:
    """What stands in the path of a listing tells its rows from those of others in the same table."""
    declaration = ListingDeclaration("/v1/contacts/{contact_id}/tags", Agent, sort_key=None)
    rows = {"/v1/contacts/x%2F1/tags": [{"id": "a"}, {"id": "b"}], "/v1/contacts/y/tags": [{"id": "a"}]}
    served = ServedRows({"key": rows})

    def listing_of(contact: str) -> Any:
        return lambda client: WholeListing(declaration, client._caller, identifiers={"contact_id": contact})

    async with served.client() as client:
        await run(client, [listing_of("x/1"), listing_of("y")], schema.target)
        schema.query("UPDATE contacts_tags SET valid_from = '2226-01-01T00:00:00Z' WHERE contact_id = 'y'")
        rows["/v1/contacts/x%2F1/tags"].pop()
        result = await run_one(client, listing_of("x/1"), schema.target)

    assert {"retired": 1, "unchanged": 1} == counts(result)
    assert datetime(2226, 1, 1, microsecond=1, tzinfo=UTC) == result.finished_at  # so that runs are in their order
    assert [("x/1", "a"), ("y", "a")] == schema.query("SELECT contact_id, id FROM current_contacts_tags ORDER BY 1")


async def test_resource_by_its_declaration_alone(schema: Database) -> None:
    """A resource that this release does not know is synced with all that the others have."""
    served = ServedRows({"key": {"/v1/made-up-things": [{"id": "a", "created_at": "2026-05-04"}]}})
    declaration = ListingDeclaration("/v1/made-up-things", Thing)
    async with served.client() as client:
        await run_one(client, lambda client: Listing(declaration, client._caller), schema.target)
        served.rows["key"]["/v1/made-up-things"] = [{"id": "b", "created_at": "2026-05-05", "name": "new"}]
        result = await run_one(
            client, lambda client: Listing(declaration, client._caller), schema.target, max_retired=1
        )

    assert ("made_up_things", "full", {"new": 1, "retired": 1}) == (result.listing, result.mode, counts(result))
    assert [("b", "new", "2026-05-05")] == schema.query("SELECT id, name, created_at FROM current_made_up_things")


async def test_dry_run_of_a_database_that_is_there(database: Database) -> None:
    """A dry run tells what would become of a listing, and changes nothing."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2]), TAGS: [tag(1)]}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", database.target)
        served.rows["key"][NUMBERS] = [number(1, type="outbound"), number(3)]
        before = database.query("SELECT * FROM phone_numbers ORDER BY id"), database.query("SELECT * FROM syncs")
        results = await run(client, ["phone_numbers", "tags", "channels"], database.target, dry_run=True)

    assert [{"new": 1, "changed": 1, "retired": 1}, {"new": 1}, {}] == [counts(result) for result in results]
    assert [None, None, "NotFoundError"] == [result.error for result in results]
    assert before == (
        database.query("SELECT * FROM phone_numbers ORDER BY id"),
        database.query("SELECT * FROM syncs"),
    )
    assert "tags" not in database.tables()


async def test_dry_run_of_an_empty_database(database: Database) -> None:
    """A dry run makes nothing, not even tables."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2])}})
    async with served.client() as client:
        result = await run_one(client, "phone_numbers", database.target, dry_run=True)

    assert {"new": 2} == counts(result)
    assert set() == database.tables()


async def test_keep_history(database: Database) -> None:
    """Versions that ended long ago are dropped, those that are current or ended lately stay."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2, 3])}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", database.target)
        served.rows["key"][NUMBERS] = numbers([1, 2])
        await run_one(client, "phone_numbers", database.target)
        database.query(
            """UPDATE phone_numbers SET valid_from = valid_from - INTERVAL '95 days',
            valid_to = valid_to - INTERVAL '95 days'"""
        )
        served.rows["key"][NUMBERS] = numbers([1])
        await run_one(client, "phone_numbers", database.target, keep_history=timedelta.max)
        assert [(3,)] == database.query("SELECT count(*) FROM phone_numbers")
        await run_one(client, "phone_numbers", database.target, keep_history=timedelta(days=90))

    assert [("number-1", 1, True), ("number-2", 1, False)] == database.versions()


async def test_clock_that_is_set_back(database: Database) -> None:
    """An apply is later than all that the listing has, whatever the clock says; other listings go by the clock."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2]), TAGS: [tag(1)]}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", database.target)
        database.query("UPDATE phone_numbers SET valid_from = TIMESTAMPTZ '2226-01-01T00:00:00Z'")
        served.rows["key"][NUMBERS] = numbers([1])
        moved, usual = await run(client, ["phone_numbers", "tags"], database.target)
        served.rows["key"][NUMBERS] = [number(1, type="outbound")]
        later = await run_one(client, "phone_numbers", database.target)

    new_year = datetime(2226, 1, 1, tzinfo=UTC)
    microsecond = timedelta(microseconds=1)
    assert [new_year + microsecond, new_year + 2 * microsecond] == [moved.finished_at, later.finished_at]
    assert usual.finished_at < new_year
    assert [("number-1", 1, False), ("number-2", 1, False), ("number-1", 3, True)] == database.versions()


async def test_contents_are_kept(database: Database) -> None:
    """Transcripts that a run does not ask for stay as they were; a run that asks and gets others changes rows."""
    spoken: Mapping[str, Any] = {"chat_history": [{"role": "agent", "content": "Hello"}]}

    def with_transcripts(client: ContactshipClient) -> Any:
        return client.calls.list(include_transcript=True)

    def read() -> list[tuple[Any, ...]]:
        return database.query("SELECT id, call_status, CAST(chat_history AS VARCHAR) FROM current_calls ORDER BY id")

    served = ServedRows({"key": {CALLS: [call(1, **spoken), call(2, **spoken)]}})
    async with served.client() as client:
        await run_one(client, with_transcripts, database.target)
        before = read()
        served.rows["key"][CALLS] = [call(1), call(2, call_status="busy"), call(3)]
        without = await run_one(client, "calls", database.target, full=True)
        kept = read()
        served.rows["key"][CALLS] = [call(1), call(2, call_status="busy", **spoken), call(3, **spoken)]
        again = await run_one(client, with_transcripts, database.target, full=True)

    assert ["full", "full"] == [without.mode, again.mode]
    assert {"new": 1, "changed": 1, "unchanged": 1} == counts(without)
    assert [before[0], ("call-2", "busy", before[1][2]), ("call-3", "completed", None)] == kept
    assert "Hello" in kept[0][2]
    assert {"changed": 2, "unchanged": 1} == counts(again)
    assert [("call-1", "completed", None), kept[1], ("call-3", "completed", before[0][2])] == read()


async def test_rows_that_have_the_same_id(schema: Database) -> None:
    """A listing that names a row twice fails, and changes nothing."""
    served = ServedRows({"key": {"/v1/agents": [{"id": "a"}, {"id": "a", "name": "b"}]}})
    async with served.client() as client:
        (result,) = await run(client, [lambda client: WholeListing(AGENTS, client._caller)], schema.target)

    assert "SyncError" == result.error
    assert "rows of the listing have the same id" == str(result.exception)
    assert [(0,)] == schema.query("SELECT count(*) FROM agents")


async def test_failure_within_the_apply(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is half applied: whatever goes wrong last takes all with it, and the next run is right."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2])}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", database.target)
        served.rows["key"][NUMBERS] = [number(1, type="outbound"), number(3)]
        with monkeypatch.context() as patch:
            patch.setattr(apply_module.Apply, "_note_organization", lambda *_: 1 // 0)
            (failed,) = await run(client, ["phone_numbers"], database.target)
        assert [("number-1", 1, True), ("number-2", 1, True)] == database.versions()
        result = await run_one(client, "phone_numbers", database.target)

    assert ("ZeroDivisionError", None) == (failed.error, failed.failed_at)
    assert {"new": 1, "changed": 1, "retired": 1} == counts(result)


async def test_progress(schema: Database) -> None:
    """Each page tells how many rows have come, and how many there are."""
    seen: list[SyncProgress] = []
    served = ServedRows({"key": {NUMBERS: numbers(range(8))}})
    async with served.client() as client:
        await run_one(client, "phone_numbers", schema.target, on_progress=seen.append, page_size=5)

    assert [("default", "phone_numbers", "full", 5, 8), ("default", "phone_numbers", "full", 8, 8)] == [
        (one.organization, one.listing, one.mode, one.rows, one.count) for one in seen
    ]


async def test_names_of_clients_and_pools(schema: Database) -> None:
    """Rows of a client of a pool have the name of its organization."""
    served = ServedRows({"acme": {NUMBERS: numbers([1])}})
    async with served.pool() as pool:
        result = await run_one(pool["acme"], "phone_numbers", schema.target)

    assert ("acme", {"new": 1}) == (result.organization, counts(result))
