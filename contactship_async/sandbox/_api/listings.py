"""What all listings share: their query parameters, their pages, and the two envelopes around a page.

The documentation exists in two revisions: the older answers `{"data", "count"}`, the newer
`{"statusCode", "data", "pagination"}` (https://docs.contactship.ai/api-reference/introduction).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from attrs import frozen

Envelope = Literal["count", "pagination"]

Query = Sequence[tuple[str, str]]
"""Names and values, decoded, in the order in which they arrived."""

ORDERS: Final = ("asc", "desc")
DEFAULT_ORDER: Final = "desc"

_MOST_DIGITS: Final = 18


class Refusal(Exception):  # noqa: N818 - not an error of the sandbox but an answer it gives
    """A resource refuses a request with an HTTP status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@frozen
class Window:
    """The part of a listing that a request asks for."""

    limit: int
    offset: int
    order: str


@frozen
class Listing:
    """One page: its rows as JSON, the rows of the whole listing counted, and the window it was cut from."""

    rows: Sequence[bytes]
    total: int
    window: Window

    def to_json(self, envelope: Envelope) -> bytes:
        """Write the page as the body of an answer."""
        data = b",".join(self.rows)
        if envelope == "count":
            return b'{"data":[%b],"count":%d}' % (data, self.total)
        # The documentation shows null for both where a listing is not cut into pages; limit=0 makes none either.
        page = total_pages = None
        if limit := self.window.limit:
            page = self.window.offset // limit + 1
            total_pages = -(-self.total // limit)
        pagination = {"page": page, "total_rows": self.total, "total_pages": total_pages}
        return b'{"statusCode":200,"data":[%b],"pagination":%b}' % (data, json.dumps(pagination).encode())


def read_window(query: Query, *, default_limit: int, max_limit: int) -> Window:
    """Read `limit`, `offset` and `order`; a limit above *max_limit* is silently lowered to it."""
    return Window(
        limit=min(_read_number(query, "limit", default_limit), max_limit),
        offset=_read_number(query, "offset", 0),
        order=read_choice(query, "order", ORDERS) or DEFAULT_ORDER,
    )


def read_choice(query: Query, name: str, allowed: tuple[str, ...]) -> str | None:
    """Read a parameter that takes one of *allowed*; None when it was not sent."""
    value = _read_once(query, name)
    if value is not None and value not in allowed:
        raise Refusal(400, f"{name} must be one of: {', '.join(allowed)}")
    return value


def _read_number(query: Query, name: str, default: int) -> int:
    text = _read_once(query, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise Refusal(400, f"{name} must be an integer >= 0")
    return int(text)


def _read_once(query: Query, name: str) -> str | None:
    values = [value for given, value in query if given == name]
    if len(values) > 1:
        raise Refusal(400, f"{name} must be given once")
    return values[0] if values else None


def describe_window(*, default_limit: int, max_limit: int) -> list[dict[str, Any]]:
    """Describe what `read_window` reads, as parameters of OpenAPI."""
    number = {"type": "integer", "minimum": 0, "maximum": 10**_MOST_DIGITS - 1}
    return [
        describe_parameter(
            "limit",
            f"How many to return at the most. More than {max_limit} is lowered to {max_limit}; 0 returns none.",
            {**number, "default": default_limit},
            example=2,
        ),
        describe_parameter("offset", "How many to skip.", {**number, "default": 0}, example=0),
        describe_parameter(
            "order",
            "Of the dates of creation: `desc` is the newest first.",
            {"type": "string", "enum": list(ORDERS), "default": DEFAULT_ORDER},
            example=DEFAULT_ORDER,
        ),
    ]


def describe_parameter(name: str, description: str, schema: dict[str, Any], *, example: object) -> dict[str, Any]:
    """Describe one optional parameter of the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


def describe_page(
    envelope: Envelope, rows: str, *, max_limit: int, examples: Sequence[Mapping[str, object]]
) -> dict[str, Any]:
    """Describe what `Listing.to_json` writes, as an answer of OpenAPI.

    Args:
        envelope: Of the answer.
        rows: The name of the rows' schema.
        max_limit: How many rows there are at the most.
        examples: All rows of a listing that is no longer than a page.
    """
    data = {"type": "array", "items": {"$ref": f"#/components/schemas/{rows}"}, "maxItems": max_limit}
    total = {"type": "integer", "minimum": 0, "description": "How many there are on all pages together."}
    properties: dict[str, Any]
    if envelope == "count":
        properties = {"data": data, "count": total}
        example = {"data": examples, "count": len(examples)}
    else:
        pages = {"type": ["integer", "null"], "minimum": 0}
        properties = {
            "statusCode": {"const": 200},
            "data": data,
            "pagination": {
                "type": "object",
                "properties": {
                    "page": {**pages, "minimum": 1, "description": "Counted from 1; null for a limit of 0."},
                    "total_rows": total,
                    "total_pages": {**pages, "description": "By the limit that was used; null for a limit of 0."},
                },
                "required": ["page", "total_rows", "total_pages"],
            },
        }
        pagination = {"page": 1, "total_rows": len(examples), "total_pages": 1}
        example = {"statusCode": 200, "data": examples, "pagination": pagination}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"description": "A page.", "content": {"application/json": {"schema": schema, "example": example}}}
