from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import aiohttp
import pytest
from multidict import MultiDict, MultiDictProxy
from openapi_spec_validator import OpenAPIV31SpecValidator

from contactship_async._http.messages import Request, Response
from contactship_async._http.secret import Secret
from contactship_async.sandbox import Cut, RecordedRequest, Sandbox, Slow, Status
from contactship_async.sandbox._api.fields import Field, Schema
from contactship_async.sandbox._api.handler import RequestHandler
from contactship_async.sandbox._api.openapi import build_document
from contactship_async.sandbox._api.pages import Page
from contactship_async.sandbox._api.paging import Paging
from contactship_async.sandbox._api.rate_limit import RateLimits
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route

Get = Callable[..., Awaitable[Response]]


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.4  # adding 60 and taking it off again gives more than 60

    def read(self) -> float:
        """Return the seconds it shows."""
        return self.now


def recorded(method: str, path: str, params: Mapping[str, str], status: int | None) -> RecordedRequest:
    """Write down what is to be recorded."""
    return RecordedRequest(method, path, MultiDictProxy(MultiDict(params)), status)


def read_limits(response: Response) -> tuple[str, str, str]:
    """Take the three headers about the rate limit out of a response."""
    return (
        response.headers["x-ratelimit-limit"],
        response.headers["x-ratelimit-remaining"],
        response.headers["x-ratelimit-reset"],
    )


@pytest.mark.parametrize("key", ["", "wrong", "sandbox-key-and-more"])
async def test_wrong_key_is_refused(get: Get, key: str) -> None:
    """A missing or wrong key gets a 401, whether or not the path exists."""
    sandbox = Sandbox()

    for path in ("/v1/phone-numbers", "/v1/nothing"):
        response = await get(sandbox, path, key=key)

        assert response.status == 401
        assert {"statusCode": 401, "message": "Invalid or missing API key"} == json.loads(response.body)


async def test_key_can_be_chosen(get: Get) -> None:
    """The sandbox accepts the key it was given, and no other."""
    sandbox = Sandbox(api_key="mine")

    assert sandbox.api_key == "mine"
    assert (await get(sandbox, key="mine")).status == 200
    assert (await get(sandbox)).status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nothing"),
        ("GET", "/v1/phone-numbers/"),
        ("GET", "/v1/phone-numbers/pn-1"),
        ("GET", "/"),
        ("POST", "/v1/nothing"),
    ],
)
async def test_unknown_path_is_not_found(get: Get, method: str, path: str) -> None:
    """A path that the sandbox does not know gets a 404."""
    response = await get(Sandbox(), path, method=method)

    assert response.status == 404
    assert {"statusCode": 404, "message": f"Cannot {method} {path}"} == json.loads(response.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/phone-numbers", "/openapi.json"])
async def test_other_methods_are_not_allowed(get: Get, method: str, path: str) -> None:
    """A method that a known path does not have gets a 405, with those it has."""
    response = await get(Sandbox(), path, method=method)

    assert (405, "GET, HEAD") == (response.status, response.headers["allow"])
    assert {"statusCode": 405, "message": "Method not allowed"} == json.loads(response.body)


async def test_head_is_a_get_without_body(get: Get) -> None:
    """HEAD gets the response of GET, without the body."""
    response = await get(Sandbox(), method="HEAD")

    assert response.status == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.body == b""


async def test_every_response_has_its_request_id(get: Get) -> None:
    """Responses are numbered from 1 on, refused ones and scripted ones included."""
    sandbox = Sandbox()
    sandbox.script(None, Status(500))

    responses = [await get(sandbox), await get(sandbox), await get(sandbox, key="wrong"), await get(sandbox)]

    assert ["sandbox-000001", "sandbox-000002", "sandbox-000003", "sandbox-000004"] == [
        response.headers["x-request-id"] for response in responses
    ]


async def test_no_rate_limit_sends_no_headers(get: Get) -> None:
    """Without a rate limit, no response speaks of one."""
    response = await get(Sandbox())

    assert not [name for name in response.headers if name.startswith("x-ratelimit")]


async def test_rate_limit_counts_down_and_refuses(get: Get) -> None:
    """Each response says what is left of the window; once nothing is, 429 says how long to wait."""
    clock = Clock()
    sandbox = Sandbox(rate_limit=2, clock=clock.read)

    assert read_limits(await get(sandbox)) == ("2", "1", "60")
    clock.now += 10.4
    assert read_limits(await get(sandbox)) == ("2", "0", "50")
    clock.now += 0.6
    response = await get(sandbox)

    assert response.status == 429
    assert read_limits(response) == ("2", "0", "49")
    assert response.headers["retry-after"] == "49"
    assert {"statusCode": 429, "message": "Rate limit exceeded. Try again in 49 seconds."} == json.loads(response.body)


async def test_rate_limit_window_ends_after_sixty_seconds(get: Get) -> None:
    """Who waits as long as Retry-After says is served; the next window begins with that request."""
    clock = Clock()
    sandbox = Sandbox(rate_limit=1, clock=clock.read)
    await get(sandbox)
    clock.now += 59.5
    refused = await get(sandbox)
    clock.now += float(refused.headers["retry-after"])
    served = await get(sandbox)

    assert (refused.status, served.status) == (429, 200)
    assert read_limits(served) == ("1", "0", "60")


async def test_wrong_keys_spend_nothing(get: Get) -> None:
    """The budget is the organization's: responses to requests without its key show it, but do not spend it."""
    sandbox = Sandbox(rate_limit=1, clock=Clock().read)

    assert read_limits(await get(sandbox, key="wrong")) == ("1", "1", "60")
    assert (await get(sandbox)).status == 200


async def test_scripted_and_refused_requests_spend(get: Get) -> None:
    """A request that meets a fault, or asks for something wrong, counts like any other."""
    sandbox = Sandbox(rate_limit=3, clock=Clock().read)
    sandbox.script(Status(500))

    assert read_limits(await get(sandbox)) == ("3", "2", "60")
    assert read_limits(await get(sandbox, limit=-1)) == ("3", "1", "60")
    assert read_limits(await get(sandbox, "/v1/nothing")) == ("3", "0", "60")


async def test_requests_are_recorded_in_order(get: Get) -> None:
    """The log holds method, path, decoded parameters and status, and no key."""
    sandbox = Sandbox()
    sandbox.script(None, None, None, Status(503), Cut(), Cut(after_bytes=1))

    await get(sandbox, limit=2, type="inbound")
    await get(sandbox, order="+ü", key="wrong")
    await get(sandbox, "/v1/other%20path", method="DELETE")
    await get(sandbox)
    for _ in range(2):
        with pytest.raises((ConnectionResetError, aiohttp.ClientError)):
            await get(sandbox)

    assert [
        recorded("GET", "/v1/phone-numbers", {"limit": "2", "type": "inbound"}, 200),
        recorded("GET", "/v1/phone-numbers", {"order": "+ü"}, 401),
        recorded("DELETE", "/v1/other%20path", {}, 404),
        recorded("GET", "/v1/phone-numbers", {}, 503),
        recorded("GET", "/v1/phone-numbers", {}, None),
        recorded("GET", "/v1/phone-numbers", {}, None),
    ] == sandbox.requests
    assert "sandbox-key" not in repr(sandbox.requests)


async def test_repeated_parameters_are_recorded_and_refused() -> None:
    """A known parameter must be given once; the record has all values, unknown parameters included."""
    sandbox = Sandbox()
    path = "/v1/phone-numbers?limit=1&tag=a&tag=b"
    async with sandbox, aiohttp.ClientSession() as session:
        for query in ("", "&limit=2", "&type=inbound&type=inbound"):
            async with session.get(f"{sandbox.url}{path}{query}", headers={"x-api-key": "sandbox-key"}) as response:
                message = (await response.json()).get("message")

    assert [200, 400, 400] == [request.status for request in sandbox.requests]
    assert "type must be given once" == message
    assert ["1", "2"] == sandbox.requests[1].params.getall("limit")
    assert ("a", ["a", "b"]) == (sandbox.requests[0].params["tag"], sandbox.requests[0].params.getall("tag"))


async def test_requests_can_be_cleared(get: Get) -> None:
    """The log is the user's to clear; request ids go on."""
    sandbox = Sandbox()
    await get(sandbox)
    sandbox.requests.clear()

    assert (await get(sandbox)).headers["x-request-id"] == "sandbox-000002"
    assert len(sandbox.requests) == 1


async def test_on_request_comes_before_the_response(get: Get) -> None:
    """on_request sees each request, refused ones included, before it is handled and recorded."""
    sandbox = Sandbox()
    seen: list[tuple[RecordedRequest, int]] = []
    sandbox.on_request = lambda request: seen.append((request, len(sandbox.requests)))

    await get(sandbox, limit=3)
    await get(sandbox, key="wrong")
    sandbox.on_request = None
    await get(sandbox)

    assert sandbox.on_request is None
    assert [
        (recorded("GET", "/v1/phone-numbers", {"limit": "3"}, None), 0),
        (recorded("GET", "/v1/phone-numbers", {}, None), 1),
    ] == seen


async def test_on_request_may_script_the_request_it_sees(get: Get) -> None:
    """A fault scripted in on_request is met by that very request."""
    sandbox = Sandbox()

    def fail_second_page(request: RecordedRequest) -> None:
        if request.params["offset"] == "5":
            sandbox.script(Status(500))

    sandbox.on_request = fail_second_page

    assert [200, 500, 200] == [(await get(sandbox, offset=offset)).status for offset in (0, 5, 10)]


async def test_script_is_met_once_in_order(get: Get) -> None:
    """The next requests meet the faults, one each; None is a normal response, and so are those after the script."""
    sandbox = Sandbox()
    sandbox.script(Status(500), None, Status(429))

    assert [500, 200, 429, 200] == [(await get(sandbox)).status for _ in range(4)]


async def test_script_repeats_as_a_whole(get: Get) -> None:
    """Times repeats the sequence, not each fault."""
    sandbox = Sandbox()
    sandbox.script(Status(500), Status(503), times=2)

    assert [500, 503, 500, 503, 200] == [(await get(sandbox)).status for _ in range(5)]


async def test_script_for_ever_until_cleared(get: Get) -> None:
    """times=None repeats the sequence until clear_script()."""
    sandbox = Sandbox()
    sandbox.script(Status(500), None, times=None)

    assert [500, 200, 500, 200, 500] == [(await get(sandbox)).status for _ in range(5)]

    sandbox.clear_script()

    assert [200, 200] == [(await get(sandbox)).status for _ in range(2)]


async def test_fresh_script_replaces_the_old(get: Get) -> None:
    """A new script drops what is left of the one before, also of one for ever."""
    sandbox = Sandbox()
    sandbox.script(Status(500), times=None)
    sandbox.script(Status(503), Status(502))
    sandbox.script(Status(504))

    assert [504, 200] == [(await get(sandbox)).status for _ in range(2)]


async def test_faults_are_met_by_refused_requests_too(get: Get) -> None:
    """A scripted fault takes the place of a 401 as of any response."""
    sandbox = Sandbox()
    sandbox.script(Status(500))

    assert [500, 401] == [(await get(sandbox, key="wrong")).status for _ in range(2)]


async def test_latency_comes_before_each_response(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    """Latency is slept before each response, and added to that of Slow."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds:
            slept.append(seconds)

    sandbox = Sandbox(latency=0.25)
    sandbox.script(None, Slow(1.5))
    await get(Sandbox())  # whatever else sleeps to get going does so now
    monkeypatch.setattr("asyncio.sleep", sleep)
    statuses = [(await get(sandbox)).status for _ in range(2)]
    monkeypatch.undo()

    assert [200, 200] == statuses
    assert slept == [0.25, 1.75]


def test_another_resource_is_one_module() -> None:
    """Routes with identifiers, objects and refusals of their own need nothing new from the handler."""
    name = Field("name", {"type": "string", "minLength": 1}, "What it is called.", example="vip")
    tag = Schema("Tag", (name,))
    paging = Paging(default_limit=5, max_limit=7)

    def get_call(call: Call) -> Mapping[str, object]:
        if call.path["call_id"] != "call 1":
            raise Refusal(404, "no such call")
        return {"id": "call 1"}

    def list_tags(call: Call) -> Page:
        return Page([b'{"name":"vip"}'], 1, paging.read_window(call.query))

    routes = (
        Route("GET", "/v1/tags", list_tags, "list-tags", returns=tag, paging=paging),
        Route("POST", "/v1/tags", lambda call: call.body, "create-tag", returns=tag, body=(name,), status=201),
        Route("GET", "/v1/calls/{call_id}", get_call, "get-call", returns=Schema("Call", ())),
        Route("DELETE", "/v1/calls/{call_id}", lambda _: True, "delete-call", returns=True),
    )

    def response(handler: RequestHandler, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        request = Request(method=method, path=path, body=body, api_key=Secret("k"), idempotent=True)
        reply = handler.respond(request)
        return reply.status, reply.body

    older = partial(response, RequestHandler(routes, api_key="k"))
    newer = partial(response, RequestHandler(routes, api_key="k", envelope="pagination"))

    assert older("GET", "/v1/calls/call%201") == (200, b'{"id": "call 1"}')
    assert newer("GET", "/v1/calls/call%201") == (200, b'{"statusCode": 200, "data": {"id": "call 1"}}')
    assert older("GET", "/v1/calls/call%202") == (404, b'{"statusCode": 404, "message": "no such call"}')
    assert older("DELETE", "/v1/calls/call%202") == (200, b"true")
    assert newer("DELETE", "/v1/calls/call%202") == (200, b'{"statusCode": 200, "data": true}')
    assert older("GET", "/v1/tags") == (200, b'{"data":[{"name":"vip"}],"count":1}')
    assert older("POST", "/v1/tags", b'{"name": "new"}') == (201, b'{"name": "new"}')
    assert newer("POST", "/v1/tags", b'{"name": "new"}') == (201, b'{"statusCode": 201, "data": {"name": "new"}}')
    refused = RequestHandler(routes, api_key="k").respond(
        Request(method="PUT", path="/v1/tags", api_key=Secret("k"), idempotent=True)
    )
    assert (405, "GET, HEAD, POST") == (refused.status, refused.headers["allow"])

    document = json.loads(older("GET", "/openapi.json")[1])
    assert ["/openapi.json", "/v1/tags", "/v1/calls/{call_id}"] == [*document["paths"]]
    statuses = {
        operation["operationId"]: " ".join(operation["responses"])
        for path in [*document["paths"]][1:]
        for operation in document["paths"][path].values()
    }
    assert {
        "listTags": "200 400 401 500",
        "createTag": "201 400 401 500",
        "getCall": "200 401 404 500",
        "deleteCall": "200 401 404 500",
    } == statuses
    assert ["Error", "Tag", "Call"] == [*document["components"]["schemas"]]


HEAVY_PAGING = Paging(default_limit=5, max_limit=7)
HEAVY = (
    Route(
        "GET",
        "/v1/calls",
        lambda call: Page([], 0, HEAVY_PAGING.read_window(call.query)),
        "list-calls",
        returns=Schema("Call", ()),
        paging=HEAVY_PAGING,
        heavy=True,
    ),
    Route("GET", "/v1/credits", lambda _: {}, "get-credits", returns=Schema("Credits", ())),
)


def ask_heavy(limits: RateLimits) -> Callable[..., tuple[int, dict[str, str]]]:
    """Return a function that asks for a path, and returns the status and the headers about limits."""
    handler = RequestHandler(HEAVY, api_key="k", limits=limits)

    def ask(path: str, key: str = "k", **params: str) -> tuple[int, dict[str, str]]:
        request = Request(method="GET", path=path, query=tuple(params.items()), api_key=Secret(key), idempotent=True)
        reply = handler.respond(request)
        shown = {name: value for name, value in reply.headers.items() if name.startswith(("x-rate", "retry"))}
        return reply.status, {name.removeprefix("x-ratelimit-"): value for name, value in shown.items()}

    return ask


def test_heavy_listings_count_in_both_windows() -> None:
    """A heavy request counts in both windows and shows both; other requests count in and show the general one."""
    clock = Clock()
    ask = ask_heavy(RateLimits(5, 2, clock.read))
    heavy = {"limit-heavy": "2", "remaining-heavy": "1", "reset-heavy": "60"}

    assert (200, {"limit": "5", "remaining": "4", "reset": "60", **heavy}) == ask("/v1/calls")
    assert (200, {"limit": "5", "remaining": "3", "reset": "60"}) == ask("/v1/credits")
    assert (404, {"limit": "5", "remaining": "2", "reset": "60"}) == ask("/v1/nothing")
    assert (401, {"limit": "5", "remaining": "2", "reset": "60", **heavy}) == ask("/v1/calls", key="wrong")
    clock.now += 10
    spent = {"limit-heavy": "2", "remaining-heavy": "0", "reset-heavy": "50"}
    assert (400, {"limit": "5", "remaining": "1", "reset": "50", **spent}) == ask("/v1/calls", limit="-1")
    assert (429, {"limit": "5", "remaining": "1", "reset": "50", **spent, "retry-after": "50"}) == ask("/v1/calls")
    assert (200, {"limit": "5", "remaining": "0", "reset": "50"}) == ask("/v1/credits")


def test_a_heavy_request_waits_for_both_windows() -> None:
    """Retry-After is the time until each of its windows has room; a refused request counts in none."""
    clock = Clock()
    ask = ask_heavy(RateLimits(2, 1, clock.read))
    ask("/v1/credits")
    clock.now += 20
    ask("/v1/calls")

    status, headers = ask("/v1/calls")
    assert (429, "60", "40") == (status, headers["retry-after"], headers["reset"])
    clock.now += 40
    assert (200, "1") == (ask("/v1/credits")[0], ask("/v1/calls")[1]["remaining"])


def test_heavy_requests_may_be_the_only_limited_ones() -> None:
    """Without a general limit, only heavy listings have one, and only their responses show it."""
    ask = ask_heavy(RateLimits(None, 1, Clock().read))
    heavy = {"limit-heavy": "1", "remaining-heavy": "0", "reset-heavy": "60"}

    assert [(200, {})] * 3 == [ask("/v1/credits") for _ in range(3)]
    assert [(200, heavy), (429, {**heavy, "retry-after": "60"})] == [ask("/v1/calls") for _ in range(2)]


@pytest.mark.parametrize("general", [None, 5])
@pytest.mark.parametrize("heavy", [None, 2])
def test_heavy_limits_are_described(general: int | None, heavy: int | None) -> None:
    """The headers of each response are described where it has them, and 429 where it may come."""
    document = build_document(HEAVY, "count", RateLimits(general, heavy, Clock().read))
    expected = {
        "/v1/calls": 3 * ((general is not None) + (heavy is not None)),
        "/v1/credits": 3 * (general is not None),
    }

    assert [] == [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    for path, headers in expected.items():
        responses = document["paths"][path]["get"]["responses"]
        assert (headers > 0) == ("429" in responses)
        for status, response in responses.items():
            found = response
            if "$ref" in response:
                found = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
            assert (path, status, 1 + headers + (status == "429")) == (path, status, len(found["headers"]))
            for header in found["headers"].values():
                assert header["$ref"].rpartition("/")[2] in document["components"]["headers"]
