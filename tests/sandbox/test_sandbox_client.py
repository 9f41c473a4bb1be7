from __future__ import annotations

import pytest

from contactship_async._client import ContactshipClient
from contactship_async._http.messages import Request, Response
from contactship_async.errors import AuthenticationError, ConnectionFailedError, ServerError
from contactship_async.sandbox import Cut, Fault, Sandbox, Status
from contactship_async.settings import RetryPolicy

ONE_ATTEMPT = RetryPolicy(max_attempts=1)


async def count(client: ContactshipClient) -> object:
    """Ask for the count of phone numbers, and close the client."""
    async with client:
        response = await client.request("GET", "/v1/phone-numbers")
    return response["count"]


async def test_client_in_memory() -> None:
    """Without a server, client() reaches the sandbox through its transport."""
    sandbox = Sandbox(7)

    assert await count(sandbox.client()) == 7
    assert len(sandbox.requests) == 1


async def test_client_over_the_port() -> None:
    """While the server runs, client() reaches the sandbox over its port."""
    async with Sandbox(7) as sandbox:
        client = sandbox.client()

        assert await count(client) == 7
        assert sandbox.url in repr(client)


async def test_environment_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the key nor the base URL of the environment gets into a sandbox's client."""
    monkeypatch.setenv("CONTACTSHIP_API_KEY", "real-key")
    monkeypatch.setenv("CONTACTSHIP_BASE_URL", "not a URL")
    sandbox = Sandbox(7)

    assert await count(sandbox.client()) == 7
    async with sandbox:
        assert await count(sandbox.client()) == 7


async def test_options_win() -> None:
    """api_key, base_url and transport, if given, take the place of the sandbox's."""

    async def transport(request: Request) -> Response:
        return Response(status=200, body=b'{"count": "mine"}')

    async with Sandbox(7) as sandbox, Sandbox(8) as other:
        assert await count(sandbox.client(transport=transport)) == "mine"
        assert await count(sandbox.client(base_url=other.url)) == 8
        with pytest.raises(AuthenticationError):
            await count(sandbox.client(api_key="wrong", retry=ONE_ATTEMPT))
    with pytest.raises(AuthenticationError):
        await count(Sandbox(7).client(api_key="wrong", retry=ONE_ATTEMPT))


async def test_faults_reach_the_client() -> None:
    """Scripted faults end as the client's own errors, in memory and over the port."""
    sandbox = Sandbox(7)

    async def fail(*faults: Fault) -> list[str]:
        sandbox.script(*faults)
        failures = []
        for _ in range(3):
            with pytest.raises((ServerError, ConnectionFailedError)) as caught:
                await count(sandbox.client(retry=ONE_ATTEMPT))
            failures.append(type(caught.value).__name__)
        return failures

    assert ["ServerError", "ConnectionFailedError", "ConnectionFailedError"] == await fail(Status(500), Cut(), Cut(3))
    async with sandbox:
        # aiohttp sends a GET once more by itself after a reset, and never after half a response.
        failures = await fail(Status(500), Cut(), Cut(), Cut(3))
    assert ["ServerError", "ConnectionFailedError", "ConnectionFailedError"] == failures
