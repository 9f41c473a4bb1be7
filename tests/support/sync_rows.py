"""Made-up rows of the listings that are synced: as a table keeps them, and as JSON that says the same in many ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final

import attrs
from attrs import frozen

from contactship_async import AnyListing, ContactshipClient, CursorListing, Listing, ListingDeclaration, WholeListing

Values = dict[str, Any]
"""What a row holds, by column: times as microseconds since 1970, nested values as JSON has them."""

Draw = Callable[[Random], Any]

MICROSECOND: Final = timedelta(microseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_FREE: Final = "custom_analysis_data"
"""The field of a call's analysis that holds fields of any names."""

_MOVABLE: Final = frozenset(
    {"call_record", "call_result", "campaign_id", "color", "direction", "disconnection_reason", "label", "name", "type"}
)
"""Fields that may hold any text, or None, but where a listing requires them."""

_TEXTS: Final = (
    *("", "a", "A", "a ", "null", "NULL", "\\N", "\\", "'", '"', "{}", "[]", "x\ty", "x\ny", "x\r\ny", "ü", "ü", "😀"),
    *("a,b", "%s", "$1", "?", "0", "1.0", "true", "-- x", "/*", "a\\u0000b", "a\0b", "\0", "2026-01-01T00:00:00Z"),
)


def as_kept(value: Any) -> Any:
    """Return what a database keeps of a JSON value: NUL characters, which PostgreSQL can't hold, are replaced."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [as_kept(item) for item in value]
    if isinstance(value, dict):
        return {as_kept(key): as_kept(item) for key, item in value.items()}
    return value


def _without_none(value: Any) -> Any:
    """Return objects of known fields, and those within, as they are kept: without fields that are None."""
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: item for name, item in value.items() if item is not None}
    return {name: item if name == _FREE else _without_none(item) for name, item in kept.items()}


def _text(random: Random) -> str:
    return random.choice(_TEXTS)


def _maybe(draw: Draw) -> Draw:
    return lambda random: None if random.random() < 0.3 else draw(random)  # often enough


def _one_of(*values: Any) -> Draw:
    return lambda random: random.choice(values)


def _flag(random: Random) -> bool:
    return random.random() < 0.5


def _free(depth: int) -> Draw:
    """Return what draws any JSON value, objects within objects."""

    def draw(random: Random) -> Any:
        kind = random.randrange(8 if depth else 6)
        if kind == 6:
            return [_free(depth - 1)(random) for _ in range(random.randrange(3))]
        if kind == 7:
            return {name: _free(depth - 1)(random) for name in random.sample(["a", "b", "ü", "k\0", ""], 2)}
        return (None, True, False, random.randrange(-3, 3), random.choice([0.5, -2.25, 1e-7]), _text(random))[kind]

    return draw


def _object(**fields: Draw) -> Draw:
    return lambda random: {name: draw(random) for name, draw in fields.items()}


def _moment(value: int) -> datetime:
    return EPOCH + value * MICROSECOND


def in_some_form(value: int, random: Random) -> str:
    """Write a time in one of the forms that say the same."""
    zone = random.choice([UTC, UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-5, minutes=-30))])
    moment = _moment(value)
    text = moment.astimezone(zone).isoformat(timespec="microseconds" if moment.microsecond else "auto")
    return text.replace("+00:00", "Z") if random.random() < 0.5 else text


def shuffled(value: Any, random: Random) -> Any:
    """Return a JSON value with the keys of its objects in another order."""
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    if isinstance(value, dict):
        return {key: shuffled(value[key], random) for key in random.sample([*value], len(value))}
    return value


def _loosened(value: Any, random: Random) -> Any:
    """Return an object of known fields, and those within, with None left out or not, and with fields nobody knows."""
    if isinstance(value, list):
        return [_loosened(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: item for key, item in value.items() if item is not None or random.random() < 0.5}
    loose = {key: item if key == _FREE else _loosened(item, random) for key, item in kept.items()}
    return shuffled({**loose, "unknown": random.randrange(9)}, random)


def _as_number(value: float, random: Random) -> Any:
    """Return a number as one, or as the text that some endpoints send."""
    number: Any = int(value) if value.is_integer() and random.random() < 0.5 else value
    return str(number) if random.random() < 0.3 else number


@frozen
class Field:
    """A field of a row.

    Args:
        name: That of the column.
        draw: Makes a value of it.
        write: Writes the value in one of the forms in which it may come; as it is without.
        json_name: The API's name, where that is another.
        is_fixed: Whether it never changes.
    """

    name: str
    draw: Draw
    write: Callable[[Any, Random], Any] | None = None
    json_name: str | None = None
    is_fixed: bool = False

    def kept(self, value: Any) -> Any:
        """Return what the column holds."""
        return as_kept(_without_none(value) if self.write is _loosened else value)


@frozen
class Row:
    """A row of a listing.

    Args:
        id: Of the row.
        created: What the listing is sorted by, in microseconds since 1970.
        values: All columns but the contents.
        contents: The columns that only come where they are asked for.
    """

    id: str | int
    created: int
    values: Values
    contents: Values = attrs.field(factory=dict)


@attrs.frozen
class Widget:
    """A row of a resource that this release does not know."""

    id: int
    made_at: datetime
    title: str | None = None
    size: int | None = None
    price: float | None = None
    is_active: bool | None = None
    seen_at: datetime | None = None
    details: dict[str, Any] | None = None
    sizes: list[int] | None = None


@attrs.frozen
class Agent:
    """A row of a listing that comes whole."""

    id: str
    name: str | None = None


@attrs.frozen
class Template:
    """A row of a listing that comes by cursor."""

    id: str
    text: str | None = None


@attrs.frozen
class Comment:
    """A row of a listing whose path names what it belongs to."""

    id: str
    created_at: datetime
    text: str | None = None


LARGEST_WHOLE: Final = 25
"""How many rows a listing that comes whole has at the most."""

_AGENTS: Final = ListingDeclaration("/v1/agents", Agent, sort_key=None, largest_page=LARGEST_WHOLE)
_TEMPLATES: Final = ListingDeclaration("/v1/templates", Template, sort_key=None)
_COMMENTS: Final = ListingDeclaration("/v1/contacts/{contact_id}/comments", Comment)


@frozen
class Kind:
    """A listing that can be synced.

    Args:
        table: The name of its table.
        path: Of its rows; where it has an identifier, `{}`.
        fields: Of its rows, but for the id and what they are sorted by.
        ask: Makes the listing: of a client, of the filters by the API's names, and of what stands in its path.
        sort_key: The field that rows are sorted by; None where they come in any order.
        filters: Parameters that choose rows, by the API's name, with a value, and the column that must hold it.
        contents: The fields that only come where they are asked for.
        retires: Whether a complete walk shows all rows.
        identifier: The name of what stands in the path.
        is_raw: Whether rows are dictionaries that are kept as they came.
        has_integer_ids: Whether ids are numbers.
        is_named: Whether the client has it as an attribute.
    """

    table: str
    path: str
    fields: Sequence[Field]
    ask: Callable[[ContactshipClient, Mapping[str, Any], str], AnyListing[Any]]
    sort_key: str | None = "created_at"
    filters: Mapping[str, tuple[str, str]] = {}
    contents: Sequence[Field] = ()
    retires: bool = True
    identifier: str | None = None
    is_raw: bool = False
    has_integer_ids: bool = False
    is_named: bool = False

    @property
    def columns(self) -> set[str]:
        """The columns that hold the row."""
        if self.is_raw:
            return {"id", "data"}
        sort_key = {self.sort_key} if self.sort_key else set()
        return {"id", *sort_key, *(field.name for field in self.fields), *(field.name for field in self.contents)}

    def draw(self, random: Random, number: int, created: int, organization_id: str) -> Row:
        """Make up a row, the *number*th of its organization."""
        identifier = number if self.has_integer_ids else f"{organization_id}-{number}"
        values = {field.name: field.draw(random) for field in self.fields}
        if "organization_id" in values:
            is_missing = self.table == "channels" and random.random() < 0.3
            values["organization_id"] = None if is_missing else organization_id
        contents = {field.name: field.draw(random) for field in self.contents}
        return Row(identifier, created, values, contents)

    def change(self, random: Random, row: Row) -> Row:
        """Make up another value of one of its fields, or move one from a field to another."""
        texts = [name for name in row.values if name in _MOVABLE]
        if len(texts) > 1 and random.random() < 0.2:
            one, other = random.sample(texts, 2)
            return attrs.evolve(row, values={**row.values, one: row.values[other], other: row.values[one]})
        field = random.choice([field for field in (*self.fields, *self.contents) if not field.is_fixed])
        changed = {field.name: field.draw(random)}
        if field in self.contents:
            return attrs.evolve(row, contents={**row.contents, **changed})
        return attrs.evolve(row, values={**row.values, **changed})

    def write(self, row: Row, random: Random, *, with_contents: bool) -> dict[str, Any]:
        """Return the row as JSON, in one of the forms that say the same."""
        written: dict[str, Any] = {"id": row.id}
        if self.sort_key is not None:
            # Of raw rows even the form is kept.
            written[self.sort_key] = in_some_form(row.created, Random(0) if self.is_raw else random)
        for field in (*self.fields, *(self.contents if with_contents else ())):
            value = {**row.values, **row.contents}[field.name]
            if value is None:
                if self.is_raw or random.random() < 0.5:
                    written[field.json_name or field.name] = None
            else:
                written[field.json_name or field.name] = field.write(value, random) if field.write else value
        return shuffled(written, random) if self.is_raw else {**shuffled(written, random), "unknown": random.random()}

    def kept(self, row: Row) -> Values:
        """Return the row as the table keeps it, without contents."""
        values = {field.name: field.kept(row.values[field.name]) for field in self.fields}
        if self.is_raw:
            created = in_some_form(row.created, Random(0))
            return {"id": str(row.id), "data": {"id": row.id, str(self.sort_key): created, **values}}
        return {"id": row.id, **({self.sort_key: row.created} if self.sort_key else {}), **values}

    def kept_contents(self, row: Row) -> Values:
        """Return the contents of the row as the table keeps them."""
        return {field.name: field.kept(row.contents[field.name]) for field in self.contents}


def _named(resource: str, names: Mapping[str, str] = {}) -> Callable[..., AnyListing[Any]]:
    """Return what asks a resource of the client."""

    def ask(client: ContactshipClient, filters: Mapping[str, Any], _: str) -> AnyListing[Any]:
        arguments = {names.get(name, name): value for name, value in filters.items()}
        listing: AnyListing[Any] = getattr(client, resource).list(**arguments)
        return listing

    return ask


def _declared(
    make: type[AnyListing[Any]], declaration: ListingDeclaration[Any], identifier: str | None = None
) -> Callable[..., AnyListing[Any]]:
    """Return what makes a listing of its declaration."""

    def ask(client: ContactshipClient, filters: Mapping[str, Any], owner: str) -> AnyListing[Any]:
        identifiers = {} if identifier is None else {identifier: owner}
        return make(declaration, client._caller, filters, identifiers=identifiers)

    return ask


_ANALYSIS: Final = _maybe(
    _object(
        call_summary=_maybe(_text),
        user_sentiment=_maybe(_text),
        custom_analysis_data=_maybe(_object(vip=_free(2), note=_free(1), **{"a key": _free(0)})),
        call_successful=_maybe(_flag),
        in_voicemail=_maybe(_flag),
        evaluation_results=_maybe(
            lambda random: [
                _object(
                    **{name: _maybe(_text) for name in ("key", "name")},
                    result=_maybe(_one_of("success", "failure", "made-up")),
                    rationale=_maybe(_text),
                    quote=_maybe(_text),
                    score=_maybe(_one_of(0.0, 1.0, 0.25)),
                )(random)
                for _ in range(random.randrange(3))
            ]
        ),
        summary=_maybe(_text),
        sentiment=_maybe(_text),
    )
)
_CONTACT: Final = _maybe(
    _object(
        id=_one_of("c-1", "c-2"),
        full_name=_maybe(_text),
        phone_number=_maybe(_one_of("+12025550142", "+12025550143")),
        email=_maybe(_text),
        country=_maybe(_text),
    )
)
_SAID: Final = _object(role=_one_of("agent", "user", None), content=_maybe(_text), words=_one_of(None, [1, "a"], []))
_TIME: Final = _one_of(1_790_000_000_000_000, 1_790_000_000_500_000, 1_790_000_000_500_001, 1_760_000_000_000_000)

OPEN_STATUSES: Final = ("in-progress", "in-queue", "scheduled")
"""Those of a call that has not ended."""

ENDED_STATUSES: Final = ("completed", "no-answer", "failed", "busy", "voice_mail", "answering-machine", "incomplete")

PHONE_NUMBERS: Final = Kind(
    "phone_numbers",
    "/v1/phone-numbers",
    (
        Field("phone_number", _one_of("+12025550142", "+12025550143", "+12025550144")),
        Field("type", _one_of("inbound", "outbound", "both ways")),
        Field("organization_id", _text, is_fixed=True),
    ),
    _named("phone_numbers"),
    is_named=True,
    filters={"type": ("inbound", "type")},
)
TAGS: Final = Kind(
    "tags",
    "/v1/tags",
    (
        Field("name", _maybe(_text)),
        Field("color", _maybe(_one_of("#1A73E8", "#000000"))),
        Field("label", _maybe(_one_of("vip", "", "old", "\0"))),
        Field("organization_id", _text, is_fixed=True),
        Field("updated_at", _maybe(_TIME), in_some_form),
    ),
    _named("tags"),
    is_named=True,
    filters={"label": ("vip", "label")},
)
CALLS: Final = Kind(
    "calls",
    "/v1/calls",
    (
        Field("direction", _maybe(_one_of("inbound", "outbound", "sideways"))),
        Field("from_number", _maybe(_one_of("+12025550142", "")), json_name="from"),
        Field("call_record", _maybe(_text)),
        Field("call_status", _one_of(*ENDED_STATUSES), is_fixed=True),
        Field("call_result", _maybe(_one_of("answered", "voicemail"))),
        Field("disconnection_reason", _maybe(_one_of("user_hangup", "made up"))),
        Field("start_at", _maybe(_TIME), in_some_form),
        Field("finished_at", _TIME, in_some_form, is_fixed=True),
        Field("duration", _maybe(_one_of(0.0, 12.0, 12.5, 0.1)), _as_number),
        Field("call_analysis", _ANALYSIS, _loosened),
        Field("type", _maybe(_one_of("api_call", "web_call"))),
        Field("agent_id", _maybe(_one_of("agent-1", "agent-2"))),
        Field("campaign_id", _maybe(_text)),
        Field("contact", _CONTACT, _loosened),
        Field("chat_history_with_tools", lambda _: None, is_fixed=True),
    ),
    _named("calls"),
    is_named=True,
    filters={"agent_id": ("agent-1", "agent_id"), "call_status": ("completed", "call_status")},
    contents=(
        Field("chat_history", _maybe(lambda random: [_SAID(random) for _ in range(random.randrange(3))]), _loosened),
        Field("transcript_format", _maybe(_one_of("json", "toon"))),
    ),
)
CHANNELS: Final = Kind(
    "channels",
    "/v1/channels",
    (
        Field("name", _maybe(_text)),
        Field("type", _maybe(_one_of("WABA", "INSTAGRAM", "PIGEON"))),
        Field("status", _maybe(_one_of("active", "inactive"))),
        Field("answer_method", _maybe(_one_of("manual", "auto"))),
        Field("organization_id", _text, is_fixed=True),
    ),
    _named("channels"),
    is_named=True,
    filters={"status": ("active", "status")},
)
WIDGETS: Final = Kind(
    "widgets",
    "/v1/widgets",
    (
        Field("title", _maybe(_text)),
        Field("size", _maybe(_one_of(0, -1, 2**40))),
        Field("price", _maybe(_one_of(0.1, 1.0, -1e300, 5e-324))),
        Field("is_active", _maybe(_flag)),
        Field("seen_at", _maybe(_TIME), in_some_form),
        Field("details", _maybe(_object(a=_free(2), b=_free(1))), shuffled),
        Field("sizes", _maybe(_one_of([], [1], [1, 2], [2, 1]))),
    ),
    lambda client, filters, _: client.list("/v1/widgets", Widget, params=filters, sort_key="made_at"),
    sort_key="made_at",
    filters={"title": ("a", "title")},
    has_integer_ids=True,
)
GADGETS: Final = Kind(
    "gadgets",
    "/v1/gadgets",
    (Field("name", _maybe(_text)), Field("any", _free(2), shuffled)),
    lambda client, filters, _: client.list("/v1/gadgets", params=filters),
    filters={"name": ("a", "name")},
    is_raw=True,
)
COMMENTS: Final = Kind(
    "contacts_comments",
    "/v1/contacts/{}/comments",
    (Field("text", _maybe(_text)),),
    _declared(Listing, _COMMENTS, "contact_id"),
    identifier="contact_id",
)
AGENTS: Final = Kind(
    "agents", "/v1/agents", (Field("name", _maybe(_text)),), _declared(WholeListing, _AGENTS), sort_key=None
)
TEMPLATES: Final = Kind(
    "templates",
    "/v1/templates",
    (Field("text", _maybe(_text)),),
    _declared(CursorListing, _TEMPLATES),
    sort_key=None,
    retires=False,
)
KINDS: Final = (PHONE_NUMBERS, TAGS, CALLS, CHANNELS, WIDGETS, GADGETS, COMMENTS, AGENTS, TEMPLATES)


def same(one: object, other: object) -> bool:
    """Return whether two JSON values are the same, where 1 is neither true nor 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
