"""One way to ask a sandbox, which each test takes twice: in memory and over the port."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from contactship_async._http.messages import Request, Response
from contactship_async._http.secret import Secret
from contactship_async.sandbox import Sandbox

Ask = Callable[..., Awaitable[Response]]


@pytest.fixture(params=["in memory", "over the port"])
async def ask(request: pytest.FixtureRequest) -> AsyncIterator[Ask]:
    """Return an async function that sends a request to a sandbox and returns the response.

    It takes the sandbox, a method, a path, a body (bytes as they are, others as JSON, None for none), a key, and the
    parameters of the query.
    """
    async with AsyncExitStack() as running:
        if request.param == "in memory":
            yield _ask_in_memory
            return
        session = await running.enter_async_context(aiohttp.ClientSession())
        session._retry_connection = False  # otherwise it asks again by itself after a reset, and meets the next fault
        started: set[Sandbox] = set()

        async def ask_over_the_port(
            sandbox: Sandbox,
            method: str,
            path: str,
            body: object = None,
            *,
            key: str = "sandbox-key",
            **params: object,
        ) -> Response:
            if sandbox not in started:
                started.add(await running.enter_async_context(sandbox))
            async with session.request(
                method,
                sandbox.url + path,
                params=_to_strings(params),
                data=_to_bytes(body),
                headers={"x-api-key": key} if key else {},
                allow_redirects=False,
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Response(status=response.status, headers=headers, body=await response.read())

        yield ask_over_the_port


@pytest.fixture
def get(ask: Ask) -> Ask:
    """Return an async function from a sandbox and query parameters to its response, by default of the phone numbers."""

    def get(
        sandbox: Sandbox, path: str = "/v1/phone-numbers", *, method: str = "GET", **settings: object
    ) -> Awaitable[Response]:
        return ask(sandbox, method, path, **settings)

    return get


async def _ask_in_memory(
    sandbox: Sandbox, method: str, path: str, body: object = None, *, key: str = "sandbox-key", **params: object
) -> Response:
    request = Request(
        method=method,
        path=path,
        query=tuple(_to_strings(params).items()),
        body=_to_bytes(body),
        api_key=Secret(key),
        idempotent=True,
    )
    return await sandbox.transport(request)


def _to_strings(params: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items()}


def _to_bytes(body: object) -> bytes | None:
    return body if isinstance(body, bytes | None) else json.dumps(body).encode()
