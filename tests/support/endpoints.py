"""The documented endpoints, from `tests/resources/endpoints.json`, and the rows of the API table that map them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from attrs import frozen
from msgspec import Struct
from msgspec.structs import replace

_TESTS: Final = Path(__file__).parents[1]

README: Final = (_TESTS.parent / "contactship_async" / "resources" / "README.md").read_text(encoding="utf-8")

PAGES: Final = "https://docs.contactship.ai/api-reference/endpoint/"
"""Where the page of each endpoint is, by its slug."""

WINDOW: Final = frozenset({"limit", "offset", "after"})
"""What a listing asks for by itself: none of it is an argument of a method."""

NOT_OFFERED: Final = frozenset({"transcript_format"})
"""The one documented parameter that no method has: transcripts are always JSON."""

_NAMES_IN_PYTHON: Final = {"from": "from_number"}
"""The names that Python forbids, and what they are there."""


@cache
def python_name(name: str) -> str:
    """Return the name in Python of a parameter or a field, `phone_number` for `phoneNumber`."""
    return _NAMES_IN_PYTHON.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Field(Struct, frozen=True):
    """A parameter of the query, or a field of a body or of a response."""

    name: str
    type: str
    required: bool = False
    format: str | None = None
    enum: tuple[str, ...] | None = None
    items: str | None = None
    min: float | None = None
    nullable: bool = False
    optional: bool = False
    accept_null: bool = False
    open_enum: bool = False
    fields: tuple[Field, ...] = ()

    @property
    def is_never_missing(self) -> bool:
        """Whether the documentation says that a response always has it, and not as null."""
        return not (self.nullable or self.optional or self.accept_null)


class Endpoint(Struct, frozen=True):
    """One documented endpoint. Of an object with rows and their number, it says what a row is: see `rows_field`."""

    slug: str
    method: str
    host: str
    path: str
    query: tuple[Field, ...]
    body: tuple[Field, ...]
    response_fields: tuple[Field, ...]
    response_is: str
    envelope: str
    envelope_older: str | None
    paginated: str
    max_limit: int | None
    safe_to_repeat: bool
    safe_if: str | None
    documented_retry_statuses: tuple[int, ...]
    statuses: tuple[int, ...]
    success_statuses: tuple[int, ...]
    rows_field: str = ""

    @property
    def harmless_statuses(self) -> set[int]:
        """The failures of the server after which the page says that it is safe to repeat."""
        return {status for status in self.documented_retry_statuses if status >= 500}

    @property
    def may_be_repeated(self) -> bool:
        """Whether it is safe to repeat, at least as its method sends it."""
        return self.safe_to_repeat or self.safe_if is not None

    @property
    def is_listing(self) -> bool:
        """Whether it returns rows."""
        return self.response_is == "rows"

    @property
    def identifiers(self) -> list[str]:
        """The names in Python of the identifiers in its path."""
        collection = self.path.split("/")[2]
        names = re.findall(r"\{(\w+)\}", self.path)
        return [f"{collection.removesuffix('s')}_id" if name == "id" else python_name(name) for name in names]

    @property
    def parameters(self) -> list[Field]:
        """The parameters of its query that are arguments of a method."""
        hidden = NOT_OFFERED | (WINDOW if self.paginated != "no" else frozenset())
        return [field for field in self.query if field.name not in hidden]

    @property
    def arguments(self) -> list[Field]:
        """All that a method can be given by keyword."""
        return [*self.parameters, *self.body]


_PARTS_OF_TEMPLATES: Final = (
    Field("type", "string", enum=("HEADER", "BODY", "FOOTER", "BUTTONS"), optional=True),
    Field("format", "string", optional=True),
    Field("text", "string", optional=True),
    Field("buttons", "array", optional=True, fields=(Field("type", "string"),)),
)
"""What `endpoints.json` calls "Meta's own objects", with their types in a note.

Source: https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/components
"""


def _complete(endpoint: Endpoint) -> Endpoint:
    """Add what is in the parts of templates."""
    fields = tuple(
        replace(field, fields=_PARTS_OF_TEMPLATES) if field.name == "components" else field
        for field in endpoint.response_fields
    )
    return replace(endpoint, response_fields=fields)


def _find_rows(endpoint: Endpoint) -> Endpoint:
    """Take an endpoint that returns `{"total_comments": ..., "comments": [...]}` for the listing that it is."""
    names = [field.name for field in endpoint.response_fields]
    if len(names) != 2 or names[0] != f"total_{names[1]}":
        return endpoint
    fields = endpoint.response_fields[1].fields
    return replace(endpoint, response_is="rows", response_fields=fields, rows_field=names[1])


ENDPOINTS: Final = tuple(
    _find_rows(_complete(endpoint))
    for endpoint in msgspec.json.decode(
        (_TESTS / "resources" / "endpoints.json").read_bytes(), type=tuple[Endpoint, ...]
    )
)
"""All documented endpoints."""

_BY_SLUG: Final[Mapping[str, Endpoint]] = {endpoint.slug: endpoint for endpoint in ENDPOINTS}

_DEFAULT_HOST: Final = "https://api.contactship.ai"


@frozen
class TableRow:
    """A row of the API table.

    Args:
        call: Such as `GET /v1/tags`; with the host, if it is another one than that of all others.
        link: The documentation of the endpoint.
        method: Such as `tags.list`.
        parameters: Those of the method, in order.
        returns: What the method returns.
        budget: Which rate limit it counts in.
        repeated: When it is sent again.
    """

    call: str
    link: str
    method: str
    parameters: tuple[str, ...]
    returns: str
    budget: str
    repeated: str

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that the row is about."""
        slug = self.link.removeprefix(PAGES)
        assert slug in _BY_SLUG, f"tests/resources/endpoints.json lacks {slug}: add what its page says of {self.call}"
        return _BY_SLUG[slug]


def call_of(endpoint: Endpoint) -> str:
    """Return what the table calls an endpoint."""
    return f"{endpoint.method} {endpoint.host.removeprefix(_DEFAULT_HOST)}{endpoint.path}"


_ROW: Final = re.compile(
    r"^\| \[`(?P<call>[^\]]+)`\]\((?P<link>[^)]+)\) "
    r"\| `client\.(?P<method>[\w.]+)\((?P<parameters>[^)]*)\)` "
    r"\| `(?P<returns>[^`]+)` \| (?P<budget>\w+) \| (?P<repeated>[^|]+) \|$",
    re.MULTILINE,
)


def _read_row(found: Mapping[str, str]) -> TableRow:
    return TableRow(
        call=found["call"].replace("` `", ""),  # An address in two pieces, between which a browser can break it.
        link=found["link"],
        method=found["method"],
        parameters=tuple(filter(None, found["parameters"].split(", "))),
        returns=found["returns"],
        budget=found["budget"],
        repeated=found["repeated"],
    )


TABLE: Final = [_read_row(match.groupdict()) for match in _ROW.finditer(README)]
"""The rows of the API table, in order."""
