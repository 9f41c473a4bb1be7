"""The server that all contenders talk to: a process of its own that costs little, so that it limits none of them.

It speaks as much HTTP/1.1 as a GET with keep-alive needs, makes each response once, and waits *latency* seconds before
each. The key says whose rows they are, and what else becomes of the request (`_organizations.py`). It ends when its
standard input does, that is, with the process that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from benchmarks import _rows
from benchmarks._organizations import SECONDS, STATUSES, organization_of
from benchmarks._processor import stay_on

Query = Mapping[str, str]
Rendered = tuple[Any, Mapping[str, object]]
"""A body that becomes JSON, and headers."""

_ANSWERS_KEPT = 2_000
"""More than the walks over 10,000 rows ask for; those over 500,000 push theirs out, and are not about time."""

_API_KEY = re.compile(rb"^x-api-key: (\S+)", re.MULTILINE | re.IGNORECASE)


class Listing:
    """The contents of the responses for a listing of *count* rows, the first being row *first*, in every dialect."""

    def __init__(self, first: int, count: int) -> None:
        self._first = first
        self._count = count
        self._dialects: dict[str, Callable[[Query], Rendered]] = {
            "/v1/phone-numbers": partial(self._contactship, _rows.contactship),
            "/v1/calls": partial(self._contactship, _rows.contactship_call),
            "/python-names/v1/calls": partial(
                self._contactship, partial(_rows.contactship_call, from_name="from_number")
            ),
            "/telnyx/phone_numbers": self._telnyx,
            "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers.json": self._twilio,
            "/apify/v2/datasets/numbers/items": self._apify,
        }

    def render(self, target: str) -> Rendered:
        """Return what is at a target."""
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return self._dialects[parts.path](query)

    def _contactship(self, describe: Callable[[int], dict[str, Any]], query: Query) -> Rendered:
        rows = self._window(int(query["offset"]), int(query["limit"]), describe)
        return {"data": rows, "count": self._count}, {}

    def _telnyx(self, query: Query) -> Rendered:
        size, page = int(query["page[size]"]), int(query.get("page[number]", 1))
        meta = {
            "page_number": page,
            "page_size": size,
            "total_pages": -(-self._count // size),
            "total_results": self._count,
        }
        return {"data": self._window((page - 1) * size, size, _rows.telnyx), "meta": meta}, {}

    def _twilio(self, query: Query) -> Rendered:
        path = "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers.json"
        size, page = int(query["PageSize"]), int(query.get("Page", 0))
        is_last = (page + 1) * size >= self._count
        return {
            "incoming_phone_numbers": self._window(page * size, size, _rows.twilio),
            "page": page,
            "page_size": size,
            "uri": f"{path}?PageSize={size}&Page={page}",
            "next_page_uri": None if is_last else f"{path}?PageSize={size}&Page={page + 1}",
        }, {}

    def _apify(self, query: Query) -> Rendered:
        offset, limit = int(query["offset"]), int(query["limit"])
        rows = self._window(offset, limit, _rows.contactship)
        figures = {"total": self._count, "offset": offset, "count": len(rows), "limit": limit, "desc": "false"}
        return rows, {f"x-apify-pagination-{name}": value for name, value in figures.items()}

    def _window(self, offset: int, limit: int, describe: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
        return [describe(self._first + index) for index in range(offset, min(offset + limit, self._count))]


class Answers:
    """The responses for each organization's listing of *count* rows."""

    def __init__(self, count: int, latency: float) -> None:
        self._count = count
        self._latency = latency
        self.find = lru_cache(_ANSWERS_KEPT)(self._make)

    def _make(self, target: str, api_key: str) -> tuple[bytes, float]:
        """Return a response, and how many seconds it takes."""
        organization = organization_of(api_key)
        status = HTTPStatus(STATUSES.get(organization.health, 200))
        content, headers = Listing(organization.number * self._count, self._count).render(target)
        if status is not HTTPStatus.OK:
            content = {"message": status.phrase}
        body = json.dumps(content, separators=(",", ":")).encode()
        lines = [
            f"HTTP/1.1 {status} {status.phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body, SECONDS.get(organization.health, self._latency)


class _Connection(asyncio.Protocol):
    answered = 0

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            if target == "/requests":
                text = str(_Connection.answered).encode()
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                continue
            _Connection.answered += 1
            api_key = _API_KEY.search(head)
            answer, seconds = self._answers.find(target, "" if api_key is None else api_key[1].decode())
            if not seconds:
                self._transport.write(answer)
            elif seconds < math.inf:
                self._loop.call_later(seconds, self._transport.write, answer)


async def _serve(rows: int, latency: float, certificate: Path | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    answers = Answers(rows, latency)
    server = await loop.create_server(lambda: _Connection(answers), "127.0.0.1", 0, backlog=256, ssl=context)
    sys.stdout.write(f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def requests_answered(url: str) -> int:
    """Ask the server at *url* how many requests it has answered, this one apart."""
    with urlopen(f"{url}/requests") as answer:  # noqa: S310 - always http
        return int(answer.read())


@contextmanager
def served(*, rows: int, latency: float, certificate: Path | None = None) -> Iterator[str]:
    """Run a server in a process of its own, to the end of the block, and give its URL.

    Args:
        rows: How many rows each organization's listing has.
        latency: How many seconds it waits before each response.
        certificate: With it, the server is reached by TLS.
    """
    with started("benchmarks._server", "--rows", str(rows), "--latency", str(latency), certificate=certificate) as url:
        yield url


@contextmanager
def started(module: str, *arguments: str, certificate: Path | None) -> Iterator[str]:
    """Run *module*, a server that prints its URL and ends with its standard input, to the end of the block."""
    command = [sys.executable, "-m", module, *arguments]
    command += ["--certificate", str(certificate)] if certificate else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise TypeError
        yield process.stdout.readline().strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--latency", type=float, required=True)
    parser.add_argument("--certificate", type=Path)
    arguments = parser.parse_args()
    stay_on(1)
    asyncio.run(_serve(arguments.rows, arguments.latency, arguments.certificate))
