"""What is around a page or an object in a body: the two envelopes of the documentation.

The older revision sends pages as `{"data", "count"}` and objects bare; the newer sends
`{"statusCode", "data", "pagination"}` and `{"statusCode", "data"}`.

Source: https://docs.contactship.ai/api-reference/introduction
"""

from __future__ import annotations

import json
from typing import Any, Literal

from contactship_async.sandbox._api.pages import Page

Envelope = Literal["count", "pagination"]


def write_page(page: Page, envelope: Envelope) -> bytes:
    """Write a page as the body of a response."""
    data = b",".join(page.rows)
    if envelope == "count":
        return b'{"data":[%b],"count":%d}' % (data, page.total)
    # The documentation shows null for both where a listing is not cut into pages; limit=0 makes none either.
    number = total_pages = None
    if limit := page.window.limit:
        number = page.window.offset // limit + 1
        total_pages = -(-page.total // limit)
    pagination = {"page": number, "total_rows": page.total, "total_pages": total_pages}
    return b'{"statusCode":200,"data":[%b],"pagination":%b}' % (data, json.dumps(pagination).encode())


def write_object(value: object, status: int, envelope: Envelope) -> bytes:
    """Write a single object, or the `true` of a delete, as the body of a response."""
    return json.dumps(value if envelope == "count" else {"statusCode": status, "data": value}).encode()


def describe_page(row: dict[str, Any], example: object, max_limit: int, envelope: Envelope) -> dict[str, Any]:
    """Describe what `write_page` writes, in the words of OpenAPI.

    Args:
        row: The schema of a row.
        example: A row; the example of a page holds nothing else.
        max_limit: How many rows there are at the most.
        envelope: Of the response.
    """
    data = {"type": "array", "items": row, "maxItems": max_limit}
    total = {"type": "integer", "minimum": 0, "description": "How many there are on all pages together."}
    if envelope == "count":
        return _describe({"data": data, "count": total}, {"data": [example], "count": 1})
    page = {"type": ["integer", "null"], "minimum": 1, "description": "Counted from 1; null for a limit of 0."}
    pages = {**page, "minimum": 0, "description": "By the limit that was used; null for a limit of 0."}
    pagination = _as_object({"page": page, "total_rows": total, "total_pages": pages})
    shown = {"page": 1, "total_rows": 1, "total_pages": 1}
    return _describe(
        {"statusCode": {"const": 200}, "data": data, "pagination": pagination},
        {"statusCode": 200, "data": [example], "pagination": shown},
    )


def describe_object(value: dict[str, Any], example: object, status: int, envelope: Envelope) -> dict[str, Any]:
    """Describe what `write_object` writes, in the words of OpenAPI."""
    if envelope == "count":
        return {"schema": value, "example": example}
    return _describe({"statusCode": {"const": status}, "data": value}, {"statusCode": status, "data": example})


def _describe(properties: dict[str, Any], example: object) -> dict[str, Any]:
    return {"schema": _as_object(properties), "example": example}


def _as_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}
