"""The commands that are derived from the resources of the client, and from a resource that is made up."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from attrs import frozen
from raw_server import RawServer, response
from terminals_and_pipes import STYLING, run_in_terminal

from contactship_async import ConnectionFailedError, ContactshipClient, Page, WalkPosition
from contactship_async._cli import resources
from contactship_async._cli.app import app
from contactship_async._cli.output import Output
from contactship_async._cli.resources import derive_apps
from contactship_async._cli.table import find_folds, lay_out
from contactship_async.models.common import Model

COMMANDS = [
    (*resource.name, name) for resource in derive_apps(ContactshipClient) for name in resource if name[0] != "-"
]
LISTINGS = [command for command in COMMANDS if command[1].startswith("list")]

TAG = {
    "id": "tag-a217cf25-3be9-5767-0884-fd16636abf8c",
    "name": "VIP",
    "color": "#1A73E8",
    "label": "Who called more than three times in a week",
    "organization_id": "org-1",
    "created_at": "2026-01-15T10:00:00Z",
}


@frozen
class Part(Model):
    """What is in a thing."""

    name: str


@frozen
class Thing(Model):
    """A row with a value of each kind."""

    id: str
    label: str | None
    price: float | None
    is_new: bool
    extra: Mapping[str, Any]
    parts: Sequence[Part]
    created_at: datetime


THINGS = [
    Thing(
        id="th-1",
        label='a, "b" \n',
        price=1.5,
        is_new=True,
        extra={"a": [1, None]},
        parts=[Part("ü"), Part("x")],
        created_at=datetime(2026, 1, 15, tzinfo=UTC),
    ),
    Thing(
        id="th-2",
        label=None,
        price=None,
        is_new=False,
        extra={},
        parts=[],
        created_at=datetime(2026, 1, 16, 1, 2, 3, tzinfo=UTC),
    ),
]
RECORDS: list[dict[str, Any]] = [
    {
        "id": "th-1",
        "label": 'a, "b" \n',
        "price": 1.5,
        "is_new": True,
        "extra": {"a": [1, None]},
        "parts": [{"name": "ü"}, {"name": "x"}],
        "created_at": "2026-01-15T00:00:00Z",
    },
    {
        "id": "th-2",
        "label": None,
        "price": None,
        "is_new": False,
        "extra": {},
        "parts": [],
        "created_at": "2026-01-16T01:02:03Z",
    },
]
CELLS = [
    ["th-1", 'a, "b" \n', "1.5", "true", '{"a":[1,null]}', '[{"name":"ü"},{"name":"x"}]', "2026-01-15T00:00:00Z"],
    ["th-2", "", "", "false", "{}", "[]", "2026-01-16T01:02:03Z"],
]

given: dict[str, object] = {}


@frozen
class Cursor:
    """A listing without offsets, such as one by cursor; after its rows it may fail."""

    rows: Sequence[object]
    failure: Exception | None = None

    def prefetch(self, *, max_items: int | None = None) -> AbstractAsyncContextManager[Any]:
        """Offer the pages within `async with`."""
        return nullcontext(SimpleNamespace(pages=lambda: self._pages(max_items)))

    async def _pages(self, max_items: int | None) -> AsyncGenerator[Page[Any], None]:
        """Yield a page for each row."""
        for row in self.rows[:max_items]:
            yield Page((row,), None, 0, None)
        if self.failure is not None:
            raise self.failure

    async def count(self) -> int:
        """Count the rows."""
        return len(self.rows)


class Mood(Enum):
    """Choices."""

    GOOD = "good"
    BAD = "bad"


class Things:
    """A resource that is made up."""

    async def get(self, thing_id: str, *, deep: bool = True, wide: bool = False) -> Thing:
        """Fetch a thing.

        Args:
            thing_id: Of the thing.
            deep: Whether its parts are wanted.
            wide: Whether more is wanted.
        """
        given.update(thing_id=thing_id, deep=deep, wide=wide)
        if not thing_id:
            message = "thing_id must be a non-empty string, not ''"
            raise ValueError(message)
        if thing_id == "lost":
            message = "GET /v1/things failed"
            raise ConnectionFailedError(message)
        return THINGS[0]

    def list(  # noqa: PLR0913 - one argument for each kind of option
        self,
        *,
        channel_id: str,
        mood: Mood | None = None,
        kind: Literal["a", "b"] | None = None,
        since: date | None = None,
        most: int | None = None,
        filters: Sequence[Mapping[str, str]] | None = None,
        order_by: str | None = None,
    ) -> Cursor:
        """Return a listing.

        Args:
            channel_id: Of the channel, of which
                there are many.
            mood: Only of this mood.
            kind: Only of this kind.
            since: Only younger ones.
            most: Only so many parts.
            filters: What else.
            order_by: A field.
        """
        given.update(channel_id=channel_id, mood=mood, kind=kind, since=since, most=most, filters=filters)
        given["order_by"] = order_by
        if channel_id == "none":
            message = "channel_id must be that of a channel"
            raise ValueError(message)
        if channel_id == "odd":
            message = "there is no such channel"
            raise ValueError(message)
        failure = None
        if channel_id == "failing":
            failure = ConnectionFailedError("GET /v1/things failed")
            failure.position = WalkPosition(2, 2)
        return Cursor(THINGS, failure)

    def list_parts(self) -> Cursor:
        """Return a listing of dictionaries, the later ones with other keys."""
        return Cursor([{"id": "pa-1", "a": 1}, {"b\x1b": [2], "id": "pa-2"}])

    def list_nothing(self) -> Cursor:
        """Return an empty listing."""
        return Cursor([])

    async def list_all(self) -> Sequence[Thing]:
        """Return no listing."""
        raise NotImplementedError


class Client(ContactshipClient):
    """A client with one more resource, and with one that has nothing to list."""

    @property
    def new_things(self) -> Things:
        """The things of the organization."""
        return Things()

    @property
    def parts(self) -> Part:
        """Nothing to list or to get."""
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _made_up_resource(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give all clients, and the command line, the resource that is made up."""
    monkeypatch.setattr(ContactshipClient, "new_things", vars(Client)["new_things"], raising=False)
    for resource in derive_apps(Client, "new_things"):
        app.command(resource)
    given.clear()
    yield
    del app["new-things"]


@pytest.fixture
def organizations(tmp_path: Path) -> tuple[str, str]:
    """Write a file of two organizations, and return the option that names it."""
    file = tmp_path / "organizations.toml"
    file.write_text('acme = "ACME_KEY"\nglobex = "GLOBEX_KEY"\n')
    return ("--organizations", str(file))


KEYS = {"ACME_KEY": "sk-acme", "GLOBEX_KEY": "sk-globex"}
THINGS_LIST = ("new-things", "list", "--sandbox", "--channel-id", "ch-1")


def test_only_resources_have_commands() -> None:
    """Other names are not made up, and a resource without anything to list or to get has no commands."""
    with pytest.raises(AttributeError, match="has no attribute 'lost'"):
        resources.lost  # noqa: B018 - reading it raises

    assert "parts" not in [name for resource in derive_apps(Client) for name in resource.name]


def test_what_lists_counts() -> None:
    """Each listing has a command that counts it, but those by cursor, which have no count."""
    counting = {(resource, name.replace("list", "count")) for resource, name in LISTINGS}

    assert {("whatsapp", "count-templates")} == counting - {*COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_help_explains_each_option(call: Any, command: tuple[str, str]) -> None:
    """Each option of each command has a text, of its method's docstring or of the options that all share."""
    options = app[command[0]][command[1]].assemble_argument_collection()

    ended = await call(*command, "--help")

    assert (0, "") == (ended.code, ended.stderr)
    assert [] == [option.name for option in options if not option.parameter.help]
    assert [] == [option.name for option in options if option.name not in ended.output]
    assert "There is no option for the key" in " ".join(ended.output.split())


async def test_help_says_whose_the_rows_are(call: Any) -> None:
    """What is listed of one row is told from what is listed of the organization."""
    expected = {
        ("contacts", "list"): "List the contacts of your organization",
        ("contacts", "list-tags"): "List the tags of a contact of your organization",
        ("contacts", "count-comments"): "Count the comments of a contact of your organization",
        ("whatsapp", "list-templates"): "List the templates of a channel of your organization",
    }
    helped = {name: (await call(*name, "--help")).output.split("\n\n")[1] for name in expected}

    assert {name: f"{text}, or of many." for name, text in expected.items()} == {
        name: text.strip() for name, text in helped.items()
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_a_key_is_needed(call: Any, command: tuple[str, str]) -> None:
    """Without a key, each command is wrong usage, and says what to set."""
    options = app[command[0]][command[1]].assemble_argument_collection()
    needed = ["x" for option in options if option.required]

    ended = await call(*command, *needed, variables={"CONTACTSHIP_API_KEY": ""})

    assert (2, "") == (ended.code, ended.output)
    assert ended.stderr.startswith("contactship: no API key: set the environment variable CONTACTSHIP_API_KEY")


@pytest.mark.parametrize("command", LISTINGS, ids=" ".join)
async def test_an_empty_listing_has_its_noun_and_its_fields(call: Any, command: tuple[str, str]) -> None:
    """A table says what there is none of, a sheet has the fields of the model, and a count is zero, if one comes."""
    resource, listing = command
    needed = ["x" for option in app[resource][listing].assemble_argument_collection() if option.required]
    noun = listing.removeprefix("list").removeprefix("-") or resource
    counting = (resource, listing.replace("list", "count"))
    async with RawServer(response({"data": [], "count": 0})) as server:
        table, sheet, count = [
            await call(*arguments, *needed, url=server.url)
            for arguments in (command, (*command, "--format", "csv"), counting)
        ]

    assert (0, "", f"contactship: no {noun.replace('-', ' ')}\n") == (table.code, table.output, table.stderr)
    assert sheet.output.startswith("id,")
    assert ((0, "0\n", True) if counting in COMMANDS else (2, "", False)) == (
        *(count.code, count.output, count.stderr == ""),
    )


async def test_lists_tags(call: Any) -> None:
    """A field without a value is an empty cell and null; filters are sent by the API's names."""
    async with RawServer(response({"data": [TAG], "count": 1})) as server:
        array, sheet = [
            await call("tags", "list", "--name", "VI", "--order", "asc", "--format", format_, url=server.url)
            for format_ in ("json", "csv")
        ]
        target = server.requests[0].target

    assert [{**TAG, "updated_at": None}] == json.loads(array.output)
    assert [{**TAG, "updated_at": ""}] == list(csv.DictReader(sheet.output.splitlines()))
    assert "/v1/tags?limit=100&offset=0&order=asc&name=VI" == target


@pytest.mark.parametrize("columns", [80, 60, 30])
async def test_ids_are_never_broken(start: Any, columns: int) -> None:
    """Whatever the width, an id stands in one piece, nothing is lost, and columns without a value go first."""
    rows = [{**TAG, "id": f"{TAG['id']}-{n}"} for n in range(2)]
    async with RawServer(response({"data": rows, "count": 2})) as server:
        shown = STYLING.sub("", await run_in_terminal(start, "tags", "list", columns=columns, url=server.url))

    note, _, text = shown[shown.index("contactship: ") :].partition("org-1\n")
    lines = text.splitlines()
    assert "contactship: all of organization" == " ".join(note.split())
    assert ["id", "name", "color", "label", "created_at"] == [
        name for name in dict.fromkeys(text.split()) if name in {*TAG, "updated_at"}
    ]
    assert [f"{TAG['id']}-{n}" for n in range(2)] == [word for word in text.split() if word.startswith("tag-")]
    assert {"Who", "called", "more", "than", "three", "times", "in", "a", "week"} <= set(text.split())
    assert [] == [line for line in lines if len(line) > columns and not line.startswith("tag-")]
    assert (columns == 80) == any("─" in line for line in lines)


CALL = {
    "id": "7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11",
    "from": "+12025550142",
    "created_at": "2026-05-04T09:12:00Z",
    "call_analysis": {"call_summary": "Wants a callback on Friday.", "user_sentiment": "Neutral"},
    "contact": {"id": "5b8e1d6a-9f44-4c7e-b1a2-83c6d1f0aa07", "full_name": "Noor Haddad"},
    "chat_history": [{"role": "agent", "content": "Hello."}, {"role": "user", "content": "Hi there, who are you?"}],
}


@pytest.mark.parametrize("columns", [200, 120, 60])
@pytest.mark.parametrize("command", [("list",), ("get", "7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11")], ids=["list", "get"])
async def test_nested_values_at_a_terminal(start: Any, command: tuple[str, ...], columns: int) -> None:
    """An object in a cell is JSON without nulls, folded at its blanks only; each field of a call is named once."""
    async with RawServer(response({"data": [CALL], "count": 1} if command == ("list",) else CALL)) as server:
        shown = await run_in_terminal(start, "calls", *command, columns=columns, url=server.url)

    lines = STYLING.sub("", shown).splitlines()
    words = " ".join(lines).split()
    for nested in ("call_analysis", "contact", "chat_history"):
        assert 1 == words.count(nested)
        assert {*json.dumps(CALL[nested]).split()} <= {*words}
    assert 1 == words.count("from_number")
    assert "null" not in " ".join(words)
    assert max(len(line) for line in lines if "━" not in line) <= columns


async def test_prints_values_of_each_kind(call: Any) -> None:
    """Null is an empty cell, nested values are compact JSON in a cell and real JSON elsewhere, in the model's order."""
    array, lines, sheet, table = [
        await call(*THINGS_LIST, "--format", format_) for format_ in ("json", "jsonl", "csv", "table")
    ]

    assert [(0, "")] * 4 == [(ended.code, ended.stderr) for ended in (array, lines, sheet, table)]
    assert RECORDS == json.loads(array.output) == [json.loads(line) for line in lines.output.splitlines()]
    assert [[*RECORDS[0]], *CELLS] == list(csv.reader(sheet.output.splitlines(keepends=True)))
    header, _, first, second = table.output.splitlines()
    assert [*RECORDS[0]] == header.split()
    assert first.startswith(r'th-1   a, "b" \n   1.5     true     {"a":[1,null]}   [{"name":"ü"},{"name":"x"}]')
    assert ["th-2", "false", "{}", "[]", "2026-01-16T01:02:03Z"] == second.split()


async def test_prints_dictionaries(call: Any) -> None:
    """The columns are those of the first rows; what has none is named once, and stands in JSON."""
    command = ("new-things", "list-parts", "--sandbox", "--format")
    lines, sheet, table = [await call(*command, format_) for format_ in ("jsonl", "csv", "table")]
    empty = [await call("new-things", "list-nothing", "--sandbox", "--format", form) for form in ("csv", "table")]

    assert [{"id": "pa-1", "a": 1}, {"b\x1b": [2], "id": "pa-2"}] == [*map(json.loads, lines.output.splitlines())]
    assert "id,a\npa-1,1\npa-2,\n" == sheet.output
    assert (
        r"contactship: no columns for b\x1b, which the first rows lack; --format jsonl has all" "\n"
    ) == sheet.stderr
    assert [["id", "a", r"b\x1b"], ["pa-1", "1"], ["pa-2", "[2]"]] == [
        line.split() for line in table.output.splitlines() if "─" not in line
    ]
    assert [("", ""), ("", "contactship: no nothing\n")] == [(ended.output, ended.stderr) for ended in empty]


async def test_names_a_column_without_place_once(capfd: pytest.CaptureFixture[str]) -> None:
    """A field that comes with each later page is not reported with each."""
    output = Output("csv")

    for row in ({"id": 1}, {"id": 2, "a": 1}, {"id": 3, "a": 1}):
        await output.add([row])

    assert 1 == capfd.readouterr().err.count("no columns for a,")


async def test_arguments_are_those_of_the_method(call: Any) -> None:
    """Choices, dates, numbers, JSON and required options are read as the signature says; what is not given is None."""
    few = await call(*THINGS_LIST, "--limit", "1", "--format", "jsonl")
    none = {"mood": None, "kind": None, "since": None, "most": None, "filters": None, "order_by": None}
    assert {"channel_id": "ch-1", **none} == given
    options = ("--mood", "good", "--kind", "a", "--since", "2026-01-15", "--most", "3", "--order-by", "id")
    all_given = await call(*THINGS_LIST, *options, "--filters", '[{"a": "b"}]')

    assert (0, [RECORDS[0]]) == (few.code, [json.loads(line) for line in few.output.splitlines()])
    assert 0 == all_given.code
    assert {
        "channel_id": "ch-1",
        "mood": "good",
        "kind": "a",
        "since": date(2026, 1, 15),
        "most": 3,
        "filters": [{"a": "b"}],
        "order_by": "id",
    } == given


@pytest.mark.parametrize(
    ("arguments", "stderr"),
    [
        (("list", "--sandbox"), "--channel-id"),
        ((*THINGS_LIST[1:], "--mood", "sad"), "good"),
        ((*THINGS_LIST[1:], "--most", "1.5"), '"1.5" is not a whole number'),
        ((*THINGS_LIST[1:], "--filters", "{a"), "it is not JSON"),
        ((*THINGS_LIST[1:], "--offset", "1"), "--offset"),
        ((*THINGS_LIST[1:], "--exact"), "--exact"),
        (("count", "--channel-id", "ch-1", "--order-by", "id"), "--order-by"),
        (("list", "--sandbox", "--channel-id", "none"), "contactship: --channel-id must be that of a channel\n"),
        (("count", "--sandbox", "--channel-id", "none"), "contactship: --channel-id must be that of a channel\n"),
        (("list", "--sandbox", "--channel-id", "odd"), "contactship: there is no such channel\n"),
        (("get", "--sandbox", ""), "contactship: --thing-id must be a non-empty string, not ''\n"),
        (("get", "--sandbox"), "--thing-id"),
        (("get", "th-1", "--organizations", "some.toml"), "--organizations"),
        (("list-all",), '"list-all"'),
    ],
)
async def test_wrong_arguments_are_wrong_usage(call: Any, arguments: tuple[str, ...], stderr: str) -> None:
    """What the method refuses, and options that mean nothing for its listing, end with exit code 2 and one line."""
    ended = await call("new-things", *arguments)

    assert (2, "", 1) == (ended.code, ended.output, ended.stderr.count("\n"))
    assert stderr in ended.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--filters", "{}"), "--filters must be an array of JSON"),
        (("--filters", "[3]"), "--filters must be an array of objects with field, operator, value"),
        (
            ("--order-by", "status", "--exact"),
            "--exact and --concurrency above 1 do not go with --order-by: sorted by status, rows may change places",
        ),
    ],
)
async def test_wrong_arguments_of_tasks(call: Any, given: tuple[str, ...], told: str) -> None:
    """What the library says of its classes and arguments is said of JSON and options."""
    ended = await call("tasks", "list", "--sandbox", *given)

    assert (2, f"contactship: {told}") == (ended.code, ended.stderr.partition(";")[0].rstrip())


async def test_wrong_arguments_are_the_same_for_all_organizations(call: Any, organizations: tuple[str, str]) -> None:
    """They are reported once, not for each organization."""
    for command in ("list", "count"):
        ended = await call("new-things", command, "--channel-id", "none", *organizations, variables=KEYS)

        assert (2, "", "contactship: --channel-id must be that of a channel\n") == (
            ended.code,
            ended.output,
            ended.stderr,
        )


async def test_a_failure_without_offsets_gives_no_advice(call: Any, organizations: tuple[str, str]) -> None:
    """Where there is no --offset, none is recommended; what came before is printed."""
    command = ("new-things", "list", "--channel-id", "failing", "--format", "jsonl")
    alone = await call(*command, "--sandbox")
    both = await call(*command, *organizations, variables=KEYS)

    assert (1, "contactship: GET /v1/things failed\n") == (alone.code, alone.stderr)
    assert RECORDS == [json.loads(line) for line in alone.output.splitlines()]
    assert (1, 4) == (both.code, len(both.output.splitlines()))
    assert "contactship: acme: GET /v1/things failed\ncontactship: globex: GET /v1/things failed\n" == both.stderr


async def test_advice_after_a_single_row(call: Any) -> None:
    """The first row is called so, not a number of rows."""
    pages = [response({"data": [TAG], "count": 2}), response({"data": [], "count": 2}, status=400)]
    async with RawServer(*pages) as server:
        ended = await call("tags", "list", "--page-size", "1", "--format", "jsonl", url=server.url)

    assert 1 == ended.code
    assert ended.stderr.endswith("; to go on after the first, add --offset 1\n")


async def test_counts_each_organization(call: Any, organizations: tuple[str, str]) -> None:
    """The number alone is the same in each format; of many organizations there is a row for each."""
    alone = [
        await call("new-things", "count", "--sandbox", "--channel-id", "c", "--format", f) for f in ("json", "csv")
    ]
    both = await call("new-things", "count", "--channel-id", "c", *organizations, "--format", "json", variables=KEYS)

    assert [(0, "2\n", "")] * 2 == [(ended.code, ended.output, ended.stderr) for ended in alone]
    assert [{"organization": "acme", "count": 2}, {"organization": "globex", "count": 2}] == json.loads(both.output)


async def test_gets_an_object(call: Any, start: Any) -> None:
    """It is JSON in a pipe; as a table, it has a line for each field."""
    array = await call("new-things", "get", "th-1", "--sandbox", "--no-deep", "--wide")
    assert {"thing_id": "th-1", "deep": False, "wide": True} == given
    table = await call("new-things", "get", "--thing-id", "th-1", "--sandbox", "--format", "table")
    failed = await call("new-things", "get", "lost", "--sandbox")

    assert (0, RECORDS[0]) == (array.code, json.loads(array.output))
    assert {"thing_id": "lost", "deep": True, "wide": False} == given
    header, _, *lines = table.output.splitlines()
    assert ["field", "value"] == header.split()
    assert [*RECORDS[0]] == [line.split()[0] for line in lines]
    assert CELLS[0][4] == lines[4].split()[1]
    assert (1, "", "contactship: GET /v1/things failed\n") == (failed.code, failed.output, failed.stderr)


async def test_gets_the_object_of_each_organization(
    call: Any, monkeypatch: pytest.MonkeyPatch, organizations: tuple[str, str]
) -> None:
    """An object without an identifier is a row for each organization."""

    async def get(self: object) -> Part:
        return Part("x")

    monkeypatch.setattr("contactship_async.resources.credits.Credits.get", get)
    ended = await call("credits", "get", *organizations, variables=KEYS)

    assert [{"organization": "acme", "name": "x"}, {"organization": "globex", "name": "x"}] == json.loads(ended.output)


def test_times_are_folded_after_the_date_or_not_at_all() -> None:
    """A time that lacks a little room is not broken amid its seconds."""
    rows = [{"id": "x" * 30, "created_at": "2026-01-15T10:00:00Z"}]
    names = ["id", "created_at"]

    widths = [lay_out(rows, names, room, find_folds(rows, names)).widths["created_at"] for room in (51, 50, 42, 41)]

    assert [20, 11, 11, 20] == widths


def test_texts_are_folded_between_words() -> None:
    """What has no blank is in one piece, such as an id within a string, or within JSON."""
    cells = [
        {"text": "see pn-a217cf25-3be9 for it all", "json": '{"id": "ct-9f44", "name": "Noor Haddad"}', "number": "1"}
    ]
    names = ["text", "json", "number"]

    folds = find_folds(cells, names)
    layouts = [lay_out(cells, names, room, folds) for room in (80, 60, 34, 33)]

    assert {"text": len("pn-a217cf25-3be9"), "json": len('"ct-9f44",')} == {
        name: fold.least for name, fold in folds.items()
    }
    assert [(31, 40, 6), (26, 26, 6), (16, 10, 6), (31, 40, 6)] == [tuple(each.widths.values()) for each in layouts]
