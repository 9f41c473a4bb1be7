"""The log of the server: one record for each request, in which no key, no header and no forged line is."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from turns import pass_turns

from contactship_async.sandbox import Body, Cut, Sandbox, SandboxPool, Slow, Status
from contactship_async.sandbox._serving.log import log_request

LOGGER = "contactship_async.sandbox"
SECRET = "sk-live-SECRET"
GET = "GET /v1/phone-numbers"


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def records_of(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return the records of the server."""
    return [record for record in caplog.records if record.name == LOGGER]


def lines_of(caplog: pytest.LogCaptureFixture) -> Iterator[tuple[str, str]]:
    """Return the lines of the log, cut before and after the milliseconds."""
    for record in records_of(caplog):
        line: Any = re.fullmatch(r"(.*?)(?: \d+\.\d ms ?(.*))?", record.getMessage())
        yield line[1], line[2] or ""


async def send(url: str, *requests: bytes) -> list[bytes]:
    """Send bare requests, each over a connection of its own, and return the responses."""
    host, port = url.removeprefix("http://").split(":")
    responses = []
    for request in requests:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(request)
        async with asyncio.timeout(5):
            try:
                responses.append(await reader.read())
            except ConnectionResetError:
                responses.append(b"")
        writer.transport.abort()
    await asyncio.sleep(0)  # for the sockets to be closed
    return responses


def ask(target: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Write down a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: h", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


KEY = "x-api-key: sandbox-key"


async def test_each_request_has_a_record(caplog: pytest.LogCaptureFixture) -> None:
    """Its facts are attributes; what was scripted and what broke off is logged."""
    page = "/v1/phone-numbers"
    async with Sandbox() as sandbox:
        sandbox.script(None, None, Status(503), Cut(), Cut(after_bytes=5), Body(b"x" * 100, headers={"x-a": SECRET}))
        requests = [ask(f"{page}?limit=1&type=inbound", KEY), ask(page), *([ask(page, KEY)] * 4)]
        await send(sandbox.url, *requests, ask("/openapi.json"), ask("/v1/nothing", KEY, method="POST", body=b"SECRET"))

    assert [
        (f"{GET}?limit=1&type=inbound 200", ""),
        (f"{GET} 401", ""),
        (f"{GET} 503", "(Status)"),
        (f"{GET} -", "(Cut, connection reset)"),
        (f"{GET} 200", "(Cut, cut after 5 bytes)"),
        (f"{GET} 200", "(Body)"),
        ("GET /openapi.json 200", ""),
        ("POST /v1/nothing 404", ""),
    ] == [*lines_of(caplog)]
    first, *_ = records_of(caplog)
    facts = ("method", "path", "status", "fault", "organization")
    assert ["GET", f"{page}?limit=1&type=inbound", 200, "", None] == [getattr(first, name) for name in facts]
    assert 0 < first.elapsed < 5
    assert {logging.DEBUG} == {record.levelno for record in records_of(caplog)}
    assert "SECRET" not in caplog.text
    assert "sandbox-key" not in caplog.text


async def test_organizations_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """Those of a pool come first in the line; an unknown key has none."""
    async with SandboxPool({"acme": Sandbox()}) as sandboxes:
        await send(sandboxes.url, ask("/a", "x-api-key: sandbox-key-acme"), ask("/a", f"x-api-key: {SECRET}"))

    assert [("acme: GET /a 404", ""), ("GET /a 401", "")] == [*lines_of(caplog)]
    assert ["acme", None] == [record.organization for record in records_of(caplog)]
    assert "SECRET" not in caplog.text


async def test_clients_that_leave_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A client that gives up before its response, or before the end of its request, is in the log."""
    async with Sandbox() as sandbox, aiohttp.ClientSession(headers={"x-api-key": "sandbox-key"}) as session:
        sandbox.script(Slow(math.inf))
        arrived = asyncio.Event()
        sandbox.on_request = lambda _: arrived.set()
        leaving = asyncio.create_task(session.get(f"{sandbox.url}/v1/phone-numbers"))
        await arrived.wait()
        leaving.cancel()
        _, port = sandbox.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/calls HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx")
        await pass_turns()
        writer.transport.abort()
        async with asyncio.timeout(5):
            while len(records_of(caplog)) < 2:  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0)

    assert [(f"{GET} -", "(Slow, unfinished)"), ("POST /v1/calls -", "(unfinished)")] == [*lines_of(caplog)]


MALFORMED = {
    "no HTTP": b"garbage\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "header": ask("/", "no header"),
    "key": ask("/", f"x-api-key: {SECRET}\0"),
    "control character": ask("/\x1b[31m"),
    "not ASCII": ask("/\xff"),
    "long line": ask("/?" + "x" * 20_000),
    "long header": ask("/", f"x-api-key: {SECRET * 2_000}"),
    "many headers": ask("/", *(f"x-{number}: {SECRET}" for number in range(1000))),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "port": ask("http://h:99999/"),
    "length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
    "chunk": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=[*MALFORMED])
async def test_malformed_requests_are_a_line(caplog: pytest.LogCaptureFixture, request_: bytes) -> None:
    """What is no HTTP gets a 400, is logged without its content and without a traceback, and the server goes on."""
    async with Sandbox() as sandbox:
        malformed, good = await send(sandbox.url, request_, ask("/v1/phone-numbers", KEY))

    assert malformed.startswith(b"HTTP/1.0 400 ")
    assert good.startswith(b"HTTP/1.1 200 ")
    assert {("malformed request", ""), (f"{GET} 200", "")} == {*lines_of(caplog)}
    assert "SECRET" not in caplog.text
    assert [None] * 2 == [record.exc_info for record in records_of(caplog)]


async def test_malformed_requests_are_silent_without_a_listener(caplog: pytest.LogCaptureFixture) -> None:
    """They are no errors of the sandbox: a user's test sees none."""
    caplog.set_level(logging.INFO)
    async with Sandbox() as sandbox:
        await send(sandbox.url, *MALFORMED.values(), ask("/v1/phone-numbers", KEY))

    assert [] == records_of(caplog)


@pytest.mark.parametrize(
    ("request_", "status", "line"),
    [
        (ask("/v1/calls", method="POST", body=b"x" * 2_000_000), 413, "POST /v1/calls 413"),
        (ask("/v1/calls", "Content-Encoding: gzip", method="POST", body=b"SECRET"), 400, "POST /v1/calls 400"),
        (ask("http://user:SECRET@h/v1/nothing?a=b", KEY), 404, "GET /v1/nothing?a=b 404"),
        (ask("/v1/nothing?limit=%ff&a=%0a%zz%1b", KEY), 404, "GET /v1/nothing?limit=%ff&a=%0a%zz%1b 404"),
        (ask("/v1/nothing?a=b%0d%0aGET%20/forged%20200", KEY), 404, "GET /v1/nothing?a=b%0d%0aGET%20/forged%20200 404"),
        (ask("*", KEY, method="OPTIONS"), 404, "OPTIONS * 404"),
        (ask("user:SECRET@h:80", KEY, method="CONNECT"), 404, "CONNECT  404"),
        (ask("/" + "x" * 8_000, KEY), 404, f"GET /{'x' * 8_000} 404"),
    ],
    ids=["large body", "not gzip", "user info", "encodings", "line break", "star", "connect", "long path"],
)
async def test_odd_requests_get_a_response(
    caplog: pytest.LogCaptureFixture, request_: bytes, status: int, line: str
) -> None:
    """Whatever is HTTP gets a response in JSON, and one line."""
    async with Sandbox() as sandbox:
        odd, good = await send(sandbox.url, request_, ask("/v1/phone-numbers", KEY))

    assert odd.startswith(f"HTTP/1.1 {status} ".encode())
    assert f'{{"statusCode": {status}, "message": "'.encode() in odd
    assert good.startswith(b"HTTP/1.1 200 ")
    assert (line, "") in lines_of(caplog)
    assert "SECRET" not in caplog.text
    assert [] == [record for record in caplog.records if record.levelno > logging.DEBUG]


def test_no_line_can_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever characters a parser lets pass, they are escapes in the log."""
    log_request("GET", "/a\r\nGET /b\x1b[31m\u2028ü\udcff c", None, is_unfinished=False, elapsed=0.0123)

    assert "GET /a%0D%0AGET%20/b%1B[31m%E2%80%A8%C3%BC%FF%20c 500 12.3 ms" == caplog.messages[-1]


async def test_an_error_of_the_users_code_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A function that fails costs a 500, and is in the log with its traceback."""
    async with Sandbox() as sandbox:
        sandbox.on_request = lambda request: request.params["offset"]
        await send(sandbox.url, ask("/v1/phone-numbers", KEY))

    assert (f"{GET} 500", "") in lines_of(caplog)
    error = next(record for record in records_of(caplog) if record.levelno == logging.ERROR)
    assert KeyError is error.exc_info[0]
