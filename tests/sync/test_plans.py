"""Listings as tables: names, columns, and what may be retired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

import msgspec
import pytest
from attrs import frozen
from served_rows import NUMBERS, ServedRows, numbers

from contactship_async import (
    AnyListing,
    ContactshipClient,
    ContactshipPool,
    CursorListing,
    Listing,
    ListingDeclaration,
    WholeListing,
)
from contactship_async.models.common import Count, Model, NonEmptyText, OpenEnum, Seconds, json_field
from contactship_async.sync import DuckDBTarget, sync
from contactship_async.sync._plan import WRONG_LISTING, Plan

CLIENT = ContactshipClient("key")
TARGET = DuckDBTarget("never-made.duckdb")

LISTED = ["agents", "calls", "channels", "contacts", "phone_numbers", "tags", "tasks"]
"""The resources that list."""


class Size(StrEnum):
    """An enum of texts."""

    SMALL = "small"


class Color(OpenEnum):
    """An enum of texts to which the server may add."""

    RED = "red"


class Level(IntEnum):
    """An enum of numbers."""

    LOW = 1


class Anything(Enum):
    """An enum of integers, which is no integer itself."""

    ONE = 1


@frozen
class Inner:
    """A nested object."""

    value: int


@frozen
class Everything(Model):
    """A field of each kind."""

    id: NonEmptyText
    text: str
    nullable: str | None
    optional: Optional[str]  # noqa: UP045 - the older form
    annotated: Annotated[Annotated[int, "inner"] | None, "outer"]
    count: Count | None
    seconds: Seconds | None
    flag: bool
    moment: datetime | None
    day: date
    size: Size | None
    color: Color
    level: Level
    anything: Anything
    nested: Inner | None
    items: list[str]
    mapping: Mapping[str, Any] | None
    either: Union[int, str]  # noqa: UP007 - the older form
    both: int | float | None
    any: Any
    word: Literal["a", "b"] | None
    digit: Literal[1, 2]
    from_number: str | None = json_field("from", default=None)


class AsStruct(msgspec.Struct):
    """A row of msgspec."""

    id: str
    amount: float
    renamed: int | None = msgspec.field(default=None, name="re-named")


@dataclass
class AsDataclass:
    """A row of a dataclass."""

    id: int
    moment: datetime
    wait: timedelta


class AsTypedDict(TypedDict):
    """A row of a typed dictionary, which is a dictionary."""

    id: str
    name: str


def listing_of(row_type: Any, path: str = "/v1/things", **options: Any) -> Listing[Any]:
    """Make a listing."""
    return Listing(ListingDeclaration(path, row_type, sort_key=None, **options), CLIENT._caller)


def kinds_of(row_type: Any) -> dict[str, str]:
    """Return the kinds of columns by their names."""
    return {column.name: column.kind for column in Plan.of(listing_of(row_type), "o").columns}


def test_kinds_of_fields() -> None:
    """A field has the column of its type, without None and annotations; what has no type of SQL is JSON."""
    assert {
        "id": "text",
        "text": "text",
        "nullable": "text",
        "optional": "text",
        "annotated": "integer",
        "count": "integer",
        "seconds": "float",
        "flag": "boolean",
        "moment": "time",
        "day": "json",
        "size": "text",
        "color": "text",
        "level": "json",
        "anything": "json",
        "nested": "json",
        "items": "json",
        "mapping": "json",
        "either": "json",
        "both": "json",
        "any": "json",
        "word": "text",
        "digit": "json",
        "from_number": "text",
    } == kinds_of(Everything)


@pytest.mark.parametrize(
    ("row_type", "kinds"),
    [
        (AsStruct, {"id": "text", "amount": "float", "renamed": "integer"}),
        (AsDataclass, {"id": "integer", "moment": "time", "wait": "json"}),
        (AsTypedDict, {"id": "text", "data": "json"}),
        (dict, {"id": "text", "data": "json"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_classes_of_rows(row_type: Any, kinds: dict[str, str]) -> None:
    """Rows of any class have its fields by their Python names; those of dictionaries are kept whole."""
    assert kinds == kinds_of(row_type)


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("/v1/phone-numbers", "phone_numbers"),
        ("/v1/contacts/{contact_id}/tags", "contacts_tags"),
        ("/v2/Threads", "threads"),
        ("/v1/a%2Fb", "a_2fb"),
        ("/v1/x/v12/y", "x_y"),
        ("/v1/syncing", "syncing"),
        ("/v1/select", "select"),
    ],
)
def test_names_of_tables(path: str, table: str) -> None:
    """A table is named after the path, without its version and identifiers."""
    identifiers = {"contact_id": "c"} if "{" in path else {}
    listing = Listing(ListingDeclaration(path, dict), CLIENT._caller, identifiers=identifiers)

    assert table == Plan.of(listing, "o").table


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/{x}", "/v1/1st", "/v1/syncs", "/v1/sync-version", "/v1/current/calls", f"/v1/{'x' * 56}"],
)
def test_names_that_no_table_can_have(path: str) -> None:
    """A table is never named like one of the sync's own, or by nothing."""
    identifiers = {"x": "y"} if "{" in path else {}
    listing = Listing(ListingDeclaration(path, dict), CLIENT._caller, identifiers=identifiers)

    with pytest.raises(ValueError, match=f"^no table can be named after {path}$"):
        Plan.of(listing, "o")


@pytest.mark.parametrize(
    "name", ["organization", "valid_from", "valid_to", "content_hash", "contents_hash", "Valid_To", "iD"]
)
def test_fields_with_names_of_the_sync(name: str) -> None:
    """A field that has the name of a column of the sync, or of another, is refused; case does not tell names apart."""
    row_type = msgspec.defstruct("Row", [("id", str | None), (name, str)])

    with pytest.raises(ValueError, match=f"has the name of another column, or one of the sync: (?i:{name})$"):
        Plan.of(listing_of(row_type), "o")


def test_field_with_the_name_of_an_identifier() -> None:
    """What stands in the path is a column, too."""
    declaration = ListingDeclaration("/v1/things/{text}/parts", Everything, sort_key=None)
    listing = WholeListing(declaration, CLIENT._caller, identifiers={"text": "x"})

    with pytest.raises(ValueError, match=r"one of the sync: text$"):
        Plan.of(listing, "o")


@pytest.mark.parametrize("length", [63, 64])
def test_long_names_of_fields(length: int) -> None:
    """A name that PostgreSQL would cut off is refused."""
    row_type = msgspec.defstruct("Row", [("id", str), ("f" * length, str)])
    if length <= 63:
        assert length == len(Plan.of(listing_of(row_type), "o").columns[1].name)
        return

    with pytest.raises(ValueError, match=r"has a name that is too long for a column: f{64}$"):
        Plan.of(listing_of(row_type), "o")


def test_contents_of_calls() -> None:
    """What only comes where it is asked for is known, and whether it is asked for."""
    contents = ("chat_history", "chat_history_with_tools", "transcript_format")
    plain, with_transcripts, without = (
        Plan.of(CLIENT.calls.list(include_transcript=asked), "o") for asked in (None, True, False)
    )

    assert [contents] * 3 == [plan.contents for plan in (plain, with_transcripts, without)]
    assert [False, True, False] == [plan.asks_for_contents for plan in (plain, with_transcripts, without)]
    assert [True] * 3 == [plan.may_retire for plan in (plain, with_transcripts, without)]


def test_what_may_be_retired() -> None:
    """Only a listing without filters that proves to be complete shows what has gone."""
    declaration = ListingDeclaration("/v1/things", dict, largest_page=50)
    listings: dict[str, AnyListing[Any]] = {
        "all": Listing(declaration, CLIENT._caller),
        "ascending": Listing(declaration, CLIENT._caller, order="asc"),
        "filtered": Listing(declaration, CLIENT._caller, {"type": "x"}),
        "not filtered": Listing(declaration, CLIENT._caller, {"type": None}),
        "unsorted": listing_of(dict),
        "whole": WholeListing(declaration, CLIENT._caller),
        "by cursor": CursorListing(declaration, CLIENT._caller),
    }
    plans = {name: Plan.of(listing, "o") for name, listing in listings.items()}

    assert {"all", "ascending", "not filtered", "whole"} == {name for name, plan in plans.items() if plan.may_retire}
    assert {"full": 4, "filtered": 3} == {
        mode: [plan.mode for plan in plans.values()].count(mode) for mode in ("full", "filtered")
    }
    assert {"whole": 50} == {name: plan.cap for name, plan in plans.items() if plan.cap is not None}


@pytest.mark.parametrize("name", LISTED)
def test_every_listing_of_the_client(name: str) -> None:
    """Each resource that lists can be synced by its name, and its table has that name."""
    plan = Plan.of(getattr(CLIENT, name).list(), "o")

    assert (name, True, "created_at") == (plan.table, plan.may_retire, plan.sort_column)
    sync(CLIENT, [name], TARGET)


def test_listings_within_resources() -> None:
    """A listing that comes whole is full by one response, and those of one resource have tables of their own."""
    agents, voices, tasks = (
        Plan.of(listing, "o")
        for listing in (CLIENT.agents.list(), CLIENT.agents.list_voices(), CLIENT.tasks.list(order_by="priority"))
    )

    assert [("agents", "full", None), ("agents_voices", "full", None), ("tasks", "filtered", None)] == [
        (plan.table, plan.mode, plan.cap) for plan in (agents, voices, tasks)
    ]


def test_templates() -> None:
    """Templates come by cursor: their table is made of the declaration alone, and a sync never retires one."""
    plan = Plan.of(CLIENT.whatsapp.list_templates("chn-1"), "o")

    assert ("waba_templates", "filtered", "id", None) == (plan.table, plan.mode, plan.id_column, plan.sort_column)
    assert ("components", "json") in {(column.name, column.kind) for column in plan.columns}
    sync(CLIENT, [lambda client: client.whatsapp.list_templates("chn-1")], TARGET)


def test_all_listings_are_tested() -> None:
    """A new resource that lists is one of those above."""
    names = [name for name in dir(CLIENT) if not name.startswith("_") and hasattr(getattr(CLIENT, name), "list")]

    assert sorted(names) == LISTED


def test_listings_of_what_a_contact_has() -> None:
    """Its tags and comments have tables of their own, which say whose they are, and show what is gone."""
    listings = (CLIENT.contacts.list_tags("ct-1"), CLIENT.contacts.list_comments("ct-1"))
    plans = [Plan.of(listing, "o") for listing in listings]

    assert [("contacts_tags", True, None), ("contacts_comments", True, 50)] == [
        (plan.table, plan.may_retire, plan.cap) for plan in plans
    ]
    assert [{"organization": "o", "contact_id": "ct-1"}] * 2 == [plan.scope for plan in plans]


@pytest.mark.parametrize(
    ("listings", "error", "message"),
    [
        ("calls", TypeError, "listings must be a sequence of at least one name or function"),
        ([], TypeError, "listings must be a sequence of at least one name or function"),
        (lambda client: client.tags.list(), TypeError, "listings must be a sequence of at least one name or function"),
        ([3], TypeError, WRONG_LISTING.format("int")),
        (
            [lambda _: 3],
            TypeError,
            "listings must be names, or functions such as lambda client: client.tags.list(), not int",
        ),
        (["agendas"], ValueError, "there is no listing named 'agendas': there are {known}"),
        (["credits"], ValueError, "there is no listing named 'credits': there are {known}"),
        (["phone-numbers"], ValueError, "there is no listing named 'phone-numbers': there are {known}"),
        (["_caller"], ValueError, "there is no listing named '_caller': there are {known}"),
        ([lambda client: client.list("/v1/syncs")], ValueError, "no table can be named after /v1/syncs"),
        (
            ["tags", lambda client: client.list("/v1/tags")],
            *(ValueError, "two of the listings are kept in the table tags, with other columns: sync one of them"),
        ),
    ],
)
def test_wrong_listings(listings: Any, error: type[Exception], message: str) -> None:
    """What can't be synced is refused at once."""
    with pytest.raises(error) as raised:
        sync(CLIENT, listings, TARGET)

    assert message.format(known=str(LISTED)[1:-1]) == str(raised.value)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_retired": 1.1}, ValueError),
        ({"max_retired": -0.1}, ValueError),
        ({"max_retired": float("nan")}, ValueError),
        ({"max_retired": "0.5"}, TypeError),
        ({"on_progress": 3}, TypeError),
        ({"page_size": 2}, ValueError),
        ({"concurrency": 0}, ValueError),
        ({"concurrency": 1.5}, TypeError),
        ({"full_every": 7}, TypeError),
        ({"full_every": timedelta(days=-1)}, ValueError),
        ({"keep_history": 90}, TypeError),
        ({"keep_history": timedelta(days=-1)}, ValueError),
    ],
    ids=str,
)
def test_wrong_options(options: dict[str, Any], error: type[Exception]) -> None:
    """An option that is out of range, or has the wrong type, is refused at once."""
    with pytest.raises(error, match=next(iter(options))):
        sync(CLIENT, ["tags"], TARGET, **options)


def test_wrong_source_and_target() -> None:
    """Rows come from a client or a pool, and go to a target."""
    with pytest.raises(TypeError, match=r"^source must not be of type str$"):
        sync("key", ["tags"], TARGET)  # type: ignore[arg-type] # that is the test
    with pytest.raises(TypeError, match=r"^target must not be of type str$"):
        sync(CLIENT, ["tags"], "x.duckdb")  # type: ignore[arg-type] # that is the test


async def test_pool_that_is_not_open(tmp_path: Any) -> None:
    """A pool must be open when the sync begins."""
    results = sync(ContactshipPool({"acme": "key"}), ["tags"], DuckDBTarget(tmp_path / "x.duckdb"))

    with pytest.raises(RuntimeError, match=r"async with"):
        await anext(results)


async def test_pool_without_organizations(open_duckdb_file: Any) -> None:
    """Nothing comes of nobody."""
    async with ContactshipPool({}) as pool:
        assert [] == [result async for result in sync(pool, ["tags"], open_duckdb_file.target)]


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
async def test_names_that_no_database_can_keep(name: str) -> None:
    """A name of an organization that is no text is refused at once."""
    async with ContactshipPool({"acme": "key", name: "other"}) as pool:
        with pytest.raises(ValueError, match="no database can keep the name of the organization"):
            sync(pool, ["tags"], TARGET)


async def test_functions_may_depend_on_the_client(open_duckdb_file: Any) -> None:
    """A function is asked for the listing of each organization, with its own client."""
    served = ServedRows({"acme": {NUMBERS: numbers([1])}, "globex": {NUMBERS: numbers([2])}})

    def listing(client: ContactshipClient) -> Listing[Any]:
        seen.append(client.organization)
        return client.phone_numbers.list()

    seen: list[str | None] = []
    async with served.pool(max_concurrent=1) as pool:
        results = [result.organization async for result in sync(pool, [listing], open_duckdb_file.target)]

    assert ["acme", "globex"] == results
    assert ["acme", "globex"] == [*dict.fromkeys(seen)]


async def test_keys_that_fail(open_duckdb_file: Any) -> None:
    """A key that can't be had is the failure of each listing of its organization, and the others are synced."""

    def no_key() -> str:
        message = "the vault is closed"
        raise LookupError(message)

    served = ServedRows({"acme": {NUMBERS: numbers([1])}})
    keys: dict[str, Any] = {"acme": "acme", "globex": no_key}
    async with served.pool(keys, max_concurrent=1) as pool:
        results = [result async for result in sync(pool, ["phone_numbers", "tags"], open_duckdb_file.target)]

    assert [("acme", None), ("acme", "NotFoundError"), ("globex", "LookupError"), ("globex", "LookupError")] == [
        (result.organization, result.error) for result in results
    ]


async def test_functions_that_raise(open_duckdb_file: Any) -> None:
    """What a function raises for one organization is told, and the others are synced."""
    served = ServedRows({"acme": {NUMBERS: numbers([1])}, "globex": {NUMBERS: numbers([2])}})

    def listing(client: ContactshipClient) -> Listing[Any]:
        if client.organization == "globex":
            message = "no globex"
            raise LookupError(message)
        return client.phone_numbers.list()

    async with served.pool(max_concurrent=1) as pool:
        results = [result async for result in sync(pool, [listing, "phone_numbers"], open_duckdb_file.target)]

    assert [("acme", None), ("acme", None), ("globex", "LookupError"), ("globex", None)] == [
        (result.organization, result.error) for result in results
    ]
