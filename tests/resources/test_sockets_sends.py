"""Sends over WhatsApp at servers that break, stall and lie, over real sockets: each arrives once at the most.

What is said of them is that of starts (`test_sockets_never_twice`), but for two things: a 429 is Meta's, and is not
waited for; and a 502, where it is documented as safe to repeat, says that nothing was sent.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from raw_server import Act, Peer, RawServer, close, head, refused_url, reset, response, stall, until_read
from starts import SENDS, Start

from contactship_async import (
    AmbiguousOutcomeError,
    BadRequestError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    NotFoundError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
)
from contactship_async.models.whatsapp import SentMessage

UNKNOWN = AmbiguousOutcomeError
SENT = response({"success": True, "message": "ok", "data": {"message_id": "m-1", "provider_id": "wamid.1"}})
HALF = SENT[:-9]
UNAVAILABLE = response({"message": "Meta"}, status=502)
BRIEF = Timeouts(attempt=0.2)

ENDS: dict[str, tuple[Act, type]] = {
    "sent": (SENT, SentMessage),
    "sent, by one id": (response({"provider_id": "wamid.1", "message_id": None, "status": 7}), SentMessage),
    "400": (response({"message": "no"}, status=400), BadRequestError),
    "402": (response({"message": "no"}, status=402), StatusError),
    "404, cut": ([head(404, {"Content-Length": "99"}), b"{", until_read, reset], NotFoundError),
    "429": (response({}, status=429), RateLimitError),
    "429, of a rate limiter": (response({}, status=429, headers={"Retry-After": "1"}), RateLimitError),
    "429, of a budget": (
        response({}, status=429, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}),
        RateLimitError,
    ),
    "closed": (close, UNKNOWN),
    "reset": (reset, UNKNOWN),
    "cut in the body": ([HALF, until_read, reset], UNKNOWN),
    "closed in the body": ([HALF, close], UNKNOWN),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", UNKNOWN),
    "no id": (response({"success": True, "data": {}}), UNKNOWN),
    "an unreadable id": (response({"success": True, "data": {"message_id": 7}}), UNKNOWN),
    "a failure with a success status": (response({"success": False, "data": {"message_id": "m-1"}}), UNKNOWN),
    "no JSON": (response(b"<html>"), UNKNOWN),
    "no content": (head(204), UNKNOWN),
    "307": (response(b"", status=307, headers={"Location": "/v1/waba/send"}), UNKNOWN),
    "408": (response({}, status=408, headers={"Retry-After": "0"}), UNKNOWN),
    "500": (response({}, status=500), UNKNOWN),
    "503": (response({}, status=503, headers={"Retry-After": "0"}), UNKNOWN),
    "504": (response({}, status=504), UNKNOWN),
}

each_send = pytest.mark.parametrize("start", SENDS.values(), ids=SENDS)


async def outcome_of(start: Start, client: ContactshipClient) -> Any:
    """Send, and return what comes of it."""
    try:
        return await start.begin(client)
    except ContactshipError as error:
        return error


@pytest.mark.parametrize("name", ["send_message", "send_location"])
async def test_each_end(name: str) -> None:
    """Whatever the server does, on either of the two hosts, it is asked once, and what is said is what can be known."""
    start, ended = SENDS[name], {}
    for end, (act, _) in ENDS.items():
        async with RawServer(act, SENT) as server, server.client(timeouts=BRIEF) as client:
            outcome = await outcome_of(start, client)
        may_have = getattr(outcome, "may_have_been_processed", None)
        ended[end] = (type(outcome), may_have, len(server.requests))

    expected = {end: (kind, None if kind is SentMessage else kind is UNKNOWN, 1) for end, (_, kind) in ENDS.items()}
    assert expected == ended


@each_send
async def test_502(start: Start) -> None:
    """Where a 502 is documented as safe, it is asked again, and at last was not sent; elsewhere it is unknown."""
    stalled: Act = [head(502, {"Content-Length": "99"}), b"{", stall]
    retry = RetryPolicy(max_attempts=3, initial_delay=0)
    outcomes = []
    for script in ([UNAVAILABLE, stalled, SENT], [UNAVAILABLE], [UNAVAILABLE, reset, SENT]):
        async with RawServer(*script) as server, server.client(timeouts=BRIEF, retry=retry) as client:
            outcome = await outcome_of(start, client)
        may_have = getattr(outcome, "may_have_been_processed", None)
        outcomes.append((type(outcome), may_have, len(server.requests)))

    safe = [(SentMessage, None, 3), (ServerError, False, 3), (UNKNOWN, True, 2)]
    assert (safe if start.harmless else [(UNKNOWN, True, 1)] * 3) == outcomes


@each_send
async def test_never_sent(start: Start) -> None:
    """Where nothing listens, nothing was sent; a silent server leaves it unknown."""
    url = refused_url()
    async with ContactshipClient("key", base_url=url, retry=RetryPolicy(max_attempts=2, initial_delay=0)) as client:
        error = await outcome_of(start, client)
    async with RawServer(stall) as server, server.client(timeouts=BRIEF) as client:
        unknown = await outcome_of(start, client)

    assert (ConnectionFailedError, False) == (type(error), error.may_have_been_processed)
    assert (UNKNOWN, None, 1) == (type(unknown), unknown.status, len(server.requests))


@each_send
async def test_client_that_is_closed(start: Start) -> None:
    """A send whose client is closed after it has left is unknown."""
    arrived = asyncio.Event()

    async def tell(_: Peer) -> None:
        arrived.set()

    async with RawServer([tell, stall]) as server:
        client = server.client()
        sending = asyncio.ensure_future(outcome_of(start, client))
        await arrived.wait()
        await client.close()

        assert UNKNOWN is type(await sending)
