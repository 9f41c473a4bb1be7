"""What calls and answers mean: paths, queries, statuses, messages, waits."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any
from urllib.parse import unquote

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

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
from contactship_async._messages import Request, Response
from contactship_async._protocol import build_request, quote_path, read_error, read_json, read_retry_after
from contactship_async._secret import Secret

KEY = Secret('sk-"secret"\\key')
REQUEST = evolve(build_request(method="GET", path="/v1/phone-numbers"), api_key=KEY)


def error_of(status: int, body: bytes = b"", **headers: str) -> StatusError:
    """Return the error of an answer."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    error = read_error(REQUEST, Response(status=status, headers=names, body=body))
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("/v1/phone-numbers", "/v1/phone-numbers"),
        ("/v1/contacts/+12025550142", "/v1/contacts/%2B12025550142"),
        ("/v1/contacts/%2B12025550142", "/v1/contacts/%2B12025550142"),
        ("/v1/contacts/a b@example.com", "/v1/contacts/a%20b%40example.com"),
        ("/v1/contacts/100%", "/v1/contacts/100%25"),
        ("/v1/contacts/ñ", "/v1/contacts/%C3%B1"),
        ("/v1/contacts/a\\..\\b", "/v1/contacts/a%5C..%5Cb"),
        ("/v1/contacts/a\r\nx: y", "/v1/contacts/a%0D%0Ax%3A%20y"),
    ],
)
def test_paths(path: str, quoted: str) -> None:
    """Segments are percent-encoded once, so that an identifier stays one segment."""
    assert quoted == quote_path(path)


@pytest.mark.parametrize(
    "path",
    ["", "v1", "//evil.example/v1", "/v1/", "/v1//x", "/v1/./x", "/v1/../x", "/v1/%2e%2E/x", "/v1/x?y=1", "/v1/x#y",
     "https://evil.example/v1", "/v1/\ud800"],
)  # fmt: skip
def test_refused_paths(path: str) -> None:
    """What a server would resolve to another place, or would take for a query, is refused."""
    with pytest.raises(ValueError, match="path must"):
        quote_path(path)


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: not {"/", "?", "#", "%"} & set(text)))
def test_identifier_survives_the_path(identifier: str) -> None:
    """Whatever an identifier holds comes back when the segment is decoded."""
    if identifier in (".", ".."):
        return

    assert ["", "v1", identifier] == [unquote(segment) for segment in quote_path(f"/v1/{identifier}").split("/")]


def test_query() -> None:
    """Values get the API's own forms; None is left out, several are repeated."""

    class Colour(Enum):
        RED = "red"

    request = build_request(
        method="get",
        path="/v1/calls",
        params={
            "limit": 5,
            "ratio": 0.5,
            "include_words": True,
            "include_tools": False,
            "agent_id": None,
            "colour": Colour.RED,
            "date_from": datetime(2026, 1, 15, tzinfo=UTC),
            "tags": ["a", None, "b"],
        },
    )

    assert "GET" == request.method
    assert (
        ("limit", "5"),
        ("ratio", "0.5"),
        ("include_words", "true"),
        ("include_tools", "false"),
        ("colour", "red"),
        ("date_from", "2026-01-15T00:00:00+00:00"),
        ("tags", "a"),
        ("tags", "b"),
    ) == request.query


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"method": "FETCH"}, ValueError, "method must be one of GET, HEAD, POST, PUT, PATCH, DELETE"),
        ({"method": None}, TypeError, "method must be of type str, not NoneType"),
        ({"path": 5}, TypeError, "path must be of type str, not int"),
        ({"idempotent": 1}, TypeError, "idempotent must be of type bool, not int"),
        ({"params": [("x", "y")]}, TypeError, "params must be of type Mapping, not list"),
        ({"params": {1: "x"}}, TypeError, "each name in params must be of type str, not int"),
        ({"params": {"x": float("nan")}}, ValueError, r"params\['x'\] must be finite"),
        ({"params": {"x": {}}}, TypeError, r"params\['x'\] must be a text"),
        ({"params": {"x": b"y"}}, TypeError, r"params\['x'\] must be a text"),
        ({"params": {"x": "\ud800"}}, ValueError, r"params\['x'\] must hold no lone surrogates"),
        ({"json": object()}, TypeError, "json must be of types that JSON has a form for"),
        ({"json": "\ud800"}, ValueError, "json must hold no lone surrogates"),
        ({"json": CYCLE}, ValueError, "not be nested too deeply"),
    ],
)
def test_refused_arguments(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """Arguments are checked before anything is sent, and the error names the argument."""
    with pytest.raises(error, match=text):
        build_request(**{"method": "GET", "path": "/v1/x", **arguments})


@pytest.mark.parametrize(
    ("method", "idempotent", "is_idempotent"),
    [("GET", None, True), ("HEAD", None, True), ("POST", None, False), ("PUT", None, False), ("PATCH", None, False),
     ("DELETE", None, False), ("POST", True, True), ("GET", False, False)],
)  # fmt: skip
def test_idempotence(method: str, idempotent: bool | None, is_idempotent: bool) -> None:
    """Only reads are idempotent, unless the caller knows better."""
    assert is_idempotent is build_request(method=method, path="/v1/x", idempotent=idempotent).idempotent


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


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success(status: int) -> None:
    """A 2xx is no error."""
    assert read_error(REQUEST, Response(status=status)) is None


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
    assert "GET /v1/phone-numbers was answered 429 Too Many Requests; the server asks to wait 5 s" == str(error)


@pytest.mark.parametrize("identifier", ["+12025550142", "%2B12025550142", "12025550142", "a@example.com", "a%40b.com"])
def test_text_without_persons(identifier: str) -> None:
    """A path that holds a phone number or an address is not printed as it is."""
    request = build_request(method="GET", path=f"/v1/contacts/{identifier}/tags")
    error = read_error(request, Response(status=404))

    assert "GET /v1/contacts/***/tags was answered 404 Not Found" == str(error)


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


def test_request_id_that_is_not_text() -> None:
    """Header bytes that are not UTF-8 are made printable."""
    assert "\ufffd" == error_of(500, x_request_id="\udcff").request_id


@pytest.mark.parametrize(
    ("body", "value"), [(b"", None), (b" \n", None), (b"null", None), (b'{"a": [1]}', {"a": [1]}), (b"true", True)]
)
def test_json(body: bytes, value: object) -> None:
    """JSON is returned as it was sent; an empty body is None."""
    assert value == read_json(Response(status=200, body=body))


def test_json_keeps_large_integers() -> None:
    """Integers beyond 64 bits stay exact."""
    assert 2**70 == read_json(Response(status=200, body=str(2**70).encode()))


def test_json_that_is_none() -> None:
    """What is not JSON is refused."""
    with pytest.raises(MalformedResponseError, match="not JSON"):
        read_json(Response(status=200, body=b"<html>"))


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 17 "}, 17),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "9" * 400}, 1e9),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Wed, 21 Oct 9999 07:27:00 GMT", "date": DATE}, 1e9),
        ({"retry-after": "Wed, 21 Oct 1999 07:27:00 GMT", "date": "yesterday"}, 0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Numbers and dates are read as seconds from now, within what arithmetic can take; all else is ignored."""
    assert seconds == read_retry_after(headers)


@given(
    st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,9} \d\d:\d\d:\d\d [-+A-Z0-9]{0,6}"), st.text()
)
def test_retry_after_never_crashes(value: str, date: str) -> None:
    """Whatever the headers hold, the wait is a plausible number or None."""
    seconds = read_retry_after({"retry-after": value, "date": date})

    assert seconds is None or 0 <= seconds <= 1e9


def test_request_shows_no_secret() -> None:
    """The repr of a request holds neither key nor query nor body."""
    request: Request = build_request(
        method="POST", path="/v1/contacts/+12025550142", params={"email": "a@b.c"}, json={"x": "y"}
    )

    assert "Request(method='POST', api_key=***, idempotent=False)" == repr(evolve(request, api_key=KEY))
