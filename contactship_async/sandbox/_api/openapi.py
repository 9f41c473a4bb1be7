"""The description of what the sandbox serves, as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html).

Each operation follows from its route; what all share is added here: the key, the errors, and the headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import evolve

from contactship_async._version import __version__
from contactship_async.sandbox._api.envelopes import Envelope
from contactship_async.sandbox._api.openapi_operations import describe_operation, describe_schemas
from contactship_async.sandbox._api.rate_limit import RateLimits
from contactship_async.sandbox._api.routes import ANY_IDENTIFIER, IDENTIFIER, Route

DOCUMENT_PATH: Final = "/openapi.json"

_DESCRIPTION: Final = """\
A pretend Contactship (https://docs.contactship.ai), served by contactship_async.

Without the key of an organization, the response is 401 on every path but that of this document. With it, the response
is 404 on an unknown path, and 405 with an `Allow` header to a method that the path does not have; HEAD is like GET,
without the body. Unknown parameters and fields are ignored; a parameter that is known must be given once.

Scripted faults may take the place of any response."""

_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_WRONG_METHOD: Final = 405
_CONFLICT: Final = 409
_RATE_LIMITED: Final = 429
_BAD_GATEWAY: Final = 502

_ERROR_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "statusCode": {"type": "integer", "minimum": 400, "maximum": 599},
        "message": {"type": "string"},
    },
    "required": ["statusCode", "message"],
}

_ERRORS: Final = {
    _BAD_REQUEST: ("BadRequest", "A parameter or a field of the body is not allowed.", "limit must be an integer >= 0"),
    _UNAUTHORIZED: ("Unauthorized", "There is no key, or it is unknown.", "Invalid or missing API key"),
    _FORBIDDEN: ("Forbidden", "The organization may not do this.", "This add-on is not enabled"),
    _NOT_FOUND: ("NotFound", "There is nothing of this name.", "Cannot GET /v1/nothing"),
    _WRONG_METHOD: ("MethodNotAllowed", "The path has no such method.", "Method not allowed"),
    _CONFLICT: ("Conflict", "Not in the present state.", "The call is not on the phone yet"),
    _RATE_LIMITED: (
        "TooManyRequests",
        "The budget of the minute is spent.",
        "Rate limit exceeded. Try again in 42 seconds.",
    ),
    500: ("InternalServerError", "Something broke; here only where a script says so.", "Internal Server Error"),
    _BAD_GATEWAY: ("BadGateway", "Meta is unavailable; here only where a script says so.", "Bad Gateway"),
}
_Header = tuple[str, str, dict[str, Any], object]
_COMMON_HEADERS: Final[dict[str, _Header]] = {
    "x-request-id": ("RequestId", "Identifies the response.", {"type": "string", "minLength": 1}, "sandbox-000001"),
}
_BUDGET_HEADERS: Final[dict[str, _Header]] = {
    "x-ratelimit-limit": ("RateLimit", "Requests in a minute.", {"type": "integer", "minimum": 1}, 120),
    "x-ratelimit-remaining": ("RateLimitRemaining", "How many are left.", {"type": "integer", "minimum": 0}, 119),
    "x-ratelimit-reset": ("RateLimitReset", "Seconds to the next minute.", {"type": "integer", "minimum": 0}, 42),
}
"""Of each window, whose suffix is added to their names."""

_HEADERS_OF_STATUS: Final[dict[int, dict[str, _Header]]] = {
    _WRONG_METHOD: {"allow": ("Allow", "The methods that it has.", {"type": "string"}, "GET, HEAD")},
    _RATE_LIMITED: {"retry-after": ("RetryAfter", "Seconds to wait.", {"type": "integer", "minimum": 0}, 42)},
}

_DOCUMENT_OPERATION: Final = {
    "operationId": "getOpenApi",
    "summary": "Describe the API",
    "description": "Returns this document. Needs no key, meets no faults, and is not counted.",
    "tags": ["Sandbox"],
    "security": [],
    "responses": {
        "200": {
            "description": "An OpenAPI document.",
            "content": {
                "application/json": {"schema": {"type": "object", "required": ["openapi", "info", "paths"]}},
            },
        },
    },
}


def build_document(routes: Sequence[Route], envelope: Envelope, limits: RateLimits) -> dict[str, Any]:
    """Describe what *routes* serve.

    Args:
        routes: The endpoints of all resources.
        envelope: The shape of pages.
        limits: Those in the headers of responses.
    """
    general = _headers_of(limits, heavy=False)
    by_route = [_COMMON_HEADERS if route.is_public else _headers_of(limits, heavy=route.heavy) for route in routes]
    headers = {name: header for each in (general, *by_route) for name, header in each.items()}
    errors = [status for status in _ERRORS if status != _RATE_LIMITED or _are_limited(headers)]
    for status in errors:
        headers |= _HEADERS_OF_STATUS.get(status, {})
    paths: dict[str, dict[str, object]] = {DOCUMENT_PATH: {"get": _DOCUMENT_OPERATION}}
    for route, headers_of_route in zip(_unify_paths(routes), by_route, strict=True):
        operation = describe_operation(route, envelope)
        for response in operation["responses"].values():
            response["headers"] = _refer(headers_of_route)
        for status in errors:
            if _may_be(status, route, headers_of_route):
                operation["responses"][str(status)] = (
                    {"$ref": f"#/components/responses/{_ERRORS[status][0]}"}
                    if headers_of_route == general
                    else _describe_error(status, headers_of_route)
                )
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.1",
        "info": {"title": "Contactship sandbox", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"ApiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
            "schemas": {"Error": _ERROR_SCHEMA, **describe_schemas(routes)},
            "headers": {
                name: {"description": description, "required": True, "schema": schema, "example": example}
                for name, description, schema, example in headers.values()
            },
            "responses": {_ERRORS[status][0]: _describe_error(status, general) for status in errors},
        },
    }


def _unify_paths(routes: Iterable[Route]) -> Iterator[Route]:
    """Yield the routes, with one path for those that differ in the names of identifiers alone: OpenAPI forbids two.

    Source: https://spec.openapis.org/oas/v3.1.1.html#path-templating-matching
    """
    paths: dict[str, str] = {}
    for route in routes:
        yield evolve(route, path=paths.setdefault(IDENTIFIER.sub("{}", route.path), route.path))


def _headers_of(limits: RateLimits, *, heavy: bool) -> dict[str, _Header]:
    """Return the headers that all responses of a route have."""
    headers = dict(_COMMON_HEADERS)
    for window in limits.windows(heavy=heavy):
        kind = window.suffix.removeprefix("-").capitalize()
        for name, (component, description, schema, example) in _BUDGET_HEADERS.items():
            headers[f"{name}{window.suffix}"] = (f"{kind}{component}", description, schema, example)
    return headers


def _are_limited(headers: Mapping[str, _Header]) -> bool:
    return headers.keys() != _COMMON_HEADERS.keys()


def _may_be(status: int, route: Route, headers: Mapping[str, _Header]) -> bool:
    """Return whether a route may respond with an error; never 405, as the path has the operation."""
    possible = {
        _BAD_REQUEST: bool(route.parameters or route.body or route.identifier != ANY_IDENTIFIER),
        _UNAUTHORIZED: not route.is_public,
        _NOT_FOUND: bool(route.identifiers),
        _WRONG_METHOD: False,
        _CONFLICT: False,
        _FORBIDDEN: False,
        _BAD_GATEWAY: False,
        _RATE_LIMITED: _are_limited(headers),
    }
    return status in route.errors or possible.get(status, True)


def _describe_error(status: int, headers: Mapping[str, _Header]) -> dict[str, object]:
    _, description, message = _ERRORS[status]
    schema = {"$ref": "#/components/schemas/Error"}
    example = {"statusCode": status, "message": message}
    return {
        "description": description,
        "headers": _refer({**headers, **_HEADERS_OF_STATUS.get(status, {})}),
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _refer(headers: Mapping[str, _Header]) -> dict[str, object]:
    return {name: {"$ref": f"#/components/headers/{header[0]}"} for name, header in headers.items()}
