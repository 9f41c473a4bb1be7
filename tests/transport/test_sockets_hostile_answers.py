"""Answers no honest server gives: each ends in one of our errors or in the right rows, never in fewer rows."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from raw_server import Act, RawServer, answer, close, flood, head, pause, reset

from contactship_async import (
    BadRequestError,
    ConnectionFailedError,
    ContactshipError,
    MalformedResponseError,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
)

ONCE = RetryPolicy(max_attempts=1)
SMALL = 10_000


def row(**fields: Any) -> dict[str, Any]:
    """Make a sound row but for *fields*."""
    return {
        "id": "pn-1",
        "phone_number": "+12025550142",
        "type": "inbound",
        "organization_id": "org-1",
        "created_at": "2026-01-15T10:00:00Z",
        **fields,
    }


PAGE = json.dumps({"data": [row()], "count": 1}).encode()
HALF_PAGE = PAGE[: len(PAGE) // 2]
LATIN_1 = {"Content-Type": "application/json; charset=latin-1"}
CHUNKED = {"Transfer-Encoding": "chunked"}


def zipped(data: bytes, encoding: str = "gzip") -> dict[str, Any]:
    """Make the arguments of an answer whose body is said to be compressed."""
    return {"content": data, "headers": {"Content-Encoding": encoding}}


def bad_crc(data: bytes) -> bytes:
    """Spoil the checksum at the end of compressed *data*."""
    return data[:-6] + bytes([data[-6] ^ 0xFF]) + data[-5:]


MALFORMED: dict[str, Act] = {
    "empty": answer(b""),
    "blank": answer(b" \r\n\t"),
    "HTML": answer(b"<!doctype html>"),
    "204": head(204),
    "205": head(205, {"Content-Length": "0"}),
    "UTF-8 mark": answer(b"\xef\xbb\xbf" + PAGE),
    "UTF-16": answer(PAGE.decode().encode("utf-16")),
    "broken UTF-8 in an id": answer(PAGE.replace(b"pn-1", b"pn-\xff")),
    "lone surrogate in an id": answer(PAGE.replace(b"pn-1", rb"pn-\ud800")),
    "NaN": answer(PAGE.replace(b'"count": 1', b'"count": NaN')),
    "two values": answer(PAGE + PAGE),
    "half a page": answer(HALF_PAGE),
    "half a page until the end of the connection": [head(200), HALF_PAGE, close],
    "half a page until the reset": [head(200), HALF_PAGE, pause(0.02), reset],
    "half a page, HTTP/1.0": [b"HTTP/1.0 200 OK\r\n\r\n" + HALF_PAGE, close],
    "half a page, gzip": answer(**zipped(gzip.compress(HALF_PAGE))),
    "cut gzip": answer(**zipped(gzip.compress(json.dumps([str(n) for n in range(9999)]).encode())[:9000])),
    "gzip cut to nothing": answer(**zipped(gzip.compress(PAGE)[:10])),
    "gzip twice": answer(**zipped(gzip.compress(gzip.compress(PAGE)), "gzip, gzip")),
    "unknown compression": answer(**zipped(b"abc", "foo")),
    "gzip bomb": answer(**zipped(gzip.compress(b" " * 30_000_000))),
    "deflate bomb": answer(**zipped(zlib.compress(b" " * 30_000_000), "deflate")),
    "endless chunks": [head(200, CHUNKED), flood(b"1000\r\n" + b" " * 4096 + b"\r\n")],
    "endless body": [head(200), flood(b" " * 4096)],
    "nested too deeply": answer(b"[" * 5000),
    "nested in a row": answer(PAGE.replace(b'"pn-1"', b"[" * 4000 + b"]" * 4000)),
    "number of 5000 digits": answer(PAGE.replace(b'"count": 1', b'"count": ' + b"9" * 5000)),
}

UNREADABLE: dict[str, Act] = {
    "body shorter than said": [head(200, {"Content-Length": str(len(PAGE) + 1)}), PAGE, close],
    "no last chunk": [head(200, CHUNKED), b"%x\r\n%s\r\n" % (len(PAGE), PAGE), close],
    "chunk cut off": [head(200, CHUNKED), b"%x\r\n%s" % (len(PAGE), HALF_PAGE), close],
    "no chunk size": [head(200, CHUNKED), b"zz\r\n", PAGE],
    "chunk size below zero": [head(200, CHUNKED), b"-2\r\n{}\r\n0\r\n\r\n"],
    "endless trailers": [head(200, CHUNKED), b"2\r\n{}\r\n0\r\n", flood(b"a: b\r\n")],
    "two lengths": head(200, {"Content-Length": "1", "content-length": str(len(PAGE))}) + PAGE,
    "length and chunks": head(200, {"Content-Length": "9", **CHUNKED}) + b"2\r\n{}\r\n0\r\n\r\n",
    "length below zero": head(200, {"Content-Length": "-1"}) + PAGE,
    "length that is no number": head(200, {"Content-Length": "all"}) + PAGE,
    "length beyond all bounds": head(200, {"Content-Length": "9" * 30}) + PAGE,
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "HTTP/0.9": [PAGE, close],
    "HTTP/2": b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 Odd\r\nContent-Length: 0\r\n\r\n",
    "header of 9,000 bytes": head(200, {"X-Long": "a" * 9000, "Content-Length": "0"}),
    "200 headers": head(200, {f"X-{number}": "a" for number in range(200)}),
    "endless header": [b"HTTP/1.1 200 OK\r\nX: ", flood(b"a" * 4096)],
    "NUL in a header": head(200, {"X-Bad": "a\0b", "Content-Length": str(len(PAGE))}) + PAGE,
    "header without a name": b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n",
    "no gzip": answer(**zipped(PAGE)),
    "no deflate": answer(**zipped(b"\xff\xfe" * 50, "deflate")),
    "wrong gzip checksum": answer(**zipped(bad_crc(gzip.compress(PAGE)))),
    "wrong checksum of a large gzip": answer(**zipped(bad_crc(gzip.compress(PAGE + b" " * 9000)))),
    "60,000 empty gzip members": answer(**zipped(gzip.compress(b"") * 60_000)),
}

SOUND: dict[str, Act] = {
    "plain": answer(PAGE),
    "gzip": answer(**zipped(gzip.compress(PAGE))),
    "gzip in members": answer(
        **zipped(gzip.compress(PAGE[:9]) + gzip.compress(b"") + gzip.compress(PAGE[9:50]) + gzip.compress(PAGE[50:]))
    ),
    "gzip without its checksum": answer(**zipped(gzip.compress(PAGE)[:-8])),
    "deflate": answer(**zipped(zlib.compress(PAGE), "deflate")),
    "byte-wise chunks": [head(200, CHUNKED), *(b"1\r\n%c\r\n" % byte for byte in PAGE), b"0\r\n\r\n"],
    "trailers": [head(200, CHUNKED), b"%x;ext=1\r\n%s\r\n0\r\nX-Id: 1\r\n\r\n" % (len(PAGE), PAGE)],
    "until the end of the connection": [head(200), PAGE, close],
    "HTTP/1.0": [b"HTTP/1.0 200 OK\r\n\r\n" + PAGE, close],
    "after 100, 102 and 103": [
        b"".join(b"HTTP/1.1 %d On\r\nA: b\r\n\r\n" % code for code in (100, 102, 103)),
        answer(PAGE),
    ],
    "no content type": head(200, {"Content-Length": str(len(PAGE))}) + PAGE,
    "content type of HTML": answer(PAGE, headers={"Content-Type": "text/html"}),
    "charset latin-1": answer(PAGE, headers=LATIN_1),
    "charset of compression": answer(PAGE, headers={"Content-Type": "application/json; charset=zlib_codec"}),
    "charset unknown": answer(PAGE, headers={"Content-Type": "a/b; charset=\xff"}),
    "strange cookie": answer(PAGE, headers={"Set-Cookie": "\xff=;;\x01=;"}),
    "no reason": b"HTTP/1.1 200\r\n" + answer(PAGE).partition(b"\r\n")[2],
    "reason in Latin-1": b"HTTP/1.1 200 \xe9\xff\r\n" + answer(PAGE).partition(b"\r\n")[2],
    "201": answer(PAGE, status=201),
    "blanks around": answer(b"\r\n\t " + PAGE + b" \n"),
    "keys given twice": answer(b'{"count": 9, "data": 5, ' + PAGE[1:]),
    "unknown fields": answer(PAGE[:-1] + b', "x": {"count": 7}, "y": 1e999}'),
}


@pytest.mark.parametrize("act", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_page(act: Act) -> None:
    """A complete 2xx that is no page, or longer than allowed, is malformed, and never an empty page."""
    async with RawServer(act) as server, server.client(max_response_bytes=SMALL) as client:
        with pytest.raises(MalformedResponseError) as caught:
            await client.list_phone_numbers()

    assert caught.value.issues
    assert 1 == len(server.requests)


@pytest.mark.parametrize("act", UNREADABLE.values(), ids=UNREADABLE)
async def test_unreadable_answer(act: Act) -> None:
    """An answer that is cut off, or no HTTP, is a failed connection, without an exception of aiohttp behind it."""
    async with RawServer(act) as server, server.client(retry=ONCE, timeouts=Timeouts(attempt=2)) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.list_phone_numbers()

    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


@pytest.mark.parametrize("act", SOUND.values(), ids=SOUND)
async def test_strange_but_sound_answer(act: Act) -> None:
    """What is complete and valid JSON yields its rows, whatever its framing and headers say about it."""
    async with RawServer(act) as server, server.client(retry=ONCE) as client:
        page = await client.list_phone_numbers()

    assert (["pn-1"], 1) == ([number.id for number in page], page.count)


NO_ROWS: list[Any] = [None, {}, "", 0, False, "pn-1", {"0": row()}, {"data": [row()]}]
NO_COUNTS: list[Any] = [-1, 1.0, 0.5, "1", " 1 ", "", True, [1], {}, 1e300]
NO_PAGINATIONS: list[Any] = [None, 0, [], {}, {"total_rows": None}, {"total_rows": "1"}]

NO_FIELDS: dict[str, tuple[str, list[Any]]] = {
    "id": ("a non-empty text", [None, 5, True, ["x"], {}, ""]),
    "phone_number": ("a non-empty text", [None, 12025550142, ""]),
    "organization_id": ("a non-empty text", [None, 1, []]),
    "type": ("a text", [None, 1, [], {}]),
    "created_at": (
        "a date and time",
        [
            *(None, "", 0, 1768471200, "1768471200", "yesterday", [], {}, "2026-02-30T00:00:00Z", "\0", "9" * 5000),
            *("0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-01-01T00:00:00+99:99"),
        ],
    ),
}


@pytest.mark.parametrize(
    "content",
    [
        *(None, True, 0, 1.5, "", "data", [], [row()], {}),
        *({"count": 1}, {"data": [row()]}, {"items": [row()], "count": 1}),
        *({"data": data, "count": 1} for data in NO_ROWS),
        *({"data": [], "count": count} for count in NO_COUNTS),
        *({"data": [], "pagination": pagination} for pagination in NO_PAGINATIONS),
        {"data": [], "count": 1, "pagination": {"total_rows": -1}},
    ],
    ids=lambda content: json.dumps(content)[:40],
)
async def test_confused_envelope(content: Any) -> None:
    """What has not exactly the shape of a page is malformed: nothing is coerced, and no page is taken as empty."""
    async with RawServer(answer(content)) as server, server.client() as client:
        with pytest.raises(MalformedResponseError):
            await client.list_phone_numbers()


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, (_, values) in NO_FIELDS.items() for value in values],
    ids=lambda part: json.dumps(part)[:30],
)
async def test_confused_row(name: str, value: Any) -> None:
    """A walk yields the rows before a malformed one, then says where it is and what is wrong, without quoting it."""
    content = {"data": [row(id="pn-0"), row(**{name: value}), row(id="pn-2")], "count": 3}
    ids = []
    async with RawServer(answer(content)) as server, server.client() as client:
        with pytest.raises(MalformedResponseError) as caught:
            async for number in client.iter_phone_numbers():
                ids.append(number.id)  # noqa: PERF401 - what came before the error is kept

    assert ["pn-0"] == ids
    assert [f"data[1].{name}: expected {NO_FIELDS[name][0]}"] == [
        text.partition(", got")[0] for text in caught.value.issues
    ]
    assert caught.value.position is not None
    assert 1 == caught.value.position.offset


@pytest.mark.parametrize(
    "created_at",
    [
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-15T10:00:00.123456789Z"),
        *("2026-01-15 10:00:00+00", "2026-01-15T10:00:00", "2026-01-15", "2026-W03-4"),
    ],
)
async def test_strange_timestamp(created_at: str) -> None:
    """A date and time in any ISO 8601 form is accepted, aware, printable, comparable and picklable."""
    async with (
        RawServer(answer({"data": [row(created_at=created_at)], "count": 1})) as server,
        server.client() as client,
    ):
        [number] = await client.list_phone_numbers()

    assert number.created_at.tzinfo is not None
    assert number.created_at == number.created_at
    assert "+12025550142" in repr(number)


@pytest.mark.parametrize(
    "act",
    [
        answer(b'{"data": [], "count": 2'),
        answer(b""),
        head(204),
        answer({"data": {}, "count": 2}),
        answer({"data": [row(id=None)], "count": 2}),
        answer(**zipped(gzip.compress(PAGE)[:10])),
        [head(200), close],
        [head(200), PAGE[:20], close],
        [head(200, CHUNKED), b"1\r\n{\r\n", close],
        answer({"data": [], "count": 2}),
        answer({"data": [row()], "count": 2}),
    ],
    ids=[
        *("half a page", "empty", "204", "object for rows", "null for an id", "cut gzip", "no body", "close-delimited"),
        *("chunked", "empty page", "repeated page"),
    ],
)
async def test_second_page_goes_wrong(act: Act) -> None:
    """A walk whose second page is no page yields the first, raises, and never just ends."""
    first = answer({"data": [row()], "count": 2})
    ids = []
    async with RawServer(first, act) as server, server.client(retry=ONCE) as client:
        with pytest.raises(ContactshipError) as caught:
            async for number in client.iter_phone_numbers(page_size=1):
                ids.append(number.id)  # noqa: PERF401 - what came before the error is kept

    assert ["pn-1"] == ids
    assert caught.value.position is not None
    assert 1 == caught.value.position.yielded


@pytest.mark.parametrize("status", [99, 101, 199, 300, 304, 418, 451, 499, 520, 599, 600, 999], ids=str)
async def test_strange_status(status: int) -> None:
    """Every status but a 2xx is an error with that status."""
    act = head(status) if status in (101, 304) else b"HTTP/1.1 %03d Odd\r\nContent-Length: 0\r\n\r\n" % status
    async with RawServer(act) as server, server.client(retry=ONCE, timeouts=Timeouts(attempt=0.2)) as client:
        with pytest.raises(ContactshipError) as caught:
            await client.list_phone_numbers()

    # Informational answers precede the one that counts, which never comes.
    assert status == caught.value.status if isinstance(caught.value, StatusError) else 199 == status


async def test_headers_of_any_bytes() -> None:
    """Header bytes that are no text arrive printable."""
    strange = {"x-request-id": "req-\xff\xfe", "Retry-After": "\xff", "Date": "\xfe", "X-Odd": "\x80"}
    async with RawServer(answer({"message": "no"}, status=400, headers=strange)) as server, server.client() as client:
        with pytest.raises(BadRequestError) as caught:
            await client.list_phone_numbers()

    assert "req-\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}" == caught.value.request_id
    assert "no" == caught.value.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "no"}', "no"),
        (b'{"message": ["a", "b", 3, null]}', "a; b"),
        (b'{"message": {"message": "no"}}', ""),
        (b'{"message": 5}', ""),
        (b'["message"]', ""),
        (b'{"message": "\\ud800"}', ""),
        (b'{"message": "\xff"}', ""),
        (b"[" * 5000, ""),
        (b"<html>", ""),
        (b"", ""),
        (b"\xff\xfe", ""),
        (b'{"message": "no", "message": "yes"}', "yes"),
    ],
)
async def test_message_of_refusal(body: bytes, message: str) -> None:
    """The server's words are found where they are, and whatever else a refusal holds does no harm."""
    async with RawServer(answer(body, status=400)) as server, server.client() as client:
        with pytest.raises(BadRequestError) as caught:
            await client.request("POST", "/v1/calls")

    assert message == caught.value.message
    assert body == caught.value.body


@pytest.mark.parametrize(
    "act",
    [
        answer(status=500, **zipped(gzip.compress(b"A" * 30_000_000))),
        answer(status=500, **zipped(b"no gzip")),
        answer(status=500, **zipped(gzip.compress(b"A" * 9000)[:-9])),
        [head(500), flood(b"A" * 4096)],
        [head(500, CHUNKED), flood(b"1000\r\n" + b"A" * 4096 + b"\r\n")],
        [head(500, {"Content-Length": "99"}), b"A", close],
        [head(500, {"Content-Length": "99"}), b"A", pause(0.02), reset],
    ],
    ids=["bomb", "no gzip", "cut gzip", "endless", "endless chunks", "cut off", "reset"],
)
async def test_refusal_with_broken_body(act: Act) -> None:
    """Of a refusal the status counts, whatever becomes of its body, of which little is kept."""
    async with RawServer(act) as server, server.client(retry=ONCE, max_response_bytes=SMALL) as client:
        with pytest.raises(ServerError) as caught:
            await client.list_phone_numbers()

    assert len(caught.value.body) <= SMALL


async def test_long_refusal() -> None:
    """The first 64 KiB of a refusal are kept."""
    async with RawServer(answer(b"A" * 200_000, status=400)) as server, server.client() as client:
        with pytest.raises(BadRequestError) as caught:
            await client.list_phone_numbers()

    assert b"A" * 65_536 == caught.value.body


async def test_long_refusal_under_a_lower_cap() -> None:
    """Of a refusal longer than `max_response_bytes`, the beginning is kept all the same."""
    body = b'{"message": "' + b"A" * 200_000 + b'"}'
    async with RawServer(answer(body, status=400)) as server, server.client(max_response_bytes=SMALL) as client:
        with pytest.raises(BadRequestError) as caught:
            await client.list_phone_numbers()

    assert body[:SMALL] == caught.value.body


@pytest.mark.parametrize(("size", "fits"), [(SMALL - 1, True), (SMALL, True), (SMALL + 1, False)])
async def test_cap_is_exact(size: int, *, fits: bool) -> None:
    """`max_response_bytes` is the longest body accepted."""
    body = b'"' + b"a" * (size - 2) + b'"'
    async with RawServer(answer(body)) as server, server.client(max_response_bytes=SMALL) as client:
        if fits:
            assert size - 2 == len(await client.request("GET", "/v1/credits"))
        else:
            with pytest.raises(MalformedResponseError):
                await client.request("GET", "/v1/credits")
