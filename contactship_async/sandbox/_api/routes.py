"""What a resource contributes: its endpoints, each declared once with its handler function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import unquote

from attrs import define, frozen

from contactship_async._http.messages import Request
from contactship_async.sandbox._api.envelopes import Shape
from contactship_async.sandbox._api.fields import Field, Schema, conforms, describe_allowed
from contactship_async.sandbox._api.pages import Rows
from contactship_async.sandbox._api.paging import CursorPaging, Paging, Whole
from contactship_async.sandbox._api.parsing import read_body, read_query
from contactship_async.sandbox._api.replies import Refusal

IDENTIFIER: Final = re.compile(r"\{(\w+)\}")
"""One in a path."""

ANY_IDENTIFIER: Final[Mapping[str, Any]] = {"type": "string", "minLength": 1}


@frozen
class Call:
    """A request that is allowed, as its route's declaration reads it.

    Args:
        path: The identifiers in the path, decoded, by their names.
        query: The parameters that were sent, or have a default.
        body: The declared fields that were sent.
        sent: The whole body as it arrived.
    """

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    sent: bytes = b""


Result: TypeAlias = Rows | Mapping[str, object] | Literal[True] | bytes
"""Rows, an object, or the `true` of a delete, around which the handler puts the envelope; or a file."""


@define(frozen=True, slots=False)
class Route:
    """One endpoint of a resource.

    Args:
        method: Upper case, such as `GET`.
        path: Percent-encoded, with identifiers in braces: `/v1/tags/{tagId}`.
        respond: Called with what was asked for; returns rows, an object or True, or raises `Refusal`.
        slug: The last part of the address of its page in the documentation, such as `list-tags`: names the operation.
        returns: An object, or of a listing each row; True for a delete; the media type of a file, such as `audio/wav`.
        paging: How the rows of a listing come; None for an object.
        query: The other parameters.
        body: The fields of the JSON object to be sent; none for an endpoint that takes no body.
        status: Of a response that is no error.
        heavy: Whether a request counts in the rate limit of heavy listings as well.
        identifier: The schema of the identifiers in the path.
        errors: What it may respond with and others can't: 403, 409 and 502, 404 where the path has no identifier, and
            400 where nothing that is sent is checked.
        shape: What is around the rows or the object, where it is not the usual.
        is_public: Whether it needs no key, and no request counts: so are addresses that are no part of the API, but
            stand in its responses.
    """

    method: str
    path: str
    respond: Callable[[Call], Result]
    slug: str
    returns: Schema | Literal[True] | str
    paging: Paging | CursorPaging | Whole | None = None
    query: tuple[Field, ...] = ()
    body: tuple[Field, ...] = ()
    status: int = 200
    heavy: bool = False
    identifier: Mapping[str, Any] = ANY_IDENTIFIER
    errors: tuple[int, ...] = ()
    shape: Shape = "usual"
    is_public: bool = False

    @property
    def parameters(self) -> tuple[Field, ...]:
        """All parameters of the query."""
        return (*(self.paging.fields if self.paging else ()), *self.query)

    @property
    def identifiers(self) -> list[str]:
        """The names of the identifiers in the path."""
        return IDENTIFIER.findall(self.path)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the decoded identifiers in a path by their names; None if it is another endpoint's."""
        match = self._pattern.fullmatch(path)
        return None if match is None else {name: unquote(value) for name, value in match.groupdict().items()}

    def read(self, request: Request, identifiers: Mapping[str, str]) -> Call:
        """Return what a request asks for, or raise `Refusal`."""
        for name, value in identifiers.items():
            if not conforms(self.identifier, value):
                raise Refusal(400, f"{name} must be {describe_allowed(self.identifier, name)}")
        query, body = read_query(self.parameters, request.query), read_body(self.body, request.body)
        return Call(identifiers, query, body, request.body or b"")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # Every second part is the name of an identifier.
        parts = enumerate(IDENTIFIER.split(self.path))
        return re.compile("".join(f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in parts))


@frozen
class Match:
    """The route of a request, and the identifiers in its path, decoded, by their names."""

    route: Route
    identifiers: Mapping[str, str]


def find_route(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """Return the route of a request; None if there is none."""
    method = "GET" if method == "HEAD" else method
    return next((match for match in _find_routes(routes, path) if match.route.method == method), None)


def refuse_path(routes: Iterable[Route], method: str, path: str) -> Refusal:
    """Return the refusal of a request that has no route: of its method, or of an unknown path."""
    allowed = [match.route.method for match in _find_routes(routes, path)]
    return refuse_method(allowed) if allowed else Refusal(404, f"Cannot {method} {path}")


def _find_routes(routes: Iterable[Route], path: str) -> list[Match]:
    """Return the routes of a path, whatever their methods; one without identifiers hides those with some (OpenAPI)."""
    routes = [*routes]
    if literal := [Match(route, {}) for route in routes if route.path == path]:
        return literal
    return [Match(route, identifiers) for route in routes if (identifiers := route.match(path)) is not None]


def refuse_method(allowed: Iterable[str]) -> Refusal:
    """Return the refusal of a method that a known path does not have."""
    names = [name for method in allowed for name in ((method, "HEAD") if method == "GET" else (method,))]
    return Refusal(405, "Method not allowed", {"allow": ", ".join(names)})
