"""The description at /openapi.json is valid, and true of what is served."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from contactship_async import Response
from contactship_async.sandbox import Html, Sandbox, SandboxPool, Status

Get = Callable[..., Awaitable[Response]]

SETTINGS: list[dict[str, Any]] = [
    {"envelope": envelope, "rate_limit": rate_limit, "max_limit": 7}
    for envelope in ("count", "pagination")
    for rate_limit in (None, 120)
]


async def read_document(get: Get, sandbox: Sandbox) -> dict[str, Any]:
    """Fetch the description without a key."""
    response = await get(sandbox, "/openapi.json", key="")
    assert 200 == response.status
    assert "application/json; charset=utf-8" == response.headers["content-type"]
    document: dict[str, Any] = json.loads(response.body)
    return document


def resolve(document: dict[str, Any], part: dict[str, Any]) -> Any:
    """Follow the reference that *part* is, if it is one."""
    found: Any = document
    if "$ref" not in part:
        return part
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def faults_of(document: dict[str, Any], schema: dict[str, Any], value: object) -> list[str]:
    """Return what is wrong with a value according to a schema of the document."""
    validator = OAS31Validator({**schema, "components": document["components"]})
    return [error.message for error in validator.iter_errors(value)]


def list_parameters(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name the parameters of the listing, with what is said of each."""
    for parameter in document["paths"]["/v1/phone-numbers"]["get"]["parameters"]:
        yield parameter["name"], parameter


def find_response(document: dict[str, Any], status: int) -> Any:
    """Find what is said of a response: with the operation, or for any path."""
    responses = document["paths"]["/v1/phone-numbers"]["get"]["responses"]
    by_status = {404: "NotFound", 405: "MethodNotAllowed"}
    if str(status) in responses:
        return resolve(document, responses[str(status)])
    return document["components"]["responses"][by_status[status]]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
async def test_document_is_valid(get: Get, settings: dict[str, Any]) -> None:
    """An independent validator finds nothing, whatever the settings, and examples obey their schemas."""
    document = await read_document(get, Sandbox(3, **settings))

    assert [] == [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    for name, parameter in list_parameters(document):
        assert (name, []) == (name, faults_of(document, parameter["schema"], parameter["example"]))
    for status in (200, 400, 401, 404, 405, 500, *([429] if settings["rate_limit"] else [])):
        content = find_response(document, status)["content"]["application/json"]
        assert (status, []) == (status, faults_of(document, content["schema"], content["example"]))
    for header in document["components"]["headers"].values():
        assert [] == faults_of(document, header["schema"], header["example"])


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (200, {}),
        (200, {"limit": 0}),
        (200, {"limit": 5000, "offset": 1, "type": "inbound", "order": "asc"}),
        (200, {"offset": 10**17}),
        (200, {"unknown": 1}),
        (400, {"limit": -1}),
        (401, {"key": "another"}),
        (404, {"path": "/v1/nothing"}),
        (405, {"method": "DELETE"}),
    ],
    ids=str,
)
async def test_responses_are_as_described(
    get: Get, settings: dict[str, Any], status: int, request_: dict[str, Any]
) -> None:
    """Body, content type and headers of real responses are what the document says, and no header is missing."""
    sandbox = Sandbox(20, **settings)
    described = find_response(document := await read_document(get, sandbox), status)

    response = await get(sandbox, **request_)

    assert status == response.status
    assert response.headers["content-type"].startswith("application/json")
    assert [] == faults_of(document, described["content"]["application/json"]["schema"], json.loads(response.body))
    for name, header in described["headers"].items():
        schema = resolve(document, header)["schema"]
        value: object = int(response.headers[name]) if schema["type"] == "integer" else response.headers[name]
        assert (name, []) == (name, faults_of(document, schema, value))
    ours = {name for name in response.headers if name.startswith("x-") or name in {"allow", "retry-after"}}
    assert ours == {*described["headers"]}


async def test_a_spent_budget_is_described(get: Get) -> None:
    """A 429 comes only where there is a rate limit, and is described only there."""
    limited, unlimited = Sandbox(rate_limit=1), Sandbox()
    await get(limited)
    response = await get(limited)

    described = find_response(await read_document(get, limited), 429)
    documents = json.dumps(await read_document(get, unlimited))

    assert 429 == response.status
    assert {"x-request-id", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"} == {
        *described["headers"]
    }
    assert {*described["headers"]} <= {*response.headers}
    assert "429" not in documents
    assert "ratelimit" not in documents


async def test_parameters_are_as_described(get: Get) -> None:
    """Defaults and ranges are those that the listing has."""
    sandbox = Sandbox(20)
    parameters = dict(list_parameters(await read_document(get, sandbox)))
    schemas = {name: parameter["schema"] for name, parameter in parameters.items()}
    plain = await get(sandbox)

    defaults = {name: schema["default"] for name, schema in schemas.items() if "default" in schema}
    assert {"limit": 5, "offset": 0, "order": "desc"} == defaults
    assert plain.body == (await get(sandbox, **defaults)).body
    for name in ("limit", "offset"):
        lowest, highest = schemas[name]["minimum"], schemas[name]["maximum"]
        values = (lowest - 1, lowest, highest, highest + 1)
        assert [400, 200, 200, 400] == [(await get(sandbox, **{name: value})).status for value in values]
    for name in ("order", "type"):
        values = (*schemas[name]["enum"], "other")
        assert [200, 200, 400] == [(await get(sandbox, **{name: value})).status for value in values]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
async def test_description_without_a_request(get: Get, settings: dict[str, Any]) -> None:
    """It can be had from the sandbox itself, and of several organizations from them all."""
    document = await read_document(get, Sandbox(1, **settings))

    assert document == Sandbox(9, **settings).openapi()
    assert document == SandboxPool({"acme": Sandbox(**settings), "globex": Sandbox(seed=1)}).openapi()


async def test_description_is_no_business_of_a_test(get: Get) -> None:
    """It needs no key, meets no fault, spends no budget, calls no hook and is not recorded; HEAD has no body."""
    sandbox = Sandbox(rate_limit=2, latency=3600)
    seen: list[object] = []
    sandbox.on_request = seen.append
    sandbox.script(Html(), Status(500))

    document = await read_document(get, sandbox)
    head = await get(sandbox, "/openapi.json", method="HEAD", key="")

    assert [{"ApiKey": []}] == document["security"]
    assert [] == document["paths"]["/openapi.json"]["get"]["security"]
    assert (200, b"") == (head.status, head.body)
    assert ([], []) == (sandbox.requests, seen)
