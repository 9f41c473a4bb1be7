"""The responses of hostile servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from raw_server import Peer, Step, head, response

_HEADERS: Final = {
    "Set-Cookie": "session=hidden; Path=/",
    "X-Request-Id": "req-77",
    "X-Hidden": "Jane +12025550142",
    "WWW-Authenticate": 'Basic realm="hidden"',
}


def row(number: int = 0, **fields: Any) -> dict[str, Any]:
    """Make the row at place *number* of a listing, newest first, but for *fields*."""
    return {
        "id": f"pn-{number}",
        "phone_number": f"+1202555{142 + number:04}",
        "type": "inbound",
        "organization_id": "org-1",
        "created_at": f"2026-01-15T{23 - number // 60 % 24:02}:{59 - number % 60:02}:00Z",
        "label": "Jane hidden",
        **fields,
    }


def ids(number: int) -> list[str]:
    """Name the first rows of a listing."""
    return [f"pn-{place}" for place in range(number)]


def page(*rows: object, count: object = None, end: int = 0) -> bytes:
    """Write a response of *rows*, or of the first *end*, and their number if no *count* is given."""
    rows = rows or tuple(map(row, range(end)))
    return reply(older([*rows], len(rows) if count is None else count))


def older(rows: object, count: object) -> dict[str, Any]:
    """Make a page in the older envelope."""
    return {"data": rows, "count": count}


def newer(rows: object, count: object) -> dict[str, Any]:
    """Make a page in the newer envelope."""
    pagination = {"page": 1, "total_rows": count, "total_pages": 1}
    return {"statusCode": 200, "data": rows, "pagination": pagination}


ENVELOPES: Final = {"older": older, "newer": newer}
BROTLI_BOMB: Final = bytes.fromhex(
    "cbffff3ff82540e2b14020f7fe8fffff7ff04b00c4611180eefd1fffffffe0970088c30200ddfb3ffeffffc12f0110870500baf77f03"
)
"""32 MiB of blanks."""

ZSTD_BOMB: Final = bytes.fromhex("28b52ffda0000002005500001020200100fbff39c002") * 256
"""As many, in frames of 128 KiB."""

PAGE: Final = json.dumps(older([row()], 1)).encode()
CHUNKED: Final = {"Transfer-Encoding": "chunked"}


def reply(content: object = None, status: int = 200, /, **headers: str) -> bytes:
    """Write a complete response that holds all a server should keep to itself; `_` in a header's name becomes `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return response(content, status=status, headers={**_HEADERS, **named})


def refusal(status: int, /, **headers: str) -> bytes:
    """Write a complete refusal."""
    return reply({"message": "Jane (+12025550142) is hidden"}, status, **headers)


def compressed(body: bytes, encoding: str = "gzip") -> bytes:
    """Write a complete response whose *body* is said to be compressed."""
    return reply(body, Content_Encoding=encoding)


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n", **headers: str) -> bytes:
    """Write a response in chunks."""
    return reply_head(**headers, **CHUNKED) + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


def reply_head(status: int = 200, /, **headers: str) -> bytes:
    """Write the head of a response."""
    return head(status, {**_HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}})


def redirect(status: int, target: str = "{elsewhere}/v1/stolen", **headers: str) -> Step:
    """Point at another server."""

    async def send(peer: Peer) -> None:
        location = target.format(elsewhere=peer.elsewhere)
        await peer.send(reply(b"", status, Location=location, Refresh=f"0;{location}", **headers))

    return send


def listing(window: Callable[[int, int], tuple[Sequence[int], object]]) -> Step:
    """Respond from a listing: *window* takes offset and limit, and returns the places of the rows and the count."""

    async def send(peer: Peer) -> None:
        query = parse_qs(urlsplit(peer.requests[-1].target).query)
        places, count = window(int(query.get("offset", ["0"])[0]), int(query["limit"][0]))
        await peer.send(reply(older([*map(row, places)], count)))

    return send
