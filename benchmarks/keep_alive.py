"""How many calls that must not be repeated are left in doubt, when the server closes idle connections meanwhile?

Command: python -m benchmarks keep_alive

Setting: a server in a process of its own, plain and by TLS, that closes connections after 0.5 s without a request. Ten
clients post 24 times each, with pauses of 0.497 to 0.503 s in between: 240 calls for each kind of connector. In doubt
is a call that ended without a response, or that the server did not receive exactly once. Before each call, a GET has
put a connection into the connector's pool, as a walk does.

For the race itself there is an aiohttp session beside them, which posts over the connections that it has kept.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp

from benchmarks._certificates import Certificate, certified
from benchmarks._closing_server import closing_server
from benchmarks._measure import CALLS, Answer, spread
from benchmarks._processor import stay_on
from benchmarks._targets import judged
from contactship_async import AmbiguousOutcomeError, ContactshipClient

IDLE_SECONDS = 0.5
AROUND_SECONDS = 0.003
CLIENTS = 10
CALLS_EACH = 24

Call = Callable[[str, str], Awaitable[bool]]
"""Send a request with a method to a path, and return whether its outcome is known."""


def _call_of(client: ContactshipClient) -> Call:
    async def call(method: str, path: str) -> bool:
        try:
            await client.request(method, path)
        except AmbiguousOutcomeError:
            return False
        return True

    return call


@asynccontextmanager
async def _own(url: str, context: ssl.SSLContext) -> AsyncIterator[Call]:
    async with ContactshipClient("sk-made-up", base_url=url, ssl_context=context) as client:
        yield _call_of(client)


@asynccontextmanager
async def _function(url: str, context: ssl.SSLContext) -> AsyncIterator[Call]:
    def connect() -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(ssl=context)

    async with ContactshipClient("sk-made-up", base_url=url, connector=connect) as client:
        yield _call_of(client)


@asynccontextmanager
async def _borrowed(url: str, context: ssl.SSLContext) -> AsyncIterator[Call]:
    async with (
        aiohttp.TCPConnector(ssl=context) as connector,
        ContactshipClient("sk-made-up", base_url=url, connector=connector) as client,
    ):
        yield _call_of(client)


@asynccontextmanager
async def _session(url: str, context: ssl.SSLContext) -> AsyncIterator[Call]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:

        async def call(method: str, path: str) -> bool:
            try:
                async with session.request(method, url + path) as response:
                    await response.read()
            except aiohttp.ClientError:
                return False
            return True

        yield call


WAYS: dict[str, Callable[[str, ssl.SSLContext], AbstractAsyncContextManager[Call]]] = {
    "own connector": _own,
    "connector function": _function,
    "borrowed connector": _borrowed,
    "aiohttp without the client": _session,
}


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Count the calls in doubt, for each kind of connector, plain and by TLS."""
    stay_on(0)
    calls_each = 4 if quick else CALLS_EACH
    result = Answer()
    with certified() as certificate:
        for tls in (False, True):
            for name in WAYS:
                in_doubt = _measure(name, calls_each, certificate, tls=tls)
                setting = f"in doubt, {'TLS' if tls else 'plain'}, {name}"
                sent = f"all {CLIENTS * calls_each} calls"
                result.findings.append(judged(setting, CALLS(in_doubt), sent, spread([in_doubt]), CALLS))
    return result


def _measure(name: str, calls_each: int, certificate: Certificate, *, tls: bool) -> int:
    context = ssl.create_default_context(cafile=certificate.authority)
    with closing_server(IDLE_SECONDS, certificate.server if tls else None) as url:
        return asyncio.run(_count_in_doubt(name, url, context, calls_each))


async def _count_in_doubt(name: str, url: str, context: ssl.SSLContext, calls_each: int) -> int:
    async def post_again_and_again(client: int) -> list[bool]:
        outcomes = []
        async with WAYS[name](url, context) as call:
            for turn in range(calls_each):
                await call("GET", "/v1/credits")
                around = AROUND_SECONDS * (2 * turn / (calls_each - 1) - 1)
                await asyncio.sleep(IDLE_SECONDS + around)
                outcomes.append(await call("POST", f"/v1/calls/{client}-{turn}"))
        return outcomes

    known = await asyncio.gather(*(post_again_and_again(client) for client in range(CLIENTS)))
    async with aiohttp.ClientSession() as session, session.get(f"{url}/received", ssl=context) as response:
        received = await response.json(content_type=None)
    return sum(
        not is_known or received.get(f"/v1/calls/{client}-{turn}") != 1
        for client, outcomes in enumerate(known)
        for turn, is_known in enumerate(outcomes)
    )
