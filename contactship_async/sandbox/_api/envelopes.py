"""What is around rows or an object in a body: the envelopes of the documentation.

The older revision sends pages as `{"data", "count"}`, and rows that come whole and objects bare; the newer sends
`{"statusCode", "data", "pagination"}` and `{"statusCode", "data"}`. What is about WhatsApp has an envelope of its own.

Source: https://docs.contactship.ai/api-reference/introduction
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from contactship_async.sandbox._api.pages import CursorPage, Page, Rows

Envelope = Literal["count", "pagination"]

Shape = Literal["usual", "empty", "wrapped", "whatsapp"]
"""What one endpoint sends. `usual` is as above; where that is the older one, `empty` sends nothing at all (204), and
`wrapped` the newer, as none is older. `whatsapp`, in both: `{"success", "message", "data"}`, and pages as `{"success",
"data", "paging"}`."""

_MESSAGE: Final = "Enviado correctamente"
"""What is said of what was sent over WhatsApp: in Spanish, as the documentation shows it."""

NO_CONTENT: Final = 204


def choose_status(status: int, shape: Shape, envelope: Envelope) -> int:
    """Return the status of a response that is no error: *status*, but where nothing is sent."""
    return NO_CONTENT if shape == "empty" and envelope == "count" else status


def write_rows(rows: Rows, shape: Shape, envelope: Envelope, *, field: str = "") -> bytes:
    """Write rows of a listing as the body of a response.

    Args:
        rows: What is sent.
        shape: Of the endpoint.
        envelope: Of the response.
        field: Where rows that come whole are in the newer envelope: in this field of `data`, beside their number in a
            `total_` of that name; empty where `data` is the rows.
    """
    data = b"[%b]" % b",".join(rows.rows)
    if isinstance(rows, CursorPage):
        return b'{"success":true,"data":%b,"paging":%b}' % (data, json.dumps(_show_cursors(rows)).encode())
    is_older = is_in_older_shape(shape, envelope)
    if isinstance(rows, Page):
        if is_older:
            return b'{"data":%b,"count":%d}' % (data, rows.total)
        return b'{"statusCode":200,"data":%b,"pagination":%b}' % (data, json.dumps(_show_pagination(rows)).encode())
    if is_older:
        return data
    if field:
        data = b'{"total_%b":%d,"%b":%b}' % (name := field.encode(), len(rows.rows), name, data)
    return b'{"statusCode":200,"data":%b}' % data


def write_object(value: object, status: int, shape: Shape, envelope: Envelope) -> bytes:
    """Write a single object, or the `true` of a delete, as the body of a response."""
    if choose_status(status, shape, envelope) == NO_CONTENT:
        return b""
    if shape == "whatsapp":
        value = {"success": True, "message": _MESSAGE, "data": value}
    elif not is_in_older_shape(shape, envelope):
        value = {"statusCode": status, "data": value}
    return json.dumps(value).encode()


def is_in_older_shape(shape: Shape, envelope: Envelope) -> bool:
    """Return whether an endpoint sends what it sent before the newer envelope."""
    return envelope == "count" and shape != "wrapped"


def _show_cursors(page: CursorPage) -> dict[str, Any]:
    cursors = {"before": page.before, "after": page.after}
    return {"cursors": {name: cursor for name, cursor in cursors.items() if cursor is not None}}


def _show_pagination(page: Page) -> dict[str, Any]:
    # The documentation shows null for both where a listing is not cut into pages; limit=0 makes none either.
    number = total_pages = None
    if page.window.is_page and (limit := page.window.limit):
        number = page.window.offset // limit + 1
        total_pages = -(-page.total // limit)
    return {"page": number, "total_rows": page.total, "total_pages": total_pages}
