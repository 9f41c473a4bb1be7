"""Operations of the OpenAPI document, each from the declaration of its route."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from contactship_async.sandbox._api.envelopes import NO_CONTENT, Envelope, choose_status
from contactship_async.sandbox._api.fields import Field, Schema, as_object, example_of
from contactship_async.sandbox._api.openapi_envelopes import describe_object, describe_rows
from contactship_async.sandbox._api.paging import Whole
from contactship_async.sandbox._api.routes import Route

_TAGS: Final = {"thread": "Threads", "waba": "WhatsApp"}
"""The resources that paths call otherwise."""

_SOURCE: Final = "https://docs.contactship.ai/api-reference/endpoint"


def describe_operation(route: Route, envelope: Envelope) -> dict[str, Any]:
    """Describe a route, without the headers and errors that all routes share."""
    first, *others = words = route.slug.split("-")
    operation: dict[str, Any] = {
        "operationId": "".join((first, *map(str.capitalize, others))),
        "summary": " ".join(words).capitalize(),
        "tags": [_name_tag(route.path)],
        **({"security": []} if route.is_public else {"externalDocs": {"url": f"{_SOURCE}/{route.slug}"}}),
    }
    if parameters := [*_describe_identifiers(route), *map(_describe_parameter, route.parameters)]:
        operation["parameters"] = parameters
    if route.body:
        content = {"schema": as_object(*route.body), "example": example_of(*route.body)}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    status = choose_status(route.status, route.shape, envelope)
    success: dict[str, Any] = {"description": _describe_paging(route)}
    if status != NO_CONTENT:
        media_type = route.returns if isinstance(route.returns, str) else "application/json"
        success["content"] = {media_type: _describe_success(route, envelope)}
    operation["responses"] = {str(status): success}
    return operation


def describe_schemas(routes: Iterable[Route]) -> dict[str, Any]:
    """Describe the objects that routes return, by their names."""
    schemas = [route.returns for route in routes if isinstance(route.returns, Schema)]
    return {schema.name: {**as_object(*schema.fields), "example": example_of(*schema.fields)} for schema in schemas}


def _describe_paging(route: Route) -> str:
    if route.paging is None:
        return "Done."
    return "All of them." if isinstance(route.paging, Whole) else "A page."


def _name_tag(path: str) -> str:
    collection = path.removeprefix("/api/integrations").removeprefix("/v1").split("/")[1]
    return _TAGS.get(collection) or collection.replace("-", " ").capitalize()


def _describe_success(route: Route, envelope: Envelope) -> dict[str, Any]:
    if isinstance(route.returns, str):
        return {}  # As OpenAPI 3.1 describes bytes: by their media type alone.
    if not isinstance(route.returns, Schema):
        return describe_object({"const": True}, True, route.status, route.shape, envelope)  # noqa: FBT003 - a body
    value, example = {"$ref": f"#/components/schemas/{route.returns.name}"}, example_of(*route.returns.fields)
    if route.paging:
        return describe_rows(value, example, route.paging, route.shape, envelope)
    return describe_object(value, example, route.status, route.shape, envelope)


def _describe_identifiers(route: Route) -> list[dict[str, Any]]:
    schema = dict(route.identifier)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in route.identifiers]


def _describe_parameter(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "in": "query",
        "required": field.required,
        "description": field.description,
        "schema": dict(field.schema),
        "example": field.example,
    }
