"""Servers that cheat, break, stall or lie, over real sockets: a case is a line, and `hostile.case` names its columns.

Besides what its line says, each case checks that no response, header, key or person appears in an error, a pickle of
it, its frames or the log; that nothing is sent elsewhere, and no cookie or credential of the server's sent back; that
no exception of aiohttp is behind ours; and, as all tests do, that no task or socket is left.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import pytest
from aiohttp.compression_utils import HAS_BROTLI, HAS_ZSTD
from hostile import LIMIT, ONCE, Case, cases, each_of, try_out
from hostile_responses import BROTLI_BOMB, CHUNKED, PAGE, ZSTD_BOMB, chunked, compressed, ids, reply, reply_head, row
from raw_server import Act, Peer, RawServer, close, drip, flood, head, reset, stall, until_read

from contactship_async import (
    AmbiguousOutcomeError,
    ConnectionFailedError,
    MalformedResponseError,
    ServerError,
    Timeouts,
)

MALFORMED = MalformedResponseError
FAILED = ConnectionFailedError
AMBIGUOUS = AmbiguousOutcomeError

SINGLE = {"retry": ONCE}
SMALL = {"max_response_bytes": 10_000, "retry": ONCE}
BRIEF = {"timeouts": Timeouts(attempt=LIMIT)}
DONE = reply("done")
HALF = [reply_head(Content_Length="999"), b'{"hidden": "+12025550142']

BLANKS = b" " * 2**20
GZIP_BOMB = gzip.compress(BLANKS * 30, 1)
BOMBS: dict[str, Act] = {
    "gzip": compressed(GZIP_BOMB),
    "gzip in 200 members": compressed(gzip.compress(BLANKS) * 200),
    "gzip in chunks": chunked(GZIP_BOMB, Content_Encoding="gzip"),
    "deflate": compressed(zlib.compress(BLANKS * 30, 1), "deflate"),
    "deflate without a header": compressed(zlib.compress(BLANKS * 30, 1, wbits=-15), "deflate"),
    **({"brotli": compressed(BROTLI_BOMB, "br")} if HAS_BROTLI else {}),
    **({"zstd": compressed(ZSTD_BOMB, "zstd")} if HAS_ZSTD else {}),
    "endless body": [reply_head(), flood(b" " * 4096)],
    "endless chunks": [reply_head(**CHUNKED), flood(b"1000\r\n" + b" " * 4096 + b"\r\n")],
    "length of 20 GB": [reply_head(Content_Length="20000000000"), flood(b" " * 4096)],
}
FLOODS: dict[str, Act] = {
    **({} if HAS_BROTLI else {"brotli": compressed(BROTLI_BOMB, "br")}),
    **({} if HAS_ZSTD else {"zstd": compressed(ZSTD_BOMB, "zstd")}),
    "60,000 empty gzip members": compressed(gzip.compress(b"") * 60_000),
    "3,000 empty gzip members, then a page": compressed(gzip.compress(b"") * 3000 + gzip.compress(PAGE)),
    "endless status line": [b"HTTP/1.1 200 ", flood(b"hidden" * 999)],
    "endless header": [b"HTTP/1.1 200 OK\r\nX: ", flood(b"hidden" * 999)],
    "endless headers": [b"HTTP/1.1 200 OK\r\n", flood(b"X: hidden\r\n" * 99)],
    "endless trailers": [reply_head(**CHUNKED), b"2\r\n{}\r\n0\r\n", flood(b"X: hidden\r\n" * 99)],
}


def zipped(before: bytes, each: bytes, after: bytes) -> bytes:
    """Compress a body with *each* nine million times, in a hundred members: all at once takes a tenth of a second."""
    return gzip.compress(before) + gzip.compress(each * 90_000, 1) * 100 + gzip.compress(after)


EMPTY_LISTS = zipped(b"[", b"[],", b"0]")
ROWS = (json.dumps(row()).encode() + b",") * 40_000
COSTLY: dict[str, Act] = {  # within the size limit, and up to 28 times as large once decoded
    "empty rows": compressed(zipped(b'{"data": [', b"{},", b'{}], "count": 1}')),
    "empty lists": compressed(EMPTY_LISTS),
    "a wrong row among 40,000": compressed(gzip.compress(b'{"data": [%s5], "count": 1}' % ROWS, 1)),
}
COSTLY_OBJECTS: dict[str, Act] = {
    "empty lists": compressed(EMPTY_LISTS),
    "empty lists in an envelope": compressed(zipped(b'{"success": 1, "data": [', b"[],", b"[]]}")),
    "empty lists beside": compressed(zipped(b'{"credits": "", "x": [', b"[],", b"[]]}")),
}
REFUSAL_BOMBS: dict[str, Act] = {
    "gzip refusal": reply(GZIP_BOMB, 500, Content_Encoding="gzip"),
    "refusal of empty lists": reply(EMPTY_LISTS, 500, Content_Encoding="gzip"),
}
BROKEN_REFUSALS: dict[str, Act] = {
    "endless": [reply_head(500), flood(b"hidden" * 999)],
    "endless chunks": [reply_head(500, **CHUNKED), flood(b"1000\r\n" + b" " * 4096 + b"\r\n")],
    "no gzip": reply(b"hidden", 500, Content_Encoding="gzip"),
    "cut gzip": reply(gzip.compress(b"hidden" * 999)[:-9], 500, Content_Encoding="gzip"),
    "cut off": [reply_head(500, Content_Length="99"), b"hidden", close],
    "reset": [reply_head(500, Content_Length="99"), b"hidden", until_read, reset],
    "stalled": [reply_head(500, Content_Length="99"), b"hidden", stall],
    "dripping": [reply_head(500, Content_Length="99999"), drip(b" ")],
    "broken chunks": [reply_head(500, **CHUNKED), until_read, b"zz\r\n"],
}
UNREADABLE: dict[str, Act] = {
    "body shorter than said": [reply_head(Content_Length=str(len(PAGE) + 1)), PAGE, close],
    "body cut off by a reset": [*HALF, until_read, reset],
    "no body": [reply_head(Content_Length="9"), close],
    "head cut off": [b"HTTP/1.1 200 OK\r\nConte", close],
    "head cut off by a reset": [b"HTTP/1.1 200 OK\r\nConte", until_read, reset],
    "no last chunk": [chunked(PAGE, end=b""), close],
    "no end of the last chunk": [chunked(PAGE, end=b"0\r\n"), close],
    "chunk cut off": [reply_head(**CHUNKED), b"%x\r\n%s" % (len(PAGE), PAGE[:-9]), close],
    "reset between chunks": [chunked(PAGE, end=b""), until_read, reset],
    "no chunk size": chunked(end=b"zz\r\n" + PAGE),
    "empty chunk size": chunked(end=b"\r\n" + PAGE),
    "chunk size below zero": chunked(end=b"-2\r\n{}\r\n0\r\n\r\n"),
    "chunk size of 30 digits": chunked(end=b"f" * 30 + b"\r\n" + PAGE),
    "chunk size with 0x": chunked(end=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "chunk larger than said": chunked(end=b"2\r\n{}{}\r\n0\r\n\r\n"),
    "length in the trailers": chunked(PAGE, end=b"0\r\nContent-Length: 2\r\n\r\n"),
    "chunked twice": reply_head(Transfer_Encoding="chunked, chunked") + chunked(PAGE),
    "two lengths": head(200, {"Content-Length": "1", "content-length": str(len(PAGE))}) + PAGE,
    "the same length twice": head(200, {"Content-Length": "2", "content-length": "2"}) + b"{}",
    "list of lengths": reply_head(Content_Length="2, 2") + b"{}",
    "length and chunks": reply_head(Content_Length="9", **CHUNKED) + b"2\r\n{}\r\n0\r\n\r\n",
    "chunks and length": head(200, {**CHUNKED, "Content-Length": "9"}) + b"2\r\n{}\r\n0\r\n\r\n",
    "length below zero": reply_head(Content_Length="-1") + PAGE,
    "length with a plus": reply_head(Content_Length="+2") + b"{}",
    "length in hex": reply_head(Content_Length="0x2") + b"{}",
    "length that is no number": reply_head(Content_Length="all") + PAGE,
    "length in other digits": reply_head(Content_Length="\u0663".encode().decode("latin-1")) + b"{} ",
    "length of 30 digits": reply_head(Content_Length="9" * 30) + PAGE,
    "empty length": reply_head(Content_Length="") + PAGE,
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x28" + b"\0" * 99,
    "HTTP/0.9": [PAGE, close],
    "HTTP/2": b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2 frame": b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\r\n\r\n",
    "HTTP/9.9": b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 Odd\r\nContent-Length: 0\r\n\r\n",
    "status below zero": b"HTTP/1.1 -200 Odd\r\nContent-Length: 0\r\n\r\n",
    "status in words": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "header of 9,000 bytes": reply_head(X_Long="a" * 9000, Content_Length="0"),
    "200 headers": reply_head(**{f"X-{number}": "hidden" for number in range(200)}),
    "NUL in a header": reply_head(X_Bad="hidden\0Jane", Content_Length=str(len(PAGE))) + PAGE,
    "NUL in a header's name": reply_head(**{"X-Hid\0den": "a"}, Content_Length=str(len(PAGE))) + PAGE,
    "bare CR in a header": reply_head(X_Bad="hidden\rContent-Length: 2", Content_Length=str(len(PAGE))) + PAGE,
    "header without a name": b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n",
    "header without a colon": b"HTTP/1.1 200 OK\r\nhidden\r\nContent-Length: 0\r\n\r\n",
    "no gzip": compressed(PAGE),
    "no deflate": compressed(b"\xff\xfe" * 50, "deflate"),
    "wrong gzip checksum": compressed(gzip.compress(PAGE)[:-8] + bytes(8)),
    "wrong checksum of a large gzip": compressed(gzip.compress(PAGE + BLANKS)[:-8] + bytes(8)),
}
HALF_PAGE = PAGE[:-20]
MANY_LEVELS = 100_000  # Python 3.13 goes down to 10,000, and older ones to 1,000
NOT_JSON: dict[str, Act] = {
    "blank": reply(b" \r\n\t"),
    "HTML": reply(b"<!doctype html>hidden"),
    "HTML that is said to be JSON": reply(b"<!doctype html>hidden", Content_Type="application/json"),
    "two values": reply(PAGE + PAGE),
    "NUL at the end": reply(PAGE + b"\0"),
    "comma at the end": reply(PAGE[:-1] + b",}"),
    "comment": reply(PAGE + b"// hidden"),
    "UTF-16": reply(PAGE.decode().encode("utf-16")),
    "UTF-32": reply(PAGE.decode().encode("utf-32")),
    "broken UTF-8 in an id": reply(PAGE.replace(b"pn-0", b"pn-\xff")),
    "overlong UTF-8 in an id": reply(PAGE.replace(b"pn-0", b"pn-\xc0\xaf")),
    "NaN": reply(PAGE.replace(b'"count": 1', b'"count": NaN')),
    "infinity": reply(PAGE.replace(b'"count": 1', b'"count": -Infinity')),
    "many levels": reply(b"[" * MANY_LEVELS),
    "many levels in an id": reply(PAGE.replace(b'"pn-0"', b"[" * MANY_LEVELS + b"]" * MANY_LEVELS)),
    "many levels in an unknown field": reply(PAGE[:-1] + b', "x": ' + b"[" * MANY_LEVELS + b"]" * MANY_LEVELS + b"}"),
    "half a page": reply(HALF_PAGE),
    "half a page until the end of the connection": [reply_head(), HALF_PAGE, close],
    "half a page until the reset": [reply_head(), HALF_PAGE, until_read, reset],
    "half a page, HTTP/1.0": [b"HTTP/1.0 200 OK\r\n\r\n" + HALF_PAGE, close],
    "half a page, gzip": compressed(gzip.compress(HALF_PAGE)),
    "cut gzip": compressed(gzip.compress(PAGE)[:-20]),
    "gzip twice": compressed(gzip.compress(gzip.compress(PAGE)), "gzip, gzip"),
    "gzip and deflate": compressed(gzip.compress(PAGE), "gzip, deflate"),
    "unknown compression": compressed(b"abc", "foo"),
    "chunks, but not at last": [reply_head(Transfer_Encoding="chunked, identity"), b"2\r\n{}\r\n0\r\n\r\n", close],
}
NO_PAGE: dict[str, Act] = {
    "empty": reply(b""),
    "204": reply_head(204),
    "205": reply_head(205, Content_Length="0"),
    "202": reply({"message": "hidden"}, 202),
    "empty until the end of the connection": [reply_head(), close],
    "gzip cut to nothing": compressed(gzip.compress(PAGE)[:10]),
    "error with status 200": reply({"statusCode": 500, "message": "hidden"}),
    "number of 5,000 digits": reply(PAGE.replace(b'"count": 1', b'"count": ' + b"9" * 5000)),
    "count of 1e999": reply(PAGE.replace(b'"count": 1', b'"count": 1e999')),
    "rows given twice": reply(PAGE[:-1] + b', "data": {}}'),
}
BAD_ROW: dict[str, Act] = {
    "lone surrogate in an id": reply(PAGE.replace(b"pn-0", rb"pn-\ud800")),
}
NO_COUNT: dict[str, Act] = {
    "count given twice": reply(PAGE[:-1] + b', "count": null}'),
    "bare array": reply(b" \n[" + PAGE.partition(b"[")[2].rpartition(b"]")[0] + b"]"),
}
SOUND: dict[str, Act] = {
    "plain": reply(PAGE),
    "gzip": compressed(gzip.compress(PAGE)),
    "gzip in capitals": compressed(gzip.compress(PAGE), "GZip"),
    "gzip in members": compressed(b"".join(gzip.compress(part) for part in (PAGE[:9], b"", PAGE[9:50], PAGE[50:]))),
    "gzip without its checksum": compressed(gzip.compress(PAGE)[:-8]),
    "gzip in bytes": chunked(*(bytes([byte]) for byte in gzip.compress(PAGE)), Content_Encoding="gzip"),
    "deflate": compressed(zlib.compress(PAGE), "deflate"),
    "identity": compressed(PAGE, "identity"),
    "chunks of bytes": chunked(*(bytes([byte]) for byte in PAGE)),
    "chunk extensions and trailers": reply_head(**CHUNKED) + b"%x;a=b\r\n%s\r\n0\r\nX: 1\r\n\r\n" % (len(PAGE), PAGE),
    "until the end of the connection": [reply_head(), PAGE, close],
    "HTTP/1.0": [b"HTTP/1.0 200 OK\r\n\r\n" + PAGE, close],
    "after 100, 102 and 103": [b"".join(b"HTTP/1.1 %d On\r\nA: b\r\n\r\n" % n for n in (100, 102, 103)), reply(PAGE)],
    "no content type": head(200, {"Content-Length": str(len(PAGE))}) + PAGE,
    "HTML": reply(PAGE, Content_Type="text/html"),
    "charset latin-1": reply(PAGE, Content_Type="application/json; charset=latin-1"),
    "charset of a compression": reply(PAGE, Content_Type="application/json; charset=zlib_codec"),
    "charset unknown": reply(PAGE, Content_Type="a/b; charset=\xff"),
    "strange cookie": reply(PAGE, Set_Cookie="\xff=;;\x01=;"),
    "no reason": b"HTTP/1.1 200\r\n" + reply(PAGE).partition(b"\r\n")[2],
    "reason in Latin-1": b"HTTP/1.1 200 \xe9\xff\r\n" + reply(PAGE).partition(b"\r\n")[2],
    "201": reply(PAGE, 201),
    "299": reply(PAGE, 299),
    "UTF-8 mark": reply(b"\xef\xbb\xbf" + PAGE),
    "blanks around": reply(b"\r\n\t " + PAGE + b" \n"),
    "keys given twice": reply(b'{"count": 9, "data": 5, ' + PAGE[1:]),
    "unknown fields": reply(PAGE[:-1] + b', "x": {"count": 7}, "y": 1e999}'),
    "both envelopes": reply(PAGE[:-1] + b', "pagination": {"total_rows": 1}}'),
}
SECTIONS = {
    "bombs": cases(BOMBS, {"LIST": MALFORMED, "POST": MALFORMED}, 1, SMALL, max_mebibytes=8, in_text="larger than"),
    "floods": cases(FLOODS, {"LIST": FAILED, "POST": AMBIGUOUS}, 1, SMALL, max_mebibytes=8),
    "costly": cases(COSTLY, {"LIST": MALFORMED}, one_act_in=3, max_mebibytes=99, in_text="too large to say where"),
    "costly objects": cases(
        COSTLY_OBJECTS, {"BALANCE": MALFORMED}, one_act_in=3, max_mebibytes=99, in_text="too large to say where"
    ),
    "costly refusals": cases(REFUSAL_BOMBS, {"LIST": ServerError, "POST": ServerError}, 1, SINGLE, max_mebibytes=99),
    "refusals": cases(BROKEN_REFUSALS, {"LIST": ServerError, "POST": ServerError}, 1, SMALL | BRIEF),
    "unreadable": cases(UNREADABLE, {"LIST": FAILED, "POST": AMBIGUOUS}, (1, 2), SINGLE),
    "not JSON": cases(NOT_JSON, {"LIST": MALFORMED, "COUNT": MALFORMED}, in_text="not JSON"),
    "no page": cases(NO_PAGE, {"LIST": MALFORMED, "COUNT": MALFORMED}),
    "bad row": cases(BAD_ROW, {"LIST": MALFORMED}, in_text="data[0].id: holds a lone surrogate"),
    "row that is not read": cases(BAD_ROW, {"COUNT": 1}),
    "no count": cases(NO_COUNT, {"LIST": ids(1), "COUNT": MALFORMED}),
    "sound": cases(SOUND, {"LIST": ids(1), "WALK": ids(1), "COUNT": 1}),
}


@each_of(SECTIONS)
async def test_case(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """All comes as the table says, and the log reveals nothing."""
    await try_out(case, caplog)


async def test_act_that_outlasts_its_client() -> None:
    """A connection that has ended ends the act, on any event loop, and is no error of the server's."""

    async def send_late(peer: Peer) -> None:
        peer.writer.transport.abort()
        await peer.writer.wait_closed()
        await peer.send(b"late")

    async with RawServer(send_late, listens=False) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert b"" == await reader.read()
        writer.close()
