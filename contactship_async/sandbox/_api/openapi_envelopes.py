"""What is around rows or an object in a body, in the words of OpenAPI: the schemas of what `envelopes` writes.

Each returns a schema and an example, which is what is written of the example of a row or an object.
"""

from __future__ import annotations

import json
from typing import Any

from contactship_async.sandbox._api.envelopes import Envelope, Shape, is_in_older_shape, write_object, write_rows
from contactship_async.sandbox._api.pages import CursorPage, Page, Rows, Window
from contactship_async.sandbox._api.paging import CursorPaging, Paging, Whole


def describe_rows(
    row: dict[str, Any], example: object, paging: Paging | CursorPaging | Whole, shape: Shape, envelope: Envelope
) -> dict[str, Any]:
    """Describe what `write_rows` writes.

    Args:
        row: The schema of a row.
        example: A row.
        paging: How the listing comes.
        shape: Of the endpoint.
        envelope: Of the response.
    """
    shown = [json.dumps(example).encode()]
    data: dict[str, Any] = {"type": "array", "items": row}
    if isinstance(paging, Whole):
        schema = _describe_whole(data, paging.field, shape, envelope)
        return {"schema": schema, "example": json.loads(write_rows(Rows(shown), shape, envelope, field=paging.field))}
    data["maxItems"] = paging.most_rows
    page: Rows
    if isinstance(paging, CursorPaging):
        page, schema = CursorPage(shown, before=None, after="1f"), _describe_cursor_page(data)
    else:
        page, schema = Page(shown, 1, Window(1, 0, "asc")), _describe_page(data, paging, shape, envelope)
    return {"schema": schema, "example": json.loads(write_rows(page, shape, envelope))}


def describe_object(
    value: dict[str, Any], example: object, status: int, shape: Shape, envelope: Envelope
) -> dict[str, Any]:
    """Describe what `write_object` writes."""
    schema = value
    if shape == "whatsapp":
        schema = _as_object({"success": {"const": True}, "message": {"type": "string"}, "data": value})
    elif not is_in_older_shape(shape, envelope):
        schema = _as_object({"statusCode": {"const": status}, "data": value})
    return {"schema": schema, "example": json.loads(write_object(example, status, shape, envelope))}


def _describe_whole(data: dict[str, Any], field: str, shape: Shape, envelope: Envelope) -> dict[str, Any]:
    if is_in_older_shape(shape, envelope):
        return data
    if field:
        total = {"type": "integer", "minimum": 0, "description": "How many there are."}
        data = _as_object({f"total_{field}": total, field: data})
    return _as_object({"statusCode": {"const": 200}, "data": data})


def _describe_page(data: dict[str, Any], paging: Paging, shape: Shape, envelope: Envelope) -> dict[str, Any]:
    total = {"type": "integer", "minimum": 0, "description": "How many there are on all pages together."}
    if is_in_older_shape(shape, envelope):
        return _as_object({"data": data, "count": total})
    null = f"null {paging.without_pages}."
    page = {"type": ["integer", "null"], "minimum": 1, "description": f"Counted from 1; {null}"}
    pages = {**page, "minimum": 0, "description": f"By the limit that was used; {null}"}
    pagination = _as_object({"page": page, "total_rows": total, "total_pages": pages})
    return _as_object({"statusCode": {"const": 200}, "data": data, "pagination": pagination})


def _describe_cursor_page(data: dict[str, Any]) -> dict[str, Any]:
    cursor = {"type": "string", "description": "Left out where nothing is."}
    cursors = {"type": "object", "properties": {"before": cursor, "after": cursor}}
    return _as_object({"success": {"const": True}, "data": data, "paging": _as_object({"cursors": cursors})})


def _as_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}
