"""Operations of the OpenAPI document, each from the declaration of its route."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from contactship_async.sandbox._api.envelopes import Envelope, describe_object, describe_page
from contactship_async.sandbox._api.fields import Field, Schema, as_object, example_of
from contactship_async.sandbox._api.routes import Route

_SOURCE: Final = "https://docs.contactship.ai/api-reference/endpoint"


def describe_operation(route: Route, envelope: Envelope) -> dict[str, Any]:
    """Describe a route, without the headers and errors that all routes share."""
    first, *others = words = route.slug.split("-")
    operation: dict[str, Any] = {
        "operationId": "".join((first, *map(str.capitalize, others))),
        "summary": " ".join(words).capitalize(),
        "tags": [route.path.split("/")[2].replace("-", " ").capitalize()],
        **({"security": []} if route.is_public else {"externalDocs": {"url": f"{_SOURCE}/{route.slug}"}}),
    }
    if parameters := [*_describe_identifiers(route), *map(_describe_parameter, route.parameters)]:
        operation["parameters"] = parameters
    if route.body:
        content = {"schema": as_object(*route.body), "example": example_of(*route.body)}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    media_type = route.returns if isinstance(route.returns, str) else "application/json"
    description = "A page." if route.paging else "Done."
    operation["responses"] = {
        str(route.status): {"description": description, "content": {media_type: _describe_success(route, envelope)}},
    }
    return operation


def describe_schemas(routes: Iterable[Route]) -> dict[str, Any]:
    """Describe the objects that routes return, by their names."""
    schemas = [route.returns for route in routes if isinstance(route.returns, Schema)]
    return {schema.name: {**as_object(*schema.fields), "example": example_of(*schema.fields)} for schema in schemas}


def _describe_success(route: Route, envelope: Envelope) -> dict[str, Any]:
    if isinstance(route.returns, str):
        return {}  # As OpenAPI 3.1 describes bytes: by their media type alone.
    if not isinstance(route.returns, Schema):
        return describe_object({"const": True}, example=True, status=route.status, envelope=envelope)
    value, example = {"$ref": f"#/components/schemas/{route.returns.name}"}, example_of(*route.returns.fields)
    if route.paging:
        return describe_page(value, example, route.paging.max_limit, envelope)
    return describe_object(value, example, route.status, envelope)


def _describe_identifiers(route: Route) -> list[dict[str, Any]]:
    schema = dict(route.identifier)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in route.identifiers]


def _describe_parameter(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "in": "query",
        "description": field.description,
        "schema": dict(field.schema),
        "example": field.example,
    }
