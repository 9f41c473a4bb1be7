"""The resources of the client, found by its attributes, and calls of their methods over a transport that records."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from operator import attrgetter
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints
from urllib.parse import quote

from attrs import define, field
from endpoints import TABLE, Endpoint, Field, python_name
from made_up import Shape, argument_of, value_of

from contactship_async import ContactshipClient, Request, Response, RetryPolicy
from contactship_async._pagination.base import AnyListing
from contactship_async._pagination.listing import Listing

RESOURCES: Final[Mapping[str, type[Any]]] = {
    name: get_type_hints(member.fget)["return"]
    for name, member in vars(ContactshipClient).items()
    if isinstance(member, property) and ".resources." in get_type_hints(member.fget)["return"].__module__
}
"""The classes of the client's resources, by the names of its attributes."""

METHODS: Final[Mapping[str, Any]] = {
    f"{resource}.{name}": method
    for resource, cls in RESOURCES.items()
    for name, method in inspect.getmembers(cls, inspect.isfunction)
    if not name.startswith("_")
}
"""The functions that are public methods of resources, by names such as `tags.list`."""

NEWER: Final = ("F", "waba")
"""The envelopes in which rows may be within an object."""

IDENTIFIER: Final = "a/b ü?#%2F.."
"""One that would leave its segment of the path, were it not encoded."""


@define
class Recorder:
    """A transport that keeps the requests, and returns or raises one thing after the other, the last one for ever."""

    outcomes: Sequence[Response | Exception]
    requests: list[Request] = field(factory=list)

    async def transport(self, request: Request) -> Response:
        """Take the next request."""
        self.requests.append(request)
        outcome = self.outcomes[min(len(self.requests), len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def client(self, retry: RetryPolicy = RetryPolicy(initial_delay=0)) -> ContactshipClient:
        """Make a client that talks to this transport, and waits for nothing."""
        return ContactshipClient("key", transport=self.transport, retry=retry)


NEEDS_ANY: Final = frozenset({"agents.update"})
"""Methods that refuse to be called without any of their arguments, though none is required."""


@define(frozen=True, slots=False)
class Called:
    """A method of a resource, and the endpoint that it calls.

    Args:
        name: Such as `tags.list`.
        endpoint: As documented.
    """

    name: str
    endpoint: Endpoint

    @property
    def signature(self) -> inspect.Signature:
        """The signature of the method, without `self`; annotations are strings."""
        signature = inspect.signature(METHODS[self.name])
        return signature.replace(parameters=[*signature.parameters.values()][1:])

    @cached_property
    def shape(self) -> Shape | None:
        """The class of the object or row that it reads; None where it reads none."""
        returns = returns_of(self.name)
        model = get_args(returns)[0] if is_listing(returns) else returns
        return None if model is NoneType else Shape(model, self.endpoint.response_fields)

    def read(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return what rows of the server should be read as, as `in_json` has it."""
        assert self.shape is not None
        return [self.shape.read(row) for row in rows]

    @property
    def identifiers(self) -> list[str]:
        """Something for each identifier in its path."""
        return [IDENTIFIER + name for name in self.endpoint.identifiers]

    @property
    def path(self) -> str:
        """The path with `identifiers` in it."""
        return self.path_with(self.identifiers)

    def path_with(self, identifiers: Sequence[str]) -> str:
        """Return the path with *identifiers* in it, each within its segment."""
        values = iter(identifiers)
        segments = self.endpoint.path.split("/")
        return "/".join(quote(next(values), safe="") if "{" in segment else segment for segment in segments)

    @property
    def required(self) -> set[str]:
        """The parameters that have no default, but for identifiers."""
        return {python_name(one.name) for one in self.endpoint.arguments if one.required}

    def arguments(self, *, required_only: bool = False) -> dict[str, Any]:
        """Make up an argument for each parameter that is no identifier, or for those that it can't do without."""
        made_up = {python_name(one.name): argument_of(one) for one in self.endpoint.arguments}
        needed = self.required or ([*made_up][:1] if self.name in NEEDS_ANY else ())
        return {name: made_up[name] for name in (needed if required_only else made_up)}

    async def call(self, client: ContactshipClient, *identifiers: str, **arguments: Any) -> Any:
        """Call the method, and return what it read: of a listing, the rows of one page."""
        returned = attrgetter(self.name)(client)(*identifiers, **arguments)
        if isinstance(returned, Listing):
            return (await returned.page()).data
        if isinstance(returned, AnyListing):
            return tuple([row async for row in returned])
        return await returned

    async def call_simply(self, client: ContactshipClient) -> Any:
        """Call the method with what it can't do without."""
        return await self.call(client, *self.identifiers, **self.arguments(required_only=True))


CALLED: Final = [Called(row.method, row.endpoint) for row in TABLE]
"""All methods that have a row in the API table."""


@contextmanager
def told(case: str) -> Iterator[None]:
    """Note on an error which of the cases of a test it is about."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the case {case}")
        raise


@cache
def returns_of(name: str) -> Any:
    """Return the class of what a method returns; of a listing, with the class of its rows."""
    return get_type_hints(METHODS[name])["return"]


def is_listing(returns: Any) -> bool:
    """Return whether a method that is annotated to return this returns a listing."""
    origin = get_origin(returns)
    return isinstance(origin, type) and issubclass(origin, AnyListing)


def in_query(value: Any) -> str:
    """Return the text of a value in a query."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def query_of(fields: Sequence[Field]) -> dict[str, str]:
    """Return the query that made-up values of *fields* make."""
    return {one.name: in_query(value_of(one)) for one in fields}


def enveloped(shape: str, content: Any, rows_field: str = "") -> Response:
    """Return a response with *content* in an envelope: the rows, the object, or true.

    Rows are within an object if there is a *rows_field*, but in envelopes that are older than that.
    """
    if rows_field and shape in NEWER and isinstance(content, list):
        content = {f"total_{rows_field}": len(content), rows_field: content}
    rows = len(content) if isinstance(content, list) else None
    pagination = {} if rows is None else {"pagination": {"page": 1, "total_rows": rows, "total_pages": 1}}
    bodies = {
        "F": {"statusCode": 200, "data": content, **pagination},
        "D": {"data": content, "count": rows},
        "bare": content,
        "waba": {"success": True, "message": "ok", "data": content},
    }
    if shape == "none":
        return Response(status=204)
    return Response(status=200, body=json.dumps(bodies[shape]).encode())


def prefix_of(shape: str, endpoint: Endpoint) -> str:
    """Return the JSON path of the object, or of the first row, in an envelope."""
    within = f".{endpoint.rows_field}" if endpoint.rows_field and shape in NEWER else ""
    return ("" if shape == "bare" else f"data{within}") + "[0]" * endpoint.is_listing


def variants(called: Called, shape: str, contents: Mapping[str, Any]) -> Iterator[tuple[str, Response]]:
    """Yield a response for each of the contents, which are rows where the endpoint returns rows."""
    is_row = called.endpoint.is_listing
    for name, content in contents.items():
        yield name, enveloped(shape, [content], called.endpoint.rows_field) if is_row else enveloped(shape, content)
