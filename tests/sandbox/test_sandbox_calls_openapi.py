"""The endpoints of calls are what the document at /openapi.json says, in all that they respond with."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from contactship_async.sandbox import Sandbox

Ask = Callable[..., Awaitable[Any]]

PHONE_CALL = "/v1/calls/single-phone-call"
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def described(document: dict[str, Any], method: str, path: str, response: Any) -> Any:
    """Return what the document says of a response: it must say something."""
    found = document["paths"][path][method.lower()]["responses"][str(response.status)]
    if "$ref" in found:
        return document["components"]["responses"][found["$ref"].split("/")[-1]]
    return found


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_responses_are_as_described(ask: Ask, envelope: Any) -> None:
    """Status, media type and body of each response are described, of errors as well."""
    sandbox = Sandbox(envelope=envelope, calls=60, clock=lambda: 0.0)
    sandbox.calls.answer_next("answered")
    number = sandbox.phone_numbers[0]
    person = {"to_number": "+14155550137", "full_name": "Noor Haddad"}
    phone_call = {"from_number": number["phone_number"], "agent_id": "a", **person}
    contact_call = {"from_number_id": number["id"], "agent_id": "a", "contact_id": sandbox.contacts[0]["id"]}
    document = json.loads((await ask(sandbox, "GET", "/openapi.json")).body)

    async def check(status: int, method: str, path: str, body: object = None, id_: str = "", **params: object) -> Any:
        response = await ask(sandbox, method, path.replace("{callId}", id_), body, **params)
        [[media_type, content]] = described(document, method, path, response)["content"].items()
        assert (status, media_type) == (response.status, response.headers["content-type"].split(";")[0])
        if media_type == "application/json":
            validator = OAS31Validator({**content["schema"], "components": document["components"]})
            assert [] == [error.message for error in validator.iter_errors(json.loads(response.body))]
        return response

    response = await check(201, "POST", PHONE_CALL, phone_call)
    placed = sandbox.calls.placed[0].call_id
    await check(400, "POST", PHONE_CALL, {})
    await check(201, "POST", "/v1/calls/single-contact-call", contact_call)
    await check(404, "POST", "/v1/calls/single-contact-call", {**contact_call, "from_number_id": "another"})
    await check(409, "POST", f"{PHONE_CALL}/{{callId}}/stop", id_=placed)
    for seconds in (0, 2, 8, 60):
        sandbox.clock.advance(seconds)
        await check(200, "GET", "/v1/calls/{callId}/status", id_=placed)
        for id_ in (placed, *(row["id"] for row in sandbox.calls[2:5])):
            await check(200, "GET", "/v1/calls/{callId}", id_=id_, include_words="true", include_tools="true")
            if seconds == 60:
                await check(200, "POST", f"{PHONE_CALL}/{{callId}}/stop", id_=id_)
    await check(200, "GET", "/v1/calls", limit=100)
    await check(200, "GET", "/v1/calls", limit=100, include_transcript="true", include_words="true")
    await check(400, "GET", "/v1/calls", date_from="today")
    for path in ("/v1/calls/{callId}/status", f"{PHONE_CALL}/{{callId}}/stop"):
        method = "GET" if path.endswith("status") else "POST"
        await check(404, method, path, id_=UNKNOWN)
        await check(400, method, path, id_="nothing")
    await check(404, "GET", "/v1/calls/{callId}", id_="nothing")
    recordings = f"/v1/recordings/{sandbox.organization_id}/{{callId}}.wav"
    await check(200, "GET", recordings, id_=placed)
    await check(404, "GET", recordings, id_=UNKNOWN)

    assert response.headers["content-type"].startswith("application/json")
    assert [] == document["paths"][recordings]["get"]["security"]
    assert "401" not in document["paths"][recordings]["get"]["responses"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_literal_path_wins(ask: Ask, method: str) -> None:
    """The path that starts calls is no call of that name: what it does not take is refused."""
    response = await ask(Sandbox(), method, PHONE_CALL)

    assert (405, "POST") == (response.status, response.headers["allow"])
