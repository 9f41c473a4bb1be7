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
from contactship_async.models.tags import Tag
from contactship_async.sync import DatabaseError, DatabaseVersionError
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


@pytest.mark.parametrize(
    ("first", "second", "known", "asked"),
    [
        ("of a contact", "of all", "contact_id, id, organization", "id, organization"),
        ("of all", "of a contact", "id, organization", "contact_id, id, organization"),
        ("of all", "by name", "id, organization", "name, organization"),
    ],
)
async def test_listings_that_share_a_table(schema: Database, first: str, second: str, known: str, asked: str) -> None:
    """A listing whose rows are told apart by something else is refused: it would retire those of the other."""
    path = "/v1/contacts/tags"
    listings: dict[str, Any] = {
        "of a contact": lambda client: client.contacts.list_tags("ct-1"),
        "of all": lambda client: client.list(path, Tag),
        "by name": lambda client: client.list(path, Tag, id_field="name"),
    }
    served = ServedRows({"key": {path: [tag(1)], "/v1/contacts/ct-1/tags": [tag(1)]}})
    async with served.client() as client:
        await run_one(client, listings[first], schema.target)
        served.rows["key"] = {path: [], "/v1/contacts/ct-1/tags": []}
        with pytest.raises(DatabaseError) as raised:
            await run_one(client, listings[second], schema.target, max_retired=1)

    assert (
        f"the table contacts_tags is that of another listing, whose rows are told apart by {known}, not {asked}"
        == str(raised.value)
    )
    assert [(1,)] == schema.query("SELECT count(*) FROM current_contacts_tags")


async def test_view_of_another_program(schema: Database) -> None:
    """A view that no sync has made is left alone."""
    schema.query("CREATE VIEW current_tags AS SELECT 1 AS x")
    with pytest.raises(DatabaseError) as raised:
        await sync_into(schema)

    assert "the database has a current_tags that is not of a sync: use another schema or file" == str(raised.value)
    assert [(1,)] == schema.query("SELECT x FROM current_tags")


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
