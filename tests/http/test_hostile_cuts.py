"""A sound response that is cut off at any byte is an error or holds all its rows: never fewer of them in silence.

aiohttp delivers without a word what a close-delimited body or a compressed one of the right length is cut off to: what
says is the JSON.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain

import pytest
from hostile import ONCE
from hostile_responses import CHUNKED, ENVELOPES, ids, row
from raw_server import Peer, RawServer, close, head, reset, until_read
from volume import Volume

from contactship_async import ConnectionFailedError, ContactshipClient, ContactshipError, MalformedResponseError

ZIPPED = {"Content-Encoding": "gzip"}
GZIP_HEADER_BYTES = 10
MAX_BYTES_TO_SPARE = 8 + len(b"\r\n0\r\n\r\n")
"""All rows have come before the trailer of gzip, and before the end of the chunks."""


def sized(body: bytes, **headers: str) -> bytes:
    """Say how long the body is."""
    return head(200, {"Content-Length": str(len(body)), **headers}) + body


def chunked(body: bytes, **headers: str) -> bytes:
    """Send the body in chunks."""
    parts = [body[start : start + 50] for start in range(0, len(body), 50)]
    return head(200, {**CHUNKED, **headers}) + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def until_the_end(body: bytes, **headers: str) -> bytes:
    """Let the end of the connection be that of the body."""
    return head(200, headers) + body


def zipped(body: bytes) -> bytes:
    """Compress *body*, always to the same bytes."""
    return gzip.compress(body, mtime=0)


FRAMINGS: dict[str, Callable[[bytes, int | None], bytes]] = {
    "sized": lambda body, end: sized(body)[:end],
    "chunked": lambda body, end: chunked(body)[:end],
    "until the end": lambda body, end: until_the_end(body)[:end],
    "gzip, sized": lambda body, end: sized(zipped(body), **ZIPPED)[:end],
    "gzip, chunked": lambda body, end: chunked(zipped(body), **ZIPPED)[:end],
    "gzip, until the end": lambda body, end: until_the_end(zipped(body), **ZIPPED)[:end],
    "said to be as short": lambda body, end: sized(body[:end]),
    "gzip, said to be as short": lambda body, end: sized(zipped(body)[:end], **ZIPPED),
}
"""The response with a body, or what is sent of it if it ends at a byte."""

Envelope = Callable[[object, object], dict[str, object]]
Framing = Callable[[bytes, int | None], bytes]
Ending = Sequence[Callable[[Peer], Awaitable[None]]]

each_framing = pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
each_envelope = pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
each_ending = pytest.mark.parametrize("ending", [(reset,), (until_read, reset)], ids=["at once", "later"])
each_call = pytest.mark.parametrize("walks", [False, True], ids=["page", "walk"])


def body_of(envelope: Envelope, *places: int) -> bytes:
    """Write a page of a listing of two rows."""
    rows = [{**row(place), "organization_id": "o", "label": None} for place in places]
    return json.dumps(envelope(rows, 2), separators=(",", ":")).encode()


async def ids_and_error(client: ContactshipClient, *, walks: bool) -> tuple[list[str], ContactshipError | None]:
    """Ask for a page, or walk page by page; return the ids that came, and the error after them."""
    came: list[str] = []
    try:
        if walks:
            async for number in client.iter_phone_numbers(page_size=1):
                came.append(number.id)  # noqa: PERF401 - keeps those before the error
        else:
            came += [number.id for number in await client.list_phone_numbers()]
    except ContactshipError as error:
        return came, error
    return came, None


def cuts(sent: bytes, every: int) -> list[int]:
    """Return where to cut: before everything, at one in *every* bytes, and at each around both ends of the body."""
    begin = sent.index(b"\r\n\r\n") + 4
    around = (begin - 2, begin + GZIP_HEADER_BYTES + 2), (len(sent) - MAX_BYTES_TO_SPARE - 5, len(sent))
    return sorted({0, *range(len(sent), 0, -every), *chain.from_iterable(range(*each) for each in around)})


async def cut(framing: Framing, envelope: Envelope, ending: Ending, *, walks: bool, every: int) -> int:
    """Cut a page of two rows, or the second of two pages, off at many bytes; return how often all rows came."""
    first = sized(body_of(envelope, 0))
    last = body_of(envelope, 1) if walks else body_of(envelope, 0, 1)
    sent = framing(last, None)
    end = complete = 0

    async def respond(peer: Peer) -> None:
        if walks and "offset=0" in peer.requests[-1].target:
            await peer.send(first)
            return
        await peer.send(framing(last, end))
        for step in ending:
            await step(peer)

    async with RawServer(respond) as server, server.client(retry=ONCE) as client:
        for end in cuts(sent, every):
            came, error = await ids_and_error(client, walks=walks)
            if error is not None:
                assert type(error) in (ConnectionFailedError, MalformedResponseError)
                assert ids(1 if walks else 0) == came
            else:
                assert ids(2) == came
                assert len(sent) - len(framing(last, end)) <= MAX_BYTES_TO_SPARE
                complete += 1
    return complete


@each_call
@each_envelope
@each_framing
async def test_response_ends_at_any_byte(framing: Framing, envelope: Envelope, volume: Volume, *, walks: bool) -> None:
    """The connection ends in order after any byte of a page: an error comes, or all rows."""
    assert await cut(framing, envelope, (close,), walks=walks, every=1 if volume.is_full else 17) > 0


@each_call
@each_ending
@each_framing
async def test_response_breaks_off_at_many_bytes(
    framing: Framing, ending: Ending, volume: Volume, *, walks: bool
) -> None:
    """The same goes for a connection that breaks off."""
    await cut(framing, ENVELOPES["older"], ending, walks=walks, every=5 if volume.is_full else 61)
