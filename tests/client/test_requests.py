"""`request()`: any endpoint, with the same retries and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contactship_async import (
    AmbiguousOutcomeError,
    ContactshipClient,
    NotFoundError,
    Request,
    Response,
    RetryPolicy,
    ServerError,
)
from contactship_async.sandbox import Cut, Sandbox, Status


async def echo(request: Request) -> Response:
    """Respond with what was requested."""
    asked = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "body": None if request.body is None else json.loads(request.body),
    }
    return Response(status=200, body=json.dumps(asked).encode())


async def test_everything_is_passed_on() -> None:
    """Method, path, query and body go out as given, and the JSON comes back as sent."""
    async with ContactshipClient("sk-test", transport=echo) as client:
        response = await client.request(
            "patch", "/v1/contacts/+12025550142", params={"a": True, "b": None}, json={"full_name": "Noor"}
        )

    assert {
        "method": "PATCH",
        "path": "/v1/contacts/%2B12025550142",
        "query": [["a", "true"]],
        "body": {"full_name": "Noor"},
    } == response


@pytest.mark.parametrize("body", [False, 0, [], {}, ""])
async def test_falsy_bodies_are_sent(body: Any) -> None:
    """Only None is no body."""
    async with ContactshipClient("sk-test", transport=echo) as client:
        assert body == (await client.request("POST", "/v1/x", json=body))["body"]


async def test_envelope_is_kept() -> None:
    """The response is not unwrapped."""
    async with Sandbox(1, envelope="pagination").client() as client:
        response = await client.request("GET", "/v1/phone-numbers", params={"limit": 1})

    assert {"statusCode", "data", "pagination"} == set(response)


async def test_errors_are_the_same() -> None:
    """An unknown path is the same error as anywhere."""
    async with Sandbox().client() as client:
        with pytest.raises(NotFoundError):
            await client.request("GET", "/v1/nothing")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("fault", "error"), [(Status(500), ServerError), (Cut(), AmbiguousOutcomeError)])
async def test_sent_once(method: str, fault: Any, error: type[Exception]) -> None:
    """A call that is not safe to repeat is sent once, whatever becomes of it."""
    sandbox = Sandbox()
    sandbox.script(fault, times=None)
    async with sandbox.client() as client:
        with pytest.raises(error):
            await client.request(method, "/v1/phone-numbers")

    assert 1 == len(sandbox.requests)


async def test_idempotent() -> None:
    """A call that is declared safe to repeat is repeated."""
    sandbox = Sandbox()
    sandbox.script(Status(503, retry_after=0), Cut(), None)
    async with sandbox.client(retry=RetryPolicy(initial_delay=0)) as client:
        with pytest.raises(NotFoundError):
            await client.request("POST", "/v1/nothing", idempotent=True)

    assert 3 == len(sandbox.requests)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("FETCH", "/v1/x"), ValueError), (("GET", "v1/x"), ValueError), (("GET", "/v1/../x"), ValueError)],
)
async def test_refused(arguments: tuple[str, str], error: type[Exception]) -> None:
    """Wrong arguments are refused before anything is sent."""
    sandbox = Sandbox()
    with pytest.raises(error):
        await sandbox.client().request(*arguments)

    assert [] == sandbox.requests
