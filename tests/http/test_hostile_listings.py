"""Servers whose HTTP is sound and whose listings are not: wrong types, and pages that do not make up the listing.

As in `test_hostile_server.py`, a case is a line. Whatever such a server does, a walk yields all rows or raises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from hostile import Case, case, each_of, try_out, walk
from hostile_responses import ENVELOPES, ids, listing, page, refusal, reply, row
from raw_server import close

from contactship_async import ConnectionFailedError, MalformedResponseError, PaginationError, ServerError

TEXT = "expected a non-empty string"
NO_ROWS: list[Any] = [None, {}, "", 0, False, 1.5, "pn-1", {"0": row()}, {"data": [row()]}]
NO_COUNTS: list[Any] = [-1, 1.5, 0.5, "1.0", " 1 ", "", True, [1], {}, 1e300]
NO_PAGES: list[Any] = [
    None,
    True,
    0,
    1.5,
    "",
    "data",
    [None],
    {},
    {"count": 1},
    {"items": [], "count": 1},
]
NO_PAGINATIONS: list[Any] = [
    0,
    "",
    [],
    {},
    {"total": 1},
    {"total_rows": None},
    {"total_rows": "one"},
    {"total_rows": -1},
]
NO_ROW: list[Any] = [None, [], "x", 1, True, {}]
NO_FIELDS: dict[str, tuple[str, list[Any]]] = {
    "id": (TEXT, [None, 5, True, 1.5, ["x"], {}, ""]),
    "phone_number": (TEXT, [None, 12025550142, "", ["+12025550142"]]),
    "organization_id": (TEXT, [None, 1, [], ""]),
    "type": ("expected a string", [None, 1, [], {}, True]),
    "created_at": (
        "expected a date and time",
        [
            *(None, "", 0, 1768471200, "1768471200", "yesterday", [], {}, "2026-02-30T00:00:00Z", "\0", "9" * 5000),
            *("0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-01-01T00:00:00+99:99", "2026-01-01T25:00:00Z"),
        ],
    ),
}
DATES = [
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-15T10:00:00.123456789Z"),
    *("2026-01-15 10:00:00+00", "2026-01-15T10:00:00", "2026-01-15", "2026-W03-4"),
]


def short(content: object) -> str:
    """Name a case by its content."""
    return json.dumps(content)[:40]


MALFORMED = MalformedResponseError
SHAPES = [
    *(case(f"{short(content)}", reply(content), "LIST", MALFORMED) for content in NO_PAGES),
    *(
        case(f"{name} envelope, {what} {short(value)}", reply(envelope(*args)), "LIST", MALFORMED)
        for name, envelope in ENVELOPES.items()
        for what, args, value in [
            *(("rows", (rows, 1), rows) for rows in NO_ROWS),
            *(("count", ([], count), count) for count in NO_COUNTS),
        ]
    ),
    *(case(f"pagination {short(p)}", reply({"data": [], "pagination": p}), "LIST", MALFORMED) for p in NO_PAGINATIONS),
    *(
        case(
            f"{name} envelope, {field} {short(value)}",
            reply(envelope([row(0), row(1, **{field: value}), row(2)], 3)),
            "WALK",
            MALFORMED,
            came=1,
            in_text=f"data[1].{field}: {problem}",
        )
        for name, envelope in ENVELOPES.items()
        for field, (problem, values) in NO_FIELDS.items()
        for value in values
    ),
    *(case(f"row {short(each)}", page(row(0), each), "WALK", MALFORMED, came=1) for each in NO_ROW),
    *(case(f"created_at {date}", page(row(created_at=date)), "WALK", ids(1)) for date in DATES),
    *(
        case(f"no count: {json.dumps(each)}", reply(each), "WALK", ids(1), 5)
        for each in ([row()], {"data": [row()]}, {"data": [row()], "count": None})
    ),
    case("type of the future", page(row(type="whatsapp")), "WALK", ids(1)),
]

N = range(22)
ALL = ids(22)
WRONG = PaginationError
FAILED = ConnectionFailedError
Window = Callable[[int, int], tuple[Sequence[int], object]]


def cut(offset: int, limit: int) -> range:
    """Return the places that an honest server lists."""
    return N[offset : offset + limit]


# A window, and what comes of a walk, of an exact one, and of a concurrent one: all rows or an error, the requests (at
# the most, where they are concurrent), and how many rows came before the error.
LISTINGS: Mapping[str, tuple[Window, *tuple[tuple[Any, ...], ...]]] = {
    "honest": (lambda o, n: (cut(o, n), 22), (ALL, 5), (ALL, 7), (ALL, 6)),
    "ignores offset": (lambda _, n: (cut(0, n), 22), (WRONG, 3, 5), (WRONG, 19, 5), (WRONG, 19, 5)),
    "ignores offset and limit": (lambda *_: (N, 22), (ALL, 1), (ALL, 3), (ALL, 3)),
    "ignores limit": (lambda o, _: (N[o:], 22), (ALL, 1), (ALL, 2), (ALL, 2)),
    "caps limit at 4": (lambda o, n: (cut(o, min(n, 4)), 22), (ALL, 6), (ALL, 11), (ALL, 8)),
    "caps limit at 1": (lambda o, _: (cut(o, 1), 22), (ALL, 22), (WRONG, 7, 1), (ALL, 24)),
    "returns 2 more": (lambda o, n: (cut(o, n + 2), 22), (ALL, 4), (ALL, 5), (ALL, 4)),
    "returns 1 less": (lambda o, n: (cut(o, n - 1), 22), (ALL, 6), (ALL, 11), (ALL, 8)),
    "sends no count": (lambda o, n: (cut(o, n), None), (ALL, 8), (ALL, 10), (ALL, 8)),
    "no count, ignores offset": (lambda _, n: (cut(0, n), None), (WRONG, 20, 5), (WRONG, 20, 5), (WRONG, 20, 5)),
    "no count, ignores offset, sends 3": (lambda *_: (N[:3], None), (ids(3), 4), (WRONG, 20, 3), (ids(3), 4)),
    "no count, ignores limit and offset": (lambda *_: (N, None), (ALL, 4), (ALL, 3), (ALL, 3)),
    "no count, caps limit at 4": (lambda o, n: (cut(o, min(n, 4)), None), (ALL, 10), (ALL, 13), (ALL, 9)),
    "no count, caps limit at 1": (lambda o, _: (cut(o, 1), None), (WRONG, 9, 1), (WRONG, 9, 1), (WRONG, 9, 1)),
    "no count from 5 on": (lambda o, n: (cut(o, n), None if o else 22), (MALFORMED, 2, 5), (ALL, 9), (ALL, 9)),
    "count after the first page": (lambda o, n: (cut(o, n), 22 if o else None), (ALL, 9), (ALL, 9), (ALL, 9)),
    "counts too many": (lambda o, n: (cut(o, n), 100), (WRONG, 6, 22), (WRONG, 11, 22), (WRONG, 13, 22)),
    "counts too few": (lambda o, n: (cut(o, n), 13), (ALL, 6), (ALL, 8), (ALL, 7)),
    "counts the page": (lambda o, n: (cut(o, n), len(cut(o, n))), (ids(5), 1), (ALL, 8), (ALL, 7)),  # consistent
    "counts none": (lambda o, n: (cut(o, n), 0), (ALL, 6), (ALL, 8), (ALL, 7)),
    "counts what is left": (lambda o, n: (cut(o, n), 22 - o), (WRONG, 1002, 5), (ALL, 10), (ALL, 7)),
    "counts up": (lambda o, n: (cut(o, n), 22 + o), (WRONG, 6, 22), (WRONG, 11, 22), (WRONG, 13, 22)),
    "counts 10**18": (lambda o, n: (cut(o, n), 10**18), (WRONG, 6, 22), (WRONG, 11, 22), (WRONG, 13, 22)),
    "offset is a page": (lambda o, n: (cut(o * n, n), 22), (WRONG, 2, 5), (WRONG, 19, 5), (WRONG, 30, 5)),
    "offset counts from 1": (lambda o, n: (cut(max(o - 1, 0), n), 22), (ALL, 6), (ALL, 8), (ALL, 7)),
    "skips a row": (lambda o, n: (cut(o + (o > 0), n), 22), (WRONG, 6, 21), (WRONG, 19, 5), (WRONG, 30, 5)),
    "filters after limit": (
        lambda o, n: (cut(o, n)[1 - o % 2 :: 2], 11),
        (WRONG, 12, 11),
        (WRONG, 7, 2),
        (WRONG, 8, 3),
    ),
    "empty from 10 on": (lambda o, n: (cut(o, n * (o < 10)), 22), (WRONG, 3, 10), (WRONG, 23, 14), (WRONG, 38, 14)),
    "empty": (lambda *_: ([], 22), (WRONG, 1), (WRONG, 4), (WRONG, 4)),
    "wraps": (lambda o, n: ([(o + i) % 22 for i in range(n)], 22), (WRONG, 7, 22), (WRONG, 7, 20), (WRONG, 27, 22)),
    "random pages": (lambda o, n: (Random(o).sample(N, n), 22), (WRONG, 12, 22), (WRONG, 1), (WRONG, 40, 22)),
    "alternates": (lambda o, n: (cut(o * (1 - o % 2), n), 22), (WRONG, 3, 5), (WRONG, 19, 5), (ALL, 9)),
    "one row for ever": (lambda _, n: ([0] * n, 22), (WRONG, 3, 1), (WRONG, 6, 1), (WRONG, 18, 1)),
}
HOW: dict[str, dict[str, Any]] = {"in order": {}, "exact": {"exact": True}, "concurrent": {"concurrency": 4}}
MORE_REQUESTS_AHEAD = 8
"""A window that slides may be in flight when the walk is at its end, or has to take a step back."""

WALKS = [
    *(
        case(f"{name}, {how}", listing(window), walk(**HOW[how]), outcome, (1, most), came=sum(came))
        for name, (window, *expected) in LISTINGS.items()
        for how, (outcome, most, *came) in zip(HOW, expected, strict=True)
    ),
    *(
        case(
            f"{name}, {how}, ahead",
            listing(window),
            walk(ahead=True, **HOW[how]),
            outcome,
            (1, most + MORE_REQUESTS_AHEAD * (how == "concurrent")),
            came=sum(came),
            in_sample=how == "concurrent",
        )
        for name, (window, *expected) in LISTINGS.items()
        for how, (outcome, most, *came) in zip(HOW, expected, strict=True)
    ),
    case("endless", listing(lambda o, n: (range(o, o + n), o + 2 * n)), walk(max_items=200), ids(200), 40),
    case("backwards", listing(lambda o, n: (cut(o, n)[::-1], 22)), walk(exact=True), WRONG),
    case("9,999 rows at once", page(end=9999, count=9999), walk(max_items=3), ids(3)),
    case("page 2 fails", (page(row(), count=2), refusal(500)), "WALK", ServerError, 4, came=1),
    case("page 2 is empty", (page(row(), count=2), page(count=2)), "WALK", WRONG, 2, came=1),
    case("page 2 is no page", (page(row(), count=2), reply({"message": "hidden"})), "WALK", MALFORMED, 2, came=1),
    case("page 2 is cut off", (page(row(), count=2), [page(row(1), count=2)[:-9], close]), "WALK", FAILED, 4, came=1),
]
SECTIONS = {"shapes": SHAPES, "walks": WALKS}


@each_of(SECTIONS)
async def test_case(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """All comes as the table says, and the log reveals nothing."""
    await try_out(case, caplog)
