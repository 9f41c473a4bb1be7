"""The tables of a sync, as releases change them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import frozen
from databases import Database
from served_rows import NUMBERS, TAGS, ServedRows, numbers, tag
from synced import counts, run, run_one

from contactship_async import ContactshipClient, Listing, ListingDeclaration
from contactship_async.models.common import Model, NonEmptyText
from contactship_async.sync import DatabaseVersionError
from contactship_async.sync import _schema as schema_module

LATER: Sequence[Sequence[str]] = (
    *schema_module._MIGRATIONS,
    ['ALTER TABLE "syncs" ADD COLUMN "note" {text}', 'UPDATE "syncs" SET "note" = \'migrated\''],
    ['CREATE TABLE "sync_notes" ("note" {text}, "at" {time})'],
)
"""Those of a made-up later release."""


@frozen
class Row(Model):
    """A tag, as a release knows it."""

    id: NonEmptyText
    created_at: str


@frozen
class LaterRow(Model):
    """A tag, as a later release knows it."""

    id: NonEmptyText
    name: str | None
    created_at: str
    label: str | None = None


def listing_of(row_type: Any) -> Any:
    """Return what asks for tags as rows of a class."""
    return lambda client: Listing(ListingDeclaration(TAGS, row_type), client._caller)


async def sync_into(database: Database) -> dict[str, int]:
    """Sync a tag, and count what became of it."""
    served = ServedRows({"key": {TAGS: [tag(1)]}})
    async with served.client() as client:
        return counts(await run_one(client, "tags", database.target))


async def test_older_tables_are_migrated(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later release changes the tables of an earlier one once, and goes on with their rows."""
    await sync_into(database)
    monkeypatch.setattr(schema_module, "_MIGRATIONS", LATER)

    assert [{"unchanged": 1}] * 2 == [await sync_into(database) for _ in range(2)]
    assert [(3,)] == database.query("SELECT * FROM sync_version")
    assert [("migrated",), (None,), (None,)] == database.query("SELECT note FROM syncs ORDER BY started_at")
    assert "sync_notes" in database.tables()


async def test_a_migration_that_fails(schema: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails changes nothing."""
    await sync_into(schema)
    monkeypatch.setattr(schema_module, "_MIGRATIONS", (*LATER, ["no SQL"]))
    served = ServedRows({"key": {TAGS: []}})
    async with served.client() as client:
        with pytest.raises(Exception, match=r"DuckDB raised ParserException|SQLSTATE 42601"):
            await run(client, ["tags"], schema.target)

    assert [(1,)] == schema.query("SELECT * FROM sync_version")
    assert "sync_notes" not in schema.tables()


async def test_newer_tables_are_refused(schema: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a later release has written is not touched, nor read."""
    with monkeypatch.context() as patch:
        patch.setattr(schema_module, "_MIGRATIONS", LATER)
        await sync_into(schema)
    for use in (sync_into(schema), schema.target.runs(), schema.target.forget("x")):
        with pytest.raises(DatabaseVersionError) as raised:
            await use

    assert (
        "a newer release of contactship_async has written the tables (version 3, and this one knows 1): upgrade it"
        == str(raised.value)
    )
    assert [(1,)] == schema.query("SELECT count(*) FROM syncs")


async def test_fields_of_a_later_release(database: Database) -> None:
    """A table gets the fields that a later release knows, and the view shows them; its rows have changed."""
    served = ServedRows({"key": {TAGS: [tag(1), tag(2, name=None)]}})
    async with served.client() as client:
        await run_one(client, listing_of(Row), database.target)
        later = await run_one(client, listing_of(LaterRow), database.target)
        earlier = await run_one(client, listing_of(Row), database.target)
        view = database.query("SELECT id, name, label FROM current_tags ORDER BY id")

    assert ({"changed": 1, "unchanged": 1}, {"changed": 1, "unchanged": 1}) == (counts(later), counts(earlier))
    assert [("tag-1", None, None), ("tag-2", None, None)] == view
    assert [("tag-1", None), ("tag-1", "tag 1"), ("tag-1", None), ("tag-2", None)] == database.query(
        "SELECT id, name FROM tags ORDER BY id, valid_from"
    )


async def test_table_that_is_gone(schema: Database) -> None:
    """A table that was dropped is made again."""
    await sync_into(schema)
    schema.query("DROP VIEW current_tags")
    schema.query("DROP TABLE tags")

    assert {"new": 1} == await sync_into(schema)
    assert [("tag-1",)] == schema.query("SELECT id FROM current_tags")


async def test_names_in_other_schemas(database: Database) -> None:
    """Tables of the same names in other schemas are others."""
    served = ServedRows({"key": {NUMBERS: numbers([1])}})
    database.query("CREATE SCHEMA another")
    try:
        database.query("CREATE TABLE another.phone_numbers (x INT)")
        database.query("CREATE TABLE another.sync_version (version INT)")
        client: ContactshipClient
        async with served.client() as client:
            assert {"new": 1} == counts(await run_one(client, "phone_numbers", database.target))
    finally:
        database.query("DROP SCHEMA another CASCADE")
