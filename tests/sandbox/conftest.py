"""One way to ask a sandbox, which each test takes twice: in memory and over the port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from contactship_async._http.messages import Request, Response
from contactship_async._http.secret import Secret
from contactship_async.sandbox import Sandbox


@pytest.fixture(params=["in memory", "over the port"])
async def get(request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Awaitable[Response]]]:
    """Return an async function from a sandbox and query parameters to its answer."""
    async with AsyncExitStack() as running:
        if request.param == "in memory":
            yield _get_in_memory
            return
        session = await running.enter_async_context(aiohttp.ClientSession())
        session._retry_connection = False  # otherwise it asks again by itself after a reset, and meets the next fault
        started: set[Sandbox] = set()

        async def get_over_the_port(
            sandbox: Sandbox,
            path: str = "/v1/phone-numbers",
            *,
            method: str = "GET",
            key: str = "sandbox-key",
            **params: object,
        ) -> Response:
            if sandbox not in started:
                started.add(await running.enter_async_context(sandbox))
            async with session.request(
                method,
                sandbox.url + path,
                params=_to_texts(params),
                headers={"x-api-key": key} if key else {},
                allow_redirects=False,
            ) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(status=answer.status, headers=headers, body=await answer.read())

        yield get_over_the_port


async def _get_in_memory(
    sandbox: Sandbox,
    path: str = "/v1/phone-numbers",
    *,
    method: str = "GET",
    key: str = "sandbox-key",
    **params: object,
) -> Response:
    query = tuple(_to_texts(params).items())
    request = Request(method=method, path=path, query=query, api_key=Secret(key), idempotent=True)
    return await sandbox.transport(request)


def _to_texts(params: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items()}
