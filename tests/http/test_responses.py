"""What responses mean: statuses, messages, waits, JSON. What holds for any response is in `fuzzing.laws`."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contactship_async import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    MalformedResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StatusError,
    UnexpectedRedirectError,
)
from contactship_async._http.messages import Response
from contactship_async._http.requests import build_request
from contactship_async._http.responses import read_error
from contactship_async._http.secret import Secret

KEY = Secret('sk-"secret"\\key')
REQUEST = replace(build_request(method="GET", path="/v1/phone-numbers"), api_key=KEY)


def error_of(status: int, body: bytes = b"", **headers: str) -> StatusError:
    """Return the error of a response."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    error = read_error(REQUEST, Response(status=status, headers=names, body=body))
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("status", "error"),
    [(300, UnexpectedRedirectError), (307, UnexpectedRedirectError), (400, BadRequestError), (401, AuthenticationError),
     (403, PermissionDeniedError), (404, NotFoundError), (409, ConflictError), (429, RateLimitError),
     (500, ServerError), (599, ServerError), (402, StatusError), (408, StatusError), (600, StatusError),
     (999, StatusError)],
)  # fmt: skip
def test_statuses(status: int, error: type[StatusError]) -> None:
    """Each status has one error class."""
    assert error is type(error_of(status))
    assert status == error_of(status).status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"statusCode": 400, "message": "limit must be >= 0"}', "limit must be >= 0"),
        (b'{"message": ["limit is wrong", 5, "order is wrong"]}', "limit is wrong; order is wrong"),
        (b'{"message": {"a": 1}}', ""),
        (b'{"error": 400}', ""),
        (b'["message"]', ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_messages(body: bytes, message: str) -> None:
    """The server's words are found where the revisions of the API put them."""
    assert message == error_of(400, body).message


def test_facts_of_an_error() -> None:
    """An error holds the call and what the server said of it, but its text only the call, the status and the wait."""
    error = error_of(429, b'{"message": "+12025550142 must wait"}', x_request_id="req-7", retry_after="5")

    assert ("GET", "/v1/phone-numbers", "req-7", 5.0) == (error.method, error.path, error.request_id, error.retry_after)
    assert b'{"message": "+12025550142 must wait"}' == error.body
    assert "GET /v1/phone-numbers failed: 429 Too Many Requests; the server asks to wait 5 s" == str(error)


def test_add_ons() -> None:
    """A 403 of an endpoint that is part of an add-on names it; other errors, and other endpoints, don't."""
    tasks = build_request(method="GET", path="/v1/tasks", add_on="Tasks")
    refused = read_error(tasks, Response(status=403))

    assert isinstance(refused, PermissionDeniedError)
    assert "Tasks" == refused.add_on
    assert "GET /v1/tasks failed: 403 Forbidden; Tasks is an add-on, which may not be enabled" == str(refused)
    assert "GET /v1/tasks failed: 404 Not Found" == str(read_error(tasks, Response(status=404)))
    assert "GET /v1/phone-numbers failed: 403 Forbidden" == str(error_of(403))


@pytest.mark.parametrize(
    "identifier",
    ["+12025550142", "%2B12025550142", "12025550142", "a@example.com", "a%40b.com", "a%2540b.com", "+1_202_555_0142",
     "+1%C2%A0202%C2%A0555%C2%A00142", "202%E2%80%91555%E2%80%910142", "1,202,555,0142"],
)  # fmt: skip
def test_text_without_persons(identifier: str) -> None:
    """A path that holds a phone number or an address is not printed as it is."""
    request = build_request(method="GET", path=f"/v1/contacts/{identifier}/tags")
    error = read_error(request, Response(status=404))

    assert "GET /v1/contacts/***/tags failed: 404 Not Found" == str(error)


def test_body_and_message_are_capped() -> None:
    """Of a long body and a long message, the first 64 KiB are kept."""
    error = error_of(500, b'{"message": "' + b"%41" * 70_000 + b'"}')

    assert [64 * 1024] * 2 == [len(error.body), len(error.message)]


@pytest.mark.parametrize("echo", [b'sk-"secret"\\key', b'sk-\\"secret\\"\\\\key', b'sk-"secret', b'sk-\\"secret\\'])
def test_echoed_key_is_masked(echo: bytes) -> None:
    """A server that echoes the key, plain, escaped or cut off, does not get it into the error."""
    error = error_of(401, b"invalid key " + echo, x_request_id=echo.decode())

    assert b"invalid key ***" == error.body
    assert "***" == error.request_id


def test_echoed_key_in_the_message() -> None:
    """The message is masked after it was decoded."""
    assert "bad: ***" == error_of(401, b'{"message": "bad: sk-\\u0022secret\\u0022\\\\key"}').message


@pytest.mark.parametrize("surrogate", [0xDCFF, 0xD800])
def test_request_id_that_is_not_text(surrogate: int) -> None:
    """Header bytes that are not UTF-8 are made printable, and so is what other transports may deliver."""
    assert "\ufffd" == error_of(500, x_request_id=chr(surrogate)).request_id


@pytest.mark.parametrize(
    ("body", "value"), [(b"", None), (b" \n", None), (b"null", None), (b'{"a": [1]}', {"a": [1]}), (b"true", True)]
)
def test_json(body: bytes, value: object) -> None:
    """JSON is returned as it was sent; an empty body is None."""
    assert value == Response(status=200, body=body).json()


def test_json_keeps_large_integers() -> None:
    """Integers beyond 64 bits stay exact."""
    assert 2**70 == Response(status=200, body=str(2**70).encode()).json()


def test_json_that_is_none() -> None:
    """What is not JSON is refused."""
    with pytest.raises(MalformedResponseError, match="not JSON"):
        Response(status=200, body=b"<html>").json()
